//! The entry: decides the kind, calls its reader, and turns a panic inside into an error.

use crate::builder::OutputBudget;
use crate::compound::is_compound;
use crate::{
    ReadError, compound, data, detect, email, epub, folder, html, iwork, mbox, office, open_document, pdf, picture,
    plain, rtf,
};
use hearth_domain::{Document, Kind, Words};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Told how far reading is, as `(done, total)` in steps of the format; `Break` stops it.
pub type Progress<'a> = dyn FnMut(u32, u32) -> ControlFlow<()> + 'a;

/// How a file is read.
#[derive(Debug, Clone)]
pub struct ReadOptions {
    /// Opens a protected file.
    pub password: Option<String>,
    /// Most bytes that a file may unpack into. A hundredfold of the file's own size is the other limit.
    pub max_output_bytes: u64,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self { password: None, max_output_bytes: 512 << 20 }
    }
}

/// Reads a file. `name` helps only where the bytes do not say what they are.
///
/// Never panics: a panic in a reader is `Damaged`.
pub fn read(
    name: &str,
    bytes: &[u8],
    options: &ReadOptions,
    progress: &mut Progress<'_>,
) -> Result<Document, ReadError> {
    step(progress, 0, 1)?;
    let kind = guarded(|| kind(name, bytes, options))?;
    let document = guarded(|| match kind {
        Kind::Docx | Kind::Pptx | Kind::Xlsx if let Some(read) = iwork::read(name, bytes, options, progress) => read,
        Kind::Pdf => pdf::read(bytes, options, progress),
        Kind::Docx if is_compound(bytes) => compound::doc::read(bytes, options),
        Kind::Email if is_compound(bytes) => compound::msg::read(bytes, options),
        Kind::Xlsx if !bytes.starts_with(b"PK") => compound::xls::read(bytes, options, progress),
        Kind::Pptx if is_compound(bytes) => compound::ppt::read(bytes, options, progress),
        Kind::Docx => office::docx::read(bytes, options, progress),
        Kind::Pptx => office::pptx::read(bytes, options, progress),
        Kind::Xlsx => office::xlsx::read(bytes, options, progress),
        Kind::Odt | Kind::Odp | Kind::Ods => open_document::read(kind, bytes, options, progress),
        Kind::Rtf => rtf::read(bytes, options),
        Kind::Epub => epub::read(bytes, options, progress),
        Kind::Html => html::read(bytes, options),
        Kind::Email => email::read(bytes, options),
        Kind::Mailbox => mbox::read(bytes, options, progress),
        Kind::Archive => folder::read(name, bytes, options, progress),
        Kind::Notebook => data::notebook(bytes, options),
        Kind::Json => data::json(bytes, options),
        Kind::Xml => data::xml(bytes, options),
        Kind::Csv => plain::csv(name, bytes, options),
        Kind::Markdown => plain::markdown(bytes, options),
        Kind::Code => plain::code(bytes, options),
        Kind::Text => plain::text(bytes, options),
        Kind::Picture => picture::read(bytes, options, progress),
    })?;
    let mut budget = OutputBudget::new(bytes.len(), options.max_output_bytes);
    document.pages.iter().try_for_each(|page| budget.spend(page.text.len()))?;
    let empty = document.pages.iter().all(|page| page.text.trim().is_empty() && page.words != Words::Unread);
    if empty && document.attachments.is_empty() {
        return Err(match document.kind {
            Kind::Pptx | Kind::Odp => ReadError::NoText { pages: document.pages.len() as u32 },
            _ => ReadError::Empty,
        });
    }
    Ok(document)
}

/// Draws page `page` (from 0) of a PDF or picture about `width_px` wide; a very tall page comes out smaller, and a picture
/// never larger than it is.
///
/// Fails as [`read`] does, and with `Damaged` where there is no such page.
pub fn render(bytes: &[u8], password: Option<&str>, page: u32, width_px: u32) -> Result<pdf::Rendered, ReadError> {
    match picture::format(bytes) {
        Some(_) => picture::render(bytes, page, width_px),
        None => pdf::render(bytes, password, page, width_px),
    }
}

/// A protected office file is a compound file, which no password opens here.
fn kind(name: &str, bytes: &[u8], options: &ReadOptions) -> Result<Kind, ReadError> {
    match detect(name, bytes) {
        Err(ReadError::Encrypted) if options.password.is_some() => {
            Err(ReadError::unsupported("An office file with a password"))
        }
        outcome => outcome,
    }
}

/// Tells `progress`, and stops where it says so.
pub(crate) fn step(progress: &mut Progress<'_>, done: u32, total: u32) -> Result<(), ReadError> {
    match progress(done, total) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(ReadError::Cancelled),
    }
}

/// Runs a reader; a panic in it becomes `Damaged`.
pub(crate) fn guarded<T>(run: impl FnOnce() -> Result<T, ReadError>) -> Result<T, ReadError> {
    catch_unwind(AssertUnwindSafe(run))
        .unwrap_or_else(|_| Err(ReadError::damaged("its reader came upon something it does not understand")))
}
