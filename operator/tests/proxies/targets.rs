//! Targets as they are typed.

use crate::fake::{Endpoint, policy};
use crate::run::breakglass;

#[test]
fn targets_have_many_forms() {
    let proxies = [1, 2, 3, 4].map(|generation| Endpoint::filter(&policy(generation, 10)));
    let [a, b, c, d] = &proxies;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("proxies.txt");
    std::fs::write(
        &file,
        format!(
            "# those of the east\n\n{} # the first\n  http://{}/\n",
            c.target(),
            d.target()
        ),
    )
    .unwrap();
    let list = format!("{}, http://{}", a.target(), b.target());
    let run = breakglass(
        &[
            "state",
            "--targets",
            &list,
            "--targets",
            &format!("@{}", file.display()),
            "--targets",
            &a.target(),
        ],
        "",
    );
    assert_eq!(run.status, Some(0), "{}{}", run.stdout, run.stderr);
    for proxy in &proxies {
        assert_eq!(proxy.requests().len(), 1, "named twice, asked once");
    }
    assert_eq!(
        run.stdout.matches("policy support").count(),
        4,
        "{}",
        run.stdout
    );
}

#[test]
fn a_name_stands_for_each_of_its_addresses() {
    let proxy = Endpoint::filter(&policy(7, 10));
    let target = format!("dns:localhost:{}", proxy.address.port());
    let run = breakglass(&["state", "--targets", &target], "");
    // It may have an address of IPv6 as well, at which nobody listens.
    assert!(
        matches!(run.status, Some(0 | 3)),
        "{}{}",
        run.stdout,
        run.stderr
    );
    assert!(
        run.stdout
            .contains(&format!("{}  policy support", proxy.target())),
        "{}",
        run.stdout
    );
}

#[test]
fn a_name_without_addresses_is_a_proxy_that_cannot_be_reached() {
    let proxy = Endpoint::filter(&policy(7, 10));
    // RFC 6761: no name ends so.
    let targets = format!("dns:proxies.invalid:10001,{}", proxy.target());
    let run = breakglass(&["state", "--targets", &targets], "");
    assert_eq!(run.status, Some(3), "{}{}", run.stdout, run.stderr);
    assert!(
        run.stdout
            .contains("dns:proxies.invalid:10001  unreachable  "),
        "{}",
        run.stdout
    );
    assert!(run.stdout.contains("policy support"), "{}", run.stdout);
}

#[test]
fn what_is_no_target_is_said_with_its_place() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("proxies.txt");
    std::fs::write(&file, "10.0.0.1:10001\n\n10.0.0.2\n").unwrap();
    let file = file.to_str().unwrap();
    let empty = directory.path().join("empty.txt");
    std::fs::write(&empty, "# nobody\n").unwrap();
    let list = format!("@{file}");
    let nobody = format!("@{}", empty.display());
    let place = format!("{file}:3: `10.0.0.2` is no target: expected host:port");
    let cases: &[(&[&str], &str)] = &[
        (
            &["localhost"],
            "--targets: `localhost` is no target: expected host:port, http://",
        ),
        (&["localhost:0"], "`localhost:0` is no target"),
        (&["a b:1"], "`a b:1` is no target"),
        (&["::1:10001"], "`::1:10001` is no target"),
        (&["ftp://a:1"], "`ftp://a:1` is no target"),
        (&["http://me@a:1"], "has neither user nor query"),
        (&["http://a:1?x"], "has neither user nor query"),
        (&["dns:name"], "expected dns:NAME:PORT"),
        (&["@/nowhere"], "cannot open /nowhere"),
        (&[&list], &place),
        (&[&nobody], "the files name no target"),
        (&["a:1", "--cert", "c.pem"], "--cert-key"),
        (&["a:1", "--ca", file], "holds no certificate"),
        (&["a:1", "--ca", "/nowhere"], "cannot open /nowhere"),
    ];
    for (arguments, message) in cases {
        let run = breakglass(&[&["state", "--targets"], *arguments].concat(), "");
        assert_eq!(
            (run.status, run.stdout.as_str()),
            (Some(2), ""),
            "{arguments:?}"
        );
        assert!(
            run.stderr.contains(message),
            "{arguments:?}: {}",
            run.stderr
        );
    }
}

#[test]
fn a_proxy_that_says_nothing_is_given_up() {
    // Connections are accepted by the system, and nobody reads them.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let target = silent.local_addr().unwrap().to_string();
    let run = breakglass(&["state", "--targets", &target, "--timeout", "50ms"], "");
    assert_eq!(run.status, Some(4));
    assert!(
        run.stdout.contains("unreachable  no answer within 50ms"),
        "{}",
        run.stdout
    );
}
