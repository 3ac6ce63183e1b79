//! Addresses of cryptocurrencies.

use sha2::{Digest, Sha256};

use super::keccak::keccak256;

/// A Bitcoin address of a key or of a script, of the main or of the test network: base58 of a
/// version, 20 bytes, and four bytes of their double SHA-256.
pub(crate) fn base58check(text: &[u8]) -> bool {
    // Shorter than 26 no version and hash are; longer than 35 overflows.
    if !(26..=35).contains(&text.len()) {
        return false;
    }
    let mut address = [0u8; 25];
    for &byte in text {
        let Some(value) = BASE58.iter().position(|&known| known == byte) else {
            return false;
        };
        let mut carry = value as u32;
        for byte in address.iter_mut().rev() {
            carry = carry.wrapping_add(u32::from(*byte).wrapping_mul(58));
            *byte = (carry & 0xff) as u8;
            carry >>= 8;
        }
        if carry != 0 {
            return false;
        }
    }
    // A leading zero byte is written as one 1, so that each address has one text.
    let zeros = address.iter().take_while(|&&byte| byte == 0).count();
    let ones = text.iter().take_while(|&&byte| byte == b'1').count();
    let (body, check) = address.split_at(21);
    zeros == ones
        && matches!(address[0], 0x00 | 0x05 | 0x6f | 0xc4)
        && Sha256::digest(Sha256::digest(body)).starts_with(check)
}

/// A Bitcoin address with a witness program, of the main or of the test network: bech32 of version
/// 0 (BIP 173), bech32m of later ones (BIP 350).
pub(crate) fn bech32_address(text: &[u8]) -> bool {
    let upper = text.iter().any(u8::is_ascii_uppercase);
    let lower = text.iter().any(u8::is_ascii_lowercase);
    let Some((&[first, second, b'1'], data)) = text.split_first_chunk() else {
        return false;
    };
    let network = [first, second].map(|byte| byte.to_ascii_lowercase());
    if (upper && lower) || text.len() > 90 || !matches!(&network, b"bc" | b"tb") {
        return false;
    }
    let Some((program, _check)) = data.split_last_chunk::<6>() else {
        return false;
    };
    let high = network.map(|byte| byte >> 5);
    let low = network.map(|byte| byte & 0x1f);
    let name = high.into_iter().chain([0]).chain(low);
    let mut sum = name.fold(1, bech32_step);
    for &byte in data {
        let Some(value) = bech32_value(byte) else {
            return false;
        };
        sum = bech32_step(sum, value);
    }
    let Some((&version, program)) = program.split_first() else {
        return false;
    };
    match bech32_value(version) {
        Some(0) => sum == 1 && matches!(bech32_bytes(program), Some(20 | 32)),
        Some(1..=16) => sum == BECH32M && matches!(bech32_bytes(program), Some(2..=40)),
        _ => false,
    }
}

/// The 40 hexadecimal digits of an Ethereum address, after the 0x. In one case they carry no
/// checksum; in both, the capitals are the checksum (EIP-55).
pub(crate) fn eip55(hex40: &[u8]) -> bool {
    let Ok(address) = <&[u8; 40]>::try_from(hex40) else {
        return false;
    };
    if !address.iter().all(u8::is_ascii_hexdigit) {
        return false;
    }
    let upper = address.iter().any(u8::is_ascii_uppercase);
    let lower = address.iter().any(u8::is_ascii_lowercase);
    if !(upper && lower) {
        return true;
    }
    let Some(hash) = keccak256(&address.map(|byte| byte.to_ascii_lowercase())) else {
        return false;
    };
    let nibbles = hash.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]);
    address
        .iter()
        .zip(nibbles)
        .all(|(byte, nibble)| byte.is_ascii_digit() || byte.is_ascii_uppercase() == (nibble > 7))
}

fn bech32_value(byte: u8) -> Option<u8> {
    let byte = byte.to_ascii_lowercase();
    let value = BECH32.iter().position(|&known| known == byte)?;
    Some(value as u8)
}

/// How many bytes the groups of five bits make up, if what is left over is less than a group, and
/// zero.
fn bech32_bytes(program: &[u8]) -> Option<usize> {
    let bits = program.len().wrapping_mul(5);
    let over = bits % 8;
    let last = bech32_value(*program.last()?)?;
    let unused = [0, 0x01, 0x03, 0x07, 0x0f].get(over)?;
    (last & unused == 0).then_some(bits / 8)
}

/// Adds a value to the checksum, a polynomial over the field of 32 (BIP 173).
fn bech32_step(sum: u32, value: u8) -> u32 {
    let mut next = (sum & 0x01ff_ffff) << 5 ^ u32::from(value);
    for (bit, term) in BECH32_TERMS.iter().enumerate() {
        if sum.wrapping_shr(25).wrapping_shr(bit as u32) & 1 == 1 {
            next ^= term;
        }
    }
    next
}

const BASE58: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const BECH32: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const BECH32_TERMS: [u32; 5] = [
    0x3b6a_57b2,
    0x2650_8e6d,
    0x1ea1_19fa,
    0x3d42_33dd,
    0x2a14_62b3,
];

/// What the checksum of later versions comes to; that of version 0 comes to 1.
const BECH32M: u32 = 0x2bc8_30a3;
