//! A proxy before PostgreSQL that counts the round trips of each transaction that is committed.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use toolvault_vault::{DatabaseLocation, DatabaseUrl};

use super::App;

pub(crate) struct RoundTrips(Arc<Mutex<Vec<usize>>>);

/// One connection. The first message after an answer begins a round trip.
#[derive(Default)]
struct Turns {
    is_answered: bool,
    /// Of the open transaction.
    count: Option<usize>,
}

impl RoundTrips {
    /// A proxy before the app's database, and its address.
    pub(crate) async fn before(app: &App) -> (Self, DatabaseLocation) {
        let url = app.place.postgres_url();
        let (rest, target) = url.rsplit_once('@').unwrap();
        let (target, name) = target.split_once('/').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let location = DatabaseUrl::new(format!("{rest}@127.0.0.1:{port}/{name}"));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let trips = Self(Arc::clone(&seen));
        let target = target.to_owned();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&target).await.unwrap();
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                let turns = Arc::new(Mutex::new(Turns::default()));
                let (asking, seen) = (Arc::clone(&turns), Arc::clone(&seen));
                tokio::spawn(pass(from_client, to_server, move |bytes| {
                    asking.lock().ask(bytes, &seen);
                }));
                tokio::spawn(pass(from_server, to_client, move |_| {
                    turns.lock().is_answered = true;
                }));
            }
        });
        (trips, DatabaseLocation::Postgres(location))
    }

    /// The round trips of each transaction since the last call.
    pub(crate) fn take(&self) -> Vec<usize> {
        std::mem::take(&mut self.0.lock())
    }
}

impl Turns {
    fn ask(&mut self, bytes: &[u8], seen: &Mutex<Vec<usize>>) {
        let has = |text: &str| {
            bytes
                .windows(text.len())
                .any(|part| part == text.as_bytes())
        };
        if has("BEGIN") {
            self.count = Some(0);
        }
        let Some(count) = &mut self.count else { return };
        // A statement is prepared once on each connection.
        let is_preparation = bytes.first() == Some(&b'P');
        *count += usize::from(self.is_answered && !is_preparation);
        self.is_answered = false;
        if has("COMMIT") {
            seen.lock().push(*count);
            self.count = None;
        }
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut note: impl FnMut(&[u8])) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        note(&buffer[..length]);
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
