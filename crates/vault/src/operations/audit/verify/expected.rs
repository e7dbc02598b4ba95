//! The rows that must exist according to the trail, with their last states: users, keys, connections, and secrets with
//! their versions.

use std::collections::{BTreeSet, HashMap};

use toolvault_core::audit::record::{Action, Record};
use toolvault_core::identity::{SecretId, UserId};
use toolvault_core::timestamp::Timestamp;

/// The state in which the trail last left each object, as the hash of its row.
pub(super) type States<K> = HashMap<K, String>;

#[derive(Default)]
pub(crate) struct Expected {
    pub(super) secrets: States<SecretId>,
    pub(super) versions: HashMap<SecretId, BTreeSet<i64>>,
    pub(super) keys: States<String>,
    pub(super) users: States<String>,
    pub(super) owners: HashMap<SecretId, UserId>,
    pub(super) key_owners: HashMap<String, UserId>,
    pub(super) connections: States<String>,
    pub(super) connection_owners: HashMap<String, UserId>,
    /// The newest prune of the trail.
    pub(super) prune: Option<Prune>,
}

/// What the trail says of a prune.
pub(super) struct Prune {
    /// The hash of the cut that it left.
    pub(super) state: String,
    pub(super) at: Timestamp,
    pub(super) actor: String,
}

impl Expected {
    /// Whether the record says in which state a row is. Most do not: they are uses and refusals.
    pub(crate) fn concerns(record: &Record) -> bool {
        let is_removal = matches!(
            record.action,
            Action::SecretDeleted
                | Action::UserDeleted
                | Action::SecretVersionDeleted
                | Action::ConnectionDeleted
        );
        is_removal || record.state.is_some() || adds_version(record.action)
    }

    /// Applies the next record.
    pub(crate) fn follow(&mut self, record: Record) {
        self.follow_versions(&record);
        match record.action {
            Action::SecretDeleted => {
                if let Some(id) = record.secret_id {
                    self.secrets.remove(&id);
                    self.versions.remove(&id);
                    self.owners.remove(&id);
                }
            }
            Action::ConnectionDeleted => {
                if let Some(id) = record.subject {
                    self.connections.remove(&id);
                    self.connection_owners.remove(&id);
                }
            }
            Action::UserDeleted => {
                if let Some(user) = record.user_id {
                    self.forget(user);
                }
            }
            _ => self.keep(record),
        }
    }

    fn follow_versions(&mut self, record: &Record) {
        let (Some(id), Some(version)) = (record.secret_id, record.version) else {
            return;
        };
        if adds_version(record.action) {
            self.versions.entry(id).or_default().insert(version);
        } else if record.action == Action::SecretVersionDeleted {
            self.versions.entry(id).or_default().remove(&version);
        }
    }

    fn keep(&mut self, record: Record) {
        let Some(state) = record.state else { return };
        if record.action == Action::AuditPruned {
            self.prune = Some(Prune {
                state,
                at: record.at,
                actor: record.actor,
            });
        } else if let (Some(secret), Some(user)) = (record.secret_id, record.user_id) {
            self.secrets.insert(secret, state);
            self.owners.insert(secret, user);
        } else if let Some(subject) = record.subject {
            if matches!(
                record.action,
                Action::UserCreated | Action::UserChanged | Action::UserKeysRotated
            ) {
                self.users.insert(subject, state);
            } else if changes_connection(record.action) {
                if let Some(user) = record.user_id {
                    self.connection_owners.insert(subject.clone(), user);
                }
                self.connections.insert(subject, state);
            } else {
                if let Some(user) = record.user_id {
                    self.key_owners.insert(subject.clone(), user);
                }
                self.keys.insert(subject, state);
            }
        }
    }

    /// Everything of a deleted user is gone, too.
    fn forget(&mut self, user: UserId) {
        self.users.remove(&user.to_string());
        self.owners.retain(|_, owner| *owner != user);
        self.key_owners.retain(|_, owner| *owner != user);
        self.secrets.retain(|id, _| self.owners.contains_key(id));
        self.versions.retain(|id, _| self.owners.contains_key(id));
        self.keys.retain(|id, _| self.key_owners.contains_key(id));
        self.connection_owners.retain(|_, owner| *owner != user);
        self.connections
            .retain(|id, _| self.connection_owners.contains_key(id));
    }
}

fn changes_connection(action: Action) -> bool {
    matches!(
        action,
        Action::ConnectionCreated
            | Action::ConnectionReplaced
            | Action::ConnectionRenewed
            | Action::ConnectionEnded
    )
}

fn adds_version(action: Action) -> bool {
    matches!(
        action,
        Action::SecretCreated | Action::SecretValueReplaced | Action::SecretVersionRestored
    )
}
