//! PowerPoint presentations of 1997 to 2003 ([MS-PPT]): one page per slide in the show's order, with tables, speaker notes and
//! comments, in the form of those of today.

mod atoms;
mod shapes;
mod words;

use super::{Compound, u32_at};
use crate::builder::{OutputBudget, PageBuilder, folded};
use crate::plain::document;
use crate::read::{Progress, step};
use crate::{ReadError, ReadOptions};
use atoms::{Atom, Atoms, kinds};
use hearth_domain::{BlockKind, Document, Kind, OutlineItem, Place, Warning};
use shapes::{DIAGRAM_BYTES, Shape, Sources};
use std::collections::HashMap;
use words::Words;

/// Slides of one show that are read.
const MAX_SLIDES: usize = 10_000;
/// Times that a show was saved by appending to it.
const MAX_EDITS: usize = 10_000;
/// Things kept in one show.
const MAX_KEPT: usize = 1_000_000;

pub(crate) fn read(bytes: &[u8], options: &ReadOptions, progress: &mut Progress<'_>) -> Result<Document, ReadError> {
    let mut file = Compound::open(bytes, options.max_output_bytes)?;
    let stream = file.stream("/PowerPoint Document").ok_or_else(|| ReadError::damaged("its slides are missing"))?;
    let user = file.stream("/Current User").unwrap_or_default();
    let mut show = Show::open(&stream, &user).map_err(|error| match (error, &options.password) {
        (ReadError::Encrypted, Some(_)) => ReadError::unsupported("An old PowerPoint presentation with a password"),
        (error, _) => error,
    })?;
    if show.slides.is_empty() {
        return Err(ReadError::Empty);
    }
    let many = show.slides.len() as u32;
    let mut budget = OutputBudget::new(bytes.len(), options.max_output_bytes);
    let (mut pages, mut outline, mut warnings) = (Vec::new(), Vec::new(), Vec::new());
    let mut diagram_bytes = DIAGRAM_BYTES;
    for (i, listed) in show.slides.iter_mut().enumerate() {
        step(progress, i as u32, many)?;
        let mut page = PageBuilder::default();
        let mut title = None;
        match listed.atom {
            Some(slide) => slide_of(slide, listed, &mut diagram_bytes, &mut page, &mut title),
            None => {
                // What the outline says of it is still there.
                listed.texts.iter().for_each(|words| words.write(&mut page, false));
                warnings.push(Warning { page: Some(i as u32), message: "This slide could not be read.".to_owned() });
            }
        }
        if let Some(notes) = listed.id.and_then(|id| show.notes.get(&id)) {
            let said = |shape: &&Shape| shape.placeholder.is_none_or(|place| matches!(place, 0 | 6 | 12));
            let shapes = shapes::of(*notes, &mut Sources { outline: &mut [], diagram_bytes: &mut 0 });
            for words in shapes.iter().filter(said).flat_map(|shape| &shape.words).filter(|words| words.kind == 2) {
                page.block(BlockKind::Note, &words.plain());
            }
        }
        if let Some(slide) = listed.atom {
            for comment in slide.all(kinds::COMMENT) {
                let text = comment.children().find(|atom| atom.kind == kinds::STRING && atom.instance == 1);
                page.block(BlockKind::Note, &folded(&text.map(|atom| atom.wide()).unwrap_or_default()));
            }
        }
        budget.spend(page.len())?;
        outline.extend(title.clone().map(|title| OutlineItem { level: 1, title, page: i as u32 }));
        pages.push(page.finish(Place::Slide { number: i as u32 + 1, title }));
    }
    step(progress, many, many)?;
    let mut document = document(Kind::Pptx, pages);
    (document.outline, document.warnings) = (outline, warnings);
    let known = |text: String| Some(folded(&text)).filter(|text| !text.is_empty());
    if let Some(summary) = file.stream("/\u{5}SummaryInformation") {
        document.title = super::packed::property(&summary, 2).and_then(known);
        document.author = super::packed::property(&summary, 4).and_then(known);
    }
    Ok(document)
}

/// Slides in order, and the notes of each by the slide's number.
struct Show<'a> {
    slides: Vec<Listed<'a>>,
    notes: HashMap<u32, Atom<'a>>,
}

/// A slide as the show lists it.
struct Listed<'a> {
    id: Option<u32>,
    atom: Option<Atom<'a>>,
    /// Texts that its shapes name by their place in this list.
    texts: Vec<Words>,
}

impl<'a> Show<'a> {
    fn open(stream: &'a [u8], user: &[u8]) -> Result<Self, ReadError> {
        if u32_at(user, 12) == Some(0xf3d1_c4df) {
            return Err(ReadError::Encrypted);
        }
        let kept = Kept::open(stream, u32_at(user, 16).map_or(usize::MAX, |at| at as usize))?;
        let whole = || Atoms::of(stream).take(MAX_KEPT);
        let main = kept.document.and_then(|id| kept.atom(stream, id)).filter(|atom| atom.kind == kinds::DOCUMENT);
        let main = main.or_else(|| whole().filter(|atom| atom.kind == kinds::DOCUMENT).last());
        let mut show = Self { slides: Vec::new(), notes: HashMap::new() };
        for list in main.iter().flat_map(Atom::children).filter(|atom| atom.kind == kinds::LIST) {
            match list.instance {
                0 => show.slides.extend(listed(list, &kept, stream)),
                2 => {
                    for notes in listed(list, &kept, stream).into_iter().filter_map(|notes| notes.atom) {
                        show.note(notes);
                    }
                }
                _ => {}
            }
        }
        if show.slides.iter().all(|slide| slide.atom.is_none()) {
            // The lists are broken: slides as they lie in the file.
            let slide = |atom| Listed { id: None, atom: Some(atom), texts: Vec::new() };
            let mut found: Vec<Listed<'a>> =
                whole().filter(|atom| atom.kind == kinds::SLIDE).map(slide).take(MAX_SLIDES).collect();
            for (slide, listed) in found.iter_mut().zip(&mut show.slides) {
                slide.texts = std::mem::take(&mut listed.texts);
            }
            if !found.is_empty() {
                show.slides = found;
            }
        }
        if show.notes.is_empty() {
            whole().filter(|atom| atom.kind == kinds::NOTES).for_each(|notes| show.note(notes));
        }
        Ok(show)
    }

    fn note(&mut self, notes: Atom<'a>) {
        let about = notes.children().find(|atom| atom.kind == kinds::NOTES_ATOM);
        if let Some(id) = about.and_then(|atom| u32_at(atom.body, 0)) {
            self.notes.entry(id).or_insert(notes);
        }
    }
}

/// What a list names, each with the texts behind it.
fn listed<'a>(list: Atom<'a>, kept: &Kept, stream: &'a [u8]) -> Vec<Listed<'a>> {
    let mut out: Vec<Listed<'a>> = Vec::new();
    let mut texts: Vec<Atom<'a>> = Vec::new();
    // Slides do not lie in one another, so that all are no longer than the stream.
    let mut left = stream.len();
    let close = |out: &mut Vec<Listed<'a>>, texts: &mut Vec<Atom<'a>>| {
        if let Some(last) = out.last_mut() {
            last.texts = Words::all(texts);
        }
        texts.clear();
    };
    for atom in list.children() {
        if atom.kind != kinds::LISTED {
            texts.push(atom);
            continue;
        }
        close(&mut out, &mut texts);
        if out.len() >= MAX_SLIDES {
            break;
        }
        let found = u32_at(atom.body, 0).and_then(|id| kept.atom(stream, id));
        let found = found.filter(|atom| matches!(atom.kind, kinds::SLIDE | kinds::NOTES) && atom.body.len() <= left);
        left -= found.map_or(0, |atom| atom.body.len());
        out.push(Listed { id: u32_at(atom.body, 12), atom: found, texts: Vec::new() });
    }
    close(&mut out, &mut texts);
    out
}

/// Where the things of a show lie, by their numbers; later savings come first.
#[derive(Default)]
struct Kept {
    places: HashMap<u32, usize>,
    document: Option<u32>,
}

impl Kept {
    fn open(stream: &[u8], last: usize) -> Result<Self, ReadError> {
        let mut kept = Self::default();
        let mut at = last;
        let mut left = 4 * MAX_KEPT;
        for _ in 0..MAX_EDITS {
            let Some(edit) = Atom::at(stream, at).filter(|atom| atom.kind == kinds::EDIT) else { break };
            if edit.body.len() >= 32 && kept.document.is_none() {
                return Err(ReadError::Encrypted);
            }
            kept.document = kept.document.or(u32_at(edit.body, 16));
            let directory = u32_at(edit.body, 12).and_then(|at| Atom::at(stream, at as usize));
            let directory = directory.filter(|atom| atom.kind == kinds::DIRECTORY).map_or(&[][..], |atom| atom.body);
            let mut next = 0;
            while let Some(run) = u32_at(directory, next)
                && left > 0
            {
                next += 4;
                left = left.saturating_sub(1 + (run >> 20) as usize);
                for id in (run & 0xf_ffff)..(run & 0xf_ffff) + (run >> 20) {
                    let Some(place) = u32_at(directory, next) else { break };
                    next += 4;
                    if kept.places.len() < MAX_KEPT {
                        kept.places.entry(id).or_insert(place as usize);
                    }
                }
            }
            // An earlier saving lies before a later one.
            match u32_at(edit.body, 8).map(|before| before as usize) {
                Some(before) if before > 0 && before < at => at = before,
                _ => break,
            }
        }
        Ok(kept)
    }

    fn atom<'a>(&self, stream: &'a [u8], id: u32) -> Option<Atom<'a>> {
        Atom::at(stream, *self.places.get(&id)?)
    }
}

/// Writes a slide: the title first, then as the eye goes; shapes within a sixth of an inch stand side by side.
fn slide_of(
    slide: Atom<'_>,
    listed: &mut Listed<'_>,
    diagram_bytes: &mut u64,
    page: &mut PageBuilder,
    title: &mut Option<String>,
) {
    let mut shapes = shapes::of(slide, &mut Sources { outline: &mut listed.texts, diagram_bytes });
    shapes.sort_by_key(|shape| (!shape.is_title(), shape.y / 96, shape.x));
    for shape in &shapes {
        if !shape.rows.is_empty() {
            shape.rows.iter().for_each(|row| page.row(false, None, row));
            continue;
        }
        for words in &shape.words {
            match shape.placeholder {
                // Date, number of the slide, footer, header.
                Some(7..=10) => page.block(BlockKind::Furniture, &words.plain()),
                _ if shape.is_title() => {
                    let said = folded(&words.plain());
                    if title.is_none() && !said.is_empty() {
                        *title = Some(said.clone());
                    }
                    page.block(BlockKind::Heading { level: 1 }, &said);
                }
                place => words.write(page, place.is_some()),
            }
        }
    }
}

#[cfg(test)]
mod tests;
