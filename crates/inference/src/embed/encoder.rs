//! The encoder itself: weights and one pass over some texts, which lie one after another without padding, so that short
//! ones cost what they are worth. What comes out is the last state of every token; what is made of them is `mod` and
//! `score`.

use super::family::{Inner, Place, Positions};
use super::parts::{Input, Linear, Norm, Parts, Precision, add};
use super::safetensors::Tensors;
use super::shape::Shape;
use crate::error::Error;
use crate::forward::Compute;
use crate::kernel::Matrix;
use crate::kernel::{Attend, PAGE};
use crate::kv::RunState;
use crate::rope::{Angles, Scaling};
use std::io::{Read, Seek};

struct Layer {
    qkv: Vec<Linear>,
    o: Linear,
    attn_norm: Option<Norm>,
    gate: Option<Linear>,
    up: Linear,
    down: Linear,
    ffn_norm: Norm,
}

/// Weights and working memory of an encoder.
pub(super) struct Encoder {
    pub(super) shape: Shape,
    pub(super) precision: Precision,
    pub(super) compute: Compute,
    words: Matrix,               // [vocab][hidden]
    positions: Option<Vec<f32>>, // [positions][hidden]
    types: Vec<f32>,             // [types][hidden], empty where there are none
    norm: Norm,
    layers: Vec<Layer>,
    last_norm: Option<Norm>,
    slopes: Vec<f32>, // [heads], empty without
    ropes: Vec<Angles>,
    scratch: Scratch,
}

/// The tokens of one text; what belongs to which segment, where there are segments.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Tokens.
    pub ids: Vec<u32>,
    /// Segment of each token; empty where all are of the first.
    pub types: Vec<u32>,
}

#[derive(Default)]
struct Scratch {
    x: Input,                // [m][hidden], what sublayers read
    stream: Vec<f32>,        // [m][hidden], the sum where norms stand before
    heads: Input,            // [m][hidden]
    wide: Input,             // [m][inner]
    up: Vec<f32>,            // [m][inner], where there are gates
    delta: Vec<f32>,         // [m][hidden]
    q: Vec<f32>,             // [m][hidden]
    k: Vec<f32>,             // [m][hidden]
    v: Vec<f32>,             // [m][hidden]
    turns: [Vec<f32>; 2],    // [most tokens of a text][head_dim / 2][2]
    pages: Option<RunState>, // keys and values of one layer, each text from a page of its own on
}

/// The slopes of ALiBi: powers of one number; where heads are no power of two, every second of the next finer ones too.
fn slopes(heads: usize) -> Vec<f32> {
    let power = |n: usize| (1..=n).map(move |i| (-8.0 * i as f64 / n as f64).exp2() as f32);
    let whole = if heads.is_power_of_two() { heads } else { heads.next_power_of_two() / 2 };
    power(whole).chain(power(2 * whole).step_by(2)).take(heads).collect()
}

impl Encoder {
    /// Reads the weights that a shape asks for.
    pub(super) fn load<R: Read + Seek + Send>(
        weights: &mut R,
        shape: Shape,
        precision: Precision,
        threads: usize,
    ) -> Result<(Self, Tensors<&mut R>), Error> {
        let compute = Compute::new(threads);
        let (f, h, n) = (shape.family, shape.hidden, shape.inner);
        let names = &f.names;
        let mut p = Parts {
            tensors: Tensors::read(weights)?,
            pool: &compute.pool,
            precision,
            bias: f.bias,
            norm_bias: f.norm_bias,
            eps: shape.eps,
        };
        let words = p.table(names.words, shape.vocab, h)?;
        let positions = match f.positions {
            Positions::Table { name, .. } => Some(p.tensors.get(&format!("{name}.weight"), &[shape.positions, h])?),
            Positions::Rotary | Positions::Slopes => None,
        };
        let types = match names.types.filter(|t| p.tensors.has(&format!("{t}.weight"))) {
            Some(name) => p.tensors.get(&format!("{name}.weight"), &[shape.types, h])?,
            None if names.types.is_some() && shape.types > 0 && positions.is_some() => {
                return Err(Error::Damaged("the vectors of segments are missing".into()));
            }
            None => Vec::new(),
        };
        let mut layers = Vec::new();
        for i in 0..shape.layers {
            let at = |part: &str| format!("{}.{i}.{part}", names.layer);
            let qkv = match names.qkv {
                [one] => p.stacked(&at(one), 3, h, h)?,
                three => three.iter().map(|name| p.linear(&at(name), h, h)).collect::<Result<_, _>>()?,
            };
            let (gate, up) = match names.inner {
                Inner::Plain(up) => (None, Some(p.linear(&at(up), n, h)?)),
                Inner::Gated { gate, up } => (Some(p.linear(&at(gate), n, h)?), Some(p.linear(&at(up), n, h)?)),
                Inner::Fused(both) => {
                    let mut both = p.stacked(&at(both), 2, n, h)?.into_iter();
                    (both.next(), both.next())
                }
            };
            layers.push(Layer {
                qkv,
                o: p.linear(&at(names.o), h, h)?,
                attn_norm: if f.first_bare && i == 0 { None } else { Some(p.norm(&at(names.attn_norm), h)?) },
                gate,
                up: up.ok_or_else(|| Error::Damaged("a layer has no matrix inside".into()))?,
                down: p.linear(&at(names.down), h, n)?,
                ffn_norm: p.norm(&at(names.ffn_norm), h)?,
            });
        }
        let norm = p.norm(names.norm, h)?;
        let last_norm = names.last_norm.map(|name| p.norm(name, h)).transpose()?;
        let tensors = p.tensors;
        let rotary = f.positions == Positions::Rotary;
        let angles = |base: &f64| Scaling::plain(*base).angles(h / shape.heads, None);
        let ropes = if rotary { shape.rope.iter().map(angles).collect() } else { Vec::new() };
        let slopes = if f.positions == Positions::Slopes { slopes(shape.heads) } else { Vec::new() };
        let scratch = Scratch::default();
        let encoder = Self {
            shape,
            precision,
            compute,
            words,
            positions,
            types,
            norm,
            layers,
            last_norm,
            slopes,
            ropes,
            scratch,
        };
        Ok((encoder, tensors))
    }

    /// Bytes of the weights in memory.
    pub(super) fn bytes(&self) -> u64 {
        let inside =
            |l: &Layer| -> usize { l.qkv.iter().chain(&l.gate).chain([&l.o, &l.up, &l.down]).map(Linear::bytes).sum() };
        let tables = self.positions.as_ref().map_or(0, Vec::len) + self.types.len();
        (self.words.bytes() + 4 * tables + self.layers.iter().map(inside).sum::<usize>()) as u64
    }

    /// Runs over some texts and returns the last states of all tokens, `[tokens of all][hidden]`. `stop` is asked between
    /// layers.
    ///
    /// # Errors
    /// `Cancelled`, and `Request` for tokens that the model does not have.
    pub(super) fn run(&mut self, texts: &[&Tokens], stop: &dyn Fn() -> bool) -> Result<&[f32], Error> {
        let (h, m) = (self.shape.hidden, texts.iter().map(|t| t.ids.len()).sum::<usize>());
        let longest = texts.iter().map(|t| t.ids.len()).max().unwrap_or(0);
        if texts.iter().any(|t| t.ids.iter().any(|id| *id as usize >= self.shape.vocab))
            || longest > self.shape.most_tokens
        {
            return Err(Error::Request("a text does not fit the encoder".into()));
        }
        self.reserve(m, longest, texts);
        self.embed(texts, m);
        for i in 0..self.layers.len() {
            if stop() {
                return Err(Error::Cancelled);
            }
            self.attention(i, texts, m);
            self.feed(i, m);
        }
        let (s, compute) = (&mut self.scratch, &self.compute);
        if let Some(norm) = &self.last_norm {
            let stream = &s.stream;
            compute.rows(m, h, &mut s.x.acts.x, &|i, x| {
                x.copy_from_slice(&stream[i * h..][..h]);
                norm.apply(x);
            });
        }
        Ok(&s.x.acts.x[..m * h])
    }

    fn reserve(&mut self, m: usize, longest: usize, texts: &[&Tokens]) {
        let (c, s) = (&self.shape, &mut self.scratch);
        let (h, d) = (c.hidden, c.hidden / c.heads);
        for (input, k) in [(&mut s.x, h), (&mut s.heads, h), (&mut s.wide, c.inner)] {
            input.acts.k = k;
            input.acts.x.resize(input.acts.x.len().max(m * k), 0.0);
        }
        for v in [&mut s.delta, &mut s.q, &mut s.k, &mut s.v, &mut s.stream] {
            v.resize(v.len().max(m * h), 0.0);
        }
        if self.layers.iter().any(|l| l.gate.is_some()) {
            s.up.resize(s.up.len().max(m * c.inner), 0.0);
        }
        for (turns, angles) in s.turns.iter_mut().zip(&self.ropes) {
            for position in turns.len() / d..longest {
                turns.resize((position + 1) * d, 0.0);
                angles.write(position, &mut turns[position * d..]);
            }
        }
        let pages = texts.iter().map(|t| t.ids.len().next_multiple_of(PAGE)).sum();
        s.pages.get_or_insert_with(|| RunState::shaped(1, c.heads, d)).reserve(pages);
    }

    /// Words, positions and segments, normalized.
    fn embed(&mut self, texts: &[&Tokens], m: usize) {
        let (s, h) = (&mut self.scratch, self.shape.hidden);
        let first = match self.shape.family.positions {
            Positions::Table { first, .. } => first,
            Positions::Rotary | Positions::Slopes => 0,
        };
        let places: Vec<(u32, usize, usize)> = texts
            .iter()
            .flat_map(|t| {
                let kind = |i: usize| t.types.get(i).copied().unwrap_or(0) as usize;
                t.ids.iter().enumerate().map(move |(i, id)| (*id, first + i, kind(i)))
            })
            .collect();
        let (words, norm, types) = (&self.words, &self.norm, &self.types);
        let positions = self.positions.as_deref();
        self.compute.rows(m, h, &mut s.x.acts.x, &|row, x| {
            let Some((id, position, kind)) = places.get(row).copied() else { return };
            words.row(id as usize, x);
            if let Some(p) = positions.and_then(|p| p.get(position * h..(position + 1) * h)) {
                add(x, p);
            }
            // A kind that the model does not tell apart is of the first.
            if let Some(t) = types.get(kind * h..(kind + 1) * h).or(types.get(..h)) {
                add(x, t);
            }
            norm.apply(x);
        });
        s.stream[..m * h].copy_from_slice(&s.x.acts.x[..m * h]);
    }

    fn attention(&mut self, i: usize, texts: &[&Tokens], m: usize) {
        let (Some(l), c, s, compute) = (self.layers.get(i), &self.shape, &mut self.scratch, &self.compute) else {
            return;
        };
        let (h, heads, d) = (c.hidden, c.heads, c.hidden / c.heads);
        if c.family.place == Place::Before {
            let stream = &s.stream;
            compute.rows(m, h, &mut s.x.acts.x, &|i, x| {
                x.copy_from_slice(&stream[i * h..][..h]);
                if let Some(norm) = &l.attn_norm {
                    norm.apply(x);
                }
            });
        }
        s.x.ready(m, self.precision, compute.kernels, &compute.pool);
        let [q, k, v] = &l.qkv[..] else { return };
        let jobs = vec![(q, &mut s.q[..]), (k, &mut s.k[..]), (v, &mut s.v[..])];
        s.x.products(m, jobs, None, compute.kernels, &compute.pool);
        let near = c.windowed.get(i).copied().unwrap_or(false);
        let turns = if self.ropes.is_empty() { &[][..] } else { &s.turns[usize::from(near)][..] };
        let places: Vec<usize> = texts.iter().flat_map(|t| 0..t.ids.len()).collect();
        for data in [&mut s.q, &mut s.k].into_iter().filter(|_| !turns.is_empty()) {
            compute.rows(m, h, data, &|row, x| {
                let at = places.get(row).map_or(0, |p| p * d);
                if let Some(turns) = turns.get(at..at + d) {
                    x.chunks_exact_mut(d).for_each(|head| turn(head, turns));
                }
            });
        }
        let Some(kv) = s.pages.as_mut() else { return };
        let mut row = 0;
        let rows = texts.iter().flat_map(|t| {
            let own = row..row + t.ids.len();
            row = own.end;
            own.clone().step_by(PAGE).map(move |first| first..own.end.min(first + PAGE))
        });
        kv.write_pages(0, &rows.collect::<Vec<_>>(), (&s.k, &s.v), h, &compute.pool);
        let (pages, base) = kv.layer(0);
        let (mut row, mut page) = (0, 0);
        for t in texts {
            let (len, n) = (t.ids.len(), t.ids.len().div_ceil(PAGE));
            let a = Attend {
                pages: &pages[page..page + n],
                base,
                q: &s.q[row * h..(row + len) * h],
                stride: h,
                head_dim: d,
                group: 1,
                first: 0,
                keys: len,
                causal: false,
                window: if near { c.window + 1 } else { usize::MAX },
                scale: 1.0 / (d as f32).sqrt(),
                cap: 0.0,
                slopes: &self.slopes,
            };
            let out = &mut s.heads.acts.x[row * h..(row + len) * h];
            a.run(len, heads, out, compute.kernels, &compute.pool);
            row += len;
            page += n;
        }
        s.heads.ready(m, self.precision, compute.kernels, &compute.pool);
        s.heads.products(m, vec![(&l.o, &mut s.delta)], None, compute.kernels, &compute.pool);
        let norm = l.attn_norm.as_ref();
        Self::join(s, m, h, c.family.place, norm, compute);
    }

    fn feed(&mut self, i: usize, m: usize) {
        let (Some(l), c, s, compute) = (self.layers.get(i), &self.shape, &mut self.scratch, &self.compute) else {
            return;
        };
        let (h, n, activation) = (c.hidden, c.inner, c.activation);
        if c.family.place == Place::Before {
            let stream = &s.stream;
            compute.rows(m, h, &mut s.x.acts.x, &|i, x| {
                x.copy_from_slice(&stream[i * h..][..h]);
                l.ffn_norm.apply(x);
            });
        }
        s.x.ready(m, self.precision, compute.kernels, &compute.pool);
        match &l.gate {
            None => {
                let then = |x: &mut [f32]| activation.apply(x, None, compute.kernels);
                s.x.products(m, vec![(&l.up, &mut s.wide.acts.x)], Some(&then), compute.kernels, &compute.pool);
            }
            Some(gate) => {
                let jobs = vec![(gate, &mut s.wide.acts.x[..]), (&l.up, &mut s.up[..])];
                s.x.products(m, jobs, None, compute.kernels, &compute.pool);
                let up = &s.up;
                compute.rows(m, n, &mut s.wide.acts.x, &|i, x| {
                    activation.apply(x, Some(&up[i * n..][..n]), compute.kernels);
                });
            }
        }
        s.wide.ready(m, self.precision, compute.kernels, &compute.pool);
        s.wide.products(m, vec![(&l.down, &mut s.delta)], None, compute.kernels, &compute.pool);
        Self::join(s, m, h, c.family.place, Some(&l.ffn_norm), compute);
    }

    /// Adds what a sublayer made: to the stream, or to its input, which is then normalized.
    fn join(s: &mut Scratch, m: usize, h: usize, place: Place, norm: Option<&Norm>, compute: &Compute) {
        let delta = &s.delta;
        let to = if place == Place::Before { &mut s.stream } else { &mut s.x.acts.x };
        compute.rows(m, h, to, &|i, x| {
            add(x, &delta[i * h..][..h]);
            if let Some(norm) = norm.filter(|_| place == Place::After) {
                norm.apply(x);
            }
        });
    }
}

/// RoPE over the halves of a head.
fn turn(head: &mut [f32], turns: &[f32]) {
    let Some((a, b)) = head.split_at_mut_checked(turns.len() / 2) else { return };
    for ((a, b), t) in a.iter_mut().zip(b).zip(turns.as_chunks::<2>().0) {
        (*a, *b) = (*a * t[0] - *b * t[1], *a * t[1] + *b * t[0]);
    }
}

#[cfg(test)]
mod tests {
    /// The values of the ALiBi paper for eight heads, and of its program for twelve.
    #[test]
    fn slopes_halve_and_fill_up() {
        assert_eq!(super::slopes(8), [0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625, 0.0078125, 0.00390625]);
        let twelve = super::slopes(12);
        assert_eq!(twelve[..8], super::slopes(8));
        for (got, power) in twelve[8..].iter().zip([0.5f32, 1.5, 2.5, 3.5]) {
            assert!((got - (-power).exp2()).abs() < 1e-7);
        }
    }
}
