//! Tape archives (ustar, GNU, pax): heads of 512 bytes, each followed by its file.

use super::{Folder, is_litter};
use crate::ReadError;
use crate::read::{Progress, step};

const BLOCK: usize = 512;

/// Whether bytes begin with the head of a file in a tape archive: its sum is right.
pub(crate) fn is_tar(bytes: &[u8]) -> bool {
    let Some(head) = bytes.get(..BLOCK) else { return false };
    let sum: u64 =
        head.iter().enumerate().map(|(at, byte)| if (148..156).contains(&at) { 32 } else { u64::from(*byte) }).sum();
    head.first() != Some(&0) && number(head.get(148..156).unwrap_or_default()) == Some(sum)
}

/// Takes every file; what a link points at is not followed.
pub(super) fn read(bytes: &[u8], folder: &mut Folder, progress: &mut Progress<'_>) -> Result<(), ReadError> {
    let mut at = 0;
    let mut long_name: Option<String> = None;
    while let Some(head) = bytes.get(at..).and_then(|rest| rest.get(..BLOCK)) {
        step(progress, (at / BLOCK) as u32, (bytes.len() / BLOCK) as u32)?;
        if head.iter().all(|byte| *byte == 0) {
            return Ok(());
        }
        let long = number(head.get(124..136).unwrap_or_default()).and_then(|long| usize::try_from(long).ok());
        let Some(long) = long.filter(|_| is_tar(head)) else {
            folder.cut = true;
            return Ok(());
        };
        let start = at + BLOCK;
        let body = bytes.get(start..start.saturating_add(long));
        folder.cut |= body.is_none();
        let Some(body) = body else { return Ok(()) };
        match head.get(156).copied().unwrap_or(0) {
            b'L' => long_name = Some(text(body)),
            b'x' => long_name = pax_path(body).or(long_name),
            kind => {
                let name = long_name.take().unwrap_or_else(|| name_of(head));
                let is_file = matches!(kind, 0 | b'0' | b'7') && !name.ends_with('/');
                // Links and devices are no files.
                if matches!(kind, b'1'..=b'4' | b'6') && !is_litter(&name) {
                    folder.refused.push(name);
                } else if is_file && !is_litter(&name) && !folder.is_full() {
                    folder.add(&name, body.to_vec());
                }
            }
        }
        at = start.saturating_add(long.div_ceil(BLOCK).saturating_mul(BLOCK));
    }
    folder.cut |= at < bytes.len();
    Ok(())
}

fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
}

/// A number in octal digits, or in bytes where the first one says so.
fn number(field: &[u8]) -> Option<u64> {
    if field.first() == Some(&0x80) {
        let bytes = field.get(1..)?;
        return bytes.iter().try_fold(0u64, |sum, byte| Some(sum.checked_mul(256)? | u64::from(*byte)));
    }
    let digits = field.iter().skip_while(|byte| **byte == b' ').take_while(|byte| matches!(byte, b'0'..=b'7'));
    digits.into_iter().try_fold(0u64, |sum, digit| sum.checked_mul(8)?.checked_add(u64::from(digit - b'0')))
}

fn name_of(head: &[u8]) -> String {
    let name = text(head.get(..100).unwrap_or_default());
    let prefix =
        if head.get(257..262) == Some(b"ustar") { text(head.get(345..500).unwrap_or_default()) } else { String::new() };
    let whole = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
    whole.strip_prefix("./").map(str::to_owned).unwrap_or(whole)
}

/// The path among the records of a pax head: `LENGTH path=VALUE`.
fn pax_path(body: &[u8]) -> Option<String> {
    let mut rest = body;
    while !rest.is_empty() {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let long: usize = std::str::from_utf8(rest.get(..digits)?).ok()?.parse().ok()?;
        let record = rest.get(digits + 1..long)?;
        if let Some(path) = record.strip_prefix(b"path=") {
            return Some(text(path).trim_end_matches('\n').to_owned());
        }
        rest = rest.get(long.max(1)..)?;
    }
    None
}
