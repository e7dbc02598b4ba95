//! What a client says about one server, in whichever form: a URL with headers, or a program.

use toolvault_core::json::{Array, Kind as JsonKind, Object, Value};

use super::client::Kind;
use super::left::{Left, Text};

/// A server as its client has it. Variables are as they are spelled.
pub(super) enum Given {
    Remote {
        url: Text,
        headers: Vec<(String, Text)>,
    },
    Program {
        words: Vec<Text>,
        env: Vec<(String, Text)>,
        directory: Option<Text>,
    },
}

/// Members that name a URL. Each client reads one of them.
pub(super) const ADDRESSES: [&str; 3] = ["httpUrl", "serverUrl", "url"];
/// Members that name the transport.
pub(super) const TRANSPORTS: [&str; 2] = ["type", "transport"];
/// Members with which a client gets credentials from a program, or from an account of its own.
const OWN_WAYS: [&str; 3] = ["auth", "authProviderType", "headersHelper"];
/// Members that say how a client signs in (OAuth).
const SIGN_IN: [&str; 1] = ["oauth"];
/// Members of these that name a client which is registered for that.
const REGISTERED: [&str; 4] = ["clientId", "client_id", "clientSecret", "client_secret"];

/// How a server is reached.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Transport {
    Http,
    Stdio,
}

/// The transport that a client names; `None` if it names none.
pub(super) fn transport(spelled: &str) -> Result<Transport, Left> {
    let bare: String = spelled
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    match bare.to_ascii_lowercase().as_str() {
        "http" | "https" | "streamablehttp" | "streamable" | "remote" => Ok(Transport::Http),
        "stdio" | "local" | "command" => Ok(Transport::Stdio),
        "sse" | "httpsse" => Err(sse()),
        _ => Err("the gateway does not speak its transport".into()),
    }
}

/// Why a server with the older transport stays.
pub(super) fn sse() -> Left {
    "it speaks HTTP with SSE, the transport before Streamable HTTP".into()
}

/// Why a server stays whose credentials come from elsewhere.
fn own_way() -> Left {
    "its client gets credentials from a program or from its own account, which the gateway cannot do"
        .into()
}

/// Why a server stays for which a client is registered.
pub(super) fn registered() -> Left {
    "its client signs in (OAuth) as one that is registered there; add the server with toolvault mcp add, and set client_id in its table oauth".into()
}

impl Given {
    /// What the members of a JSON object say.
    pub(super) fn of(members: Object<'_>, kind: Kind) -> Result<Self, Left> {
        let names = members.members().map_err(|_| unreadable("a name"))?;
        if names.len() != members.written_members() {
            return Err("it sets something twice".into());
        }
        if members.get("envFile").is_some() {
            return Err("it takes variables from a file of the client".into());
        }
        if OWN_WAYS
            .iter()
            .any(|name| members.get(name).is_some_and(is_on))
        {
            return Err(own_way());
        }
        // The gateway signs in by itself, too, unless it needs a certain client for that.
        let mut ways = SIGN_IN
            .iter()
            .filter_map(|name| members.get(name)?.as_object());
        if ways.any(|way| REGISTERED.iter().any(|name| way.get(name).is_some())) {
            return Err(registered());
        }
        let spelled = TRANSPORTS.iter().find_map(|name| text(members.get(name)?));
        let transport = spelled
            .as_deref()
            .map(|spelled| transport(spelled))
            .transpose()?;
        let address = ADDRESSES
            .iter()
            .find_map(|name| Some((*name, text(members.get(name)?)?)));
        if let Some((name, url)) = address
            && transport != Some(Transport::Stdio)
        {
            // Gemini CLI has a member for each transport.
            if kind == Kind::Gemini && name == "url" && transport.is_none() {
                return Err(sse());
            }
            let headers = pairs(members, "headers")?;
            return Ok(Self::Remote { url, headers });
        }
        Self::program(members, kind)
    }

    fn program(members: Object<'_>, kind: Kind) -> Result<Self, Left> {
        let command = members.get("command");
        // An older form of Zed.
        if let Some(nested) = command.and_then(Value::as_object) {
            let path = text_of(nested, "path").or_else(|| text_of(nested, "command"));
            let path = path.ok_or_else(|| unreadable("command"))?;
            return Ok(Self::Program {
                words: std::iter::once(path)
                    .chain(texts(nested, "args")?)
                    .collect(),
                env: pairs(nested, "env")?,
                directory: None,
            });
        }
        let words: Vec<Text> = if command.and_then(Value::as_array).is_some() {
            texts(members, "command")?
        } else {
            let command = command.and_then(text);
            command.into_iter().chain(texts(members, "args")?).collect()
        };
        if words.first().is_none_or(|command| command.is_empty())
            || command.is_none_or(Value::is_null)
        {
            return Err(if kind == Kind::Zed && members.get("settings").is_some() {
                "an extension of Zed starts it".into()
            } else {
                "it has neither a URL nor a command".into()
            });
        }
        let mut env = pairs(members, "env")?;
        env.extend(pairs(members, "environment")?);
        Ok(Self::Program {
            words,
            env,
            directory: text_of(members, "cwd").filter(|text| !text.is_empty()),
        })
    }
}

/// Whether a member says more than that there is nothing.
fn is_on(value: Value<'_>) -> bool {
    let is_off = value.as_object().is_some_and(|object| {
        let enabled = object.get("enabled").and_then(Value::as_bool);
        enabled == Some(false) || object.written_members() == 0
    });
    !(value.is_null() || value.as_bool() == Some(false) || is_off)
}

fn text(value: Value<'_>) -> Option<Text> {
    value.as_text()?.ok()
}

fn text_of(members: Object<'_>, name: &str) -> Option<Text> {
    text(members.get(name)?)
}

fn texts(members: Object<'_>, name: &str) -> Result<Vec<Text>, Left> {
    let elements = members.get(name).and_then(Value::as_array);
    let elements = elements.into_iter().flat_map(Array::elements);
    let texts = elements.map(|element| spelled(element).ok_or_else(|| unreadable(name)));
    texts.collect()
}

/// The names and texts of a table.
fn pairs(members: Object<'_>, name: &str) -> Result<Vec<(String, Text)>, Left> {
    let Some(table) = members.get(name).and_then(Value::as_object) else {
        return Ok(Vec::new());
    };
    let members = table.members().map_err(|_| unreadable(name))?;
    let pairs = members.into_iter().map(|member| {
        let value = spelled(member.value).ok_or_else(|| unreadable(name))?;
        Ok((member.name.into_owned(), value))
    });
    pairs.collect()
}

/// A text; numbers and switches are texts as they are spelled.
fn spelled(value: Value<'_>) -> Option<Text> {
    match value.kind() {
        JsonKind::Number | JsonKind::Bool => Some(Text::new(value.raw().to_owned())),
        _ => text(value),
    }
}

pub(super) fn unreadable(name: &str) -> Left {
    format!("'{name}' has a value that is not a text").into()
}
