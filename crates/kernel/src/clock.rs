//! The house's only clock. Organs are told the time.

use hearth_domain::TimeMs;
use std::time::{SystemTime, UNIX_EPOCH};

/// Now, in milliseconds since the Unix epoch.
pub(crate) fn now_ms() -> TimeMs {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as TimeMs)
}

/// The start of today in UTC, in milliseconds since the Unix epoch.
pub(crate) fn today_ms() -> TimeMs {
    const DAY_MS: TimeMs = 24 * 60 * 60 * 1000;
    now_ms() / DAY_MS * DAY_MS
}

/// A date as `YYYY-MM-DD`, by the civil calendar (Howard Hinnant, "chrono-compatible low-level date algorithms").
pub fn date_of(at_ms: TimeMs) -> String {
    let days = at_ms.div_euclid(24 * 60 * 60 * 1000) + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    #[test]
    fn dates_are_civil() {
        assert_eq!(super::date_of(0), "1970-01-01");
        assert_eq!(super::date_of(951_782_400_000), "2000-02-29");
        assert_eq!(super::date_of(1_795_305_600_000), "2026-11-22");
    }
}
