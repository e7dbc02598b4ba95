//! A fresh database for each test, gone afterwards.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use sqlx::{Connection as _, Executor as _, PgConnection};
use tempfile::TempDir;
use tokio::sync::OnceCell;
use toolvault_vault::{DatabaseLocation, DatabaseUrl, OpenError, Settings, Vault};

use super::app::App;
use super::clock::TestClock;
use super::entropy::SeededEntropy;

/// A test that takes longer is stuck.
const LIMIT: Duration = Duration::from_mins(4);

static NEXT: AtomicU64 = AtomicU64::new(1);
static TEMPLATE: OnceCell<String> = OnceCell::const_new();

/// Where a test keeps its data.
pub(crate) struct Place {
    pub(crate) directory: TempDir,
    pub(crate) location: DatabaseLocation,
    /// The name of the database on the server.
    pub(crate) database: Option<String>,
}

/// Runs a test on SQLite.
pub(crate) async fn on_sqlite<F: Future<Output = ()>>(test: impl FnOnce(App) -> F) {
    let directory = tempfile::tempdir().unwrap();
    let location = DatabaseLocation::Directory(directory.path().join("data"));
    let place = Place {
        directory,
        location,
        database: None,
    };
    run(place, test).await;
}

/// Runs a test on PostgreSQL.
pub(crate) async fn on_postgres<F: Future<Output = ()>>(test: impl FnOnce(App) -> F) {
    let Some(server) = server() else { return };
    run(create(&server).await, test).await;
}

/// The location for a test that needs PostgreSQL and opens vaults itself; `None` if these tests are skipped.
pub(crate) async fn postgres_place() -> Option<Place> {
    let server = server()?;
    Some(create(&server).await)
}

/// The same without any tables.
pub(crate) async fn bare_postgres_place() -> Option<Place> {
    let server = server()?;
    Some(create_from(&server, "template0").await)
}

async fn run<F: Future<Output = ()>>(place: Place, test: impl FnOnce(App) -> F) {
    let place = Arc::new(place);
    let app = App::open(Arc::clone(&place)).await;
    let outcome = caught(async {
        let within = tokio::time::timeout(LIMIT, test(app.clone())).await;
        assert!(within.is_ok(), "the test did not end within {LIMIT:?}");
    })
    .await;
    app.vault.close().await;
    place.remove().await;
    if let Err(panic) = outcome {
        resume_unwind(panic);
    }
}

/// The result of the test, so that its database can be removed even if it failed.
async fn caught(test: impl Future<Output = ()>) -> std::thread::Result<()> {
    let mut test = Box::pin(test);
    poll_fn(
        move |context| match catch_unwind(AssertUnwindSafe(|| test.as_mut().poll(context))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(())) => Poll::Ready(Ok(())),
            Err(panic) => Poll::Ready(Err(panic)),
        },
    )
    .await
}

impl Place {
    /// Drops the database. A temporary directory deletes itself.
    pub(crate) async fn remove(&self) {
        let Some(name) = &self.database else { return };
        let statement = format!("DROP DATABASE \"{name}\" WITH (FORCE)");
        execute(&server().unwrap(), &statement).await;
    }
}

/// The URL of the database `name` on the server of these tests.
pub(crate) fn url(name: &str) -> String {
    url_of(&server().unwrap(), name)
}

/// The URL of the server's database `name`.
fn url_of(server: &str, name: &str) -> String {
    let (base, _) = server.rsplit_once('/').unwrap();
    format!("{base}/{name}")
}

#[expect(
    clippy::disallowed_methods,
    reason = "the test command names the server in the environment"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

fn server() -> Option<String> {
    if let Some(url) = variable("TOOLVAULT_TEST_DATABASE_URL") {
        return Some(url);
    }
    assert!(
        variable("TOOLVAULT_TEST_SKIP_POSTGRES").as_deref() == Some("1"),
        "no PostgreSQL: run the tests with scripts/with-postgres, or set TOOLVAULT_TEST_SKIP_POSTGRES=1 \
         to do without"
    );
    println!("SKIPPED: PostgreSQL (TOOLVAULT_TEST_SKIP_POSTGRES=1)");
    None
}

async fn create(server: &str) -> Place {
    let template = TEMPLATE.get_or_init(|| make_template(server)).await;
    create_from(server, template).await
}

async fn create_from(server: &str, template: &str) -> Place {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("{}_{number}", template_name());
    let statement = format!("CREATE DATABASE \"{name}\" TEMPLATE \"{template}\"");
    execute(server, &statement).await;
    Place {
        directory: tempfile::tempdir().unwrap(),
        location: DatabaseLocation::Postgres(DatabaseUrl::new(url_of(server, &name))),
        database: Some(name),
    }
}

fn template_name() -> String {
    format!("vault_tests_{}", std::process::id())
}

/// A migrated database that is not set up. Each test gets a copy.
async fn make_template(server: &str) -> String {
    let name = template_name();
    execute(server, &format!("CREATE DATABASE \"{name}\"")).await;
    let url = url_of(server, &name);
    let settings = Settings::new(DatabaseLocation::Postgres(DatabaseUrl::new(url)));
    let missing = toolvault_vault::RootKeySource::File("/nonexistent/root.key".into());
    let clock = Arc::new(TestClock::new());
    let opened = Vault::open_existing(settings, &missing, clock, Arc::new(SeededEntropy::new(0)));
    assert!(matches!(opened.await, Err(OpenError::Empty)));
    name
}

/// Runs one statement on the server, one test after the other: copying a template locks it.
async fn execute(server: &str, statement: &str) {
    static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    let _turn = TURN.lock().await;
    let mut connection = PgConnection::connect(server).await.unwrap();
    let statement = sqlx::AssertSqlSafe(statement.to_owned());
    connection.execute(statement).await.unwrap();
    connection.close().await.unwrap();
}
