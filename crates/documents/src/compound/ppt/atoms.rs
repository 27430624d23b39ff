//! Records of a presentation: a kind, an instance, a body; a container's body holds records again.

use super::super::{u16_at, u32_at};

/// Containers within containers that are followed.
const MAX_NESTING: u8 = 24;

/// Kinds of records by their numbers in the format's description.
pub(super) mod kinds {
    pub(crate) const DOCUMENT: u16 = 0x03e8;
    pub(crate) const SLIDE: u16 = 0x03ee;
    pub(crate) const NOTES: u16 = 0x03f0;
    pub(crate) const NOTES_ATOM: u16 = 0x03f1;
    pub(crate) const LISTED: u16 = 0x03f3;
    pub(crate) const DRAWING: u16 = 0x040c;
    pub(crate) const PLACEHOLDER: u16 = 0x0bc3;
    pub(crate) const OUTLINE_TEXT: u16 = 0x0f9e;
    pub(crate) const TEXT_HEADER: u16 = 0x0f9f;
    pub(crate) const TEXT_WIDE: u16 = 0x0fa0;
    pub(crate) const TEXT_STYLE: u16 = 0x0fa1;
    pub(crate) const TEXT_BYTES: u16 = 0x0fa8;
    pub(crate) const TEXT_NUMBERS: u16 = 0x0fac;
    pub(crate) const STRING: u16 = 0x0fba;
    pub(crate) const LIST: u16 = 0x0ff0;
    pub(crate) const EDIT: u16 = 0x0ff5;
    pub(crate) const ADDED: u16 = 0x138b;
    pub(crate) const DIRECTORY: u16 = 0x1772;
    pub(crate) const COMMENT: u16 = 0x2ee0;
    pub(crate) const GROUP: u16 = 0xf003;
    pub(crate) const SHAPE: u16 = 0xf004;
    pub(crate) const TEXT_BOX: u16 = 0xf00d;
    pub(crate) const INNER_PLACE: u16 = 0xf00f;
    pub(crate) const PLACE: u16 = 0xf010;
    pub(crate) const MORE_OPTIONS: u16 = 0xf122;
}

/// One record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Atom<'a> {
    pub(super) kind: u16,
    pub(super) instance: u16,
    container: bool,
    pub(super) body: &'a [u8],
}

impl<'a> Atom<'a> {
    /// The record at a place; one that is cut off ends with the bytes.
    pub(super) fn at(bytes: &'a [u8], at: usize) -> Option<Self> {
        let head = u16_at(bytes, at)?;
        let start = at.checked_add(8)?;
        let long = u32_at(bytes, at + 4)? as usize;
        let body = bytes.get(start..start.saturating_add(long).min(bytes.len()))?;
        Some(Self { kind: u16_at(bytes, at + 2)?, instance: head >> 4, container: head & 0xf == 0xf, body })
    }

    /// The records inside; none in one that holds data. What later programs added is not marked as a container.
    pub(super) fn children(&self) -> Atoms<'a> {
        let inside = self.container || self.kind == kinds::ADDED;
        Atoms { bytes: if inside { self.body } else { &[] }, at: 0 }
    }

    /// All records of a kind inside, at any depth.
    pub(super) fn all(&self, kind: u16) -> Vec<Atom<'a>> {
        let mut out = Vec::new();
        self.gather(kind, MAX_NESTING, &mut out);
        out
    }

    fn gather(&self, kind: u16, depth: u8, out: &mut Vec<Atom<'a>>) {
        for child in self.children() {
            if child.kind == kind {
                out.push(child);
            } else if depth > 0 {
                child.gather(kind, depth - 1, out);
            }
        }
    }

    /// The body as text of two bytes to the letter.
    pub(super) fn wide(&self) -> String {
        let units = self.body.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
        char::decode_utf16(units).map(|letter| letter.unwrap_or('\u{fffd}')).collect()
    }
}

/// Records one after the other.
pub(super) struct Atoms<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Atoms<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }
}

impl<'a> Iterator for Atoms<'a> {
    type Item = Atom<'a>;

    fn next(&mut self) -> Option<Atom<'a>> {
        let atom = Atom::at(self.bytes, self.at)?;
        self.at = self.at.saturating_add(8 + atom.body.len());
        Some(atom)
    }
}
