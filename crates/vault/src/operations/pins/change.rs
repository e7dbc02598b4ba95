//! The changes of pins. Each runs in the writer's transaction.

use std::collections::{HashMap, HashSet};

use toolvault_core::audit::record::Record;
use toolvault_core::identity::UserId;
use toolvault_core::timestamp::Timestamp;
use uuid::Uuid;

use super::{MOST_TOOL_PINS, SeenTool, ToolPin, about, authenticate, verify};
use crate::cache::Effect;
use crate::error::Error;
use crate::store::tool_pins::{self, PinRow};
use crate::writer::change::{Change, Work};

/// Pins tools, or notes that they changed.
pub(super) struct Note {
    pub(super) server: String,
    pub(super) tools: Vec<SeenTool>,
    pub(super) pinned: Record,
    pub(super) changed: Record,
}

/// Whether all tools were noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Noted {
    All,
    /// The server has too many pins for the rest.
    Full,
}

impl Change for Note {
    type Answer = Noted;

    fn user(&self) -> UserId {
        UserId(Uuid::nil())
    }

    async fn apply(&mut self, work: &mut Work<'_>) -> Result<Noted, Error> {
        // Two servers that insert the same tools in different orders would wait for each other.
        self.tools.sort_by(|one, other| one.name.cmp(&other.name));
        let names: Vec<_> = self.tools.iter().map(|tool| tool.name.as_str()).collect();
        let rows = tool_pins::find_some(work.tx, &self.server, &names).await?;
        let mut rows: HashMap<_, _> = rows
            .into_iter()
            .map(|row| (row.tool.clone(), row))
            .collect();
        let places = MOST_TOOL_PINS - tool_pins::count(work.tx, &self.server).await?;
        let mut places = usize::try_from(places).unwrap_or(0);
        let (mut pins, mut changes) = (Vec::new(), Vec::new());
        let (mut noted, mut unchanged) = (Noted::All, HashSet::new());
        for tool in &self.tools {
            let definition = tool.definition.as_deref();
            match rows.remove(&tool.name) {
                Some(row) => {
                    let pin = verify(&row, &work.shared.keyring)?;
                    if !pin.must_note(tool.hash, work.now) {
                        continue;
                    }
                    if pin.change.is_none() {
                        unchanged.insert(pin.tool);
                    }
                    changes.push((changed(work, row, tool), definition));
                }
                None if places == 0 => noted = Noted::Full,
                None => {
                    pins.push((self.pin(work, tool), definition));
                    places -= 1;
                }
            }
        }
        if !pins.is_empty() {
            // Another server may pin one at the same time: its pin stays, and the next list is compared with it.
            let stored = tool_pins::insert(work.tx, &pins).await?;
            self.record(work, &self.pinned, stored);
        }
        if !changes.is_empty() {
            let mut stored = tool_pins::change(work.tx, &changes).await?;
            work.has_written |= !stored.is_empty();
            // One record until an operator accepts, however often it changes.
            stored.retain(|tool| unchanged.contains(tool));
            self.record(work, &self.changed, stored);
        }
        Ok(noted)
    }
}

impl Note {
    fn pin(&self, work: &Work<'_>, tool: &SeenTool) -> PinRow {
        let mut row = PinRow {
            server: self.server.clone(),
            tool: tool.name.clone(),
            hash: tool.hash.to_vec(),
            pinned_at: work.now.microseconds(),
            changed_hash: None,
            changed_at: None,
            mac: Vec::new(),
        };
        authenticate(&mut row, &work.shared.keyring);
        row
    }

    /// Records what was stored of these tools.
    fn record(&self, work: &mut Work<'_>, record: &Record, stored: Vec<String>) {
        let stored: HashSet<String> = stored.into_iter().collect();
        let stored = self.tools.iter().filter(|tool| stored.contains(&tool.name));
        let records =
            stored.map(|tool| about(record.clone(), &self.server, &tool.name, &tool.hash));
        work.records.extend(records);
    }
}

fn changed(work: &Work<'_>, mut row: PinRow, tool: &SeenTool) -> PinRow {
    row.changed_hash = Some(tool.hash.to_vec());
    row.changed_at = Some(work.now.microseconds());
    authenticate(&mut row, &work.shared.keyring);
    row
}

/// Makes the last change the pin.
pub(super) struct Accept {
    pub(super) server: String,
    pub(super) tool: String,
    pub(super) hash: [u8; 32],
    pub(super) record: Record,
}

impl Change for Accept {
    type Answer = ToolPin;

    fn user(&self) -> UserId {
        UserId(Uuid::nil())
    }

    async fn apply(&mut self, work: &mut Work<'_>) -> Result<ToolPin, Error> {
        let row = tool_pins::find(work.tx, &self.server, &self.tool).await?;
        let mut row = row.ok_or(Error::NotFound)?;
        let pin = verify(&row, &work.shared.keyring)?;
        let change = pin.change.filter(|_| !pin.is_back());
        let change = change.ok_or(Error::NotFound)?;
        if change.hash != self.hash {
            return Err(Error::PreconditionFailed);
        }
        row.hash = self.hash.to_vec();
        row.pinned_at = work.now.microseconds();
        row.changed_hash = None;
        row.changed_at = None;
        authenticate(&mut row, &work.shared.keyring);
        if !tool_pins::accept(work.tx, &row).await? {
            return Err(Error::PreconditionFailed);
        }
        let record = about(self.record.clone(), &row.server, &row.tool, &row.hash);
        work.records.push(record);
        work.effects.push(Effect::PinAccepted);
        Ok(ToolPin {
            hash: self.hash,
            pinned_at: Timestamp::from_microseconds(row.pinned_at),
            change: None,
            ..pin
        })
    }
}
