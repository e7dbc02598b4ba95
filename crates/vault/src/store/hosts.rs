//! The hosts of a PostgreSQL database, of which one accepts changes. After a standby was promoted, a new pool of
//! connections replaces the old one, whose connections may hang.

use std::fmt;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{Connection as _, PgConnection};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::dialect;
use crate::settings::DatabaseUrl;

/// How often to look whether the host still accepts changes.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long one of several hosts has to answer.
const LIMIT: Duration = Duration::from_secs(1);
/// How long the only host has to answer: there is no other to turn to.
const LIMIT_OF_ONLY: Duration = Duration::from_secs(10);
/// libpq's parameter for what this program always does.
const WANTS_CHANGES: [&str; 2] = [
    "target_session_attrs=read-write",
    "target_session_attrs=primary",
];

/// The hosts of one database.
#[derive(Clone)]
pub(crate) struct Hosts(Arc<[PgConnectOptions]>);

/// Why no host could be used: each with its reason.
#[derive(Debug)]
pub struct Tried(Vec<(String, Refusal)>);

#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("{0}")]
    Failed(#[from] sqlx::Error),
    #[error("it accepts no changes")]
    ReadOnly,
    #[error("it runs with {0} = off, so a crash can lose or damage what was acknowledged")]
    Unsafe(String),
    #[error("it did not answer within {} s", .0.as_secs())]
    Silent(Duration),
}

impl fmt::Display for Tried {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, (host, refusal)) in self.0.iter().enumerate() {
            let separator = if number == 0 { "" } else { "; " };
            write!(formatter, "{separator}{host}: {refusal}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Tried {}

impl Hosts {
    /// The hosts of a URL, in the form of libpq: `postgres://user@a:5432,b:5433/database`. `None` if it is not valid.
    pub(crate) fn of(url: &DatabaseUrl) -> Option<Self> {
        let (scheme, rest) = url.expose().split_once("://")?;
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let (user, hosts) = match authority.rsplit_once('@') {
            Some((user, hosts)) => (format!("{user}@"), hosts),
            None => (String::new(), authority),
        };
        let path = without_session_attributes(path)?;
        let options = |host| PgConnectOptions::from_str(&format!("{scheme}://{user}{host}{path}"));
        let hosts: Result<_, _> = hosts.split(',').map(options).collect();
        hosts.ok().map(Self)
    }

    /// The first host that accepts changes, with a connection to it. The only host is taken as it is: it may become the
    /// primary later.
    pub(crate) async fn find(&self) -> Result<(PgConnectOptions, PgConnection), Tried> {
        let mut tried = Vec::new();
        for options in self.0.iter() {
            let connected = if self.are_several() {
                connect_for_changes(options).await
            } else {
                let connecting = PgConnection::connect_with(options);
                within(LIMIT_OF_ONLY, async { Ok(connecting.await?) }).await
            };
            match connected {
                Ok(connection) => return Ok((options.clone(), connection)),
                Err(refusal) => tried.push((name_of(options), refusal)),
            }
        }
        Err(Tried(tried))
    }

    /// A pool of connections to this host, which [`find`](Self::find) returned.
    pub(crate) async fn pool(
        &self,
        options: PgConnectOptions,
        patience: Duration,
    ) -> sqlx::Result<PgPool> {
        let are_several = self.are_several();
        PgPoolOptions::new()
            .max_connections(16)
            .test_before_acquire(false)
            .acquire_timeout(dialect::most_of(patience))
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    if are_several && !accepts_changes(connection).await? {
                        return Err(sqlx::Error::Configuration(Refusal::ReadOnly.into()));
                    }
                    Ok(())
                })
            })
            .connect_with(dialect::postgres_options(options, patience))
            .await
    }

    /// Keeps the pool at a host that accepts changes, until `stop` is called.
    pub(crate) async fn follow(
        self,
        pools: watch::Sender<PgPool>,
        patience: Duration,
        stop: CancellationToken,
    ) {
        if self.are_several() {
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.keep(&pools, patience) => {}
            }
        }
    }

    async fn keep(&self, pools: &watch::Sender<PgPool>, patience: Duration) {
        let mut watched: Option<PgConnection> = None;
        let mut is_away = false;
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            if let Some(connection) = &mut watched
                && let Ok(Ok(true)) = timeout(LIMIT, accepts_changes(connection)).await
            {
                continue;
            }
            watched = None;
            match self.find().await {
                Ok((options, connection)) => {
                    let host = name_of(&options);
                    // Connections to the same host that were lost are replaced one by one, when they are next used.
                    if host != name_of(&pools.borrow().connect_options()) {
                        let pool = match self.pool(options, patience).await {
                            Ok(pool) => pool,
                            Err(error) => {
                                if !is_away {
                                    tracing::warn!(host, %error, "cannot connect to this host of the database");
                                }
                                is_away = true;
                                continue;
                            }
                        };
                        tracing::warn!(host, "changes now go to this host of the database");
                        pools.send_replace(pool);
                    }
                    is_away = false;
                    watched = Some(connection);
                }
                Err(tried) => {
                    if !is_away {
                        tracing::warn!(%tried, "no host of the database accepts changes");
                    }
                    is_away = true;
                }
            }
        }
    }

    fn are_several(&self) -> bool {
        self.0.len() > 1
    }
}

/// The end of a URL without libpq's `target_session_attrs`, which the driver does not know. `None` if it asks for a host
/// that may accept no changes.
fn without_session_attributes(path: &str) -> Option<String> {
    let Some((path, query)) = path.split_once('?') else {
        return Some(path.to_owned());
    };
    let parts = query.split('&');
    let kept: Vec<_> = parts.filter(|part| !WANTS_CHANGES.contains(part)).collect();
    if kept
        .iter()
        .any(|part| part.starts_with("target_session_attrs="))
    {
        return None;
    }
    if kept.is_empty() {
        return Some(path.to_owned());
    }
    Some(format!("{path}?{}", kept.join("&")))
}

fn name_of(options: &PgConnectOptions) -> String {
    format!("{}:{}", options.get_host(), options.get_port())
}

async fn connect_for_changes(options: &PgConnectOptions) -> Result<PgConnection, Refusal> {
    let connecting = async {
        let mut connection = PgConnection::connect_with(options).await?;
        if !accepts_changes(&mut connection).await? {
            return Err(Refusal::ReadOnly);
        }
        match unsafe_setting(&mut connection).await? {
            Some(name) => Err(Refusal::Unsafe(name)),
            None => Ok(connection),
        }
    };
    within(LIMIT, connecting).await
}

/// A server that hangs still takes connections.
async fn within<T>(
    limit: Duration,
    connecting: impl Future<Output = Result<T, Refusal>>,
) -> Result<T, Refusal> {
    // On the heap: every command opens a store, and its future would hold this one.
    let connected = timeout(limit, Box::pin(connecting)).await;
    connected.unwrap_or(Err(Refusal::Silent(limit)))
}

/// Whether the server accepts changes, in the sense of libpq's `target_session_attrs=read-write`.
async fn accepts_changes(connection: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar(
        "SELECT NOT pg_is_in_recovery() AND current_setting('default_transaction_read_only') = 'off'",
    )
    .fetch_one(connection)
    .await
}

/// A setting that is off, although without it the server may lose or damage a commit when its machine crashes. Each
/// connection sets `synchronous_commit` itself.
pub(crate) async fn unsafe_setting(connection: &mut PgConnection) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar(
        "SELECT name FROM pg_settings WHERE setting = 'off' \
         AND name IN ('fsync', 'full_page_writes') ORDER BY name LIMIT 1",
    )
    .fetch_optional(connection)
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(url: &str) -> Option<Vec<String>> {
        let hosts = Hosts::of(&DatabaseUrl::new(url.to_owned()))?;
        Some(hosts.0.iter().map(name_of).collect())
    }

    #[test]
    fn a_url_names_one_host_or_several() {
        for (url, expected) in [
            ("postgres://localhost/vault", vec!["localhost:5432"]),
            ("postgres://u:p%40,x@a:1,b/vault", vec!["a:1", "b:5432"]),
            (
                "postgresql://u@a,b:5433/vault?target_session_attrs=read-write&sslmode=require",
                vec!["a:5432", "b:5433"],
            ),
            (
                "postgres://[::1]:1,[::2]/vault",
                vec!["[::1]:1", "[::2]:5432"],
            ),
            (
                "postgres://a,b?target_session_attrs=primary",
                vec!["a:5432", "b:5432"],
            ),
        ] {
            assert_eq!(names(url).unwrap(), expected, "{url}");
        }
        for url in [
            "postgres:/a",
            "postgres://a,b:x/vault",
            "postgres://a,,b:y/vault",
            "postgres://a,b/vault?target_session_attrs=standby",
        ] {
            assert_eq!(names(url), None, "{url}");
        }
    }

    #[test]
    fn every_host_has_the_same_user_database_and_options() {
        let url = "postgres://u:p@a,b:5433/vault?sslmode=require&target_session_attrs=read-write";
        let hosts = Hosts::of(&DatabaseUrl::new(url.to_owned())).unwrap();
        for options in hosts.0.iter() {
            assert_eq!(options.get_username(), "u");
            assert_eq!(options.get_database(), Some("vault"));
            assert!(matches!(
                options.get_ssl_mode(),
                sqlx::postgres::PgSslMode::Require
            ));
        }
    }

    #[test]
    fn each_host_that_was_tried_is_named_with_its_reason() {
        let tried = Tried(vec![
            ("a:5432".to_owned(), Refusal::ReadOnly),
            ("b:5433".to_owned(), Refusal::Silent(LIMIT)),
        ]);
        let expected = "a:5432: it accepts no changes; b:5433: it did not answer within 1 s";
        assert_eq!(tried.to_string(), expected);
    }
}
