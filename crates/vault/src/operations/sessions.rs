//! Sessions of browsers: begun with an API key, a link from the command line, or a sign-in at an issuer
//! ([`issuer`]), and ended ([`end`]). In a session a person approves keys for command lines ([`approval`]).
//!
//! A session holds no rights. Each request reads those of its key, or of its user, as they are then. The session is
//! sealed in a cookie. Its token, which only the page holds, proves that the cookie was not copied from the browser.

mod approval;
pub(crate) mod end;
mod issuer;

use std::fmt;

use toolvault_core::api_key::{ApiKey, KeyId};
use toolvault_core::audit::record::{Action, Actor, Decision};
use toolvault_core::identity::{SignInId, UserId};
use toolvault_core::keyring::is_equal;
use toolvault_core::scope::{Scope, ScopeSet};
use toolvault_core::sign_in::{self, Holder, Link, Session};
use toolvault_core::timestamp::{SECOND, Timestamp};

use self::end::End;
use crate::caller::{Caller, OnBehalf, Token};
use crate::error::{Denial, Error};
use crate::store::session_generations;
use crate::vault::Vault;

/// How long a link can be used, in microseconds.
const LINK_LASTS: i64 = 60 * SECOND;
/// The precision of the time of a session's last use, in microseconds.
const SEEN_PRECISION: i64 = 60 * SECOND;

/// How long sessions last, in microseconds.
#[derive(Clone, Copy, Debug)]
pub struct SessionLimits {
    /// Without a request.
    pub idle: i64,
    /// In all.
    pub total: i64,
}

impl SessionLimits {
    fn end(self, session: &Session) -> Timestamp {
        session.began_at.plus(self.total)
    }

    fn has_ended(self, session: &Session, now: Timestamp) -> bool {
        now >= self.end(session) || now >= session.seen_at.plus(self.idle)
    }
}

/// A caller in a session.
#[derive(Clone)]
pub struct SignedIn {
    /// The caller, with their rights of now.
    pub caller: Caller,
    /// The name of their user.
    pub user_name: String,
    /// What the page sends with each request.
    pub token: [u8; 32],
    /// When the session ends, whatever happens in it.
    pub expires_at: Timestamp,
    /// The session for the cookie, if the browser's is not recent enough.
    pub renewed: Option<Vec<u8>>,
    session: Session,
}

/// Without the token and the session: together they are the credential.
impl fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedIn")
            .field("caller", &self.caller)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

impl SignedIn {
    /// The key whose rights the session has.
    pub fn key_id(&self) -> Option<KeyId> {
        self.caller.key
    }
}

impl Vault {
    /// A link that begins a session for `user`, once, and until when. Only for local commands.
    pub async fn create_sign_in_link(
        &self,
        caller: &Caller,
        user: UserId,
    ) -> Result<(Vec<u8>, Timestamp), Error> {
        let (&Actor::Local(uid), true) = (&caller.actor, caller.is_local) else {
            return Err(Denial::MissingScope(Scope::Admin).into());
        };
        if !self.user_is_active(user).await? {
            return Err(Denial::UserUnavailable.into());
        }
        let (entropy, now) = (self.shared.entropy.as_ref(), self.shared.clock.now());
        let link = Link {
            id: SignInId::generate(entropy, now)?,
            uid,
            user,
            generation: self.generation(user).await?,
            until: now.plus(LINK_LASTS),
        };
        let sealed = sign_in::seal(&link, &self.shared.keyring, entropy)?;
        Ok((sealed, link.until))
    }

    /// Begins a session with an API key that acts for its own user. One for any user has no sessions: they could not be
    /// ended with those of a user.
    pub async fn begin_session(
        &self,
        presented: &str,
        limits: SessionLimits,
    ) -> Result<SignedIn, Error> {
        let own = OnBehalf::Unnamed;
        let caller = self.authenticate_key(presented, own, false).await?;
        let id = ApiKey::parse(presented).ok_or(Error::Unauthenticated)?.id();
        let generation = self.generation(caller.user).await?;
        let record = self.record(&caller, Action::SessionStarted, Decision::Allowed);
        self.writer.record(vec![record]).await?;
        self.begun(caller, Holder::Key(id), generation, limits)
            .await
    }

    /// Begins a session with a link, which cannot be used again.
    pub async fn begin_session_by_link(
        &self,
        sealed: &[u8],
        limits: SessionLimits,
    ) -> Result<SignedIn, Error> {
        let link: Link =
            sign_in::open(sealed, &self.shared.keyring).map_err(|_| Error::Unauthenticated)?;
        if self.shared.clock.now() >= link.until || !self.user_is_active(link.user).await? {
            return Err(Error::Unauthenticated);
        }
        let caller = Caller::signed_in(link.uid, link.user);
        let record = self.record(&caller, Action::SessionStarted, Decision::Allowed);
        let end = End {
            id: link.id,
            until: link.until,
            record,
            user: link.user,
        };
        self.writer.change(end).await?;
        if self.generation(link.user).await? != link.generation {
            return Err(Error::Unauthenticated);
        }
        let (uid, user) = (link.uid, link.user);
        self.begun(caller, Holder::Local { uid, user }, link.generation, limits)
            .await
    }

    /// The caller in a session that was not ended, with the rights of now. `token` must be the session's.
    ///
    /// `scopes_of` gives the scopes of people who signed in at an issuer, or `None` if they no longer may.
    pub async fn resume_session(
        &self,
        sealed: &[u8],
        token: &[u8],
        limits: SessionLimits,
        scopes_of: impl Fn(&str) -> Option<ScopeSet>,
    ) -> Result<SignedIn, Error> {
        let session: Session =
            sign_in::open(sealed, &self.shared.keyring).map_err(|_| Error::Unauthenticated)?;
        let now = self.shared.clock.now();
        if !is_equal(&self.shared.keyring.session_token(session.id)?, token) {
            return Err(Error::Unauthenticated);
        }
        let caller = self.caller_in(&session, limits, scopes_of).await?;
        let is_recent = now.since(session.seen_at) < SEEN_PRECISION;
        let session = Session {
            seen_at: if is_recent { session.seen_at } else { now },
            ..session
        };
        self.signed_in(caller, session, limits, !is_recent).await
    }

    /// The caller in a session, with the rights of now, if it has not ended.
    async fn caller_in(
        &self,
        session: &Session,
        limits: SessionLimits,
        scopes_of: impl Fn(&str) -> Option<ScopeSet>,
    ) -> Result<Caller, Error> {
        let has_ended = limits.has_ended(session, self.shared.clock.now());
        if has_ended || self.is_ended(session.id).await? {
            return Err(Error::Unauthenticated);
        }
        let caller = match &session.holder {
            Holder::Key(id) => self.holder_of(*id).await?,
            Holder::Local { uid, user } => Caller::signed_in(*uid, *user),
            Holder::Issuer {
                issuer,
                subject,
                user,
            } => {
                let token = Token {
                    scopes: scopes_of(issuer).ok_or(Error::Unauthenticated)?,
                    issuer: issuer.clone(),
                    subject: subject.clone(),
                    user: *user,
                    create_user: false,
                    expires_at: limits.end(session),
                };
                self.authenticate_token(token).await?
            }
        };
        if self.generation(caller.user).await? != session.generation {
            return Err(Error::Unauthenticated);
        }
        Ok(caller)
    }

    async fn begun(
        &self,
        caller: Caller,
        holder: Holder,
        generation: i64,
        limits: SessionLimits,
    ) -> Result<SignedIn, Error> {
        let now = self.shared.clock.now();
        let session = Session {
            id: SignInId::generate(self.shared.entropy.as_ref(), now)?,
            holder,
            generation,
            began_at: now,
            seen_at: now,
        };
        self.signed_in(caller, session, limits, true).await
    }

    async fn signed_in(
        &self,
        caller: Caller,
        session: Session,
        limits: SessionLimits,
        is_renewed: bool,
    ) -> Result<SignedIn, Error> {
        let entry = self.user_entry(caller.user).await?;
        let entry = entry.filter(|entry| !entry.user.row.is_disabled);
        let user_name = entry.ok_or(Error::Unauthenticated)?.user.row.name.clone();
        let (keyring, entropy) = (&self.shared.keyring, self.shared.entropy.as_ref());
        let end = limits.end(&session);
        let renewed = is_renewed.then(|| sign_in::seal(&session, keyring, entropy));
        Ok(SignedIn {
            expires_at: caller.expires_at.map_or(end, |own| own.min(end)),
            token: keyring.session_token(session.id)?,
            renewed: renewed.transpose()?,
            caller,
            user_name,
            session,
        })
    }

    async fn holder_of(&self, key: KeyId) -> Result<Caller, Error> {
        self.in_time(Box::pin(async {
            let record = self.key_record(key).await?.ok_or(Error::Unauthenticated)?;
            self.accept(&record, OnBehalf::Unnamed, false).await
        }))
        .await
    }

    /// The generation to which the user's sessions must belong.
    async fn generation(&self, user: UserId) -> Result<i64, Error> {
        self.in_time(async {
            let mut tx = self.shared.database.read().await?;
            Ok(session_generations::current(&mut tx, user).await?)
        })
        .await
    }
}
