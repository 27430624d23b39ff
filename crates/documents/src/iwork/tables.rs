//! Tables of documents since 2013: rows in tiles, each with the packed cells that hold something; words are in lists beside.

use super::iwa::Objects;
use super::message::{all, bytes, number};
use crate::ReadError;
use crate::builder::{OutputBudget, PageBuilder, folded};
use crate::office::number::Format;
use crate::office::sheet::{Lines, truth};
use hearth_domain::BlockKind;
use std::collections::HashMap;

/// Rows of a tile where nothing else is said.
const TILE_ROWS: u64 = 256;
/// The day from which dates are counted, as the number that Excel has for it.
const FIRST_DAY: f64 = 36_892.0;
/// What the exponent of a decimal number is shifted by.
const BIAS: i32 = 0x1820;

/// Writes one table.
pub(super) fn table(
    objects: &Objects,
    model: &[u8],
    page: &mut PageBuilder,
    budget: &mut OutputBudget,
) -> Result<(), ReadError> {
    let Some(store) = bytes(model, 4) else { return Ok(()) };
    let words = words(objects, store, budget)?;
    let mut lines = Lines::default();
    let tiles = bytes(store, 3).unwrap_or_default();
    let tile_rows = number(tiles, 2).filter(|rows| *rows > 0).unwrap_or(TILE_ROWS);
    for tile in all(tiles, 1) {
        let first = number(tile, 1).unwrap_or(0).saturating_mul(tile_rows);
        for row in all(objects.named(tile, 2).unwrap_or_default(), 5) {
            let at = u32::try_from(first.saturating_add(number(row, 1).unwrap_or(0))).unwrap_or(u32::MAX - 1);
            let (Some(cells), Some(offsets)) = (bytes(row, 6), bytes(row, 7)) else { continue };
            let wide = number(row, 8).is_some_and(|wide| wide != 0);
            for (column, offset) in offsets.chunks_exact(2).enumerate() {
                budget.spend(1)?;
                let offset = u16::from_le_bytes([offset[0], offset[1]]);
                let Some(cell) =
                    (offset < 0x8000).then(|| cells.get(usize::from(offset) * if wide { 4 } else { 1 }..)).flatten()
                else {
                    continue;
                };
                let text = shown(cell, &words).unwrap_or_default();
                budget.spend(text.len())?;
                lines.put(at.saturating_add(1), column as u32 + 1, &text);
            }
        }
    }
    let name = bytes(model, 8).map(|name| folded(&String::from_utf8_lossy(name))).unwrap_or_default();
    page.block(BlockKind::Paragraph, &name);
    let before = page.blocks().len();
    lines.write(page);
    if number(model, 9).is_some_and(|heads| heads > 0) && page.blocks().len() > before + 1 {
        page.mark_header(before);
    }
    Ok(())
}

/// The words that cells name by number: plain ones, and those with formats.
struct CellWords {
    plain: HashMap<u32, String>,
    rich: HashMap<u32, String>,
}

fn words(objects: &Objects, store: &[u8], budget: &mut OutputBudget) -> Result<CellWords, ReadError> {
    let mut words = CellWords { plain: HashMap::new(), rich: HashMap::new() };
    for (field, rich) in [(4, false), (17, true)] {
        let Some(list) = objects.named(store, field) else { continue };
        let more = all(list, 4).filter_map(|name| objects.message(number(name, 1)?));
        for entry in std::iter::once(list).chain(more).flat_map(|list| all(list, 3)) {
            let Some(key) = number(entry, 1).and_then(|key| u32::try_from(key).ok()) else { continue };
            let text = match rich {
                false => bytes(entry, 3).map(|text| String::from_utf8_lossy(text).into_owned()),
                true => objects
                    .named(entry, 9)
                    .and_then(|payload| objects.named(payload, 1))
                    .map(|storage| all(storage, 3).map(String::from_utf8_lossy).collect::<Vec<_>>().join(" ")),
            };
            let text = folded(&text.unwrap_or_default());
            budget.spend(text.len() + 1)?;
            if rich { &mut words.rich } else { &mut words.plain }.insert(key, text);
        }
    }
    Ok(words)
}

/// What a cell shows, of the fifth form of packing.
fn shown(cell: &[u8], words: &CellWords) -> Option<String> {
    if *cell.first()? != 5 {
        return None;
    }
    let flags = u32::from_le_bytes(cell.get(8..12)?.try_into().ok()?);
    let mut at = 12;
    let mut take = |bit: u32, long: usize| -> Option<&[u8]> {
        if flags & bit == 0 {
            return None;
        }
        let part = cell.get(at..at + long)?;
        at += long;
        Some(part)
    };
    let decimal = take(1, 16).and_then(decimal);
    let double = |part: Option<&[u8]>| Some(f64::from_le_bytes(part?.try_into().ok()?));
    let (plain, seconds) = (double(take(2, 8)), double(take(4, 8)));
    let key = |part: Option<&[u8]>| Some(u32::from_le_bytes(part?.try_into().ok()?));
    let (text, rich) = (key(take(8, 4)), key(take(16, 4)));
    let general = |value: f64| Format::General.show(value, false);
    Some(match *cell.get(1)? {
        2 | 10 => general(decimal.or(plain)?),
        3 => words.plain.get(&text?)?.clone(),
        5 => {
            let days = FIRST_DAY + seconds? / 86_400.0;
            Format::of(if days.fract() == 0.0 { 14 } else { 22 }, None).show(days, false)
        }
        6 => truth(plain? > 0.0).to_owned(),
        7 => format!("{} s", general(plain?)),
        8 => "#ERROR!".to_owned(),
        9 => words.rich.get(&rich?)?.clone(),
        _ => return None,
    })
}

/// A decimal number of 128 bits: 113 of digits, 14 of exponent, one of sign.
fn decimal(part: &[u8]) -> Option<f64> {
    let bits = u128::from_le_bytes(part.try_into().ok()?);
    let digits = bits & ((1 << 113) - 1);
    let exponent = (bits >> 113 & 0x3fff) as i32 - BIAS;
    // Reading decimal digits rounds once.
    let value: f64 = format!("{digits}e{exponent}").parse().ok()?;
    Some(if bits >> 127 == 1 { -value } else { value })
}
