//! Pins: what the tools behind the gateway were when they were first seen, or when an operator accepted a change.
//!
//! All callers and all replicas share them. A row has a MAC, which covers the hash of each definition and so its text.

mod change;

use std::collections::HashMap;

use toolvault_core::audit::record::{Action, Decision, Record};
use toolvault_core::digest::{hexadecimal, sha256};
use toolvault_core::keyring::Keyring;
use toolvault_core::scope::Scope;
use toolvault_core::timestamp::{SECOND, Timestamp};
use toolvault_core::transcript::Transcript;

use self::change::{Accept, Note, Noted};
use crate::caller::Caller;
use crate::error::Error;
use crate::store::tool_pins::{self, PinRow, Texts};
use crate::vault::Vault;

/// How many tools of one server are pinned. A server that names its tools anew each time must not fill the database.
pub const MOST_TOOL_PINS: i64 = 10_000;
/// How many tools are pinned in one transaction.
const AT_ONCE: usize = 256;
/// How old a noted change is before another one replaces it, in microseconds. A server may change all the time.
const CHANGE_STAYS: i64 = 60 * SECOND;

/// A tool as its server lists it now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenTool {
    /// Its name, as its server knows it.
    pub name: String,
    /// SHA-256 of its definition.
    pub hash: [u8; 32],
    /// The definition, of which `hash` is the hash; `None` if it is too long to be kept or holds a value.
    pub definition: Option<String>,
}

/// What a tool is pinned as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolPin {
    /// The tool's name, as its server knows it.
    pub tool: String,
    /// SHA-256 of its definition.
    pub hash: [u8; 32],
    /// When that was first seen or accepted.
    pub pinned_at: Timestamp,
    /// The last other definition that was seen; the pinned one if the tool changed back to it.
    pub change: Option<ToolChange>,
}

impl ToolPin {
    /// Whether a definition with this hash is to be noted: it is not the last one that was, and that is a minute old.
    /// A tool that is as it is pinned may change at once: it could otherwise get secrets as what it no longer is.
    pub fn must_note(&self, hash: [u8; 32], now: Timestamp) -> bool {
        match self.change {
            Some(change) => {
                let is_due = self.is_back() || now >= change.seen_at.plus(CHANGE_STAYS);
                change.hash != hash && is_due
            }
            None => self.hash != hash,
        }
    }

    /// Whether the tool changed back to what it is pinned as.
    pub fn is_back(&self) -> bool {
        self.change.is_some_and(|change| change.hash == self.hash)
    }
}

/// A definition other than the pinned one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToolChange {
    /// SHA-256 of the definition.
    pub hash: [u8; 32],
    /// When it was seen.
    pub seen_at: Timestamp,
}

/// The definitions of a pin, each `None` if it was not kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PinnedTexts {
    /// The pinned one.
    pub pinned: Option<String>,
    /// The last other one that was seen.
    pub changed: Option<String>,
}

impl Vault {
    /// Changes when an administrator accepts a change of any tool, here or on another server of the database: pins that
    /// were read before are no longer to be used. `None` if that cannot be known now, so that pins must be read each time.
    pub fn pins_stamp(&self) -> Option<u64> {
        let cache = &self.shared.cache;
        cache.trust.is_given().then(|| cache.pins_stamp())
    }

    /// The pins of a server's tools, by name. Needs `use`.
    pub async fn tool_pins(&self, caller: &Caller, server: &str) -> Result<Vec<ToolPin>, Error> {
        self.note_refusal(caller, caller.require(Scope::Use))
            .await?;
        self.read_pins(caller, server).await
    }

    /// The pins of a server's tools, by name, for an administrator. Needs `admin`.
    pub async fn list_tool_pins(
        &self,
        caller: &Caller,
        server: &str,
    ) -> Result<Vec<ToolPin>, Error> {
        self.note_refusal(caller, caller.require(Scope::Admin))
            .await?;
        self.read_pins(caller, server).await
    }

    /// The names of all tools that have pins, each with its server. Needs `use` or `admin`.
    pub async fn pinned_names(&self, caller: &Caller) -> Result<Vec<(String, String)>, Error> {
        self.note_refusal(caller, may_read(caller)).await?;
        let reading = async {
            let mut tx = self.shared.database.read().await?;
            Ok(tool_pins::names(&mut tx).await?)
        };
        self.in_time(reading).await
    }

    /// The pin of one tool with its definitions; `None` if the tool was never seen. Needs `use`.
    pub async fn tool_pin(
        &self,
        caller: &Caller,
        server: &str,
        tool: &str,
    ) -> Result<Option<(ToolPin, PinnedTexts)>, Error> {
        self.note_refusal(caller, caller.require(Scope::Use))
            .await?;
        let reading = async {
            let mut tx = self.shared.database.read().await?;
            let Some(row) = tool_pins::find(&mut tx, server, tool).await? else {
                return Ok(None);
            };
            let pin = verify(&row, &self.shared.keyring)?;
            let texts = tool_pins::find_texts(&mut tx, server, &[tool]).await?;
            let texts = verified_texts(texts, std::slice::from_ref(&pin))?;
            Ok(Some(pin).zip(texts.into_iter().next()))
        };
        let found = self.in_time(reading).await;
        self.note_refusal(caller, found).await
    }

    async fn read_pins(&self, caller: &Caller, server: &str) -> Result<Vec<ToolPin>, Error> {
        let reading = async {
            let mut tx = self.shared.database.read().await?;
            let rows = tool_pins::find_all(&mut tx, server).await?;
            let pins = rows.iter().map(|row| verify(row, &self.shared.keyring));
            pins.collect()
        };
        let pins = self.in_time(reading).await;
        self.note_refusal(caller, pins).await
    }

    /// The definitions of these pins of a server, in their order. Needs `use` or `admin`. [`Error::Integrity`] if one is
    /// not the one of the hash. Each may have 32 KiB.
    pub async fn pinned_texts(
        &self,
        caller: &Caller,
        server: &str,
        pins: &[ToolPin],
    ) -> Result<Vec<PinnedTexts>, Error> {
        self.note_refusal(caller, may_read(caller)).await?;
        let reading = async {
            let mut tx = self.shared.database.read().await?;
            let tools: Vec<_> = pins.iter().map(|pin| pin.tool.as_str()).collect();
            let texts = tool_pins::find_texts(&mut tx, server, &tools).await?;
            verified_texts(texts, pins)
        };
        let texts = self.in_time(reading).await;
        self.note_refusal(caller, texts).await
    }

    /// Pins tools that have no pin yet, and notes those that are not as they are pinned. Needs `use`. Returns the pins of
    /// the server when the audit trail has accepted the records.
    ///
    /// A tool is not pinned if its name holds a value of the caller's, or if its server has 10,000 pins.
    pub async fn note_tools(
        &self,
        caller: &Caller,
        server: &str,
        tools: Vec<SeenTool>,
    ) -> Result<Vec<ToolPin>, Error> {
        self.note_refusal(caller, caller.require(Scope::Use))
            .await?;
        let entry = self.caller_entry(caller).await?;
        let names = tools.iter().map(|tool| full_name(server, &tool.name));
        let names: Vec<String> = names.collect();
        let clean = self.clean_names(Some(&entry), names.clone()).await;
        let harmless = tools.into_iter().zip(names).zip(clean);
        let mut tools = harmless
            .filter(|((_, name), clean)| name == clean)
            .map(|((tool, _), _)| tool)
            .peekable();
        while tools.peek().is_some() {
            let note = Note {
                server: server.to_owned(),
                tools: tools.by_ref().take(AT_ONCE).collect(),
                pinned: self.record(caller, Action::ToolPinned, Decision::Allowed),
                changed: self.record(caller, Action::ToolChanged, Decision::Allowed),
            };
            let noted = self.writer.change(note).await;
            if self.note_refusal(caller, noted).await? == Noted::Full {
                tracing::warn!(mcp.server = server, "the server has too many pinned tools");
                break;
            }
        }
        self.tool_pins(caller, server).await
    }

    /// Makes the last change of a tool, which has this hash, its pin. Needs `admin`.
    ///
    /// The error is [`Error::NotFound`] if the tool has no change, and [`Error::PreconditionFailed`] if it is another one.
    pub async fn accept_tool(
        &self,
        caller: &Caller,
        server: &str,
        tool: &str,
        hash: [u8; 32],
    ) -> Result<ToolPin, Error> {
        self.note_refusal(caller, caller.require(Scope::Admin))
            .await?;
        let accept = Accept {
            server: server.to_owned(),
            tool: tool.to_owned(),
            hash,
            record: self.record(caller, Action::ToolAccepted, Decision::Allowed),
        };
        let accepted = self.writer.change(accept).await;
        self.note_refusal(caller, accepted).await
    }
}

/// The texts of these pins, in their order. [`Error::Integrity`] if one is not the one of the hash.
fn verified_texts(texts: Vec<Texts>, pins: &[ToolPin]) -> Result<Vec<PinnedTexts>, Error> {
    let mut texts: HashMap<_, _> = texts
        .into_iter()
        .map(|(tool, pinned, changed)| (tool, PinnedTexts { pinned, changed }))
        .collect();
    let verified = pins.iter().map(|pin| {
        let texts = texts.remove(&pin.tool).unwrap_or_default();
        matches(texts.pinned.as_deref(), Some(pin.hash))?;
        matches(
            texts.changed.as_deref(),
            pin.change.map(|change| change.hash),
        )?;
        Ok(texts)
    });
    verified.collect()
}

fn may_read(caller: &Caller) -> Result<(), Error> {
    caller
        .require(Scope::Use)
        .or_else(|_| caller.require(Scope::Admin))
}

/// The name with which secrets are matched.
fn full_name(server: &str, tool: &str) -> String {
    format!("{server}__{tool}")
}

/// What the record of a pin says.
fn about(mut record: Record, server: &str, tool: &str, hash: &[u8]) -> Record {
    record.tool = Some(full_name(server, tool));
    record.reason = Some(format!("sha256:{}", hexadecimal(hash)));
    record
}

fn matches(text: Option<&str>, hash: Option<[u8; 32]>) -> Result<(), Error> {
    match text {
        Some(text) if Some(sha256(text.as_bytes())) != hash => Err(Error::Integrity),
        _ => Ok(()),
    }
}

/// The pin of a row; [`Error::Integrity`] if it is not as it was stored.
fn verify(row: &PinRow, keyring: &Keyring) -> Result<ToolPin, Error> {
    if !keyring.is_row_authentic(&transcript(row), &row.mac) {
        return Err(Error::Integrity);
    }
    let hash = |bytes: &[u8]| bytes.try_into().map_err(|_| Error::Integrity);
    let change = match (&row.changed_hash, row.changed_at) {
        (Some(changed), Some(seen_at)) => Some(ToolChange {
            hash: hash(changed)?,
            seen_at: Timestamp::from_microseconds(seen_at),
        }),
        _ => None,
    };
    Ok(ToolPin {
        tool: row.tool.clone(),
        hash: hash(&row.hash)?,
        pinned_at: Timestamp::from_microseconds(row.pinned_at),
        change,
    })
}

fn authenticate(row: &mut PinRow, keyring: &Keyring) {
    row.mac = keyring.mac_row(&transcript(row)).to_vec();
}

fn transcript(row: &PinRow) -> Transcript {
    let changed = row.changed_hash.as_deref().map(hexadecimal);
    Transcript::new("tool_pins/v1")
        .text(&row.server)
        .text(&row.tool)
        .bytes(&row.hash)
        .number(row.pinned_at)
        .optional(changed.as_deref())
        .number(row.changed_at.unwrap_or(0))
}
