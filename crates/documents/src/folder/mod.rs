//! Archives as folders: a list of what is inside, and each member to be read as a document of its own.
//!
//! All that is unpacked counts against one budget, and names that lead out of the archive are refused.

mod tar;

use crate::archive::{Archive, Sort, leads_out};
use crate::builder::PageBuilder;
use crate::plain::document;
use crate::read::{Progress, step};
use crate::{ReadError, ReadOptions};
use flate2::read::MultiGzDecoder;
use hearth_domain::{Attachment, BlockKind, Document, Kind, Place, Warning};
use std::io::Read;

pub(crate) use tar::is_tar;

/// Members of one archive that are handed on.
const MAX_MEMBERS: usize = 10_000;
/// Below this much unpacked data no ratio is suspicious.
const FLOOR_BYTES: u64 = 24 << 20;
const MAX_RATIO: u64 = 100;

/// Reads a zip archive, a tar, or either kind behind gzip.
pub(crate) fn read(
    name: &str,
    bytes: &[u8],
    options: &ReadOptions,
    progress: &mut Progress<'_>,
) -> Result<Document, ReadError> {
    let mut folder = Folder::default();
    if bytes.starts_with(b"\x1f\x8b") {
        let limit = options.max_output_bytes.min((bytes.len() as u64).saturating_mul(MAX_RATIO).max(FLOOR_BYTES));
        let (inner, cut) = unpack(bytes, limit)?;
        if is_tar(&inner) {
            tar::read(&inner, &mut folder, progress)?;
        } else {
            folder.add(&member_name(name, bytes), inner);
        }
        folder.cut |= cut;
    } else if is_tar(bytes) {
        tar::read(bytes, &mut folder, progress)?;
    } else {
        zip(bytes, options, &mut folder, progress)?;
    }
    folder.finish()
}

fn zip(bytes: &[u8], options: &ReadOptions, folder: &mut Folder, progress: &mut Progress<'_>) -> Result<(), ReadError> {
    let archive = Archive::open(bytes, options)?;
    let names: Vec<&str> = archive.names().filter(|name| !name.ends_with('/')).collect();
    for (i, name) in names.iter().enumerate() {
        step(progress, i as u32, names.len() as u32)?;
        if folder.is_full() || is_litter(name) {
            continue;
        }
        match archive.sort(name) {
            Sort::Refused => folder.refused.push((*name).to_owned()),
            Sort::Encrypted => folder.locked.push((*name).to_owned()),
            Sort::File => match archive.get(name) {
                Ok(Some(inner)) => folder.add(name, inner),
                Ok(None) => {}
                Err(why @ (ReadError::Bomb { .. } | ReadError::TooLarge { .. })) => return Err(why),
                Err(_) => folder.damaged.push((*name).to_owned()),
            },
        }
    }
    Ok(())
}

/// What gzip holds, and whether it is cut off.
fn unpack(bytes: &[u8], limit: u64) -> Result<(Vec<u8>, bool), ReadError> {
    let mut out = Vec::new();
    let ended = MultiGzDecoder::new(bytes).take(limit + 1).read_to_end(&mut out);
    if out.len() as u64 > limit {
        return Err(ReadError::Bomb { why: format!("it unpacks to more than {} MB", limit >> 20) });
    }
    match ended {
        Err(_) if out.is_empty() => Err(ReadError::damaged("it cannot be unpacked")),
        ended => Ok((out, ended.is_err())),
    }
}

/// The name that gzip keeps, else the archive's own without its ending.
fn member_name(name: &str, bytes: &[u8]) -> String {
    let kept = bytes.get(3).is_some_and(|flags| flags & 0x0c == 8).then(|| {
        let rest = bytes.get(10..)?;
        let end = rest.iter().take(300).position(|byte| *byte == 0)?;
        Some(rest.get(..end)?.iter().map(|byte| char::from(*byte)).collect::<String>())
    });
    let kept = kept.flatten().map(|kept| crate::email::safe_name(&kept)).filter(|kept| !kept.is_empty());
    let file = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = match file.rsplit_once('.') {
        Some((stem, ending)) if ending.eq_ignore_ascii_case("tgz") => format!("{stem}.tar"),
        Some((stem, ending)) if ending.eq_ignore_ascii_case("gz") => stem.to_owned(),
        _ => file.to_owned(),
    };
    kept.unwrap_or(if stem.is_empty() { "unnamed".to_owned() } else { stem })
}

/// What systems leave behind in archives, and hidden files.
fn is_litter(name: &str) -> bool {
    name.split('/').any(|part| part == "__MACOSX" || part.starts_with('.') && part != "." && part != "..")
}

/// Members as they are found.
#[derive(Default)]
struct Folder {
    members: Vec<Attachment>,
    refused: Vec<String>,
    locked: Vec<String>,
    damaged: Vec<String>,
    left: usize,
    cut: bool,
}

impl Folder {
    /// Counts a member that there is no room for.
    fn is_full(&mut self) -> bool {
        let full = self.members.len() >= MAX_MEMBERS;
        self.left += usize::from(full);
        full
    }

    fn add(&mut self, name: &str, bytes: Vec<u8>) {
        if leads_out(name) {
            return self.refused.push(name.to_owned());
        }
        let parts: Vec<String> = name.split('/').map(crate::email::safe_name).filter(|part| !part.is_empty()).collect();
        if !parts.is_empty() && !bytes.is_empty() {
            self.members.push(Attachment { name: parts.join("/"), bytes });
        }
    }

    fn finish(self) -> Result<Document, ReadError> {
        if self.members.is_empty() {
            return Err(match (self.locked.is_empty(), self.refused.first(), self.cut || !self.damaged.is_empty()) {
                (false, ..) => ReadError::Encrypted,
                (_, Some(name), _) => ReadError::Bomb {
                    why: format!("what it holds would be put outside of its folder, such as {}", shortened(name)),
                },
                (.., true) => ReadError::damaged("nothing in it can be unpacked"),
                _ => ReadError::Empty,
            });
        }
        let mut page = PageBuilder::default();
        for member in &self.members {
            page.block(BlockKind::Item, &format!("{} ({})", member.name, size(member.bytes.len())));
        }
        let mut warnings = Vec::new();
        let mut warn = |message: String| warnings.push(Warning { page: None, message });
        let named = |names: &[String]| {
            let shown: Vec<String> = names.iter().take(10).map(|name| shortened(name)).collect();
            let more = names.len().saturating_sub(shown.len());
            if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
        };
        for (names, why) in [
            (&self.refused, "Left out, because they lead out of the archive"),
            (&self.locked, "Left out, because they are protected by a password"),
            (&self.damaged, "Left out, because they cannot be unpacked"),
        ] {
            if !names.is_empty() {
                warn(format!("{why}: {}.", named(names)));
            }
        }
        if self.left > 0 {
            warn(format!("Only the first {MAX_MEMBERS} files were taken; {} were left out.", self.left));
        }
        if self.cut {
            warn("This archive is cut off; what came before the break was taken.".to_owned());
        }
        let mut document = document(Kind::Archive, vec![page.finish(Place::Whole)]);
        document.warnings = warnings;
        document.attachments = self.members;
        Ok(document)
    }
}

fn shortened(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(80).collect()
}

fn size(bytes: usize) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} KB", bytes / 1_000),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
    }
}

#[cfg(test)]
mod tests;
