//! Events like the one before them. Most events of a stream differ from their neighbours in a few
//! strings and numbers only: where the rest is the same, so is its meaning, and nothing is parsed.

use super::bytes::{cut, find2, number_end, same, string_end_in_line};
use super::plan::{Plan, Role, Site};
use super::reader;
use super::shapes::Stream;
use crate::limits;

/// Events that were read lately: two, because two choices or tools often take turns.
#[derive(Debug, Default)]
pub(super) struct Templates {
    templates: [Template; 2],
    /// Which of them was used last.
    last: usize,
}

#[derive(Debug, Default)]
struct Template {
    event: Vec<u8>,
    holes: Vec<Hole>,
}

/// A site of an event that may be another in the next one.
#[derive(Clone, Copy, Debug)]
struct Hole {
    site: Site,
    /// Whether it has been another since the event was learnt.
    varies: bool,
}

// === impl Templates ===

impl Templates {
    pub(super) fn clear(&mut self) {
        for template in &mut self.templates {
            template.event.clear();
            template.holes.clear();
        }
    }

    /// Fills `plan` if `bytes` begin with an event like one that was learnt, and returns its size.
    pub(super) fn follow(&mut self, bytes: &[u8], plan: &mut Plan) -> Option<usize> {
        let bytes = bytes.get(..limits::EVENT_BYTES).unwrap_or(bytes);
        // What has not varied yet is compared in one go with what cannot; only if that fails with
        // both is it looked at by itself.
        for every in [false, true] {
            for place in [self.last, self.last ^ 1] {
                let template = self.templates.get_mut(place)?;
                plan.clear();
                if let Some(size) = template.follow(bytes, plan, every) {
                    self.last = place;
                    return Some(size);
                }
            }
        }
        None
    }

    /// Learns an event whose texts are as in `plan`, if another one like it can be told.
    pub(super) fn learn(&mut self, event: &[u8], plan: &Plan) {
        let is_complete = !event.ends_with(b"\n\r");
        if is_complete && event.len() <= TEMPLATE_BYTES && plan.is_common() {
            self.last ^= 1;
            if let Some(template) = self.templates.get_mut(self.last) {
                template.learn(event, plan);
            }
        }
    }
}

// === impl Template ===

impl Template {
    fn learn(&mut self, event: &[u8], plan: &Plan) {
        self.event.clear();
        self.event.extend_from_slice(event);
        self.holes.clear();
        let holes = plan.sites.iter().filter(|site| !site.is_literal());
        self.holes.extend(holes.map(|site| Hole::new(*site)));
    }

    /// Fills the holes that have varied, or `every` one, if all the rest is as it was.
    fn follow(&mut self, bytes: &[u8], plan: &mut Plan, every: bool) -> Option<usize> {
        if self.event.is_empty() {
            return None;
        }
        let Self { event, holes } = self;
        let mut done = 0;
        let mut at = 0;
        for hole in holes.iter_mut().filter(|hole| every || hole.varies) {
            let site = hole.site;
            let start = literal(bytes, at, cut(event, done, site.start))?;
            let old = cut(event, site.start, site.end);
            done = site.end;
            if site.clean && is_string(bytes, start, old) {
                at = start.saturating_add(old.len());
                continue;
            }
            at = site.fill(bytes, start)?;
            hole.varies = hole.varies || cut(bytes, start, at) != old;
            if site.is_text() {
                let shift = |place: usize| start.wrapping_sub(site.start.wrapping_sub(place));
                let name = (shift(site.name.0), shift(site.name.1));
                plan.sites.push(Site {
                    start,
                    end: at,
                    name,
                    clean: false,
                    role: site.role,
                });
            }
        }
        literal(bytes, at, cut(event, done, event.len()))
    }
}

/// Passes `literal`, which must stand in `bytes` at `at`.
fn literal(bytes: &[u8], at: usize, literal: &[u8]) -> Option<usize> {
    let end = at.saturating_add(literal.len());
    same(bytes.get(at..end)?, literal).then_some(end)
}

/// Whether `bytes` at `start` are `text` and a closing quote.
fn is_string(bytes: &[u8], start: usize, text: &[u8]) -> bool {
    let end = start.saturating_add(text.len());
    bytes.get(end) == Some(&b'"') && same(cut(bytes, start, end), text)
}

// === impl Hole ===

impl Hole {
    fn new(site: Site) -> Self {
        Self {
            site,
            varies: site.is_text() && !site.clean,
        }
    }
}

// === impl Plan ===

impl Plan {
    /// Whether events like it can be told by their bytes.
    fn is_common(&self) -> bool {
        let mut done = 0;
        for site in &self.sites {
            let follows = match site.role {
                Role::Name | Role::Fixed => site.clean,
                // Its name is looked for right before it.
                Role::Own => site.name.0 >= done && site.name.1 > 0,
                Role::Logprobs(_) => false,
                _ => true,
            };
            if !follows {
                return false;
            }
            if !site.is_literal() {
                done = site.end;
            }
        }
        !self.sites.is_empty() && self.ends.is_empty()
    }
}

// === impl Site ===

impl Site {
    /// Whether an event is another one if this differs, apart from what may differ within it.
    fn is_literal(&self) -> bool {
        matches!(
            self.role,
            Role::Name | Role::Fixed | Role::Usage | Role::Tools
        )
    }

    fn is_text(&self) -> bool {
        matches!(self.role, Role::Own | Role::Channel(_))
    }

    /// Where what stands in the place of this site ends, if it is of the same sort.
    fn fill(&self, bytes: &[u8], start: usize) -> Option<usize> {
        match self.role {
            Role::Number => Some(number_end(bytes, start)).filter(|end| *end > start),
            Role::Line => find2(b'\n', b'\r', bytes, start),
            Role::Channel(key) if key.stream == Stream::Plain => {
                let end = find2(b'\n', b'\r', bytes, start)?;
                reader::is_token(cut(bytes, start, end)).then_some(end)
            }
            _ => string_end_in_line(bytes, start),
        }
    }
}

/// Bytes of an event that is learnt.
const TEMPLATE_BYTES: usize = 2 << 10;
