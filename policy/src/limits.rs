//! Every limit of the documents and of the hot path, each with its reason.

use std::time::Duration;

/// Rollouts in one policy. Each costs metrics and shared state; a thousand is the design load.
pub const ROLLOUTS: usize = 4_096;
/// Bytes of a policy document. A proxy keeps it in every worker.
pub const POLICY_BYTES: usize = 8 << 20;
/// Bytes of an order, of a warrant, and of an envelope. The longest order has a full ramp and carries
/// a warrant with another: below 48 KiB.
pub const ORDER_BYTES: usize = 64 << 10;
/// Signatures of an envelope; each costs a worker a fraction of a millisecond.
pub const SIGNATURES: usize = 16;
/// Bytes of the id of a key in a signature, which refusals and logs repeat.
pub const KEYID_BYTES: usize = 256;
/// Trusted keys of a policy.
pub const TRUSTED_KEYS: usize = 64;
/// Sets of roles that may raise exposure.
pub const RAISE_SETS: usize = 16;
/// Units that a warrant lets be pinned to the canary: those of testers, not of customers.
pub const APPROVED_PINS: usize = 64;
/// How long after it was issued a signed order is obeyed: a captured one is soon worth nothing.
pub const ORDER_LIFETIME: Duration = Duration::from_secs(10 * 60);
/// How far ahead of the proxy's clock the operator's may be.
pub const CLOCK_SKEW: Duration = Duration::from_secs(60);
/// Steps of a ramp, given or in force. The join of two ramps may have more steps than either; in
/// shared state it stops growing here, so that repeated pushes cannot lengthen it without end. One
/// limit for both, because a control that a proxy reports must be fit for the next policy.
pub const RAMP_STEPS: usize = 256;
/// Bytes of a name (policy, rollout, cluster, key, role, entity): names become metric labels.
pub const NAME_BYTES: usize = 64;
/// Bytes of a version label, a header value or a path prefix in a policy.
pub const TEXT_BYTES: usize = 1_024;
/// Bytes of a salt.
pub const SALT_BYTES: usize = 256;
/// Conditions on headers, header edits or body edits of one match or arm.
pub const EDITS: usize = 32;
/// Entities that one rollout defines. Each is a metric per rollout, arm, direction and action.
pub const DEFINED_ENTITIES: usize = 32;
/// Entities that a judge compares one by one where the policy names none, first found first. Each costs
/// 200 bytes of shared state; the last one trips only on four thousand times the evidence of the first
/// alone, so that more would be no help.
pub const JUDGED_ENTITIES: usize = 64;
/// Literals and shapes of one defined entity. All that may begin with the byte at hand are tried at
/// the beginning of every word.
pub const PATTERNS: usize = 256;
/// Characters of a literal or shape. A shorter one would be found everywhere; the text of a longer
/// one could not be held back until it is certain.
pub const PATTERN_CHARS: std::ops::RangeInclusive<usize> = 4..=64;
/// Sources of a unit; they are tried in turn for every request.
pub const UNIT_SOURCES: usize = 8;
/// Pinned units of one arm.
pub const PINS: usize = 10_000;
/// Bytes of a unit. Longer ones do not identify anybody; such a request has no unit.
pub const UNIT_BYTES: usize = 1_024;
/// Bytes of the JWT that a unit is read from; longer ones are not decoded.
pub const JWT_BYTES: usize = 16 << 10;
/// Bytes of a request body that is held for a JSON edit; a longer one is refused with 413.
pub const EDITED_BODY_BYTES: usize = 1 << 20;
/// Objects and lists within each other in a MessagePack document, as many as the JSON reader allows:
/// no document may exhaust the stack of a worker.
pub const DEPTH: usize = 128;
/// The largest generation: every JSON reader holds it exactly (2^53 - 1).
pub const GENERATION: u64 = (1 << 53) - 1;
/// How far an order may raise the generation at once: one order must not use them up, for nobody could
/// re-arm after the last.
pub const GENERATION_JUMP: u64 = 1 << 20;
/// Controls kept of rollouts that no policy in force names any more, newest first. They are kept so
/// that a rollout that comes back finds its kill; without a bound, renaming would grow the state.
pub const FORGOTTEN_CONTROLS: usize = 1_024;
/// Entities that are told apart in the tallies of one arm. Those that are built in and those of one
/// policy are fewer; the policies of a proxy's life may define others again and again.
pub const TALLIED_ENTITIES: usize = 128;
/// Tallies kept of rollouts that no policy in force names any more, on each of the shelves over which
/// a worker spreads them; the longest unwritten go first.
pub const FORGOTTEN_TALLIES: usize = 2;
/// Epochs that one worker remembers having seen, for receipts.
pub const ACKNOWLEDGEMENTS: usize = 16;
/// Virtual machines listed in the roster; the longest silent leave first.
pub const WORKERS: usize = 512;
