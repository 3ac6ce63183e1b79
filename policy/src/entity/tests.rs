use proptest::prelude::*;
use serde_json::json;

use super::*;

#[test]
fn names_are_in_capitals_and_a_star_names_no_definition() {
    let long = "A".repeat(64);
    for name in ["A", "CREDIT_CARD", "EMP_2", "A_", &long] {
        assert!(Entity::new(name).is_some(), "{name}");
        assert!(EntityName::new(name).is_some(), "{name}");
    }
    let too_long = "A".repeat(65);
    for name in [
        "", "a", "Emp", "2FA", "_A", "A-B", "A B", "Ä", "**", "*A", &too_long,
    ] {
        assert!(Entity::new(name).is_none(), "{name}");
        assert!(EntityName::new(name).is_none(), "{name}");
    }
    assert!(Entity::new("*").is_some());
    assert!(EntityName::new("*").is_none());
}

#[test]
fn literals_and_shapes_that_can_be_looked_for() {
    let (shortest, longest) = ("a23Z", "a".repeat(64));
    // What is written, whether it is a literal, whether it is a shape.
    for (text, literal, shape) in [
        (shortest, true, true),
        (&longest, true, true),
        ("Project Bluebird", true, true),
        ("a--b", true, true),
        ("EMP-######", false, true),
        ("####", false, true),
        ("@@@@", false, true),
        ("****", false, true),
        ("#  #", false, true),
        ("a#*@b", true, true),
        // An escape makes one character of two, and `#` one that no word ends with.
        (r"a\#\#b", true, true),
        (r"\ab\\c", false, true),
        (r"a\#b", true, false),
        (r"abc\#", false, false),
        (r"\#abc", false, false),
        (r"ab\##", false, true),
        (r"abc\d", true, true),
        (r"abcd\", false, false),
        (r"abcd\\", false, false),
        (r"abcd\\e", true, true),
        ("abc", false, false),
        ("", false, false),
        ("-abc", false, false),
        ("abc-", false, false),
        (" abc", false, false),
        ("abc ", false, false),
        ("ab\tc", false, false),
        ("ab\nc", false, false),
        ("Übermut", false, false),
        ("Bl\u{fc}te", false, false),
    ] {
        assert_eq!(Literal::new(text).is_some(), literal, "literal {text:?}");
        assert_eq!(Shape::new(text).is_some(), shape, "shape {text:?}");
    }
    let too_long = "a".repeat(65);
    assert!(Literal::new(&too_long).is_none() && Shape::new(&too_long).is_none());
    // 64 places, each of them written with two characters.
    assert!(Shape::new(&r"\a".repeat(64)).is_some());
    assert!(Shape::new(&r"\a".repeat(65)).is_none());
}

#[test]
fn limits_are_named_where_they_are_passed() {
    let texts = |count: usize| (0..count).map(|n| format!("text {n}")).collect::<Vec<_>>();
    let definition = |literals, shapes| {
        let json = json!({"literals": texts(literals), "shapes": texts(shapes)});
        serde_json::from_value::<Definition>(json).map_err(|error| error.to_string())
    };
    for (literals, shapes) in [(1, 0), (0, 1), (256, 0), (0, 256), (128, 128)] {
        assert!(definition(literals, shapes).is_ok(), "{literals} {shapes}");
    }
    for (literals, shapes, given) in [(0, 0, 0), (257, 0, 257), (0, 257, 257), (128, 129, 257)] {
        let expected = format!("{given} literals and shapes, expected 1 to 256");
        assert_eq!(definition(literals, shapes), Err(expected));
    }
    let definitions = |count: usize| {
        let named = (0..count).map(|n| (format!("E{n}"), json!({"literals": ["text"]})));
        let json = serde_json::Value::Object(named.collect());
        serde_json::from_value::<Definitions>(json).map_err(|error| error.to_string())
    };
    assert!(definitions(32).is_ok());
    let expected = "33 entries, expected at most 32".to_owned();
    assert_eq!(definitions(33), Err(expected));
}

proptest! {
    #[test]
    fn any_text_is_a_shape_once_it_is_escaped_if_it_is_a_literal(text in "[ -~]{0,70}") {
        let escaped: String = text.chars().flat_map(|char| ['\\', char]).collect();
        prop_assert_eq!(Literal::new(&text).is_some(), Shape::new(&escaped).is_some());
    }

    #[test]
    fn arbitrary_text_never_panics(text: String) {
        let _ = (Entity::new(&text), EntityName::new(&text), Literal::new(&text), Shape::new(&text));
    }
}
