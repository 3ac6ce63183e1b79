//! Logs.

use super::rng::Rng;

pub(super) fn block(rng: &mut Rng) -> Vec<String> {
    match rng.below(40) {
        0 => stack_trace(rng),
        1 => metrics(rng),
        2 => vec![format!(
            "{} assigned, priority {}",
            ticket(rng),
            rng.below(5)
        )],
        3 => vec![format!(
            "version {}.{}.{}.{} of {} installed",
            rng.range(1, 20),
            rng.below(10),
            rng.range(1000, 30_000),
            rng.below(4000),
            rng.word()
        )],
        4 => vec![format!(
            "{} {} not in cache",
            rng.word(),
            rng.id_of_digits()
        )],
        _ => vec![line(rng)],
    }
}

fn line(rng: &mut Rng) -> String {
    let (word, ident, level) = (
        rng.word(),
        rng.ident(),
        rng.pick(&["INFO", "WARN", "ERROR", "DEBUG"]),
    );
    let (pid, duration) = (rng.range(1, 4_194_304), rng.decimal().replace('-', ""));
    match rng.below(26) {
        0 => format!(
            "{} {level} {word}::{ident}: took {duration}ms id={}",
            rng.timestamp(),
            rng.id()
        ),
        1 => format!(
            "{{\"ts\":{},\"level\":\"{level}\",\"msg\":\"{word} {ident}\",\"trace_id\":\"{}\",\"span_id\":\"{}\"}}",
            rng.epoch_in_some_unit(),
            rng.hex(32),
            rng.hex(16)
        ),
        2 => format!(
            "{} {} {word}[{pid}]: {ident} exited, status={}",
            rng.pick(&["Jan", "Nov", "Mar"]),
            format_args!("{:2} {}", rng.range(1, 31), rng.time()),
            rng.below(256)
        ),
        3 => format!(
            "- - [{:02}/Mar/{}:{} +0000] \"GET /{word}/{} HTTP/1.1\" {} {} \"-\" \"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\"",
            rng.range(1, 28),
            rng.range(2000, 2030),
            rng.time(),
            rng.id(),
            rng.range(200, 599),
            rng.below(1 << 24)
        ),
        4 => format!(
            "level={} ts={} caller={word}.go:{} msg=\"{ident}\" err=\"context deadline exceeded\" attempt={}",
            level.to_lowercase(),
            rng.timestamp(),
            rng.range(1, 3000),
            rng.below(9)
        ),
        5 => format!(
            "[{}.{:06}] {word} {:04x}:{:02x}:{:02x}.{}: {ident} [mem 0x{}-0x{}]",
            rng.below(9_999_999),
            rng.below(1_000_000),
            rng.below(16),
            rng.below(256),
            rng.below(32),
            rng.below(8),
            rng.hex(8),
            rng.hex(8)
        ),
        6 => format!(
            "systemd[1]: Started user@{}.service - {word} Manager for UID {}.",
            rng.range(1000, 65_000),
            rng.range(1000, 65_000)
        ),
        7 => format!(
            "{level} c.e.{word}.{ident} - com.example.{ident}@{} closed after {pid} bytes",
            rng.hex(8)
        ),
        8 => format!(
            "I{:02}{:02} {}.{:06} {pid:7} {word}.cc:{}] {ident}",
            rng.range(1, 12),
            rng.range(1, 28),
            rng.time(),
            rng.below(1_000_000),
            rng.range(1, 3000)
        ),
        9 => format!(
            "{word}_total{{le=\"{}\",code=\"{}\"}} {} {}",
            rng.decimal(),
            rng.range(200, 599),
            rng.below(1 << 40),
            rng.epoch_in_some_unit()
        ),
        10 => format!(
            "kubelet: Pod \"{word}-{}-{}\" ({}) restarted {} times",
            rng.hex(10),
            rng.text("bcdfghjklmnpqrstvwxz2456789", 5),
            rng.uuid(),
            rng.below(100)
        ),
        11 => format!(
            "order {} {} by shard {}: {}",
            rng.id_of_digits(),
            rng.pick(&["accepted", "shipped", "lost"]),
            rng.below(64),
            rng.price()
        ),
        12 => format!(
            "GC({}) Pause Young {}M->{}M({}M) {duration}ms",
            rng.below(99_999),
            rng.below(9999),
            rng.below(9999),
            rng.below(99_999)
        ),
        13 => format!(
            "   Compiling {word} v{} ({}/{})",
            rng.semver(),
            rng.below(400),
            rng.below(400)
        ),
        14 => format!("test {word}::{ident} ... ok <{duration}s>"),
        15 => format!(
            "{} UTC [{pid}] LOG:  checkpoint complete: wrote {} buffers ({duration}%); lsn={:X}/{:X}",
            rng.timestamp(),
            rng.below(1 << 20),
            rng.below(1 << 16),
            rng.below(1 << 32)
        ),
        16 => format!(
            "offset={} partition={} lag={} key={}",
            rng.next() >> 20,
            rng.below(256),
            rng.below(1 << 30),
            rng.id()
        ),
        17 => format!(
            "uploaded {} of {} bytes ({} chunks) etag=\"{}\"",
            rng.below(1 << 40),
            rng.below(1 << 40),
            rng.below(9999),
            rng.hex(32)
        ),
        18 => format!(
            "amzn-trace: Root=1-{}-{};Sampled={}",
            rng.hex(8),
            rng.hex(24),
            rng.below(2)
        ),
        19 => format!(
            "listening on port {} with {} workers, build {} ({})",
            rng.range(1024, 65_535),
            rng.below(128),
            rng.hex(7),
            rng.date()
        ),
        20 => format!(
            "session {} {ident} rtt={duration}us cwnd={} mss={}",
            rng.id(),
            rng.below(999),
            rng.range(500, 9000)
        ),
        21 => format!(
            "{word}: {pid} kB, {} pages, oom_score {}",
            rng.below(1 << 28),
            rng.below(1001)
        ),
        22 => format!(
            "x-request-id: {}; date: Tue, {:02} Jan {} {} GMT; content-length: {}",
            rng.uuid(),
            rng.range(1, 28),
            rng.range(2000, 2030),
            rng.time(),
            rng.below(1 << 30)
        ),
        23 => format!(
            "{ident} at 0x{} size {} line {}:{}",
            rng.hex(12),
            rng.below(1 << 20),
            rng.below(9999),
            rng.below(200)
        ),
        24 => format!(
            "GET /{word} {} {duration}ms \"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/{}.0.0.0 Safari/537.36\"",
            rng.below(600),
            rng.range(80, 140)
        ),
        _ => format!("{level} {}", rng.id()),
    }
}

/// A ticket as service desks number them.
fn ticket(rng: &mut Rng) -> String {
    format!(
        "{}{:07}",
        rng.pick(&["INC", "CHG", "REQ", "PRB", "TASK"]),
        rng.below(100_000)
    )
}

fn stack_trace(rng: &mut Rng) -> Vec<String> {
    let mut lines = vec![format!(
        "thread '{}' ({}) panicked at src/{}.rs:{}:{}:",
        rng.word(),
        rng.below(99_999),
        rng.word(),
        rng.range(1, 2000),
        rng.range(1, 99)
    )];
    for depth in 0..rng.range(3, 9) {
        let (a, b, word) = (rng.ident(), rng.ident(), rng.word());
        lines.push(match rng.below(3) {
            0 => format!(
                "  {depth:2}: 0x{} - {word}::{a}::{b}::h{}",
                rng.hex(12),
                rng.hex(16)
            ),
            1 => format!(
                "\tat com.example.{word}.{a}$${b}({a}.java:{})",
                rng.range(1, 3000)
            ),
            _ => format!(
                "  File \"/srv/{word}/{a}.py\", line {}, in {b}",
                rng.range(1, 3000)
            ),
        });
    }
    lines
}

fn metrics(rng: &mut Rng) -> Vec<String> {
    let name = rng.ident();
    let mut lines = vec![format!("# TYPE {name}_seconds histogram")];
    for le in ["0.005", "0.01", "0.25", "1", "10", "+Inf"] {
        lines.push(format!(
            "{name}_seconds_bucket{{le=\"{le}\"}} {}",
            rng.below(1 << 36)
        ));
    }
    lines.push(format!(
        "{name}_seconds_sum {}",
        rng.decimal().replace('-', "")
    ));
    lines
}
