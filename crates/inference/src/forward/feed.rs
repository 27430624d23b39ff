//! The feed-forward part of a block: one gated layer, or several experts of which a router chooses some for each token.
//!
//! Gated layers: <https://arxiv.org/abs/2002.05202>; experts: <https://arxiv.org/abs/2401.04088>.

use super::Compute;
use crate::architecture::Activation;
use crate::config::Config;
use crate::kernel::Acts;
use crate::weights::{FeedForward, Gated};

/// The memory that feed-forward layers work in.
pub struct Feed {
    one: Hidden,
    experts: Option<Chosen>,
}

/// What is inside one gated layer.
struct Hidden {
    wide: Acts,   // [m][n_ff]
    up: Vec<f32>, // [m][n_ff]
}

/// What experts need beside.
struct Chosen {
    hidden: Hidden,
    shared: Hidden,
    scores: Vec<f32>,               // [m][experts]
    tokens: Vec<Vec<(usize, f32)>>, // for each expert its tokens and their shares
    order: Vec<(usize, f32)>,       // experts of one token
    some: Acts,                     // [m][n_embd], the rows of one expert's tokens
    out: Vec<f32>,                  // [m][n_embd]
}

impl Hidden {
    fn new(m: usize, n_ff: usize) -> Self {
        Self { wide: Acts::new(m, n_ff, true), up: vec![0.0; m * n_ff] }
    }

    /// `down(activation(gate(x)) * up(x))` for the first `m` rows of `x`, into `[m][n_embd]`.
    fn run(&mut self, g: &Gated, a: Activation, x: &Acts, m: usize, out: &mut [f32], compute: &Compute) {
        let n = self.wide.k;
        compute.linear(x, m, [(&g.gate, &mut self.wide.x), (&g.up, &mut self.up)]);
        let (up, kernels) = (&self.up, compute.kernels);
        let kernel = match a {
            Activation::Silu => kernels.silu_mul,
            Activation::Gelu => kernels.gelu_mul,
        };
        compute.rows(m, n, &mut self.wide.x, &|i, g| kernel(g, &up[i * n..][..n]));
        self.wide.quantize(m, kernels, &compute.pool);
        compute.linear(&self.wide, m, [(&g.down, out)]);
    }
}

impl Feed {
    /// Makes the memory for up to `m` tokens.
    pub fn new(c: &Config, m: usize) -> Self {
        let experts = c.experts.map(|x| Chosen {
            hidden: Hidden::new(m, x.n_ff),
            shared: Hidden::new(m, x.n_ff_shared),
            scores: vec![0.0; m * x.count],
            tokens: vec![Vec::new(); x.count],
            order: Vec::new(),
            some: Acts::new(m, c.n_embd, true),
            out: vec![0.0; m * c.n_embd],
        });
        Self { one: Hidden::new(m, c.n_ff), experts }
    }

    /// Runs one layer over the first `m` rows of `x`, into `[m][n_embd]`.
    pub fn run(&mut self, ffn: &FeedForward, c: &Config, x: &Acts, m: usize, out: &mut [f32], compute: &Compute) {
        let a = c.architecture.activation;
        match (ffn, &mut self.experts, c.experts) {
            (FeedForward::One(g), ..) => self.one.run(g, a, x, m, out, compute),
            (FeedForward::Experts { router, experts, shared }, Some(s), Some(n)) => {
                compute.kernels.products(x, m, &mut [(router, &mut s.scores)], &compute.pool);
                s.choose(m, n.count, n.used);
                match shared {
                    Some(g) => s.shared.run(g, a, x, m, out, compute),
                    None => out[..m * c.n_embd].fill(0.0),
                }
                for (g, tokens) in experts.iter().zip(&s.tokens).filter(|(_, t)| !t.is_empty()) {
                    s.some.gather(x, tokens.iter().map(|t| t.0));
                    s.hidden.run(g, a, &s.some, tokens.len(), &mut s.out, compute);
                    for ((i, share), own) in tokens.iter().zip(s.out.chunks_exact(c.n_embd)) {
                        let row = &mut out[i * c.n_embd..][..c.n_embd];
                        row.iter_mut().zip(own).for_each(|(x, y)| *x += share * y);
                    }
                }
            }
            // Weights with experts come from a configuration with experts.
            _ => out[..m * c.n_embd].fill(0.0),
        }
    }
}

impl Chosen {
    /// Gives each token to the experts with the highest scores, with shares that are the softmax over these.
    fn choose(&mut self, m: usize, count: usize, used: usize) {
        self.tokens.iter_mut().for_each(Vec::clear);
        for (i, scores) in self.scores.chunks_exact(count).enumerate().take(m) {
            self.order.clear();
            self.order.extend(scores.iter().copied().enumerate());
            self.order.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            self.order.truncate(used);
            let most = self.order.first().map_or(0.0, |b| b.1);
            let sum = self.order.iter().map(|o| (o.1 - most).exp()).sum::<f32>();
            for (expert, score) in &self.order {
                if let Some(t) = self.tokens.get_mut(*expert) {
                    t.push((i, (score - most).exp() / sum));
                }
            }
        }
    }
}
