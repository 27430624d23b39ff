//! The report as a PDF of A4 pages in the fonts that every reader has (Helvetica, Courier). Their encoding knows the
//! letters of western languages; what it does not know stands as a question mark, and the last line says so.

use super::{Report, Section};
use pdf_writer::{Content, Finish, Name, Pdf, Rect, Ref, Str};

/// A4 in points, and its margin.
const WIDE: f32 = 595.0;
const HIGH: f32 = 842.0;
const EDGE: f32 = 56.0;
const INK: [f32; 3] = [0.118, 0.102, 0.086];
const INK_2: [f32; 3] = [0.333, 0.302, 0.271];
const LINE: [f32; 3] = [0.894, 0.878, 0.855];
const OK: [f32; 3] = [0.220, 0.404, 0.243];
const DANGER: [f32; 3] = [0.639, 0.125, 0.173];

#[derive(Clone, Copy, PartialEq)]
enum Face {
    Plain,
    Strong,
    Mono,
}

impl Face {
    fn name(self) -> Name<'static> {
        match self {
            Face::Plain => Name(b"F1"),
            Face::Strong => Name(b"F2"),
            Face::Mono => Name(b"F3"),
        }
    }
}

/// How a line is set.
#[derive(Clone, Copy)]
struct Type {
    face: Face,
    size: f32,
    colour: [f32; 3],
}

const fn set(face: Face, size: f32, colour: [f32; 3]) -> Type {
    Type { face, size, colour }
}

const TITLE: Type = set(Face::Strong, 18.0, INK);
const HEAD: Type = set(Face::Strong, 12.0, INK);
const TEXT: Type = set(Face::Plain, 9.5, INK_2);
const CELL: Type = set(Face::Plain, 8.5, INK);
const NAMES: Type = set(Face::Plain, 8.5, INK_2);
const HASH: Type = set(Face::Mono, 7.0, INK_2);

/// Pages under the pen.
struct Pages {
    done: Vec<Vec<u8>>,
    page: Content,
    /// Where the next line begins, from the bottom.
    y: f32,
    /// Characters that the fonts do not know.
    unknown: usize,
}

/// The document.
pub(super) fn document(report: &Report) -> Vec<u8> {
    let mut pages = Pages { done: Vec::new(), page: Content::new(), y: HIGH - EDGE, unknown: 0 };
    pages.text(&report.title, TITLE);
    pages.y -= 6.0;
    pages.text(&report.verdict, Type { colour: if report.holds { OK } else { DANGER }, ..TEXT });
    pages.y -= 6.0;
    for (figure, words) in &report.glance {
        pages.text(&format!("{figure} {words}"), Type { colour: INK, ..TEXT });
    }
    report.sections.iter().for_each(|section| pages.section(section));
    pages.y -= 14.0;
    pages.text(&report.foot, TEXT);
    if pages.unknown > 0 {
        let said = format!(
            "{} that the fonts of this form do not have stand as question marks; the same report as HTML shows them.",
            crate::view::count(pages.unknown, "letter", "letters")
        );
        pages.text(&said, TEXT);
    }
    pages.into_bytes(&report.title)
}

impl Pages {
    fn room(&mut self, height: f32) {
        if self.y - height < EDGE {
            self.done.push(std::mem::replace(&mut self.page, Content::new()).finish().to_vec());
            self.y = HIGH - EDGE;
        }
    }

    /// A text in lines over the whole width.
    fn text(&mut self, text: &str, kind: Type) {
        for line in lines(text, kind, WIDE - 2.0 * EDGE) {
            let height = kind.size * 1.45;
            self.room(height);
            self.y -= height;
            self.line(&line, EDGE, self.y, kind);
        }
    }

    fn line(&mut self, line: &str, x: f32, y: f32, kind: Type) {
        let bytes: Vec<u8> = line.chars().map(|c| encoded(c).unwrap_or(b'?')).collect();
        self.unknown += line.chars().filter(|c| encoded(*c).is_none()).count();
        let [r, g, b] = kind.colour;
        self.page.set_fill_rgb(r, g, b);
        self.page.begin_text();
        self.page.set_font(kind.face.name(), kind.size);
        self.page.next_line(x, y);
        self.page.show(Str(&bytes));
        self.page.end_text();
    }

    fn rule(&mut self) {
        let [r, g, b] = LINE;
        self.page.set_stroke_rgb(r, g, b).set_line_width(0.6);
        self.page.move_to(EDGE, self.y - 4.0).line_to(WIDE - EDGE, self.y - 4.0).stroke();
        self.y -= 6.0;
    }

    fn section(&mut self, section: &Section) {
        self.y -= 16.0;
        // A heading never stands alone at the foot of a page.
        self.room(60.0);
        self.text(section.title, HEAD);
        self.y -= 2.0;
        section.said.iter().for_each(|said| self.text(said, TEXT));
        if section.rows.is_empty() {
            return self.text(section.empty, TEXT);
        }
        let widths = widths(section);
        let names: Vec<String> = section.columns.iter().map(|name| (*name).to_owned()).collect();
        self.row(&names, &widths, true);
        section.rows.iter().for_each(|row| self.row(row, &widths, false));
    }

    fn row(&mut self, cells: &[String], widths: &[f32], head: bool) {
        let kind = |cell: &str| match (head, is_hash(cell)) {
            (true, _) => NAMES,
            (false, true) => HASH,
            (false, false) => CELL,
        };
        let set: Vec<(Type, Vec<String>)> =
            cells.iter().zip(widths).map(|(cell, width)| (kind(cell), lines(cell, kind(cell), width - 8.0))).collect();
        let height = set.iter().map(|(_, lines)| lines.len()).max().unwrap_or(1) as f32 * CELL.size * 1.4;
        self.room(height + 8.0);
        let mut x = EDGE;
        for ((kind, lines), width) in set.iter().zip(widths) {
            for (at, line) in lines.iter().enumerate() {
                self.line(line, x, self.y - (at as f32 + 1.0) * CELL.size * 1.4, *kind);
            }
            x += width;
        }
        self.y -= height;
        self.rule();
    }

    fn into_bytes(mut self, title: &str) -> Vec<u8> {
        self.done.push(self.page.finish().to_vec());
        let mut pdf = Pdf::new();
        let (catalog, tree, info) = (Ref::new(1), Ref::new(2), Ref::new(3));
        let fonts = [(Face::Plain, Ref::new(4)), (Face::Strong, Ref::new(5)), (Face::Mono, Ref::new(6))];
        let page = |at: usize| (Ref::new(7 + 2 * at as i32), Ref::new(8 + 2 * at as i32));
        pdf.catalog(catalog).pages(tree);
        let many = self.done.len();
        pdf.pages(tree).kids((0..many).map(|at| page(at).0)).count(many as i32);
        pdf.document_info(info).title(pdf_writer::TextStr(title)).producer(pdf_writer::TextStr("Hearth"));
        for (face, id) in fonts {
            let base: &[u8] = match face {
                Face::Plain => b"Helvetica",
                Face::Strong => b"Helvetica-Bold",
                Face::Mono => b"Courier",
            };
            pdf.type1_font(id).base_font(Name(base)).encoding_predefined(Name(b"WinAnsiEncoding"));
        }
        for (at, content) in self.done.iter().enumerate() {
            let (id, body) = page(at);
            let mut one = pdf.page(id);
            one.media_box(Rect::new(0.0, 0.0, WIDE, HIGH)).parent(tree).contents(body);
            let mut resources = one.resources();
            let mut known = resources.fonts();
            fonts.iter().for_each(|(face, font)| {
                known.pair(face.name(), *font);
            });
            known.finish();
            resources.finish();
            one.finish();
            pdf.stream(body, content);
        }
        pdf.finish()
    }
}

fn is_hash(cell: &str) -> bool {
    cell.len() >= 40 && cell.chars().all(|c| c.is_ascii_hexdigit())
}

/// Widths of columns: as wide as their longest cell wants, shared where that is more than there is.
fn widths(section: &Section) -> Vec<f32> {
    let many = section.columns.len();
    let wanted: Vec<f32> = (0..many)
        .map(|at| {
            let cells = section.rows.iter().filter_map(|row| row.get(at)).map(String::as_str);
            let widest = cells
                .chain(section.columns.get(at).copied())
                .map(|cell| width(cell, if is_hash(cell) { HASH } else { CELL }));
            (widest.fold(0.0, f32::max) + 10.0).clamp(36.0, 260.0)
        })
        .collect();
    let (all, room): (f32, f32) = (wanted.iter().sum(), WIDE - 2.0 * EDGE);
    wanted.into_iter().map(|one| one * room / all.max(1.0)).collect()
}

/// A text in lines no wider than `most`; a word that is wider is cut.
fn lines(text: &str, kind: Type, most: f32) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let mut rest = word;
        loop {
            let Some(line) = lines.last_mut() else { break };
            let joined = if line.is_empty() { rest.to_owned() } else { format!("{line} {rest}") };
            if width(&joined, kind) <= most {
                *line = joined;
                break;
            }
            if !line.is_empty() {
                lines.push(String::new());
                continue;
            }
            let fits = rest
                .char_indices()
                .map(|(at, c)| at + c.len_utf8())
                .take_while(|end| width(rest.get(..*end).unwrap_or_default(), kind) <= most)
                .last()
                .unwrap_or_else(|| rest.chars().next().map_or(rest.len(), char::len_utf8));
            let (head, tail) = rest.split_at(fits);
            *line = head.to_owned();
            if tail.is_empty() {
                break;
            }
            lines.push(String::new());
            rest = tail;
        }
    }
    lines
}

/// Advance widths of Helvetica from the space on, in thousandths (Adobe's font metrics).
const ADVANCES: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556,
    556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833,
    722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556,
    556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334,
    260, 334, 584,
];

/// How wide a text is, in points.
fn width(text: &str, kind: Type) -> f32 {
    let advance = |c: char| match kind.face {
        Face::Mono => 600,
        _ => *(c as usize).checked_sub(32).and_then(|at| ADVANCES.get(at)).unwrap_or(&667),
    };
    let thousandths: u32 = text.chars().map(|c| u32::from(advance(c))).sum();
    // Bold letters are a little wider.
    let factor = if kind.face == Face::Strong { 1.07 } else { 1.0 };
    thousandths as f32 / 1000.0 * kind.size * factor
}

/// A letter's byte in WinAnsiEncoding.
fn encoded(c: char) -> Option<u8> {
    const HIGH: [(char, u8); 27] = [
        ('€', 0x80),
        ('‚', 0x82),
        ('ƒ', 0x83),
        ('„', 0x84),
        ('…', 0x85),
        ('†', 0x86),
        ('‡', 0x87),
        ('ˆ', 0x88),
        ('‰', 0x89),
        ('Š', 0x8a),
        ('‹', 0x8b),
        ('Œ', 0x8c),
        ('Ž', 0x8e),
        ('‘', 0x91),
        ('’', 0x92),
        ('“', 0x93),
        ('”', 0x94),
        ('•', 0x95),
        ('–', 0x96),
        ('—', 0x97),
        ('˜', 0x98),
        ('™', 0x99),
        ('š', 0x9a),
        ('›', 0x9b),
        ('œ', 0x9c),
        ('ž', 0x9e),
        ('Ÿ', 0x9f),
    ];
    match c {
        ' '..='~' => u8::try_from(c).ok(),
        '\u{a0}'..='\u{ff}' => u8::try_from(u32::from(c)).ok(),
        c => HIGH.iter().find(|(known, _)| *known == c).map(|(_, byte)| *byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_no_wider_than_the_page_and_lose_nothing() {
        let text = format!("Every word {} stays, also {}.", "of it".repeat(30), "x".repeat(300));
        let lines = lines(&text, TEXT, 200.0);
        assert!(lines.iter().all(|line| width(line, TEXT) <= 200.0), "{lines:?}");
        let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
        assert_eq!(letters(&lines.concat()), letters(&text));
    }

    #[test]
    fn a_letter_that_the_fonts_do_not_know_is_told_of() {
        assert_eq!((encoded('A'), encoded('é'), encoded('“'), encoded('租')), (Some(65), Some(0xe9), Some(0x93), None));
        let rows = (0..200).map(|at| vec![format!("Row {at} of 租约"), "1".into()]).collect();
        let section = Section { title: "Rows", columns: vec!["A", "B"], rows, ..Section::default() };
        let report = Report {
            title: "Title".into(),
            holds: true,
            verdict: "Holds".into(),
            glance: Vec::new(),
            sections: vec![section],
            foot: "Foot".into(),
        };
        let pdf = document(&report);
        assert!(pdf.starts_with(b"%PDF-"));
        let text = String::from_utf8_lossy(&pdf);
        assert!(text.contains("400 letters"), "it says how many");
        assert!(text.matches("/Type /Page\n").count() > 3, "rows go on over pages");
    }
}
