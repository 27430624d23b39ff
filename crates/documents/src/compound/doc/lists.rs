//! Lists of an old Word document: how their levels count, and which styles belong to one.

use super::super::{u16_at, u32_at};
use crate::numbering::{Level, Numbering};
use std::collections::HashMap;

/// Places in the head of where the lists lie.
const LISTS: usize = 738;
const OVERRIDES: usize = 746;
/// Lists of one document.
const MAX_LISTS: usize = 4096;
/// The style that stands for none.
const NO_STYLE: u16 = 0x0fff;

/// Reads the lists, and of each style the list and level that it belongs to.
pub(super) fn read(main: &[u8], table: &[u8]) -> (Numbering, HashMap<u16, (u16, u8)>) {
    let mut numbering = Numbering::default();
    let mut styles: HashMap<(u32, u16), u8> = HashMap::new();
    let _ = definitions(main, table, &mut numbering, &mut styles);
    let mut by_style = HashMap::new();
    let _ = overrides(main, table, &mut numbering, &styles, &mut by_style);
    (numbering, by_style)
}

/// The abstract lists, then the levels of each in turn. What cannot be read any more is left out.
fn definitions(
    main: &[u8],
    table: &[u8],
    numbering: &mut Numbering,
    styles: &mut HashMap<(u32, u16), u8>,
) -> Option<()> {
    let (start, long) = (u32_at(main, LISTS)? as usize, u32_at(main, LISTS + 4)? as usize);
    let many = usize::from(u16_at(table, start)?).min(MAX_LISTS);
    let mut at = start.checked_add(long)?;
    if long < 2 {
        return None;
    }
    for one in 0..many {
        let list = start + 2 + 28 * one;
        let id = u32_at(table, list)?;
        let levels = if table.get(list + 26)? & 1 != 0 { 1 } else { 9 };
        for level in 0..9u8 {
            let style = u16_at(table, list + 8 + 2 * usize::from(level))?;
            if style != NO_STYLE {
                styles.insert((id, style), level);
            }
        }
        for level in 0..levels {
            let (read, next) = level_at(table, at)?;
            numbering.define(&id.to_string(), level, read);
            at = next;
        }
    }
    Some(())
}

/// The lists that paragraphs name, from 1, each made from an abstract one.
fn overrides(
    main: &[u8],
    table: &[u8],
    numbering: &mut Numbering,
    styles: &HashMap<(u32, u16), u8>,
    by_style: &mut HashMap<u16, (u16, u8)>,
) -> Option<()> {
    let (start, long) = (u32_at(main, OVERRIDES)? as usize, u32_at(main, OVERRIDES + 4)?);
    if long < 4 {
        return None;
    }
    let many = (u32_at(table, start)? as usize).min(MAX_LISTS);
    let mut of_list: HashMap<u32, Vec<(u16, u8)>> = HashMap::new();
    for ((id, style), level) in styles {
        of_list.entry(*id).or_default().push((*style, *level));
    }
    // Behind the lists stands for each what it changes.
    let mut at = start.checked_add(4 + 16 * many)?;
    for one in 0..many {
        let list = start + 4 + 16 * one;
        let id = u32_at(table, list)?;
        let number = one as u16 + 1;
        for (style, level) in of_list.get(&id).into_iter().flatten() {
            by_style.entry(*style).or_insert((number, *level));
        }
        let mut starts = HashMap::new();
        let changes = table.get(list + 12).copied()?;
        // What follows may be cut off; the list itself stands.
        numbering.list(&number.to_string(), &id.to_string(), HashMap::new());
        at = at.checked_add(4)?;
        for _ in 0..changes {
            let (first, flags) = (u32_at(table, at)?, u32_at(table, at + 4)?);
            at += 8;
            let level = (flags & 0xf).min(8) as u8;
            if flags & 0x20 != 0 {
                let (own, next) = level_at(table, at)?;
                if flags & 0x10 != 0 {
                    starts.insert(level, own.start);
                }
                numbering.redefine(&number.to_string(), level, own);
                at = next;
            } else if flags & 0x10 != 0 {
                starts.insert(level, first);
            }
        }
        numbering.list(&number.to_string(), &id.to_string(), starts);
    }
    Some(())
}

/// A level at a place, and where the next one begins.
fn level_at(table: &[u8], at: usize) -> Option<(Level, usize)> {
    let start = u32_at(table, at)?;
    let format = match table.get(at + 4)? {
        1 => "upperRoman",
        2 => "lowerRoman",
        3 => "upperLetter",
        4 => "lowerLetter",
        5 => "ordinal",
        22 => "decimalZero",
        23 => "bullet",
        255 => "none",
        _ => "decimal",
    };
    let text = at + 28 + usize::from(*table.get(at + 24)?) + usize::from(*table.get(at + 25)?);
    let long = usize::from(u16_at(table, text)?);
    let body = table.get(text + 2..text + 2 + 2 * long)?;
    let mut label = String::new();
    let units = body.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).take(40);
    for letter in char::decode_utf16(units).flatten() {
        match letter {
            // The number of a level stands for itself.
            '\0'..='\u{8}' => label.push_str(&format!("%{}", u32::from(letter) + 1)),
            letter => label.push(letter),
        }
    }
    let flags = *table.get(at + 5)?;
    let restart = (flags & 8 != 0).then(|| table.get(at + 26).copied()).flatten();
    let level =
        Level { format: format.to_owned(), text: label, start: start.min(1 << 20), restart, legal: flags & 4 != 0 };
    Some((level, text + 2 + 2 * long))
}
