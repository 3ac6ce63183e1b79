//! Made-up personal data, nobody's, but with valid check digits; and the sentences that leak it.

/// A made-up value, and the entity that a detector should call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Datum {
    /// Named as Microsoft Presidio names it.
    pub entity: &'static str,
    pub text: &'static str,
}

/// A sentence with personal data in it.
#[derive(Clone, Copy, Debug)]
pub struct Sentence {
    /// What leads to each value, and the value.
    parts: &'static [(&'static str, Datum)],
    end: &'static str,
}

/// An e-mail address in the domain that RFC 2606 reserves for examples.
pub const EMAIL: Datum = Datum {
    entity: "EMAIL_ADDRESS",
    text: "asha.rao@example.com",
};

/// An Aadhaar-shaped number with a valid Verhoeff digit, as used in tests of PII detectors.
pub const AADHAAR: Datum = Datum {
    entity: "IN_AADHAAR",
    text: "3123 4567 8909",
};

/// The card number that payment providers publish for tests; its Luhn digit is valid.
pub const CARD: Datum = Datum {
    entity: "CREDIT_CARD",
    text: "4111 1111 1111 1111",
};

/// An Indian tax account number in shape: the fourth letter says that it is a person's.
pub const PAN: Datum = Datum {
    entity: "IN_PAN",
    text: "ABCPR1234Z",
};

/// A mobile number as Indian forms show it for an example.
pub const MOBILE: Datum = Datum {
    entity: "PHONE_NUMBER",
    text: "+91 98765 43210",
};

/// A UPI address at the handle of a bank.
pub const UPI_ID: Datum = Datum {
    entity: "IN_UPI_ID",
    text: "rao.asha@okaxis",
};

/// The access key that Amazon's documentation shows.
pub const API_KEY: Datum = Datum {
    entity: "SECRET",
    text: "AKIAIOSFODNN7EXAMPLE",
};

/// All of them.
pub const PERSONAL: [Datum; 7] = [EMAIL, AADHAAR, CARD, PAN, MOBILE, UPI_ID, API_KEY];

/// What a leaky agent says, one after the other. The e-mail address comes twice.
pub const SENTENCES: [Sentence; 5] = [
    Sentence {
        parts: &[
            ("The customer is Asha Rao, ", EMAIL),
            (", with the Aadhaar number ", AADHAAR),
        ],
        end: ", as you asked.",
    },
    Sentence {
        parts: &[
            ("I have charged the card ", CARD),
            (" again, and she answers at ", MOBILE),
        ],
        end: " in the evening.",
    },
    Sentence {
        parts: &[
            ("Her PAN is ", PAN),
            (" and the refund goes to the UPI id ", UPI_ID),
        ],
        end: " as always.",
    },
    Sentence {
        parts: &[("I wrote to ", EMAIL)],
        end: " once more.",
    },
    Sentence {
        parts: &[("The key that I use for this is ", API_KEY)],
        end: " by the way.",
    },
];

// === impl Sentence ===

impl Sentence {
    /// The sentence, written out.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (lead, datum) in self.parts {
            text.extend([lead, datum.text]);
        }
        text + self.end
    }

    /// The values in it.
    pub fn data(&self) -> impl Iterator<Item = Datum> {
        self.parts.iter().map(|&(_, datum)| datum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digits(datum: Datum) -> Vec<usize> {
        datum
            .text
            .chars()
            .filter_map(|c| c.to_digit(10))
            .map(|digit| digit as usize)
            .collect()
    }

    #[test]
    fn the_card_has_a_luhn_digit() {
        let sum: usize = digits(CARD)
            .iter()
            .rev()
            .enumerate()
            .map(|(place, &digit)| match place % 2 {
                0 => digit,
                _ => digit * 2 / 10 + digit * 2 % 10,
            })
            .sum();
        assert_eq!(sum % 10, 0);
    }

    #[test]
    fn the_aadhaar_has_a_verhoeff_digit() {
        // Multiplication in the dihedral group of order ten, computed instead of tabled.
        let times = |a: usize, b: usize| match (a < 5, b < 5) {
            (true, true) => (a + b) % 5,
            (true, false) => 5 + (a + b) % 5,
            (false, true) => 5 + (a + 5 - b) % 5,
            (false, false) => (a + 5 - b) % 5,
        };
        const PERMUTATION: [usize; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
        let permute =
            |place: usize, digit: usize| (0..place % 8).fold(digit, |d, _| PERMUTATION[d]);
        let digits = digits(AADHAAR);
        let check = digits
            .iter()
            .rev()
            .enumerate()
            .fold(0, |c, (place, &d)| times(c, permute(place, d)));
        assert_eq!((digits.len(), check), (12, 0));
    }

    #[test]
    fn every_value_is_leaked_by_a_sentence() {
        for datum in PERSONAL {
            let leaks = |sentence: &Sentence| {
                sentence.data().any(|of| of == datum) && sentence.text().contains(datum.text)
            };
            assert!(SENTENCES.iter().any(leaks), "{datum:?}");
        }
    }
}
