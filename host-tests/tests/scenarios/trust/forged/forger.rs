//! Makes what somebody without keys, with too few of them, or with a broken program may send.

use base64ct::{Base64, Encoding};
use breakglass_examples::people::{self, ENVELOPE, ORDER, Person, WARRANT};
use serde_json::{Value, json};

use crate::trust::{
    CAST, PACKED_ORDER, PACKED_WARRANT, killed, order, permission, signed, warrant,
};
use crate::world::{JSON_ORDER, MSGPACK_ORDER, Seeded, World, with};

pub(super) struct Forger {
    seeded: Seeded,
    /// Orders that would be obeyed, in their envelopes; none asks for what another does.
    good: [Value; 4],
    /// The last of them, without envelope and warrant.
    raise: Value,
    warrants: [Value; 2],
}

/// Content type and body.
pub(super) type Body = (&'static str, Vec<u8>);

/// One way to forge.
pub(super) type Trick = (&'static str, fn(&mut Forger) -> Body);

pub(super) const TRICKS: [Trick; 15] = [
    ("flipped bit", Forger::flip),
    ("cut", Forger::cut),
    ("spliced", Forger::splice),
    ("swapped payload", Forger::swap_payload),
    ("swapped signature", Forger::swap_signature),
    ("another type", Forger::relabel),
    ("member given twice", Forger::duplicate),
    ("nested", Forger::nest),
    ("nested in MessagePack", Forger::nest_packed),
    ("huge number", Forger::number),
    ("bad base64", Forger::base64),
    ("garbled MessagePack", Forger::garble),
    ("forged warrant", Forger::warrant),
    ("somebody's warrant", Forger::lesser_warrant),
    ("noise", Forger::noise),
];

// === impl Forger ===

impl Forger {
    pub(super) fn new(world: &World, seed: u64) -> Self {
        let other = json!({"change": "chg-2026-0118", "ramp": {"percent": 90}});
        let warrants = [warrant(json!({})), warrant(other)];
        let everybody = json!({"ramp": {"percent": 100}});
        let carried = with(everybody.clone(), json!({"warrant": warrants[0]}));
        let masked = json!({"redaction": "mask_all"});
        let terms = [killed(), masked, json!({"ramp": []}), carried];
        Self {
            seeded: Seeded(seed),
            good: terms.map(|terms| signed(&order(world, 2, terms))),
            raise: order(world, 2, everybody),
            warrants,
        }
    }

    /// What would be obeyed.
    pub(super) fn raise(&self) -> Value {
        self.good[3].clone()
    }

    pub(super) fn next(&mut self) -> (&'static str, Body) {
        let (name, trick) = self.of(&TRICKS);
        (name, trick(self))
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.seeded.below(choices.len())]
    }

    fn any(&mut self) -> Value {
        let place = self.seeded.below(self.good.len());
        self.good[place].clone()
    }

    /// Two that differ.
    fn two(&mut self) -> (Value, Value) {
        let first = self.seeded.below(self.good.len());
        let other = first + 1 + self.seeded.below(self.good.len() - 1);
        let other = other % self.good.len();
        (self.good[first].clone(), self.good[other].clone())
    }

    fn text(&mut self) -> Vec<u8> {
        self.any().to_string().into_bytes()
    }

    fn flip_in(&mut self, bytes: &mut [u8]) {
        let place = self.seeded.below(bytes.len());
        bytes[place] ^= 1 << self.seeded.below(8);
    }

    /// Flips a bit of what a text says in base64.
    fn flip_under(&mut self, document: &mut Value, pointer: &str) {
        let text = document.pointer_mut(pointer).expect("it is there");
        let mut bytes = Base64::decode_vec(text.as_str().expect("a text")).expect("it is base64");
        self.flip_in(&mut bytes);
        *text = json!(Base64::encode_string(&bytes));
    }

    fn flip(&mut self) -> Body {
        let mut text = self.text();
        self.flip_in(&mut text);
        (ENVELOPE, text)
    }

    fn cut(&mut self) -> Body {
        let mut text = self.text();
        text.truncate(self.seeded.below(text.len()));
        (ENVELOPE, text)
    }

    fn splice(&mut self) -> Body {
        let mut text = self.text();
        let (from, length) = (self.seeded.below(text.len()), 1 + self.seeded.below(40));
        let mut bytes = self.seeded.bytes(length);
        // A byte that no JSON has: noise must not happen to be what was there.
        bytes[0] = 0xff;
        let end = (from + length).min(text.len());
        text.splice(from..end, bytes);
        (ENVELOPE, text)
    }

    fn swap_payload(&mut self) -> Body {
        let (mut envelope, other) = self.two();
        envelope["payload"] = other["payload"].clone();
        body(&envelope)
    }

    fn swap_signature(&mut self) -> Body {
        let (mut envelope, other) = self.two();
        match self.seeded.below(3) {
            0 => envelope["signatures"] = other["signatures"].clone(),
            1 => {
                let ids = ["security-lead-1", "engineer-2", "nobody", "", "SHA256:"];
                envelope["signatures"][0]["keyid"] = json!(self.of(&ids));
            }
            _ => self.flip_under(&mut envelope, "/signatures/0/sig"),
        }
        body(&envelope)
    }

    fn relabel(&mut self) -> Body {
        let mut envelope = self.any();
        let kinds = [
            PACKED_ORDER,
            WARRANT,
            PACKED_WARRANT,
            "application/json",
            "",
            ENVELOPE,
        ];
        envelope["payloadType"] = json!(self.of(&kinds));
        body(&envelope)
    }

    /// Of an envelope, or of what a trusted key has signed.
    fn duplicate(&mut self) -> Body {
        let (envelope, other) = self.two();
        match self.of(&["payload", "signatures", "generation", "policy"]) {
            member @ ("payload" | "signatures") => {
                (ENVELOPE, twice(&envelope, member, &other[member]))
            }
            member => {
                let order = self.raise.clone();
                by_engineer(ORDER, &twice(&order, member, &order[member]))
            }
        }
    }

    /// As the body, as the payload, or where an order has its warrant.
    fn nest(&mut self) -> Body {
        let depth = 1 + self.seeded.below(6_000);
        let (open, inner, close) = self.of(&[("[", "", "]"), ("{\"a\":", "1", "}")]);
        let nested = open.repeat(depth) + inner + &close.repeat(depth);
        match self.seeded.below(3) {
            0 => (ENVELOPE, nested.into_bytes()),
            1 => by_engineer(ORDER, nested.as_bytes()),
            _ => {
                let order = self.raise.to_string();
                let order = &order[..order.len() - 1];
                let order = format!("{order},\"warrant\":{nested}}}");
                by_engineer(ORDER, order.as_bytes())
            }
        }
    }

    fn nest_packed(&mut self) -> Body {
        let marks = [
            &b"\x91"[..],
            b"\x81\xa1a",
            b"\xdd\xff\xff\xff\xff",
            b"\xdf\xff\xff\xff\xff",
        ];
        let mark = self.of(&marks);
        let depth = 1 + self.seeded.below(40_000 / mark.len());
        let nested = mark.repeat(depth);
        match self.seeded.one_in(2) {
            true => (MSGPACK_ORDER, nested),
            false => by_engineer(PACKED_ORDER, &nested),
        }
    }

    /// What is no generation where one stands.
    fn number(&mut self) -> Body {
        let odd = [
            "-1",
            "1.5",
            "2e0",
            "1e400",
            "-1e400",
            "1e-400",
            "9007199254740992",
            "02",
            "0x2",
            "18446744073709551616",
            "NaN",
            "-0.0",
            "\"2\"",
            "null",
            "[2]",
            "true",
            "2097153",
        ];
        let digits = 17 + self.seeded.below(400);
        let huge = "9".repeat(digits);
        let number = if self.seeded.one_in(4) {
            &huge
        } else {
            self.of(&odd)
        };
        let order = self.raise.to_string();
        let changed = order.replace("\"generation\":2", &format!("\"generation\":{number}"));
        assert_ne!(changed, order);
        by_engineer(ORDER, changed.as_bytes())
    }

    fn base64(&mut self) -> Body {
        let mut envelope = self.any();
        let pointer = self.of(&["/payload", "/signatures/0/sig"]);
        let text = envelope.pointer_mut(pointer).expect("it is there");
        let mut changed = text.as_str().expect("a text").to_owned();
        match self.seeded.below(3) {
            0 => drop(changed.pop()),
            1 => changed.push('='),
            _ => {
                let noise = self.of(&['\n', ' ', '=', '*', '\0', 'é', '.', ',']);
                changed.insert(self.seeded.below(changed.len()), noise);
            }
        }
        *text = json!(changed);
        body(&envelope)
    }

    fn garble(&mut self) -> Body {
        let mut packed = rmp_serde::to_vec_named(&self.raise).expect("it encodes");
        if self.seeded.one_in(3) {
            let length = self.seeded.below(200);
            packed = self.seeded.bytes(length);
        } else {
            // A byte that is neither MessagePack nor UTF-8.
            let place = self.seeded.below(packed.len());
            packed[place] = 0xc1;
        }
        by_engineer(PACKED_ORDER, &packed)
    }

    /// A raise that a trusted key has signed, with a warrant that is not what the leads signed.
    fn warrant(&mut self) -> Body {
        let [mut carried, other] = self.warrants.clone();
        match self.seeded.below(7) {
            0 => carried["payload"] = other["payload"].clone(),
            1 => carried["signatures"] = other["signatures"].clone(),
            2 => carried["signatures"][0] = other["signatures"][0].clone(),
            3 => carried["payloadType"] = json!(self.of(&[ORDER, PACKED_ORDER, PACKED_WARRANT])),
            4 => {
                let signature = carried["signatures"][1]["sig"].clone();
                carried["signatures"][0]["sig"] = signature;
            }
            5 => self.flip_under(&mut carried, "/payload"),
            _ => self.flip_under(&mut carried, "/signatures/1/sig"),
        }
        self.raise_with(carried)
    }

    /// A warrant that is signed well, and by the wrong people or for something that there is not.
    fn lesser_warrant(&mut self) -> Body {
        let lead: &Person = self.of(&[&CAST.security, &CAST.platform, &CAST.stranger]);
        let second: &Person = self.of(&[&CAST.stranger, &CAST.colleague]);
        let terms = match self.seeded.below(5) {
            0 => json!({}),
            1 => json!({"approvers": [lead.approver()]}),
            2 => json!({"after": u64::MAX}),
            3 => json!({"ramp": {"percent": 1e300}}),
            _ => json!({"approvers": [lead.approver(), second.approver()]}),
        };
        let carried = people::sign(WARRANT, &permission(terms), &[lead, second]);
        self.raise_with(carried)
    }

    fn noise(&mut self) -> Body {
        let length = match self.seeded.below(50) {
            0 => 70_000,
            _ => self.seeded.below(300),
        };
        let bytes = self.seeded.bytes(length);
        (self.of(&[ENVELOPE, JSON_ORDER, MSGPACK_ORDER]), bytes)
    }

    fn raise_with(&self, carried: Value) -> Body {
        let order = with(self.raise.clone(), json!({"warrant": carried}));
        body(&signed(&order))
    }
}

/// A document in which a member comes twice, first with this value.
pub(super) fn twice(document: &Value, member: &str, value: &Value) -> Vec<u8> {
    let text = document.to_string();
    format!("{{\"{member}\":{value},{}", &text[1..]).into_bytes()
}

fn body(envelope: &Value) -> Body {
    (ENVELOPE, envelope.to_string().into_bytes())
}

/// What a trusted key has signed, whatever it is.
fn by_engineer(kind: &str, payload: &[u8]) -> Body {
    body(&people::seal(kind, payload, &[&CAST.engineer]))
}
