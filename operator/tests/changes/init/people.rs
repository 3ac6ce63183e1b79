//! People, named by options and on a terminal.

use std::fs;

use super::{Place, one_lead};
use crate::project::{PEOPLE, ROLLOUT};
use crate::terminal::Session;

#[test]
fn people_are_named_with_roles_areas_and_keys() {
    let place = Place::new(one_lead());
    let public = fs::read_to_string(place.path("ravi.pub")).unwrap();
    let people = [
        format!("asha:Asha Rao:engineer:{}", place.path("priya")),
        format!(
            "sana:Sana Iyer:senior_engineer:support,billing:{}",
            place.path("sana.pub")
        ),
        format!("ravi:Ravi:security_lead:{}", public.trim()),
    ];
    let people: Vec<&str> = people
        .iter()
        .flat_map(|person| ["--person", person])
        .collect();
    let target = place.proxy.target();
    let all = [
        "--targets",
        &target,
        "--team",
        "support",
        "--window",
        "fri-sun,tue 22:00-02:00",
    ];
    let run = place.init(&[&all[..], &people].concat());
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    let config: toml::Table = place.config().parse().unwrap();
    let person = |index: usize| &config["people"][index];
    assert_eq!(person(0)["name"].as_str(), Some("Asha Rao"));
    assert_eq!(person(0)["key_file"].as_str(), Some("priya"));
    let public = fs::read_to_string(place.path("priya.pub")).unwrap();
    assert_eq!(
        person(0)["key"].as_str().unwrap().trim(),
        public.trim(),
        "the public half of the private key"
    );
    assert_eq!(person(1)["areas"].as_array().unwrap().len(), 2);
    assert_eq!(
        person(1)["key_file"].as_str(),
        Some("sana"),
        "its private half lies beside it"
    );
    assert!(person(2).get("key_file").is_none());
    let days = config["windows"]["change"][0]["days"].as_array().unwrap();
    let days: Vec<_> = days.iter().map(|day| day.as_str().unwrap()).collect();
    assert_eq!(days, ["fri", "sat", "sun", "tue"]);
    // The proxies trust more than these.
    let policy = place.path("policy.json");
    assert!(!run.stderr.contains(&policy));
}

#[test]
fn a_name_that_needs_quotes_is_written_as_it_is() {
    let place = Place::new(one_lead());
    let name = r#"Asha "the \ lead" Rao"#;
    let asha = format!("priya:{name}:engineer:{}", place.path("priya"));
    let run = place.made(&["--person", &asha]);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    let config: toml::Table = place.config().parse().unwrap();
    assert_eq!(config["people"][0]["name"].as_str(), Some(name));
    assert_eq!(
        config["people"].as_array().unwrap().len(),
        PEOPLE.len(),
        "she is nobody else"
    );
}

#[test]
fn on_a_terminal_it_asks_for_what_no_option_says() {
    let place = Place::new(one_lead());
    let folder = place.path("");
    let Some(mut session) =
        Session::begin(&["init", "--project", &folder], &[("TZ", "Asia/Kolkata")])
    else {
        eprintln!("no setsid here");
        return;
    };
    session.answer(
        "Operator listeners of the proxies",
        &format!("{}\r", place.proxy.target()),
    );
    session.answer("Files that they start from", "no-such-file\r");
    session.answer("no-such-file is not there", "\r");
    // What is told is proposed.
    session.answer("rollouts [support-agent]", "\r");
    session.answer("Team that runs them", "two words\r");
    session.answer("expected", "support\r");
    session.answer("Area that they are in [support]", "\r");
    session.answer("watches: id", "asha\r");
    session.answer("name [asha]", "Asha Rao\r");
    session.answer("[engineer]", "\r");
    session.answer("key: a file", &format!("{}\r", place.path("priya")));
    session.answer("besides asha: id", "asha\r");
    session.answer("is there already", "sana\r");
    session.answer("name [sana]", "\r");
    session.answer("[engineer]", "senior_engineer\r");
    session.answer("areas", "support, billing\r");
    session.answer("key: a file", &format!("{}\r", place.path("sana.pub")));
    session.answer("besides asha, sana: id", "\r");
    session.answer("Time zone of change windows", "Asia/Kolkata\r");
    let (shown, status) = session.end();
    assert_eq!(status, Some(0), "{shown}");
    let config: toml::Table = place.config().parse().unwrap();
    assert_eq!(config["agents"][0]["rollout"].as_str(), Some(ROLLOUT));
    assert_eq!(config["people"][0]["name"].as_str(), Some("Asha Rao"));
    assert_eq!(config["people"][1]["areas"][1].as_str(), Some("billing"));
    assert_eq!(config["people"][1]["key_file"].as_str(), Some("sana"));
}
