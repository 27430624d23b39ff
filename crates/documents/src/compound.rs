//! Compound files: the container of old Word, Excel and PowerPoint files (DOC, XLS, PPT) and of Outlook messages (MSG).
//! Streams by path, bounded.

pub(crate) mod doc;
pub(crate) mod msg;
mod packed;
pub(crate) mod ppt;
pub(crate) mod xls;

use crate::ReadError;
use cfb::CompoundFile as Container;
use std::io::{Cursor, Read};

const MAGIC: [u8; 8] = [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];

/// Whether a file is a compound file.
pub(crate) fn is_compound(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

/// An open compound file.
pub(crate) struct Compound<'a> {
    file: Container<Cursor<&'a [u8]>>,
    most: u64,
}

impl<'a> Compound<'a> {
    /// Opens a file; streams may hold at most `most` bytes each.
    pub(crate) fn open(bytes: &'a [u8], most: u64) -> Result<Self, ReadError> {
        let file = Container::open(Cursor::new(bytes));
        let file = file.map_err(|why| ReadError::damaged(format!("its container cannot be read: {why}")))?;
        Ok(Self { file, most: most.min(bytes.len() as u64) })
    }

    /// The bytes of a stream; none where there is none.
    pub(crate) fn stream(&mut self, path: &str) -> Option<Vec<u8>> {
        if !self.file.is_stream(path) {
            return None;
        }
        let stream = self.file.open_stream(path).ok()?;
        let mut bytes = Vec::new();
        // What came before a break is still worth reading.
        let _ = stream.take(self.most).read_to_end(&mut bytes);
        Some(bytes)
    }

    /// Names of the storages and streams directly inside a storage, in a steady order.
    pub(crate) fn inside(&self, path: &str) -> Vec<String> {
        let Ok(entries) = self.file.read_storage(path) else { return Vec::new() };
        let mut names: Vec<String> = entries.map(|entry| entry.name().to_owned()).collect();
        names.sort();
        names
    }
}

/// A little-endian number of two bytes at a place.
pub(crate) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

/// A little-endian number of four bytes at a place.
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

/// UTF-16, little-endian, up to its first zero.
pub(crate) fn wide(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).take_while(|unit| *unit != 0);
    char::decode_utf16(units).map(|letter| letter.unwrap_or('\u{fffd}')).collect()
}

#[cfg(test)]
pub(crate) mod tests;
