//! Zip archives as office files and books use them: a directory at the end, entries stored or deflated.
//!
//! Everything unpacked is counted against one budget, so that a bomb is refused while it unpacks.

use crate::{ReadError, ReadOptions};
use flate2::read::DeflateDecoder;
use std::cell::Cell;
use std::collections::HashMap;
use std::io::Read;

/// Below this much unpacked data no ratio is suspicious.
const FLOOR_BYTES: u64 = 24 << 20;
const MAX_RATIO: u64 = 100;
const MAX_ENTRIES: usize = 65_536;

struct Entry {
    offset: usize,
    packed_bytes: usize,
    method: u16,
    encrypted: bool,
    /// It is a link, not a file.
    link: bool,
    /// Its name begins at a root or climbs out of the archive.
    outside: bool,
}

/// What the directory says of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    File,
    /// A link, or a name that leads out of the archive.
    Refused,
    Encrypted,
}

/// An archive's directory over its bytes.
pub(crate) struct Archive<'a> {
    bytes: &'a [u8],
    entries: HashMap<String, Entry>,
    names: Vec<String>,
    budget: Cell<u64>,
    limit: u64,
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

impl<'a> Archive<'a> {
    /// Reads the directory. Fails with `Damaged` where there is none, as in a file that is cut off.
    pub(crate) fn open(bytes: &'a [u8], options: &ReadOptions) -> Result<Self, ReadError> {
        let cut = || ReadError::damaged("it is cut off: the end of the archive is missing");
        let tail_at = bytes.len().saturating_sub(66_000);
        let tail = bytes.get(tail_at..).unwrap_or_default();
        let end = tail.windows(4).rposition(|window| window == b"PK\x05\x06").ok_or_else(cut)? + tail_at;
        let count = usize::from(u16_at(bytes, end + 10).ok_or_else(cut)?).min(MAX_ENTRIES);
        let size = u32_at(bytes, end + 12).ok_or_else(cut)? as usize;
        let stated = u32_at(bytes, end + 16).ok_or_else(cut)? as usize;
        // Bytes put in front of an archive shift every offset.
        let start = end.checked_sub(size).filter(|at| bytes.get(*at..).is_some_and(|b| b.starts_with(b"PK\x01\x02")));
        let start = start.unwrap_or(stated);
        let shift = start.saturating_sub(stated);
        let mut entries = HashMap::new();
        let mut names = Vec::new();
        let mut at = start;
        for _ in 0..count {
            let Some((entry, name, next)) = directory_entry(bytes, at, shift) else { break };
            if !entries.contains_key(&name) {
                names.push(name.clone());
            }
            entries.insert(name, entry);
            at = next;
        }
        if entries.is_empty() {
            return Err(ReadError::damaged("the archive's directory cannot be read"));
        }
        let limit = options.max_output_bytes.min((bytes.len() as u64).saturating_mul(MAX_RATIO).max(FLOOR_BYTES));
        Ok(Self { bytes, entries, names, budget: Cell::new(limit), limit })
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.entries.contains_key(name)
    }

    /// Names in the order of the directory.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// What an entry is.
    pub(crate) fn sort(&self, name: &str) -> Sort {
        match self.entries.get(name) {
            Some(entry) if entry.link || entry.outside => Sort::Refused,
            Some(Entry { encrypted: true, .. }) => Sort::Encrypted,
            _ => Sort::File,
        }
    }

    /// The entry's bytes; `None` where there is no such entry.
    pub(crate) fn get(&self, name: &str) -> Result<Option<Vec<u8>>, ReadError> {
        let Some(entry) = self.entries.get(name) else { return Ok(None) };
        if entry.encrypted {
            return Err(ReadError::Encrypted);
        }
        let broken = || ReadError::damaged(format!("its part {name} cannot be unpacked"));
        let packed = self.packed(entry).ok_or_else(broken)?;
        let left = self.budget.get();
        let mut out = Vec::new();
        let taken = match entry.method {
            0 => packed.take(left + 1).read_to_end(&mut out),
            8 => DeflateDecoder::new(packed).take(left + 1).read_to_end(&mut out),
            _ => return Err(ReadError::damaged(format!("its part {name} is packed in an unknown way"))),
        };
        if out.len() as u64 > left {
            self.budget.set(0);
            return Err(ReadError::Bomb { why: format!("it unpacks to more than {} MB", self.limit >> 20) });
        }
        self.budget.set(left - out.len() as u64);
        // What came out before the break is still worth reading.
        if taken.is_err() && out.is_empty() {
            return Err(broken());
        }
        Ok(Some(out))
    }

    /// The entry's bytes; a missing entry is `Damaged`.
    pub(crate) fn need(&self, name: &str) -> Result<Vec<u8>, ReadError> {
        self.get(name)?.ok_or_else(|| ReadError::damaged(format!("its part {name} is missing")))
    }

    fn packed(&self, entry: &Entry) -> Option<&'a [u8]> {
        let name_len = usize::from(u16_at(self.bytes, entry.offset.checked_add(26)?)?);
        let extra_len = usize::from(u16_at(self.bytes, entry.offset + 28)?);
        let start = entry.offset.checked_add(30 + name_len + extra_len)?;
        let end = start.checked_add(entry.packed_bytes)?.min(self.bytes.len());
        self.bytes.get(start..end)
    }
}

fn directory_entry(bytes: &[u8], at: usize, shift: usize) -> Option<(Entry, String, usize)> {
    if !bytes.get(at..)?.starts_with(b"PK\x01\x02") {
        return None;
    }
    let flags = u16_at(bytes, at + 8)?;
    let name_len = usize::from(u16_at(bytes, at + 28)?);
    let skip = usize::from(u16_at(bytes, at + 30)?) + usize::from(u16_at(bytes, at + 32)?);
    let name = bytes.get(at + 46..(at + 46).checked_add(name_len)?)?;
    let name = String::from_utf8_lossy(name).replace('\\', "/");
    // Systems of the kind of Unix keep what a file is beside its permissions.
    let mode = u32_at(bytes, at + 38)? >> 16;
    let entry = Entry {
        offset: (u32_at(bytes, at + 42)? as usize).checked_add(shift)?,
        packed_bytes: u32_at(bytes, at + 20)? as usize,
        method: u16_at(bytes, at + 10)?,
        encrypted: flags & 1 != 0,
        link: mode & 0xf000 == 0xa000,
        outside: leads_out(&name),
    };
    Some((entry, name.trim_start_matches('/').to_owned(), at + 46 + name_len + skip))
}

/// Whether a name begins at a root or climbs out of where it stands.
pub(crate) fn leads_out(name: &str) -> bool {
    let mut parts = name.split(['/', '\\']);
    let first = parts.next().unwrap_or_default();
    first.is_empty() || first.ends_with(':') || first == ".." || parts.any(|part| part == "..") || name.contains('\0')
}

/// `target` as a path inside the archive, taken from the folder of `base`.
pub(crate) fn resolve(base: &str, target: &str) -> String {
    let target = target.split(['#', '?']).next().unwrap_or_default();
    let mut parts: Vec<&str> = match target.strip_prefix('/') {
        Some(_) => Vec::new(),
        None => base.rsplit_once('/').map_or(Vec::new(), |(folder, _)| folder.split('/').collect()),
    };
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::io::Write;

    /// Builds an archive of deflated entries.
    pub(crate) fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let (mut out, mut directory) = (Vec::new(), Vec::new());
        for (name, body) in entries {
            let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(body).unwrap();
            let packed = encoder.finish().unwrap();
            let offset = out.len() as u32;
            let sizes = [[0; 4], (packed.len() as u32).to_le_bytes(), (body.len() as u32).to_le_bytes()].concat();
            let name_len = (name.len() as u16).to_le_bytes();
            out.extend(
                [b"PK\x03\x04".as_slice(), &[20, 0, 0, 0, 8, 0, 0, 0, 0, 0], &sizes, &name_len, &[0, 0]].concat(),
            );
            out.extend(name.as_bytes());
            out.extend(&packed);
            directory.extend([b"PK\x01\x02".as_slice(), &[20, 0, 20, 0, 0, 0, 8, 0, 0, 0, 0, 0], &sizes].concat());
            directory.extend([&name_len[..], &[0; 12], &offset.to_le_bytes()].concat());
            directory.extend(name.as_bytes());
        }
        let (start, size) = (out.len() as u32, directory.len() as u32);
        out.extend(&directory);
        let count = (entries.len() as u16).to_le_bytes();
        out.extend(
            [b"PK\x05\x06".as_slice(), &[0; 4], &count, &count, &size.to_le_bytes(), &start.to_le_bytes(), &[0, 0]]
                .concat(),
        );
        out
    }

    #[test]
    fn entries_are_read_back() {
        let bytes = zip(&[("a.txt", b"hello"), ("b/c.xml", b"<x/>")]);
        let archive = Archive::open(&bytes, &ReadOptions::default()).unwrap();
        assert_eq!(archive.need("b/c.xml").unwrap(), b"<x/>");
        assert_eq!(archive.names().collect::<Vec<_>>(), ["a.txt", "b/c.xml"]);
        assert_eq!(archive.get("no").unwrap(), None);
        assert_eq!(archive.need("no").unwrap_err().code(), "damaged");
    }

    #[test]
    fn bytes_in_front_do_not_matter() {
        let bytes = [b"junk".as_slice(), &zip(&[("a", b"hello")])].concat();
        assert_eq!(Archive::open(&bytes, &ReadOptions::default()).unwrap().need("a").unwrap(), b"hello");
    }

    #[test]
    fn a_cut_archive_is_damaged() {
        let bytes = zip(&[("a", b"hello")]);
        let half = &bytes[..bytes.len() / 2];
        assert_eq!(Archive::open(half, &ReadOptions::default()).err().map(|e| e.code()), Some("damaged"));
    }

    #[test]
    fn a_bomb_is_refused() {
        let zeros = vec![0u8; 40 << 20];
        let bytes = zip(&[("a", &zeros)]);
        let archive = Archive::open(&bytes, &ReadOptions::default()).unwrap();
        assert_eq!(archive.get("a").unwrap_err().code(), "bomb");
    }

    #[test]
    fn targets_stay_inside() {
        assert_eq!(resolve("ppt/slides/slide1.xml", "../media/a.png"), "ppt/media/a.png");
        assert_eq!(resolve("word/document.xml", "/docProps/core.xml"), "docProps/core.xml");
        assert_eq!(resolve("a/b", "../../../../etc/passwd"), "etc/passwd");
        assert_eq!(resolve("OEBPS/x.opf", "ch1.xhtml#p3"), "OEBPS/ch1.xhtml");
    }
}
