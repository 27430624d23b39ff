//! Every kernel set against f64 arithmetic on the widened weights, and each path against the others.

use super::*;
use crate::quant::Type;
use half::f16;

pub fn noise(seed: u64, n: usize) -> Vec<f32> {
    let mut s = seed;
    let next = |s: &mut u64| {
        *s = s.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((*s >> 33) as f32 / (1u64 << 31) as f32) * 2.0 - 1.0
    };
    (0..n).map(|_| next(&mut s)).collect()
}

fn filled(ty: Type, n: usize, k: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = noise(7, ty.bytes(n * k).unwrap()).iter().map(|x| ((x + 1.0) * 127.5) as u8).collect();
    // Scales must be ordinary numbers: the other bytes may be anything.
    let size = ty.block_bytes();
    for b in bytes.chunks_exact_mut(size) {
        let small = f16::from_f32(0.01).to_le_bytes();
        match ty {
            Type::F32 => b.copy_from_slice(&(f32::from(b[0]) / 100.0 - 1.0).to_le_bytes()),
            Type::F16 => b.copy_from_slice(&f16::from_f32(f32::from(b[0]) / 100.0 - 1.0).to_le_bytes()),
            Type::BF16 => b.copy_from_slice(&half::bf16::from_f32(f32::from(b[0]) / 100.0 - 1.0).to_le_bytes()),
            Type::Q6_K => b[208..210].copy_from_slice(&small),
            Type::Q3_K => b[108..110].copy_from_slice(&small),
            Type::Q2_K => {
                b[80..82].copy_from_slice(&small);
                b[82..84].copy_from_slice(&small);
            }
            Type::Q4_1 | Type::Q5_1 | Type::Q4_K | Type::Q5_K => {
                b[..2].copy_from_slice(&small);
                b[2..4].copy_from_slice(&small);
            }
            _ => b[..2].copy_from_slice(&small),
        }
    }
    bytes
}

const TYPES: [Type; 15] = [
    Type::F32,
    Type::F16,
    Type::BF16,
    Type::Q2_K,
    Type::Q3_K,
    Type::Q4_0,
    Type::Q4_1,
    Type::Q4_K,
    Type::Q5_0,
    Type::Q5_1,
    Type::Q5_K,
    Type::Q6_K,
    Type::Q8_0,
    Type::IQ4_NL,
    Type::IQ4_XS,
];

#[test]
fn products_match_widened_weights_and_one_row_equals_many() {
    let pool = Pool::new(2);
    for kernels in Kernels::all() {
        for ty in TYPES {
            let (n, k, m) = (40, if ty.block_len() == 256 { 1024 } else { 96 }, 31);
            let bytes = filled(ty, n, k);
            let w = Matrix::pack(ty, &bytes, n, k, &pool).unwrap();
            let mut wide = vec![0.0; n * k];
            ty.widen(&bytes, &mut wide).unwrap();
            let mut row = vec![0.0; k];
            for (r, want) in wide.chunks_exact(k).enumerate() {
                w.row(r, &mut row);
                let most = want.iter().fold(0f32, |a, x| a.max(x.abs()));
                let part = if ty == Type::Q2_K { 5e-3 } else { 1e-3 }; // Q2_K is rounded: see `matrix`
                for (a, b) in row.iter().zip(want) {
                    assert!((a - b).abs() <= part * most, "{} row {r}: {a} and not {b}", ty.name());
                }
            }
            for sparing in [false, true] {
                let mut acts = Acts::new(m, k, sparing);
                acts.x.copy_from_slice(&noise(3, m * k));
                // One far larger than the rest, as real models have them.
                acts.x.iter_mut().step_by(k + 7).for_each(|x| *x *= 50.0);
                let given = acts.x.clone();
                acts.quantize(m, kernels, &pool);
                assert_eq!(acts.x, given);
                let mut out = vec![f32::NAN; m * n];
                kernels.products(&acts, m, &mut [(&w, &mut out)], &pool);
                for i in 0..m {
                    let (x, a) = (acts.floats(i).x, acts.integers(i));
                    for (r, w) in wide.chunks_exact(k).enumerate() {
                        let rounded = w_form_quantized(ty);
                        let (mut want, mut size) = (0f64, 0f64);
                        for j in 0..k {
                            let spared = a.at.iter().position(|at| *at as usize == j).map(|at| a.by[at]);
                            let x = match spared {
                                Some(x) => f64::from(x),
                                None if rounded => f64::from(a.q[j]) * f64::from(a.d[j / 32]),
                                None => f64::from(x[j]),
                            };
                            want += x * f64::from(w[j]);
                            size += (x * f64::from(w[j])).abs();
                        }
                        let got = f64::from(out[i * n + r]);
                        assert!(
                            (got - want).abs() < if ty == Type::Q2_K { 4e-3 } else { 2e-3 } * size,
                            "{} {} ({i},{r}): {got} and not {want}",
                            kernels.name,
                            ty.name()
                        );
                    }
                    let mut one = Acts::new(1, k, sparing);
                    one.x.copy_from_slice(x);
                    one.quantize(1, kernels, &pool);
                    let mut alone = vec![0.0; n];
                    kernels.products(&one, 1, &mut [(&w, &mut alone)], &pool);
                    assert_eq!(alone, out[i * n..][..n], "{} {} row {i}", kernels.name, ty.name());
                }
            }
        }
    }
}

/// Matrices of several widths side by side, more inputs than go by at once, biases, and something done with what came out.
#[test]
fn floats_and_levels_take_biases_and_what_comes_then() {
    let pool = Pool::new(2);
    let (m, k) = (140, 2080);
    let x = noise(3, m * k);
    let near = |a: f32, b: f32, off: f32| assert!((a - b).abs() < off, "{a} and not {b}");
    for n in [100, 16, 40] {
        let (rows, mut bias) = (noise(5, n * k), noise(8, n));
        bias.resize(n.next_multiple_of(PANEL), 0.0);
        let (w, levels) =
            (Matrix::dense(&rows, n, k, &pool).unwrap(), rowwise::Rowwise::pack(&rows, n, k, &pool).unwrap());
        for kernels in Kernels::all() {
            let mut acts = Acts::new(m, k, false);
            acts.x.copy_from_slice(&x);
            let mut coarse = rowwise::Levels::default();
            coarse.read(&x, m, k, kernels, &pool);
            let [mut out, mut small] = [(); 2].map(|()| vec![f32::NAN; m * n]);
            let twice = |piece: &mut [f32]| piece.iter_mut().for_each(|x| *x *= 2.0);
            kernels.products_then(&acts, m, &mut [Job { w: &w, bias: &bias, out: &mut out }], Some(&twice), &pool);
            let mut jobs = [Job { w: &levels, bias: &bias, out: &mut small }];
            rowwise::products(&coarse, m, &mut jobs, Some(&twice), kernels, &pool);
            for i in (0..m).step_by(23) {
                for (r, row) in rows.chunks_exact(k).enumerate() {
                    let want: f64 = row.iter().zip(&x[i * k..]).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
                    let want = 2.0 * (want as f32 + bias[r]);
                    near(out[i * n + r], want, 1e-3);
                    near(small[i * n + r], want, 2.0);
                }
            }
        }
    }
}

fn w_form_quantized(ty: Type) -> bool {
    !matches!(ty, Type::F32 | Type::F16 | Type::BF16)
}

/// 300 keys over three pages, two kv heads of three query heads each.
#[test]
fn attention_matches_plain_and_is_the_same_one_by_one() {
    let pool = Pool::new(2);
    let (d, kv_heads, group, keys, m) = (32, 2, 3, 300, 45);
    let stride = kv_heads * group * d;
    let page = |p: u64| {
        let mut page = Span::alone(kv_heads * 2 * PAGE * d);
        page.iter_mut().zip(noise(p + 1, kv_heads * 2 * PAGE * d)).for_each(|(o, x)| *o = f16::from_f32(x).to_bits());
        Arc::new(page)
    };
    let pages: Vec<Arc<Span<u16>>> = (0..3).map(page).collect();
    let q = noise(9, m * stride);
    let whole = usize::MAX;
    let own = [0.5, 0.25, 0.125, 0.01, 0.002, 0.0];
    let cases = [
        (true, whole, 0.0, &[][..]),
        (false, whole, 0.0, &[]),
        (true, 20, 0.0, &[]),
        (true, 150, 0.5, &[]),
        (false, 20, 0.0, &[]),
        (false, 150, 0.0, &own),
        (true, whole, 0.0, &own),
    ];
    for (causal, window, cap, slopes) in cases {
        let a = Attend {
            pages: &pages,
            base: 0,
            q: &q,
            stride,
            head_dim: d,
            group,
            first: keys - m,
            keys,
            causal,
            window,
            scale: 0.7,
            cap,
            slopes,
        };
        let mut want = vec![0.0; m * stride];
        a.run(m, kv_heads, &mut want, Kernels::plain(), &pool);
        for kernels in Kernels::all() {
            let mut out = vec![0.0; m * stride];
            a.run(m, kv_heads, &mut out, kernels, &pool);
            for (x, y) in want.iter().zip(&out) {
                assert!((x - y).abs() < 2e-5, "{}: {y} and not {x}", kernels.name);
            }
            for i in 0..m {
                let keys = if causal { keys - m + i + 1 } else { keys };
                let one = Attend { q: &q[i * stride..][..stride], first: a.first + i, keys, ..a };
                let mut alone = vec![0.0; stride];
                one.run(1, kv_heads, &mut alone, kernels, &pool);
                assert_eq!(alone, out[i * stride..][..stride], "{} position {i}", kernels.name);
            }
        }
    }
}

#[test]
fn elementwise_functions_match_plain() {
    for n in [3, 8, 16, 100] {
        let (a, b): (Vec<f32>, _) = (noise(1, n).iter().map(|x| x * 12.0).collect(), noise(2, n));
        let apply = |k: &Kernels| {
            let (mut s, mut g) = (a.clone(), a.clone());
            (k.silu_mul)(&mut s, &b);
            (k.gelu)(&mut g);
            let mut t = a.clone();
            (k.gelu_mul)(&mut t, &b);
            s.append(&mut t);
            (s, g)
        };
        let want = apply(Kernels::plain());
        for kernels in Kernels::all() {
            let got = apply(kernels);
            for (w, g) in want.0.iter().chain(&want.1).zip(got.0.iter().chain(&got.1)) {
                assert!((w - g).abs() < 3e-6 * (1.0 + w.abs()), "{}: {g} and not {w}", kernels.name);
            }
        }
    }
}
