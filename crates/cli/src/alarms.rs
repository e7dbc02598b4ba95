//! Sends alarms to where the configuration says: for the server's job, and to test the way.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use toolvault_core::identity::InstallationId;
use toolvault_core::timestamp::Timestamp;
use toolvault_gateway::alarms::{Alarm, Webhook};

use crate::config::{Alarms, Destination, Way, read_signing_key};
use crate::environment::Environment;
use crate::failure::{Failure, with_causes};
use crate::hand_over::hand_over;

/// What sends alarms.
pub(crate) struct Sender {
    channel: Channel,
    /// The variables that a command does not get: our own settings, of which one may be the root key.
    withheld: Vec<OsString>,
}

enum Channel {
    Webhook(Webhook, Destination, Option<PathBuf>),
    Command(Vec<String>),
}

/// Why an alarm was not taken.
pub(crate) struct SendFailure {
    pub(crate) why: String,
    /// How long the receiver wants to be left alone.
    pub(crate) retry_after: Option<Duration>,
}

impl Sender {
    /// What sends as the configuration says. Nothing is connected yet.
    pub(crate) fn of(settings: &Alarms, environment: &Environment) -> Result<Self, Failure> {
        let channel = match settings.way.clone() {
            Way::Webhook(destination, secret_file) => {
                let (url, policy) = (destination.url.clone(), destination.policy.clone());
                let webhook = Webhook::new(url, policy);
                let webhook = webhook
                    .map_err(|error| Failure::refused(format!("alarms: {}", with_causes(&error))));
                Channel::Webhook(webhook?, destination, secret_file)
            }
            Way::Command(command) => Channel::Command(command),
        };
        Ok(Self {
            channel,
            withheld: environment.iter().map(|(name, _)| name.into()).collect(),
        })
    }

    pub(crate) async fn send(
        &self,
        alarm: &Alarm,
        installation: Option<InstallationId>,
        now: Timestamp,
    ) -> Result<(), SendFailure> {
        match &self.channel {
            Channel::Webhook(webhook, destination, secret_file) => {
                let headers = destination.headers().await.map_err(SendFailure::of)?;
                let path = secret_file.clone();
                // Read anew, so that a new key needs no restart.
                let reading = tokio::task::spawn_blocking(move || {
                    path.as_deref().map(read_signing_key).transpose()
                });
                let key = reading
                    .await
                    .map_err(|error| SendFailure::of(error.to_string()))?;
                let key =
                    key.map_err(|why| SendFailure::of(format!("alarms.secret_file: {why}")))?;
                let sent = webhook.send(alarm, installation, key.as_ref(), &headers, now);
                sent.await.map_err(|error| SendFailure {
                    why: with_causes(&error),
                    retry_after: error.retry_after(),
                })
            }
            Channel::Command(command) => {
                let line = format!("{}\n", alarm.message(installation));
                let taken = hand_over(command, &self.withheld, line.as_bytes());
                taken.await.map_err(SendFailure::of)
            }
        }
    }
}

impl SendFailure {
    const fn of(why: String) -> Self {
        Self {
            why,
            retry_after: None,
        }
    }
}
