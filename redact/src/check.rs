//! Check digits, checksums and shapes, each from its standard: pure functions on clean characters.
//!
//! A caller has found a candidate, taken the separators out and changed the case where it does not
//! count. What is left is `digits` (ASCII digits only) or `upper` (ASCII capitals and digits). Every
//! function is total: what has the wrong length or other bytes is refused, never a fault.

mod america;
mod card;
mod crypto;
mod date;
mod elsewhere;
mod europe;
mod iban;
mod india;
mod keccak;
mod phone;
mod secret;
mod sum;
mod text;

#[cfg(test)]
mod cases;
#[cfg(test)]
mod tests;

pub(crate) use america::{aba_routing, ca_sin, us_itin, us_mbi, us_npi, us_ssn};
pub(crate) use card::{Issuer, card};
pub(crate) use crypto::{base58check, bech32_address, eip55};
pub(crate) use elsewhere::{
    au_abn, au_medicare, au_tfn, kr_rrn, kr_rrn_checked, sg_nric, th_tnin, za_id,
};
pub(crate) use europe::{
    de_id_card, de_tax_id, de_tax_id_check_only, es_nie, es_nif, fi_identity, it_fiscal_code,
    pl_pesel, se_personnummer, tr_national_id, uk_nhs, uk_nino,
};
pub(crate) use iban::{iban, iban_length, iban_prefix};
pub(crate) use india::{
    Gstin, aadhaar, gstin, ifsc, in_driving_licence, in_passport, in_state, in_vehicle, pan,
    upi_handle, vid, voter,
};
pub(crate) use phone::{e164, gb_national, in_mobile, nanp};
pub(crate) use secret::{Alphabet, secret_prefix};
