//! Where alarms are sent to.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use toolvault_gateway::alarms::{Kind, SigningKey};

use super::destination::Destination;
use super::layers::Layers;
use super::root_key::read_secret_file;

/// Alarms, and who gets them.
#[derive(Clone)]
pub(crate) struct Alarms {
    pub(crate) way: Way,
    pub(crate) kinds: BTreeSet<Kind>,
    /// How many failures of one user within a minute are an alarm.
    pub(crate) failures: i64,
}

/// How alarms get there.
#[derive(Clone)]
pub(crate) enum Way {
    /// To a webhook, signed with the key in the file.
    Webhook(Destination, Option<PathBuf>),
    /// To a program with these arguments, on standard input.
    Command(Vec<String>),
}

impl Alarms {
    pub(super) fn of(layers: &mut Layers) -> Option<Self> {
        const COMMAND: &str = "alarms.command";
        const SECRET_FILE: &str = "alarms.secret_file";
        let kinds = kinds(layers);
        let failures = layers.integer("alarms.failures", 1);
        let command = layers.texts(COMMAND);
        let secret_file = layers.path(SECRET_FILE);
        let destination = Destination::of(layers, "alarms");
        if let Some(Err(why)) = secret_file.as_deref().map(read_signing_key) {
            layers.problem_at(SECRET_FILE, &why);
        }
        if let Some(destination) = &destination
            && let Err(error) = destination.policy.check(&destination.url)
        {
            layers.problem_at("alarms.url", &error.to_string());
        }
        let way = match (destination, command.is_empty()) {
            (Some(destination), true) => Way::Webhook(destination, secret_file),
            (Some(_), false) => {
                layers.problem_at(COMMAND, "set alarms.url or alarms.command, not both");
                return None;
            }
            (None, _) if secret_file.is_some() => {
                layers.problem_at(SECRET_FILE, "set alarms.url too");
                return None;
            }
            (None, false) => Way::Command(command),
            (None, true) => return None,
        };
        Some(Self {
            way,
            kinds,
            failures,
        })
    }
}

fn kinds(layers: &mut Layers) -> BTreeSet<Kind> {
    const EVENTS: &str = "alarms.events";
    let events = layers.texts(EVENTS);
    if events.is_empty() {
        return Kind::ALL.into();
    }
    let mut kinds = BTreeSet::new();
    for event in events {
        if let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.name() == event) {
            kinds.insert(kind);
        } else {
            let names = Kind::ALL.map(Kind::name).join(", ");
            layers.problem_at(EVENTS, &format!("expected some of {names}"));
        }
    }
    kinds
}

/// The key in a file. An error never repeats its content.
pub(crate) fn read_signing_key(path: &Path) -> Result<SigningKey, String> {
    let shown = path.display();
    let text = read_secret_file(path).map_err(|error| format!("cannot read {shown}: {error}"))?;
    SigningKey::parse(&text).ok_or_else(|| {
        format!("{shown}: expected whsec_ and the Base64 of 24 to 64 bytes, as openssl rand -base64 32 prints it")
    })
}
