//! Rich text as word processors write it, and bytes that only begin like it.

use super::read;
use crate::ReadOptions;
use hearth_domain::{BlockKind, Document};

fn of(text: &[u8]) -> Document {
    read(text, &ReadOptions::default()).unwrap()
}

fn blocks(document: &Document) -> Vec<(&'static str, String)> {
    let page = &document.pages[0];
    let name = |kind: &BlockKind| match kind {
        BlockKind::Heading { .. } => "heading",
        BlockKind::Item => "item",
        BlockKind::Row { header: true, .. } => "head row",
        BlockKind::Row { .. } => "row",
        BlockKind::Note => "note",
        BlockKind::Furniture => "head",
        _ => "text",
    };
    page.blocks
        .iter()
        .map(|block| (name(&block.kind), page.text[block.range.start as usize..block.range.end as usize].to_owned()))
        .collect()
}

#[test]
fn a_document_is_read_as_it_is_shown() {
    let document = of(br"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\fswiss Arial;}{\f1\fcharset204 Times;}}
{\colortbl;\red0\green0\blue0;}{\stylesheet{\ql Normal;}{\s1\outlinelevel0 heading 1;}{\s5 Title;}{\*\cs10 Other;}}
{\info{\title The lease}{\author A. Brandt}{\creatim\yr2024}{\*\company Mill}}
{\header Mill papers\par}
\pard\plain\s1 Rent \'fcber all{\*\bkmkstart x}\par
\pard\plain The rent is {\b 4,200} crowns{\super {\footnote\pard Due in {\i March}.}}, \u8364?5 a day \emdash  always\~so.\par
{\v not seen}\pard {\f1\'cc\'fb} read\u-10179?\u-8704?.\par
{\listtext\tab 1.\tab}\pard\ls1 First thing\par{\listtext\f3 \'b7\tab}Second thing\par
\trowd\trhdr\cellx100\cellx200\pard\intbl Year\cell Rent\cell\row
\trowd\cellx100\cellx200\pard\intbl 2024\cell 4,200\par in gold\cell\row
\pard After it {\field{\*\fldinst HYPERLINK x}{\fldrslt a link}}.{\pict\pngblip 89504e47}\bin3 }}}\par
}");
    assert_eq!(document.title.as_deref(), Some("The lease"));
    assert_eq!(document.author.as_deref(), Some("A. Brandt"));
    assert_eq!(document.outline.len(), 1);
    let expected = [
        ("heading", "Rent über all"),
        ("text", "The rent is 4,200 crowns, €5 a day — always so."),
        ("text", "Мы read😀."),
        ("item", "1. First thing"),
        ("item", "• Second thing"),
        ("head row", "Year\tRent"),
        ("row", "2024\t4,200 in gold"),
        ("text", "After it a link."),
        ("note", "Due in March."),
        ("head", "Mill papers"),
    ];
    let expected: Vec<(&str, String)> = expected.iter().map(|(kind, text)| (*kind, (*text).to_owned())).collect();
    assert_eq!(blocks(&document), expected);
}

#[test]
fn any_bytes_end_in_a_document_or_an_error() {
    let whole: &[u8] =
        br"{\rtf1\ansi{\fonttbl{\f0 A;}}\pard\intbl a\cell\row\u-10179?{\footnote n}\'e4\bin99999999 x\par}";
    let mut dice = 7u32;
    for round in 0..2000 {
        let mut bytes = whole.to_vec();
        for _ in 0..1 + round % 5 {
            dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let at = (dice >> 8) as usize % bytes.len();
            bytes[at] = b"{}\\'u0-;\n\xff "[(dice >> 3) as usize % 11];
        }
        bytes.truncate(1 + (dice as usize % bytes.len()));
        let _ = read(&bytes, &ReadOptions::default());
    }
    let deep = [b"{\\rtf1 ".as_slice(), &b"{".repeat(100_000), b"x", &b"}".repeat(100_000)].concat();
    assert_eq!(of(&deep).pages[0].text, "x");
    let numbers = b"{\\rtf1\\uc99999999\\u99999999999 \\s-99999999999\\outlinelevel999 x\\par}";
    assert_eq!(of(numbers).pages[0].text, "");
}
