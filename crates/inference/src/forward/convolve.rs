//! A short gated convolution in the place of attention: each channel of the gated input is summed over the last few
//! tokens, and a second gate lies behind. What it goes over is read back from the cache, so that reading a text at once
//! or in pieces gives the same bits. From <https://arxiv.org/abs/2511.23404>.

use super::{Compute, Part, Scratch};
use crate::weights::Layer;

/// Computes layer `l` for the first `m` rows of `narrow`, into `heads` `[m][n_embd]`. The kernel is `[length][n_embd]`,
/// the weights of the token itself last.
pub(super) fn convolve(
    l: usize,
    layer: &Layer,
    kernel: &[f32],
    parts: &mut [Part<'_>],
    s: &mut Scratch,
    compute: &Compute,
    m: usize,
) {
    let e = s.narrow.k;
    compute.linear(&s.narrow, m, [(&layer.q, &mut s.q), (&layer.k, &mut s.k), (&layer.v, &mut s.v)]);
    let before = &s.q;
    compute.rows(m, e, &mut s.v, &|i, x| x.iter_mut().zip(&before[i * e..]).for_each(|(x, gate)| *x *= gate));
    let mut begin = 0;
    for Part { state, tokens, .. } in parts {
        let (m, first) = (tokens.len(), state.len());
        for i in 0..m {
            state.write_input(l, first + i, &s.v[(begin + i) * e..][..e]);
        }
        let (state, behind) = (&**state, &s.k[begin * e..]);
        compute.rows(m, e, &mut s.heads.x[begin * e..], &|i, out| {
            out.fill(0.0);
            for (back, weights) in kernel.chunks_exact(e).rev().enumerate() {
                if let Some(position) = (first + i).checked_sub(back) {
                    state.add_input(l, position, weights, out);
                }
            }
            out.iter_mut().zip(&behind[i * e..]).for_each(|(x, gate)| *x *= gate);
        });
        begin += m;
    }
}
