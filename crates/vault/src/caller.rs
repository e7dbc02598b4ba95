//! The caller of an operation with their rights. Every operation takes a caller and checks the rights first.

use toolvault_core::api_key::KeyId;
use toolvault_core::audit::record::Actor;
use toolvault_core::identity::UserId;
use toolvault_core::pattern::{ToolName, ToolPattern};
use toolvault_core::scope::{Scope, ScopeSet};
use toolvault_core::timestamp::Timestamp;
use uuid::Uuid;

use crate::changes::Changed;
use crate::error::{Denial, Error};

/// The user for whom a key with `any_user` acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnBehalf {
    /// The request names no user.
    Unnamed,
    /// The request names exactly one user.
    User(UserId),
    /// The request names a user, but not as exactly one ID.
    Unclear,
}

/// The content of a verified token.
#[derive(Clone, Debug)]
pub struct Token {
    /// The issuer, `iss`.
    pub issuer: String,
    /// The subject, `sub`.
    pub subject: String,
    /// The user that the subject maps to.
    pub user: UserId,
    /// The rights of the token, within those of the issuer.
    pub scopes: ScopeSet,
    /// Whether an unknown subject becomes a user.
    pub create_user: bool,
    /// When the token expires.
    pub expires_at: Timestamp,
}

/// An authenticated caller.
#[derive(Clone, Debug)]
pub struct Caller {
    pub(crate) user: UserId,
    pub(crate) actor: Actor,
    pub(crate) name: String,
    pub(crate) scopes: ScopeSet,
    /// The patterns of the key and of each ancestor key. A tool must match one pattern of each.
    pub(crate) tools: Vec<Vec<ToolPattern>>,
    pub(crate) key: Option<KeyId>,
    /// The key and its ancestors, with their owners.
    pub(crate) line: Vec<(KeyId, UserId)>,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) is_any_user: bool,
    /// Whether a caller with `any_user` named the user they act for.
    pub(crate) is_user_named: bool,
    /// Whether it is the local command line itself, not a session that it began.
    pub(crate) is_local: bool,
    pub(crate) request_id: Option<String>,
}

impl Caller {
    /// The local command line, which is as powerful as the root key. It acts for `user`, or for no particular user.
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
            is_local: true,
            request_id: None,
        }
    }

    /// A user of the machine who signed in with a link from the command line: with all scopes, for one user only.
    pub(crate) fn signed_in(uid: u32, user: UserId) -> Self {
        Self {
            is_any_user: false,
            is_user_named: false,
            is_local: false,
            ..Self::local(uid, Some(user))
        }
    }

    /// The user who acts, or the one for whom the caller acts.
    pub fn user(&self) -> UserId {
        self.user
    }

    /// The actor in audit records.
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

    /// When the caller's rights end: the expiry of the token, or the earliest expiry of the key and its ancestors.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }

    /// Whether the tool matches the patterns of the key and of each ancestor.
    pub fn reaches_tool(&self, tool: &ToolName) -> bool {
        self.tools
            .iter()
            .all(|level| level.iter().any(|pattern| pattern.matches(tool)))
    }

    /// Whether the key and each ancestor have one pattern that matches every tool name beginning with `prefix`.
    pub fn reaches_all_of(&self, prefix: &str) -> bool {
        let all = ToolPattern::parse(&format!("{prefix}*"));
        self.tools.is_empty() || all.is_ok_and(|all| self.reaches_pattern(Some(&all)))
    }

    /// Whether the key and each ancestor have a pattern that can match a name beginning with `prefix`.
    ///
    /// Each key is tested separately, so possibly no single tool matches all of them.
    /// [`reaches_tool`](Self::reaches_tool) decides about a call.
    pub fn reaches_some_of(&self, prefix: &str) -> bool {
        self.tools
            .iter()
            .all(|level| level.iter().any(|pattern| pattern.may_match_after(prefix)))
    }

    /// Whether this change may end or narrow the caller's rights, or change the secrets of their user.
    ///
    /// A key ends with its ancestors and with the owners of these, so changes of other keys and users matter, too.
    pub fn is_concerned_by(&self, changed: Changed) -> bool {
        match changed {
            Changed::All => true,
            Changed::User(user) => {
                user == self.user || self.line.iter().any(|(_, owner)| *owner == user)
            }
            Changed::Key(key) => self.line.iter().any(|(id, _)| *id == key),
        }
    }

    /// Sets the request ID for the audit trail.
    #[must_use]
    pub fn with_request_id(mut self, request_id: String) -> Self {
        self.request_id = Some(request_id);
        self
    }

    /// The caller, acting for the user that the body of a request names.
    ///
    /// A key with `any_user` may omit the header that names its user if the body names one. If it sends both, they must
    /// agree.
    pub fn acting_for(mut self, user: Option<UserId>) -> Result<Self, Error> {
        if !self.is_any_user || self.is_local {
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

    /// Refuses a caller without the scope. A caller that is limited to tool patterns cannot use `admin`, which concerns
    /// more than tools.
    ///
    /// # Errors
    /// [`Error::Denied`].
    pub fn require(&self, scope: Scope) -> Result<(), Error> {
        if !self.scopes.contains(scope) {
            Err(Denial::MissingScope(scope).into())
        } else if scope == Scope::Admin && self.is_limited() {
            Err(Denial::LimitedKeyAdministers.into())
        } else {
            Ok(())
        }
    }

    /// Whether the key or an ancestor is limited to tool patterns.
    pub(crate) fn is_limited(&self) -> bool {
        !self.tools.is_empty()
    }

    /// Whether the caller's patterns include a secret with this pattern.
    pub(crate) fn reaches_pattern(&self, pattern: Option<&ToolPattern>) -> bool {
        self.tools.iter().all(|level| {
            pattern.is_some_and(|inner| level.iter().any(|outer| inner.lies_inside(outer)))
        })
    }

    /// Refuses a pattern that the caller's patterns do not include.
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
