//! A key that the person approves in a browser.

use std::process::{Command, Stdio};
use std::time::Duration;

use clap::ValueEnum;
use serde_json::json;
use tokio::time::timeout;
use toolvault_core::confidential::Wiped;
use toolvault_core::digest::{hexadecimal, sha256};
use toolvault_core::entropy::Entropy as _;
use toolvault_gateway::http::{Method, Url};
use toolvault_vault::SystemEntropy;

use super::At;
use crate::api::keys::IssuedKey;
use crate::api::{Api, Body};
use crate::browser;
use crate::failure::{ExitStatus, Failure, with_causes};
use crate::loopback::{Loopback, code_for, see_other};

/// How long the person may take.
const PATIENCE: Duration = Duration::from_mins(10);
/// How many digits of the challenge the person compares.
const COMPARED: usize = 12;

/// How a person signs in: with a key that they type, or with one that they approve in the browser of this machine, or in
/// another, which shows a code to paste.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Way {
    Key,
    Browser,
    Code,
}

/// The key that the person approves.
pub(super) async fn approved_key(at: &At<'_>, way: Way) -> Result<IssuedKey, Failure> {
    let verifier = random()?;
    let challenge = hexadecimal(&sha256(verifier.as_bytes()));
    let code = match way {
        Way::Browser => brought(at, &challenge).await?,
        Way::Key | Way::Code => typed(at, &challenge)?,
    };
    let api = at.api(None)?;
    let url = api.url(&["session", "approvals", "key"]);
    let body = json!({"code": code.trim(), "verifier": verifier.as_str()});
    let issued = api.fetch(Method::POST, &url, Body::json(&body)).await;
    issued.map_err(|failure: Failure| {
        if failure.is_unauthenticated {
            Failure::refused("the server did not accept the approval")
                .hint("an approval is valid for two minutes and one key: run toolvault login again")
        } else {
            failure
        }
    })
}

/// Whether people sign in at this server at an identity provider.
pub(super) async fn has_issuers(api: &Api<'_>) -> Result<bool, Failure> {
    #[derive(serde::Deserialize)]
    struct Issuer {}
    let url = api.url(&["session", "issuers"]);
    let listed: Result<crate::api::List<Issuer>, _> =
        api.fetch(Method::GET, &url, Body::Nothing).await;
    match listed {
        Ok(listed) => Ok(!listed.data.is_empty()),
        // There is no dashboard, or not over this connection.
        Err(failure) if failure.status == ExitStatus::Refused => Ok(false),
        Err(failure) => Err(failure),
    }
}

/// What the browser of this machine brings.
async fn brought(at: &At<'_>, challenge: &str) -> Result<Wiped<String>, Failure> {
    let cannot = |error: std::io::Error| {
        Failure::failed(format!(
            "cannot listen on this machine: {}",
            with_causes(&error)
        ))
        .hint("sign in with: toolvault login --with code")
    };
    let loopback = Loopback::bind().await.map_err(cannot)?;
    let page = page(at.url, challenge, Some(loopback.port));
    tell(at, challenge, &page, "It opens in your browser, else open");
    if !browser::open(&page) {
        at.context
            .printer
            .error_line("No browser could be started, so you need a code.");
        return typed(at, challenge);
    }
    let approved = format!("{}#/approved", base(at.url));
    match timeout(
        PATIENCE,
        loopback.brought(code_for(challenge), see_other(&approved)),
    )
    .await
    {
        Ok(code) => code.map_err(cannot),
        Err(_elapsed) => Err(Failure::refused("no approval came within 10 minutes")
            .hint("for a browser on another machine, use: toolvault login --with code")),
    }
}

/// What the person types.
fn typed(at: &At<'_>, challenge: &str) -> Result<Wiped<String>, Failure> {
    tell(at, challenge, &page(at.url, challenge, None), "Open");
    let typed = rpassword::prompt_password("Code from the browser: ");
    let code = typed.map(Wiped::new).map_err(|error| {
        Failure::refused(format!("cannot read the code: {error}")).hint("run it in a terminal")
    })?;
    if code.trim().is_empty() {
        return Err(Failure::refused("no code was given"));
    }
    Ok(code)
}

fn tell(at: &At<'_>, challenge: &str, page: &str, act: &str) {
    let printer = at.context.printer;
    printer.error_line("Approve a key for this command line in a browser.");
    printer.error_line(&format!("{act}: {page}"));
    printer.error_line(&format!(
        "Approve it only if the page shows: {}",
        compared(challenge)
    ));
}

/// What the person compares, in groups.
fn compared(challenge: &str) -> String {
    let digits: Vec<char> = challenge.chars().take(COMPARED).collect();
    let groups: Vec<String> = digits
        .chunks(4)
        .map(|group| group.iter().collect())
        .collect();
    groups.join("-")
}

/// The page on which the person approves. Browsers send what is behind the `#` to no server.
fn page(url: &Url, challenge: &str, port: Option<u16>) -> String {
    let mut page = base(url);
    let mut query = page.clone();
    query
        .query_pairs_mut()
        .append_pair("challenge", challenge)
        .append_pair("name", &key_name());
    if let Some(port) = port {
        query
            .query_pairs_mut()
            .append_pair("port", &port.to_string());
    }
    let query = query.query().unwrap_or_default();
    page.set_fragment(Some(&format!("/approve?{query}")));
    page.into()
}

/// Where the dashboard is.
fn base(url: &Url) -> Url {
    let mut base = url.clone();
    base.set_query(None);
    if let Ok(mut path) = base.path_segments_mut() {
        path.pop_if_empty().push("");
    }
    base
}

/// The name that is proposed for the key.
fn key_name() -> String {
    let mut command = Command::new("uname");
    let asked = command.arg("-n").stdin(Stdio::null()).output();
    let machine = asked
        .ok()
        .and_then(|output| String::from_utf8(output.stdout).ok());
    let machine = machine.as_deref().map(str::trim).unwrap_or_default();
    match machine {
        "" => "command line".to_owned(),
        machine => format!("command line on {machine}"),
    }
}

fn random() -> Result<Wiped<String>, Failure> {
    let mut bytes = Wiped::new([0; 32]);
    SystemEntropy
        .fill(&mut *bytes)
        .map_err(|error| Failure::failed(with_causes(&error)))?;
    Ok(Wiped::new(hexadecimal(&*bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_that_of_the_server_below_its_path() {
        for (url, start) in [
            (
                "https://v.example",
                "https://v.example/#/approve?challenge=c&name=command+line",
            ),
            (
                "https://v.example/vault",
                "https://v.example/vault/#/approve?challenge=c&name=",
            ),
            (
                "http://127.0.0.1:8710/vault/",
                "http://127.0.0.1:8710/vault/#/approve?challenge=c&",
            ),
        ] {
            let url = Url::parse(url).unwrap();
            let page_with_port = page(&url, "c", Some(1));
            assert!(page_with_port.starts_with(start), "{page_with_port}");
            assert!(page_with_port.ends_with("&port=1"), "{page_with_port}");
            assert!(!page(&url, "c", None).contains("port="));
        }
    }

    #[test]
    fn a_person_compares_three_groups() {
        assert_eq!(compared(&"0123456789abcdef".repeat(4)), "0123-4567-89ab");
    }
}
