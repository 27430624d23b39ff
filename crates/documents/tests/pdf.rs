//! PDFs made here, read, drawn and cut: rows, columns, furniture, boxes, refusals.

use hearth_documents::{ChunkOptions, ReadOptions, chunk, read, render, scan};
use hearth_domain::{BlockKind, Document, Page, Words};
use std::fmt::Write as _;
use std::ops::ControlFlow;

/// A page's content: text at (x, y from the bottom) in a size, bold or not.
#[derive(Default, Clone)]
struct Sheet {
    content: String,
}

impl Sheet {
    fn text(mut self, x: f32, y: f32, size: f32, bold: bool, text: &str) -> Self {
        let font = if bold { "B" } else { "F" };
        let text = text.replace('\\', "\\\\").replace('(', "\\(").replace(')', "\\)");
        let _ = writeln!(self.content, "BT /{font} {size} Tf {x} {y} Td ({text}) Tj ET");
        self
    }

    fn raw(mut self, operators: &str) -> Self {
        self.content.push_str(operators);
        self.content.push('\n');
        self
    }
}

/// A PDF of these pages, US letter, with Helvetica and Helvetica-Bold.
fn pdf(sheets: &[Sheet]) -> Vec<u8> {
    let mut objects: Vec<String> = Vec::new();
    let kids: Vec<String> = (0..sheets.len()).map(|i| format!("{} 0 R", 5 + i * 2)).collect();
    objects.push("<< /Type /Catalog /Pages 2 0 R /Lang (en) >>".into());
    objects.push(format!("<< /Type /Pages /Kids [{}] /Count {} >>", kids.join(" "), sheets.len()));
    objects.push("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".into());
    objects.push("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>".into());
    for (i, sheet) in sheets.iter().enumerate() {
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {} 0 R \
             /Resources << /Font << /F 3 0 R /B 4 0 R >> >> >>",
            6 + i * 2
        ));
        objects.push(format!("<< /Length {} >>\nstream\n{}endstream", sheet.content.len(), sheet.content));
    }
    let mut out = b"%PDF-1.7\n".to_vec();
    let mut offsets = Vec::new();
    for (i, object) in objects.iter().enumerate() {
        offsets.push(out.len());
        out.extend(format!("{} 0 obj\n{object}\nendobj\n", i + 1).as_bytes());
    }
    let start = out.len();
    out.extend(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).as_bytes());
    for offset in offsets {
        out.extend(format!("{offset:010} 00000 n \n").as_bytes());
    }
    let trailer = format!("trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n", objects.len() + 1);
    out.extend(trailer.as_bytes());
    out
}

fn document(sheets: &[Sheet]) -> Document {
    read("a.pdf", &pdf(sheets), &ReadOptions::default(), &mut |_, _| ControlFlow::Continue(()))
        .expect("a readable file")
}

fn blocks(page: &Page) -> Vec<(BlockKind, &str)> {
    page.blocks.iter().map(|b| (b.kind.clone(), &page.text[b.range.start as usize..b.range.end as usize])).collect()
}

fn row(header: bool) -> BlockKind {
    BlockKind::Row { header, cell: None }
}

#[test]
fn a_table_row_is_one_line_with_its_label_first() {
    // The figures are written before the labels, as many programs do.
    let mut sheet = Sheet::default().text(330.0, 720.0, 10.0, true, "2022").text(430.0, 720.0, 10.0, true, "2021");
    for (i, (label, a, b)) in [
        ("Total net sales", "82,959", "81,434"),
        ("Cost of sales", "47,074", "46,179"),
        ("Operating income", "(23,076)", "—"),
    ]
    .iter()
    .enumerate()
    {
        let y = 700.0 - i as f32 * 16.0;
        sheet = sheet
            .text(430.0, y, 10.0, false, &b.replace('—', "\\227").replace("\\\\", "\\"))
            .text(330.0, y - 0.8, 10.0, false, a)
            .text(72.0, y, 10.0, false, label);
        if i == 0 {
            sheet = sheet.text(315.0, y, 10.0, false, "$");
        }
    }
    let document = document(&[sheet]);
    let found = blocks(&document.pages[0]);
    assert_eq!(found[0], (row(true), "\t2022\t2021"));
    assert_eq!(found[1], (row(false), "Total net sales\t$ 82,959\t81,434"));
    assert_eq!(found[2], (row(false), "Cost of sales\t47,074\t46,179"));
    assert!(found[3].1.starts_with("Operating income\t(23,076)\t"));
    let passages = chunk(&document, &ChunkOptions::default());
    assert_eq!(passages.len(), 1);
}

#[test]
fn a_percentage_ends_before_the_next_amount() {
    let mut sheet = Sheet::default().text(330.0, 720.0, 10.0, true, "Change").text(420.0, 720.0, 10.0, true, "2021");
    for (i, (label, share, amount)) in
        [("Research and development", "12", "3,916"), ("Sales and marketing", "14", "1,120"), ("Total", "13", "5,036")]
            .iter()
            .enumerate()
    {
        let y = 700.0 - i as f32 * 16.0;
        sheet = sheet
            .text(72.0, y, 10.0, false, label)
            .text(330.0, y, 10.0, false, share)
            .text(345.0, y, 10.0, false, "%")
            .text(362.0, y, 10.0, false, "$")
            .text(400.0, y, 10.0, false, amount);
    }
    let document = document(&[sheet]);
    let found = blocks(&document.pages[0]);
    assert_eq!(found[1], (row(false), "Research and development\t12 %\t$ 3,916"));
    assert_eq!(found[3], (row(false), "Total\t13 %\t$ 5,036"));
}

const LEFT: [&str; 6] = [
    "The left column begins the story and",
    "goes on for several lines of ordinary",
    "prose that a reader follows downwards",
    "before ever looking at the right side",
    "of the page, where the story is taken",
    "up again after the last line here.",
];
const RIGHT: [&str; 6] = [
    "Only then does the right column have",
    "its turn, and its lines are read one",
    "after the other, although each stands",
    "beside a line of the left column and",
    "shares its baseline with that line on",
    "the sheet of paper it is printed on.",
];

#[test]
fn columns_of_prose_are_read_one_after_the_other() {
    let mut sheet = Sheet::default().text(72.0, 740.0, 18.0, true, "A story told in two columns of text");
    for (i, (left, right)) in LEFT.iter().zip(RIGHT).enumerate() {
        let y = 700.0 - i as f32 * 12.0;
        sheet = sheet.text(72.0, y, 10.0, false, left).text(320.0, y, 10.0, false, right);
    }
    let document = document(&[sheet]);
    let found = blocks(&document.pages[0]);
    assert_eq!(found[0], (BlockKind::Heading { level: 1 }, "A story told in two columns of text"));
    let text = &document.pages[0].text;
    assert!(text.contains(&LEFT.join(" ")), "{text}");
    assert!(text.contains(&RIGHT.join(" ")), "{text}");
}

#[test]
fn boxes_name_the_words_they_stand_on() {
    let document = document(&[Sheet::default().text(100.0, 700.0, 20.0, false, "Hello big world")]);
    let page = &document.pages[0];
    let words: Vec<&str> =
        page.boxes.iter().map(|b| &page.text[b.range.start as usize..b.range.end as usize]).collect();
    assert_eq!(words, ["Hello", "big", "world"]);
    let first = &page.boxes[0];
    assert!((first.x - 100.0).abs() < 0.5 && (first.width - 45.6).abs() < 1.0, "{first:?}");
    // The baseline lies 92 points below the top.
    assert!(first.y < 92.0 - 13.0 && first.y + first.height > 92.0, "{first:?}");
    assert_eq!(page.size_pt, Some((612.0, 792.0)));
    assert!(page.boxes[1].x > first.x + first.width);
}

#[test]
fn a_footer_right_under_the_text_is_known_by_its_number() {
    let sheets: Vec<Sheet> = (0..5)
        .map(|i| {
            let end = 600.0 - 40.0 * i as f32;
            Sheet::default()
                .text(
                    72.0,
                    700.0,
                    10.0,
                    false,
                    &format!("In {} the mill ground corn.", ["May", "June", "July", "autumn", "winter"][i]),
                )
                .text(72.0, end, 10.0, false, &format!("Total of the month {}", 900 + 7 * i))
                .text(72.0, end - 40.0, 10.0, false, &format!("Mill Ltd | 2026 Report | {}", i + 1))
        })
        .collect();
    let document = document(&sheets);
    for page in &document.pages {
        let furniture: Vec<&str> = page
            .blocks
            .iter()
            .filter(|block| block.kind == BlockKind::Furniture)
            .map(|block| &page.text[block.range.start as usize..block.range.end as usize])
            .collect();
        assert!(furniture.len() == 1 && furniture[0].starts_with("Mill Ltd"), "{furniture:?}");
    }
}

#[test]
fn what_comes_back_at_the_edge_of_pages_is_furniture() {
    let sheets: Vec<Sheet> = (1..=4)
        .map(|n| {
            Sheet::default()
                .text(72.0, 760.0, 9.0, false, "Example Corp. | Quarterly report")
                .text(
                    72.0,
                    600.0,
                    10.0,
                    false,
                    &format!("Page {} says something of its own.", ["one", "two", "three", "four"][n - 1]),
                )
                .text(300.0, 30.0, 9.0, false, &n.to_string())
        })
        .collect();
    let document = document(&sheets);
    for (page, number) in document.pages.iter().zip(1..) {
        let kinds: Vec<_> = page.blocks.iter().map(|block| block.kind.clone()).collect();
        assert_eq!(kinds, [BlockKind::Furniture, BlockKind::Paragraph, BlockKind::Furniture], "page {number}");
    }
    let passages = chunk(&document, &ChunkOptions::default());
    assert!(passages.iter().all(|passage| !passage.text.contains("Example Corp")));
    assert_eq!(passages.len(), 4);
}

#[test]
fn words_broken_at_the_end_of_a_line_are_joined_and_compounds_are_not() {
    let lines = [
        "The depreciation of long-term and long-lived assets and depre-",
        "ciation in all its other forms is written here and long-",
        "lived assets are kept on these books until they are sold off",
    ];
    let mut sheet = Sheet::default();
    for (i, line) in lines.iter().enumerate() {
        sheet = sheet.text(72.0, 700.0 - i as f32 * 12.0, 10.0, false, line);
    }
    let text = document(&[sheet]).pages[0].text.clone();
    assert!(text.contains("and depreciation in"), "{text}");
    assert!(text.contains("and long-lived assets are"), "{text}");
}

#[test]
fn turned_text_stands_where_it_is_drawn() {
    let sheet = Sheet::default()
        .text(72.0, 700.0, 10.0, false, "Upright words.")
        .raw("BT /F 10 Tf 0 1 -1 0 50 300 Tm (Turned words) Tj ET");
    let document = document(&[sheet]);
    let page = &document.pages[0];
    assert!(page.text.contains("Turned words"));
    let at = page.text.find("Turned").unwrap_or_default() as u32;
    let turned = page.boxes.iter().find(|b| b.range.start == at).expect("a box");
    assert!(turned.height > turned.width, "{turned:?}");
    // It begins 300 points above the bottom and runs upwards.
    assert!((turned.y + turned.height - 492.0).abs() < 1.0, "{turned:?}");
}

#[test]
fn a_page_is_drawn_with_its_words() {
    let bytes = pdf(&[Sheet::default().text(100.0, 700.0, 60.0, false, "Hello")]);
    let picture = render(&bytes, None, 0, 306).expect("a picture");
    assert_eq!((picture.width_px, picture.height_px), (306, 396));
    assert!(picture.png.starts_with(b"\x89PNG"));
    let blank = render(&pdf(&[Sheet::default()]), None, 0, 306).expect("a picture");
    assert!(picture.png.len() > blank.png.len() + 200, "the standard font shows");
    assert_eq!(render(&bytes, None, 7, 306).unwrap_err().code(), "damaged");
    let huge = render(&bytes, None, 0, u32::MAX).expect("a smaller picture");
    assert!(huge.width_px as u64 * huge.height_px as u64 <= 41_000_000);
}

#[test]
fn what_cannot_be_read_says_why() {
    let code = |bytes: &[u8]| {
        read("a.pdf", bytes, &ReadOptions::default(), &mut |_, _| ControlFlow::Continue(()))
            .map_err(|e| e.code())
            .unwrap_err()
    };
    let whole = pdf(&[Sheet::default().text(72.0, 700.0, 10.0, false, "Words")]);
    assert_eq!(code(&whole[..60]), "damaged");
    assert_eq!(code(&pdf(&[Sheet::default(), Sheet::default()])), "no_text");
    let mut steps = 0;
    let cancelled = read("a.pdf", &whole, &ReadOptions::default(), &mut |_, _| {
        steps += 1;
        if steps > 1 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!(cancelled.unwrap_err().code(), "cancelled");
}

#[test]
fn any_damage_is_an_error_or_a_document_but_never_a_panic() {
    let whole = pdf(&[Sheet::default().text(72.0, 700.0, 10.0, false, "Words and 1,234 figures")]);
    let mut state = 0x2545_f491_u32;
    for _ in 0..400 {
        let mut bytes = whole.clone();
        for _ in 0..4 {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            let at = state as usize % bytes.len();
            bytes[at] = (state >> 24) as u8;
        }
        let _ = read("a.pdf", &bytes, &ReadOptions::default(), &mut |_, _| ControlFlow::Continue(()));
    }
}

#[test]
fn a_page_that_is_a_picture_waits_for_recognition_beside_pages_of_text() {
    let picture = "q 400 0 0 400 100 200 cm BI /W 2 /H 2 /CS /G /BPC 8 /F /AHx ID 00ff00ff> EI Q";
    let sheets =
        [Sheet::default().text(72.0, 720.0, 12.0, false, "Words of the first page."), Sheet::default().raw(picture)];
    let document = document(&sheets);
    let words: Vec<_> = document.pages.iter().map(|page| page.words).collect();
    assert_eq!(words, [Words::Written, Words::Unread]);
    let mut drawn = Vec::new();
    scan(&pdf(&sheets), None, &[1], &mut |page| {
        drawn.push((page.page, page.width_px, page.height_px, page.grey.len()));
        ControlFlow::Continue(())
    })
    .expect("a page that can be drawn");
    assert_eq!(drawn, [(1, 2550, 3300, 2550 * 3300)], "letter paper at 300 dots to the inch");
    assert_eq!(document_of_pictures(&[Sheet::default().raw(picture)]), Words::Unread);
}

fn document_of_pictures(sheets: &[Sheet]) -> Words {
    document(sheets).pages[0].words
}
