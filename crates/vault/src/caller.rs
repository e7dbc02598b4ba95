//! Who calls an operation, and with which rights. Every operation takes one and checks it first.

use toolvault_core::api_key::KeyId;
use toolvault_core::audit::record::Actor;
use toolvault_core::identity::UserId;
use toolvault_core::pattern::{ToolName, ToolPattern};
use toolvault_core::scope::{Scope, ScopeSet};
use toolvault_core::timestamp::Timestamp;
use uuid::Uuid;

use crate::changes::Changed;
use crate::error::{Denial, Error};

/// For whom a key with `any_user` acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnBehalf {
    /// The request names no user.
    Nobody,
    /// The request names exactly one user.
    User(UserId),
    /// The request names a user, but not as exactly one ID.
    Unclear,
}

/// What a verified token says.
#[derive(Clone, Debug)]
pub struct Token {
    /// The issuer, `iss`.
    pub issuer: String,
    /// The subject, `sub`.
    pub subject: String,
    /// The user that the subject is.
    pub user: UserId,
    /// Its rights, within the issuer's.
    pub scopes: ScopeSet,
    /// Whether a subject that is not known yet becomes a user.
    pub create_user: bool,
    /// When the token ends.
    pub expires_at: Timestamp,
}

/// An authenticated caller.
#[derive(Clone, Debug)]
pub struct Caller {
    pub(crate) user: UserId,
    pub(crate) actor: Actor,
    pub(crate) name: String,
    pub(crate) scopes: ScopeSet,
    /// The patterns of the key and of each key it descends from; a tool must be reached by all.
    pub(crate) tools: Vec<Vec<ToolPattern>>,
    pub(crate) key: Option<KeyId>,
    /// The key and each key it descends from, with their owners.
    pub(crate) line: Vec<(KeyId, UserId)>,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) is_any_user: bool,
    /// Whether a caller with `any_user` said for whom they act.
    pub(crate) is_user_named: bool,
    pub(crate) request_id: Option<String>,
}

impl Caller {
    /// The local command line, which is as powerful as the root key. It acts for `user`, or for no user in
    /// particular.
    pub fn local(uid: u32, user: Option<UserId>) -> Self {
        let actor = Actor::Local(uid);
        Self {
            user: user.unwrap_or(UserId(Uuid::nil())),
            name: actor.to_string(),
            actor,
            scopes: Scope::ALL.into_iter().collect(),
            tools: Vec::new(),
            key: None,
            line: Vec::new(),
            expires_at: None,
            is_any_user: true,
            is_user_named: user.is_some(),
            request_id: None,
        }
    }

    /// The user who acts, or for whom the caller acts.
    pub fn user(&self) -> UserId {
        self.user
    }

    /// Who acts.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The name of the key, or the subject of the token.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the caller may do.
    pub fn scopes(&self) -> ScopeSet {
        self.scopes
    }

    /// The tool patterns of the caller's own key; empty if it is not limited.
    pub fn tools(&self) -> &[ToolPattern] {
        self.tools.first().map_or(&[], Vec::as_slice)
    }

    /// From when the caller is refused: the end of the token, or the earliest of the key and those it descends
    /// from.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }

    /// Whether the tool is within the tool patterns of the key and of each key it descends from.
    pub fn reaches_tool(&self, tool: &ToolName) -> bool {
        self.tools
            .iter()
            .all(|level| level.iter().any(|pattern| pattern.matches(tool)))
    }

    /// Whether every tool whose name begins with `prefix` is within one and the same pattern of the key, and of
    /// each key it descends from.
    pub fn reaches_all_of(&self, prefix: &str) -> bool {
        let all = ToolPattern::parse(&format!("{prefix}*"));
        self.tools.is_empty() || all.is_ok_and(|all| self.reaches_pattern(Some(&all)))
    }

    /// Whether the key, and each key it descends from, has a pattern that a name beginning with `prefix` can
    /// match. Each is asked for itself: no single tool need be within all of them, and a call of one is
    /// judged by [`reaches_tool`](Self::reaches_tool).
    pub fn reaches_some_of(&self, prefix: &str) -> bool {
        self.tools
            .iter()
            .all(|level| level.iter().any(|pattern| pattern.may_match_after(prefix)))
    }

    /// Whether such a change may end or narrow what the caller may do, or change the secrets of their user.
    ///
    /// A key ends with each key that it descends from and with the owners of all of these, so news of other keys
    /// and other users count too.
    pub fn is_concerned_by(&self, changed: Changed) -> bool {
        match changed {
            Changed::All => true,
            Changed::User(user) => {
                user == self.user || self.line.iter().any(|(_, owner)| *owner == user)
            }
            Changed::Key(key) => self.line.iter().any(|(id, _)| *id == key),
        }
    }

    /// Names the request in the audit trail.
    #[must_use]
    pub fn with_request_id(mut self, request_id: String) -> Self {
        self.request_id = Some(request_id);
        self
    }

    /// The caller, acting for the user that the body of a request names.
    ///
    /// Needed where a key with `any_user` may leave out for whom it acts in the head of the request. If it
    /// named a user there, the body must name the same.
    pub fn acting_for(mut self, user: Option<UserId>) -> Result<Self, Error> {
        if !self.is_any_user || self.is_local() {
            return Ok(self);
        }
        match (self.is_user_named, user) {
            (true, Some(user)) if user != self.user => Err(Denial::UserNotNamed.into()),
            (true, _) => Ok(self),
            (false, Some(user)) => {
                self.user = user;
                self.is_user_named = true;
                Ok(self)
            }
            (false, None) => Err(Denial::UserNotNamed.into()),
        }
    }

    pub(crate) fn is_local(&self) -> bool {
        matches!(self.actor, Actor::Local(_))
    }

    /// Refuses a caller without the scope.
    pub(crate) fn require(&self, scope: Scope) -> Result<(), Error> {
        if self.scopes.contains(scope) {
            Ok(())
        } else {
            Err(Denial::MissingScope(scope).into())
        }
    }

    /// Whether the key, or one that it descends from, is limited to tool patterns.
    pub(crate) fn is_limited(&self) -> bool {
        !self.tools.is_empty()
    }

    /// Whether a secret with this pattern is within the patterns.
    pub(crate) fn reaches_pattern(&self, pattern: Option<&ToolPattern>) -> bool {
        self.tools.iter().all(|level| {
            pattern.is_some_and(|inner| level.iter().any(|outer| inner.lies_inside(outer)))
        })
    }

    /// Refuses a pattern outside the caller's.
    pub(crate) fn require_pattern(&self, pattern: Option<&ToolPattern>) -> Result<(), Error> {
        if self.reaches_pattern(pattern) {
            return Ok(());
        }
        Err(pattern
            .map_or(Denial::UnboundOutOfReach, |pattern| {
                Denial::ToolOutOfReach(pattern.as_str().to_owned())
            })
            .into())
    }
}
