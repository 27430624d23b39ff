//! Who waits for whom: what a person waits for goes first, and work in the background rests meanwhile. Not which engine
//! runs (`schedule`).

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The background never rests longer than this at a time, so that it comes to its end beside any number of questions.
const LONGEST: Duration = Duration::from_secs(10);

/// How many things somebody waits for are under way.
#[derive(Default)]
pub(crate) struct Foreground(AtomicUsize);

/// Something that somebody waits for; ends when dropped.
pub(crate) struct Held<'a>(&'a Foreground);

impl Foreground {
    /// Something begins that somebody waits for.
    pub(crate) fn hold(&self) -> Held<'_> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Held(self)
    }

    /// Rests while somebody waits for something, until `end` says so, but not for ever.
    pub(crate) fn give_way(&self, end: &dyn Fn() -> bool) {
        let began = Instant::now();
        while self.0.load(Ordering::SeqCst) > 0 && !end() && began.elapsed() < LONGEST {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_background_rests_while_something_is_held() {
        let foreground = Foreground::default();
        let asked = AtomicUsize::new(0);
        let held = foreground.hold();
        foreground.give_way(&|| asked.fetch_add(1, Ordering::SeqCst) == 2);
        assert_eq!(asked.load(Ordering::SeqCst), 3);
        drop(held);
        foreground.give_way(&|| panic!("nothing is held"));
    }
}
