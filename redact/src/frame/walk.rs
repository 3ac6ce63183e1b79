//! One pass over the JSON of an event, which is whole in memory.

use super::bytes::{StringEnd, cut, is_space, number_end, small_number, string_end};
use super::names;
use super::plan::{Part, Plan, Role, Site, Span};
use super::shapes::{End, Facts, Key, Node, Stream, Verdict};
use crate::limits;

/// Finds the texts of the JSON in `bytes` from `from` on. Returns whether it is JSON, as far as it
/// goes: an event that is cut off is read to where it ends.
pub(super) fn walk(bytes: &[u8], from: usize, plan: &mut Plan, levels: &mut Levels) -> bool {
    levels.0.clear();
    let mut walker = Walker {
        bytes,
        at: from,
        after: b' ',
        levels: &mut levels.0,
        too_deep: 0,
        facts: Facts::default(),
        first: plan.sites.len(),
        plan,
    };
    walker.run().is_some()
}

/// The objects and lists that are open; kept for its memory only.
#[derive(Debug, Default)]
pub(super) struct Levels(Vec<Level>);

struct Walker<'a, 'p> {
    bytes: &'a [u8],
    at: usize,
    /// The last sign between values.
    after: u8,
    levels: &'p mut Vec<Level>,
    /// Objects and lists beyond the limit.
    too_deep: usize,
    facts: Facts<'a>,
    /// The first site of the outermost value.
    first: usize,
    plan: &'p mut Plan,
}

/// An object or list that is open.
#[derive(Clone, Copy, Debug)]
struct Level {
    node: Node,
    list: bool,
    /// The name of the member that is next or was last; of a list, the name that holds it.
    name: (usize, usize),
    /// The place among the elements of the list that holds this, and of the next one in this.
    place: u32,
    next: u32,
    index: Option<u32>,
    /// A reason to finish, or the mark of a thought.
    marked: bool,
    first_site: usize,
    site: Option<usize>,
    span: Option<usize>,
}

// === impl Walker ===

impl<'a> Walker<'a, '_> {
    fn run(&mut self) -> Option<()> {
        while let Some(byte) = self.bytes.get(self.at) {
            match byte {
                b'"' => self.string(),
                b',' | b':' => {
                    self.sign(*byte);
                    if *byte == b','
                        && self.too_deep == 0
                        && let Some(level) = self.levels.last_mut()
                    {
                        level.next = level.next.saturating_add(1);
                    }
                }
                b'{' | b'[' => self.open(*byte),
                b'}' | b']' => self.close(*byte)?,
                b'-' | b'0'..=b'9' | b'a'..=b'z' | b'N' | b'I' => self.word()?,
                byte if is_space(*byte) => self.at = self.at.wrapping_add(1),
                _ => return None,
            }
        }
        while !self.levels.is_empty() {
            self.leave();
        }
        Some(())
    }

    fn sign(&mut self, sign: u8) {
        self.after = sign;
        self.at = self.at.wrapping_add(1);
    }

    fn string(&mut self) {
        let start = self.at.wrapping_add(1);
        let end = match string_end(self.bytes, start) {
            StringEnd::At(end) => end,
            StringEnd::Open { .. } => self.bytes.len(),
        };
        self.at = end.saturating_add(1);
        let site = match self.levels.last_mut().filter(|_| self.too_deep == 0) {
            Some(level) if !level.list && self.after != b':' => {
                level.name = (start, end);
                Site::new(start, end, (0, 0), Role::Name)
            }
            Some(level) => {
                let (node, name) = (level.node, level.name);
                Site::new(start, end, name, self.value(node, name, start, end))
            }
            None => Site::new(start, end, (0, 0), Role::Own),
        };
        self.after = b'"';
        self.plan.sites.push(site);
    }

    /// What the string under `name` is.
    fn value(&mut self, node: Node, name: (usize, usize), start: usize, end: usize) -> Role {
        let name = cut(self.bytes, name.0, name.1);
        if let Some(stream) = Stream::of(node, name) {
            return Role::Channel(Key::new(stream));
        }
        if node == Node::Root && name == b"type" {
            self.facts.kind = cut(self.bytes, start, end);
            return Role::Fixed;
        }
        if node.ends_with(name) {
            self.mark(start < end);
            return Role::Fixed;
        }
        if node == Node::Root && name == b"error" {
            self.facts.has_error = true;
        }
        if names::is_structural(name) {
            Role::Passed
        } else {
            Role::Own
        }
    }

    fn mark(&mut self, marked: bool) {
        if let Some(level) = self.levels.last_mut() {
            level.marked = marked;
        }
    }

    fn word(&mut self) -> Option<()> {
        let start = self.at;
        let is_number = matches!(self.bytes.get(start), Some(b'-' | b'0'..=b'9'));
        let end = if is_number {
            number_end(self.bytes, start)
        } else {
            let rest = self.bytes.get(start..)?;
            let word = WORDS
                .iter()
                .find(|word| rest.starts_with(word) || word.starts_with(rest))?;
            start.saturating_add(word.len().min(rest.len()))
        };
        self.at = end;
        self.after = b'0';
        if self.too_deep > 0 {
            return Some(());
        }
        let Some(level) = self.levels.last() else {
            return Some(());
        };
        let (node, range) = (level.node, level.name);
        let (name, text) = (
            cut(self.bytes, range.0, range.1),
            cut(self.bytes, start, end),
        );
        if is_number && !name.ends_with(b"index") && self.plan.sites.len() < NUMBERED_SITES {
            self.plan
                .sites
                .push(Site::new(start, end, range, Role::Number));
        }
        let is_null = text == b"null";
        match (node, name) {
            (Node::Root, b"index") => self.facts.index = small_number(text),
            (Node::Root, b"output_index") => self.facts.output_index = small_number(text),
            (Node::Root, b"content_index" | b"summary_index") => {
                self.facts.content_index = small_number(text)
            }
            (Node::Root, b"done") => self.facts.done = Some(text == b"true"),
            (Node::Root, b"error") => self.facts.has_error |= !is_null,
            (Node::Part, b"thought") => self.mark(text == b"true"),
            (node, b"index") if node.has_index() => {
                let index = small_number(text);
                if let Some(level) = self.levels.last_mut() {
                    level.index = index;
                }
            }
            (node, name) if node.ends_with(name) => self.mark(!is_null),
            _ => {}
        }
        Some(())
    }

    fn open(&mut self, bracket: u8) {
        let start = self.at;
        self.sign(bracket);
        if self.too_deep > 0 || self.levels.len() >= limits::DEPTH {
            self.too_deep = self.too_deep.saturating_add(1);
            return;
        }
        let list = bracket == b'[';
        let holder = self.levels.last().copied();
        let holder_name = holder.map_or((0, 0), |level| level.name);
        let name = cut(self.bytes, holder_name.0, holder_name.1);
        let node = Node::of(holder.map(|level| level.node), name, list);
        if holder.is_none() {
            self.facts = Facts::default();
            self.first = self.plan.sites.len();
        }
        let is_member = holder.is_some_and(|level| !level.list);
        let holder_node = holder.map_or(Node::Other, |level| level.node);
        let is_empty = matches!(self.bytes.get(self.at), Some(b']' | b'}'));
        let role = match holder_node {
            _ if is_empty => None,
            _ if is_member && names::repeats_text(name) => Some(Role::Logprobs(None)),
            Node::Root if name == b"usage" => Some(Role::Usage),
            Node::Message if name == b"tool_calls" => Some(Role::Tools),
            _ => None,
        };
        let site = role.map(|role| {
            self.plan
                .sites
                .push(Site::new(start, start, holder_name, role));
            self.plan.sites.len().wrapping_sub(1)
        });
        let span = Part::of(node).map(|part| {
            let start = if part == Part::Choices {
                self.at
            } else {
                start
            };
            self.plan.spans.push(Span {
                part,
                start,
                end: start,
            });
            self.plan.spans.len().wrapping_sub(1)
        });
        match (holder_node, name) {
            (Node::Root, b"error") => self.facts.has_error = true,
            (node, name) if is_member && node.ends_with(name) => self.mark(true),
            _ => {}
        }
        self.levels.push(Level {
            node,
            list,
            name: if list { holder_name } else { (0, 0) },
            place: holder.map_or(0, |level| level.next),
            next: 0,
            index: None,
            marked: false,
            first_site: self.plan.sites.len(),
            site,
            span,
        });
    }

    fn close(&mut self, bracket: u8) -> Option<()> {
        self.sign(bracket);
        if let Some(left) = self.too_deep.checked_sub(1) {
            self.too_deep = left;
            return Some(());
        }
        let list = self.levels.last()?.list;
        if list != (bracket == b']') {
            return None;
        }
        self.leave();
        Some(())
    }

    /// The innermost object or list is over: what only all of it tells is told to its sites.
    fn leave(&mut self) {
        let Some(level) = self.levels.pop() else {
            return;
        };
        let end = self.at.min(self.bytes.len());
        if let Some(site) = level.site.and_then(|site| self.plan.sites.get_mut(site)) {
            site.end = end;
        }
        if let Some(span) = level.span.and_then(|span| self.plan.spans.get_mut(span)) {
            span.end = if span.part == Part::Choices {
                end.saturating_sub(1)
            } else {
                end
            };
        }
        let index = level.index.unwrap_or(level.place);
        let sites = self
            .plan
            .sites
            .get_mut(level.first_site..)
            .unwrap_or_default();
        match level.node {
            Node::Choice => {
                for site in sites {
                    match &mut site.role {
                        Role::Channel(key) if key.stream.is_of_choice() => key.major = index,
                        Role::Logprobs(choice) => *choice = Some(index),
                        _ => {}
                    }
                }
                self.end(level.marked.then_some(End::Choice(index)));
            }
            Node::ToolCall => each(sites, Stream::ToolArguments, |key| key.minor = index),
            Node::Part if level.marked => {
                each(sites, Stream::Candidate, |key| {
                    key.stream = Stream::CandidateThought
                });
            }
            Node::Candidate => {
                each(sites, Stream::Candidate, |key| key.major = index);
                each(sites, Stream::CandidateThought, |key| key.major = index);
                self.end(level.marked.then_some(End::Candidate(index)));
            }
            Node::Root => {
                for site in self.plan.sites.iter_mut().skip(self.first) {
                    let Some(key) = site.key() else { continue };
                    site.role = match self.facts.judge(key) {
                        Verdict::Continues(key) => Role::Channel(key),
                        Verdict::Alone => Role::Own,
                        Verdict::Binary => Role::Passed,
                    };
                }
                self.end(self.facts.end());
            }
            _ => {}
        }
    }

    fn end(&mut self, end: Option<End>) {
        self.plan.ends.extend(end);
    }
}

fn each(sites: &mut [Site], stream: Stream, change: impl Fn(&mut Key)) {
    for site in sites {
        if let Role::Channel(key) = &mut site.role
            && key.stream == stream
        {
            change(key);
        }
    }
}

// === impl Part ===

impl Part {
    fn of(node: Node) -> Option<Self> {
        match node {
            Node::Choices => Some(Self::Choices),
            Node::Choice => Some(Self::Choice),
            Node::Delta => Some(Self::Delta),
            _ => None,
        }
    }
}

/// Values that are neither strings nor numbers; the last two are what Python writes.
const WORDS: [&[u8]; 5] = [b"true", b"false", b"null", b"NaN", b"Infinity"];
/// Sites up to which numbers are kept as sites: only short events are learnt.
const NUMBERED_SITES: usize = 48;
