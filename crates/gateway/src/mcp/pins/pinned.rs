//! The pins of one server, and the refusal of a tool that is not as it is pinned.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::sync::Arc;

use toolvault_core::terminal::shell_word;
use toolvault_vault::{ToolChange, ToolPin};

use crate::mcp::refusal::Refusal;
use crate::mcp::server::Server;
use crate::mcp::tools::{Tool, hidden};
use crate::settings::Pin;

/// The pins of one server's tools.
#[derive(Clone, Default)]
pub(crate) struct Pinned(HashMap<String, Pinning>);

#[derive(Clone)]
struct Pinning {
    pin: ToolPin,
    /// The tool as it is pinned. Only for one that changed, if its definition was kept.
    before: Option<Arc<Tool>>,
}

impl Pinned {
    /// These pins, with what is known of the same ones already.
    pub(super) fn new(pins: Vec<ToolPin>, known: &Self) -> Self {
        let pins = pins.into_iter().map(|pin| {
            let same = known
                .0
                .get(&pin.tool)
                .filter(|known| known.pin.hash == pin.hash);
            let before = same.and_then(|known| known.before.clone());
            (pin.tool.clone(), Pinning { pin, before })
        });
        Self(pins.collect())
    }

    fn of(&self, tool: &Tool) -> Option<&Pinning> {
        self.0.get(&tool.definition.name)
    }

    pub(crate) fn is_as_pinned(&self, tool: &Tool) -> bool {
        self.of(tool)
            .is_some_and(|known| known.pin.hash == tool.hash)
    }

    /// Whether it is as it is pinned, and was when it was last noted.
    pub(super) fn is_unchanged(&self, tool: &Tool) -> bool {
        self.of(tool).is_some_and(|known| {
            let is_last = |change: ToolChange| change.hash == tool.hash;
            known.pin.hash == tool.hash && known.pin.change.is_none_or(is_last)
        })
    }

    /// The pin of a tool, if it is pinned as something else that is not known.
    pub(super) fn unknown_before(&self, tool: &Tool) -> Option<&ToolPin> {
        let known = self.of(tool)?;
        let is_unknown = known.pin.hash != tool.hash && known.before.is_none();
        is_unknown.then_some(&known.pin)
    }

    /// Whether this is the pin of its tool.
    pub(super) fn has(&self, pin: &ToolPin) -> bool {
        self.0.get(&pin.tool).is_some_and(|known| known.pin == *pin)
    }

    pub(super) fn set_before(&mut self, tool: &str, before: Option<Tool>) {
        if let Some(known) = self.0.get_mut(tool) {
            known.before = before.map(Arc::new);
        }
    }

    /// Refuses a tool that is not as it is pinned. `hidden` is what is hidden of it, and `defaults` are the arguments for
    /// which the caller has secrets.
    pub(crate) fn require(
        &self,
        server: &Server,
        tool: &Tool,
        hidden: &BTreeSet<String>,
        defaults: &BTreeSet<String>,
    ) -> Result<(), Refusal> {
        if self.is_as_pinned(tool) {
            return Ok(());
        }
        let known = self.of(tool);
        let is_withheld = match server.settings.pin {
            Pin::Off => false,
            Pin::All => true,
            Pin::Bound => {
                !hidden.is_empty()
                    || server.settings.approval.of(&tool.definition.name).is_some()
                    || known.is_some_and(|known| known.is_bound(server, defaults))
            }
        };
        if is_withheld {
            return Err(refusal(server, tool, known.map(|known| &known.pin)));
        }
        Ok(())
    }

    /// Refuses a tool that the server does not list, but listed before: it could do anything else now.
    pub(crate) fn require_unknown(&self, server: &Server, name: &str) -> Result<(), Refusal> {
        if server.settings.pin != Pin::Off && self.0.contains_key(name) {
            return Err(Refusal::UnknownTool);
        }
        Ok(())
    }
}

impl Pinning {
    /// Whether a secret rests on the tool as it is pinned. If that is not known, every secret counts.
    fn is_bound(&self, server: &Server, defaults: &BTreeSet<String>) -> bool {
        match &self.before {
            Some(before) => !hidden(server, before, defaults).is_empty(),
            None => !defaults.is_empty() || !server.settings.credential_arguments.is_empty(),
        }
    }
}

fn refusal(server: &Server, tool: &Tool, pin: Option<&ToolPin>) -> Refusal {
    let Some(pin) = pin else {
        let text = "This tool cannot be pinned, so it gets no secrets: its server has too many tools, or the name of \
                    the tool holds the value of a secret.";
        return Refusal::ToolChanged(text.to_owned());
    };
    let mut text = format!(
        "The server '{server}' changed this tool since {at}. Until an operator accepts the change, it is not called: \
         toolvault mcp pins {server}",
        server = server.name,
        at = pin.pinned_at,
    );
    if let Some(word) = shell_word(&tool.definition.name) {
        // Writing to a String cannot fail.
        let _ = write!(text, " --accept {word}");
    }
    Refusal::ToolChanged(text)
}
