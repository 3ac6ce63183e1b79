//! Breakglass never traps by itself. Here is one that does: the built filter, in which one callback
//! begins with `unreachable`.

use breakglass_examples::UNIT_HEADER;
use breakglass_examples::stack::filter_module;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{HeaderMap, Request};

use crate::client::Client;
use crate::policy::PATH;

/// The filter, but that a request with trailers is its death.
pub(super) fn build() -> Vec<u8> {
    let module = std::fs::read(filter_module().unwrap()).unwrap();
    begin_with_unreachable(&module, "proxy_on_request_trailers")
}

/// Sends a request with trailers; the status of its answer, if there is one.
pub(super) async fn die(client: &mut Client) -> Option<u16> {
    let trailers = async { Some(Ok(HeaderMap::from_iter([trailer()]))) };
    let body = Full::new(Bytes::from("{}")).with_trailers(trailers);
    let request = Request::post(PATH)
        .header("content-type", "application/json")
        .header(UNIT_HEADER, "somebody");
    let request = request.body(body.boxed_unsync()).unwrap();
    client.ask(request).await.ok().map(|answer| answer.status)
}

fn trailer() -> (hyper::header::HeaderName, hyper::header::HeaderValue) {
    let name = hyper::header::HeaderName::from_static("x-end");
    (name, hyper::header::HeaderValue::from_static("1"))
}

/// The module with an instruction more, in the function that it exports by this name.
fn begin_with_unreachable(module: &[u8], export: &str) -> Vec<u8> {
    let sections = sections(module);
    let of = |id: u8| {
        let found = sections.iter().find(|(section, _)| *section == id);
        Reader(found.map_or(&[], |(_, content)| content))
    };
    let function = exported(of(EXPORTS), export) - imported(of(IMPORTS));

    let mut changed = MAGIC.to_vec();
    for (id, content) in &sections {
        let content = match *id {
            CODE => with_unreachable(Reader(content), function),
            _ => content.to_vec(),
        };
        changed.push(*id);
        changed.extend(number(content.len()));
        changed.extend(content);
    }
    changed
}

fn sections(module: &[u8]) -> Vec<(u8, &[u8])> {
    let mut reader = Reader(module);
    assert_eq!(reader.take(MAGIC.len()), MAGIC, "no WebAssembly");
    let mut sections = Vec::new();
    while !reader.0.is_empty() {
        let (id, size) = (reader.byte(), reader.number());
        sections.push((id, reader.take(size)));
    }
    sections
}

/// How many functions are imported: their numbers come first.
fn imported(mut imports: Reader<'_>) -> usize {
    let count = imports.number();
    let of_function = |imports: &mut Reader<'_>| {
        for _ in 0..2 {
            let length = imports.number();
            imports.take(length);
        }
        // The filter imports nothing else; the type follows.
        assert_eq!(imports.byte(), FUNCTION, "an import that is no function");
        imports.number();
    };
    (0..count).for_each(|_| of_function(&mut imports));
    count
}

fn exported(mut exports: Reader<'_>, name: &str) -> usize {
    for _ in 0..exports.number() {
        let length = exports.number();
        let found = exports.take(length);
        let (kind, index) = (exports.byte(), exports.number());
        if (found, kind) == (name.as_bytes(), FUNCTION) {
            return index;
        }
    }
    panic!("the filter exports no {name}");
}

fn with_unreachable(mut code: Reader<'_>, function: usize) -> Vec<u8> {
    let count = code.number();
    let mut changed = number(count);
    for index in 0..count {
        let size = code.number();
        let body = code.take(size);
        if index != function {
            changed.extend(number(size));
            changed.extend(body);
            continue;
        }
        let mut rest = Reader(body);
        for _ in 0..rest.number() {
            // So many locals of one type, each a byte here.
            rest.number();
            rest.byte();
        }
        let locals = &body[..body.len() - rest.0.len()];
        changed.extend(number(size + 1));
        changed.extend([locals, &[UNREACHABLE], rest.0].concat());
    }
    changed
}

/// A number as the format has it (LEB128).
fn number(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        bytes.push(if value == 0 { low } else { low | 0x80 });
        if value == 0 {
            return bytes;
        }
    }
}

struct Reader<'a>(&'a [u8]);

// === impl Reader ===

impl<'a> Reader<'a> {
    fn take(&mut self, size: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(size);
        self.0 = rest;
        taken
    }

    fn byte(&mut self) -> u8 {
        self.take(1)[0]
    }

    fn number(&mut self) -> usize {
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = self.byte();
            value |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return value;
            }
            shift += 7;
        }
    }
}

const MAGIC: &[u8] = b"\0asm\x01\0\0\0";
const IMPORTS: u8 = 2;
const EXPORTS: u8 = 7;
const CODE: u8 = 10;
/// The kind of an import or export.
const FUNCTION: u8 = 0;
const UNREACHABLE: u8 = 0;
