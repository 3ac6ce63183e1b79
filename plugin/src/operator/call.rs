//! One call of the operator endpoint.

use std::rc::Rc;

use breakglass_policy::{Generation, limits};
use proxy_wasm::types::Action;

use crate::host::{self, Buffer, Map};
use crate::metrics;
use crate::operator::Operator;
use crate::operator::orders::{self, ContentType};
use crate::operator::report::{Receipts, StateReport};
use crate::problem::{Problem, send_json};

/// One call of the operator endpoint.
pub(crate) struct OperatorCall {
    id: u32,
    operator: Rc<Operator>,
    /// The order's form, while its body arrives.
    order: Option<ContentType>,
}

/// What a call asks for.
enum Route<'a> {
    State,
    Receipts(&'a str),
    Orders,
}

// === impl OperatorCall ===

impl OperatorCall {
    pub(crate) fn new(id: u32, operator: Rc<Operator>) -> Self {
        Self {
            id,
            operator,
            order: None,
        }
    }

    // Every path ends in an answer of the filter's own: nothing here goes on to an upstream.

    pub(crate) fn request_headers(&mut self, end_of_stream: bool) -> Action {
        if let Err(problem) = self.begin(end_of_stream) {
            problem.respond_or_drop();
        }
        Action::Pause
    }

    pub(crate) fn request_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        let result = if size > limits::ORDER_BYTES {
            self.order = None;
            metrics::orders("malformed").increment();
            Err(too_large())
        } else if end_of_stream {
            self.carry_out(size)
        } else {
            Ok(())
        };
        if let Err(problem) = result {
            problem.respond_or_drop();
        }
        Action::Pause
    }

    pub(crate) fn request_trailers(&mut self) -> Action {
        if self.order.take().is_some() {
            let detail = "an order has no trailers";
            Problem::new(400, "urn:breakglass:malformed", "Malformed order", detail)
                .respond_or_drop();
        }
        Action::Pause
    }

    pub(crate) fn end(&mut self) {
        self.operator.forget(self.id);
    }

    fn begin(&mut self, end_of_stream: bool) -> Result<(), Problem> {
        let method = host::header(Map::Request, ":method").unwrap_or_default();
        let path = host::header(Map::Request, ":path").unwrap_or_default();
        let path = String::from_utf8_lossy(&path).into_owned();
        match (Route::of(&path)?, method.as_slice()) {
            (Route::State, b"GET") => {
                let state = self.operator.state()?;
                send_json(&StateReport::new(&self.operator, &state)?);
            }
            (Route::Receipts(generation), b"GET") => {
                let number = generation.parse().ok().and_then(Generation::new);
                let generation = number.ok_or_else(|| not_a_generation(generation))?;
                let state = self.operator.state()?;
                send_json(&Receipts::new(&self.operator, &state, generation)?);
            }
            (Route::Orders, b"POST") => {
                let kind = host::header(Map::Request, "content-type").unwrap_or_default();
                self.order = Some(ContentType::of(&kind)?);
                if end_of_stream {
                    self.carry_out(0)?;
                }
            }
            (Route::Orders, _) => return Err(wrong_method("POST")),
            (_, _) => return Err(wrong_method("GET")),
        }
        Ok(())
    }

    fn carry_out(&mut self, size: usize) -> Result<(), Problem> {
        let Some(kind) = self.order.take() else {
            return Ok(());
        };
        let body = host::buffer(Buffer::RequestBody, 0, size).unwrap_or_default();
        let result = orders::carry_out(&self.operator, kind, &body);
        metrics::orders(
            result
                .as_ref()
                .map_or_else(|problem| problem.order_result(), |_| "accepted"),
        )
        .increment();
        self.operator.answer_when_in_force(self.id, result?)
    }
}

// === impl Route ===

impl<'a> Route<'a> {
    fn of(path: &'a str) -> Result<Self, Problem> {
        let path = path.split('?').next().unwrap_or_default();
        match path {
            "/v1/state" => Ok(Self::State),
            "/v1/orders" => Ok(Self::Orders),
            _ => match path.strip_prefix("/v1/receipts/") {
                Some(generation) => Ok(Self::Receipts(generation)),
                None => Err(not_found()),
            },
        }
    }
}

fn not_found() -> Problem {
    let detail = "expected GET /v1/state, POST /v1/orders or GET /v1/receipts/<generation>";
    Problem::new(404, "urn:breakglass:not-found", "No such call", detail)
}

fn wrong_method(expected: &'static str) -> Problem {
    let detail = format!("expected {expected}");
    let problem = Problem::new(405, "urn:breakglass:wrong-method", "Wrong method", detail);
    problem.with_header("allow", expected)
}

fn not_a_generation(text: &str) -> Problem {
    let detail = format!("`{text}` is no generation, expected a whole number from 0 to 2^53 - 1");
    Problem::new(
        400,
        "urn:breakglass:malformed",
        "Malformed generation",
        detail,
    )
}

fn too_large() -> Problem {
    let detail = format!("expected at most {} bytes", limits::ORDER_BYTES);
    Problem::new(
        413,
        "urn:breakglass:order-too-large",
        "Order too large",
        detail,
    )
}
