//! Proxies behind TLS that ask for a client's certificate.

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::RootCertStore;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::fake::{Filter, policy, serve};
use crate::run::breakglass;

/// Somebody who signs certificates.
fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A listener at `localhost` that trusts clients of this authority.
fn proxy(authority: &CertifiedIssuer<'static, KeyPair>) -> u16 {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, authority).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(clients.build().unwrap())
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let filter = Filter::new(&policy(7, 10));
        for stream in listener.incoming() {
            let connection = ServerConnection::new(config.clone()).unwrap();
            let mut stream = StreamOwned::new(connection, stream.unwrap());
            // Who shows no certificate gets no further.
            let _ = serve(&mut stream, |request| filter.answer(request));
        }
    });
    port
}

fn write(directory: &Path, name: &str, pem: &str) -> String {
    let file = directory.join(name);
    std::fs::write(&file, pem).unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
fn both_sides_show_their_certificates() {
    let directory = tempfile::tempdir().unwrap();
    let (ours, theirs) = (authority(), authority());
    let port = proxy(&ours);
    let client = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["operator".to_owned()]).unwrap();
    let certificate = certificate.signed_by(&client, &ours).unwrap();
    let ca = write(directory.path(), "ca.pem", &ours.pem());
    let other = write(directory.path(), "other.pem", &theirs.pem());
    let cert = write(directory.path(), "me.pem", &certificate.pem());
    let key = write(directory.path(), "me.key", &client.serialize_pem());
    let state = |target: &str, more: &[&str]| {
        breakglass(&[&["state", "--targets", target], more].concat(), "")
    };
    let (url, bare) = (
        format!("https://localhost:{port}"),
        format!("localhost:{port}"),
    );
    let (dns, mutual) = (
        format!("dns:localhost:{port}"),
        ["--ca", &ca, "--cert", &cert, "--cert-key", &key],
    );
    for (target, status) in [(&url, &[0][..]), (&bare, &[0]), (&dns, &[0, 3])] {
        let run = state(target, &mutual);
        assert!(
            run.status.is_some_and(|found| status.contains(&found)),
            "{target}: {}",
            run.stdout
        );
        assert!(
            run.stdout.contains("policy support"),
            "{target}: {}",
            run.stdout
        );
    }
    let refused: &[&[&str]] = &[
        &["--ca", &ca],
        &["--ca", &other, "--cert", &cert, "--cert-key", &key],
        &[],
    ];
    for more in refused {
        let run = state(&url, more);
        assert_eq!(run.status, Some(4), "{more:?}: {}", run.stdout);
        assert!(
            run.stdout.contains("unreachable  "),
            "{more:?}: {}",
            run.stdout
        );
    }
    let swapped = state(&url, &["--ca", &ca, "--cert", &key, "--cert-key", &cert]);
    assert_eq!(swapped.status, Some(2));
    assert!(
        swapped.stderr.contains("me.key holds no certificate"),
        "{}",
        swapped.stderr
    );
}
