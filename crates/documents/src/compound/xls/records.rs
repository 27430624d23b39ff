//! Records of a workbook's stream: a number, a length, a body, perhaps continued by the records behind it.

use super::u16_at;

const CONTINUED: u16 = 0x3c;

/// One record; what continues it is found by [`Record::joined`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Record<'a> {
    pub(super) id: u16,
    pub(super) body: &'a [u8],
    /// What lies behind it in the stream.
    rest: &'a [u8],
}

/// The records from a place on; a cut-off tail is left out.
pub(super) struct Records<'a>(&'a [u8]);

impl<'a> Records<'a> {
    pub(super) fn at(stream: &'a [u8], offset: usize) -> Self {
        Self(stream.get(offset..).unwrap_or_default())
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        let (id, long) = (u16_at(self.0, 0)?, usize::from(u16_at(self.0, 2)?));
        let (body, rest) = self.0.get(4..)?.split_at_checked(long)?;
        self.0 = rest;
        Some(Record { id, body, rest })
    }
}

impl<'a> Record<'a> {
    /// The body and what continues it, as one.
    pub(super) fn joined(&self) -> Joined<'a> {
        Joined { part: self.body, rest: Records(self.rest) }
    }
}

/// How wide the letters of a part are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Width {
    One,
    Two,
}

impl Width {
    fn of(flags: u8) -> Self {
        if flags & 1 == 0 { Self::One } else { Self::Two }
    }
}

/// A body that goes on in other records.
pub(super) struct Joined<'a> {
    part: &'a [u8],
    rest: Records<'a>,
}

impl Joined<'_> {
    /// Goes on with the next part, wherever it stands in this one.
    pub(super) fn next_part(&mut self) -> bool {
        match self.rest.next().filter(|record| record.id == CONTINUED) {
            Some(record) => {
                self.part = record.body;
                true
            }
            None => {
                self.rest = Records(&[]);
                self.part = &[];
                false
            }
        }
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        while self.part.is_empty() {
            if !self.next_part() {
                return None;
            }
        }
        let (byte, rest) = self.part.split_first()?;
        self.part = rest;
        Some(*byte)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes([self.u8()?, self.u8()?]))
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        Some(u32::from(self.u16()?) | u32::from(self.u16()?) << 16)
    }

    pub(super) fn skip(&mut self, mut bytes: usize) {
        while bytes > 0 {
            if self.part.is_empty() && !self.next_part() {
                return;
            }
            let step = bytes.min(self.part.len());
            self.part = self.part.get(step..).unwrap_or_default();
            bytes -= step;
        }
    }

    /// So many bytes, or as many as there are.
    pub(super) fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut out = Vec::new();
        while out.len() < count {
            if self.part.is_empty() && !self.next_part() {
                break;
            }
            let (now, rest) = self.part.split_at((count - out.len()).min(self.part.len()));
            out.extend_from_slice(now);
            self.part = rest;
        }
        out
    }

    /// So many letters, behind the byte that says how wide they are.
    pub(super) fn marked(&mut self, count: usize) -> Option<String> {
        let flags = self.u8()?;
        Some(self.letters(count, Width::of(flags)))
    }

    /// Letters; every part that continues them begins with a byte that says how wide they are there.
    fn letters(&mut self, count: usize, mut width: Width) -> String {
        let mut units: Vec<u16> = Vec::new();
        while units.len() < count {
            if self.part.is_empty() {
                if !self.next_part() {
                    break;
                }
                let Some((flags, rest)) = self.part.split_first() else { continue };
                (width, self.part) = (Width::of(*flags), rest);
            }
            let left = count - units.len();
            match width {
                Width::One => {
                    let (now, rest) = self.part.split_at(left.min(self.part.len()));
                    units.extend(now.iter().map(|byte| u16::from(*byte)));
                    self.part = rest;
                }
                Width::Two => {
                    let (now, rest) = self.part.split_at((left * 2).min(self.part.len()));
                    units.extend(now.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])));
                    self.part = if now.len() < 2 { &[] } else { rest };
                }
            }
        }
        char::decode_utf16(units).map(|letter| letter.unwrap_or('\u{fffd}')).collect()
    }

    /// One text of the shared ones, without how its letters are set.
    pub(super) fn shared(&mut self) -> Option<String> {
        let count = usize::from(self.u16()?);
        let flags = self.u8()?;
        let runs = if flags & 8 != 0 { usize::from(self.u16()?) } else { 0 };
        let more = if flags & 4 != 0 { self.u32()? as usize } else { 0 };
        let text = self.letters(count, Width::of(flags));
        self.skip(runs.saturating_mul(4));
        self.skip(more);
        Some(text)
    }
}
