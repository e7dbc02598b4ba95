//! Pins: a tool that a secret rests on must stay what it was when it was first seen, until an operator accepts a change.
//!
//! Each list of a server's tools is compared with the pins once. A call only looks up what its tool is pinned as.

mod difference;
mod listed;
mod pinned;
mod warnings;

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::time::timeout;
use toolvault_core::json::parse;
use toolvault_vault::{Caller, Error, MOST_TOOL_PINS, PinnedTexts, SeenTool, ToolPin, Vault};

pub use self::listed::ListedPin;
pub(crate) use self::pinned::Pinned;
use self::warnings::Names;
use super::access::Access;
use super::refusal::Refusal;
use super::schema;
use super::tools::{Catalogue, Tool};
use crate::settings::{Pin, ServerName};

/// How many differences and warnings of all tools are told at once, in lines.
const MOST_LINES: usize = 10_000;
/// How many definitions are read at a time.
const READ_AT_ONCE: usize = 64;
/// The longest definition that is kept, in bytes. Of a longer one only the hash is.
const LONGEST_KEPT: usize = 32 << 10;

/// The pins of all servers, as far as this process knows them.
pub(crate) struct Pins {
    vault: Vault,
    servers: Mutex<HashMap<ServerName, Arc<OfServer>>>,
}

/// The pins of one server.
#[derive(Default)]
struct OfServer {
    /// Who reads and writes the stored ones: otherwise an older state could replace a newer one.
    turn: tokio::sync::Mutex<()>,
    /// With the stamp of the vault from before they were read.
    pinned: Mutex<(Option<u64>, Arc<Pinned>)>,
}

impl OfServer {
    /// The pins, if those that were read last are still to be used and all tools of this list were compared with them.
    fn noted(&self, stamp: Option<u64>, catalogue: &Catalogue) -> Option<Arc<Pinned>> {
        let (at, pinned) = self.pinned.lock().clone();
        if stamp.is_none() || at != stamp {
            return None;
        }
        let is_noted =
            catalogue.is_noted() || catalogue.tools().all(|tool| pinned.is_unchanged(tool));
        if is_noted {
            catalogue.set_noted();
        }
        is_noted.then_some(pinned)
    }

    /// The next list is compared anew if this is not the pin that was read last: another process noted a change, and that
    /// the tool changed back since must be noted, too.
    fn forget_unless(&self, pin: &ToolPin) {
        let mut held = self.pinned.lock();
        if !held.1.has(pin) {
            held.0 = None;
        }
    }
}

impl Pins {
    pub(crate) fn new(vault: Vault) -> Self {
        Self {
            vault,
            servers: Mutex::default(),
        }
    }

    /// The pins by which the tools of this list are judged. Tools without a pin are pinned now, and changes are recorded.
    pub(crate) async fn check(
        &self,
        caller: &Caller,
        access: &Access,
        catalogue: &Catalogue,
    ) -> Result<Arc<Pinned>, Refusal> {
        let of_server = self.of(&access.server.name);
        if let Some(pinned) = of_server.noted(self.vault.pins_stamp(), catalogue) {
            return Ok(pinned);
        }
        match self.compare(caller, access, catalogue, &of_server).await {
            Err(error) if access.server.settings.pin == Pin::Off => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(
                    error,
                    "the tools of a server were not compared with their pins"
                );
                Ok(Arc::default())
            }
            compared => Ok(compared?),
        }
    }

    /// A tool as it was listed last, in a list of its own with its pin, for a call whose server is not asked. `None` if
    /// that is not known: the tool was never listed, or its definition was not kept.
    pub(crate) async fn last_listed(
        &self,
        caller: &Caller,
        access: &Access,
        tool: &str,
    ) -> Result<Option<(Catalogue, Pinned)>, Refusal> {
        let server = &access.server;
        let found = self.vault.tool_pin(caller, server.name.as_str(), tool);
        let Some((pin, texts)) = found.await? else {
            return Ok(None);
        };
        self.of(&server.name).forget_unless(&pin);
        let PinnedTexts { pinned, changed } = texts;
        let is_changed = pin.change.is_some() && !pin.is_back();
        let last = if is_changed { &changed } else { &pinned };
        let mut catalogue = Catalogue::default();
        if let Some(Ok(definition)) = last.as_ref().map(|text| parse(text.as_bytes())) {
            catalogue.add(server, std::iter::once(definition));
        }
        if catalogue.get(tool).is_none() {
            return Ok(None);
        }
        let mut pins = Pinned::new(vec![pin], &Pinned::default());
        if is_changed && let Some(Ok(before)) = pinned.as_ref().map(|text| parse(text.as_bytes())) {
            pins.set_before(tool, Tool::read(server, before));
        }
        Ok(Some((catalogue, pins)))
    }

    async fn compare(
        &self,
        caller: &Caller,
        access: &Access,
        catalogue: &Catalogue,
        of_server: &OfServer,
    ) -> Result<Arc<Pinned>, Error> {
        let turn = timeout(self.vault.patience(), of_server.turn.lock());
        let _turn = turn.await.map_err(|_| Error::Unavailable(None))?;
        let stamp = self.vault.pins_stamp();
        // Whose turn it was before may have done it.
        if let Some(pinned) = of_server.noted(stamp, catalogue) {
            return Ok(pinned);
        }
        let (_, known) = of_server.pinned.lock().clone();
        let pinned = Arc::new(self.note(caller, access, catalogue, &known).await?);
        *of_server.pinned.lock() = (stamp, Arc::clone(&pinned));
        catalogue.set_noted();
        Ok(pinned)
    }

    async fn note(
        &self,
        caller: &Caller,
        access: &Access,
        catalogue: &Catalogue,
        known: &Pinned,
    ) -> Result<Pinned, Error> {
        let server = &access.server.name;
        let mut pins = self.vault.tool_pins(caller, server.as_str()).await?;
        let now = self.vault.clock().now();
        let is_full = i64::try_from(pins.len()).is_ok_and(|pins| pins >= MOST_TOOL_PINS);
        let by_name: HashMap<_, _> = pins.iter().map(|pin| (pin.tool.as_str(), pin)).collect();
        let must_note = |tool: &&Arc<Tool>| match by_name.get(tool.definition.name.as_str()) {
            Some(pin) => pin.must_note(tool.hash, now),
            None => !is_full,
        };
        let mut new: Vec<SeenTool> = Vec::new();
        for tool in catalogue.tools().filter(must_note) {
            new.push(seen(access, tool).await);
        }
        if !new.is_empty() {
            let is_first = new
                .iter()
                .any(|tool| !by_name.contains_key(tool.name.as_str()));
            let (kept, names) = (new.clone(), server.as_str());
            pins = self.vault.note_tools(caller, names, new).await?;
            self.warn(caller, names, &kept, is_first).await?;
        }
        let mut pinned = Pinned::new(pins, known);
        let changed = catalogue
            .tools()
            .filter_map(|tool| pinned.unknown_before(tool));
        let changed: Vec<ToolPin> = changed.cloned().collect();
        for pins in changed.chunks(READ_AT_ONCE) {
            let texts = self
                .vault
                .pinned_texts(caller, server.as_str(), pins)
                .await?;
            for (pin, texts) in pins.iter().zip(texts) {
                let text = texts.pinned.unwrap_or_default();
                if let Ok(definition) = parse(text.as_bytes()) {
                    pinned.set_before(&pin.tool, Tool::read(&access.server, definition));
                }
            }
        }
        Ok(pinned)
    }

    /// Logs that tools which were just noted may deceive people. Names are only compared if one is new.
    async fn warn(
        &self,
        caller: &Caller,
        server: &str,
        tools: &[SeenTool],
        has_names: bool,
    ) -> Result<(), Error> {
        let names = if has_names {
            Names::new(self.vault.pinned_names(caller).await?)
        } else {
            Names::default()
        };
        let is_warned_of = |tool: &&SeenTool| {
            let definition = tool.definition.as_deref().unwrap_or_default();
            !names.warnings(server, &tool.name).is_empty()
                || !warnings::of_definition(definition).is_empty()
        };
        let count = tools.iter().filter(is_warned_of).count();
        if count > 0 {
            tracing::warn!(
                mcp.server = server,
                tools = count,
                "names or hidden characters of tools may deceive people (see toolvault mcp pins)"
            );
        }
        Ok(())
    }

    /// What the tools of a server are pinned as, by name. Needs `admin`.
    pub(crate) async fn list(
        &self,
        caller: &Caller,
        server: ServerName,
    ) -> Result<Vec<ListedPin>, Error> {
        let pins = self.vault.list_tool_pins(caller, server.as_str()).await?;
        self.describe(caller, &server, pins).await
    }

    async fn describe(
        &self,
        caller: &Caller,
        server: &ServerName,
        pins: Vec<ToolPin>,
    ) -> Result<Vec<ListedPin>, Error> {
        let names = Names::new(self.vault.pinned_names(caller).await?);
        let mut listed = Vec::with_capacity(pins.len());
        let mut left = MOST_LINES;
        for pins in pins.chunks(READ_AT_ONCE) {
            let texts = if left == 0 {
                Vec::new()
            } else {
                let texts = self.vault.pinned_texts(caller, server.as_str(), pins);
                texts.await?
            };
            let texts = texts.into_iter().map(Some).chain(std::iter::repeat(None));
            for (pin, texts) in pins.iter().zip(texts) {
                let texts = texts.filter(|_| left > 0);
                let pin = ListedPin::new(pin.clone(), texts, &names, server);
                let lines = pin.warnings.len() + pin.change_warnings.len();
                left = left.saturating_sub(lines + pin.differences.as_ref().map_or(0, Vec::len));
                listed.push(pin);
            }
        }
        Ok(listed)
    }

    /// Makes the last change of a tool its pin. Needs `admin`.
    pub(crate) async fn accept(
        &self,
        caller: &Caller,
        server: ServerName,
        tool: &str,
        hash: [u8; 32],
    ) -> Result<ListedPin, Error> {
        let accepted = self.vault.accept_tool(caller, server.as_str(), tool, hash);
        let pins = vec![accepted.await?];
        let mut listed = self.describe(caller, &server, pins).await?;
        listed.pop().ok_or(Error::NotFound)
    }

    fn of(&self, server: &ServerName) -> Arc<OfServer> {
        let mut servers = self.servers.lock();
        if let Some(known) = servers.get(server) {
            return Arc::clone(known);
        }
        Arc::clone(servers.entry(server.clone()).or_default())
    }
}

/// A tool to be pinned. Pins are for all callers, so a definition that repeats a value of this one is not kept.
async fn seen(access: &Access, tool: &Tool) -> SeenTool {
    let text = parse(tool.raw.as_bytes()).ok().map(schema::pinned);
    let mut text = text.filter(|text| text.len() <= LONGEST_KEPT);
    if let Some(definition) = &text {
        let repeats = match parse(definition.as_bytes()) {
            Ok(definition) => access.values.redacted(definition).await.1,
            Err(_) => true,
        };
        text = text.filter(|_| !repeats);
    }
    SeenTool {
        name: tool.definition.name.clone(),
        hash: tool.hash,
        definition: text.map(|text| text.as_str().to_owned()),
    }
}
