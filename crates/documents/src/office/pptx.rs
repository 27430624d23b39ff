//! PowerPoint presentations: one page per slide in the show's order, with tables, charts and speaker notes.

use super::{graphic, main_part, properties, relations};
use crate::archive::Archive;
use crate::builder::{PageBuilder, folded};
use crate::numerals::{letters, roman};
use crate::plain::document;
use crate::read::{Progress, step};
use crate::spans::Again;
use crate::xml::{El, Xml};
use crate::{ReadError, ReadOptions};
use hearth_domain::{BlockKind, Document, Kind, OutlineItem, Place, Warning};

/// Slides of one show that are read.
const MAX_SLIDES: usize = 10_000;
/// Groups within groups that are followed.
const MAX_NESTING: u8 = 20;

pub(crate) fn read(bytes: &[u8], options: &ReadOptions, progress: &mut Progress<'_>) -> Result<Document, ReadError> {
    let archive = Archive::open(bytes, options)?;
    let main = main_part(&archive, "ppt/presentation.xml")?;
    let show = Xml::parse(&archive.need(&main)?)?;
    let parts = relations(&archive, &main)?;
    let listed = show.root().child("sldIdLst").map(|list| list.children().collect::<Vec<_>>()).unwrap_or_default();
    // Both the slide's own id and its relation's id are called `id`; the second is the one that leads somewhere.
    let target =
        |el: &El<'_>| el.attrs_named("id").find_map(|id| parts.get(id)).map(|relation| relation.target.clone());
    let slides: Vec<String> = listed.iter().filter_map(target).take(MAX_SLIDES).collect();
    if slides.is_empty() {
        return Err(ReadError::Empty);
    }
    let mut again = Again::default();
    let mut pages = Vec::new();
    let mut outline = Vec::new();
    let mut warnings = Vec::new();
    for (i, slide) in slides.iter().enumerate() {
        step(progress, i as u32, slides.len() as u32)?;
        let mut reader =
            Slide { archive: &archive, part: slide, page: PageBuilder::default(), title: None, again: &mut again };
        match archive.get(slide)?.map(|bytes| Xml::parse(&bytes)) {
            Some(Ok(xml)) => reader.read(&xml)?,
            _ => warnings.push(Warning { page: Some(i as u32), message: "This slide could not be read.".to_owned() }),
        }
        let title = reader.title.take();
        outline.extend(title.clone().map(|title| OutlineItem { level: 1, title, page: i as u32 }));
        pages.push(reader.page.finish(Place::Slide { number: i as u32 + 1, title }));
    }
    step(progress, slides.len() as u32, slides.len() as u32)?;
    let mut document = document(Kind::Pptx, pages);
    document.outline = outline;
    document.warnings = warnings;
    properties(&archive, &mut document);
    Ok(document)
}

struct Slide<'a> {
    archive: &'a Archive<'a>,
    part: &'a str,
    page: PageBuilder,
    title: Option<String>,
    again: &'a mut Again,
}

/// A shape with the height at which it stands on the slide.
struct Shape<'x> {
    el: El<'x>,
    title: bool,
    y: i64,
    x: i64,
}

impl Slide<'_> {
    fn read(&mut self, xml: &Xml) -> Result<(), ReadError> {
        let relations = relations(self.archive, self.part)?;
        if let Some(tree) = xml.root().path(&["cSld", "spTree"]) {
            let mut shapes = Vec::new();
            gather(tree, (0, 0), MAX_NESTING, &mut shapes);
            // The title first, then as the eye goes; shapes within a sixth of an inch stand side by side.
            shapes.sort_by_key(|shape| (!shape.title, shape.y / 152_400, shape.x));
            for shape in shapes {
                self.shape(&shape, &relations)?;
            }
        }
        let notes = relations.values().find(|relation| relation.kind == "notesSlide");
        if let Some(notes) = notes
            && let Some(bytes) = self.archive.get(&notes.target)?
            && let Ok(xml) = Xml::parse(&bytes)
        {
            for shape in xml.root().all("sp") {
                if placeholder(shape) == Some("body")
                    && let Some(body) = shape.child("txBody")
                {
                    let text: Vec<String> = body.children().filter(|el| el.name() == "p").map(paragraph_text).collect();
                    self.page.block(BlockKind::Note, &text.join("\n"));
                }
            }
        }
        let comments = relations.values().find(|relation| relation.kind == "comments");
        if let Some(comments) = comments
            && let Some(bytes) = self.archive.get(&comments.target)?
            && let Ok(xml) = Xml::parse(&bytes)
        {
            for comment in xml.root().children() {
                let text = comment.child("text").or(comment.child("txBody")).map(|el| el.text()).unwrap_or_default();
                self.page.block(BlockKind::Note, &folded(&text));
            }
        }
        Ok(())
    }

    fn shape(
        &mut self,
        shape: &Shape<'_>,
        relations: &std::collections::HashMap<String, super::Relation>,
    ) -> Result<(), ReadError> {
        let el = shape.el;
        if let Some(table) = el.path(&["graphic", "graphicData", "tbl"]) {
            let header = table.child("tblPr").is_some_and(|el| matches!(el.attr("firstRow"), Some("1" | "true")));
            let mut above: Vec<String> = Vec::new();
            for (i, row) in table.children().filter(|el| el.name() == "tr").enumerate() {
                let mut cells: Vec<String> = Vec::new();
                let is = |cell: &El<'_>, name: &str| matches!(cell.attr(name), Some("1" | "true"));
                let all: Vec<El<'_>> = row.children().filter(|el| el.name() == "tc").collect();
                let alone = all.iter().skip(1).all(|cell| is(cell, "hMerge"));
                for cell in all {
                    let before = match (is(&cell, "hMerge"), is(&cell, "vMerge")) {
                        (_, true) => above.get(cells.len()),
                        (true, false) => cells.last().filter(|_| !alone),
                        (false, false) => None,
                    };
                    let text = match before {
                        Some(text) => self.again.of(text, header && i == 0).to_owned(),
                        None if is(&cell, "hMerge") || is(&cell, "vMerge") => String::new(),
                        None => cell.child("txBody").map(body_text).unwrap_or_default(),
                    };
                    cells.push(text);
                }
                self.page.row(header && i == 0, None, &cells);
                above = cells;
            }
            return Ok(());
        }
        if let Some(data) = el.path(&["graphic", "graphicData"]) {
            return graphic::write(self.archive, relations, data, &mut self.page);
        }
        let Some(body) = el.child("txBody") else { return Ok(()) };
        let kind = placeholder(el);
        if matches!(kind, Some("sldNum" | "ftr" | "dt" | "hdr")) {
            self.page.block(BlockKind::Furniture, &body_text(body));
            return Ok(());
        }
        if shape.title {
            let text = body_text(body);
            if self.title.is_none() && !text.is_empty() {
                self.title = Some(text.clone());
            }
            self.page.block(BlockKind::Heading { level: 1 }, &text);
            return Ok(());
        }
        let listed = matches!(kind, Some("body" | "obj" | "")) || (kind.is_some() && kind != Some("subTitle"));
        let paragraphs: Vec<El<'_>> = body.children().filter(|el| el.name() == "p").collect();
        let many = paragraphs.iter().filter(|el| !paragraph_text(**el).trim().is_empty()).count() > 1;
        let mut numbers = [0u32; 9];
        for paragraph in paragraphs {
            let text = paragraph_text(paragraph);
            let properties = paragraph.child("pPr");
            let bullet = properties.is_some_and(|el| el.child("buChar").is_some());
            let plain = properties.is_some_and(|el| el.child("buNone").is_some());
            let level = properties.and_then(|el| el.attr("lvl")?.parse::<usize>().ok()).unwrap_or(0).min(8);
            let numbered = properties.and_then(|el| el.child("buAutoNum"));
            if text.trim().is_empty() {
                continue;
            }
            // What stands further in belongs to its item; the count goes on behind it.
            numbers.iter_mut().skip(level + 1).for_each(|number| *number = 0);
            let label = numbers.get_mut(level).and_then(|number| match numbered {
                Some(by) => {
                    let first = by.attr("startAt").and_then(|at| at.parse::<u32>().ok()).unwrap_or(1);
                    *number = if *number == 0 { first } else { number.saturating_add(1) };
                    Some(numbering(*number, by.attr("type").unwrap_or_default()))
                }
                None => {
                    *number = 0;
                    None
                }
            });
            if let Some(label) = label {
                self.page.item(level * 2, &format!("{label} {}", text.trim()));
            } else if bullet || (listed && many && !plain) {
                self.page.item(level * 2, &format!("• {}", text.trim()));
            } else {
                self.page.block(BlockKind::Paragraph, &text);
            }
        }
        Ok(())
    }
}

fn gather<'x>(tree: El<'x>, at: (i64, i64), depth: u8, out: &mut Vec<Shape<'x>>) {
    for el in tree.children() {
        let own = el.path(&["spPr", "xfrm"]).or(el.child("xfrm")).or(el.path(&["grpSpPr", "xfrm"]));
        let offset = own.and_then(|el| el.child("off"));
        let number = |name: &str| offset.and_then(|off| off.attr(name)?.parse::<i64>().ok());
        let (x, y) = (number("x").unwrap_or(at.0), number("y").unwrap_or(at.1));
        match el.name() {
            // Shapes of a group keep their order beside the group's own place.
            "grpSp" if depth > 0 => {
                let from = out.len();
                gather(el, (x, y), depth - 1, out);
                for shape in out.iter_mut().skip(from) {
                    (shape.x, shape.y) = (x, y);
                }
            }
            "sp" | "graphicFrame" | "cxnSp" => {
                let title = matches!(placeholder(el), Some("title" | "ctrTitle"));
                out.push(Shape { el, title, x, y });
            }
            "AlternateContent" if depth > 0 => {
                if let Some(choice) = el.child("Choice").or(el.child("Fallback")) {
                    gather(choice, (x, y), depth - 1, out);
                }
            }
            _ => {}
        }
    }
}

/// A number as a list of this type writes it, such as `alphaLcParenR` or `romanUcPeriod`.
fn numbering(number: u32, by: &str) -> String {
    let digits = match by {
        by if by.starts_with("alphaLc") => letters(number),
        by if by.starts_with("alphaUc") => letters(number).to_uppercase(),
        by if by.starts_with("romanLc") => roman(number),
        by if by.starts_with("romanUc") => roman(number).to_uppercase(),
        _ => number.to_string(),
    };
    match by {
        by if by.ends_with("ParenBoth") => format!("({digits})"),
        by if by.ends_with("ParenR") => format!("{digits})"),
        _ => format!("{digits}."),
    }
}

/// The placeholder that a shape fills: `title`, `body`, empty where it has no type, `None` where it fills none.
fn placeholder<'x>(shape: El<'x>) -> Option<&'x str> {
    let place = shape.children().find(|el| el.name().starts_with("nv"))?.path(&["nvPr", "ph"])?;
    Some(place.attr("type").unwrap_or(""))
}

fn body_text(body: El<'_>) -> String {
    let lines: Vec<String> = body.children().filter(|el| el.name() == "p").map(paragraph_text).collect();
    folded(&lines.join(" "))
}

fn paragraph_text(paragraph: El<'_>) -> String {
    let mut out = String::new();
    for run in paragraph.children() {
        match run.name() {
            "r" | "fld" => out.push_str(&run.child("t").map(|el| el.text()).unwrap_or_default()),
            "br" => out.push('\n'),
            "AlternateContent" | "m" => out.push_str(&run.all("t").iter().map(El::text).collect::<String>()),
            _ => {}
        }
    }
    // PowerPoint's own marks for a line break inside a paragraph.
    out.replace("_x000D_", " ").replace('\u{b}', "\n").trim_end().to_owned()
}
