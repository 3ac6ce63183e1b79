//! Chance from a seed, and the small things that are made of it.

/// SplitMix64: a few lines, good enough for text, the same everywhere.
#[derive(Debug)]
pub(super) struct Rng(u64);

impl Rng {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// A number from `first` to `last`.
    pub(super) fn range(&mut self, first: u64, last: u64) -> u64 {
        first + self.below(last - first + 1)
    }

    /// True once in `times`.
    pub(super) fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }

    /// So many characters of `alphabet`.
    pub(super) fn text(&mut self, alphabet: &str, length: u64) -> String {
        let alphabet = alphabet.as_bytes();
        (0..length)
            .map(|_| char::from(self.pick(alphabet)))
            .collect()
    }

    /// A number of so many digits; the first one is not 0.
    pub(super) fn digits(&mut self, length: u64) -> String {
        self.text("123456789", 1) + &self.text("0123456789", length - 1)
    }

    pub(super) fn hex(&mut self, length: u64) -> String {
        self.text("0123456789abcdef", length)
    }

    pub(super) fn base64(&mut self, length: u64) -> String {
        self.text(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
            length,
        )
    }

    pub(super) fn base62(&mut self, length: u64) -> String {
        self.text(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
            length,
        )
    }

    /// Crockford's base 32, as ULIDs have it.
    pub(super) fn base32(&mut self, length: u64) -> String {
        self.text("0123456789ABCDEFGHJKMNPQRSTVWXYZ", length)
    }

    pub(super) fn uuid(&mut self) -> String {
        let variant = self.pick(&['8', '9', 'a', 'b']);
        let (a, b, c) = (self.hex(8), self.hex(4), self.hex(3));
        format!("{a}-{b}-4{c}-{variant}{}-{}", self.hex(3), self.hex(12))
    }

    /// A noun; now and then one of those that PII is told by: ten times as often as in the sources
    /// of a cargo registry.
    pub(super) fn word(&mut self) -> &'static str {
        match self.once_in(200) {
            true => self.pick(CONTEXT_WORDS),
            false => self.pick(WORDS),
        }
    }

    /// A name as programs have them.
    pub(super) fn ident(&mut self) -> String {
        let (a, b) = (self.word(), self.word());
        match self.below(4) {
            0 => a.to_owned(),
            1 => format!("{a}{}{}", b[..1].to_uppercase(), &b[1..]),
            2 => format!("{a}_{}", self.below(100)),
            _ => format!("{a}_{b}"),
        }
    }

    pub(super) fn semver(&mut self) -> String {
        let (major, minor, patch) = (self.below(30), self.below(60), self.below(40));
        match self.below(6) {
            0 => format!("{major}.{minor}.{patch}-rc.{}", self.below(9)),
            1 => format!("{major}.{minor}"),
            2 => format!("{major}.{minor}.{patch}+{}", self.hex(7)),
            _ => format!("{major}.{minor}.{patch}"),
        }
    }

    pub(super) fn date(&mut self) -> String {
        let (year, month, day) = (self.range(1998, 2031), self.range(1, 12), self.range(1, 28));
        format!("{year}-{month:02}-{day:02}")
    }

    pub(super) fn time(&mut self) -> String {
        let (hour, minute, second) = (self.below(24), self.below(60), self.below(60));
        format!("{hour:02}:{minute:02}:{second:02}")
    }

    /// RFC 3339 with one of its fractions and zones.
    pub(super) fn timestamp(&mut self) -> String {
        let (date, time) = (self.date(), self.time());
        let fraction = self.pick(&[0, 3, 6, 9]);
        let fraction = match fraction {
            0 => String::new(),
            length => format!(".{}", self.text("0123456789", length)),
        };
        let zone = self.pick(&["Z", "Z", "+00:00", "+05:30", "-08:00", "+0530"]);
        format!("{date}T{time}{fraction}{zone}")
    }

    /// Seconds since 1970, in a year that logs are of.
    pub(super) fn epoch(&mut self) -> u64 {
        self.range(1_500_000_000, 1_893_456_000)
    }

    /// The same in seconds, milli-, micro- or nanoseconds.
    pub(super) fn epoch_in_some_unit(&mut self) -> String {
        let length = self.pick(&[0, 3, 3, 6, 9]);
        format!("{}{}", self.epoch(), self.text("0123456789", length))
    }

    pub(super) fn decimal(&mut self) -> String {
        let (whole, places) = (self.range(1, 7), self.range(1, 9));
        let sign = self.pick(&["", "", "-"]);
        format!(
            "{sign}{}.{}",
            self.digits(whole),
            self.text("0123456789", places)
        )
    }

    pub(super) fn price(&mut self) -> String {
        let (a, b, cents) = (self.range(1, 999), self.below(1000), self.below(100));
        match self.below(4) {
            0 => format!("${a}.{cents:02}"),
            1 => format!("${a},{b:03}.{cents:02}"),
            2 => format!(
                "₹{},{:02},{b:03}.{cents:02}",
                self.range(1, 99),
                self.below(100)
            ),
            _ => format!("{a}.{b:03},{cents:02} €"),
        }
    }

    /// One of the words that PII is told by.
    pub(super) fn context_word(&mut self) -> &'static str {
        self.pick(CONTEXT_WORDS)
    }

    /// An id as some system or other makes them.
    pub(super) fn id(&mut self) -> String {
        match self.below(12) {
            0 => self.uuid(),
            1 => self.hex(40),
            2 => self.hex(7),
            3 => format!("01{}", self.base32(24)),
            4 => self.base62(22),
            5 => self.hex(32),
            6 => self.hex(16),
            7 => format!("req_{}", self.base62(24)),
            8 => format!("Qm{}", self.text(BASE58, 44)),
            9 => format!("{}_{}", self.word(), self.base62(14)),
            10 => format!("{}-{}", self.word(), self.hex(10)),
            _ => self.id_of_digits(),
        }
    }

    /// An id of digits only: counters, times in ids, and now and then mere chance.
    pub(super) fn id_of_digits(&mut self) -> String {
        match self.below(40) {
            0 => {
                let length = self.range(8, 20);
                self.digits(length)
            }
            // Snowflakes: milliseconds since some year, shifted; 18 or 19 digits.
            1..=6 => format!("1{}", self.digits(17 + self.0 % 2)),
            7..=12 => self.epoch_in_some_unit(),
            13..=16 => self.date().replace('-', "") + &self.time().replace(':', ""),
            _ => {
                let length = self.range(4, 8);
                self.digits(length)
            }
        }
    }
}

const BASE58: &str = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// Words without a number that belongs to them.
const WORDS: &[&str] = &[
    "adapter", "array", "balance", "batch", "block", "buffer", "cache", "channel", "check",
    "chunk", "client", "cluster", "code", "column", "config", "count", "cursor", "delta", "device",
    "digest", "disk", "driver", "event", "field", "filter", "frame", "gateway", "handle", "hash",
    "header", "index", "input", "item", "job", "key", "label", "lease", "level", "limit", "mask",
    "memory", "message", "metric", "model", "mode", "network", "node", "offset", "order", "packet",
    "page", "parser", "pipe", "policy", "port", "price", "queue", "rate", "record", "region",
    "request", "result", "retry", "risk", "route", "row", "schema", "score", "sector", "session",
    "shard", "share", "signal", "size", "slot", "source", "state", "status", "stream", "string",
    "table", "task", "tenant", "thread", "ticket", "token", "trace", "transfer", "user", "value",
    "vector", "version", "view", "weight", "window", "worker", "zone",
];

/// Words that stand beside PII as well as in names of functions.
const CONTEXT_WORDS: &[&str] = &[
    "account", "bank", "call", "card", "credit", "debit", "health", "id", "licence", "number",
    "pan", "passport", "patient", "payment", "phone", "social", "tax", "vehicle", "voter",
];
