//! The tables of tags that TIFF files are made of and that EXIF borrows: where pages lie, when a picture was taken, how
//! many dots it has to the inch. No pixel is read here, and every offset is a stranger's.

/// Pages of one file, at most.
const MAX_PAGES: usize = 2_000;
/// Tags of one table that are looked at.
const MAX_TAGS: u16 = 512;
/// Characters of a text that are taken.
const MAX_TEXT: usize = 64;

const REDUCED: u16 = 254;
const X_RESOLUTION: u16 = 282;
const UNIT: u16 = 296;
const DATE: u16 = 306;
const EXIF: u16 = 0x8769;
const TAKEN: u16 = 0x9003;

/// A file of tables, in its byte order.
#[derive(Clone, Copy)]
pub(super) struct Tags<'a> {
    bytes: &'a [u8],
    little: bool,
}

/// One tag: how its value is written and where its four bytes stand.
struct Tag {
    id: u16,
    kind: u16,
    count: u32,
    at: usize,
}

impl<'a> Tags<'a> {
    /// `None` where this is no such file.
    pub(super) fn of(bytes: &'a [u8]) -> Option<Self> {
        let little = match bytes.get(..4)? {
            b"II*\0" => true,
            b"MM\0*" => false,
            _ => return None,
        };
        Some(Self { bytes, little })
    }

    fn u16(&self, at: usize) -> Option<u16> {
        let two: [u8; 2] = self.bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if self.little { u16::from_le_bytes(two) } else { u16::from_be_bytes(two) })
    }

    fn u32(&self, at: usize) -> Option<u32> {
        let four: [u8; 4] = self.bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if self.little { u32::from_le_bytes(four) } else { u32::from_be_bytes(four) })
    }

    /// Where the tables of the pages stand, in order. Small pictures of other pages are none.
    pub(super) fn pages(&self) -> Vec<u32> {
        let mut pages = Vec::new();
        let mut seen = Vec::new();
        let mut next = self.u32(4).unwrap_or(0);
        while next != 0 && !seen.contains(&next) && seen.len() < MAX_PAGES {
            seen.push(next);
            let Some(count) = self.u16(next as usize) else { break };
            let reduced = self.tag(next as usize, REDUCED).and_then(|tag| self.number(&tag));
            if reduced.is_none_or(|bits| bits & 1 == 0) {
                pages.push(next);
            }
            next = self.u32(next as usize + 2 + 12 * usize::from(count)).unwrap_or(0);
        }
        pages
    }

    /// The same file with its first page at this table.
    pub(super) fn begun_at(bytes: &[u8], table: u32) -> Vec<u8> {
        let mut copy = bytes.to_vec();
        let offset = if bytes.starts_with(b"II") { table.to_le_bytes() } else { table.to_be_bytes() };
        if let Some(place) = copy.get_mut(4..8) {
            place.copy_from_slice(&offset);
        }
        copy
    }

    /// When the picture was taken or made, as it says: `2024:05:17 10:30:00` becomes `2024-05-17 10:30:00`.
    pub(super) fn date(&self) -> Option<String> {
        let first = self.u32(4)? as usize;
        let exif = self.tag(first, EXIF).and_then(|tag| self.number(&tag));
        let taken = exif.and_then(|table| self.tag(table as usize, TAKEN)).and_then(|tag| self.text(&tag));
        let said = taken.or_else(|| self.tag(first, DATE).and_then(|tag| self.text(&tag)))?;
        let (day, time) = said.split_once(' ').unwrap_or((&said, ""));
        let day = day.replace(':', "-");
        let is_date =
            day.len() == 10 && day.chars().all(|c| c.is_ascii_digit() || c == '-') && !day.starts_with("0000");
        is_date.then(|| format!("{day} {time}").trim().to_owned())
    }

    /// Dots to the inch of the page whose table stands at `table` (of the first, where that is 0).
    pub(super) fn dots(&self, table: u32) -> Option<f32> {
        let table = if table == 0 { self.u32(4)? } else { table } as usize;
        let across = self.tag(table, X_RESOLUTION).filter(|tag| tag.kind == 5)?;
        let at = self.u32(across.at)? as usize;
        let (over, under) = (self.u32(at)?, self.u32(at.checked_add(4)?)?);
        let each = over as f32 / under.max(1) as f32;
        let to_the_inch = match self.tag(table, UNIT).and_then(|tag| self.number(&tag)) {
            Some(1) => return None,
            Some(3) => 2.54,
            _ => 1.0,
        };
        Some(each * to_the_inch)
    }

    fn tag(&self, table: usize, id: u16) -> Option<Tag> {
        let count = self.u16(table)?.min(MAX_TAGS);
        (0..usize::from(count)).find_map(|n| {
            let at = table.checked_add(2 + 12 * n)?;
            let tag = Tag { id: self.u16(at)?, kind: self.u16(at + 2)?, count: self.u32(at + 4)?, at: at + 8 };
            (tag.id == id).then_some(tag)
        })
    }

    fn number(&self, tag: &Tag) -> Option<u32> {
        match tag.kind {
            3 => self.u16(tag.at).map(u32::from),
            4 | 13 => self.u32(tag.at),
            _ => None,
        }
    }

    fn text(&self, tag: &Tag) -> Option<String> {
        let length = tag.count as usize;
        if tag.kind != 2 || length > MAX_TEXT {
            return None;
        }
        let at = if length <= 4 { tag.at } else { self.u32(tag.at)? as usize };
        let text = String::from_utf8_lossy(self.bytes.get(at..at.checked_add(length)?)?).into_owned();
        let text = text.trim_matches(['\0', ' ']).to_owned();
        (!text.is_empty()).then_some(text)
    }
}

/// Dots to the inch that a JPEG or PNG states.
pub(super) fn stated_dots(bytes: &[u8]) -> Option<f32> {
    let number = |at: usize, length: usize| {
        Some(bytes.get(at..at + length)?.iter().fold(0u32, |sum, byte| sum << 8 | u32::from(*byte)))
    };
    if bytes.get(6..11) == Some(b"JFIF\0") {
        let each = number(14, 2)? as f32;
        return match bytes.get(13)? {
            1 => Some(each),
            2 => Some(each * 2.54),
            _ => None,
        };
    }
    if bytes.starts_with(b"\x89PNG") {
        let head = bytes.get(..bytes.len().min(4096))?;
        let at = head.windows(4).position(|window| window == b"pHYs")?;
        return (bytes.get(at + 12) == Some(&1)).then_some(number(at + 4, 4)? as f32 * 0.0254);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table at 8 with these tags (id, kind, count, value), the next table at `next`, then `rest`.
    fn file(tags: &[(u16, u16, u32, u32)], next: u32, rest: &[u8]) -> Vec<u8> {
        let mut bytes = b"II*\0\x08\0\0\0".to_vec();
        bytes.extend((tags.len() as u16).to_le_bytes());
        for (id, kind, count, value) in tags {
            bytes.extend(id.to_le_bytes());
            bytes.extend(kind.to_le_bytes());
            bytes.extend(count.to_le_bytes());
            bytes.extend(value.to_le_bytes());
        }
        bytes.extend(next.to_le_bytes());
        bytes.extend(rest);
        bytes
    }

    #[test]
    fn dates_and_dots_are_read() {
        let at = 8 + 2 + 3 * 12 + 4;
        let mut rest = b"2024:05:17 10:30:00\0".to_vec();
        rest.extend(600u32.to_le_bytes());
        rest.extend(2u32.to_le_bytes());
        let bytes = file(&[(DATE, 2, 20, at), (X_RESOLUTION, 5, 1, at + 20), (UNIT, 3, 1, 2)], 0, &rest);
        let tags = Tags::of(&bytes).unwrap();
        assert_eq!(tags.date().as_deref(), Some("2024-05-17 10:30:00"));
        assert_eq!(tags.dots(0), Some(300.0));
        assert_eq!(tags.pages(), [8]);
    }

    #[test]
    fn tables_that_lead_nowhere_or_round_in_a_ring_end() {
        assert_eq!(Tags::of(&file(&[], 8, &[])).unwrap().pages(), [8]);
        assert_eq!(Tags::of(&file(&[], u32::MAX, &[])).unwrap().pages(), [8]);
        assert_eq!(Tags::of(&file(&[(REDUCED, 4, 1, 1)], 0, &[])).unwrap().pages(), Vec::<u32>::new());
        let far = file(&[(DATE, 2, 60, u32::MAX), (EXIF, 4, 1, u32::MAX - 1), (X_RESOLUTION, 5, 1, u32::MAX)], 0, &[]);
        let tags = Tags::of(&far).unwrap();
        assert_eq!((tags.date(), tags.dots(0)), (None, None));
        assert!(Tags::of(b"II*\0").unwrap().pages().is_empty());
    }

    #[test]
    fn stated_dots_of_jpeg_and_png() {
        assert_eq!(stated_dots(b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x02\x01\0\x60\0\x60"), Some(96.0));
        assert_eq!(stated_dots(b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x02\0\0\x01\0\x01"), None);
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x09pHYs\0\0\x2e\x23\0\0\x2e\x23\x01";
        assert!((stated_dots(png).unwrap() - 300.0).abs() < 0.1);
    }
}
