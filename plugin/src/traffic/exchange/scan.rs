//! The redaction of one exchange's bodies.

use breakglass_policy::{Arm, Direction};
use breakglass_redact::{Format, Tally};
use proxy_wasm::types::Action;

use crate::host::{self, Buffer, HeaderPairs, Map};
use crate::problem::Problem;
use crate::sse::{self, ErrorEvents};
use crate::traffic::Traffic;
use crate::traffic::body::{Body, Chunk, tail};
use crate::traffic::course::Course;
use crate::traffic::media::{Content, Media};
use crate::traffic::open::{OpenStream, Phase};
use crate::traffic::plan::RolloutPlan;
use crate::traffic::redaction::Reason;

use super::{Exchange, Routed, Switches, cannot_edit, log_field, unscannable_request};

/// A piece of a body to be scanned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece<'a> {
    bytes: &'a [u8],
    /// How many bytes of the proxy's it stands for.
    size: usize,
    ends: bool,
    /// Whether it is not what the proxy has.
    edited: bool,
}

// === impl Piece ===

impl<'a> Piece<'a> {
    /// A whole body that was edited.
    pub(super) fn edited(bytes: &'a [u8], size: usize) -> Self {
        Self {
            bytes,
            size,
            ends: true,
            edited: true,
        }
    }
}

/// The scan of a request's body; none where it passes unscanned.
///
/// # Errors
/// Why it cannot be scanned, where the policy does not let it pass then.
pub(super) fn begin_request_scan(
    plan: &RolloutPlan,
    arm: Arm,
    masks_all: bool,
    media: &Media,
) -> Result<Option<Body>, Reason> {
    match media.content() {
        Content::Text(format) => {
            let body = Body::new(Direction::Request, format);
            let rewrites = plan.redaction.rewrites(arm, Direction::Request, masks_all);
            Ok(Some(match !rewrites && media.has_length() {
                true => body.with_length(),
                false => body,
            }))
        }
        Content::Unscannable(reason) => withheld(plan, reason).map(|()| None),
    }
}

// === impl Exchange ===

impl Exchange {
    /// Begins the scan of the answer that its headers announce; tells whether it is a stream of
    /// events.
    ///
    /// # Errors
    /// Why it cannot be scanned, where the policy does not let it pass then.
    pub(super) fn begin_answer_scan(
        &mut self,
        plan: &RolloutPlan,
        stream: OpenStream,
        Switches { mask_all, .. }: Switches,
        headers: &HeaderPairs,
        end_of_stream: bool,
    ) -> Result<bool, Reason> {
        if end_of_stream {
            return Ok(false);
        }
        let scans = plan
            .redaction
            .scans(stream.arm, Direction::Response, mask_all);
        let rewrites = plan
            .redaction
            .rewrites(stream.arm, Direction::Response, mask_all);
        let media = Media::of(headers);
        let format = match media.content() {
            Content::Text(format) => format,
            Content::Unscannable(reason) if scans => {
                self.note(Course::pass_unscanned);
                return withheld(plan, reason).map(|()| false);
            }
            Content::Unscannable(_) => return Ok(false),
        };
        let events = format == Format::Sse;
        if let Some(routed) = &mut self.routed
            && plan.finds_error_events()
        {
            routed.errors = match format {
                Format::Sse => Some(ErrorEvents::new(false)),
                Format::NdJson => Some(ErrorEvents::new(true)),
                Format::Json | Format::Text => None,
            };
        }
        let mut body = Body::new(Direction::Response, format);
        // Who only counts leaves the length as it is.
        if rewrites || events {
            let _ = host::remove_header(Map::Response, b"content-length");
        } else if media.has_length() {
            body = body.with_length();
        }
        // A stream may outlive the policy that does not scan it, and may be cut.
        let streams = format != Format::Json && !body.has_length();
        if let Some(routed) = &mut self.routed
            && (scans || streams)
        {
            routed.answer = Some(body);
        }
        Ok(events)
    }

    pub(super) fn scan_request(&mut self, size: usize, end_of_stream: bool) -> Action {
        // A request that was refused in the middle: what the client goes on sending is nothing.
        let phase = self
            .traffic
            .open
            .borrow()
            .get(self.place)
            .map(|stream| stream.phase);
        if phase == Some(Phase::Ended) {
            return Action::Continue;
        }
        let bytes = host::buffer(Buffer::RequestBody, 0, size).unwrap_or_default();
        self.scan_request_piece(Piece {
            bytes: &bytes,
            size,
            ends: end_of_stream,
            edited: false,
        })
    }

    pub(super) fn scan_request_piece(&mut self, piece: Piece<'_>) -> Action {
        let traffic = self.traffic.clone();
        let Some(stream) = traffic.open.borrow().get(self.place) else {
            return Action::Continue;
        };
        let Switches { mask_all, .. } = self.switches(stream);
        let Some((plan, routed)) = traffic
            .plans
            .get(stream.rollout.index())
            .zip(self.routed.as_mut())
        else {
            return Action::Continue;
        };
        let Some(mut body) = routed.request.take() else {
            return Action::Continue;
        };
        let mut out = traffic.scratch.take();
        let (what, news) = pass(plan, stream.arm, &mut body, mask_all, piece, &mut out);
        routed.request = Some(body);
        if !news.is_empty() {
            routed.note(plan, stream.arm);
        }
        let written = match what {
            Chunk::Replaced => host::replace_buffer(Buffer::RequestBody, piece.size, &out),
            Chunk::Passes if piece.edited => {
                host::replace_buffer(Buffer::RequestBody, piece.size, piece.bytes)
            }
            Chunk::Passes | Chunk::Withheld(_) | Chunk::Oversized => Ok(()),
        };
        traffic.scratch.replace(emptied(out));
        match (what, written) {
            (Chunk::Oversized, _) => self.refuse(&unscannable_request(Reason::Oversized)),
            (Chunk::Withheld(kind), _) => {
                let name = plan
                    .redaction
                    .profile(stream.arm, Direction::Request)
                    .name(kind)
                    .to_owned();
                self.refuse(&withheld_request(&name))
            }
            (_, Err(status)) => self.refuse(&cannot_edit(status)),
            (_, Ok(())) => Action::Continue,
        }
    }

    pub(super) fn scan_answer(
        &mut self,
        stream: OpenStream,
        Switches { mask_all, .. }: Switches,
        events: bool,
        size: usize,
        end_of_stream: bool,
    ) -> Option<Action> {
        let traffic = self.traffic.clone();
        let plan = traffic.plans.get(stream.rollout.index())?;
        let routed = self.routed.as_mut()?;
        let mut body = routed.answer.take()?;
        if body.is_idle()
            && !plan
                .redaction
                .scans(stream.arm, Direction::Response, mask_all)
        {
            let from = size.saturating_sub(sse::TAIL);
            let tail = host::buffer(Buffer::ResponseBody, from, sse::TAIL).unwrap_or_default();
            body.pass_unseen(&tail);
            routed.events.pass(&tail);
            routed.answer = Some(body);
            return None;
        }
        let chunk = host::buffer(Buffer::ResponseBody, 0, size).unwrap_or_default();
        let piece = Piece {
            bytes: &chunk,
            size,
            ends: end_of_stream,
            edited: false,
        };
        let mut out = traffic.scratch.take();
        let (what, news) = pass(plan, stream.arm, &mut body, mask_all, piece, &mut out);
        if !news.is_empty() {
            traffic.count_intolerable(plan, stream, &body, &news);
        }
        routed.answer = Some(body);
        if !news.is_empty() {
            routed.note(plan, stream.arm);
        }
        let leaves = if what == Chunk::Passes { &chunk } else { &out };
        if events {
            routed.events.pass(tail(leaves));
        }
        let written = match what {
            Chunk::Passes => Ok(()),
            Chunk::Replaced => host::replace_buffer(Buffer::ResponseBody, size, &out),
            Chunk::Withheld(_) | Chunk::Oversized if events => {
                out.extend(routed.events.cut(b"", sse::WITHHELD));
                host::replace_buffer(Buffer::ResponseBody, size, &out)
            }
            Chunk::Withheld(_) | Chunk::Oversized => Ok(()),
        };
        traffic.scratch.replace(emptied(out));
        match (what, written) {
            (Chunk::Withheld(_) | Chunk::Oversized, Ok(())) if events => {
                let after = Phase::LastEventSent {
                    linger: crate::traffic::open::LINGER_TICKS,
                };
                self.traffic.open.borrow_mut().set_phase(self.place, after);
                self.count_answer();
                None
            }
            // What cannot be replaced must not leave.
            (Chunk::Withheld(_) | Chunk::Oversized, _) | (_, Err(_)) => self.reset_answer(),
            (_, Ok(())) => None,
        }
    }

    /// Behind trailers no body can follow: a text whose end is still held back ends with an error,
    /// not in silence.
    pub(super) fn end_answer(&mut self) -> Option<Action> {
        let stream = self.traffic.open.borrow().get(self.place)?;
        let held = self.routed.as_ref()?.answer.as_ref()?.held();
        if held == 0 || !matches!(stream.phase, Phase::Answering { .. }) {
            return None;
        }
        let plan = self.traffic.plans.get(stream.rollout.index())?;
        plan.metrics
            .unscanned(Reason::Trailers.as_str())
            .increment();
        self.note(Course::pass_unscanned);
        self.reset_answer()
    }

    /// Ends an answer whose rest must not leave.
    fn reset_answer(&mut self) -> Option<Action> {
        self.count_answer();
        let _ = host::reset_response();
        self.traffic
            .open
            .borrow_mut()
            .set_phase(self.place, Phase::Ended);
        Some(Action::Pause)
    }
}

impl Routed {
    /// Tells the access log what was found, as soon as something was.
    fn note(&self, plan: &RolloutPlan, arm: Arm) {
        let Some(decided) = &self.log_field else {
            return;
        };
        let bodies = [
            (&self.answer, Direction::Response),
            (&self.request, Direction::Request),
        ];
        let summaries = bodies.into_iter().filter_map(|(body, direction)| {
            body.as_ref()?
                .summary(plan.redaction.profile(arm, direction))
        });
        let mut field = decided.clone();
        for summary in summaries {
            field.push(' ');
            field.push_str(&summary);
        }
        if field.len() > decided.len() {
            log_field(&field);
        }
    }
}

impl Traffic {
    /// Counts what must not be found at all, and shares it at once: the answer may go on for long.
    fn count_intolerable(&self, plan: &RolloutPlan, stream: OpenStream, body: &Body, news: &Tally) {
        if !plan.has_zero_tolerance() {
            return;
        }
        let mut urgent = false;
        self.count(stream.rollout, stream.arm, |tally| {
            urgent = body.add_intolerable(plan, stream.arm, news, tally);
        });
        // On the stable arm it is no news to the judge.
        if urgent && stream.arm == Arm::Canary {
            self.fold_urgently(stream.rollout);
        }
    }
}

/// Scans a piece of a body; tells what becomes of it, and what was found.
fn pass(
    plan: &RolloutPlan,
    arm: Arm,
    body: &mut Body,
    mask_all: bool,
    piece: Piece<'_>,
    out: &mut Vec<u8>,
) -> (Chunk, Tally) {
    let profile = plan.redaction.profile(arm, body.direction());
    let mut news = Tally::default();
    let what = body.pass(profile, mask_all, piece.bytes, piece.ends, out, &mut news);
    body.count(plan, arm, profile, &news);
    let held = u32::try_from(body.held()).unwrap_or(u32::MAX);
    plan.metrics.held_bytes.add(held);
    if news.oversized_events() > 0 && plan.redaction.withholds(Reason::Oversized) {
        return (Chunk::Oversized, news);
    }
    (what, news)
}

/// Counts a body that cannot be scanned.
fn withheld(plan: &RolloutPlan, reason: Reason) -> Result<(), Reason> {
    plan.metrics.unscanned(reason.as_str()).increment();
    if plan.redaction.withholds(reason) {
        return Err(reason);
    }
    Ok(())
}

/// The buffer for the next chunk; a huge one is given back.
fn emptied(mut out: Vec<u8>) -> Vec<u8> {
    if out.capacity() > SCRATCH_BYTES {
        return Vec::new();
    }
    out.clear();
    out
}

fn withheld_request(entity: &str) -> Problem {
    let detail = format!(
        "Requests to this agent may not contain {entity}. Take it out and send the request again."
    );
    Problem::new(403, "urn:breakglass:withheld", "Personal data", detail)
}

/// Memory of a worker never shrinks, so what one large chunk took is not kept for ever.
const SCRATCH_BYTES: usize = 256 << 10;
