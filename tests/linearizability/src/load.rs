//! The clients' work: which operations they send, and what is kept of the answers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::Failure;
use crate::client::{Answer, Client};
use crate::history::{Entry, Operation, is_linearizable, overlapping};

/// How many secrets the clients work on at the same time. Few, so that operations meet; but the time of the check doubles
/// with each operation that is under way on the same secret.
const SECRETS: usize = 16;
/// About how many operations each secret gets: the time and the memory of the check grow with the square.
const ON_ONE_SECRET: u64 = 500;
/// The first value of each secret.
pub(crate) const FIRST: u64 = 0;

/// The clients, and the servers that they are spread over.
pub(crate) struct Load {
    pub(crate) key: String,
    pub(crate) clients: usize,
    pub(crate) addresses: Vec<String>,
}

/// What was done, and what no order explains.
#[derive(Default)]
pub(crate) struct Totals {
    pub(crate) began: Option<Instant>,
    pub(crate) operations: u64,
    pub(crate) kinds: BTreeMap<&'static str, u64>,
    /// The most operations that were under way on one secret.
    pub(crate) overlapping: usize,
    pub(crate) secrets: u64,
    /// The names of the secrets with a history that no order explains.
    pub(crate) unexplained: Vec<String>,
}

/// A secret that the clients work on.
struct Target {
    name: String,
    path: String,
    first_tag: u64,
    values: AtomicU64,
    entries: mpsc::UnboundedSender<Entry>,
}

impl Load {
    /// Sends this many operations, and checks the history of each secret.
    pub(crate) async fn run(&self, operations: u64) -> Result<Totals, Failure> {
        let mut totals = Totals {
            began: Some(Instant::now()),
            ..Totals::default()
        };
        let in_a_set = ON_ONE_SECRET * u64::try_from(SECRETS)?;
        while totals.operations < operations {
            let count = in_a_set.min(operations - totals.operations);
            self.set(count, &mut totals).await?;
        }
        Ok(totals)
    }

    /// All clients at work on one set of secrets.
    async fn set(&self, operations: u64, totals: &mut Totals) -> Result<(), Failure> {
        let mut maker = self.client(0).await?;
        let (mut targets, mut histories) = (Vec::new(), Vec::new());
        for index in 0..SECRETS {
            let name = format!("set-{}-{index}", totals.secrets);
            let (entries, history) = mpsc::unbounded_channel();
            targets.push(Arc::new(Target::create(&mut maker, name, entries).await?));
            histories.push(history);
        }
        let left = Arc::new(AtomicU64::new(operations));
        let mut working = JoinSet::new();
        for number in 0..self.clients {
            let client = self.client(number).await?;
            working.spawn(work(client, number, targets.clone(), Arc::clone(&left)));
        }
        while let Some(ended) = working.join_next().await {
            ended??;
        }
        // A server closes a connection that was idle for as long as the clients worked.
        let mut maker = self.client(0).await?;
        for (target, mut history) in targets.iter().zip(histories) {
            let mut entries = Vec::new();
            while let Ok(entry) = history.try_recv() {
                entries.push(entry);
            }
            totals.add(target, &entries);
            maker.ask("DELETE", &target.path, None, None).await?;
        }
        Ok(())
    }

    async fn client(&self, number: usize) -> Result<Client, Failure> {
        let address = self.addresses.get(number % self.addresses.len().max(1));
        Client::connect(address.ok_or("no address")?, &self.key).await
    }
}

impl Totals {
    fn add(&mut self, target: &Target, entries: &[Entry]) {
        for entry in entries {
            let kind = match entry.operation {
                Operation::Replaced { expected: None, .. } => "replaced",
                Operation::Replaced { .. } => "replaced if unchanged",
                Operation::Kept { .. } => "kept",
                Operation::Resolved { .. } => "resolved",
                Operation::Read { .. } => "read",
            };
            *self.kinds.entry(kind).or_default() += 1;
            self.operations += 1;
        }
        self.secrets += 1;
        self.overlapping = self.overlapping.max(overlapping(entries));
        if !is_linearizable(target.first_tag, entries) {
            self.unexplained.push(target.name.clone());
        }
    }
}

impl Target {
    async fn create(
        client: &mut Client,
        name: String,
        entries: mpsc::UnboundedSender<Entry>,
    ) -> Result<Self, Failure> {
        let body = json!({
            "secret_name": name,
            "secret_value": value(FIRST),
            "tool_name": format!("{name}__read"),
            "tool_arg": "token",
            "is_default_for_tool": true,
        });
        let answer = client
            .ask("POST", "/v1/secrets/", None, Some(&body))
            .await?;
        let id = answer.body.get("secret_id").and_then(Value::as_str);
        let id = id.ok_or_else(|| unexpected("create", &answer))?.to_owned();
        let path = format!("/v1/secrets/{id}");
        let answer = client.ask("GET", &path, None, None).await?;
        Ok(Self {
            name,
            path,
            first_tag: tag(&answer)?,
            values: AtomicU64::new(FIRST + 1),
            entries,
        })
    }
}

/// One client, until no operation is left. It remembers the tag of each secret that it saw last, which may be an old one.
async fn work(
    mut client: Client,
    number: usize,
    targets: Vec<Arc<Target>>,
    left: Arc<AtomicU64>,
) -> Result<(), Failure> {
    let mut seen: Vec<u64> = targets.iter().map(|target| target.first_tag).collect();
    let mut choices = Choices(u64::try_from(number)?);
    while left
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
            left.checked_sub(1)
        })
        .is_ok()
    {
        let index = choices.next(targets.len());
        let (target, seen) = (targets.get(index), seen.get_mut(index));
        let (target, seen) = target.zip(seen).ok_or("no secret")?;
        let began = Instant::now();
        let operation = match choices.next(5) {
            0 | 1 => resolve(&mut client, target).await?,
            2 => replace(&mut client, target, None).await?,
            3 => replace(&mut client, target, Some(*seen)).await?,
            _ => {
                let answer = client.ask("GET", &target.path, None, None).await?;
                Operation::Read { tag: tag(&answer)? }
            }
        };
        let ended = Instant::now();
        *seen = operation.tag().unwrap_or(*seen);
        target.entries.send(Entry {
            began,
            ended,
            operation,
        })?;
    }
    Ok(())
}

/// The choices of one client, the same in each run.
struct Choices(u64);

impl Choices {
    /// A number below `count` (`SplitMix64`: Steele, Lea and Flood 2014).
    fn next(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ mixed >> 31) >> 33).unwrap_or_default() % count.max(1)
    }
}

async fn resolve(client: &mut Client, target: &Target) -> Result<Operation, Failure> {
    let path = format!("/v1/tools/{}__read/resolve", target.name);
    let body = json!({ "args": {} });
    let answer = client.ask("POST", &path, None, Some(&body)).await?;
    let text = answer.body.pointer("/args/token").and_then(Value::as_str);
    let value = text.and_then(|text| text.strip_prefix(PREFIX)?.parse().ok());
    let value = value.ok_or_else(|| unexpected("resolve", &answer))?;
    Ok(Operation::Resolved { value })
}

/// Replaces the value; where a tag is expected, only if the secret has it.
async fn replace(
    client: &mut Client,
    target: &Target,
    expected: Option<u64>,
) -> Result<Operation, Failure> {
    let number = target.values.fetch_add(1, Ordering::Relaxed);
    let body = json!({ "secret_value": value(number) });
    let answer = client
        .ask("PATCH", &target.path, expected, Some(&body))
        .await?;
    match (answer.status, expected) {
        (412, Some(expected)) => Ok(Operation::Kept { expected }),
        (200, _) => Ok(Operation::Replaced {
            expected,
            value: number,
            tag: tag(&answer)?,
        }),
        _ => Err(unexpected("change", &answer)),
    }
}

const PREFIX: &str = "the value number ";

fn value(number: u64) -> String {
    format!("{PREFIX}{number}")
}

fn tag(answer: &Answer) -> Result<u64, Failure> {
    answer
        .tag
        .ok_or_else(|| unexpected("an entity tag", answer))
}

/// The status, not the body, which may hold a value.
fn unexpected(what: &str, answer: &Answer) -> Failure {
    format!("{what}: an unexpected answer with status {}", answer.status).into()
}
