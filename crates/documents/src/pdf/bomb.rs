//! Refuses a PDF whose compressed streams unpack into far more than a document holds, before anything unpacks them.

use crate::ReadError;
use flate2::read::ZlibDecoder;
use std::io::Read;

/// Below this much unpacked data no ratio is suspicious: one blank picture packs a thousand to one.
const FLOOR_BYTES: u64 = 64 << 20;
const MAX_RATIO: u64 = 100;
/// Compressions of a compression that are followed.
const MAX_DEPTH: usize = 3;

/// Unpacks every stream of `bytes` into nothing and adds up what comes out.
pub(super) fn check(bytes: &[u8], limit_bytes: u64) -> Result<(), ReadError> {
    let ratio_limit = (bytes.len() as u64).saturating_mul(MAX_RATIO).max(FLOOR_BYTES);
    let limit = limit_bytes.min(ratio_limit);
    let mut total = 0u64;
    let mut rest = bytes;
    while let Some(at) = find(rest, b"stream") {
        rest = rest.get(at + 6..).unwrap_or_default();
        let body = rest.strip_prefix(b"\r\n").or_else(|| rest.strip_prefix(b"\n")).unwrap_or(rest);
        if !is_zlib(body) {
            continue;
        }
        total = total.saturating_add(unpacked(body, limit.saturating_sub(total), MAX_DEPTH));
        if total > limit {
            return Err(ReadError::Bomb { why: format!("it unpacks to more than {} MB", limit >> 20) });
        }
    }
    Ok(())
}

fn is_zlib(bytes: &[u8]) -> bool {
    matches!(bytes, [cmf, flags, ..] if cmf & 0x0f == 8 && (u16::from(*cmf) << 8 | u16::from(*flags)) % 31 == 0)
}

/// Bytes that come out of `packed`, counted no further than just over `limit`.
fn unpacked(packed: &[u8], limit: u64, depth: usize) -> u64 {
    let mut decoder = ZlibDecoder::new(packed);
    let mut buffer = [0u8; 16 * 1024];
    let mut total = 0u64;
    let mut inner: Vec<u8> = Vec::new();
    let mut nested = false;
    while let Ok(n) = decoder.read(&mut buffer) {
        if n == 0 {
            break;
        }
        let piece = buffer.get(..n).unwrap_or_default();
        if total == 0 {
            nested = depth > 1 && is_zlib(piece);
        }
        if nested && inner.len() < 4 << 20 {
            inner.extend_from_slice(piece);
        }
        total += n as u64;
        if total > limit {
            return total;
        }
    }
    if nested { total.saturating_add(unpacked(&inner, limit.saturating_sub(total), depth - 1)) } else { total }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    let first = *needle.first()?;
    let mut from = 0;
    while let Some(at) = haystack.get(from..)?.iter().position(|byte| *byte == first) {
        if haystack.get(from + at..)?.starts_with(needle) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn file(body: &[u8]) -> Vec<u8> {
        [b"%PDF-1.4\n1 0 obj << /Filter /FlateDecode >>\nstream\n", body, b"\nendstream endobj"].concat()
    }

    #[test]
    fn a_stream_that_unpacks_a_thousandfold_is_refused() {
        let zeros = vec![0u8; 80 << 20];
        let once = packed(&zeros);
        assert_eq!(check(&file(&once), u64::MAX).unwrap_err().code(), "bomb");
        assert_eq!(check(&file(&packed(&once)), u64::MAX).unwrap_err().code(), "bomb");
    }

    #[test]
    fn an_ordinary_stream_passes() {
        assert_eq!(check(&file(&packed(&vec![b'x'; 1 << 20])), u64::MAX), Ok(()));
        assert_eq!(check(&file(&packed(b"BT (x) Tj ET")), 5).unwrap_err().code(), "bomb");
    }
}
