//! How long a model takes to answer on this machine: by what was measured of it, else by its size. Pure, so that what is
//! chosen by time can be told and tested.

use crate::fit::streamed;
use crate::notes::Speed;

/// Tokens of passages given to a model, at most.
const MOST_PASSAGE_TOKENS: u32 = 3_000;
/// ... and at least, however slow the machine is.
const LEAST_PASSAGE_TOKENS: u32 = 320;
/// How long reading the passages may take before the first word.
const READING_MS: f32 = 2_000.0;
/// Tokens of a usual answer.
const USUAL_ANSWER: f32 = 80.0;
/// How many times faster than it writes a model reads, where that was not measured.
const READS_FASTER: f32 = 6.0;
/// Bytes of weights that are loaded in a millisecond, where that was not measured.
const LOADED_BYTES_PER_MS: f32 = 1e6;

/// What is known of a model's speed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Known {
    /// What it was seen to do.
    pub(crate) speed: Speed,
    /// Milliseconds that loading took when it was measured.
    pub(crate) load_ms: Option<u64>,
    /// Bytes of its files.
    pub(crate) bytes: u64,
    /// Whether it is in memory.
    pub(crate) loaded: bool,
}

/// How long an answer will take.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Pace {
    /// Milliseconds from the question to the end of a usual answer.
    pub(crate) answer_ms: f32,
    /// Whether all of it was measured.
    pub(crate) measured: bool,
}

/// Tokens of passages that can be read in time.
pub(crate) fn readable(tokens_per_second: Option<f32>) -> u32 {
    let in_time = tokens_per_second.map_or(MOST_PASSAGE_TOKENS, |speed| (speed * READING_MS / 1e3) as u32);
    in_time.clamp(LEAST_PASSAGE_TOKENS, MOST_PASSAGE_TOKENS)
}

/// Estimates an answer: loading where need be, reading what is read of documents, writing.
pub(crate) fn pace(known: Known) -> Pace {
    let writes = known.speed.writes.or_else(|| streamed(known.bytes)).unwrap_or(f32::MAX);
    let reads = known.speed.reads.unwrap_or(writes * READS_FASTER);
    let load_ms = match (known.loaded, known.load_ms) {
        (true, _) => 0.0,
        (false, Some(ms)) => ms as f32,
        (false, None) => known.bytes as f32 / LOADED_BYTES_PER_MS,
    };
    let reading_ms = readable(Some(reads)) as f32 / reads.max(0.01) * 1e3;
    let measured =
        known.speed.writes.is_some() && known.speed.reads.is_some() && (known.loaded || known.load_ms.is_some());
    Pace { answer_ms: load_ms + reading_ms + USUAL_ANSWER / writes.max(0.01) * 1e3, measured }
}

impl Pace {
    /// In words: "about 4.2 s".
    pub(crate) fn words(&self) -> String {
        let seconds = crate::view::seconds(self.answer_ms.clamp(0.0, u32::MAX as f32) as u32);
        if self.measured { seconds } else { format!("about {seconds}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(reads: Option<f32>, writes: Option<f32>, load_ms: Option<u64>, loaded: bool) -> Known {
        Known { speed: Speed { reads, writes }, load_ms, bytes: 1_200_000_000, loaded }
    }

    #[test]
    fn an_answer_is_loading_reading_and_writing() {
        let pace = |known| super::pace(known);
        let loaded = pace(known(Some(500.0), Some(40.0), None, true));
        // 1,000 tokens in 2 s, 80 tokens in 2 s.
        assert!((loaded.answer_ms - 4_000.0).abs() < 1.0 && loaded.measured, "{loaded:?}");
        assert_eq!(loaded.words(), "4.0 s");
        let cold = pace(known(Some(500.0), Some(40.0), Some(1_500), false));
        assert!((cold.answer_ms - 5_500.0).abs() < 1.0 && cold.measured);
        // 12 GB/s through 1.2 GB are 10 tokens a second: 60 read, so that 320 tokens take 5.3 s, 1.2 s of loading, 8 s of
        // writing.
        let guessed = pace(known(None, None, None, false));
        assert!((guessed.answer_ms - 14_533.0).abs() < 10.0 && !guessed.measured, "{guessed:?}");
        assert!(guessed.words().starts_with("about"));
    }

    #[test]
    fn what_is_read_is_what_can_be_read_in_time() {
        assert_eq!([None, Some(10.0), Some(800.0), Some(1e6)].map(readable), [3_000, 320, 1_600, 3_000]);
    }
}
