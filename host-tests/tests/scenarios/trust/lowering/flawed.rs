//! Kills that do not count, one flaw each.

use std::time::Duration;

use base64ct::{Base64, Encoding};
use breakglass_examples::people::{self, ENVELOPE, ORDER, WARRANT};
use serde_json::{Value, json};

use crate::trust::{CAST, PACKED_ORDER, ago, at, killed, later, order, signed, warrant};
use crate::world::{JSON_ORDER, MSGPACK_ORDER, World, with};

/// What is sent instead of a signed kill.
pub(super) struct Refused {
    pub(super) name: &'static str,
    pub(super) kind: &'static str,
    pub(super) body: Vec<u8>,
    pub(super) status: u32,
    pub(super) problem: &'static str,
    /// The result that it is counted as.
    pub(super) counted: &'static str,
    pub(super) detail: &'static str,
}

/// Status, problem type, what it is counted as, and what the detail says.
type Refusal = (u32, &'static str, &'static str, &'static str);

const UNSIGNED: Refusal = (401, "unsigned", "unsigned", "must be signed");
const UNKNOWN: Refusal = (401, "unknown-key", "unsigned", "`stranger-1`");
const BAD: Refusal = (401, "bad-signature", "unsigned", "`engineer-1`");

fn malformed(detail: &'static str) -> Refusal {
    (400, "malformed", "malformed", detail)
}

fn unbound(detail: &'static str) -> Refusal {
    (400, "unbound", "malformed", detail)
}

fn forbidden(problem: &'static str, detail: &'static str) -> Refusal {
    (403, problem, "not_permitted", detail)
}

pub(super) fn flawed(world: &World) -> Vec<Refused> {
    let envelopes = ill_signed(world).into_iter().chain(misdirected(world));
    let envelopes = envelopes.map(|(name, envelope, refusal)| {
        (name, ENVELOPE, envelope.to_string().into_bytes(), refusal)
    });
    let all = envelopes.chain(ill_formed(world));
    all.map(
        |(name, kind, body, (status, problem, counted, detail))| Refused {
            name,
            kind,
            body,
            status,
            problem,
            counted,
            detail,
        },
    )
    .collect()
}

/// An envelope in which one thing is replaced.
pub(super) fn tampered(envelope: &Value, pointer: &str, value: Value) -> Value {
    let mut envelope = envelope.clone();
    *envelope.pointer_mut(pointer).expect("it is there") = value;
    envelope
}

fn without(order: &Value, term: &str) -> Value {
    let mut order = order.clone();
    let terms = order.as_object_mut().expect("it is an object");
    terms.remove(term).expect("it was there");
    order
}

/// The signature with the order of the group added to its scalar: an equation that does not look closely
/// holds for it, too (RFC 8032, section 8.4).
fn other_form(signature: &Value) -> String {
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let bytes = Base64::decode_vec(signature["sig"].as_str().expect("a text"));
    let mut bytes = bytes.expect("it is base64");
    let mut carry = 0;
    for (byte, add) in bytes[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        [*byte, _] = sum.to_le_bytes();
        carry = sum >> 8;
    }
    Base64::encode_string(&bytes)
}

/// Whose bytes are not an envelope, or no order at all.
fn ill_formed(world: &World) -> Vec<(&'static str, &'static str, Vec<u8>, Refusal)> {
    let kill = order(world, 2, killed());
    let payload = kill.to_string().into_bytes();
    let packed = rmp_serde::to_vec_named(&kill).expect("it encodes");
    let text = signed(&kill).to_string().into_bytes();
    let half = text[..text.len() / 2].to_vec();
    let end = text[..text.len() - 1].to_vec();
    vec![
        ("unsigned", JSON_ORDER, payload, UNSIGNED),
        ("unsigned in MessagePack", MSGPACK_ORDER, packed, UNSIGNED),
        ("cut in the middle", ENVELOPE, half, malformed("EOF")),
        ("cut by a byte", ENVELOPE, end, malformed("EOF")),
        ("empty", ENVELOPE, Vec::new(), malformed("EOF")),
        (
            "larger than an order",
            ENVELOPE,
            vec![b' '; (64 << 10) + 1],
            (413, "order-too-large", "malformed", "65536"),
        ),
        (
            "an envelope that calls itself an order",
            JSON_ORDER,
            text,
            malformed("payload"),
        ),
    ]
}

/// Whose signatures are not those of this kill.
fn ill_signed(world: &World) -> Vec<(&'static str, Value, Refusal)> {
    let kill = order(world, 2, killed());
    let good = signed(&kill);
    let other = signed(&order(world, 2, json!({"ramp": []})));
    let signature = &good["signatures"][0];
    let bytes = Base64::decode_vec(signature["sig"].as_str().expect("a text"));
    let short = Base64::encode_string(&bytes.expect("it is base64")[..63]);
    let packed = rmp_serde::to_vec_named(&kill).expect("it encodes");
    let payload = kill.to_string().into_bytes();
    let cut = people::seal(ORDER, &payload[..payload.len() - 1], &[&CAST.engineer]);
    vec![
        (
            "of an unknown key",
            people::sign(ORDER, &kill, &[&CAST.stranger]),
            UNKNOWN,
        ),
        (
            "of an unknown key that names a trusted one",
            tampered(
                &people::sign(ORDER, &kill, &[&CAST.stranger]),
                "/signatures/0/keyid",
                json!("engineer-1"),
            ),
            BAD,
        ),
        (
            "with another's signature",
            tampered(
                &good,
                "/signatures/0/sig",
                other["signatures"][0]["sig"].clone(),
            ),
            BAD,
        ),
        (
            "with another's payload",
            tampered(&good, "/payload", other["payload"].clone()),
            BAD,
        ),
        (
            "with a short signature",
            tampered(&good, "/signatures/0/sig", json!(short)),
            BAD,
        ),
        (
            "with the other form of its signature",
            tampered(&good, "/signatures/0/sig", json!(other_form(signature))),
            BAD,
        ),
        (
            "with an empty signature",
            tampered(&good, "/signatures/0/sig", json!("")),
            BAD,
        ),
        (
            "with a good and a bad signature",
            tampered(
                &good,
                "/signatures",
                json!([signature, {"keyid": "security-lead-1", "sig": signature["sig"]}]),
            ),
            (401, "bad-signature", "unsigned", "`security-lead-1`"),
        ),
        (
            "signed as a warrant",
            tampered(
                &people::sign(WARRANT, &kill, &[&CAST.engineer]),
                "/payloadType",
                json!(ORDER),
            ),
            BAD,
        ),
        (
            "that calls itself a warrant",
            tampered(&good, "/payloadType", json!(WARRANT)),
            malformed("is not that of orders"),
        ),
        (
            "in JSON that calls itself MessagePack",
            tampered(&good, "/payloadType", json!(PACKED_ORDER)),
            malformed("payload"),
        ),
        (
            "in MessagePack that calls itself JSON",
            tampered(
                &people::seal(PACKED_ORDER, &packed, &[&CAST.engineer]),
                "/payloadType",
                json!(ORDER),
            ),
            malformed("payload"),
        ),
        (
            "of no known type",
            tampered(&good, "/payloadType", json!("application/json")),
            malformed("payloadType"),
        ),
        (
            "that nobody signed",
            tampered(&good, "/signatures", json!([])),
            malformed("0 signatures"),
        ),
        (
            "with seventeen signatures",
            tampered(&good, "/signatures", json!(vec![signature; 17])),
            malformed("17 signatures"),
        ),
        ("whose payload is cut", cut, malformed("payload")),
        (
            "that is a warrant",
            warrant(json!({})),
            malformed("is not that of orders"),
        ),
    ]
}

/// Well signed, and for elsewhere or another time.
fn misdirected(world: &World) -> Vec<(&'static str, Value, Refusal)> {
    let kill = order(world, 2, killed());
    let millis = Duration::from_millis;
    let dated = |time: String| signed(&with(kill.clone(), json!({"issued_at": time})));
    let old = "at most 600 seconds old";
    let ahead = "in the future here; expected at most 60 seconds";
    vec![
        (
            "for no policy",
            signed(&without(&kill, "policy")),
            unbound("`policy`"),
        ),
        (
            "without a time",
            signed(&without(&kill, "issued_at")),
            unbound("`issued_at`"),
        ),
        (
            "from 600.001 s ago",
            dated(at(world.now() - millis(600_001))),
            forbidden("expired", old),
        ),
        (
            "from yesterday",
            dated(ago(world, 86_400)),
            forbidden("expired", old),
        ),
        (
            "from 60.001 s ahead",
            dated(at(world.now() + millis(60_001))),
            forbidden("future-dated", ahead),
        ),
        (
            "from tomorrow",
            dated(later(world, 86_400)),
            forbidden("future-dated", ahead),
        ),
        (
            "for another policy",
            signed(&with(kill.clone(), json!({"policy": "billing"}))),
            forbidden("other-policy", "`billing`"),
        ),
        (
            "for another rollout",
            signed(&with(kill.clone(), json!({"rollout": "other"}))),
            (404, "unknown-rollout", "malformed", "`other`"),
        ),
        (
            "of an older generation",
            signed(&with(kill.clone(), json!({"generation": 0}))),
            (409, "stale", "stale", "generation 1 is in force"),
        ),
        (
            "that uses the generations up",
            signed(&with(
                kill.clone(),
                json!({"generation": 1 + (1 << 20) + 1}),
            )),
            (
                400,
                "generation-too-high",
                "malformed",
                "generation 1 is in force",
            ),
        ),
    ]
}
