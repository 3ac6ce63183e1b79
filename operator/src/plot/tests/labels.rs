//! Labels keep out of one another's way.

use crate::plot::labels::{GAP, Placed, Wanted, place, spread};
use crate::plot::svg::ems;

const FONT: f64 = 12.0;
const EDGE: f64 = 936.0;

fn placed(marks: &[(f64, &str)]) -> Vec<Placed> {
    let wanted: Vec<_> = marks
        .iter()
        .map(|(x, text)| Wanted {
            x: *x,
            text,
            font: FONT,
        })
        .collect();
    place(&wanted, EDGE)
}

fn end(label: &Placed) -> f64 {
    let wide = label.rows.iter().map(|row| ems(row)).fold(0.0, f64::max);
    label.x + GAP + wide * FONT
}

/// Neither lies over the other, nor does the other's line, which goes down from it, cross it.
fn assert_apart(labels: &[Placed]) {
    for (at, label) in labels.iter().enumerate() {
        assert!(end(label) <= EDGE + 0.01, "{label:?} is cut off");
        let text = label.x + GAP..end(label);
        let lanes = |label: &Placed| label.lane..label.lane + label.rows.len();
        for other in labels[..at].iter().chain(&labels[at + 1..]) {
            let crosses = text.contains(&other.x) && lanes(other).end > label.lane;
            assert!(!crosses, "the line of {other:?} crosses {label:?}");
            let beside = other.x + GAP >= text.end || end(other) <= text.start;
            let above = lanes(other).start >= lanes(label).end || lanes(other).end <= label.lane;
            assert!(beside || above, "{other:?} lies over {label:?}");
        }
    }
}

#[test]
fn twelve_marks_never_meet() {
    let texts = [
        "1 %",
        "approved by ravi (security_lead)",
        "killed by priya: errors of the canary rise with every minute and customers call",
        "Unterstützungsmitarbeiterfreigabeverfahrensanweisung-ohne-Leerzeichen",
        "",
        "漢字の長い見出しがここに入ります、改行なしで続きます",
    ];
    for apart in [0.0, 0.4, 3.0, 17.0, 60.0, 69.0] {
        for shift in 0..texts.len() {
            let mark = |number: usize| {
                (
                    72.0 + number as f64 * apart,
                    texts[(number + shift) % texts.len()],
                )
            };
            let mut marks: Vec<_> = (0..12).map(mark).collect();
            assert_apart(&placed(&marks));
            // In whichever order they come.
            marks.reverse();
            marks.swap(2, 7);
            let labels = placed(&marks);
            assert_apart(&labels);
            let places = labels.iter().map(|label| label.x);
            assert!(places.eq(marks.iter().map(|(x, _)| *x)));
        }
    }
}

#[test]
fn marks_that_are_far_apart_share_a_row() {
    let labels = placed(&[(80.0, "1 %"), (300.0, "10 %"), (600.0, "50 %")]);
    assert!(
        labels
            .iter()
            .all(|label| label.lane == 0 && label.rows.len() == 1)
    );
}

#[test]
fn a_label_is_broken_where_that_keeps_it_low() {
    let text = "approved by ravi (security_lead)";
    let alone = placed(&[(80.0, text)]);
    assert_eq!(alone[0].rows, [text]);
    let rows = 3;
    let beside = placed(&[(80.0, text), (270.0, "a"), (270.0, "b"), (270.0, "c")]);
    assert_eq!(beside[0].rows, ["approved by ravi", "(security_lead)"]);
    assert!(beside[0].lane < rows);
}

#[test]
fn at_the_edge_a_label_is_cut_and_shows_it() {
    let labels = placed(&[(836.0, "killed by priya: errors of the canary rise")]);
    let last = labels[0].rows.last().unwrap();
    assert!(last.ends_with('…'), "{labels:?}");
    assert_apart(&labels);
}

#[test]
fn names_of_lines_that_end_together_are_moved_apart() {
    let cases: [(&[f64], &[f64]); 4] = [
        (&[20.0, 80.0], &[20.0, 80.0]),
        (&[50.0, 50.0], &[50.0, 65.0]),
        (&[99.0, 100.0], &[85.0, 100.0]),
        (&[100.0, 3.0, 98.0], &[100.0, 10.0, 85.0]),
    ];
    for (heights, moved) in cases {
        assert_eq!(spread(heights, 15.0, (10.0, 100.0)), moved);
    }
}
