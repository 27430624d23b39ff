//! Dates of the Gregorian calendar, without a clock: today is told by whoever calls.

use std::fmt;
use std::str::FromStr;

/// A day, counted from 1970-01-01. Years 1 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(i64);

/// What is not a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DateError {
    /// Not of the form `2026-11-22`.
    #[error("a date is written like 2026-11-22")]
    Form,
    /// There is no such day.
    #[error("there is no such day in the calendar")]
    NoSuchDay,
    /// Before the year 1 or after the year 9999.
    #[error("the date lies outside the years 1 to 9999")]
    Range,
}

const FIRST: i64 = -719_162;
const LAST: i64 = 2_932_896;

impl Date {
    /// The day with this year, month and day of the month.
    ///
    /// # Errors
    /// [`DateError::NoSuchDay`] or [`DateError::Range`].
    pub fn new(year: i64, month: i64, day: i64) -> Result<Self, DateError> {
        if !(1..=9999).contains(&year) {
            return Err(DateError::Range);
        }
        let date = Self(days_from_civil(year, month.clamp(1, 12), day.clamp(1, 31)));
        if date.civil() == (year, month, day) { Ok(date) } else { Err(DateError::NoSuchDay) }
    }

    /// The day that lies `days` later, or earlier where negative.
    ///
    /// # Errors
    /// [`DateError::Range`].
    pub fn plus_days(self, days: i64) -> Result<Self, DateError> {
        let day = self.0.checked_add(days).filter(|day| (FIRST..=LAST).contains(day));
        day.map(Self).ok_or(DateError::Range)
    }

    /// Days from this day to another; negative where the other is earlier.
    pub fn days_until(self, other: Self) -> i64 {
        other.0 - self.0
    }

    /// Year, month and day of the month.
    pub fn civil(self) -> (i64, i64, i64) {
        civil_from_days(self.0)
    }

    /// The name of the day of the week.
    pub fn weekday(self) -> &'static str {
        match (self.0 + 3).rem_euclid(7) {
            0 => "Monday",
            1 => "Tuesday",
            2 => "Wednesday",
            3 => "Thursday",
            4 => "Friday",
            5 => "Saturday",
            _ => "Sunday",
        }
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl FromStr for Date {
    type Err = DateError;

    fn from_str(text: &str) -> Result<Self, DateError> {
        let mut parts = text.split('-');
        let mut number = |len: usize| {
            let part = parts.next().filter(|part| part.len() == len && part.bytes().all(|b| b.is_ascii_digit()));
            part.and_then(|part| part.parse::<i64>().ok()).ok_or(DateError::Form)
        };
        let (year, month, day) = (number(4)?, number(2)?, number(2)?);
        if parts.next().is_some() {
            return Err(DateError::Form);
        }
        Self::new(year, month, day)
    }
}

/// Days since 1970-01-01 (H. Hinnant, "chrono-compatible low-level date algorithms").
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year - era * 400;
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The inverse, from the same source.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days - era * 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_calendar_knows_its_days() {
        let check =
            |text: &str, weekday: &str| assert_eq!(text.parse::<Date>().map(Date::weekday), Ok(weekday), "{text}");
        check("2026-11-22", "Sunday");
        check("1970-01-01", "Thursday");
        check("2000-02-29", "Tuesday");
        check("0001-01-01", "Monday");
        check("9999-12-31", "Friday");
        for (text, error) in [
            ("2026-02-29", DateError::NoSuchDay),
            ("1900-02-29", DateError::NoSuchDay),
            ("2026-13-01", DateError::NoSuchDay),
            ("2026-00-10", DateError::NoSuchDay),
            ("0000-01-01", DateError::Range),
            ("22.11.2026", DateError::Form),
            ("2026-1-1", DateError::Form),
            ("2026-11-22-1", DateError::Form),
            ("", DateError::Form),
        ] {
            assert_eq!(text.parse::<Date>(), Err(error), "{text}");
        }
        let last: Date = "9999-12-31".parse().expect("a date");
        assert_eq!(last.plus_days(1), Err(DateError::Range));
        assert_eq!(last.plus_days(i64::MAX), Err(DateError::Range));
    }

    proptest! {
        #[test]
        fn a_day_reads_as_it_is_written_and_steps_back_as_it_stepped(day in FIRST..=LAST, step in -4000i64..4000) {
            let date = Date(day);
            prop_assert_eq!(date.to_string().parse::<Date>(), Ok(date));
            if let Ok(later) = date.plus_days(step) {
                prop_assert_eq!(date.days_until(later), step);
                prop_assert_eq!(later.plus_days(-step), Ok(date));
            }
        }
    }
}
