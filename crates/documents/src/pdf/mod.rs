//! PDF: pages of text with the place of every word, and pages drawn as pictures. hayro reads the file; the order
//! of words, rows, columns, tables and paragraphs is decided here.

mod bomb;
mod columns;
mod furniture;
mod glyphs;
mod layout;
mod metadata;
mod picture;
mod recognized;
mod rows;
mod tables;
mod weight;

pub use picture::Rendered;
pub(crate) use picture::{Drawer, render};
pub use recognized::{Seen, recognized};

use crate::builder::OutputBudget;
use crate::read::{Progress, step};
use crate::{ReadError, ReadOptions};
use glyphs::{Collector, Overflow, Turn};
use hayro::hayro_interpret::hayro_syntax::page::Page as PdfPage;
use hayro::hayro_interpret::hayro_syntax::{DecryptionError, LoadPdfError, Pdf};
use hayro::hayro_interpret::{Context, InterpreterCache, InterpreterSettings, TransformExt, interpret_page};
use hayro::kurbo::Rect;
use hearth_domain::{Document, Kind, Page, Place, Warning, Words};
use layout::{Composer, Part, Style};
use rows::Row;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use weight::Weights;

/// Pages of one file that are read; a longer one says so in a warning.
const MAX_PAGES: usize = 20_000;

/// Opens a PDF, with its password where one is needed.
fn open(bytes: &[u8], password: Option<&str>) -> Result<Pdf, ReadError> {
    Pdf::new_with_password(Arc::new(bytes.to_vec()), password.unwrap_or_default()).map_err(|error| match error {
        LoadPdfError::Decryption(DecryptionError::PasswordProtected) => match password {
            Some(_) => ReadError::WrongPassword,
            None => ReadError::Encrypted,
        },
        LoadPdfError::Decryption(DecryptionError::UnsupportedAlgorithm) => {
            ReadError::unsupported("A PDF with this kind of encryption")
        }
        LoadPdfError::Decryption(_) => ReadError::damaged("its encryption is broken"),
        LoadPdfError::Invalid if !has_end(bytes) => ReadError::damaged("it is cut off before its end"),
        LoadPdfError::Invalid => ReadError::damaged("its page tree cannot be found"),
    })
}

fn has_end(bytes: &[u8]) -> bool {
    let tail = bytes.get(bytes.len().saturating_sub(2048)..).unwrap_or_default();
    tail.windows(5).any(|window| window == b"%%EOF")
}

/// Rows of one page by the way they run.
struct Sketch {
    upright: Vec<Row>,
    turned: Vec<(Turn, Vec<Row>)>,
    size_pt: (f32, f32),
    images: u32,
    unknown: u32,
    broken: bool,
}

pub(crate) fn read(bytes: &[u8], options: &ReadOptions, progress: &mut Progress<'_>) -> Result<Document, ReadError> {
    bomb::check(bytes, options.max_output_bytes)?;
    let pdf = open(bytes, options.password.as_deref())?;
    let pages = pdf.pages();
    let count = pages.len().min(MAX_PAGES);
    let mut warnings = Vec::new();
    if pages.len() > count {
        warnings.push(Warning { page: None, message: format!("Only the first {count} pages were read.") });
    }
    if count == 0 {
        return Err(ReadError::damaged("it has no pages"));
    }
    let mut budget = OutputBudget::new(bytes.len(), options.max_output_bytes);
    let mut weights = Weights::default();
    let mut operations = 0;
    let mut sketches = Vec::with_capacity(count);
    let cache = InterpreterCache::new();
    for (i, page) in pages.iter().take(count).enumerate() {
        step(progress, i as u32, count as u32)?;
        let sketch = sketch(page, &cache, &mut operations, &mut weights)?;
        budget.spend(sketch.upright.iter().map(Row::chars).sum())?;
        sketches.push(sketch);
    }
    step(progress, count as u32, count as u32)?;

    let uprights: Vec<Vec<Row>> = sketches.iter_mut().map(|sketch| std::mem::take(&mut sketch.upright)).collect();
    let edges = furniture::edges(&uprights);
    let style = Style::of(uprights.iter().flatten());
    let labels = metadata::labels(&pdf, count);
    let mut out = Vec::with_capacity(count);
    for (i, (((sketch, rows), (top, bottom)), label)) in
        sketches.into_iter().zip(uprights).zip(edges).zip(labels).enumerate()
    {
        if sketch.broken {
            let message = "Part of this page could not be read.".to_owned();
            warnings.push(Warning { page: Some(i as u32), message });
        }
        if sketch.unknown > 20 {
            let message = format!("{} characters of this page have no known meaning.", sketch.unknown);
            warnings.push(Warning { page: Some(i as u32), message });
        }
        out.push(page(i, label, sketch, rows, (top, bottom), &style));
    }
    if out.iter().all(|page| page.text.trim().is_empty() && page.words == Words::Written) {
        return Err(ReadError::NoText { pages: count as u32 });
    }
    let info = pdf.metadata();
    Ok(Document {
        kind: Kind::Pdf,
        title: metadata::line(info.title.as_deref()),
        author: metadata::line(info.author.as_deref()),
        created: metadata::date(info.creation_date.as_ref()),
        language: metadata::language(&pdf),
        pages: out,
        outline: metadata::outline(&pdf),
        warnings,
        attachments: Vec::new(),
    })
}

/// Interprets one page. What overflows or panics inside is that page's loss, unless the document asks for too much.
fn sketch<'a>(
    page: &PdfPage<'a>,
    cache: &InterpreterCache<'a>,
    operations: &mut u64,
    weights: &mut Weights,
) -> Result<Sketch, ReadError> {
    let size_pt = page.render_dimensions();
    let mut collector = Collector::new(size_pt, *operations, weights);
    let frame = Rect::new(0.0, 0.0, f64::from(size_pt.0), f64::from(size_pt.1));
    let transform = page.initial_transform(true).to_kurbo();
    let mut context = Context::new(transform, frame, cache, page.xref(), InterpreterSettings::default());
    let outcome = catch_unwind(AssertUnwindSafe(|| interpret_page(page, &mut context, &mut collector)));
    let broken = match outcome {
        Ok(()) => false,
        Err(payload) if payload.is::<Overflow>() => {
            return Err(ReadError::Bomb { why: "its pages draw far more than a document does".to_owned() });
        }
        Err(_) => true,
    };
    *operations = collector.operations;
    let (images, unknown) = (collector.images, collector.unknown);
    let mut by_turn: Vec<(Turn, Vec<glyphs::Glyph>)> = Turn::ALL.iter().map(|turn| (*turn, Vec::new())).collect();
    for glyph in collector.glyphs {
        if let Some((_, glyphs)) = by_turn.iter_mut().find(|(turn, _)| *turn == glyph.turn) {
            glyphs.push(glyph);
        }
    }
    let mut by_turn = by_turn.into_iter().map(|(turn, glyphs)| (turn, rows::rows(glyphs)));
    let upright = by_turn.next().map(|(_, rows)| rows).unwrap_or_default();
    let turned = by_turn.filter(|(_, rows)| !rows.is_empty()).collect();
    Ok(Sketch { upright, turned, size_pt, images, unknown, broken })
}

fn page(
    i: usize,
    label: Option<String>,
    sketch: Sketch,
    mut rows: Vec<Row>,
    (top, bottom): (usize, usize),
    style: &Style,
) -> Page {
    let bottom = rows.split_off(rows.len().saturating_sub(bottom));
    let rest = rows.split_off(top.min(rows.len()));
    let mut composer = Composer::default();
    let part = Part { turn: Turn::Upright, top: rows, regions: columns::regions(rest), bottom };
    composer.part(&part, style);
    for (turn, rows) in sketch.turned {
        let part = Part { turn, top: Vec::new(), regions: columns::regions(rows), bottom: Vec::new() };
        composer.part(&part, style);
    }
    let words = if composer.text.trim().is_empty() && sketch.images > 0 { Words::Unread } else { Words::Written };
    Page {
        place: Place::Page { number: i as u32 + 1, label },
        words,
        text: composer.text,
        blocks: composer.blocks,
        boxes: composer.boxes,
        size_pt: Some(sketch.size_pt),
    }
}
