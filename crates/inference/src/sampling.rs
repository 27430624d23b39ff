//! Which token comes next, and whether the text so far ends the answer. Pure: the same logits, settings and seed give
//! the same choice.

use crate::wire::Sampling;

/// Tokens of the answer that the repetition penalty looks back on.
const PENALTY_WINDOW: usize = 256;

/// Chooses tokens.
#[derive(Debug)]
pub struct Sampler {
    settings: Sampling,
    state: u64,
    recent: Vec<u32>,
    candidates: Vec<(u32, f32)>,
}

impl Sampler {
    /// Starts with the seed of the settings.
    pub fn new(settings: Sampling) -> Self {
        let state = settings.seed;
        Self { settings, state, recent: Vec::new(), candidates: Vec::new() }
    }

    /// Returns a number from 0 up to but not including 1 (SplitMix64).
    fn uniform(&mut self) -> f64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Chooses a token and remembers it. Order: repetition penalty, temperature, top-k, top-p, min-p.
    pub fn choose(&mut self, logits: &[f32]) -> u32 {
        let token = self.pick(logits);
        self.recent.push(token);
        token
    }

    fn pick(&mut self, logits: &[f32]) -> u32 {
        let s = &self.settings;
        let mut all = std::mem::take(&mut self.candidates);
        all.clear();
        all.extend(logits.iter().enumerate().map(|(i, l)| (i as u32, if l.is_nan() { f32::NEG_INFINITY } else { *l })));
        if s.repeat_penalty > 0.0 && s.repeat_penalty != 1.0 {
            let mut seen: Vec<u32> = self.recent.iter().rev().take(PENALTY_WINDOW).copied().collect();
            seen.sort_unstable();
            seen.dedup();
            for t in seen {
                if let Some((_, l)) = all.get_mut(t as usize) {
                    *l = if *l > 0.0 { *l / s.repeat_penalty } else { *l * s.repeat_penalty };
                }
            }
        }
        let order = |a: &(u32, f32), b: &(u32, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
        let best = all.iter().copied().min_by(order).unwrap_or((0, 0.0));
        if s.temperature <= 0.0 || s.top_k == 1 {
            self.candidates = all;
            return best.0;
        }
        let floor = best.1 + s.min_p.clamp(0.0, 1.0).ln() * s.temperature;
        if s.min_p > 0.0 {
            all.retain(|c| c.1 >= floor);
        }
        let k = s.top_k as usize;
        if k > 0 && k < all.len() {
            all.select_nth_unstable_by(k - 1, order);
            all.truncate(k);
        }
        all.sort_unstable_by(order);
        let temperature = s.temperature;
        let weights: Vec<f64> = all.iter().map(|c| f64::from((c.1 - best.1) / temperature).exp()).collect();
        let total: f64 = weights.iter().sum();
        let mut kept = weights.len();
        if s.top_p > 0.0 && s.top_p < 1.0 {
            let mut sum = 0.0;
            for (i, w) in weights.iter().enumerate() {
                sum += w;
                if sum >= f64::from(s.top_p) * total {
                    kept = i + 1;
                    break;
                }
            }
        }
        let total: f64 = weights.iter().take(kept).sum();
        let mut rest = self.uniform() * total;
        let mut chosen = best.0;
        for (c, w) in all.iter().zip(&weights).take(kept) {
            chosen = c.0;
            rest -= w;
            if rest < 0.0 {
                break;
            }
        }
        self.candidates = all;
        chosen
    }
}

/// Finds stop strings in streamed text and holds back what may still become one.
#[derive(Debug)]
pub struct StopText {
    stops: Vec<String>,
    held: String,
}

impl StopText {
    /// Looks for any of these; empty ones are ignored.
    pub fn new(stops: &[String]) -> Self {
        Self { stops: stops.iter().filter(|s| !s.is_empty()).cloned().collect(), held: String::new() }
    }

    /// Takes more text; returns what may be shown and whether a stop string was reached (it is not shown).
    pub fn push(&mut self, text: &str) -> (String, bool) {
        self.held.push_str(text);
        if let Some(at) = self.stops.iter().filter_map(|s| self.held.find(s.as_str())).min() {
            self.held.truncate(at);
            return (std::mem::take(&mut self.held), true);
        }
        let waits = |from: usize| self.stops.iter().any(|s| s.starts_with(&self.held[from..]));
        let keep = self.held.char_indices().map(|(i, _)| i).find(|i| waits(*i)).unwrap_or(self.held.len());
        let rest = self.held.split_off(keep);
        (std::mem::replace(&mut self.held, rest), false)
    }

    /// Returns what was held back when the answer ended otherwise.
    pub fn finish(self) -> String {
        self.held
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Sampling {
        Sampling { temperature: 1.0, seed: 7, ..Sampling::default() }
    }

    fn shares(s: Sampling, logits: &[f32]) -> Vec<usize> {
        let mut counts = vec![0; logits.len()];
        for seed in 0..2000 {
            counts[Sampler::new(Sampling { seed, ..s.clone() }).choose(logits) as usize] += 1;
        }
        counts
    }

    #[test]
    fn draws_follow_the_probabilities_and_the_seed() {
        let logits = [0.5f32.ln(), 0.25f32.ln(), 0.25f32.ln()];
        let n = shares(settings(), &logits);
        assert!((900..1100).contains(&n[0]) && (400..600).contains(&n[1]), "{n:?}");
        let draw = |seed| {
            let mut s = Sampler::new(Sampling { seed, ..settings() });
            (0..20).map(|_| s.choose(&logits)).collect::<Vec<_>>()
        };
        assert_eq!(draw(3), draw(3));
        assert_ne!(draw(3), draw(4));
    }

    #[test]
    fn filters_cut_the_tail() {
        let logits = [0.6f32.ln(), 0.3f32.ln(), 0.1f32.ln()];
        for s in [
            Sampling { top_k: 2, ..settings() },
            Sampling { top_p: 0.85, ..settings() },
            Sampling { min_p: 0.4, ..settings() },
        ] {
            let n = shares(s, &logits);
            assert!(n[2] == 0 && n[1] > 500, "{n:?}");
        }
        assert_eq!(shares(Sampling { temperature: 0.0, ..settings() }, &logits), [2000, 0, 0]);
    }

    #[test]
    fn the_penalty_turns_a_repeating_choice_away() {
        let mut s = Sampler::new(Sampling { temperature: 0.0, repeat_penalty: 1.5, ..settings() });
        assert_eq!([s.choose(&[1.2, 1.0]), s.choose(&[1.2, 1.0]), s.choose(&[f32::NAN, 1.0])], [0, 1, 1]);
    }

    #[test]
    fn stop_strings_are_found_across_pieces_and_never_shown() {
        let mut t = StopText::new(&["\nUser:".into(), "END".into()]);
        let mut shown = String::new();
        for (piece, stop) in [("Hello\n", false), ("Us", false), ("e it. E", false), ("N", false), ("D more", true)] {
            let (text, stopped) = t.push(piece);
            shown += &text;
            assert_eq!(stopped, stop, "{piece}");
        }
        assert_eq!(shown, "Hello\nUse it. ");
        let mut t = StopText::new(&["END".into()]);
        assert_eq!(t.push("the E"), ("the ".into(), false));
        assert_eq!(t.finish(), "E");
    }
}
