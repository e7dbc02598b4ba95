//! The members of a server in a client's JSON file, as that client spells them.

use toolvault_core::confidential::Wiped;
use toolvault_core::json::{Object, Value, write_string};

use super::Replacement;
use crate::commands::mcp::import::client::Kind;
use crate::commands::mcp::import::given::{ADDRESSES, TRANSPORTS, Transport, transport};
use crate::commands::mcp::import::left::Text;
use crate::environment::{API_KEY, URL};

/// What says how a server is reached; everything else of an entry stays.
const REPLACED: [&str; 12] = [
    "type",
    "transport",
    "url",
    "serverUrl",
    "httpUrl",
    "headers",
    "oauth",
    "command",
    "args",
    "env",
    "environment",
    "cwd",
];

/// A member: its name, and its value as JSON.
pub(in crate::commands::mcp::import) struct Member {
    name: &'static str,
    value: Text,
}

/// Whether a member of a client's server gives way to others.
pub(in crate::commands::mcp::import) fn is_replaced(name: &str, members: &[Member]) -> bool {
    // A transport that is spelled in the client's own way stays.
    let is_transport = TRANSPORTS.contains(&name)
        && !members
            .iter()
            .any(|member| TRANSPORTS.contains(&member.name));
    REPLACED.contains(&name) && !is_transport
}

/// What takes the place of the members of `object`.
pub(in crate::commands::mcp::import) fn members(
    kind: Kind,
    object: Object<'_>,
    replacement: &Replacement<'_>,
) -> Vec<Member> {
    match replacement {
        Replacement::Http { url, key } => {
            let key = key.map_or_else(|| Wiped::new(kind.variable(API_KEY)), Wiped::clone);
            let bearer = Wiped::new(format!("Bearer {}", key.as_str()));
            let address = ADDRESSES.iter().find(|name| object.get(name).is_some());
            let address = address.copied().unwrap_or(match kind {
                Kind::Gemini => "httpUrl",
                Kind::Windsurf => "serverUrl",
                _ => "url",
            });
            let named = named_transport(kind, object, Transport::Http);
            let named = named.map(|(name, spelled)| Member {
                name,
                value: string(spelled),
            });
            let headers = object_of(&[("Authorization", string(&bearer))]);
            let members = [(address, string(url)), ("headers", headers)];
            let members = members.map(|(name, value)| Member { name, value });
            named.into_iter().chain(members).collect()
        }
        Replacement::Stdio {
            program,
            server,
            base,
            key,
        } => {
            let words = Replacement::arguments(server).map(string);
            let words = words.each_ref().map(|word| word.as_str()).join(", ");
            let program = string(&program.to_string_lossy());
            let mut env = vec![(URL, string(base))];
            env.extend(key.map(|key| (API_KEY, string(key))));
            let env = object_of(&env);
            let named = named_transport(kind, object, Transport::Stdio);
            let named = named.map(|(name, spelled)| Member {
                name,
                value: string(spelled),
            });
            let members = if object.get("command").and_then(Value::as_object).is_some() {
                let args = Wiped::new(format!("[{words}]"));
                vec![(
                    "command",
                    object_of(&[("path", program), ("args", args), ("env", env)]),
                )]
            } else if kind == Kind::Opencode {
                let command = Wiped::new(format!("[{}, {words}]", program.as_str()));
                vec![("command", command), ("environment", env)]
            } else {
                let args = Wiped::new(format!("[{words}]"));
                vec![("command", program), ("args", args), ("env", env)]
            };
            let members = members
                .into_iter()
                .map(|(name, value)| Member { name, value });
            named.into_iter().chain(members).collect()
        }
    }
}

/// The member that names the transport, if one is needed and the client's own does not name it already.
fn named_transport(
    kind: Kind,
    object: Object<'_>,
    wanted: Transport,
) -> Option<(&'static str, &'static str)> {
    let own = TRANSPORTS.iter().find_map(|name| {
        let spelled = object.get(name)?.as_text()?.ok()?;
        Some((*name, transport(&spelled).ok()?))
    });
    match own {
        Some((_, transport)) if transport == wanted => return None,
        None if wanted == Transport::Stdio && kind != Kind::Opencode => return None,
        None if matches!(
            kind,
            Kind::Cursor | Kind::Windsurf | Kind::Gemini | Kind::Zed
        ) =>
        {
            return None;
        }
        _ => {}
    }
    let spelled = match (kind, wanted) {
        (Kind::Opencode, Transport::Http) => "remote",
        (Kind::Opencode, Transport::Stdio) => "local",
        (_, Transport::Http) => "http",
        (_, Transport::Stdio) => "stdio",
    };
    Some((own.map_or("type", |(name, _)| name), spelled))
}

/// Members as they are written in a line each that begins with `line`, or all in one.
pub(in crate::commands::mcp::import) fn written(members: &[Member], line: Option<&str>) -> Text {
    let separator = line.map_or_else(|| ", ".to_owned(), |line| format!(",\n{line}"));
    let names: Vec<Text> = members.iter().map(|member| string(member.name)).collect();
    let mut pieces = Vec::with_capacity(members.len() * 4);
    for (index, (name, member)) in names.iter().zip(members).enumerate() {
        let separator = if index == 0 { "" } else { &separator };
        pieces.extend([separator, name, ": ", &member.value]);
    }
    // The text is made at once, so that no growing leaves a copy of a key behind.
    Wiped::new(pieces.concat())
}

fn string(text: &str) -> Text {
    let mut out = Wiped::new(Vec::with_capacity(text.len() + 16));
    write_string(text, &mut out);
    // JSON is UTF-8.
    Wiped::new(String::from_utf8(out.to_vec()).unwrap_or_default())
}

fn object_of(members: &[(&'static str, Text)]) -> Text {
    let members = members.iter().map(|(name, value)| Member {
        name,
        value: value.clone(),
    });
    let members: Vec<Member> = members.collect();
    Wiped::new(["{ ", &written(&members, None), " }"].concat())
}
