//! What all workers of a proxy have counted of one rollout since it started.
//!
//! Records lie on shelves: shared data knows no delete, so a key for each rollout would be left behind
//! by each that is renamed. A shelf is written anew with every fold, many times a second, so it is
//! bytes in the simplest form and not a document.

use breakglass_policy::{
    ArmTally, Entity, Generation, Name, Redactions, Tallies, Timestamp, WorkerId, limits,
};

/// One rollout's record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Record {
    /// What was counted, summed over workers.
    pub(crate) sums: Tallies,
    /// What the judge makes of it, where there is one.
    pub(crate) judged: Option<Judged>,
}

/// A trial, shared between workers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Judged {
    /// Of what it is a trial.
    pub(crate) identity: u64,
    /// The generation in force when it began.
    pub(crate) began: Generation,
    /// The generation of the kill that ended it, whoever gave it.
    pub(crate) ended: Option<Generation>,
    /// When a worker looked last, and which.
    pub(crate) looked_at: Timestamp,
    pub(crate) looked_by: WorkerId,
    /// As much of the sums as the trial has seen, or is not to see.
    pub(crate) seen: Tallies,
    pub(crate) trip: Option<Trip>,
    /// The trial itself, as it encodes itself.
    pub(crate) trial: Vec<u8>,
}

/// That a trial has tripped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trip {
    pub(crate) at: Timestamp,
    /// Of the kill.
    pub(crate) generation: Generation,
}

/// The records of the rollouts whose names fall together, the last written last.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    records: Vec<(Box<[u8]>, Vec<u8>)>,
}

/// Reads bytes from the front.
#[derive(Clone, Copy, Debug)]
struct Reader<'a> {
    rest: &'a [u8],
}

// === impl Shelf ===

impl Shelf {
    /// The number of the shelf on which a rollout's record lies.
    pub(super) fn number(rollout: &Name) -> u64 {
        // FNV-1a: the same in every build that may share the data.
        let hash = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        let hash = rollout.as_str().bytes().fold(0xcbf2_9ce4_8422_2325, hash);
        hash.checked_rem(SHELVES).unwrap_or(0)
    }

    /// A shelf that cannot be read begins anew: counts are evidence, not a state that binds.
    pub(super) fn decode(bytes: &[u8]) -> Self {
        let mut reader = Reader { rest: bytes };
        let mut records = Vec::new();
        while !reader.rest.is_empty() {
            let Some((name, record)) = reader.bytes().zip(reader.bytes()) else {
                return Self::default();
            };
            records.push((name.into(), record.to_vec()));
        }
        Self { records }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (name, record) in &self.records {
            write_bytes(&mut bytes, name);
            write_bytes(&mut bytes, record);
        }
        bytes
    }

    pub(super) fn get(&self, rollout: &Name) -> Record {
        let is_ours = |(name, _): &&(Box<[u8]>, Vec<u8>)| **name == *rollout.as_str().as_bytes();
        let ours = self.records.iter().find(is_ours);
        ours.and_then(|(_, record)| Record::decode(record))
            .unwrap_or_default()
    }

    /// Puts a record in its place. Of the rollouts that are not `named` any more the longest unwritten
    /// go.
    pub(super) fn put(&mut self, rollout: &Name, record: &Record, named: impl Fn(&[u8]) -> bool) {
        let name = rollout.as_str().as_bytes();
        self.records.retain(|(other, _)| **other != *name);
        if self.records.len() > limits::FORGOTTEN_TALLIES {
            let orphans = self.records.iter().filter(|(other, _)| !named(other));
            let mut surplus = orphans.count().saturating_sub(limits::FORGOTTEN_TALLIES);
            self.records.retain(|(other, _)| {
                let goes = surplus > 0 && !named(other);
                surplus = surplus.saturating_sub(usize::from(goes));
                !goes
            });
        }
        self.records.push((name.into(), record.encode()));
    }
}

// === impl Record ===

impl Record {
    /// Adds what one worker counted.
    pub(crate) fn add(&mut self, news: &Tallies) {
        add(&mut self.sums.stable, &news.stable);
        add(&mut self.sums.canary, &news.canary);
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader { rest: bytes };
        if reader.number()? != FORMAT {
            return None;
        }
        let sums = reader.tallies()?;
        let judged = match reader.number()? {
            0 => None,
            _ => Some(reader.judged()?),
        };
        reader.rest.is_empty().then_some(Self { sums, judged })
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        write_number(&mut bytes, FORMAT);
        write_tallies(&mut bytes, &self.sums);
        write_number(&mut bytes, self.judged.is_some().into());
        if let Some(judged) = &self.judged {
            judged.write(&mut bytes);
        }
        bytes
    }
}

// === impl Judged ===

impl Judged {
    fn write(&self, bytes: &mut Vec<u8>) {
        write_number(bytes, self.identity);
        write_number(bytes, self.began.get());
        write_optional(bytes, self.ended);
        write_number(bytes, self.looked_at.millis());
        write_number(bytes, self.looked_by.0);
        write_tallies(bytes, &self.seen);
        write_optional(bytes, self.trip.map(|trip| trip.generation));
        write_number(bytes, self.trip.map_or(0, |trip| trip.at.millis()));
        write_bytes(bytes, &self.trial);
    }
}

/// Adds up, with a bound on how many entities are told apart: each new policy may define others.
fn add(sums: &mut ArmTally, news: &ArmTally) {
    let all = sums.redactions.len().saturating_add(news.redactions.len());
    if all <= limits::TALLIED_ENTITIES {
        return sums.add(news);
    }
    let known = news.redactions.iter();
    let known = known.filter(|(entity, _)| sums.redactions.get(entity).is_some());
    let known = known.map(|(entity, redactions)| (entity.clone(), *redactions));
    let known = ArmTally {
        redactions: known.collect(),
        ..news.clone()
    };
    sums.add(&known);
}

// === impl Reader ===

impl<'a> Reader<'a> {
    /// A number of 7 bits a byte, the lowest first; the high bit says that another byte follows.
    fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..u64::BITS).step_by(7) {
            let (byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            number |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (bytes, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(bytes)
    }

    /// A generation, or that there is none.
    fn optional(&mut self) -> Option<Option<Generation>> {
        match self.number()?.checked_sub(1) {
            Some(number) => Generation::new(number).map(Some),
            None => Some(None),
        }
    }

    fn judged(&mut self) -> Option<Judged> {
        let identity = self.number()?;
        let began = Generation::new(self.number()?)?;
        let ended = self.optional()?;
        let looked_at = Timestamp::from_millis(self.number()?);
        let looked_by = WorkerId(self.number()?);
        let seen = self.tallies()?;
        let tripped = self.optional()?;
        let at = Timestamp::from_millis(self.number()?);
        Some(Judged {
            identity,
            began,
            ended,
            looked_at,
            looked_by,
            seen,
            trip: tripped.map(|generation| Trip { at, generation }),
            trial: self.bytes()?.to_vec(),
        })
    }

    fn tallies(&mut self) -> Option<Tallies> {
        Some(Tallies {
            stable: self.arm()?,
            canary: self.arm()?,
        })
    }

    fn arm(&mut self) -> Option<ArmTally> {
        let mut arm = ArmTally {
            requests: self.number()?,
            answers: self.number()?,
            errors: self.number()?,
            slow_first_byte: self.number()?,
            slow: self.number()?,
            unscanned: self.number()?,
            ..ArmTally::default()
        };
        for _ in 0..self.number()? {
            let name = std::str::from_utf8(self.bytes()?).ok()?;
            let redactions = Redactions {
                answers: self.number()?,
                found: self.number()?,
            };
            arm.redactions.insert(Entity::new(name)?, redactions);
        }
        Some(arm)
    }
}

fn write_tallies(bytes: &mut Vec<u8>, tallies: &Tallies) {
    for arm in [&tallies.stable, &tallies.canary] {
        let numbers = [
            arm.requests,
            arm.answers,
            arm.errors,
            arm.slow_first_byte,
            arm.slow,
            arm.unscanned,
        ];
        for number in numbers {
            write_number(bytes, number);
        }
        write_length(bytes, arm.redactions.len());
        for (entity, redactions) in arm.redactions.iter() {
            write_bytes(bytes, entity.as_str().as_bytes());
            write_number(bytes, redactions.answers);
            write_number(bytes, redactions.found);
        }
    }
}

fn write_optional(bytes: &mut Vec<u8>, generation: Option<Generation>) {
    let number = generation.map_or(0, |generation| generation.get().saturating_add(1));
    write_number(bytes, number);
}

fn write_bytes(bytes: &mut Vec<u8>, written: &[u8]) {
    write_length(bytes, written.len());
    bytes.extend_from_slice(written);
}

fn write_length(bytes: &mut Vec<u8>, length: usize) {
    write_number(bytes, u64::try_from(length).unwrap_or(u64::MAX));
}

fn write_number(bytes: &mut Vec<u8>, number: u64) {
    let mut rest = number;
    while rest > 0x7f {
        bytes.push(u8::try_from(rest & 0x7f).unwrap_or(0) | 0x80);
        rest >>= 7;
    }
    bytes.push(u8::try_from(rest).unwrap_or(0));
}

/// So many that a thousand rollouts have one nearly each.
const SHELVES: u64 = 1_024;
/// Of records: one of another build begins anew.
const FORMAT: u64 = 1;
