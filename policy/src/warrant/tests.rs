use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::PayloadType;
use crate::fixtures::{
    ENGINEER, PLATFORM, Person, SECURITY, SECURITY_2, STRANGER, changed, control_from, envelope,
    generation, moment, name, ramp, sealed, trust, trust_json, warrant_json,
};

const LEADS: [Person; 2] = [SECURITY, PLATFORM];
/// What the warrant of the tables lets be in force, and not a part per million more.
const ALLOWED: &str = r#"{"generation": 8,
    "ramp": [{"percent": 10, "at": "2026-11-23T20:00:00Z"}, {"percent": 50, "at": "2026-11-23T20:10:00Z"}]}"#;

/// One raise that the warrant of the tables permits; each case changes one thing of it.
#[derive(Clone)]
struct Case {
    policy: Name,
    rollout: Name,
    subject: Option<Subject>,
    control: Control,
    unmasks: bool,
    floor: Generation,
    now: Timestamp,
}

impl Case {
    fn new() -> Self {
        Self {
            policy: name("support"),
            rollout: name("agent"),
            subject: Some(warrant(&warrant_json()).subject),
            control: control_from(ALLOWED),
            unmasks: false,
            floor: generation(7),
            now: moment("2026-11-23T20:05:00Z"),
        }
    }

    fn raise(&self) -> Raise<'_> {
        Raise {
            policy: &self.policy,
            rollout: &self.rollout,
            subject: self.subject.as_ref(),
            control: &self.control,
            unmasks: self.unmasks,
            floor: self.floor,
            now: self.now,
        }
    }
}

fn warrant(json: &Value) -> Warrant {
    read(json).unwrap_or_else(|error| panic!("{json}: {error}"))
}

fn read(json: &Value) -> Result<Warrant, DocumentError> {
    Warrant::from_json(json.to_string().as_bytes())
}

fn with_ramp(ramp: Value) -> Control {
    serde_json::from_value(json!({"generation": 8, "ramp": ramp})).unwrap()
}

fn approver(person: Person, role: &str) -> Value {
    json!({"id": person.id, "role": role})
}

/// The name of a refusal without what it holds.
fn variant(refused: &impl std::fmt::Debug) -> String {
    let text = format!("{refused:?}");
    let end = text.find(|c: char| !c.is_alphanumeric());
    text[..end.unwrap_or(text.len())].to_owned()
}

#[test]
fn the_warrant_of_the_tables_is_good() {
    let opened = Warrant::open(&sealed(&warrant_json(), &LEADS), &trust(1)).unwrap();
    assert_eq!(opened, warrant(&warrant_json()));
    assert_eq!(opened.permits(Case::new().raise()), Ok(()));
}

#[test]
fn one_change_of_the_warrant_and_it_is_refused() {
    let later = json!([{"percent": 10, "at": "2026-11-23T20:00:00.001Z"}, {"percent": 50, "at": "2026-11-23T20:10:00Z"}]);
    #[rustfmt::skip]
    let table = [
        ("/policy", json!("billing"), "OtherPolicy", "the warrant is for the policy `billing`"),
        ("/policy", json!("Support"), "OtherPolicy", "the warrant is for the policy `Support`"),
        ("/rollout", json!("agent-2"), "OtherRollout", "the warrant is for the rollout `agent-2`"),
        ("/subject/stable", json!("v40"), "OtherSubject", "the warrant was given for stable `v40`, the policy in force has `v41`; expected"),
        ("/subject/canary", json!("v43"), "OtherSubject", "the warrant was given for canary `v43`, the policy in force has `v42`; expected"),
        ("/subject/salt", json!("chg-2026-0116"), "OtherSubject", "the warrant was given for salt `chg-2026-0116`, the policy in force has `chg-2026-0117`; expected"),
        ("/subject/pins", json!(["qa-1"]), "OtherSubject", "the warrant was given for pins `qa-1`, the policy in force has `qa-2`; expected"),
        ("/subject/pins", json!(null), "OtherSubject", "the warrant was given for pins ``, the policy in force has `qa-1`"),
        ("/not_before", json!("2026-11-23T20:05:00.001Z"), "NotYet", "the warrant cannot be used before 2026-11-23T20:05:00.001Z"),
        ("/not_after", json!("2026-11-23T20:04:59.999Z"), "Expired", "the warrant could be used until 2026-11-23T20:04:59.999Z; expected a new one"),
        ("/after", json!(6), "Spent", "the warrant was approved at generation 6, and a kill or a newer warrant came after it; expected a new one with `after` at least 7"),
        ("/ramp", json!([]), "Exceeded", "`ramp` asks for more than the warrant permits"),
        ("/ramp", later, "Exceeded", "`ramp` asks for more than the warrant permits"),
        ("/ramp/0/percent", json!(9.9999), "Exceeded", "`ramp` asks for more than the warrant permits"),
        ("/ramp/1/percent", json!(49.9999), "Exceeded", "`ramp` asks for more than the warrant permits"),
    ];
    for (pointer, value, expected, text) in table {
        let changed = warrant(&changed(&warrant_json(), pointer, value.clone()));
        let refused = changed.permits(Case::new().raise()).unwrap_err();
        assert_eq!(variant(&refused), expected, "{pointer} {value}");
        assert!(
            refused.to_string().starts_with(text),
            "{pointer} {value}: {refused}"
        );
    }
}

#[test]
fn one_change_of_the_raise_and_it_is_refused() {
    let with = |change: &dyn Fn(&mut Case)| {
        let mut case = Case::new();
        change(&mut case);
        case
    };
    let other = |change: fn(&mut Subject)| {
        with(&|case| {
            if let Some(subject) = &mut case.subject {
                change(subject);
            }
        })
    };
    let text = |text| HeaderText::new(text).unwrap();
    #[rustfmt::skip]
    let table = [
        ("another policy", with(&|case| case.policy = name("billing")), "OtherPolicy"),
        ("another rollout", with(&|case| case.rollout = name("other")), "OtherRollout"),
        ("another stable version", with(&|case| case.subject.as_mut().unwrap().stable = text("v42")), "OtherSubject"),
        ("another canary", with(&|case| case.subject.as_mut().unwrap().canary = text("v41")), "OtherSubject"),
        ("another salt", other(|subject| subject.salt = Salt::new("again").unwrap()), "OtherSubject"),
        ("one pin more", other(|subject| subject.pins.push("ceo".to_owned())), "OtherSubject"),
        ("too early", with(&|case| case.now = moment("2026-11-23T19:49:59.999Z")), "NotYet"),
        ("too late", with(&|case| case.now = moment("2026-11-23T22:00:00.001Z")), "Expired"),
        ("without a clock", with(&|case| case.now = Timestamp::EPOCH), "NotYet"),
        ("after a kill", with(&|case| case.floor = generation(8)), "Spent"),
        ("a larger share", with(&|case| case.control = with_ramp(json!({"percent": 11, "at": "2026-11-23T20:00:00Z"}))), "Exceeded"),
        ("a share at once", with(&|case| case.control = with_ramp(json!({"percent": 0.0001}))), "Exceeded"),
        ("a step too early", with(&|case| case.control = with_ramp(json!([{"percent": 50, "at": "2026-11-23T20:09:59Z"}]))), "Exceeded"),
        ("more at the end", with(&|case| case.control = with_ramp(json!([{"percent": 50, "at": "2026-11-23T20:10:00Z"}, {"percent": 100, "at": "2027-11-23T20:10:00Z"}]))), "Exceeded"),
        ("masks no longer", with(&|case| case.unmasks = true), "Exceeded"),
    ];
    for (what, case, expected) in table {
        let refused = warrant(&warrant_json()).permits(case.raise()).unwrap_err();
        assert_eq!(variant(&refused), expected, "{what}: {refused}");
    }
}

#[test]
fn what_asks_for_less_is_permitted() {
    let with = |change: &dyn Fn(&mut Case)| {
        let mut case = Case::new();
        change(&mut case);
        case
    };
    #[rustfmt::skip]
    let table = [
        ("fewer pins", with(&|case| drop(case.subject.as_mut().unwrap().pins.remove(0)))),
        ("no pins", with(&|case| case.subject.as_mut().unwrap().pins.clear())),
        ("a rollout that no policy describes", with(&|case| case.subject = None)),
        ("in the first millisecond", with(&|case| case.now = moment("2026-11-23T19:50:00Z"))),
        ("in the last millisecond", with(&|case| case.now = moment("2026-11-23T22:00:00Z"))),
        ("nothing came after it", with(&|case| case.floor = generation(0))),
        ("one step later", with(&|case| case.control = with_ramp(json!({"percent": 10, "at": "2026-11-23T20:09:00Z"})))),
        ("straight to the end", with(&|case| case.control = with_ramp(json!({"percent": 50, "at": "2026-11-23T20:10:00Z"})))),
        ("nobody but the pinned", with(&|case| case.control = with_ramp(json!([])))),
    ];
    for (what, case) in table {
        let permitted = warrant(&warrant_json()).permits(case.raise());
        assert_eq!(permitted, Ok(()), "{what}");
    }
    let unmasks = warrant(&changed(&warrant_json(), "/unmask", json!(true)));
    let case = with(&|case| case.unmasks = true);
    assert_eq!(unmasks.permits(case.raise()), Ok(()));
}

#[test]
fn those_who_approve_have_signed_and_suffice() {
    let base = warrant_json();
    let two_of_security = [
        approver(SECURITY, "security_lead"),
        approver(SECURITY_2, "security_lead"),
    ];
    let one = json!([approver(SECURITY, "security_lead")]);
    let other_role = [
        approver(SECURITY, "platform_lead"),
        approver(PLATFORM, "platform_lead"),
    ];
    let unknown = [
        approver(SECURITY, "security_lead"),
        approver(STRANGER, "platform_lead"),
    ];
    let with = |approvers: Value| changed(&base, "/approvers", approvers);
    const WANTED: &str = "expected the approval of security_lead and platform_lead";
    #[rustfmt::skip]
    let table: [(&str, Envelope, &str, String); 13] = [
        ("one did not sign", sealed(&base, &[SECURITY]), "NotSigned", "the warrant names the approver `platform-lead-1` as platform_lead, who has not signed it".into()),
        ("another did", sealed(&base, &[SECURITY, SECURITY_2]), "NotSigned", "the warrant names the approver `platform-lead-1`".into()),
        ("only the author did", sealed(&base, &[ENGINEER]), "NotSigned", "the warrant names the approver `security-lead-1`".into()),
        ("two of one role", sealed(&with(json!(two_of_security)), &[SECURITY, SECURITY_2]), "Insufficient", format!("the warrant is not enough; missing the approval of platform_lead; {WANTED}")),
        ("who is not named does not count", sealed(&with(one.clone()), &LEADS), "Insufficient", format!("the warrant is not enough; missing the approval of platform_lead; {WANTED}")),
        ("in the role of another", sealed(&with(json!(other_role)), &LEADS), "NotSigned", "the warrant names the approver `security-lead-1` as platform_lead, who has not signed it, or whose key is not trusted in this role".into()),
        ("a stranger", sealed(&with(json!(unknown)), &[SECURITY, STRANGER]), "NotSigned", "the warrant names the approver `stranger-1`".into()),
        ("only strangers", sealed(&base, &[STRANGER]), "Signature", "the warrant: no trusted key has signed; the first signature names `stranger-1`".into()),
        ("nobody", sealed(&base, &[]), "Signature", "the warrant: no trusted key has signed".into()),
        ("not read by its type", envelope(PayloadType::OrderJson, base.to_string().into(), &LEADS), "Malformed", "the warrant cannot be read: payloadType: ".into()),
        ("in the other form than its type says", envelope(PayloadType::WarrantMsgPack, base.to_string().into(), &LEADS), "Malformed", "the warrant cannot be read: payload: ".into()),
        ("with a member that nobody knows", sealed(&changed(&base, "/more", json!(1)), &LEADS), "Malformed", "the warrant cannot be read: payload.more: unknown field `more`".into()),
        ("approved by its author", sealed(&changed(&base, "/author", json!(PLATFORM.id)), &LEADS), "Malformed", "the warrant cannot be read: payload.approvers: `platform-lead-1` is the author; expected somebody else: nobody approves their own change".into()),
    ];
    for (what, envelope, expected, text) in table {
        let refused = Warrant::open(&envelope, &trust(1)).unwrap_err();
        assert_eq!(variant(&refused), expected, "{what}: {refused}");
        assert!(refused.to_string().starts_with(&text), "{what}: {refused}");
    }
    // The author may sign as well, and anybody.
    let all = [SECURITY, PLATFORM, ENGINEER, SECURITY_2, STRANGER];
    assert!(Warrant::open(&sealed(&base, &all), &trust(1)).is_ok());
}

#[test]
fn a_forged_signature_of_a_trusted_key_spoils_a_warrant_that_has_enough() {
    let mut envelope = sealed(&warrant_json(), &LEADS);
    envelope.sign(SECURITY_2.id, [7; 64]);
    let refused = Warrant::open(&envelope, &trust(1)).unwrap_err();
    assert_eq!(
        refused,
        WarrantRefused::Signature(SignatureRefused::Bad(SECURITY_2.id.into()))
    );
}

#[test]
fn a_signature_of_one_warrant_is_none_of_another() {
    let signed = sealed(&warrant_json(), &LEADS);
    for (pointer, value) in [
        ("/ramp/1/percent", json!(51)),
        ("/unmask", json!(true)),
        ("/after", json!(8)),
        ("/not_after", json!("2026-11-24T22:00:00Z")),
        ("/subject/pins/0", json!("ceo")),
    ] {
        let mut forged = sealed(&changed(&warrant_json(), pointer, value), &[]);
        for signature in signed.signatures() {
            let bytes = signature.bytes().try_into().unwrap();
            forged.sign(&signature.keyid, bytes);
        }
        let refused = Warrant::open(&forged, &trust(1)).unwrap_err();
        assert_eq!(variant(&refused), "Signature", "{pointer}: {refused}");
    }
}

#[test]
fn whose_key_is_no_longer_trusted_approves_nothing() {
    let envelope = sealed(&warrant_json(), &LEADS);
    let rotated = trust_json(2, &[SECURITY_2, PLATFORM]);
    let rotated: Trust = serde_json::from_value(rotated).unwrap();
    let refused = Warrant::open(&envelope, &rotated).unwrap_err();
    assert_eq!(variant(&refused), "NotSigned", "{refused}");
    // Nor does another key under the same name.
    let renamed = changed(
        &trust_json(2, &LEADS),
        "/keys/0/key",
        json!(STRANGER.line()),
    );
    let renamed: Trust = serde_json::from_value(renamed).unwrap();
    let refused = Warrant::open(&envelope, &renamed).unwrap_err();
    assert_eq!(variant(&refused), "Signature", "{refused}");
    // Nor the same key in a lower role.
    let demoted = changed(
        &trust_json(2, &LEADS),
        "/keys/1/role",
        json!("senior_engineer"),
    );
    let demoted: Trust = serde_json::from_value(demoted).unwrap();
    let refused = Warrant::open(&envelope, &demoted).unwrap_err();
    assert_eq!(variant(&refused), "NotSigned", "{refused}");
}

#[test]
fn refusals_for_want_of_a_warrant_say_who_must_approve() {
    let missing = WarrantRefused::Missing(trust(1).missing());
    assert_eq!(
        missing.to_string(),
        "raising exposure needs a warrant; expected the approval of security_lead and platform_lead"
    );
    let digest = Digest::of(b"abc");
    let not_held = WarrantRefused::NotHeld(digest.clone()).to_string();
    assert_eq!(
        not_held,
        format!("the proxy does not hold the warrant {digest}; send its envelope")
    );
}

#[test]
fn broken_warrants_name_the_path() {
    let base = warrant_json();
    let seventeen: Vec<_> = (0..17)
        .map(|number| json!({"id": format!("k{number}"), "role": "r"}))
        .collect();
    let twice = [
        approver(SECURITY, "security_lead"),
        approver(SECURITY, "platform_lead"),
    ];
    #[rustfmt::skip]
    let table = [
        ("/change", json!(null), "", "missing field `change`"),
        ("/subject", json!(null), "", "missing field `subject`"),
        ("/ramp", json!(null), "", "missing field `ramp`"),
        ("/after", json!(null), "", "missing field `after`"),
        ("/not_before", json!(null), "", "missing field `not_before`"),
        ("/not_after", json!(null), "", "missing field `not_after`"),
        ("/drill", json!(null), "", "missing field `drill`"),
        ("/author", json!(null), "", "missing field `author`"),
        ("/approvers", json!(null), "", "missing field `approvers`"),
        ("/subject/canary", json!(null), "subject", "missing field `canary`"),
        ("/subject/cluster", json!("c"), "subject.cluster", "unknown field `cluster`"),
        ("/drill/receipt", json!("sha256:0"), "drill.receipt", "invalid value: string \"sha256:0\", expected `sha256:` and 64 hexadecimal digits in lower case"),
        ("/not_after", json!("2026-11-23T19:50:00Z"), "not_after", "not later than `not_before`, 2026-11-23T19:50:00Z"),
        ("/ramp/1/percent", json!(5), "ramp", "step 1 (counted from 0) goes down to 5 %"),
        ("/unmask", json!("yes"), "unmask", "invalid type: string \"yes\", expected a boolean"),
        ("/after", json!(-1), "after", "invalid value: integer `-1`, expected a generation"),
        ("/approvers", json!([]), "approvers", "0 approvers, expected 1 to 16"),
        ("/approvers", json!(seventeen), "approvers", "17 approvers, expected 1 to 16"),
        ("/approvers", json!(twice), "approvers", "`security-lead-1` is named twice"),
        ("/approvers/0/role", json!(null), "approvers[0]", "missing field `role`"),
        ("/approvers/1/id", json!(ENGINEER.id), "approvers", "`engineer-1` is the author; expected somebody else"),
    ];
    for (pointer, value, path, message) in table {
        let error = read(&changed(&base, pointer, value)).unwrap_err();
        assert_eq!(error.path(), path, "{pointer}: {error}");
        assert!(error.message().starts_with(message), "{pointer}: {error}");
    }
}

#[test]
fn a_warrant_names_no_more_pins_than_are_compared() {
    let pins: Vec<_> = (0..=limits::APPROVED_PINS)
        .map(|number| format!("a-{number:02}"))
        .collect();
    let most = changed(&warrant_json(), "/subject/pins", json!(pins[1..]));
    assert!(read(&most).is_ok());
    let error = read(&changed(&warrant_json(), "/subject/pins", json!(pins))).unwrap_err();
    assert_eq!(error.path(), "subject.pins");
}

#[test]
fn of_too_many_pins_some_are_not_approved() {
    let pins: Vec<_> = (0..limits::APPROVED_PINS)
        .map(|number| format!("a-{number:02}"))
        .collect();
    let approved = warrant(&changed(&warrant_json(), "/subject/pins", json!(pins))).subject;
    let found = |more: &[&str]| {
        let pins: Vec<_> = pins
            .iter()
            .map(String::as_str)
            .chain(more.iter().copied())
            .collect();
        let rollout = json!({
            "name": "agent", "salt": "chg-2026-0117", "control": {"generation": 1}, "pins": {"canary": pins, "stable": ["vip"]},
            "arms": {"stable": {"version": "v41"}, "canary": {"version": "v42"}},
        });
        Subject::of(&serde_json::from_value(rollout).unwrap())
    };
    assert_eq!(approved.check(&found(&[])), Ok(()));
    for more in [&["b"][..], &["0"], &["b", "c", "d"]] {
        assert!(approved.check(&found(more)).is_err(), "{more:?}");
    }
    assert_eq!(
        found(&["b", "c", "d"]).pins.len(),
        limits::APPROVED_PINS + 1
    );
}

#[test]
fn a_reference_is_an_envelope_or_a_digest() {
    let envelope = sealed(&warrant_json(), &LEADS);
    let carried = serde_json::to_value(&envelope).unwrap();
    let named = json!(envelope.digest().as_str());
    for (json, expected) in [
        (
            &carried,
            WarrantReference::Carried(Box::new(envelope.clone())),
        ),
        (&named, WarrantReference::Named(envelope.digest())),
    ] {
        let read: WarrantReference = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(read, expected);
        assert_eq!(serde_json::to_value(&read).unwrap(), *json);
    }
    for (json, message) in [
        (
            json!(7),
            "invalid type: integer `7`, expected a warrant's envelope, or its digest",
        ),
        (
            json!("sha256:"),
            "invalid value: string \"sha256:\", expected `sha256:` and 64",
        ),
        (json!({}), "missing field `signatures`"),
    ] {
        let error = serde_json::from_value::<WarrantReference>(json).unwrap_err();
        assert!(error.to_string().starts_with(message), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_ramp_is_permitted_exactly_if_it_is_below_the_ceiling_at_every_moment(asked in ramp(), ceiling in ramp()) {
        let warrant = Warrant { ramp: ceiling, ..warrant(&warrant_json()) };
        let mut case = Case::new();
        case.control.ramp = asked.clone();
        let below = (0..45).map(Timestamp::from_millis).all(|now| asked.percent_at(now) <= warrant.ramp.percent_at(now));
        let expected = if below { Ok(()) } else { Err(WarrantRefused::Exceeded("ramp")) };
        prop_assert_eq!(warrant.permits(case.raise()), expected);
    }

    #[test]
    fn the_two_forms_say_the_same(ceiling in ramp(), unmask: bool, after in 0..=limits::GENERATION, pins in vec("[a-z]{1,8}", 0..4)) {
        let base = warrant(&warrant_json());
        let subject = Subject { pins, ..base.subject.clone() };
        let warrant = Warrant { ramp: ceiling, unmask, after: generation(after), subject, ..base };
        let json = serde_json::to_vec(&warrant).unwrap();
        let packed = rmp_serde::to_vec_named(&warrant).unwrap();
        let opened = [(PayloadType::WarrantJson, json), (PayloadType::WarrantMsgPack, packed)]
            .map(|(kind, payload)| Warrant::open(&envelope(kind, payload, &LEADS), &trust(1)));
        prop_assert_eq!(&opened[0], &Ok(warrant));
        prop_assert_eq!(&opened[0], &opened[1]);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>, at: prop::sample::Index, byte: u8) {
        let _ = Warrant::from_json(&bytes);
        let _ = Warrant::from_msgpack(&bytes);
        let mut packed = rmp_serde::to_vec_named(&warrant(&warrant_json())).unwrap();
        let at = at.index(packed.len());
        packed[at] = byte;
        let _ = Warrant::from_msgpack(&packed);
    }
}
