//! Makes a backup: one state of all tables, row by row.

use std::io::Read;

use futures_util::StreamExt as _;
use tokio::sync::mpsc;
use toolvault_core::audit::record::{Action, Decision};
use toolvault_core::backup::{Chunks, Header, Packer, row};
use toolvault_core::digest::hexadecimal;
use toolvault_core::scope::Scope;

use super::restore::RestoreError;
use super::{Backup, Contents, Piece, Table, read};
use crate::caller::Caller;
use crate::error::Error;
use crate::store::backup::Column;
use crate::store::transaction::Tx;
use crate::store::{audit, backup, dialect, doctor, installation};
use crate::vault::Vault;

/// How many pieces wait for their reader.
const AHEAD: usize = 4;

impl Vault {
    /// Begins a backup of the whole store, with every change and use that was acknowledged before. Needs `admin`.
    ///
    /// The record of the backup is in the trail before anything is handed out, so the backup contains it.
    pub async fn back_up(&self, caller: &Caller) -> Result<Backup, Error> {
        self.note_refusal(caller, caller.require(Scope::Admin))
            .await?;
        let mut record = self.record(caller, Action::StoreBackedUp, Decision::Allowed);
        record.user_id = None;
        self.writer.record(vec![record]).await?;
        self.writer.fold().await?;
        let tx = self.in_time(async { Ok(self.shared.database.read().await?) });
        let mut tx = tx.await?;
        dialect::take_time(&mut tx).await?;
        let survey = self.survey(&mut tx).await?;
        let contents = survey.contents.clone();
        let (sender, pieces) = mpsc::channel(AHEAD);
        let vault = self.clone();
        self.spawn(async move {
            let outcome = vault.send_backup(&mut tx, survey, &sender).await;
            let ended = outcome.map(|()| Piece::End);
            if let Err(error) = &ended {
                vault.shared.watch(error);
            }
            // The reader may be gone: then the backup was not wanted any more.
            let _ = sender.send(ended).await;
        });
        Ok(Backup { contents, pieces })
    }

    /// Reads a backup of this store to its end with the store's own keys, and returns what is in it. It blocks.
    ///
    /// Nothing is missing in it and nothing was changed. That a store can be made from it is not tried.
    pub fn check_backup(&self, file: impl Read) -> Result<Contents, RestoreError> {
        read::check(file, &self.shared.keyring)
    }

    /// What the backup begins with, from the transaction that it is read with.
    async fn survey(&self, tx: &mut Tx) -> Result<Survey, Error> {
        let entropy = self.shared.entropy.as_ref();
        let found = installation::find(tx).await?.ok_or(Error::Integrity)?;
        let keyring = installation::load_keyring(tx).await?;
        let header = Header::new(found.id, found.root_key_salt, keyring, entropy)?;
        let head = audit::find_head(tx).await?.and_then(|row| row.head());
        let head = head.ok_or(Error::Integrity)?;
        let (mut tables, mut columns) = (Vec::new(), Vec::new());
        let schema = backup::schema(tx).await?;
        for name in backup::tables(schema) {
            let found = backup::columns(tx, name).await?;
            tables.push(Table {
                name: name.to_owned(),
                columns: found.iter().map(|column| column.name.clone()).collect(),
                rows: backup::count(tx, name).await?,
            });
            columns.push((name, found));
        }
        let (engine, _) = doctor::engine(tx).await?;
        Ok(Survey {
            header,
            columns,
            contents: Contents {
                created_at: self.shared.clock.now(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                engine: engine.to_owned(),
                schema,
                audit_pages: head.page,
                audit_records: head.sequence,
                audit_head: hexadecimal(&head.hash),
                tables,
            },
        })
    }

    async fn send_backup(
        &self,
        tx: &mut Tx,
        survey: Survey,
        to: &mpsc::Sender<Result<Piece, Error>>,
    ) -> Result<(), Error> {
        let entropy = self.shared.entropy.as_ref();
        let beginning = survey.header.write().map_err(Error::internal)?;
        let chunks = Chunks::new(&self.shared.keyring, &survey.header, &beginning)?;
        let mut packer = Packer::new(chunks);
        send(to, beginning).await?;

        let contents = serde_json::to_vec(&survey.contents).map_err(Error::internal)?;
        let mut part = Vec::new();
        row::write_part(&contents, &mut part).map_err(Error::internal)?;
        send(to, packer.write(&part, entropy)?).await?;
        for (table, columns) in &survey.columns {
            let mut rows = backup::read(tx, table, columns);
            while let Some(values) = rows.next().await {
                part.clear();
                row::write(&values?, &mut part).map_err(Error::internal)?;
                send(to, packer.write(&part, entropy)?).await?;
            }
        }
        send(to, packer.finish(entropy)?).await
    }
}

struct Survey {
    header: Header,
    contents: Contents,
    columns: Vec<(&'static str, Vec<Column>)>,
}

async fn send(to: &mpsc::Sender<Result<Piece, Error>>, bytes: Vec<u8>) -> Result<(), Error> {
    if bytes.is_empty() {
        return Ok(());
    }
    let sent = to.send(Ok(Piece::Bytes(bytes))).await;
    sent.map_err(|_| Error::Unavailable(Some("the reader of the backup is gone".into())))
}
