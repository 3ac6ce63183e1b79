//! The project of the story is one that the operator's command takes.

use std::fs;

use breakglass_examples::night::{Closed, Night, PRIYA, PROXIES, RAVI, Ran, TEAM};
use tempfile::TempDir;

/// The folders of a night, with keys, a policy in place of the Envoys' files, and an edited `breakglass.toml`. No
/// proxy runs.
async fn night(closed: Closed) -> (TempDir, Night) {
    let dir = tempfile::tempdir().unwrap();
    let night = Night::new(Some(dir.path()), closed).unwrap();
    for member in TEAM {
        let key = member.key();
        let keygen = [
            "keygen",
            "--no-passphrase",
            "--id",
            member.id,
            "--out",
            &key,
        ];
        fine(&night.desk(member).run(&keygen).await.unwrap());
    }
    night.from_laptop(&RAVI.public_key()).unwrap();
    let policy = night.policy().unwrap();
    for proxy in PROXIES {
        let ecds = night.proxy(proxy).join("ecds");
        fs::create_dir_all(&ecds).unwrap();
        fs::write(ecds.join("breakglass.yaml"), policy.to_string()).unwrap();
    }
    // Nothing listens on the discard port of this machine; a refused connection is quick.
    let init = night.init(&["127.0.0.1:9".to_owned()]);
    let init: Vec<&str> = init.iter().map(String::as_str).collect();
    fine(&night.desk(PRIYA).run(&init).await.unwrap());
    night.edit().unwrap();
    (dir, night)
}

fn fine(ran: &Ran) {
    assert!(ran.is_fine(), "status {:?}: {}", ran.status, ran.text);
}

#[tokio::test]
async fn the_declaration_passes_every_rule() {
    for closed in [Closed::Night, Closed::Day] {
        let (_dir, night) = night(closed).await;
        let check = ["declare", "--file", "change.toml", "--check", "--json"];
        let ran = night.desk(PRIYA).run(&check).await.unwrap();
        fine(&ran);
        for approver in ["ravi", "meera"] {
            let asked = format!(r#""id":"{approver}""#);
            let compact: String = ran.text.split_whitespace().collect();
            assert!(
                compact.contains(&asked),
                "{approver} is not asked: {}",
                ran.text
            );
        }
    }
}

#[tokio::test]
async fn what_is_wanted_now_is_refused() {
    let (_dir, night) = night(Closed::Night).await;
    let declare = ["declare", "--file", "wanted-now.toml"];
    let ran = night.desk(PRIYA).run(&declare).await.unwrap();
    assert!(ran.is_refused_by("emergency"), "{}", ran.text);
}

#[tokio::test]
async fn the_key_of_ravi_is_on_his_machine_alone() {
    let (_dir, night) = night(Closed::Night).await;
    let key = night.desk(RAVI).folder().join(RAVI.key());
    assert!(key.is_file());
    let here = night.project().join(RAVI.key());
    assert!(!here.exists() && here.with_extension("pub").is_file());
    let text = fs::read_to_string(night.project().join("breakglass.toml")).unwrap();
    assert!(
        text.contains("key_file = \"keys/priya\"") && !text.contains("\nkey_file = \"keys/ravi\"")
    );
}
