//! Keccak-256, the hash that Ethereum took before FIPS 202 changed the padding.

/// The hash of a message of one block, which is at most 135 bytes; `None` for longer ones.
pub(super) fn keccak256(message: &[u8]) -> Option<[u8; 32]> {
    let mut block = [0; RATE];
    block.get_mut(..message.len())?.copy_from_slice(message);
    // The padding: a 1 after the message, a 1 at the end of the block.
    *block.get_mut(message.len())? ^= 0x01;
    block[RATE - 1] ^= 0x80;
    let mut lanes: Lanes = [0; 25];
    for (lane, bytes) in lanes.iter_mut().zip(block.as_chunks().0) {
        *lane = u64::from_le_bytes(*bytes);
    }
    permute(&mut lanes);
    let mut hash = [0; 32];
    for (bytes, lane) in hash.as_chunks_mut().0.iter_mut().zip(lanes) {
        *bytes = lane.to_le_bytes();
    }
    Some(hash)
}

/// Five by five words of 64 bits: `x + 5 * y`.
type Lanes = [u64; 25];

/// Bytes of message in a block: 1600 bits less twice the 256 of the hash.
const RATE: usize = 136;

/// Keccak-f[1600] (FIPS 202, section 3).
#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "every index is below 5, below 25 by the sum of such, or out of PI, which holds 1 to 24"
)]
fn permute(lanes: &mut Lanes) {
    for round in ROUNDS {
        // Theta: each column takes up the parity of its neighbours.
        let mut parity = [0; 5];
        for (x, parity) in parity.iter_mut().enumerate() {
            *parity = (0..5).fold(0, |parity, y| parity ^ lanes[x + 5 * y]);
        }
        for (at, lane) in lanes.iter_mut().enumerate() {
            *lane ^= parity[(at + 4) % 5] ^ parity[(at + 1) % 5].rotate_left(1);
        }
        // Rho and pi: each lane turns, by the triangular numbers, and moves on to the next place.
        let mut moved = lanes[1];
        let mut turn = 0;
        for (step, at) in (1..).zip(PI) {
            turn += step;
            moved = std::mem::replace(&mut lanes[usize::from(at)], moved.rotate_left(turn % 64));
        }
        // Chi: the only step that is not linear, row by row.
        for row in lanes.as_chunks_mut::<5>().0 {
            let before = *row;
            for (x, lane) in row.iter_mut().enumerate() {
                *lane ^= !before[(x + 1) % 5] & before[(x + 2) % 5];
            }
        }
        // Iota.
        lanes[0] ^= round;
    }
}

/// Where the lanes go, each to the place of the next one, from lane 1 on.
const PI: [u8; 24] = [
    10, 7, 11, 17, 18, 3, 5, 16, 8, 21, 24, 4, 15, 23, 19, 13, 12, 2, 20, 14, 22, 9, 6, 1,
];

/// What iota adds, a round each.
const ROUNDS: [u64; 24] = [
    0x0000_0000_0000_0001,
    0x0000_0000_0000_8082,
    0x8000_0000_0000_808a,
    0x8000_0000_8000_8000,
    0x0000_0000_0000_808b,
    0x0000_0000_8000_0001,
    0x8000_0000_8000_8081,
    0x8000_0000_0000_8009,
    0x0000_0000_0000_008a,
    0x0000_0000_0000_0088,
    0x0000_0000_8000_8009,
    0x0000_0000_8000_000a,
    0x0000_0000_8000_808b,
    0x8000_0000_0000_008b,
    0x8000_0000_0000_8089,
    0x8000_0000_0000_8003,
    0x8000_0000_0000_8002,
    0x8000_0000_0000_0080,
    0x0000_0000_0000_800a,
    0x8000_0000_8000_000a,
    0x8000_0000_8000_8081,
    0x8000_0000_0000_8080,
    0x0000_0000_8000_0001,
    0x8000_0000_8000_8008,
];
