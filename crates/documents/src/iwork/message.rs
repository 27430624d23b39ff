//! The packing of later documents: blocks of Snappy, and in them messages of numbered fields (protobuf). Nothing here knows
//! what a field means.

/// Unpacks a part: blocks with a length before each. Stops at a fault or where more than `limit` comes out, and says whether
/// it came to the end.
pub(super) fn unpack(part: &[u8], limit: usize) -> (Vec<u8>, bool) {
    let mut out = Vec::new();
    let mut at = 0;
    while at < part.len() {
        let head = part.get(at..at + 4);
        let Some(&[0, a, b, c]) = head else { return (out, false) };
        let long = usize::from(a) | usize::from(b) << 8 | usize::from(c) << 16;
        let Some(block) = part.get(at + 4..at + 4 + long) else { return (out, false) };
        if snappy(block, &mut out, limit).is_none() {
            return (out, false);
        }
        at += 4 + long;
    }
    (out, true)
}

/// One block, appended; copies reach back into this block only.
fn snappy(block: &[u8], out: &mut Vec<u8>, limit: usize) -> Option<()> {
    let mut at = 0;
    let said = usize::try_from(varint(block, &mut at)?).ok()?;
    let (start, end) = (out.len(), out.len().checked_add(said)?);
    if end > limit {
        return None;
    }
    while at < block.len() {
        let tag = usize::from(*block.get(at)?);
        at += 1;
        let mut number = |bytes: usize| -> Option<usize> {
            let part = block.get(at..at + bytes)?;
            at += bytes;
            Some(part.iter().rev().fold(0usize, |sum, byte| sum << 8 | usize::from(*byte)))
        };
        let (long, back) = match tag & 3 {
            0 => {
                let long = match tag >> 2 {
                    short @ 0..60 => short,
                    more => number(more - 59)?,
                };
                let long = long.checked_add(1)?;
                out.extend_from_slice(block.get(at..at.checked_add(long)?)?);
                at += long;
                (0, 1)
            }
            1 => ((tag >> 2 & 7) + 4, (tag >> 5) << 8 | number(1)?),
            2 => ((tag >> 2) + 1, number(2)?),
            _ => ((tag >> 2) + 1, number(4)?),
        };
        for _ in 0..long {
            let from = out.len().checked_sub(back).filter(|from| *from >= start && back > 0)?;
            let byte = *out.get(from)?;
            out.push(byte);
        }
        if out.len() > end {
            return None;
        }
    }
    Some(())
}

/// A number of up to 64 bits, seven to the byte.
pub(super) fn varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..70).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    /// A number of fixed length, which nothing here needs.
    Fixed,
}

/// The fields of a message, in order; what follows a fault is left out.
pub(super) fn fields(message: &[u8]) -> impl Iterator<Item = (u64, Value<'_>)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let key = varint(message, &mut at)?;
        let value = match key & 7 {
            0 => Value::Number(varint(message, &mut at)?),
            2 => {
                let long = usize::try_from(varint(message, &mut at)?).ok()?;
                let bytes = message.get(at..at.checked_add(long)?)?;
                at += long;
                Value::Bytes(bytes)
            }
            kind @ (1 | 5) => {
                at = at.checked_add(if kind == 1 { 8 } else { 4 }).filter(|at| *at <= message.len())?;
                Value::Fixed
            }
            _ => return None,
        };
        Some((key >> 3, value))
    })
}

/// Every field of a number that holds bytes.
pub(super) fn all(message: &[u8], number: u64) -> impl Iterator<Item = &[u8]> {
    fields(message).filter_map(move |(field, value)| match value {
        Value::Bytes(bytes) if field == number => Some(bytes),
        _ => None,
    })
}

/// The first field of a number that holds bytes.
pub(super) fn bytes(message: &[u8], number: u64) -> Option<&[u8]> {
    all(message, number).next()
}

/// The first field of a number that holds a number.
pub(super) fn number(message: &[u8], wanted: u64) -> Option<u64> {
    fields(message).find_map(|(field, value)| match value {
        Value::Number(number) if field == wanted => Some(number),
        _ => None,
    })
}
