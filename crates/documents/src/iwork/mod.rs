//! Pages, Numbers and Keynote documents: those of 2009 keep XML in a zip archive, later ones packed messages. Both become
//! documents of the forms that Office has for the same work.

mod iwa;
mod message;
mod tables;
mod year_2009;

use crate::archive::Archive;
use crate::builder::OutputBudget;
use crate::read::Progress;
use crate::{ReadError, ReadOptions};
use hearth_domain::{Document, Kind};

/// What such a document is, by the parts of its archive and by its name; `None` for any other archive.
pub(crate) fn kind(name: &str, archive: &Archive<'_>) -> Option<Kind> {
    let ending = name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    let by_name = match ending.as_str() {
        "key" => Kind::Pptx,
        "numbers" => Kind::Xlsx,
        _ => Kind::Docx,
    };
    if archive.has("index.apxl") {
        return Some(Kind::Pptx);
    }
    if archive.has("index.xml") && archive.has("buildVersionHistory.plist") {
        return Some(by_name);
    }
    let packed =
        archive.has("Index/Document.iwa") || archive.has("Index.zip") && archive.has("Metadata/Properties.plist");
    let slides = archive.names().any(|part| part.starts_with("Index/Slide") && part.ends_with(".iwa"));
    packed.then_some(if slides { Kind::Pptx } else { by_name })
}

/// Reads one where the archive is one; `None` leaves it to the readers of Office's own forms.
pub(crate) fn read(
    name: &str,
    bytes: &[u8],
    options: &ReadOptions,
    progress: &mut Progress<'_>,
) -> Option<Result<Document, ReadError>> {
    let archive = Archive::open(bytes, options).ok().filter(|_| bytes.starts_with(b"PK"))?;
    let kind = kind(name, &archive)?;
    let mut budget = OutputBudget::new(bytes.len(), options.max_output_bytes);
    Some(match ["index.apxl", "index.xml"].into_iter().find(|part| archive.has(part)) {
        Some(part) => year_2009::read(&archive, part, kind, &mut budget, progress),
        None => iwa::read(&archive, kind, options, &mut budget, progress),
    })
}

#[cfg(test)]
mod tests;
