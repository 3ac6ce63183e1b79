//! Whole pictures, read back as XML.

use roxmltree::{Document, Node};

use crate::plot::{Arm, Mark, MarkKind, Plot, Series, TimeAxis};

/// 2026-11-23T20:00:00Z
const EVENING: u64 = 1_795_464_000_000;
const MINUTE: u64 = 60_000;

fn series(name: &str, arm: Arm, points: Vec<(u64, f64)>) -> Series {
    Series {
        name: name.into(),
        arm,
        unit: "%".into(),
        points,
    }
}

fn mark(minutes: u64, kind: MarkKind, label: &str) -> Mark {
    Mark {
        at: EVENING + minutes * MINUTE,
        kind,
        label: label.into(),
    }
}

/// An hour of 764 pixels.
fn plot() -> Plot {
    let at = |minutes: u64| EVENING + minutes * MINUTE;
    Plot {
        title: "chg-2026-0117".into(),
        time: TimeAxis {
            start: EVENING,
            end: at(60),
            offset_minutes: 0,
        },
        ramp: vec![(at(0), 1.0), (at(15), 50.0), (at(45), 0.0)],
        series: vec![
            series(
                "Error rate",
                Arm::Stable,
                vec![(at(0), 0.5), (at(60), 0.25)],
            ),
            series(
                "Error rate",
                Arm::Canary,
                vec![(at(0), 1.0), (at(30), 4.0), (at(45), 2.0)],
            ),
            series("Redactions", Arm::Stable, vec![(at(0), 40.0)]),
        ],
        marks: vec![
            mark(0, MarkKind::Approval, "approved by ravi"),
            mark(45, MarkKind::Kill, "killed by priya"),
        ],
    }
}

fn texts<'a>(document: &'a Document<'_>) -> Vec<&'a str> {
    let texts = document
        .descendants()
        .filter(|node| node.has_tag_name("text"));
    let all = document.root_element().tag_name().namespace();
    let of = |node: Node<'a, '_>| node.text().unwrap_or("");
    assert_eq!(all, Some("http://www.w3.org/2000/svg"));
    texts.map(of).collect()
}

fn paths<'a>(document: &'a Document<'_>, class: &str) -> Vec<&'a str> {
    let nodes = document.descendants();
    let nodes =
        nodes.filter(|node| node.has_tag_name("path") && node.attribute("class") == Some(class));
    nodes.filter_map(|node| node.attribute("d")).collect()
}

#[test]
fn each_name_has_a_panel_and_each_arm_a_line() {
    let svg = plot().to_svg();
    let document = Document::parse(&svg).unwrap();
    let texts = texts(&document);
    for panel in [
        "Canary's share, asked (%)",
        "Error rate (%)",
        "Redactions (%)",
    ] {
        assert_eq!(
            texts.iter().filter(|text| **text == panel).count(),
            1,
            "{panel}"
        );
    }
    for end in ["stable 0.25", "canary 2", "stable 40"] {
        assert!(texts.contains(&end), "{end}");
    }
    // One more of each in the legend, and the ramp.
    assert_eq!(paths(&document, "stable-line").len(), 3);
    assert_eq!(paths(&document, "canary-line").len(), 3);
}

#[test]
fn the_ramp_goes_in_steps_to_the_end() {
    let svg = plot().to_svg();
    let document = Document::parse(&svg).unwrap();
    let ramp = paths(&document, "canary-line")[1];
    assert!(ramp.starts_with("M72 ") && ramp.ends_with("H836"), "{ramp}");
    // A quarter and three quarters of the hour.
    assert!(ramp.contains("H263V") && ramp.contains("H645V"), "{ramp}");
    assert!(!ramp.contains('L'), "{ramp}");
    let texts = texts(&document);
    assert!(
        ["1 %", "50 %", "0 %"]
            .iter()
            .all(|share| texts.contains(share))
    );
}

#[test]
fn a_share_asked_for_before_the_picture_holds_when_it_begins() {
    let mut plot = plot();
    plot.ramp = vec![(EVENING - MINUTE, 10.0)];
    let svg = plot.to_svg();
    let document = Document::parse(&svg).unwrap();
    let ramp = paths(&document, "canary-line")[1];
    assert!(ramp.starts_with("M72 ") && ramp.ends_with("H836"), "{ramp}");
}

#[test]
fn what_was_not_measured_is_a_gap_and_what_stands_alone_a_dot() {
    let mut plot = plot();
    let at = |minutes: u64| EVENING + minutes * MINUTE;
    let points = vec![
        (at(0), 1.0),
        (at(10), 1.0),
        (at(20), f64::NAN),
        (at(30), 2.0),
        (at(40), f64::NAN),
    ];
    plot.series = vec![series("Error rate", Arm::Canary, points)];
    let svg = plot.to_svg();
    let document = Document::parse(&svg).unwrap();
    let line = paths(&document, "canary-line")[2];
    let moves: Vec<_> = line.split('M').skip(1).collect();
    assert_eq!(moves.len(), 2, "{line}");
    assert!(moves[0].contains('L') && moves[1].ends_with("h0"), "{line}");
    assert!(!svg.contains("NaN"));
}

#[test]
fn where_nothing_was_measured_it_says_so() {
    let mut plot = plot();
    plot.ramp.clear();
    plot.series = vec![series("Error rate", Arm::Canary, vec![(EVENING, f64::NAN)])];
    let svg = plot.to_svg();
    let document = Document::parse(&svg).unwrap();
    let said = texts(&document)
        .into_iter()
        .filter(|text| *text == "nothing measured");
    assert_eq!(said.count(), 2);
}

#[test]
fn text_stays_text() {
    let nasty = "</text><script>alert('1')</script> & \"x\"";
    let mut plot = plot();
    plot.title = format!("{nasty}\u{0}\u{1b}[2J\u{202e}\u{ffff}");
    plot.series[0].name = nasty.into();
    plot.series[0].unit = nasty.into();
    plot.marks[0].label = nasty.into();
    let svg = plot.to_svg();
    let document = Document::parse(&svg).unwrap();
    assert!(
        document
            .descendants()
            .all(|node| !node.has_tag_name("script"))
    );
    let panel = format!("{nasty} ({nasty})");
    assert!(texts(&document).contains(&panel.as_str()));
    assert!(!svg.contains(['\u{0}', '\u{1b}', '\u{202e}', '\u{ffff}']));
}

#[test]
fn it_needs_nothing_else() {
    let svg = plot().to_svg();
    let outside = svg.replace("http://www.w3.org/2000/svg", "");
    for word in [
        "http",
        "url(",
        "href",
        "@import",
        "@font-face",
        "<script",
        "onload",
    ] {
        assert!(!outside.contains(word), "{word}");
    }
    assert!(svg.contains("prefers-color-scheme:dark"));
}

#[test]
fn everything_to_be_seen_is_told() {
    let svg = plot().to_svg();
    let document = Document::parse(&svg).unwrap();
    let root = document.root_element();
    assert_eq!(root.attribute("role"), Some("img"));
    let child = |name| {
        root.children()
            .find(|node| node.has_tag_name(name))
            .unwrap()
            .text()
            .unwrap()
    };
    assert_eq!(child("title"), "chg-2026-0117");
    let expected = "2026-11-23, 20:00:00 to 21:00:00 UTC. \
        The canary's share: 1 % from 20:00:00, 50 % from 20:15:00, 0 % from 20:45:00. \
        Error rate of stable: 0.5 % at first, 0.5 % at most, 0.25 % in the end. \
        Error rate of canary: 1 % at first, 4 % at most, 2 % in the end. \
        Redactions of stable: 40 %. \
        20:00:00: approved by ravi. 20:45:00: killed by priya.";
    assert_eq!(child("desc"), expected);
}

#[test]
fn a_label_that_is_cut_is_whole_where_one_points_at_it() {
    let mut plot = plot();
    let label = "killed by priya: errors of the canary rise with every minute and customers call";
    plot.marks = vec![mark(59, MarkKind::Kill, label)];
    let svg = plot.to_svg();
    let document = Document::parse(&svg).unwrap();
    assert!(!texts(&document).contains(&label));
    let mut titles = document
        .descendants()
        .filter(|node| node.has_tag_name("title"));
    assert!(titles.any(|title| title.text() == Some(&format!("20:59:00  {label}"))));
}

#[test]
fn a_day_of_seconds_is_no_large_file() {
    let mut plot = plot();
    plot.time.end = EVENING + 24 * 60 * MINUTE;
    let points =
        (0..86_400).map(|second| (EVENING + second * 1_000, (second * 7_919 % 1_000) as f64));
    plot.series = vec![series("Requests", Arm::Stable, points.collect())];
    let svg = plot.to_svg();
    assert!(svg.len() < 60_000, "{} bytes", svg.len());
    // The highest and the lowest are still there.
    let document = Document::parse(&svg).unwrap();
    let line = paths(&document, "stable-line")[1];
    let points = line.split(['M', 'L']).skip(1);
    let points = points.map(|point| point.trim_end_matches("h0").split_once(' ').unwrap());
    let heights: Vec<f64> = points.map(|(_, y)| y.parse().unwrap()).collect();
    let (low, high) = heights
        .iter()
        .fold((f64::MAX, 0.0), |(low, high): (f64, f64), y| {
            (low.min(*y), high.max(*y))
        });
    assert!((high - low - 110.0).abs() < 1.0, "{low} {high}");
}

#[test]
fn a_time_of_no_length_is_drawn_all_the_same() {
    for end in [EVENING, EVENING - 1, 0] {
        let mut plot = plot();
        plot.time.end = end;
        let svg = plot.to_svg();
        Document::parse(&svg).unwrap();
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }
}
