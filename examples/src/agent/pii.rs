//! Made-up personal data, from documentation examples: nobody's, but with valid check digits.

/// An e-mail address in the domain that RFC 2606 reserves for examples.
pub const EMAIL: &str = "asha.rao@example.com";

/// An Aadhaar-shaped number with a valid Verhoeff digit, as used in tests of PII detectors.
pub const AADHAAR: &str = "3123 4567 8909";

/// The card number that payment providers publish for tests; its Luhn digit is valid.
pub const CARD: &str = "4111 1111 1111 1111";

/// A sentence with all of them.
pub(super) fn leak() -> String {
    format!("The customer is {EMAIL} with Aadhaar {AADHAAR} and card {CARD}, as you asked.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digits(text: &str) -> Vec<usize> {
        text.chars()
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
}
