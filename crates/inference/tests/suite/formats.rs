//! Every quantized format against what the `gguf` package reads in the same bytes (`formats.py` made the fixture), and
//! against itself once packed for the kernels.

use hearth_inference::kernel::{Matrix, Pool};
use hearth_inference::quant::Type;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Block {
    id: u32,
    bytes: String,
    values: Vec<f32>,
}

#[test]
fn blocks_hold_what_the_gguf_package_reads() {
    let blocks: BTreeMap<String, Block> = serde_json::from_str(include_str!("formats.json")).unwrap();
    assert_eq!(blocks.len(), 12);
    let pool = Pool::new(1);
    for (name, b) in blocks {
        let ty = Type::from_id(b.id).unwrap();
        assert_eq!(ty.name(), name);
        let bytes: Vec<u8> =
            (0..b.bytes.len()).step_by(2).map(|i| u8::from_str_radix(&b.bytes[i..i + 2], 16).unwrap()).collect();
        let mut got = vec![0.0; b.values.len()];
        ty.widen(&bytes, &mut got).unwrap();
        let mut packed = vec![0.0; b.values.len()];
        Matrix::pack(ty, &bytes, 1, got.len(), &pool).unwrap().row(0, &mut packed);
        let most = b.values.iter().fold(0f32, |a, x| a.max(x.abs()));
        // Packed scales are f16; Q2_K is rounded to 1/254 of the largest of 16 weights.
        let part = if ty == Type::Q2_K { 5e-3 } else { 1e-3 };
        for (i, ((want, got), packed)) in b.values.iter().zip(&got).zip(&packed).enumerate() {
            assert!((got - want).abs() <= 1e-5 * most, "{name} weight {i}: {got} and not {want}");
            assert!((packed - want).abs() <= part * most, "{name} weight {i}, packed: {packed} and not {want}");
        }
    }
}
