//! One request and its answer.

mod scan;

use std::rc::Rc;

use breakglass_policy::{Arm, ArmTally, Direction, RandomCookie, RolloutId, Unit, Verdict, limits};
use proxy_wasm::types::Action;

use crate::headers::{RequestHeaders, name};
use crate::host::{self, Buffer, Map, Status};
use crate::live::InForce;
use crate::problem::Problem;
use crate::sse::{self, Boundary, ErrorEvents};
use crate::traffic::Traffic;
use crate::traffic::body::Body;
use crate::traffic::course::Course;
use crate::traffic::media::Media;
use crate::traffic::open::{self, OpenStream, Phase, Place};
use crate::traffic::plan::RolloutPlan;
use crate::traffic::redaction::Reason;
use crate::vm;

use scan::{Piece, begin_request_scan};

/// One request and its answer.
pub(crate) struct Exchange {
    id: u32,
    traffic: Rc<Traffic>,
    place: Place,
    /// Set once the request was given an arm; never changed after that.
    routed: Option<Routed>,
}

/// What was decided for a request.
struct Routed {
    rollout: RolloutId,
    arm: Arm,
    /// The request's body is held to be edited.
    editing: bool,
    /// The cookie that gives the client its unit.
    set_cookie: Option<String>,
    events: Boundary,
    /// The scan of the request's body, if there is something to look for; and of the answer's.
    request: Option<Body>,
    answer: Option<Body>,
    /// Until an error event was found in the answer, where one is looked for.
    errors: Option<ErrorEvents>,
    /// The access log's field, as it was when the request was decided; none where nobody is told.
    log_field: Option<String>,
}

/// What a control may do to a stream that is open.
#[derive(Clone, Copy, Debug, Default)]
struct Switches {
    cut: bool,
    mask_all: bool,
}

// === impl Exchange ===

impl Exchange {
    pub(crate) fn new(id: u32, traffic: Rc<Traffic>) -> Self {
        Self {
            id,
            traffic,
            place: Place::NONE,
            routed: None,
        }
    }

    pub(crate) fn request_headers(&mut self, end_of_stream: bool) -> Action {
        self.route(end_of_stream).unwrap_or(Action::Continue)
    }

    pub(crate) fn request_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        match &self.routed {
            Some(routed) if routed.editing => self.edit(size, end_of_stream),
            Some(Routed {
                request: Some(_), ..
            }) => self.scan_request(size, end_of_stream),
            _ => Action::Continue,
        }
    }

    pub(crate) fn request_trailers(&mut self) -> Action {
        match &self.routed {
            // The body is out of reach here, and unedited it would choose a version by itself.
            Some(routed) if routed.editing => {
                let detail = "a body that is edited cannot have trailers";
                self.refuse(&not_editable(detail.into()))
            }
            // Nor can the end of a text be sent behind them.
            Some(Routed {
                request: Some(body),
                rollout,
                ..
            }) if body.held() > 0 => {
                if let Some(plan) = self.traffic.plans.get(rollout.index()) {
                    let reason = Reason::Trailers.as_str();
                    plan.metrics.unscanned(reason).increment();
                }
                self.refuse(&unscannable_request(Reason::Trailers))
            }
            _ => Action::Continue,
        }
    }

    pub(crate) fn response_headers(&mut self, end_of_stream: bool) -> Action {
        self.begin_answer(end_of_stream).unwrap_or(Action::Continue)
    }

    pub(crate) fn response_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        let action = self.continue_answer(size, end_of_stream);
        if end_of_stream {
            self.count_answer();
        }
        action.unwrap_or(Action::Continue)
    }

    pub(crate) fn response_trailers(&mut self) -> Action {
        let action = self.end_answer();
        self.count_answer();
        action.unwrap_or(Action::Continue)
    }

    pub(crate) fn end(&mut self) {
        let stream = self.traffic.open.borrow().get(self.place);
        let broken_off = stream.is_some_and(|stream| {
            matches!(stream.phase, Phase::Answering { .. }) && !stream.course.is_over()
        });
        if broken_off {
            if host::upstream_failed() {
                self.note(Course::fail);
            }
            self.count_answer();
        }
        let place = std::mem::replace(&mut self.place, Place::NONE);
        self.traffic.open.borrow_mut().remove(place);
    }

    fn route(&mut self, end_of_stream: bool) -> Option<Action> {
        let traffic = self.traffic.clone();
        let pairs = RequestHeaders::pairs().ok()?;
        let headers = RequestHeaders::new(&pairs, &traffic.router, &traffic.own_headers);
        let Some(forged) = headers.forged() else {
            return Some(answer(&too_many_forged()));
        };
        for forged in forged {
            let _ = host::remove_header(Map::Request, forged);
        }
        let rollout = traffic.router.find(&headers)?;
        let plan = traffic.plans.get(rollout.index())?;
        let in_force = traffic.live.refresh();
        let InForce {
            gate, generation, ..
        } = in_force.get(rollout.index())?;

        let mut set_cookie = None;
        let unit = match traffic.router.unit(rollout, &headers) {
            Unit::Known(unit) => Some(unit),
            Unit::Mint(cookie) => {
                let unit = format!("{:016x}{:016x}", vm::random(), vm::random());
                set_cookie = Some(cookie_header(cookie, &unit));
                Some(unit.into_bytes().into())
            }
            Unit::Missing => {
                plan.metrics.keyless.increment();
                None
            }
        };
        let times = plan.latency().is_some();
        let now = if gate.needs_clock() || times {
            host::now()
        } else {
            Default::default()
        };
        let decision = gate.decide(&plan.split, unit.as_deref(), now);
        let reason = decision.reason().as_str();
        let Verdict::Route(arm) = decision.verdict() else {
            if let Some(rollout) = traffic.live.rollout(rollout).filter(|_| plan.logs) {
                log_field(&format!(
                    "rollout={} generation={generation} reason={reason}",
                    rollout.name
                ));
            }
            plan.metrics.blocked.increment();
            return Some(answer(&blocked()));
        };

        let arm_plan = plan.arm(arm);
        let field = plan.logs.then(|| arm_plan.log_field(generation, reason));
        if let Some(field) = &field {
            log_field(field);
        }
        let masks_all = gate.masks_all();
        let edits = !arm_plan.json.is_empty();
        let scans = plan.redaction.scans(arm, Direction::Request, masks_all);
        let media = (!end_of_stream && (edits || scans)).then(|| Media::of(&pairs));
        let editing = edits && media.as_ref().is_some_and(Media::is_json);
        let length = media.as_ref().map_or(0, Media::declared_length);
        if editing && length > limits::EDITED_BODY_BYTES {
            return Some(answer(&too_large()));
        }
        let request = match media.filter(|_| scans) {
            Some(media) => match begin_request_scan(plan, arm, masks_all, &media) {
                Ok(body) => body,
                Err(reason) => return Some(answer(&unscannable_request(reason))),
            },
            None => None,
        };
        arm_plan.stamp(generation);
        if editing || request.as_ref().is_some_and(|body| !body.has_length()) {
            let _ = host::remove_header(Map::Request, b"content-length");
        }
        if plan.redaction.scans(arm, Direction::Response, masks_all) {
            // What is compressed cannot be scanned: ask for it as it is.
            let _ = host::remove_header(Map::Request, b"accept-encoding");
        }
        plan.metrics.request(arm);
        traffic.tell_without_ticks();
        if decision.reason().is_drawn() {
            traffic.count(rollout, arm, |tally| {
                tally.requests = tally.requests.saturating_add(1);
            });
        }
        let phase = Phase::Waiting;
        let stream = OpenStream {
            rollout,
            arm,
            phase,
            course: Course::new(times.then_some(now)),
        };
        self.place = traffic.open.borrow_mut().insert(self.id, stream);
        self.routed = Some(Routed {
            rollout,
            arm,
            editing,
            set_cookie,
            events: Boundary::START,
            request,
            answer: None,
            errors: None,
            log_field: field,
        });
        Some(Action::Continue)
    }

    /// Holds the body until it is whole, then edits it.
    fn edit(&mut self, size: usize, end_of_stream: bool) -> Action {
        let Some(routed) = self.routed.as_mut().filter(|routed| routed.editing) else {
            return Action::Continue;
        };
        if size > limits::EDITED_BODY_BYTES {
            return self.refuse(&too_large());
        }
        if !end_of_stream {
            return Action::Pause;
        }
        routed.editing = false;
        let (rollout, arm) = (routed.rollout, routed.arm);
        let Some(plan) = self.traffic.plans.get(rollout.index()) else {
            return Action::Continue;
        };
        let body = host::buffer(Buffer::RequestBody, 0, size).unwrap_or_default();
        match plan.arm(arm).json.apply(&body) {
            Ok(edited) => {
                if self
                    .routed
                    .as_ref()
                    .is_some_and(|routed| routed.request.is_some())
                {
                    return self.scan_request_piece(Piece::edited(&edited, size));
                }
                match host::replace_buffer(Buffer::RequestBody, size, &edited) {
                    Ok(()) => Action::Continue,
                    // APISIX has bodies but does not let a filter change them.
                    Err(status) => self.refuse(&cannot_edit(status)),
                }
            }
            Err(error) => self.refuse(&not_editable(error.to_string())),
        }
    }

    /// Answers a request that already has an arm.
    fn refuse(&mut self, problem: &Problem) -> Action {
        self.note(Course::withdraw);
        self.traffic
            .open
            .borrow_mut()
            .set_phase(self.place, Phase::Ended);
        answer(problem)
    }

    /// Notes how the answer goes.
    fn note(&self, what: impl FnOnce(&mut Course)) {
        if let Some(course) = self.traffic.open.borrow_mut().course(self.place) {
            what(course);
        }
    }

    /// Counts the answer, which has ended; once.
    fn count_answer(&mut self) {
        let traffic = self.traffic.clone();
        let Some(mut stream) = traffic.open.borrow().get(self.place) else {
            return;
        };
        let begun = !matches!(stream.phase, Phase::Waiting | Phase::Ended);
        let plan = traffic.plans.get(stream.rollout.index());
        let Some(plan) = plan.filter(|_| begun && !stream.course.is_over()) else {
            return;
        };
        let body = self.routed.as_ref().and_then(|it| it.answer.as_ref());
        if body.is_some_and(Body::has_gaps) {
            stream.course.pass_unscanned();
        }
        traffic.count(stream.rollout, stream.arm, |tally| {
            if let Some(bounds) = plan.latency() {
                stream.course.check(bounds, host::now(), tally);
            }
            stream.course.end(tally);
            if let Some(body) = body {
                body.add_found(plan, stream.arm, tally);
            }
        });
        self.note(|course| *course = stream.course);
        traffic.fold_much(stream.rollout);
    }

    /// Counts the answer as slow if its first byte, which is here, was to be here earlier.
    fn begin_body(&mut self, stream: OpenStream, plan: &RolloutPlan) {
        let mut course = stream.course;
        if let Some(bounds) = plan.latency().filter(|_| course.awaits_first_byte()) {
            let now = host::now();
            let mut news = ArmTally::default();
            if course.check(bounds, now, &mut news) {
                let (rollout, arm) = (stream.rollout, stream.arm);
                self.traffic.count(rollout, arm, |tally| tally.add(&news));
            }
            course.begin();
            self.note(|it| *it = course);
        }
    }

    fn begin_answer(&mut self, end_of_stream: bool) -> Option<Action> {
        let stream = self.traffic.open.borrow().get(self.place)?;
        if stream.phase == Phase::Ended {
            // The filter sees its own answer pass.
            return None;
        }
        let traffic = self.traffic.clone();
        let plan = traffic.plans.get(stream.rollout.index())?;
        let switches = self.switches(stream);
        if switches.cut {
            plan.metrics.killed_streams.increment();
            return Some(self.refuse(&open::killed()));
        }
        // One call for all that is asked of the headers: it is the calls that cost. An answer whose headers
        // cannot be had is scanned as text.
        let headers = host::header_pairs(Map::Response).unwrap_or_default();
        let asked_for;
        let status = match headers.get(b":status") {
            Some(status) => status,
            // A proxy may leave what is no real header out of the list.
            None => {
                asked_for = host::header(Map::Response, ":status").unwrap_or_default();
                &asked_for
            }
        };
        plan.metrics.response(stream.arm, status);
        traffic.tell_without_ticks();
        if plan.is_error(status) {
            self.note(Course::fail);
        }
        self.show_client(plan);
        let scan = self.begin_answer_scan(plan, stream, switches, &headers, end_of_stream);
        let events = *scan.as_ref().unwrap_or(&false);
        let phase = Phase::Answering { events };
        self.traffic.open.borrow_mut().set_phase(self.place, phase);
        if end_of_stream || scan.is_err() {
            self.count_answer();
        }
        let reason = scan.err()?;
        Some(self.refuse(&unscannable_answer(reason)))
    }

    /// Puts on the response what the client may see of the decision.
    fn show_client(&mut self, plan: &RolloutPlan) {
        let Some(routed) = &mut self.routed else {
            return;
        };
        if plan.expose {
            let version = &plan.arm(routed.arm).version;
            let _ =
                host::replace_header(Map::Response, name::VERSION.as_bytes(), version.as_bytes());
        }
        if let Some(cookie) = routed.set_cookie.take() {
            let _ = host::add_header(Map::Response, b"set-cookie", cookie.as_bytes());
        }
    }

    fn continue_answer(&mut self, size: usize, end_of_stream: bool) -> Option<Action> {
        let stream = self.traffic.open.borrow().get(self.place)?;
        let Phase::Answering { events } = stream.phase else {
            if matches!(stream.phase, Phase::LastEventSent { .. }) {
                let _ = host::replace_buffer(Buffer::ResponseBody, size, b"");
            }
            return None;
        };
        let traffic = self.traffic.clone();
        let plan = traffic.plans.get(stream.rollout.index())?;
        let switches = self.switches(stream);
        if switches.cut {
            plan.metrics.killed_streams.increment();
            self.note(Course::withdraw);
            return self.cut_answer(size, events, sse::KILLED);
        }
        if size > 0 {
            self.begin_body(stream, plan);
        }
        self.find_error_event(size, end_of_stream);
        if self.routed.as_ref()?.answer.is_some() {
            return self.scan_answer(stream, switches, events, size, end_of_stream);
        }
        None
    }

    /// Looks for the event by which the agent says that it failed; one is enough.
    fn find_error_event(&mut self, size: usize, end_of_stream: bool) {
        let errors = self.routed.as_mut().map(|routed| &mut routed.errors);
        let Some(errors) = errors else {
            return;
        };
        let found = errors.as_mut().is_some_and(|errors| {
            let chunk = host::buffer(Buffer::ResponseBody, 0, size).unwrap_or_default();
            errors.pass(&chunk, end_of_stream)
        });
        if found {
            *errors = None;
            self.note(Course::fail);
        }
    }

    /// Ends an answer in the middle: a stream of events in good form, with these last ones.
    fn cut_answer(&mut self, size: usize, events: bool, last: &str) -> Option<Action> {
        let routed = self.routed.as_mut()?;
        let after = if events {
            // What the filter writes itself ends with whole events; what is still open of the
            // upstream's own is finished first.
            let rewrites = routed.answer.as_ref().is_some_and(Body::rewrites);
            let chunk = match rewrites {
                true => Vec::new(),
                false => host::buffer(Buffer::ResponseBody, 0, size).unwrap_or_default(),
            };
            let last = routed.events.cut(&chunk, last);
            let _ = host::replace_buffer(Buffer::ResponseBody, size, &last);
            Phase::LastEventSent {
                linger: open::LINGER_TICKS,
            }
        } else {
            let _ = host::reset_response();
            Phase::Ended
        };
        self.traffic.open.borrow_mut().set_phase(self.place, after);
        // What a reset stream still holds must not leave.
        (after == Phase::Ended).then_some(Action::Pause)
    }

    /// What the control in force says of an open stream; asked for once a chunk.
    fn switches(&self, stream: OpenStream) -> Switches {
        let in_force = self.traffic.live.refresh();
        match in_force.get(stream.rollout.index()) {
            Some(InForce { gate, .. }) => Switches {
                cut: gate.cuts(stream.arm),
                mask_all: gate.masks_all(),
            },
            None => Switches::default(),
        }
    }
}

/// Answers in the place of the upstream; nothing of the request goes on.
fn answer(problem: &Problem) -> Action {
    match problem.respond() {
        Ok(()) => Action::Pause,
        // A proxy that cannot answer by itself lets the request pass.
        Err(_) => Action::Continue,
    }
}

/// Makes the decision visible to the access log, as `%FILTER_STATE(wasm.breakglass:PLAIN)%`.
fn log_field(field: &str) {
    let _ = host::set_property("breakglass", field.as_bytes());
}

fn cookie_header(cookie: &RandomCookie, unit: &str) -> String {
    let secure = match host::header(Map::Request, ":scheme").as_deref() {
        Some(b"https") => "; Secure",
        _ => "",
    };
    let RandomCookie { name, max_age } = cookie;
    let max_age = max_age.get();
    format!("{name}={unit}; Path=/; Max-Age={max_age}; HttpOnly; SameSite=Lax{secure}")
}

fn blocked() -> Problem {
    let detail = "This agent has been taken out of service by its operators.";
    Problem::new(503, "urn:breakglass:blocked", "Out of service", detail)
}

fn too_many_forged() -> Problem {
    let detail = "The request has many headers that only the proxy sets.";
    Problem::new(
        431,
        "urn:breakglass:forged-headers",
        "Forged headers",
        detail,
    )
}

fn too_large() -> Problem {
    let detail = format!(
        "Requests to this agent are edited on the way; expected a body of at most {} bytes.",
        limits::EDITED_BODY_BYTES
    );
    Problem::new(
        413,
        "urn:breakglass:body-too-large",
        "Body too large",
        detail,
    )
}

fn cannot_edit(status: Status) -> Problem {
    let detail = format!("This proxy does not let bodies be edited: {status}.");
    Problem::new(
        500,
        "urn:breakglass:edits-unsupported",
        "Edits are not supported here",
        detail,
    )
}

fn not_editable(detail: String) -> Problem {
    Problem::new(
        400,
        "urn:breakglass:body-not-editable",
        "Body cannot be edited",
        detail,
    )
}

fn unscannable_request(reason: Reason) -> Problem {
    let detail = format!(
        "Requests to this agent are scanned for personal data; this one cannot be, because of: {}. Send text or JSON, uncompressed and without trailers.",
        reason.as_str()
    );
    Problem::new(
        415,
        "urn:breakglass:unscannable",
        "Cannot be scanned",
        detail,
    )
}

fn unscannable_answer(reason: Reason) -> Problem {
    let detail = format!(
        "The agent's answer cannot be scanned for personal data, because of: {}. It is withheld.",
        reason.as_str()
    );
    Problem::new(
        502,
        "urn:breakglass:unscannable",
        "Cannot be scanned",
        detail,
    )
}
