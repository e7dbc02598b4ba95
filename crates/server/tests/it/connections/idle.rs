//! HTTP/2 connections that stay open do not lock out other clients.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpSocket;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::harness::World;

const PATIENCE: Duration = Duration::from_secs(20);
const ATTACKER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// A client that only answers pings, unless the test makes it send a request.
struct Client {
    sender: SendRequest<Empty<Bytes>>,
    connection: JoinHandle<hyper::Result<()>>,
}

impl Client {
    /// Connects from `source`, with a window of this many bytes for each answer.
    async fn connect(world: &World, source: IpAddr, window: u32) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((source, 0).into()).unwrap();
        let stream = socket.connect(world.address).await.unwrap();
        let mut builder = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
        builder.initial_stream_window_size(window);
        let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.unwrap();
        Self {
            sender,
            connection: tokio::spawn(connection),
        }
    }

    fn request(world: &World) -> hyper::Request<Empty<Bytes>> {
        hyper::Request::get(format!("http://{}/healthz", world.address))
            .body(Empty::new())
            .unwrap()
    }

    async fn ask(&mut self, world: &World) {
        let request = Self::request(world);
        let answer = timeout(PATIENCE, self.sender.send_request(request)).await;
        let answer = answer.expect("it is answered").unwrap();
        assert_eq!(answer.status(), 200);
        answer.into_body().collect().await.unwrap();
    }

    async fn until_closed(self) {
        timeout(PATIENCE, self.connection)
            .await
            .expect("the server closes it")
            .unwrap()
            .ok();
    }
}

#[tokio::test]
async fn a_connection_of_http_2_without_requests_is_closed() {
    let world = World::start_with(|settings| settings.server.limits.body_seconds = 1).await;
    let mut client = Client::connect(&world, ATTACKER, 65_535).await;
    client.ask(&world).await;
    client.until_closed().await;
}

#[tokio::test]
async fn idle_connections_of_one_source_keep_no_other_client_out() {
    let world = World::start_with(|settings| settings.server.limits.connections = 16).await;
    let mut idle = Vec::new();
    for _ in 0..40 {
        let mut client = Client::connect(&world, ATTACKER, 65_535).await;
        client.ask(&world).await;
        idle.push(client);
    }
    let other = IpAddr::V4(Ipv4Addr::LOCALHOST);
    for _ in 0..4 {
        let mut client = Client::connect(&world, other, 65_535).await;
        client.ask(&world).await;
        idle.push(client);
    }
    // The first one was closed, and the last one is still served.
    idle.remove(0).until_closed().await;
    idle.last_mut().unwrap().ask(&world).await;
}

#[tokio::test]
async fn answers_that_are_not_taken_keep_no_other_client_out() {
    let world = World::start_with(|settings| settings.server.limits.connections = 16).await;
    let mut deaf = Vec::new();
    for _ in 0..20 {
        let mut client = Client::connect(&world, ATTACKER, 0).await;
        let request = Client::request(&world);
        let answer = timeout(PATIENCE, client.sender.send_request(request)).await;
        deaf.push((answer.expect("its head comes").unwrap(), client));
    }
    let other = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let mut client = Client::connect(&world, other, 65_535).await;
    client.ask(&world).await;
}
