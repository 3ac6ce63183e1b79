//! HTTP/3 downstream: the same decisions, the same kill, and no trap.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use breakglass_examples::UNIT_HEADER;
use breakglass_examples::http::Answer;
use breakglass_examples::share::{Percent, Salt};
use breakglass_examples::stack::{InFlight, Kill, Options};
use bytes::{Buf, Bytes, BytesMut};
use h3::client::{RequestStream, SendRequest};
use h3_quinn::{BidiStream, OpenStreams};
use hyper::Request;
use quinn::crypto::rustls::QuicClientConfig;
use rcgen::CertifiedKey;
use rustls::pki_types::CertificateDer;
use serde_json::json;

use crate::edge::{Edge, options};
use crate::listeners;
use crate::policy::{CANARY, ECHO_PATH, PATH, ROLLOUT, SALT, STABLE, policy, policy_with, ramp};
use crate::transcript::Transcript;

type Stream = RequestStream<BidiStream<Bytes>, Bytes>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn decisions_over_http3_are_the_computed_ones() {
    let (edge, quic) = start(policy(ramp(1, 0))).await;
    let salt = Salt::new(SALT);
    for (generation, percent) in [(2, 1), (3, 10), (4, 50), (5, 100)] {
        edge.push(&policy(ramp(generation, percent))).await;
        let mut canaries = 0;
        // Several connections, so that both workers serve.
        for connection in 0..6 {
            let mut client = quic.connect().await;
            for number in 0..25 {
                let user = format!("user-{connection}-{number}");
                let forged = [
                    (UNIT_HEADER, user.as_str()),
                    ("x-breakglass-cluster", "agent-v42"),
                    ("x-breakglass-arm", "canary"),
                ];
                let answer = client.ask(ECHO_PATH, &forged, "{}").await;
                let echo = answer.json().unwrap();
                let version = if salt.takes(&user, Percent::whole(percent)) {
                    CANARY
                } else {
                    STABLE
                };
                assert_eq!(echo["version"], version, "{user} at {percent} %: {echo}");
                let arm = json!([
                    "x-breakglass-arm",
                    if version == CANARY {
                        "canary"
                    } else {
                        "stable"
                    }
                ]);
                let arms: Vec<_> = echo["headers"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .filter(|pair| pair[0] == arm[0])
                    .collect();
                assert_eq!(arms, [&arm], "{user} at {percent} %");
                canaries += usize::from(version == CANARY);
            }
        }
        println!("{percent} % over HTTP/3: {canaries} of 150 users");
    }
    edge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_over_http3_ends_streams_in_good_form() {
    let pins = json!({"pins": {"canary": ["qa-1"], "stable": ["vip-7"]}});
    let (edge, quic) = start(policy_with(ramp(1, 50), pins)).await;
    let mut clients = Vec::new();
    for _ in 0..4 {
        clients.push(quic.connect().await);
    }
    let mut streams = Vec::new();
    for client in &mut clients {
        for (user, words) in [("qa-1", 20_000), ("qa-1", 20_000), ("vip-7", 100)] {
            let body = json!({"stream": true, "max_tokens": words}).to_string();
            let mut stream = client.send(PATH, &[(UNIT_HEADER, user)], &body).await;
            let response = stream.recv_response().await.unwrap();
            assert_eq!(response.status(), 200, "{user}");
            let mut transcript = Transcript::default();
            while transcript.words() == 0 {
                assert!(
                    read(&mut stream, &mut transcript).await,
                    "{user}: {transcript:?}"
                );
            }
            // Read on at once: QUIC may drop what was not read when the reset comes.
            let rest = tokio::spawn(async move {
                while read(&mut stream, &mut transcript).await {}
                transcript
            });
            streams.push((user, words, rest));
        }
    }
    let answer = edge
        .operator()
        .kill(ROLLOUT, 2, Kill::Rollback, InFlight::Cut)
        .await
        .unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    for (user, words, rest) in streams {
        let transcript = rest.await.expect("a reader");
        match user {
            "qa-1" => {
                let broken = transcript.assert_cut(user);
                assert!(!broken, "events that were written whole are whole");
                println!(
                    "{user}: {} words, [DONE], then {:?}",
                    transcript.words(),
                    transcript.reset
                );
            }
            _ => transcript.assert_whole(words, user),
        }
    }
    assert_eq!(
        edge.count("breakglass_killed_streams_total", &[]).await,
        8,
        "counted as killed"
    );
    edge.agents().canary.forget();
    for client in &mut clients {
        for user in ["qa-1", "vip-7", "somebody"] {
            let answer = client.ask(ECHO_PATH, &[(UNIT_HEADER, user)], "{}").await;
            assert_eq!(
                answer.json().unwrap()["version"],
                STABLE,
                "{user} after the kill"
            );
        }
    }
    assert_eq!(
        edge.agents().canary.seen_total(),
        0,
        "requests at the killed version"
    );
    edge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http3_streams_and_connections_that_break_off_do_not_trap() {
    let (edge, quic) = start(policy(ramp(1, 50))).await;
    let body = json!({"stream": true, "max_tokens": 500}).to_string();
    for round in 0..30 {
        let mut client = quic.connect().await;
        let mut left_open = Vec::new();
        for number in 0..4 {
            let user = format!("user-{round}-{number}");
            let mut stream = client.send(PATH, &[(UNIT_HEADER, &user)], &body).await;
            match number {
                // Before the answer, after its headers, and in its middle.
                0 => stream.stop_stream(h3::error::Code::H3_REQUEST_CANCELLED),
                1 => drop(stream.recv_response().await.unwrap()),
                2 => {
                    stream.recv_response().await.unwrap();
                    let mut transcript = Transcript::default();
                    read(&mut stream, &mut transcript).await;
                }
                // Left open: the connection goes away under it.
                _ => {
                    stream.recv_response().await.unwrap();
                    left_open.push(stream);
                }
            }
        }
        if round % 2 == 0 {
            client.connection.close(0_u32.into(), b"");
        }
    }
    let mut client = quic.connect().await;
    for number in 0..20 {
        let user = format!("after-{number}");
        let version = if Salt::new(SALT).takes(&user, Percent::whole(50)) {
            CANARY
        } else {
            STABLE
        };
        let answer = client.ask(ECHO_PATH, &[(UNIT_HEADER, &user)], "{}").await;
        assert_eq!(answer.json().unwrap()["version"], version, "{user}");
    }
    edge.finish().await;
}

/// How to reach the QUIC listener.
pub(crate) struct Quic {
    addr: SocketAddr,
    endpoint: quinn::Endpoint,
}

/// One connection.
#[derive(Clone)]
pub(crate) struct Client {
    connection: quinn::Connection,
    sender: SendRequest<OpenStreams, Bytes>,
}

async fn start(policy: serde_json::Value) -> (Edge, Quic) {
    start_with(options(policy)).await
}

/// An Envoy with these options and a listener for HTTP/3.
pub(crate) async fn start_with(mut options: Options) -> (Edge, Quic) {
    let CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed([NAME.to_owned()]).unwrap();
    options.listeners.push(listeners::quic(
        "quic",
        &cert.pem(),
        &signing_key.serialize_pem(),
    ));
    let edge = Edge::start_with(options).await;
    let addr = edge.listener("quic").expect("the listener");
    let endpoint = endpoint(cert.der().clone());
    (edge, Quic { addr, endpoint })
}

/// An endpoint that trusts this certificate and no other.
fn endpoint(certificate: CertificateDer<'static>) -> quinn::Endpoint {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"h3".to_vec()];
    let mut endpoint = quinn::Endpoint::client((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let quic = QuicClientConfig::try_from(tls).unwrap();
    endpoint.set_default_client_config(quinn::ClientConfig::new(Arc::new(quic)));
    endpoint
}

/// Reads on; false when the stream is over.
async fn read(stream: &mut Stream, transcript: &mut Transcript) -> bool {
    match stream.recv_data().await {
        Ok(Some(mut data)) => {
            transcript.push(&data.copy_to_bytes(data.remaining()));
            true
        }
        Ok(None) => false,
        Err(broken) => {
            transcript.reset = Some(broken.to_string());
            false
        }
    }
}

// === impl Quic ===

impl Quic {
    pub(crate) async fn connect(&self) -> Client {
        let connecting = self.endpoint.connect(self.addr, NAME).unwrap();
        let connection = connecting.await.unwrap();
        let (mut driver, sender) = h3::client::new(h3_quinn::Connection::new(connection.clone()))
            .await
            .unwrap();
        tokio::spawn(async move { driver.wait_idle().await });
        Client { connection, sender }
    }
}

// === impl Client ===

impl Client {
    /// Sends a whole request.
    pub(crate) async fn send(
        &mut self,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Stream {
        let mut request = Request::post(format!("https://{NAME}{path}"))
            .header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut stream = self
            .sender
            .send_request(request.body(()).unwrap())
            .await
            .unwrap();
        stream
            .send_data(Bytes::copy_from_slice(body.as_bytes()))
            .await
            .unwrap();
        stream.finish().await.unwrap();
        stream
    }

    /// Sends a request and collects the answer.
    async fn ask(&mut self, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut stream = self.send(path, headers, body).await;
        let (head, ()) = stream.recv_response().await.unwrap().into_parts();
        let mut body = BytesMut::new();
        while let Some(data) = stream.recv_data().await.unwrap() {
            body.extend_from_slice(data.chunk());
        }
        Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            body: body.freeze(),
        }
    }
}

/// The name in the certificate.
const NAME: &str = "localhost";
