use proptest::prelude::*;

use super::*;

fn tally() -> impl Strategy<Value = ArmTally> {
    let count = || 0_u64..1_000;
    let entity = prop::sample::select(vec!["EMAIL_ADDRESS", "IN_AADHAAR", "EMPLOYEE_ID"]);
    let redactions = prop::collection::vec((entity, count(), count()), 0..4);
    (prop::array::uniform6(count()), redactions).prop_map(|(counts, redactions)| {
        let [requests, answers, errors, slow_first_byte, slow, unscanned] = counts;
        let redactions = redactions.into_iter().map(|(entity, answers, found)| {
            let redactions = Redactions {
                answers: answers + 1,
                found: answers + 1 + found,
            };
            (Entity::new(entity).unwrap(), redactions)
        });
        ArmTally {
            requests,
            answers,
            errors,
            slow_first_byte,
            slow,
            unscanned,
            redactions: redactions.collect(),
        }
    })
}

fn sum<'a>(tallies: impl IntoIterator<Item = &'a ArmTally>) -> ArmTally {
    let mut sum = ArmTally::default();
    for tally in tallies {
        sum.add(tally);
    }
    sum
}

proptest! {
    #[test]
    fn tallies_add_up_in_any_order_and_grouping(a in tally(), b in tally(), c in tally()) {
        prop_assert_eq!(sum([&a, &b]), sum([&b, &a]));
        prop_assert_eq!(sum([&sum([&a, &b]), &c]), sum([&a, &sum([&b, &c])]));
        prop_assert_eq!(sum([&a, &ArmTally::default()]), a);
    }

    #[test]
    fn what_was_added_is_what_came_since(a in tally(), b in tally()) {
        prop_assert_eq!(sum([&a, &b]).since(&a), b.clone());
        prop_assert!(a.since(&sum([&a, &b])).is_empty());
    }

    #[test]
    fn tallies_read_back_as_they_were_written(stable in tally(), canary in tally()) {
        let tallies = Tallies { stable, canary };
        let json = serde_json::to_string(&tallies).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Tallies>(&json).unwrap(), &tallies);
        let packed = rmp_serde::to_vec_named(&tallies).unwrap();
        prop_assert_eq!(&rmp_serde::from_slice::<Tallies>(&packed).unwrap(), &tallies);
    }
}

#[test]
fn what_a_later_version_counts_is_passed_over() {
    let json = r#"{"requests": 3, "refusals": 1, "redactions": {"IN_PAN": {"answers": 1, "found": 2, "masked": 2}}}"#;
    let tally: ArmTally = serde_json::from_str(json).unwrap();
    let mut expected = ArmTally {
        requests: 3,
        ..ArmTally::default()
    };
    expected.redacted(&Entity::new("IN_PAN").unwrap(), 2);
    assert_eq!(tally, expected);
}
