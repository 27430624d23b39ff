//! A decoder written the straightforward way in f64, to compare with: no cache, no blocks, no kernels.

use hearth_inference::config::Config;
use hearth_inference::gguf::{self, Header};
use std::io::Cursor;

pub struct Reference {
    file: Vec<u8>,
    header: Header,
    config: Config,
}

impl Reference {
    pub fn new(file: Vec<u8>) -> Self {
        let header = gguf::read(Cursor::new(&file)).unwrap();
        let config = Config::read(&header).unwrap();
        Self { file, header, config }
    }

    fn get(&self, name: &str) -> Option<Vec<f64>> {
        let info = self.header.tensors.get(name)?;
        let mut out = vec![0f32; info.rows() * info.cols()];
        info.ty.widen(&gguf::tensor(&mut Cursor::new(&self.file), info).unwrap(), &mut out).unwrap();
        Some(out.into_iter().map(f64::from).collect())
    }

    fn times(&self, name: &str, x: &[f64]) -> Vec<f64> {
        let w = self.get(name).unwrap();
        w.chunks_exact(x.len()).map(|r| r.iter().zip(x).map(|(a, b)| a * b).sum()).collect()
    }

    fn norm(&self, x: &[f64], w: &[f64]) -> Vec<f64> {
        let mean = x.iter().map(|x| x * x).sum::<f64>() / x.len() as f64;
        x.iter().zip(w).map(|(x, w)| x / (mean + f64::from(self.config.eps)).sqrt() * w).collect()
    }

    fn head(&self, x: &mut [f64], norm: Option<&Vec<f64>>, position: usize) {
        if let Some(w) = norm {
            x.copy_from_slice(&self.norm(x, w));
        }
        let (d, neighbours) = (x.len(), self.config.architecture.name == "llama");
        for i in 0..d / 2 {
            let angle = position as f64 * self.config.rope.base.powf(-2.0 * i as f64 / d as f64);
            let (a, b) = if neighbours { (2 * i, 2 * i + 1) } else { (i, i + d / 2) };
            (x[a], x[b]) = (x[a] * angle.cos() - x[b] * angle.sin(), x[a] * angle.sin() + x[b] * angle.cos());
        }
    }

    /// Logits after the last of these tokens.
    pub fn logits(&self, tokens: &[u32]) -> Vec<f64> {
        let c = &self.config;
        let (d, group) = (c.head_dim, c.n_heads / c.n_kv_heads);
        let embd = self.get("token_embd.weight").unwrap();
        let mut xs: Vec<Vec<f64>> =
            tokens.iter().map(|t| embd[*t as usize * c.n_embd..][..c.n_embd].to_vec()).collect();
        for l in 0..c.n_layers {
            let at = |part: &str| format!("blk.{l}.{part}");
            let part = |part: &str, x: &[f64]| {
                let mut y = self.times(&at(&format!("{part}.weight")), x);
                if let Some(bias) = self.get(&at(&format!("{part}.bias"))) {
                    y.iter_mut().zip(bias).for_each(|(y, b)| *y += b);
                }
                y
            };
            let norm = self.get(&at("attn_norm.weight")).unwrap();
            let (qn, kn) = (self.get(&at("attn_q_norm.weight")), self.get(&at("attn_k_norm.weight")));
            let (mut qs, mut ks, mut vs) = (Vec::new(), Vec::new(), Vec::new());
            for (i, x) in xs.iter().enumerate() {
                let x = self.norm(x, &norm);
                let (mut q, mut k) = (part("attn_q", &x), part("attn_k", &x));
                q.chunks_exact_mut(d).for_each(|h| self.head(h, qn.as_ref(), i));
                k.chunks_exact_mut(d).for_each(|h| self.head(h, kn.as_ref(), i));
                qs.push(q);
                ks.push(k);
                vs.push(part("attn_v", &x));
            }
            for (i, x) in xs.iter_mut().enumerate() {
                let mut out = vec![0.0; c.n_heads * d];
                for h in 0..c.n_heads {
                    let g = h / group * d;
                    let score =
                        |j: usize| (0..d).map(|e| qs[i][h * d + e] * ks[j][g + e]).sum::<f64>() / (d as f64).sqrt();
                    let e: Vec<f64> = (0..=i).map(|j| score(j).exp()).collect();
                    let sum: f64 = e.iter().sum();
                    for (j, e) in e.iter().enumerate() {
                        (0..d).for_each(|k| out[h * d + k] += e / sum * vs[j][g + k]);
                    }
                }
                x.iter_mut().zip(self.times(&at("attn_output.weight"), &out)).for_each(|(x, y)| *x += y);
            }
            let norm = self.get(&at("ffn_norm.weight")).unwrap();
            for x in &mut xs {
                let n = self.norm(x, &norm);
                let up = self.times(&at("ffn_up.weight"), &n);
                let gate = self.times(&at("ffn_gate.weight"), &n);
                let h: Vec<f64> = gate.iter().zip(up).map(|(g, u)| g / (1.0 + (-g).exp()) * u).collect();
                x.iter_mut().zip(self.times(&at("ffn_down.weight"), &h)).for_each(|(x, y)| *x += y);
            }
        }
        let last = self.norm(xs.last().unwrap(), &self.get("output_norm.weight").unwrap());
        self.times("token_embd.weight", &last)
    }
}
