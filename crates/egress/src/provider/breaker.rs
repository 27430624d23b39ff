//! A provider that fails again and again is left alone for a while. Pure: it is told the time.

use hearth_domain::TimeMs;

/// Failures in a row after which it is left alone.
const FAILURES: u32 = 3;
/// For how long, milliseconds.
const REST_MS: TimeMs = 60_000;

/// How one provider has done lately.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Breaker {
    failures: u32,
    until: TimeMs,
}

impl Breaker {
    /// Whether it may be asked now; else how many milliseconds it still rests. After a rest one request is let through,
    /// and tells whether the next one is.
    ///
    /// # Errors
    /// The milliseconds that it still rests.
    pub fn may(&mut self, now: TimeMs) -> Result<(), u64> {
        if self.failures < FAILURES {
            return Ok(());
        }
        // A clock that was set back does not make the rest longer.
        let left = (self.until - now).min(REST_MS);
        if left > 0 {
            return Err(left.unsigned_abs());
        }
        self.until = now + REST_MS;
        Ok(())
    }

    /// Notes how a request ended.
    pub fn ended(&mut self, well: bool, now: TimeMs) {
        if well {
            *self = Self::default();
        } else {
            self.failures = self.failures.saturating_add(1);
            self.until = now + REST_MS;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_failures_close_it_and_one_success_opens_it() {
        let mut breaker = Breaker::default();
        for now in 0..3 {
            assert_eq!(breaker.may(now), Ok(()));
            breaker.ended(false, now);
        }
        assert_eq!(breaker.may(10), Err(59_992));
        assert_eq!(breaker.may(70_000), Ok(()), "one is let through");
        assert!(breaker.may(70_001).is_err(), "and only one, until it is known how that ended");
        breaker.ended(true, 70_500);
        assert_eq!(breaker.may(70_501), Ok(()));
        for _ in 0..3 {
            breaker.ended(false, 100_000);
        }
        assert!(breaker.may(0).is_err_and(|wait| wait <= 60_000), "a clock set back waits no longer");
    }
}
