//! One user's turn in a rotation: a new key, all that is sealed with the old one sealed again, the old one deleted.

use toolvault_core::audit::record::{Action, Decision, Record};
use toolvault_core::envelope::key_id;
use toolvault_core::envelope::version::Standing;
use toolvault_core::identity::{SecretId, UserId};
use toolvault_core::timestamp::Timestamp;
use toolvault_core::user_keys::UserKeys;
use uuid::Uuid;

use super::RotationPosition;
use crate::cache::Effect;
use crate::connection::StoredConnection;
use crate::error::Error;
use crate::operations::secrets::change::rewrap_error;
use crate::operations::secrets::create::reseal_answer;
use crate::secret::Secret;
use crate::store::versions::WrapRow;
use crate::store::{connections, given, idempotent_answers, users, versions};
use crate::user::{self, Ledger, User};
use crate::writer::change::Work;

/// What became of a user's turn.
pub(super) enum Turn {
    /// They need nothing: their key is new, or they are gone.
    Passed { versions: i64 },
    /// A row was changed in the database. Nothing was written but a record of that.
    Left,
    /// A portion was taken. It goes on after the secret `after`; `None` if the turn is over.
    Taken {
        data_keys: i64,
        versions: i64,
        after: Option<SecretId>,
    },
}

/// What is sealed again.
#[derive(Default)]
struct Portion {
    /// How many versions were looked at.
    versions: i64,
    /// Data keys by secret and version.
    data_keys: Vec<(SecretId, i64, Vec<u8>)>,
    /// Answers by the hash of their key.
    answers: Vec<(Vec<u8>, Vec<u8>)>,
    /// Data keys of connections.
    connections: Vec<(SecretId, Vec<u8>)>,
    /// Where the rest begins, if there may be more.
    after: Option<SecretId>,
}

/// Takes the next `most` secrets of a user with all their versions, and as many answers, and after the last of them
/// deletes the user's old key.
pub(super) async fn take_turn(
    work: &mut Work<'_>,
    id: UserId,
    at: &RotationPosition,
    most: usize,
    record: &Record,
) -> Result<Turn, Error> {
    let taken = take(work, id, at, most, record).await;
    if !matches!(taken, Err(Error::Integrity)) {
        return taken;
    }
    let mut record = record.clone();
    record.action = Action::TamperingDetected;
    record.decision = Decision::Denied;
    record.user_id = Some(id);
    record.reason = Some("integrity".to_owned());
    work.records.push(record);
    Ok(Turn::Left)
}

/// Fails with [`Error::Integrity`] only before it has written.
async fn take(
    work: &mut Work<'_>,
    id: UserId,
    at: &RotationPosition,
    most: usize,
    record: &Record,
) -> Result<Turn, Error> {
    users::lock(work.tx, id).await?;
    let Some(row) = users::find(work.tx, id).await? else {
        return Ok(Turn::Passed { versions: 0 });
    };
    let mut user = User::verify(row, &work.shared.keyring)?;
    let row = users::find_ledger(work.tx, id).await?;
    let row = row.ok_or(Error::Integrity)?;
    let ledger = Ledger::open(&user, row.generation, &row.sealed)?;
    let begins = !user.keys.is_rotating();
    if begins && is_new(&user, at, work) {
        let versions = versions::count(work.tx, id).await?;
        return Ok(Turn::Passed { versions });
    }
    let entropy = work.shared.entropy.as_ref();
    if begins {
        user.keys = user.keys.renew(work.now, entropy)?;
    }
    let mut portion = seal_again(work, id, &user.keys, at.secret, most).await?;

    let statements = vec![
        versions::save_data_keys(&portion.data_keys),
        connections::save_data_keys(&portion.connections),
        idempotent_answers::save(id, &portion.answers),
    ];
    given::run(work.tx, statements, None).await?;
    if begins {
        let sealed = ledger.seal(id, &user.keys, row.generation, entropy)?.sealed;
        users::save_ledger(work.tx, id, &sealed).await?;
    }
    if portion.after.is_none() {
        let newest = header(&user.keys);
        let others = versions::count_others(work.tx, id, newest).await?
            + connections::count_others(work.tx, id, newest).await?;
        if others == 0 {
            user.keys = user.keys.without_former();
            if !is_new(&user, at, work) {
                // An earlier rotation began this turn.
                portion.after = Some(SecretId(Uuid::nil()));
            }
        } else {
            // Nothing adds such a row behind us, but without its key it would be lost.
            portion.after = Some(SecretId(Uuid::nil()));
        }
    }
    work.has_written = true;
    let is_over = !user.keys.is_rotating();
    if begins || is_over {
        save(work, &mut user, is_over, record).await?;
    }
    Ok(Turn::Taken {
        data_keys: i64::try_from(portion.data_keys.len() + portion.connections.len())
            .map_err(Error::internal)?,
        versions: portion.versions,
        after: portion.after,
    })
}

/// Whether the user's newest key was made since the rotation began. One from the future was made while the clock was
/// wrong.
fn is_new(user: &User, at: &RotationPosition, work: &Work<'_>) -> bool {
    let created_at = Timestamp::from_microseconds(user.row.created_at);
    let made_at = user.keys.made_at().unwrap_or(created_at);
    (at.before..=work.now).contains(&made_at)
}

/// The number of the newest key, as it is in the header of what it sealed.
fn header(keys: &UserKeys) -> [u8; 4] {
    keys.newest().id.to_be_bytes()
}

/// Seals the next portion again, in memory.
async fn seal_again(
    work: &mut Work<'_>,
    id: UserId,
    keys: &UserKeys,
    after: SecretId,
    most: usize,
) -> Result<Portion, Error> {
    let mut portion = Portion::default();
    let limit = i64::try_from(most).map_err(Error::internal)?;
    let rows = versions::list_wraps(work.tx, id, after, limit).await?;
    let mut secrets: Vec<SecretId> = Vec::with_capacity(most);
    for row in rows {
        let secret = SecretId(row.secret.secret_id);
        if secrets.last() != Some(&secret) {
            secrets.push(secret);
        }
        portion.versions += 1;
        let version = row.kept;
        if let Some(data_key) = rewrap(work, keys, row)? {
            portion.data_keys.push((secret, version, data_key));
        }
    }
    if after.0.is_nil() {
        // There are few: at most one for each server.
        wrap_connections(work, id, keys, &mut portion).await?;
    }
    let (shared, newest) = (work.shared, header(keys));
    let answers = idempotent_answers::list_others(work.tx, id, newest, limit).await?;
    let is_last = secrets.len() < most && answers.len() < most;
    portion.after = (!is_last).then(|| secrets.last().copied().unwrap_or(after));
    for (key_hash, sealed) in answers {
        let entropy = shared.entropy.as_ref();
        let sealed = reseal_answer(id, keys, &key_hash, &sealed, entropy)?;
        portion.answers.push((key_hash, sealed));
    }
    Ok(portion)
}

/// Wraps the data keys of all connections again. Each is opened, for the reason that [`rewrap`] gives.
async fn wrap_connections(
    work: &mut Work<'_>,
    id: UserId,
    keys: &UserKeys,
    portion: &mut Portion,
) -> Result<(), Error> {
    let (installation, entropy) = (
        work.shared.keyring.installation(),
        work.shared.entropy.as_ref(),
    );
    for row in connections::list(work.tx, Some(id)).await? {
        let connection = StoredConnection::verify(row, installation, keys)?;
        let (id, is_done) = (
            connection.id,
            key_id(connection.data_key())? == keys.newest().id,
        );
        let data_key = connection.wrap_again(installation, keys, entropy)?;
        if !is_done {
            portion.connections.push((id, data_key));
        }
    }
    Ok(())
}

/// The data key wrapped with the newest key; `None` if it is already.
fn rewrap(work: &Work<'_>, keys: &UserKeys, row: WrapRow) -> Result<Option<Vec<u8>>, Error> {
    let installation = work.shared.keyring.installation();
    let (mut secret, sealed) = Secret::read(row.secret)?;
    let is_done = key_id(&sealed.data_key)? == keys.newest().id;
    let standing = if row.kept == secret.version {
        secret.standing(installation)
    } else {
        Standing::Superseded
    };
    secret.version = row.kept;
    let identity = secret.identity(installation);
    let mut sealed = sealed.value();
    let entropy = work.shared.entropy.as_ref();
    sealed
        .rewrap(keys, &identity, standing, standing, entropy)
        .map_err(rewrap_error)?;
    // The number of the key stands in front of what it sealed, where anyone who writes to the database can change it. If
    // it were believed, the old key would be deleted, and the row lost.
    Ok((!is_done).then(|| sealed.data_key().to_vec()))
}

/// Saves the user's keys, and records that.
async fn save(
    work: &mut Work<'_>,
    user: &mut User,
    is_over: bool,
    record: &Record,
) -> Result<(), Error> {
    let (shared, id) = (work.shared, user.id());
    let entropy = shared.entropy.as_ref();
    user.row.wrapped_key = shared.keyring.wrap_user_keys(id, &user.keys, entropy)?;
    user::authenticate(&mut user.row, &shared.keyring);
    users::update(work.tx, &user.row).await?;
    let reason = if is_over {
        // The old key leaves the caches, too. Until now, entries that know only it could open all that they hold.
        work.effects.push(Effect::UserChanged(id));
        "completed"
    } else {
        "begun"
    };
    let mut record = record.clone();
    record.user_id = Some(id);
    record.subject = Some(id.to_string());
    record.reason = Some(reason.to_owned());
    record.state = Some(user::state_text(&user.row));
    work.records.push(record);
    Ok(())
}
