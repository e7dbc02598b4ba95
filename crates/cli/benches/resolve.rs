//! How long a resolved call takes without HTTP, by how many patterns its user has.
//!
//!     cargo bench -p toolvault --bench resolve
//!
//! Each call authenticates its key, decides, decrypts the value, and waits until the operating system has the record of
//! its use. Prints one line of JSON: microseconds of a call by number of patterns. It is here because the allocator is
//! the program's.

use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;
use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::task::JoinSet;
use toolvault_core::arguments::Arguments;
use toolvault_core::confidential::Confidential;
use toolvault_core::pattern::{ToolName, ToolPattern};
use toolvault_core::scope::Scope;
use toolvault_vault::{
    Call, Caller, DatabaseLocation, NewKey, NewSecret, OnBehalf, RootKeySource, Settings,
    SystemClock, SystemEntropy, Vault,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SIZES: [usize; 4] = [10, 100, 1_000, 100_000];
/// Secrets that are stored at a time.
const AT_ONCE: usize = 64;
const CALLS: u32 = 2_000;
const ROUNDS: usize = 15;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let location = DatabaseLocation::Directory(directory.path().join("data"));
    let mut settings = Settings::new(location);
    settings.limits.secrets = 1_000_000;
    settings.limits.bytes = 1 << 30;
    let root_key = RootKeySource::File(directory.path().join("root.key"));
    let clock = Arc::new(SystemClock);
    let opened = Vault::open(settings, &root_key, clock, Arc::new(SystemEntropy)).await?;
    let vault = opened.vault;
    let mut keys = BTreeMap::new();
    for size in SIZES {
        keys.insert(size, user_with(&vault, size).await?);
    }
    let mut rounds = BTreeMap::<usize, Vec<Duration>>::new();
    for _ in 0..ROUNDS {
        for (size, key) in &keys {
            let took = time(&vault, key).await?;
            rounds.entry(*size).or_default().push(took);
        }
    }
    let medians: BTreeMap<usize, f64> = rounds.into_iter().map(median).collect();
    writeln!(std::io::stdout(), "{}", serde_json::to_string(&medians)?)?;
    vault.close().await;
    Ok(())
}

/// A key of a new user with so many patterns.
async fn user_with(vault: &Vault, patterns: usize) -> anyhow::Result<String> {
    let name = format!("user with {patterns}");
    let local = Caller::local(0, None);
    let user = vault.create_user(&local, &name).await?.user_id;
    let owner = Caller::local(0, Some(user));
    let mut storing = JoinSet::new();
    for number in 0..patterns {
        let new = NewSecret {
            name: format!("secret {number}"),
            value: Confidential::from(&*format!("lin_api_8fK2mQ9xWz4Lr7TpNc3Yh{number:08}")),
            tool: Some(ToolPattern::parse(&format!("server_{number}__*"))?),
            argument: Some("api_token".to_owned()),
            is_default: true,
        };
        let (vault, owner) = (vault.clone(), owner.clone());
        storing.spawn(async move { vault.create_secret(&owner, new, None).await });
        if storing.len() == AT_ONCE {
            storing.join_next().await.context("one was stored")???;
        }
    }
    while let Some(stored) = storing.join_next().await {
        stored??;
    }
    let new = NewKey {
        name,
        scopes: [Scope::Resolve].into_iter().collect(),
        tools: Vec::new(),
        expires_at: None,
        any_user: false,
        user: Some(user),
    };
    let issued = vault.create_key(&local, new).await?;
    Ok(issued.key.expose().to_owned())
}

/// The mean time of `CALLS` calls.
async fn time(vault: &Vault, key: &str) -> anyhow::Result<Duration> {
    let tool = ToolName::parse("server_5__get")?;
    let began = Instant::now();
    for _ in 0..CALLS {
        let caller = vault
            .authenticate_key(key, OnBehalf::Unnamed, false)
            .await?;
        let call = Call {
            tool: tool.clone(),
            args: Arguments::new(),
            bindings: BTreeMap::new(),
            accepts: None,
            require: BTreeSet::new(),
            types: BTreeMap::new(),
            approved: None,
        };
        for completed in vault.resolve(&caller, vec![call]).await? {
            black_box(completed?);
        }
    }
    Ok(began.elapsed() / CALLS)
}

/// The median in microseconds.
fn median((size, mut times): (usize, Vec<Duration>)) -> (usize, f64) {
    times.sort_unstable();
    let middle = times.get(times.len() / 2).copied().unwrap_or_default();
    (size, middle.as_secs_f64() * 1e6)
}
