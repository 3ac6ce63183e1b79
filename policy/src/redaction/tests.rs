use super::*;
use crate::fixtures::rollout_json;
use crate::policy::Policy;

/// The rollout's actions, and arms that differ from them.
const LAYERED: &str = r#"{
    "response": {"EMAIL_ADDRESS": "mask", "CREDIT_CARD": "block", "*": "count"},
    "request": {"*": "count"},
    "arms": {
        "canary": {"response": {"EMAIL_ADDRESS": "block", "IN_PAN": "mask"}},
        "stable": {"response": {"*": "mask"}, "request": {"SECRET": "block"}}
    }
}"#;

fn redaction(json: &str) -> Redaction {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"))
}

/// The actions in effect, as text in the order of the entities.
fn actions(redaction: &Redaction, arm: Arm, direction: Direction) -> String {
    let actions = redaction.actions(arm, direction);
    let mut actions: Vec<_> = actions
        .map(|(entity, action)| format!("{entity} {}", action.as_str()))
        .collect();
    actions.sort_unstable();
    actions.join(", ")
}

#[test]
fn an_arms_actions_are_laid_over_the_rollouts() {
    use Arm::{Canary, Stable};
    use Direction::{Request, Response};
    let none = r#"{"response": {}}"#;
    let arm_only = r#"{"arms": {"canary": {"request": {"SECRET": "mask"}}}}"#;
    let laxer = r#"{"response": {"SECRET": "block"}, "arms": {"canary": {"response": {"SECRET": "count", "*": "mask"}}}}"#;
    for (json, arm, direction, expected) in [
        (
            LAYERED,
            Canary,
            Response,
            "* count, CREDIT_CARD block, EMAIL_ADDRESS block, IN_PAN mask",
        ),
        // The arm's `*` takes the place of the rollout's, not of what the rollout names.
        (
            LAYERED,
            Stable,
            Response,
            "* mask, CREDIT_CARD block, EMAIL_ADDRESS mask",
        ),
        (LAYERED, Canary, Request, "* count"),
        (LAYERED, Stable, Request, "* count, SECRET block"),
        (none, Canary, Response, ""),
        (none, Stable, Request, ""),
        (arm_only, Canary, Request, "SECRET mask"),
        (arm_only, Stable, Request, ""),
        (arm_only, Canary, Response, ""),
        // What the arm says counts, be it stricter or not.
        (laxer, Canary, Response, "* mask, SECRET count"),
        (laxer, Stable, Response, "SECRET block"),
    ] {
        assert_eq!(
            actions(&redaction(json), arm, direction),
            expected,
            "{arm:?} {direction:?} of {json}"
        );
    }
}

#[test]
fn a_direction_is_idle_if_neither_arm_looks_for_anything() {
    for (json, request, response) in [
        ("{}", true, true),
        (
            r#"{"arms": {"canary": {"response": {}}, "stable": {}}}"#,
            true,
            true,
        ),
        (r#"{"entities": {"E": {"literals": ["text"]}}}"#, true, true),
        (r#"{"request": {"*": "count"}}"#, false, true),
        (r#"{"response": {"SECRET": "count"}}"#, true, false),
        (
            r#"{"arms": {"stable": {"request": {"*": "mask"}}}}"#,
            false,
            true,
        ),
        (
            r#"{"arms": {"canary": {"response": {"*": "mask"}}}}"#,
            true,
            false,
        ),
    ] {
        let redaction = redaction(json);
        let idle = Direction::BOTH.map(|direction| redaction.is_idle(direction));
        assert_eq!(idle, [request, response], "{json}");
    }
}

#[test]
fn what_is_left_out_is_the_safe_choice() {
    let left_out = redaction("{}");
    assert_eq!(left_out, Redaction::default());
    assert_eq!(left_out.unscannable.compressed, Unscanned::Block);
    assert_eq!(left_out.unscannable.binary, Unscanned::Pass);
    assert_eq!(left_out.unscannable.oversized, Unscanned::Pass);
    assert_eq!(left_out.private_ips, PrivateIps::Scan);
    assert!(left_out.entities.is_empty());
    // Each by itself: one that is given changes no other.
    for (json, expected) in [
        (
            r#"{"compressed": "pass"}"#,
            [Unscanned::Pass, Unscanned::Pass, Unscanned::Pass],
        ),
        (
            r#"{"binary": "block"}"#,
            [Unscanned::Block, Unscanned::Block, Unscanned::Pass],
        ),
        (
            r#"{"oversized": "block"}"#,
            [Unscanned::Block, Unscanned::Pass, Unscanned::Block],
        ),
    ] {
        let given = redaction(&format!(r#"{{"unscannable": {json}}}"#)).unscannable;
        assert_eq!(
            [given.compressed, given.binary, given.oversized],
            expected,
            "{json}"
        );
    }
}

#[test]
fn definitions_are_kept_as_they_were_written() {
    let redaction = redaction(
        r#"{"entities": {"PROJECT": {"literals": ["Project Bluebird", "bluebird"]},
            "EMPLOYEE_ID": {"shapes": ["EMP-######"], "literals": ["boss"]}}}"#,
    );
    let written = redaction.entities.iter().map(|(name, definition)| {
        let (literals, shapes) = (definition.literals(), definition.shapes());
        let lists = (literals.collect::<Vec<_>>(), shapes.collect::<Vec<_>>());
        (name.as_str(), lists)
    });
    assert_eq!(
        written.collect::<Vec<_>>(),
        [
            ("EMPLOYEE_ID", (vec!["boss"], vec!["EMP-######"])),
            ("PROJECT", (vec!["Project Bluebird", "bluebird"], vec![])),
        ]
    );
}

#[test]
fn words_are_those_of_the_document() {
    for action in [Action::Count, Action::Mask, Action::Block] {
        let word = serde_json::to_string(&action).unwrap();
        assert_eq!(word, format!("{:?}", action.as_str()));
        assert_eq!(serde_json::from_str::<Action>(&word).unwrap(), action);
    }
    let words = Direction::BOTH.map(Direction::as_str);
    let members = r#"{"request": {"A": "count"}, "response": {"A": "count"}}"#;
    assert!(words.iter().all(|word| members.contains(word)));
    let both = redaction(members);
    assert!(
        Direction::BOTH
            .iter()
            .all(|direction| !both.is_idle(*direction))
    );
}

#[test]
fn what_is_broken_is_named_by_its_path() {
    #[rustfmt::skip]
    let table = [
        (r#"7"#, "", "invalid type: integer `7`, expected an object"),
        (r#"{"answers": {}}"#, ".answers", "unknown field `answers`, expected one of `response`, `request`, `arms`, `unscannable`, `entities`, `private_ips`"),
        (r#"{"response": ["*"]}"#, ".response", "invalid type: list, expected an object"),
        (r#"{"request": {"*": "drop"}}"#, ".request.*", "unknown variant `drop`, expected one of `count`, `mask`, `block`"),
        (r#"{"response": {"email": "mask"}}"#, ".response.email", "invalid value: string \"email\", expected an entity in capitals"),
        (r#"{"response": {"2FA": "mask"}}"#, ".response.2FA", "invalid value: string \"2FA\", expected an entity in capitals"),
        (r#"{"arms": {"blue": {}}}"#, ".arms.blue", "unknown field `blue`, expected one of `stable`, `canary`"),
        (r#"{"arms": {"canary": null}}"#, ".arms.canary", "invalid type: null, expected an object"),
        (r#"{"arms": {"canary": {"*": "mask"}}}"#, ".arms.canary.*", "unknown field `*`, expected one of `response`, `request`"),
        (r#"{"arms": {"stable": {"response": {"*": "hide"}}}}"#, ".arms.stable.response.*", "unknown variant `hide`, expected one of"),
        (r#"{"unscannable": "block"}"#, ".unscannable", "invalid type: string \"block\", expected an object"),
        (r#"{"unscannable": {"gzip": "block"}}"#, ".unscannable.gzip", "unknown field `gzip`, expected one of `compressed`, `binary`, `oversized`"),
        (r#"{"unscannable": {"binary": "mask"}}"#, ".unscannable.binary", "unknown variant `mask`, expected one of `pass`, `block`"),
        (r#"{"unscannable": {"compressed": null}}"#, ".unscannable.compressed", "invalid type: null, expected one of `pass`, `block`"),
        (r#"{"private_ips": "mask"}"#, ".private_ips", "unknown variant `mask`, expected one of `scan`, `ignore`"),
        (r#"{"entities": {"*": {"literals": ["text"]}}}"#, ".entities.*", "invalid value: string \"*\", expected a name for the entity in 1 to 64 capitals"),
        (r#"{"entities": {"Emp": {"literals": ["text"]}}}"#, ".entities.Emp", "invalid value: string \"Emp\", expected a name for the entity"),
        (r#"{"entities": {"EMP": {}}}"#, ".entities.EMP", "0 literals and shapes, expected 1 to 256"),
        (r#"{"entities": {"EMP": ["text"]}}"#, ".entities.EMP", "invalid type: list, expected an object"),
        (r#"{"entities": {"EMP": {"regex": "E.*"}}}"#, ".entities.EMP.regex", "unknown field `regex`, expected one of `literals`, `shapes`"),
        (r#"{"entities": {"EMP": {"shapes": "EMP-####"}}}"#, ".entities.EMP.shapes", "invalid type: string \"EMP-####\", expected a list"),
        (r#"{"entities": {"EMP": {"shapes": ["EMP-####", "E-"]}}}"#, ".entities.EMP.shapes[1]", "invalid value: string \"E-\", expected 4 to 64 visible ASCII characters and spaces that begin and end with a letter or digit, where # is any digit"),
        (r#"{"entities": {"EMP": {"literals": ["boss", 7]}}}"#, ".entities.EMP.literals[1]", "invalid type: integer `7`, expected 4 to 64 visible ASCII"),
        (r#"{"entities": {"EMP": {"literals": ["EMP-######"]}}}"#, ".entities.EMP.literals[0]", "invalid value: string \"EMP-######\", expected 4 to 64 visible ASCII"),
        (r#"{"entities": {"E": {"literals": ["text"]}, "E": {"literals": ["text"]}}}"#, ".entities", "`E` is given twice"),
    ];
    for (json, path, message) in table {
        let rollout = rollout_json("r", &format!(r#""redaction": {json}"#));
        let policy = format!(r#"{{"policy": "p", "rollouts": [{rollout}]}}"#);
        let error = Policy::from_json(policy.as_bytes()).expect_err(json);
        assert_eq!(
            error.path(),
            format!("rollouts[0].redaction{path}"),
            "{json}: {error}"
        );
        assert!(error.message().starts_with(message), "{json}: {error}");
    }
}
