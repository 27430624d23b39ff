//! Which token comes next, and whether the text so far ends the answer. Pure: the same logits, settings and seed give
//! the same choice.

use crate::wire::Sampling;
use std::cmp::Ordering;
use std::collections::HashMap;

/// Tokens of the answer that the repetition penalty looks back on.
const PENALTY_WINDOW: usize = 256;
/// Candidates that are sorted before it is known whether more are wanted.
const FIRST_SORTED: usize = 1024;
/// Alternatives that are told at most.
const MAX_ALTERNATIVES: usize = 20;

/// Chooses tokens.
#[derive(Debug)]
pub struct Sampler {
    settings: Sampling,
    state: u64,
    recent: Vec<u32>,
    counts: HashMap<u32, u32>,
    candidates: Vec<(u32, f32)>,
    weights: Vec<f64>,
}

fn order(a: &(u32, f32), b: &(u32, f32)) -> Ordering {
    b.1.total_cmp(&a.1).then(a.0.cmp(&b.0))
}

impl Sampler {
    /// Starts with the seed of the settings.
    pub fn new(settings: Sampling) -> Self {
        let state = settings.seed;
        let (recent, counts) = (Vec::new(), HashMap::new());
        Self { settings, state, recent, counts, candidates: Vec::new(), weights: Vec::new() }
    }

    /// Returns a number from 0 up to but not including 1 (SplitMix64).
    fn uniform(&mut self) -> f64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Chooses a token and remembers it. Order: penalties, temperature, min-p, top-k, top-p.
    pub fn choose(&mut self, logits: &[f32]) -> u32 {
        self.choose_among(logits, None)
    }

    /// Chooses among the tokens whose bits are set, bit i of word j being token 32 j + i; the others are as good as
    /// absent before anything else happens. Where no bit is set, token 0 is returned.
    pub fn choose_among(&mut self, logits: &[f32], allowed: Option<&[u32]>) -> u32 {
        let token = self.pick(logits, allowed);
        self.recent.push(token);
        *self.counts.entry(token).or_default() += 1;
        token
    }

    /// Lowers the logits of tokens that the answer already has.
    fn penalize(&self, all: &mut [(u32, f32)]) {
        let s = &self.settings;
        // Candidates are in the order of their tokens.
        let mut change = |token: u32, f: &dyn Fn(f32) -> f32| {
            if let Some((_, l)) = all.binary_search_by_key(&token, |c| c.0).ok().and_then(|i| all.get_mut(i)) {
                *l = f(*l);
            }
        };
        if s.repeat_penalty > 0.0 && s.repeat_penalty != 1.0 {
            let mut seen: Vec<u32> = self.recent.iter().rev().take(PENALTY_WINDOW).copied().collect();
            seen.sort_unstable();
            seen.dedup();
            for t in seen {
                change(t, &|l| if l > 0.0 { l / s.repeat_penalty } else { l * s.repeat_penalty });
            }
        }
        if s.presence_penalty != 0.0 || s.frequency_penalty != 0.0 {
            for (t, n) in &self.counts {
                change(*t, &|l| l - s.presence_penalty - s.frequency_penalty * *n as f32);
            }
        }
    }

    fn pick(&mut self, logits: &[f32], allowed: Option<&[u32]>) -> u32 {
        let mut all = std::mem::take(&mut self.candidates);
        all.clear();
        let free = |i: usize| allowed.is_none_or(|m| m.get(i / 32).is_some_and(|w| w >> (i % 32) & 1 == 1));
        let logit = |l: f32| if l.is_nan() { f32::NEG_INFINITY } else { l };
        all.extend(logits.iter().enumerate().filter(|(i, _)| free(*i)).map(|(i, l)| (i as u32, logit(*l))));
        self.penalize(&mut all);
        let best = all.iter().copied().min_by(order).unwrap_or((0, 0.0));
        let chosen = if self.settings.temperature <= 0.0 || self.settings.top_k == 1 || !best.1.is_finite() {
            best.0
        } else {
            self.draw(&mut all, best)
        };
        self.candidates = all;
        chosen
    }

    fn draw(&mut self, all: &mut Vec<(u32, f32)>, best: (u32, f32)) -> u32 {
        let s = &self.settings;
        let (temperature, top_p) = (s.temperature, s.top_p);
        if s.min_p > 0.0 {
            let floor = best.1 + s.min_p.clamp(0.0, 1.0).ln() * temperature;
            all.retain(|c| c.1 >= floor);
        }
        let k = s.top_k as usize;
        if k > 0 && k < all.len() {
            all.select_nth_unstable_by(k - 1, order);
            all.truncate(k);
        }
        let mut weights = std::mem::take(&mut self.weights);
        let weight = |c: &(u32, f32)| f64::from((c.1 - best.1) / temperature).exp();
        let mut kept = all.len();
        if top_p > 0.0 && top_p < 1.0 {
            let target = f64::from(top_p) * all.iter().map(weight).sum::<f64>();
            let reaches = |part: &[(u32, f32)]| {
                let mut sum = 0.0;
                part.iter().position(|c| {
                    sum += weight(c);
                    sum >= target
                })
            };
            // Seldom are many wanted, so the first ones are sorted first.
            let mut cut = None;
            if all.len() > FIRST_SORTED {
                all.select_nth_unstable_by(FIRST_SORTED, order);
                if let Some(first) = all.get_mut(..FIRST_SORTED) {
                    first.sort_unstable_by(order);
                    cut = reaches(first);
                }
            }
            if cut.is_none() {
                all.sort_unstable_by(order);
                cut = reaches(all);
            }
            kept = cut.map_or(kept, |i| i + 1);
        } else {
            all.sort_unstable_by_key(|c| c.0);
        }
        weights.clear();
        weights.extend(all.iter().take(kept).map(weight));
        let mut rest = self.uniform() * weights.iter().sum::<f64>();
        let mut chosen = best.0;
        for (c, w) in all.iter().zip(&weights) {
            if *w > 0.0 {
                chosen = c.0;
            }
            rest -= w;
            if rest < 0.0 {
                break;
            }
        }
        self.weights = weights;
        chosen
    }
}

/// Returns the logarithm of the probability that the model itself gives to a token (temperature 1, nothing penalized or
/// forbidden), and the `n` likeliest tokens with theirs, at most 20.
pub fn chances(logits: &[f32], token: u32, n: usize) -> (f32, Vec<(u32, f32)>) {
    let finite = || logits.iter().copied().filter(|l| !l.is_nan());
    let best = finite().fold(f32::NEG_INFINITY, f32::max);
    let total = finite().map(|l| f64::from(l - best).exp()).sum::<f64>().ln();
    let chance = |l: f32| (f64::from(l - best) - total) as f32;
    let mut top: Vec<(u32, f32)> = Vec::with_capacity(n.min(MAX_ALTERNATIVES) + 1);
    if n > 0 {
        for c in logits.iter().enumerate().filter(|(_, l)| !l.is_nan()).map(|(i, l)| (i as u32, *l)) {
            if top.len() == n.min(MAX_ALTERNATIVES) && top.last().is_some_and(|last| order(last, &c).is_lt()) {
                continue;
            }
            top.insert(top.partition_point(|t| order(t, &c).is_lt()), c);
            top.truncate(n.min(MAX_ALTERNATIVES));
        }
    }
    let own = logits.get(token as usize).copied().map_or(f32::NEG_INFINITY, chance);
    (own, top.into_iter().map(|(t, l)| (t, chance(l))).collect())
}

/// Finds stop strings in streamed text and holds back what may still become one.
#[derive(Debug)]
pub struct StopText {
    stops: Vec<String>,
    held: String,
    reached: bool,
}

impl StopText {
    /// Looks for any of these; empty ones are ignored.
    pub fn new(stops: &[String]) -> Self {
        Self { stops: stops.iter().filter(|s| !s.is_empty()).cloned().collect(), held: String::new(), reached: false }
    }

    /// Takes more text; returns what may be shown and whether a stop string was reached (it is not shown).
    pub fn push(&mut self, text: &str) -> (String, bool) {
        self.held.push_str(text);
        if let Some(at) = self.stops.iter().filter_map(|s| self.held.find(s.as_str())).min() {
            self.held.truncate(at);
            self.reached = true;
            return (std::mem::take(&mut self.held), true);
        }
        let waits = |from: usize| self.stops.iter().any(|s| s.starts_with(&self.held[from..]));
        let keep = self.held.char_indices().map(|(i, _)| i).find(|i| waits(*i)).unwrap_or(self.held.len());
        let rest = self.held.split_off(keep);
        (std::mem::replace(&mut self.held, rest), false)
    }

    /// Whether a stop string was reached.
    pub fn is_reached(&self) -> bool {
        self.reached
    }

    /// Returns what was held back when the answer ended otherwise.
    pub fn finish(&mut self) -> String {
        std::mem::take(&mut self.held)
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
    fn presence_counts_once_and_frequency_each_time() {
        let draw = |presence_penalty, frequency_penalty| {
            let mut s =
                Sampler::new(Sampling { temperature: 0.0, presence_penalty, frequency_penalty, ..Sampling::default() });
            (0..4).map(|_| s.choose(&[2.0, 1.2, 0.0])).collect::<Vec<_>>()
        };
        assert_eq!(draw(0.0, 0.0), [0, 0, 0, 0]);
        assert_eq!(draw(1.0, 0.0), [0, 1, 0, 0]);
        assert_eq!(draw(0.0, 1.0), [0, 1, 0, 1]);
        assert_eq!(draw(-1.0, 0.0), [0, 0, 0, 0]);
    }

    #[test]
    fn forbidden_tokens_are_never_chosen() {
        let logits = [3.0, 2.0, 1.0, f32::NEG_INFINITY];
        let mut s = Sampler::new(Sampling { temperature: 2.0, top_k: 2, ..settings() });
        let counts = (0..2000).fold([0; 4], |mut n, _| {
            n[s.choose_among(&logits, Some(&[0b1110])) as usize] += 1;
            n
        });
        assert!(counts[0] == 0 && counts[3] == 0 && counts[1] > counts[2] && counts[2] > 400, "{counts:?}");
        let mut s = Sampler::new(settings());
        assert_eq!((s.choose_among(&logits, Some(&[0])), s.choose_among(&logits, Some(&[]))), (0, 0));
        assert_eq!(s.choose_among(&logits, Some(&[0b1000])), 3);
    }

    /// Shares of many draws against the exact probabilities, for each filter, over more tokens than are sorted at once.
    #[test]
    fn draws_have_the_distribution_that_the_settings_describe() {
        let n = 1500;
        let logits: Vec<f32> = (0..n).map(|i| ((i * 7919 + 13) % n) as f32 / n as f32 * 6.0).collect();
        let ranked = || {
            let mut all: Vec<usize> = (0..n).collect();
            all.sort_by(|a, b| logits[*b].total_cmp(&logits[*a]).then(a.cmp(b)));
            all
        };
        for (top_k, top_p, min_p, temperature) in [
            (0, 1.0, 0.0, 1.0),
            (40, 1.0, 0.0, 0.7),
            (0, 0.5, 0.0, 1.0),
            (0, 0.99, 0.0, 2.0),
            (0, 1.0, 0.3, 1.0),
            (50, 0.8, 0.1, 1.3),
        ] {
            let weight = |i: &usize| f64::from((logits[*i] - 6.0) / temperature).exp();
            let all = ranked();
            let most = weight(&all[0]);
            let mut kept: Vec<usize> =
                all.into_iter().filter(|i| weight(i) / most >= f64::from(min_p) - 1e-9).collect();
            kept.truncate(if top_k > 0 { top_k as usize } else { n });
            let total: f64 = kept.iter().map(weight).sum();
            let mut sum = 0.0;
            let until = kept.iter().position(|i| {
                sum += weight(i);
                sum >= f64::from(top_p) * total
            });
            kept.truncate(until.map_or(n, |i| i + 1));
            let total: f64 = kept.iter().map(weight).sum();
            let mut s = Sampler::new(Sampling { temperature, top_k, top_p, min_p, seed: 11, ..Sampling::default() });
            let draws = 3000;
            let mut counts = vec![0; n];
            (0..draws).for_each(|_| counts[s.choose(&logits) as usize] += 1);
            let allowed: usize = kept.iter().map(|i| counts[*i]).sum();
            assert_eq!(allowed, draws, "{top_k} {top_p} {min_p}");
            // The likeliest tenth together, within four standard deviations.
            let head = &kept[..kept.len().div_ceil(10)];
            let p = head.iter().map(weight).sum::<f64>() / total;
            let got = head.iter().map(|i| counts[*i]).sum::<usize>() as f64 / draws as f64;
            let deviation = (p * (1.0 - p) / draws as f64).sqrt();
            assert!((got - p).abs() < 4.0 * deviation + 1e-9, "{top_k} {top_p} {min_p}: {got} and not {p}");
        }
    }

    #[test]
    fn chances_are_log_probabilities_of_the_bare_model() {
        let logits = [0.5f32.ln(), 0.125f32.ln(), f32::NAN, 0.25f32.ln(), 0.125f32.ln()];
        let (own, top) = chances(&logits, 1, 3);
        assert!((own - 0.125f32.ln()).abs() < 1e-6);
        assert_eq!(top.iter().map(|t| t.0).collect::<Vec<_>>(), [0, 3, 1]);
        assert!((top[0].1 - 0.5f32.ln()).abs() < 1e-6 && (top[1].1 - 0.25f32.ln()).abs() < 1e-6);
        assert_eq!((chances(&logits, 9, 0).0, chances(&logits, 0, 0).1.len()), (f32::NEG_INFINITY, 0));
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
