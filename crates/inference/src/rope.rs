//! Rotary positions: at which angle each pair of a head's elements stands at each position. Frequencies and angles are
//! f64, so that late positions are as exact as early ones. Turning itself is `forward`.
//!
//! RoPE: <https://arxiv.org/abs/2104.09864>; YaRN: <https://arxiv.org/abs/2309.00071>; factors for each frequency:
//! Llama 3.1 and LongRoPE, <https://arxiv.org/abs/2402.13753>.

use std::f64::consts::TAU;

/// How frequencies follow from a base, and how they are stretched for long contexts.
#[derive(Debug, Clone, PartialEq)]
pub struct Scaling {
    /// The base.
    pub base: f64,
    /// What positions are divided by.
    pub divisor: f64,
    /// What cosine and sine are multiplied with.
    pub size: f64,
    /// With YaRN: frequencies that make more turns than the first over `trained` positions are not divided, those that
    /// make fewer than the second are divided, those between are mixed.
    pub kept_turns: Option<[f64; 2]>,
    /// Positions that the model was trained for before it was stretched.
    pub trained: usize,
}

impl Scaling {
    /// Nothing is stretched.
    pub fn plain(base: f64) -> Self {
        Self { base, divisor: 1.0, size: 1.0, kept_turns: None, trained: 0 }
    }

    /// Computes the frequencies of `dims / 2` pairs; `divisors` holds one more divisor for each pair.
    pub fn angles(&self, dims: usize, divisors: Option<&[f32]>) -> Angles {
        let raw = |i: usize| self.base.powf(-2.0 * i as f64 / dims as f64);
        // The pair that makes so many turns over the trained positions.
        let pair = |turns: f64| dims as f64 * (self.trained as f64 / (turns * TAU)).ln() / (2.0 * self.base.ln());
        let mixed = self.kept_turns.map(|[fast, slow]| {
            (pair(fast).floor().max(0.0), pair(slow).ceil().min(dims as f64 - 1.0)) // first and last mixed pair
        });
        let frequencies = (0..dims / 2)
            .map(|i| {
                let own = divisors.and_then(|d| d.get(i)).map_or(1.0, |d| f64::from(*d));
                let divided = match mixed {
                    None => 1.0,
                    Some((first, last)) => ((i as f64 - first) / (last - first).max(0.001)).clamp(0.0, 1.0),
                };
                raw(i) / own * (divided / self.divisor + 1.0 - divided)
            })
            .collect();
        Angles { frequencies, size: self.size }
    }
}

/// The frequencies of one kind of layer.
#[derive(Debug, Clone)]
pub struct Angles {
    /// Radians for each position `[dims / 2]`.
    pub frequencies: Vec<f64>,
    /// What cosine and sine are multiplied with.
    pub size: f64,
}

impl Angles {
    /// Writes cosine and sine of each pair at a position, `[dims / 2][2]`.
    pub fn write(&self, position: usize, out: &mut [f32]) {
        for (t, f) in out.as_chunks_mut::<2>().0.iter_mut().zip(&self.frequencies) {
            let (sin, cos) = (position as f64 * f).sin_cos();
            *t = [(cos * self.size) as f32, (sin * self.size) as f32];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With YaRN, fast pairs stay, slow ones are divided, and the borders are those of the paper's formula.
    #[test]
    fn yarn_keeps_fast_pairs_and_divides_slow_ones() {
        let plain = Scaling::plain(10_000.0).angles(64, None).frequencies;
        let yarn = Scaling { divisor: 4.0, kept_turns: Some([32.0, 1.0]), trained: 4096, ..Scaling::plain(10_000.0) };
        let got = yarn.angles(64, None).frequencies;
        for (i, (g, p)) in got.iter().zip(&plain).enumerate() {
            let turns = 4096.0 * p / TAU;
            if turns > 45.0 {
                assert_eq!(g, p, "pair {i}");
            } else if turns < 0.75 {
                assert!((g * 4.0 - p).abs() < 1e-12, "pair {i}");
            } else {
                assert!(*g <= *p && *g >= p / 4.0, "pair {i}");
            }
        }
        assert!(got.windows(2).all(|w| w[0] > w[1]));
    }
}
