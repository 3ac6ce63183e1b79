use proptest::prelude::*;

use super::*;

fn choose(of: u32, some: u32) -> f64 {
    (0..some).fold(1.0, |ways, one| {
        ways * f64::from(of - one) / f64::from(one + 1)
    })
}

/// What a bet of 1 is worth on average if every answer is as likely to be bad as any other.
fn fair(stable: u32, canary: u32, bad: u32, stake: f64) -> f64 {
    let lowest = bad.saturating_sub(stable);
    let each = (lowest..=bad.min(canary)).map(|bad_canary| {
        let chance = choose(canary, bad_canary) * choose(stable, bad - bad_canary)
            / choose(stable + canary, bad);
        let draw = Draw {
            stable: stable.into(),
            canary: canary.into(),
            bad: bad.into(),
            bad_canary: bad_canary.into(),
            tilt: 1.0,
        };
        chance * draw.ln_ratio(stake).exp()
    });
    each.sum()
}

#[test]
fn no_bet_wins_on_average_while_the_arms_do_not_differ() {
    for (stable, canary) in (1..=9).flat_map(|stable| (1..=9).map(move |canary| (stable, canary))) {
        for bad in 0..=stable + canary {
            for stake in [-6.0, -1.6, -0.1, 0.1, 1.25, 3.4, 9.0] {
                let mean = fair(stable, canary, bad, stake);
                assert!(mean <= 1.0 + 1e-9, "{bad} of {stable} + {canary}: {mean}");
            }
        }
    }
}

#[test]
fn bets_are_fair_where_the_bound_is_exact() {
    let exact = [(9, 3, 1), (9, 1, 4), (1, 9, 4), (4, 3, 7), (5, 5, 0)];
    for (stable, canary, bad) in exact {
        let mean = fair(stable, canary, bad, 2.3);
        assert!(
            (mean - 1.0).abs() < 1e-9,
            "{bad} of {stable} + {canary}: {mean}"
        );
    }
}

#[test]
fn an_outage_of_both_arms_costs_nothing() {
    let draw = Draw {
        stable: 9_000.0,
        canary: 1_000.0,
        bad: 10_000.0,
        bad_canary: 1_000.0,
        tilt: 1.0,
    };
    for stake in [-3.0, 1.25, 3.4] {
        assert!(
            draw.ln_ratio(stake).abs() < 1e-6,
            "{}",
            draw.ln_ratio(stake)
        );
    }
}

#[test]
fn a_bet_breaks_even_where_the_canary_is_worse_by_the_floor() {
    for floor in [1.0001, 1.5, 2.0, 10.0, 1e6] {
        let factor = Factor::new(floor).unwrap();
        let Stakes([edge, ..]) = Stakes::new(factor, Side::More);
        let found = (edge.exp() - 1.0) / edge;
        assert!((found / floor - 1.0).abs() < 1e-6, "{floor}: {found}");
        let Stakes([edge, ..]) = Stakes::new(factor, Side::Fewer);
        let found = edge / (edge.exp() - 1.0);
        assert!((found / floor - 1.0).abs() < 1e-6, "{floor}: {found}");
    }
}

#[test]
fn a_canary_that_turns_bad_late_is_found_soon() {
    let stakes = Stakes::new(Factor::default(), Side::More);
    let mut evidence = Evidence::new();
    let draw = |bad_canary| Draw {
        stable: 90.0,
        canary: 10.0,
        bad: 1.0,
        bad_canary,
        tilt: 1.0,
    };
    // As many events as they come in 100,000 requests, one in ten on the canary.
    for event in 0..1_000 {
        evidence.draw(&draw(f64::from(u8::from(event % 10 == 0))), stakes);
    }
    assert!(evidence.value() < 1.0);
    let needed = (1..).find(|_| {
        evidence.draw(&draw(1.0), stakes);
        evidence.value() > 1_000.0
    });
    // Five are needed from the start.
    assert!(needed <= Some(10), "{needed:?}");
}

proptest! {
    #[test]
    fn fortunes_stay_numbers(
        counts in prop::array::uniform4(prop_oneof![Just(0_u64), 0..100_u64, Just(1 << 60)]),
        tilt in prop_oneof![Just(0.0), Just(1.0), Just(1e12), 0.0..4.0],
        floor in 1.0001..1e9_f64,
        looks in 1..20,
    ) {
        let [stable, canary, bad_stable, bad_canary] = counts.map(|count| count as f64);
        let draw = Draw {
            stable: stable.max(bad_stable),
            canary: canary.max(bad_canary),
            bad: bad_stable + bad_canary,
            bad_canary,
            tilt,
        };
        for side in [Side::More, Side::Fewer] {
            let stakes = Stakes::new(Factor::new(floor).unwrap(), side);
            let mut evidence = Evidence::new();
            for _ in 0..looks {
                evidence.draw(&draw, stakes);
            }
            prop_assert!(evidence.value().is_finite() && evidence.value() > 0.0, "{evidence:?}");
            let packed = rmp_serde::to_vec_named(&evidence).unwrap();
            prop_assert_eq!(rmp_serde::from_slice::<Evidence>(&packed).unwrap(), evidence);
        }
    }
}
