//! Tasks that callers began at tool servers, in the protocol era without sessions: the next request about one may reach
//! another server of the store.
//!
//! A row says nothing to who reads it, and cannot be made or changed without the keyring: its key is a MAC of who began
//! which task where, and the name of the tool is sealed and bound to that.

use toolvault_core::envelope::{open, seal};
use toolvault_core::identity::UserId;
use toolvault_core::scope::Scope;
use toolvault_core::timestamp::SECOND;
use toolvault_core::transcript::Transcript;

use crate::caller::Caller;
use crate::error::Error;
use crate::store::gateway_tasks;
use crate::vault::Vault;
use crate::writer::change::{Change, Work};

/// For how long a task is known, in microseconds: seven days.
const KNOWN_FOR: i64 = 7 * 86_400 * SECOND;
/// How many tasks of one user are known.
const MOST: i64 = 4_096;

/// A task at a tool server.
#[derive(Clone, Copy, Debug)]
pub struct TaskAt<'a> {
    /// The server's name in the configuration.
    pub server: &'a str,
    /// The task's ID, which the server chose.
    pub id: &'a str,
}

impl Vault {
    /// Remembers that a call of `tool` began a task for this caller, for a week. Of one user's tasks, the oldest of more
    /// than 4096 are forgotten. Needs `use`.
    pub async fn note_task(
        &self,
        caller: &Caller,
        task: TaskAt<'_>,
        tool: &str,
    ) -> Result<(), Error> {
        self.note_refusal(caller, caller.require(Scope::Use))
            .await?;
        let key = self.task_key(caller, task);
        let entropy = self.shared.entropy.as_ref();
        let sealed = seal(
            self.shared.keyring.cursor(),
            bind(&key),
            tool.as_bytes(),
            entropy,
        )?;
        let note = Note {
            user: caller.user(),
            key,
            sealed,
        };
        self.writer.change(note).await
    }

    /// The tool that began a task of this caller; `None` if it is not known. Needs `use`.
    pub async fn find_task(
        &self,
        caller: &Caller,
        task: TaskAt<'_>,
    ) -> Result<Option<String>, Error> {
        self.note_refusal(caller, caller.require(Scope::Use))
            .await?;
        let key = self.task_key(caller, task);
        let sealed = self
            .in_time(async {
                let mut tx = self.shared.database.read().await?;
                Ok(gateway_tasks::find(&mut tx, &key).await?)
            })
            .await?;
        let Some(sealed) = sealed else {
            return Ok(None);
        };
        let tool = open(self.shared.keyring.cursor(), bind(&key), &sealed)?;
        Ok(tool.expose_text().map(str::to_owned))
    }

    /// Another user, and another key or token of the same user, has other tasks.
    fn task_key(&self, caller: &Caller, task: TaskAt<'_>) -> [u8; 32] {
        let transcript = Transcript::new("gateway_task/v1")
            .bytes(caller.user().as_bytes())
            .text(&caller.actor().to_string())
            .text(task.server)
            .text(task.id);
        self.shared.keyring.mac_row(&transcript)
    }
}

fn bind(key: &[u8; 32]) -> Transcript {
    Transcript::new("toolvault/gateway-task/v1").bytes(key)
}

struct Note {
    user: UserId,
    key: [u8; 32],
    sealed: Vec<u8>,
}

impl Change for Note {
    type Answer = ();

    fn user(&self) -> UserId {
        self.user
    }

    async fn apply(&mut self, work: &mut Work<'_>) -> Result<(), Error> {
        let oldest = work.now.plus(-KNOWN_FOR);
        gateway_tasks::save(work.tx, &self.key, self.user, &self.sealed, work.now).await?;
        gateway_tasks::delete_old(work.tx, self.user, oldest, MOST).await?;
        work.has_written = true;
        Ok(())
    }
}
