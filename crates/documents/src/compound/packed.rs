//! Small packed forms inside compound files: property sets ([MS-OLEPS]) and compressed rich text ([MS-OXRTFCP]).

use super::{u16_at, u32_at};
use crate::rtf::encoding_of_page;

/// A text property of the first set of a stream, by its number.
pub(super) fn property(stream: &[u8], wanted: u32) -> Option<String> {
    let set = stream.get(u32_at(stream, 44)? as usize..)?;
    let many = u32_at(set, 4)?.min(500) as usize;
    let at =
        |id: u32| (0..many).find(|one| u32_at(set, 8 + 8 * one) == Some(id)).and_then(|one| u32_at(set, 12 + 8 * one));
    let page = at(1).and_then(|at| u16_at(set, at as usize + 4)).map_or(1252, i32::from);
    let value = set.get(at(wanted)? as usize..)?;
    let long = u32_at(value, 4)? as usize;
    match u32_at(value, 0)? {
        0x1e => {
            let bytes = value.get(8..8usize.checked_add(long)?)?;
            let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
            Some(encoding_of_page(page).decode_without_bom_handling(bytes.get(..end)?).0.into_owned())
        }
        0x1f => Some(super::wide(value.get(8..8usize.checked_add(long.checked_mul(2)?)?)?)),
        _ => None,
    }
}

/// What stands in the dictionary before the first letter.
const BEFORE: &[u8] = b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \
\\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";
const ROUND: usize = 4096;

/// Unpacks rich text; none where it is not packed in this form. At most `most` bytes come out.
pub(super) fn rich_text(packed: &[u8], most: usize) -> Option<Vec<u8>> {
    let raw = u32_at(packed, 4)? as usize;
    let body = packed.get(16..)?;
    match u32_at(packed, 8)? {
        0x414c_454d => return Some(body.get(..raw.min(body.len()))?.to_vec()),
        0x7546_5a4c => {}
        _ => return None,
    }
    let mut ring = [0u8; ROUND];
    ring.get_mut(..BEFORE.len())?.copy_from_slice(BEFORE);
    let (mut write, mut out, mut at) = (BEFORE.len(), Vec::new(), 0);
    let limit = raw.min(most);
    'all: while let Some(control) = body.get(at).copied() {
        at += 1;
        for bit in 0..8 {
            if out.len() >= limit {
                break 'all;
            }
            if control & (1 << bit) == 0 {
                let Some(byte) = body.get(at).copied() else { break 'all };
                at += 1;
                put(&mut ring, &mut write, &mut out, byte);
            } else {
                let (Some(high), Some(low)) = (body.get(at), body.get(at + 1)) else { break 'all };
                at += 2;
                let both = usize::from(*high) << 8 | usize::from(*low);
                let (from, long) = (both >> 4, (both & 0xf) + 2);
                if from == write % ROUND {
                    break 'all;
                }
                for step in 0..long {
                    let byte = ring.get((from + step) % ROUND).copied().unwrap_or(0);
                    put(&mut ring, &mut write, &mut out, byte);
                }
            }
        }
    }
    Some(out)
}

fn put(ring: &mut [u8; ROUND], write: &mut usize, out: &mut Vec<u8>, byte: u8) {
    if let Some(place) = ring.get_mut(*write % ROUND) {
        *place = byte;
    }
    *write = (*write + 1) % ROUND;
    out.push(byte);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rich_text_comes_out_as_the_format_describes_it() {
        // The example of the format's own description.
        let packed = [
            0x2d, 0x00, 0x00, 0x00, 0x2b, 0x00, 0x00, 0x00, 0x4c, 0x5a, 0x46, 0x75, 0xf1, 0xc5, 0xc7, 0xa7, 0x03, 0x00,
            0x0a, 0x00, 0x72, 0x63, 0x70, 0x67, 0x31, 0x32, 0x35, 0x42, 0x32, 0x0a, 0xf3, 0x20, 0x68, 0x65, 0x6c, 0x09,
            0x00, 0x20, 0x62, 0x77, 0x05, 0xb0, 0x6c, 0x64, 0x7d, 0x0a, 0x80, 0x0f, 0xa0,
        ];
        let text = rich_text(&packed, 1 << 20).unwrap();
        assert_eq!(String::from_utf8_lossy(&text), "{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n");
        assert_eq!(rich_text(&packed, 10).map(|text| text.len() <= 27), Some(true));
        assert_eq!(rich_text(&packed[..20], 100).map(|text| text.len() < 100), Some(true));
        assert_eq!(rich_text(b"", 9), None);
    }
}
