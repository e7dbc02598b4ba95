//! Clients that change and read a few secrets at the same time, and a check that one order explains every answer.
//!
//! ```text
//! toolvault-linearizability KEY CLIENTS OPERATIONS ADDRESS...
//! ```
//!
//! The key may create, change and resolve secrets; the addresses are those of servers on one database, as `127.0.0.1:8710`.
//! The clients work on a set of secrets, all at the same time, then on the next set, until all operations are done. The
//! history of each secret is checked by the algorithm of Wing, Gong and Lowe, as `todc-utils` implements it. Prints one
//! line of JSON; the exit status is 1 if no order explains an answer.

mod client;
mod history;
mod load;

use std::process::ExitCode;
use std::time::Instant;

use load::{Load, Totals};

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(totals) => {
            let is_explained = totals.unexplained.is_empty();
            say(&totals);
            ExitCode::from(u8::from(!is_explained))
        }
        Err(failure) => {
            let report = serde_json::json!({ "error": failure.to_string() });
            write(&report);
            ExitCode::from(2)
        }
    }
}

async fn run() -> Result<Totals, Failure> {
    let mut words = std::env::args().skip(1);
    let mut next = || words.next().ok_or("KEY CLIENTS OPERATIONS ADDRESS...");
    let (key, clients, operations) = (next()?, next()?.parse()?, next()?.parse()?);
    let load = Load {
        key,
        clients,
        addresses: words.collect(),
    };
    load.run(operations).await
}

fn say(totals: &Totals) {
    let seconds = totals
        .began
        .map_or(0.0, |began: Instant| began.elapsed().as_secs_f64());
    write(&serde_json::json!({
        "operations": totals.operations,
        "of_each_kind": totals.kinds,
        "at_the_same_time": totals.overlapping,
        "secrets": totals.secrets,
        "seconds": seconds,
        "unexplained": totals.unexplained,
    }));
}

#[expect(clippy::print_stdout, reason = "the report of a program for tests")]
fn write(report: &serde_json::Value) {
    println!("{report}");
}
