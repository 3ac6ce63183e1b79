//! A ramp as a picture, for reports: the canary's share, and below it how each arm did.
//!
//! Drawn as SVG that needs nothing else: no scripts, no fonts, no style sheet but its own, which follows
//! the reader's light or dark scheme. Everything to be seen is also told in words, for those who cannot.

mod axis;
mod chart;
mod labels;
mod svg;
mod words;

#[cfg(test)]
mod tests;

/// A ramp, and how it went.
#[derive(Clone, Debug)]
pub(crate) struct Plot {
    pub(crate) title: String,
    pub(crate) time: TimeAxis,
    /// The share that was asked for from a moment on, in the order of time.
    pub(crate) ramp: Vec<(Millis, f64)>,
    /// Those of one name share a panel; panels come in the order of their first series.
    pub(crate) series: Vec<Series>,
    pub(crate) marks: Vec<Mark>,
}

/// Since 1970 in UTC.
pub(crate) type Millis = u64;

/// What is shown, and on which clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimeAxis {
    pub(crate) start: Millis,
    pub(crate) end: Millis,
    /// Of the clock that the reader goes by, east of UTC.
    pub(crate) offset_minutes: i32,
}

/// Something measured of an arm over time.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    /// "Error rate"
    pub(crate) name: String,
    pub(crate) arm: Arm,
    /// "%", "per 1,000 answers"
    pub(crate) unit: String,
    /// In the order of time; what is not finite is a gap.
    pub(crate) points: Vec<(Millis, f64)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arm {
    Stable,
    Canary,
}

/// A moment at which something happened.
#[derive(Clone, Debug)]
pub(crate) struct Mark {
    pub(crate) at: Millis,
    pub(crate) kind: MarkKind,
    pub(crate) label: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MarkKind {
    Approval,
    Step,
    /// A kill, or a roll-back by the judge.
    Kill,
    /// Anything else.
    Note,
}

// === impl Plot ===

impl Plot {
    /// The picture, as a document of its own or to be put into a page as it is.
    pub(crate) fn to_svg(&self) -> String {
        chart::draw(self)
    }
}

// === impl Arm ===

impl Arm {
    fn as_str(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::Canary => "canary",
        }
    }
}

// === impl MarkKind ===

impl MarkKind {
    fn class(self) -> &'static str {
        match self {
            Self::Approval => "approval",
            Self::Step => "step",
            Self::Kill => "kill",
            Self::Note => "note",
        }
    }
}
