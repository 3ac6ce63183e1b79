//! One event: its texts are scanned, and it is written again with what may leave.

use super::bytes::{append, cut, find2};
use super::channel::Channels;
use super::lines::{Field, Framing, Lines};
use super::names;
use super::own;
use super::plan::{Plan, Role, Site};
use super::reader::Reader;
use super::shapes::{End, Key};
use super::template::Templates;
use crate::profile::Profile;
use crate::stream;
use crate::tally::Tally;

/// Redacts events one after the other.
#[derive(Debug)]
pub(super) struct Rewriter {
    framing: Framing,
    channels: Channels,
    reader: Reader,
    templates: Templates,
    mark: Option<Mark>,
    lines: Lines,
    plan: Plan,
    draft: Draft,
    /// Data of several lines in one, before and after.
    data: Vec<u8>,
    new_data: Vec<u8>,
}

/// What an event is written from.
#[derive(Debug, Default)]
struct Draft {
    /// What leaves of the texts that stream, one after the other, and by site.
    texts: Vec<u8>,
    pieces: Vec<Piece>,
}

#[derive(Clone, Copy, Debug)]
struct Piece {
    start: usize,
    end: usize,
    /// The choice that it belongs to.
    choice: u32,
    is_changed: bool,
}

/// Tells profiles apart that may find different things in a text. What an event's envelope said
/// before under the same mark has left already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    address: usize,
    wanted: u64,
    patterns: usize,
    ignore_private_ips: bool,
}

// === impl Rewriter ===

impl Rewriter {
    pub(super) fn new(framing: Framing) -> Self {
        Self {
            framing,
            channels: Channels::default(),
            reader: Reader::new(framing),
            templates: Templates::default(),
            mark: None,
            lines: Lines::default(),
            plan: Plan::default(),
            draft: Draft::default(),
            data: Vec::new(),
            new_data: Vec::new(),
        }
    }

    /// Prepares for events under this profile, which may be another one than before.
    pub(super) fn begin(&mut self, profile: &Profile) {
        let mark = Some(Mark::of(profile));
        if self.mark != mark {
            self.mark = mark;
            self.templates.clear();
        }
    }

    /// If `bytes` begin with a whole event like one before, takes it and returns its size.
    pub(super) fn follow(
        &mut self,
        profile: &Profile,
        bytes: &[u8],
        out: &mut Vec<u8>,
        tally: &mut Tally,
    ) -> Option<usize> {
        let size = self.templates.follow(bytes, &mut self.plan)?;
        self.write_like(profile, bytes, size, out, tally);
        Some(size)
    }

    /// What has been appended goes away.
    pub(super) fn settle(&mut self, out: &[u8]) {
        self.channels.settle(out);
    }

    /// Takes a whole event. The last one of a body may be cut off.
    pub(super) fn event(
        &mut self,
        profile: &Profile,
        event: &[u8],
        is_last: bool,
        out: &mut Vec<u8>,
        tally: &mut Tally,
    ) {
        self.lines.read(self.framing, event);
        self.plan.clear();
        let is_joined = self.lines.data().count() > 1;
        if is_joined {
            self.data.clear();
            self.lines.join(event, &mut self.data);
            self.reader.read(&self.data, 0, &mut self.plan);
        } else {
            for line in self.lines.iter() {
                match line.field {
                    Field::Data => {
                        self.reader
                            .read(cut(event, 0, line.end), line.value, &mut self.plan)
                    }
                    Field::Id => {
                        self.plan
                            .sites
                            .push(Site::new(line.value, line.end, (0, 0), Role::Line));
                    }
                    Field::Other => {}
                }
            }
        }
        if is_last || self.lines.is_error() {
            self.plan.ends.push(End::All);
        }
        self.write(profile, event, is_joined, out, tally);
        if !is_joined {
            self.templates.learn(event, &self.plan);
        }
        if self.draft.texts.capacity() > KEPT_BYTES {
            self.draft.texts = Vec::new();
        }
        if self.data.capacity() > KEPT_BYTES {
            (self.data, self.new_data) = (Vec::new(), Vec::new());
        }
    }

    /// Appends what is held back of every text, in events of their own; the texts are over.
    pub(super) fn finish(&mut self, profile: &Profile, out: &mut Vec<u8>, tally: &mut Tally) {
        self.channels
            .finish(profile, self.framing, |_| true, out, tally);
    }

    /// Appends what is held back of every text, in events of their own; the texts go on.
    pub(super) fn release(&mut self, profile: &Profile, out: &mut Vec<u8>, tally: &mut Tally) {
        self.channels.release(profile, self.framing, out, tally);
    }

    pub(super) fn held(&self) -> usize {
        self.channels.held()
    }

    /// Writes `event` by the plan; `is_joined` if the plan is about its lines put together.
    fn write(
        &mut self,
        profile: &Profile,
        event: &[u8],
        is_joined: bool,
        out: &mut Vec<u8>,
        tally: &mut Tally,
    ) {
        let Self {
            framing,
            channels,
            plan,
            draft,
            data,
            ..
        } = self;
        if !plan.ends.is_empty() {
            let ends = |key| plan.is_end_of(key) && !plan.continues(key, 0);
            channels.finish(profile, *framing, ends, out, tally);
        }
        let bytes = if is_joined { data } else { event };
        draft.scan(profile, bytes, plan, channels, tally);
        if tally.blocked().is_none() {
            self.write_scanned(profile, event, is_joined, out, tally);
        }
    }

    /// Writes the event that `bytes` begin with, which is like one before: as a rule, all that may be
    /// new in it is one piece of a text that streams.
    fn write_like(
        &mut self,
        profile: &Profile,
        bytes: &[u8],
        size: usize,
        out: &mut Vec<u8>,
        tally: &mut Tally,
    ) {
        let event = cut(bytes, 0, size);
        let [site] = *self.plan.sites else {
            return self.write(profile, event, false, out, tally);
        };
        let Some(key) = site.key() else {
            return self.write(profile, event, false, out, tally);
        };
        let start = out.len();
        append(bytes, 0, site.start, out);
        let begin = out.len();
        let piece = cut(event, site.start, site.end);
        let is_known = self.channels.push(profile, key, piece, false, out, tally);
        if !is_known || tally.blocked().is_some() {
            out.truncate(start);
            if !is_known {
                self.write(profile, event, false, out, tally);
            }
            return;
        }
        let end = out.len();
        append(bytes, site.end, size, out);
        // What was held back of an event of several lines may have a line break. A few bytes more are
        // looked at, so that none has to be looked at by itself.
        let text = cut(out, 0, out.len().min(end.saturating_add(7)));
        if find2(b'\n', b'\n', text, begin).is_some_and(|at| at < end) {
            self.draft.take(key, piece, cut(out, begin, end));
            out.truncate(start);
            self.write_scanned(profile, event, false, out, tally);
            return;
        }
        self.channels
            .keep(key, start..out.len(), site.end > site.start);
    }

    /// Writes `event`, whose texts that stream are scanned.
    fn write_scanned(
        &mut self,
        profile: &Profile,
        event: &[u8],
        is_joined: bool,
        out: &mut Vec<u8>,
        tally: &mut Tally,
    ) {
        let Self {
            framing,
            channels,
            lines,
            plan,
            draft,
            data,
            new_data,
            ..
        } = self;
        let bytes = if is_joined { data } else { event };
        let start = out.len();
        // A line break in a text makes another line of data, wherever it leaves.
        if is_joined || draft.texts.contains(&b'\n') {
            new_data.clear();
            draft.write(profile, bytes, plan, new_data, tally);
            if is_joined {
                lines.write(event, new_data, out);
            } else {
                lines.read(*framing, event);
                let line = lines
                    .data()
                    .next()
                    .map_or((0, 0), |line| (line.value, line.end));
                let end = new_data
                    .len()
                    .saturating_sub(event.len().saturating_sub(line.1));
                lines.write(event, cut(new_data, line.0, end), out);
            }
        } else {
            draft.write(profile, bytes, plan, out, tally);
        }
        if tally.blocked().is_some() {
            out.truncate(start);
            return;
        }
        for site in &plan.sites {
            if let Some(key) = site.key() {
                channels.keep(key, start..out.len(), site.end > site.start);
            }
        }
    }
}

// === impl Draft ===

impl Draft {
    /// Scans the texts that stream.
    fn scan(
        &mut self,
        profile: &Profile,
        bytes: &[u8],
        plan: &Plan,
        channels: &mut Channels,
        tally: &mut Tally,
    ) {
        self.texts.clear();
        self.pieces.clear();
        for (place, site) in plan.sites.iter().enumerate() {
            let Some(key) = site.key() else { continue };
            let piece = cut(bytes, site.start, site.end);
            let start = self.texts.len();
            let ends = plan.is_end_of(key) && !plan.continues(key, place.saturating_add(1));
            let texts = &mut self.texts;
            if !channels.push(profile, key, piece, ends, texts, tally) {
                let (name, range) = (key.stream.name(), site.start..site.end);
                let left = stream::whole(profile, name, bytes, range, site.start, texts, tally);
                texts.extend_from_slice(cut(bytes, left, site.end));
            }
            let end = texts.len();
            let is_changed = cut(texts, start, end) != piece;
            self.pieces.push(Piece {
                start,
                end,
                choice: key.major,
                is_changed,
            });
        }
    }

    /// Takes `text`, which is what leaves of the only piece.
    fn take(&mut self, key: Key, piece: &[u8], text: &[u8]) {
        self.texts.clear();
        self.texts.extend_from_slice(text);
        self.pieces.clear();
        self.pieces.push(Piece {
            start: 0,
            end: text.len(),
            choice: key.major,
            is_changed: text != piece,
        });
    }

    /// Appends `bytes` with the texts of the plan as they may leave.
    fn write(
        &mut self,
        profile: &Profile,
        bytes: &[u8],
        plan: &mut Plan,
        out: &mut Vec<u8>,
        tally: &mut Tally,
    ) {
        let repeats = plan
            .sites
            .iter()
            .any(|site| matches!(site.role, Role::Logprobs(_)));
        if !repeats || !profile.changes_text() {
            self.assemble(profile, bytes, plan, false, out, tally);
            return;
        }
        // What repeats a text may stand before it: only all of the event tells whether it must go.
        let (start, before) = (out.len(), tally.clone());
        self.assemble(profile, bytes, plan, false, out, tally);
        if own::masked(tally) != own::masked(&before) {
            out.truncate(start);
            *tally = before;
            self.assemble(profile, bytes, plan, true, out, tally);
        }
    }

    /// `leaves_out` says whether everything goes that repeats a text.
    fn assemble(
        &mut self,
        profile: &Profile,
        bytes: &[u8],
        plan: &mut Plan,
        leaves_out: bool,
        out: &mut Vec<u8>,
        tally: &mut Tally,
    ) {
        let Self { texts, pieces } = self;
        let is_changed = |choice: Option<u32>| {
            let mut changed = pieces.iter().filter(|piece| piece.is_changed);
            changed.any(|piece| choice.is_none_or(|choice| piece.choice == choice))
        };
        let mut at = 0;
        let mut next = pieces.iter();
        for site in &mut plan.sites {
            let is_skipped = site.start < at;
            match site.role {
                Role::Channel(_) => {
                    let Some(piece) = next.next().filter(|piece| piece.is_changed && !is_skipped)
                    else {
                        continue;
                    };
                    out.extend_from_slice(cut(bytes, at, site.start));
                    out.extend_from_slice(cut(texts, piece.start, piece.end));
                    at = site.end;
                }
                _ if is_skipped => {}
                Role::Logprobs(choice)
                    if leaves_out || profile.changes_text() && is_changed(choice) =>
                {
                    let value = cut(bytes, site.start, site.end);
                    out.extend_from_slice(cut(bytes, at, site.start));
                    out.extend_from_slice(if value.starts_with(b"[") {
                        b"[]"
                    } else {
                        b"null"
                    });
                    at = site.end;
                }
                _ if site.is_own_text() && !site.clean => {
                    let (name, text) = (
                        cut(bytes, site.name.0, site.name.1),
                        cut(bytes, site.start, site.end),
                    );
                    site.clean = names::is_harmless(profile, text);
                    if !site.clean {
                        let found = own::counted(tally);
                        let range = site.start..site.end;
                        at = stream::whole(profile, name, bytes, range, at, out, tally);
                        site.clean = own::counted(tally) == found;
                    }
                }
                _ => {}
            }
        }
        out.extend_from_slice(bytes.get(at..).unwrap_or_default());
    }
}

// === impl Mark ===

impl Mark {
    fn of(profile: &Profile) -> Self {
        Self {
            address: std::ptr::from_ref(profile).addr(),
            wanted: profile.wanted,
            patterns: profile.patterns.len(),
            ignore_private_ips: profile.ignore_private_ips,
        }
    }
}

/// Bytes of data whose memory is kept from event to event.
const KEPT_BYTES: usize = 4 << 10;
