//! Dates of birth.

/// Whether it is a day of the Gregorian calendar.
pub(super) fn real(year: u32, month: u32, day: u32) -> bool {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        _ => return false,
    };
    (1..=days).contains(&day)
}

/// Whether it is a day of the twentieth or of the twenty-first century, for numbers that do not
/// tell which.
pub(super) fn real_in_century(year: u32, month: u32, day: u32) -> bool {
    [1900, 2000]
        .iter()
        .any(|century: &u32| real(century.wrapping_add(year), month, day))
}
