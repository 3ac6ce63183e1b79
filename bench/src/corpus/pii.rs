//! Personal data of nobody: documentation examples with valid check digits.

use super::dice::Dice;

pub(super) fn sentence(dice: &mut Dice) -> &'static str {
    dice.pick(&SENTENCES)
}

const SENTENCES: [&str; 6] = [
    " You can reach Asha at asha.rao@example.com or on +91 98765 43210.",
    " The card on file is 4111 1111 1111 1111, valid until 12/27.",
    " Her Aadhaar number is 3123 4567 8909 and her PAN is ABCPE1234F.",
    " Please transfer it to IBAN DE89 3704 0044 0532 0130 00.",
    " The applicant's social security number is 536-90-4399.",
    " The last login came from 203.0.113.77, by jo.miller@example.org.",
];
