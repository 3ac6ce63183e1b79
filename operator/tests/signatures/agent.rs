//! Signing with an ssh-agent.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Command, Stdio};

use ed25519_dalek::Signer;
use tempfile::TempDir;

use crate::people::{ANNA, BOB, Person, STRANGER, order, path, policy, write};
use crate::run::{Run, breakglass, breakglass_with};

/// An agent in this process that answers as OpenSSH's does, or wrong.
struct Agent {
    directory: TempDir,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    Honest,
    /// Its owner confirms nothing.
    Declines,
    /// It signs something else.
    Forges,
    /// It is no agent.
    Babbles,
}

impl Agent {
    fn holding(people: &'static [Person], manner: Manner) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(directory.path().join("agent")).unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                // A client that has gone has what it wanted.
                let _ = serve(&mut stream.unwrap(), people, manner);
            }
        });
        Self { directory }
    }

    fn sign(&self, more: &[&str]) -> Run {
        let socket = path(&self.directory.path().join("agent"));
        let document = write(&self.directory, "order.json", order().to_string());
        let arguments = [&["sign", "--agent", &document], more].concat();
        breakglass_with(&arguments, "", &[("SSH_AUTH_SOCK", &socket)])
    }

    /// The keyid of the signature, which is checked.
    fn signed(&self, more: &[&str]) -> String {
        let run = self.sign(more);
        assert_eq!(run.status, Some(0), "{more:?}: {}", run.stderr);
        verified(&self.directory, &run.stdout)
    }
}

fn verified(directory: &TempDir, envelope: &str) -> String {
    let policy = write(directory, "policy.json", policy().to_string());
    let arguments = [
        "verify",
        "--policy",
        &policy,
        "--at",
        "2026-11-23T20:01:00Z",
        "-",
    ];
    let checked = breakglass(&arguments, envelope);
    assert_eq!(
        checked.status,
        Some(0),
        "{}{}",
        checked.stdout,
        checked.stderr
    );
    let envelope: serde_json::Value = serde_json::from_str(envelope).unwrap();
    envelope["signatures"][0]["keyid"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn serve(stream: &mut UnixStream, people: &[Person], manner: Manner) -> std::io::Result<()> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut request = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut request)?;
    let blob = |person: &Person| person.key().public_key().to_bytes().unwrap();
    let answer = match request[0] {
        _ if manner == Manner::Babbles => b"HTTP/1.1 400 Bad Request".to_vec(),
        11 => {
            let mut answer = vec![12];
            answer.extend(u32::try_from(people.len() + 1).unwrap().to_be_bytes());
            // A type that nobody knows, as agents may hold.
            string(&mut answer, b"\0\0\0\x03odd");
            string(&mut answer, b"odd one");
            for person in people {
                string(&mut answer, &blob(person));
                string(&mut answer, person.id.as_bytes());
            }
            answer
        }
        13 if manner == Manner::Declines => vec![5],
        13 => {
            let mut rest = &request[1..];
            let (wanted, message) = (take(&mut rest), take(&mut rest));
            let person = people.iter().find(|person| blob(person) == wanted).unwrap();
            let message = match manner {
                Manner::Forges => b"something else",
                _ => message,
            };
            let mut signature = Vec::new();
            string(&mut signature, b"ssh-ed25519");
            string(
                &mut signature,
                &person.signing_key().sign(message).to_bytes(),
            );
            let mut answer = vec![14];
            string(&mut answer, &signature);
            answer
        }
        other => panic!("request {other}"),
    };
    let mut message = Vec::new();
    string(&mut message, &answer);
    stream.write_all(&message)
}

fn string(to: &mut Vec<u8>, bytes: &[u8]) {
    to.extend(u32::try_from(bytes.len()).unwrap().to_be_bytes());
    to.extend(bytes);
}

fn take<'a>(from: &mut &'a [u8]) -> &'a [u8] {
    let (length, rest) = from.split_first_chunk().unwrap();
    let (string, rest) = rest.split_at(u32::from_be_bytes(*length) as usize);
    *from = rest;
    string
}

#[test]
fn the_only_key_signs_without_being_named() {
    let agent = Agent::holding(&[ANNA], Manner::Honest);
    assert_eq!(agent.signed(&[]), ANNA.fingerprint());
    assert_eq!(agent.signed(&["--id", "anna"]), "anna");
}

#[test]
fn one_of_several_keys_is_chosen_by_fingerprint_comment_or_file() {
    let agent = Agent::holding(&[STRANGER, ANNA, BOB], Manner::Honest);
    let file = write(&agent.directory, "bob.pub", BOB.public_line());
    let (anna, bob) = (ANNA.fingerprint(), BOB.fingerprint());
    for (wanted, keyid) in [(anna.as_str(), &anna), ("bob", &bob), (&file, &bob)] {
        assert_eq!(&agent.signed(&["--agent-key", wanted]), keyid, "{wanted}");
    }
}

#[test]
fn what_an_agent_cannot_do_is_said() {
    let file = tempfile::tempdir().unwrap();
    let no_key = write(&file, "no.pub", "hello");
    let listed = format!("{} (anna)", ANNA.fingerprint());
    let case = |people: &'static [Person], manner, more: &[&str], parts: &[&str]| {
        let run = Agent::holding(people, manner).sign(more);
        let context = format!("{people:?} {more:?}: {}", run.stderr);
        assert_eq!(
            (run.status, run.stdout.as_str()),
            (Some(2), ""),
            "{context}"
        );
        for part in parts {
            assert!(run.stderr.contains(part), "{context}");
        }
    };
    let several: &[&str] = &["choose one with --agent-key", &listed];
    let unknown: &[&str] = &["ssh-agent holds no key `carol`; it holds", &listed];
    let none = "holds no key of type ssh-ed25519; add one: ssh-add FILE";
    case(&[ANNA, BOB], Manner::Honest, &[], several);
    case(
        &[ANNA, BOB],
        Manner::Honest,
        &["--agent-key", "carol"],
        unknown,
    );
    case(
        &[ANNA, ANNA],
        Manner::Honest,
        &["--agent-key", "anna"],
        &["choose one by its fingerprint"],
    );
    case(
        &[ANNA],
        Manner::Honest,
        &["--agent-key", &no_key],
        &["holds no OpenSSH public key"],
    );
    case(&[], Manner::Honest, &[], &[none]);
    case(
        &[ANNA],
        Manner::Declines,
        &[],
        &["ssh-agent did not sign with", "not confirmed"],
    );
    case(
        &[ANNA],
        Manner::Forges,
        &[],
        &["is no signature of", &listed],
    );
    case(
        &[ANNA],
        Manner::Babbles,
        &[],
        &["does not answer as an ssh-agent"],
    );
}

#[test]
fn without_an_agent_it_says_how_to_get_one() {
    let directory = tempfile::tempdir().unwrap();
    let document = write(&directory, "order.json", order().to_string());
    let gone = path(&directory.path().join("gone"));
    for (socket, message) in [
        ("", "SSH_AUTH_SOCK is not set"),
        (&gone, "cannot reach ssh-agent at"),
    ] {
        let run = breakglass_with(
            &["sign", "--agent", &document],
            "",
            &[("SSH_AUTH_SOCK", socket)],
        );
        assert_eq!(run.status, Some(2));
        assert!(run.stderr.contains(message), "{}", run.stderr);
    }
}

#[test]
fn the_agent_of_openssh_signs_too() {
    let directory = tempfile::tempdir().unwrap();
    let socket = path(&directory.path().join("ssh"));
    let agent = Command::new("ssh-agent")
        .args(["-D", "-a", &socket])
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut agent) = agent else {
        // The agent above speaks the same protocol.
        eprintln!("no ssh-agent here");
        return;
    };
    // It says where it listens once it does.
    let mut first = [0];
    agent
        .stdout
        .as_mut()
        .unwrap()
        .read_exact(&mut first)
        .unwrap();
    let key = ANNA.key_file(&directory);
    let added = Command::new("ssh-add")
        .args(["-q", &key])
        .env("SSH_AUTH_SOCK", &socket)
        .status();
    let document = write(&directory, "order.json", order().to_string());
    let run = breakglass_with(
        &["sign", "--agent", &document],
        "",
        &[("SSH_AUTH_SOCK", &socket)],
    );
    agent.kill().unwrap();
    agent.wait().unwrap();
    assert!(added.unwrap().success());
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    assert_eq!(verified(&directory, &run.stdout), ANNA.fingerprint());
}
