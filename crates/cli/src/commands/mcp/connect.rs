//! `toolvault mcp connect`: signs the user in at a server, in the browser of this machine or of another.

use std::time::Duration;

use clap::Args;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::time::timeout;
use toolvault_core::confidential::Wiped;
use toolvault_gateway::ServerName;
use toolvault_gateway::http::Url;

use super::file::parse_name;
use crate::api::Api;
use crate::api::connection::ConnectionOptions;
use crate::api::connections::Begun;
use crate::browser;
use crate::context::Context;
use crate::failure::{Failure, with_causes};
use crate::loopback::{Loopback, callback_with, text};
use crate::printer::Printer;

/// How long the person may take.
const PATIENCE: Duration = Duration::from_mins(10);
/// The longest address that may be pasted, in bytes.
const LONGEST_ADDRESS: u64 = 16 << 10;
/// What the browser shows at the end.
const DONE: &str =
    "Toolvault has the answer. Go back to your terminal, which says whether you are signed in.";

#[derive(Args)]
#[command(after_help = "\
Examples:
  toolvault mcp connect linear
  toolvault mcp connect github --scope repo --scope read:org

Toolvault finds the server's authorization server, and you sign in there in the browser. Only \
Toolvault gets the tokens, renews them, and adds them to your agents' calls to this server. \
The key needs the scope manage.")]
pub(crate) struct ConnectOptions {
    /// Name of the server
    #[arg(value_parser = parse_name)]
    name: ServerName,
    /// Ask for this scope instead of those that the server asks for
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// Only print the address, and take the one at which the browser ends
    #[arg(long)]
    no_browser: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: ConnectionOptions,
}

pub(super) async fn run(options: &ConnectOptions, context: &Context<'_>) -> anyhow::Result<()> {
    let (name, printer) = (&options.name, context.printer);
    let api = Api::connect(&options.connection, context).await?;
    let loopback = Loopback::bind()
        .await
        .map_err(|error| cannot_listen(&error))?;
    let begun = api
        .begin_connection(name, loopback.port, &options.scopes)
        .await?;
    let state = state_in(&begun.url)?;
    let is_open = tell(options, &begun, context);
    let waiting = async {
        tokio::select! {
            brought = loopback.brought(callback_with(state.clone()), text(DONE)) => brought,
            pasted = pasted(BufReader::new(tokio::io::stdin()), &state, printer), if !is_open => Ok(pasted),
        }
    };
    let answer: Wiped<String> = match timeout(PATIENCE, waiting).await {
        Ok(answer) => answer.map_err(|error| cannot_listen(&error))?,
        Err(_elapsed) => {
            return Err(Failure::refused("no answer came within 10 minutes")
                .hint("if the browser is on another machine, use --no-browser; or sign in on the dashboard's page Gateway")
                .into());
        }
    };
    let connection = api.complete_connection(name, &begun.flow, &answer).await?;
    if options.json {
        return printer.json(&connection);
    }
    let scopes = match connection.scopes.as_slice() {
        [] => String::new(),
        scopes => format!(" with {}", scopes.join(" ")),
    };
    Ok(printer.line(&format!("Signed in at {name}{scopes}."))?)
}

/// What the answer must repeat: any program of this machine may send one.
fn state_in(url: &str) -> Result<String, Failure> {
    let parsed = Url::parse(url).ok();
    let parsed = parsed.filter(|url| ["http", "https"].contains(&url.scheme()));
    let query = parsed.as_ref().and_then(Url::query).unwrap_or_default();
    let state = query.split('&').find(|pair| pair.starts_with("state="));
    state
        .map(str::to_owned)
        .ok_or_else(|| Failure::failed("the server sent no address of a sign-in page"))
}

/// The answer in an address that the person pastes: a browser of another machine ends there and cannot open it. Never
/// comes if nothing can be read: the browser may still bring it.
async fn pasted(
    mut input: impl AsyncBufRead + Unpin,
    state: &str,
    printer: &Printer,
) -> Wiped<String> {
    loop {
        let mut line = Wiped::new(Vec::new());
        let mut limited = (&mut input).take(LONGEST_ADDRESS);
        let Ok(1..) = limited.read_until(b'\n', &mut line).await else {
            return std::future::pending().await;
        };
        let address = str::from_utf8(&line).map(str::trim);
        if address == Ok("") {
            continue;
        }
        if let Some(answer) = address.ok().and_then(|address| answer_in(address, state)) {
            return answer;
        }
        printer.error_line(
            "This address does not end the sign-in that began here. Paste the one at which the browser ended.",
        );
    }
}

/// The query of an address, if it answers to the state. The address at which the sign-in begins has the state, too.
fn answer_in(address: &str, state: &str) -> Option<Wiped<String>> {
    let (_, query) = address.split_once('?')?;
    let query = query.split('#').next().unwrap_or_default();
    let mut pairs = query.split('&');
    let is_ours = pairs.clone().any(|pair| pair == state);
    let is_answer = pairs.any(|pair| pair.starts_with("code=") || pair.starts_with("error="));
    (is_ours && is_answer).then(|| Wiped::new(query.to_owned()))
}

/// Says what to do. Returns whether a browser opened.
fn tell(options: &ConnectOptions, begun: &Begun, context: &Context<'_>) -> bool {
    let printer = context.printer;
    let (name, host) = (&options.name, &begun.issuer_host);
    printer.error_line(&format!("Sign in for the server {name} at {host}."));
    if !begun.scopes.is_empty() {
        printer.error_line(&format!("It asks for: {}", begun.scopes.join(" ")));
    }
    let is_open = !options.no_browser && browser::open(&begun.url);
    let url = &begun.url;
    if is_open {
        printer.error_line(&format!("It opens in your browser, else open: {url}"));
    } else {
        printer.error_line(&format!("Open in a browser: {url}"));
        printer.error_line(
            "On another machine, it ends at an address of 127.0.0.1 that it cannot open: paste that address here.",
        );
    }
    is_open
}

fn cannot_listen(error: &std::io::Error) -> Failure {
    let why = with_causes(error);
    Failure::failed(format!("cannot listen on this machine: {why}"))
        .hint("sign in on the dashboard's page Gateway")
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use tokio::io::{AsyncRead, ReadBuf};

    use super::*;

    const ANSWER: &str = "http://127.0.0.1:4711/callback?code=c&state=abc\n";

    /// Standard input that cannot be read.
    struct Broken;

    impl AsyncRead for Broken {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            Poll::Ready(Err(io::Error::other("broken")))
        }
    }

    #[tokio::test]
    async fn whatever_is_no_answer_is_asked_for_again() {
        let long = "x".repeat(40 << 10);
        for before in [
            b"".as_slice(),
            b"\n",
            b"hello\n",
            b"\xff\xfe\n",
            long.as_bytes(),
            b"\n\xc3",
        ] {
            let input = [before, b"\n", ANSWER.as_bytes()].concat();
            let answer = pasted(input.as_slice(), "state=abc", &Printer::new()).await;
            assert_eq!(*answer, "code=c&state=abc");
        }
    }

    #[tokio::test]
    async fn without_standard_input_only_the_browser_is_waited_for() {
        let printer = Printer::new();
        let broken = BufReader::new(b"hello\n".chain(Broken));
        tokio::select! {
            biased;
            _ = pasted(broken, "state=abc", &printer) => panic!("it ended"),
            _ = pasted(b"".as_slice(), "state=abc", &printer) => panic!("it ended"),
            () = std::future::ready(()) => {}
        }
    }

    #[test]
    fn only_an_address_with_the_state_is_an_answer() {
        let answer = |address| answer_in(address, "state=abc").map(|answer| answer.to_string());
        for address in [
            "http://127.0.0.1:4711/callback?code=c&state=abc",
            "127.0.0.1:4711/callback?code=c&state=abc#x",
        ] {
            assert_eq!(answer(address).unwrap(), "code=c&state=abc");
        }
        for address in [
            "",
            "hello",
            "https://auth.test/authorize?client_id=a&state=abc&code_challenge=b",
            "http://127.0.0.1/callback?code=c&state=abcd",
            "http://127.0.0.1/callback?code=c&xstate=abc",
            "http://127.0.0.1/callback#code=c&state=abc",
        ] {
            assert_eq!(answer(address), None, "{address}");
        }
    }
}
