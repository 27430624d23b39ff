//! What is written in one shape: paragraphs, with their levels, bullets and numbers.

use super::super::{u16_at, u32_at};
use super::atoms::{Atom, kinds};
use crate::builder::{PageBuilder, is_blank};
use hearth_domain::BlockKind;

/// The text of one shape.
#[derive(Debug, Clone, Default)]
pub(super) struct Words {
    /// 0 and 6 are titles, 1, 5, 7 and 8 bodies, 2 notes, 4 stands by itself.
    pub(super) kind: u32,
    text: String,
    /// Of each paragraph: its level, and whether it has a bullet where that is said.
    set: Vec<(usize, Option<bool>)>,
    /// Of each paragraph: which of the settings that later programs added are its own.
    added: Vec<usize>,
    /// Of each paragraph: the number that numbering begins with.
    numbers: Vec<Option<u16>>,
}

impl Words {
    /// The texts among the records of a text box or of a list.
    pub(super) fn all(atoms: &[Atom<'_>]) -> Vec<Self> {
        let mut out: Vec<Self> = Vec::new();
        let mut kind = 4;
        for atom in atoms {
            match atom.kind {
                kinds::TEXT_HEADER => {
                    kind = u32_at(atom.body, 0).unwrap_or(4);
                    out.push(Self { kind, ..Self::default() });
                }
                kinds::TEXT_WIDE | kinds::TEXT_BYTES => {
                    let text = match atom.kind {
                        kinds::TEXT_WIDE => atom.wide(),
                        _ => atom.body.iter().map(|byte| char::from(*byte)).collect(),
                    };
                    match out.last_mut().filter(|last| last.text.is_empty()) {
                        Some(last) => last.text = text,
                        None => out.push(Self { kind, text, ..Self::default() }),
                    }
                }
                kinds::TEXT_STYLE => {
                    if let Some(last) = out.last_mut() {
                        (last.set, last.added) = settings(atom.body, &last.text);
                    }
                }
                _ => {}
            }
        }
        out
    }

    /// One item of a diagram.
    pub(super) fn item(text: &str) -> Self {
        Self { kind: 4, text: text.to_owned(), set: vec![(0, Some(true))], ..Self::default() }
    }

    fn paragraphs(&self) -> impl Iterator<Item = String> {
        // A line's end within a paragraph is a vertical tab.
        self.text.split('\r').map(|line| line.replace('\u{b}', "\n").trim_matches(is_blank).to_owned())
    }

    /// All of it without marks.
    pub(super) fn plain(&self) -> String {
        self.paragraphs().filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
    }

    /// Takes over which paragraphs are numbered, from the record that later programs added.
    pub(super) fn number(&mut self, body: &[u8]) {
        let mut at = 0;
        let mut all = Vec::new();
        while let Some(mask) = u32_at(body, at) {
            at += 4;
            at += if mask & 0x0080_0000 != 0 { 2 } else { 0 };
            let mut numbered = false;
            if mask & 0x0200_0000 != 0 {
                numbered = u16_at(body, at).is_some_and(|value| value != 0);
                at += 2;
            }
            let mut first = 1;
            if mask & 0x0100_0000 != 0 {
                first = u16_at(body, at + 2).unwrap_or(1);
                at += 4;
            }
            let letters = u32_at(body, at).unwrap_or(0);
            at += 4 + if letters & 0x0020_0000 != 0 { 4 } else { 0 };
            let speech = u32_at(body, at).unwrap_or(0);
            at += 4;
            for bit in 0..11 {
                at += match (speech & (1 << bit) != 0, bit) {
                    (true, 0) => 2,
                    (true, 1 | 2) => 2,
                    (true, 5) => 4,
                    (true, 6) => 4,
                    _ => 0,
                };
            }
            all.push(numbered.then_some(first));
        }
        self.numbers = self.added.iter().map(|at| all.get(*at).copied().flatten()).collect();
    }

    /// Writes it as paragraphs and items. Where the layout makes a list of it, every paragraph of several is an item.
    pub(super) fn write(&self, page: &mut PageBuilder, placed: bool) {
        let listed = placed && matches!(self.kind, 1 | 7 | 8);
        let many = self.paragraphs().filter(|line| !line.is_empty()).count() > 1;
        let mut number = 0;
        for (i, text) in self.paragraphs().enumerate() {
            if text.is_empty() {
                continue;
            }
            let (level, bullet) = self.set.get(i).copied().unwrap_or((0, None));
            let numbered = self.numbers.get(i).copied().flatten().filter(|_| level == 0 && bullet != Some(false));
            number = match numbered {
                Some(first) if number == 0 => u32::from(first),
                Some(_) => number + 1,
                // What stands further in belongs to its item.
                None if level > 0 => number,
                None => 0,
            };
            if numbered.is_some() {
                page.item(0, &format!("{number}. {text}"));
            } else if bullet.unwrap_or(listed && many) {
                page.item(level * 2, &format!("• {text}"));
            } else {
                page.block(BlockKind::Paragraph, &text);
            }
        }
    }
}

/// Level and bullet of each paragraph, and the number of its added settings: runs of letters that share them.
fn settings(body: &[u8], text: &str) -> (Vec<(usize, Option<bool>)>, Vec<usize>) {
    let lengths: Vec<usize> = text.split('\r').map(|line| line.encode_utf16().count() + 1).collect();
    let mut at = 0;
    let set = runs(&lengths, || {
        let (count, level, mask) = (u32_at(body, at)?, u16_at(body, at + 4)?, u32_at(body, at + 6)?);
        at += 10;
        let flags = if mask & 0xf != 0 { u16_at(body, at) } else { None };
        at = at.saturating_add(size_of(mask, body, at));
        let bullet = flags.filter(|_| mask & 1 != 0).map(|flags| flags & 1 != 0);
        Some((count as usize, (usize::from(level.min(8)), bullet)))
    });
    // Properties of letters follow those of paragraphs.
    let mut added = runs(&lengths, || {
        let (count, mask) = (u32_at(body, at)?, u32_at(body, at + 4)?);
        at += 8;
        let flags = if mask & 0xffff != 0 { u16_at(body, at)? } else { 0 };
        let sizes = [
            (0xffff, 2),
            (1 << 16, 2),
            (1 << 21, 2),
            (1 << 22, 2),
            (1 << 23, 2),
            (1 << 17, 2),
            (1 << 18, 4),
            (1 << 19, 2),
        ];
        at += sizes.iter().filter(|(bits, _)| mask & bits != 0).map(|(_, bytes)| bytes).sum::<usize>();
        Some((count as usize, usize::from(flags >> 10 & 0xf)))
    });
    added.resize(lengths.len(), 0);
    (set, added)
}

/// Of each paragraph: what the run says that its first letter lies in. `next` reads a run, with the letters that it is long.
fn runs<T: Copy>(lengths: &[usize], mut next: impl FnMut() -> Option<(usize, T)>) -> Vec<T> {
    let mut out = Vec::new();
    let mut run: Option<T> = None;
    // Letters of the run at hand that are not yet used up.
    let mut left = 0usize;
    for long in lengths {
        let mut first = true;
        let mut need = *long;
        while need > 0 {
            if left == 0 {
                let Some((count, said)) = next().filter(|(count, _)| *count > 0) else { return out };
                (left, run) = (count, Some(said));
            }
            if first {
                out.extend(run);
                first = false;
            }
            let step = need.min(left);
            need -= step;
            left -= step;
        }
    }
    out
}

/// Bytes of a paragraph's properties that a mask says are there.
fn size_of(mask: u32, body: &[u8], at: usize) -> usize {
    let has = |bits: u32| mask & bits != 0;
    let mut size = 0;
    for (bits, bytes) in [(0xf, 2), (0x80, 2), (0x10, 2), (0x40, 2), (0x20, 4), (0x800, 2), (0x1000, 2), (0x2000, 2)] {
        size += if has(bits) { bytes } else { 0 };
    }
    for (bits, bytes) in [(0x4000, 2), (0x100, 2), (0x400, 2), (0x8000, 2)] {
        size += if has(bits) { bytes } else { 0 };
    }
    if has(0x0010_0000) {
        size += 2 + 4 * u16_at(body, at.saturating_add(size)).map_or(0, usize::from);
    }
    for (bits, bytes) in [(0x0001_0000, 2), (0x000e_0000, 2), (0x0020_0000, 2)] {
        size += if has(bits) { bytes } else { 0 };
    }
    size
}
