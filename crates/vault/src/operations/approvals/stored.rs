//! A request as it is stored, verified, and what a person is shown of it.

use serde::{Deserialize, Serialize};
use toolvault_core::api_key::KeyId;
use toolvault_core::confidential::Wiped;
use toolvault_core::entropy::Entropy;
use toolvault_core::envelope::{open, seal};
use toolvault_core::identity::{ApprovalId, UserId};
use toolvault_core::keyring::Keyring;
use toolvault_core::policy::Need;
use toolvault_core::timestamp::{SECOND, Timestamp};
use toolvault_core::transcript::Transcript;

use crate::error::Error;
use crate::store::approvals::ApprovalRow;

/// For how long a call that was allowed once may be made, and a refused one is refused without asking again, in
/// microseconds: ten minutes.
const ONCE_LASTS: i64 = 600 * SECOND;
/// One hour, in microseconds.
const HOUR: i64 = 3_600 * SECOND;

/// What a person decides about a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ApprovalDecision {
    /// This call, once, within ten minutes. Where only the first call of a tool needs to be allowed, the tool.
    Once,
    /// All calls of this tool with this key, for an hour.
    Hour,
    /// Calls of this tool with this key and exactly these arguments, until it is revoked or the tool changes.
    Always,
    /// Not this call.
    Refuse,
}

impl ApprovalDecision {
    /// Every decision.
    pub const ALL: [Self; 4] = [Self::Once, Self::Hour, Self::Always, Self::Refuse];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Once => "once",
            Self::Hour => "hour",
            Self::Always => "always",
            Self::Refuse => "refuse",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }
}

/// The state of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ApprovalState {
    /// It waits for a decision.
    Pending,
    /// It was allowed, and that is in force.
    Allowed,
    /// It was refused.
    Refused,
    /// No decision was made in time, or the approval has ended.
    Expired,
    /// It was allowed once, and the call was made.
    Used,
}

impl ApprovalState {
    /// The names on the wire.
    pub const NAMES: [&str; 5] = ["pending", "allowed", "refused", "expired", "used"];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Allowed => "allowed",
            Self::Refused => "refused",
            Self::Expired => "expired",
            Self::Used => "used",
        }
    }
}

/// A request, for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// Its ID.
    pub id: ApprovalId,
    /// The tool's server.
    pub server: String,
    /// The tool, as its server names it.
    pub tool: String,
    /// The tool's title.
    pub title: Option<String>,
    /// The arguments that the model gave, as a JSON object, with values of the user's secrets masked.
    pub arguments: String,
    /// Who made the call.
    pub requested_by: String,
    /// The name of the key, or the subject of the token.
    pub requester: String,
    /// The secret whose policy asks; `None` if the configuration does.
    pub secret_name: Option<String>,
    /// What must be allowed.
    pub need: Need,
    /// Its state.
    pub state: ApprovalState,
    /// What was decided.
    pub decision: Option<ApprovalDecision>,
    /// When the call was made.
    pub requested_at: Timestamp,
    /// When the request, or what was allowed, ends; `None` if it lasts.
    pub expires_at: Option<Timestamp>,
    /// When it was decided.
    pub decided_at: Option<Timestamp>,
    /// Who decided.
    pub decided_by: Option<String>,
}

impl Approval {
    /// The key that made the call, if it was one.
    pub fn key_id(&self) -> Option<KeyId> {
        self.requested_by.strip_prefix("key:")?.parse().ok()
    }
}

/// What is sealed of a request: what a person is shown.
#[derive(Serialize, Deserialize)]
pub(super) struct Shown {
    pub(super) title: Option<String>,
    pub(super) arguments: String,
    pub(super) requester: String,
    pub(super) secret_name: Option<String>,
}

/// A verified request.
pub(super) struct Stored {
    pub(super) row: ApprovalRow,
    pub(super) id: ApprovalId,
    pub(super) need: Need,
    pub(super) decision: Option<ApprovalDecision>,
}

impl Stored {
    /// [`Error::Integrity`] if the row is not as it was stored for this user.
    pub(super) fn verify(row: ApprovalRow, user: UserId, keyring: &Keyring) -> Result<Self, Error> {
        if !keyring.is_row_authentic(&transcript(&row), &row.mac) || row.user_id != user.0 {
            return Err(Error::Integrity);
        }
        let need = [Need::First, Need::Each];
        let need = need.into_iter().find(|need| need.as_str() == row.need);
        let decision = row.decision.as_deref().map(|text| {
            let decision = ApprovalDecision::parse(text);
            decision.ok_or(Error::Integrity)
        });
        Ok(Self {
            id: ApprovalId(row.approval_id),
            need: need.ok_or(Error::Integrity)?,
            decision: decision.transpose()?,
            row,
        })
    }

    pub(super) fn state(&self, now: Timestamp) -> ApprovalState {
        let is_over = (self.row.expires_at).is_some_and(|end| end <= now.microseconds());
        match self.decision {
            Some(ApprovalDecision::Refuse) => ApprovalState::Refused,
            Some(_) if self.row.used_at.is_some() => ApprovalState::Used,
            _ if is_over => ApprovalState::Expired,
            Some(_) => ApprovalState::Allowed,
            None => ApprovalState::Pending,
        }
    }

    /// Whether a refusal still holds.
    pub(super) fn still_refuses(&self, now: Timestamp) -> bool {
        let ends_later = (self.row.expires_at).is_some_and(|end| end > now.microseconds());
        self.decision == Some(ApprovalDecision::Refuse) && ends_later
    }

    /// Notes a decision.
    pub(super) fn decide(&mut self, decision: ApprovalDecision, by: String, now: Timestamp) {
        let lasts = match decision {
            ApprovalDecision::Once if self.need == Need::First => None,
            ApprovalDecision::Always => None,
            ApprovalDecision::Hour => Some(HOUR),
            ApprovalDecision::Once | ApprovalDecision::Refuse => Some(ONCE_LASTS),
        };
        self.decision = Some(decision);
        self.row.decision = Some(decision.as_str().to_owned());
        self.row.decided_at = Some(now.microseconds());
        self.row.decided_by = Some(by);
        self.row.expires_at = lasts.map(|lasts| now.plus(lasts).microseconds());
    }

    /// What a person is shown.
    pub(super) fn approval(&self, keyring: &Keyring, now: Timestamp) -> Result<Approval, Error> {
        let row = &self.row;
        let opened = open(&keyring.approvals()?, bind(self.id), &row.sealed)?;
        let shown: Shown = serde_json::from_slice(opened.expose()).map_err(|_| Error::Integrity)?;
        let moment = Timestamp::from_microseconds;
        Ok(Approval {
            id: self.id,
            server: row.server.clone(),
            tool: row.tool.clone(),
            title: shown.title,
            arguments: shown.arguments,
            requested_by: row.actor.clone(),
            requester: shown.requester,
            secret_name: shown.secret_name,
            need: self.need,
            state: self.state(now),
            decision: self.decision,
            requested_at: moment(row.requested_at),
            expires_at: row.expires_at.map(moment),
            decided_at: row.decided_at.map(moment),
            decided_by: row.decided_by.clone(),
        })
    }
}

/// Seals what a person is shown of a request.
pub(super) fn seal_shown(
    id: ApprovalId,
    shown: &Shown,
    keyring: &Keyring,
    entropy: &dyn Entropy,
) -> Result<Vec<u8>, Error> {
    let text = Wiped::new(serde_json::to_vec(shown).map_err(Error::internal)?);
    Ok(seal(&keyring.approvals()?, bind(id), &text, entropy)?)
}

/// Sets the row's MAC over all its other columns.
pub(super) fn authenticate(row: &mut ApprovalRow, keyring: &Keyring) {
    row.mac = keyring.mac_row(&transcript(row)).to_vec();
}

fn bind(id: ApprovalId) -> Transcript {
    Transcript::new("toolvault/approval/v1").bytes(id.as_bytes())
}

fn transcript(row: &ApprovalRow) -> Transcript {
    let moment = |moment: Option<i64>| moment.map(|moment| moment.to_string());
    Transcript::new("approvals/v1")
        .bytes(row.approval_id.as_bytes())
        .bytes(row.user_id.as_bytes())
        .text(&row.actor)
        .text(&row.server)
        .text(&row.tool)
        .bytes(&row.definition)
        .bytes(&row.arguments)
        .text(&row.need)
        .bytes(&row.sealed)
        .number(row.requested_at)
        .optional(moment(row.expires_at).as_deref())
        .optional(row.decision.as_deref())
        .optional(moment(row.decided_at).as_deref())
        .optional(row.decided_by.as_deref())
        .optional(moment(row.used_at).as_deref())
}
