//! Presentations: one page per slide, its title first, then shapes as the eye goes, then the speaker's notes.

use super::text::Reader;
use super::{MAX_NESTING, Styles, lines, write_notes};
use crate::builder::folded;
use crate::xml::El;
use hearth_domain::{BlockKind, OutlineItem, Page, Place};

/// Slides of one show that are read.
const MAX_SLIDES: usize = 10_000;

pub(super) fn read(show: El<'_>, styles: &Styles) -> (Vec<Page>, Vec<OutlineItem>) {
    let (mut pages, mut outline) = (Vec::new(), Vec::new());
    for (at, slide) in show.children().filter(|el| el.name() == "page").take(MAX_SLIDES).enumerate() {
        let mut reader = Reader::new(styles);
        let mut shapes: Vec<El<'_>> = slide.children().filter(|el| el.name() != "notes").collect();
        // The title first, then from the top down and from the left; half a centimetre stands side by side.
        shapes.sort_by_key(|shape| {
            (!is_title(shape), (length(shape, "y") * 2.0) as i64, (length(shape, "x") * 10.0) as i64)
        });
        let mut title = None;
        for shape in shapes {
            if matches!(shape.attr("class"), Some("footer" | "header" | "date-time" | "page-number")) {
                reader.page.block(BlockKind::Furniture, &lines(shape));
            } else if is_title(&shape) && title.is_none() {
                let words = folded(&lines(shape));
                if !words.is_empty() {
                    reader.page.block(BlockKind::Heading { level: 1 }, &words);
                    title = Some(words);
                }
            } else {
                reader.blocks(shape, MAX_NESTING);
            }
        }
        for notes in slide.children().filter(|el| el.name() == "notes") {
            for frame in notes.children().filter(|el| el.attr("class") == Some("notes")) {
                reader.page.block(BlockKind::Note, &lines(frame));
            }
        }
        let mut page = reader.page;
        write_notes(&mut page, reader.notes);
        outline.extend(title.clone().map(|title| OutlineItem { level: 1, title, page: at as u32 }));
        pages.push(page.finish(Place::Slide { number: at as u32 + 1, title }));
    }
    (pages, outline)
}

fn is_title(shape: &El<'_>) -> bool {
    shape.attr("class") == Some("title")
}

/// A length in centimetres; 0 where it cannot be read.
fn length(shape: &El<'_>, name: &str) -> f64 {
    let text = shape.attr(name).unwrap_or_default();
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-'));
    let number: f64 = text.trim_end_matches(unit).parse().unwrap_or(0.0);
    let of_unit = match unit {
        "mm" => 0.1,
        "in" => 2.54,
        "pt" => 0.0353,
        "px" => 0.0265,
        _ => 1.0,
    };
    (number * of_unit).clamp(-1e6, 1e6)
}
