//! Requests with the token of the caller's account, and what a server says that wants another one.

use ::http::StatusCode;

use super::exchange::{Exchange, Question};
use super::link::Link;
use crate::mcp::refusal::{NeededSignIn, Refusal, UpstreamError};
use crate::oauth::challenge::Challenge;

/// The most bytes of all scopes that a person is asked for at a server's wish.
const LONGEST_SCOPES: usize = 1 << 10;

impl Link {
    /// Asks the server. A token that it refuses is renewed, once, and it is asked again: it has done nothing yet.
    pub(super) async fn ask_signed(&self, question: Question) -> Result<Exchange, UpstreamError> {
        let Some(account) = &self.filled.account else {
            let answer = self.ask_once(question, None).await;
            if answer.is_ok() {
                self.access.note_signed_in();
            }
            return answer.map_err(|error| self.judge(error));
        };
        let (again, token) = (question.clone(), account.token());
        let answer = self.ask_once(question, Some(&token)).await;
        let is_refused = matches!(
            &answer,
            Err(UpstreamError::Challenged(StatusCode::UNAUTHORIZED, _))
        );
        if !is_refused {
            return answer.map_err(|error| self.judge(error));
        }
        let (values, caller) = (&self.access.values, self.access.caller());
        let renewed = account.refused(values, &caller, &token);
        let renewed = renewed.await;
        let answer = match renewed {
            Ok(true) => self.ask_once(again, Some(&account.token())).await,
            Ok(false) => answer,
            Err(Refusal::Upstream(error)) => Err(error),
            Err(refusal) => {
                refusal.log(Some(self.access.server.name.as_str()));
                answer
            }
        };
        answer.map_err(|error| self.judge(error))
    }

    /// What a 401 or 403 means here.
    fn judge(&self, error: UpstreamError) -> UpstreamError {
        let UpstreamError::Challenged(status, challenge) = error else {
            return error;
        };
        let (server, account) = (&self.access.server, &self.filled.account);
        let is_insufficient = challenge
            .as_ref()
            .is_some_and(|challenge| challenge.is_insufficient_scope);
        let wants_sign_in = match status {
            // Without a challenge it may want another kind of credential.
            StatusCode::UNAUTHORIZED => {
                challenge.is_some() || account.is_some() || server.has_oauth_settings()
            }
            _ => is_insufficient,
        };
        if !wants_sign_in || !server.takes_sign_ins() {
            return UpstreamError::CredentialRefused;
        }
        if !is_insufficient {
            self.access.note_sign_in();
        }
        UpstreamError::SignIn(Box::new(NeededSignIn {
            server: server.name.clone(),
            scopes: match challenge {
                Some(challenge) if is_insufficient => self.harmless(*challenge),
                _ => Vec::new(),
            },
        }))
    }

    /// The scopes in a challenge, which become a part of what the model reads: without the values that the server got.
    fn harmless(&self, challenge: Challenge) -> Vec<String> {
        let scopes = challenge.scopes.unwrap_or_default();
        let values = &self.access.values;
        let is_harmless = values.is_harmless(&scopes.join(" "));
        let is_short = scopes.iter().map(String::len).sum::<usize>() <= LONGEST_SCOPES;
        if is_harmless && is_short {
            scopes
        } else {
            Vec::new()
        }
    }
}
