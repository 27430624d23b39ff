//! Presentations built record by record, and changed ones that must end in a document or an error.

use super::*;
use crate::compound::tests::{container, open, wide};
use crate::detect;

fn atom(kind: u16, instance: u16, body: &[u8]) -> Vec<u8> {
    let head = instance << 4;
    [&head.to_le_bytes()[..], &kind.to_le_bytes(), &(body.len() as u32).to_le_bytes(), body].concat()
}

fn holder(kind: u16, instance: u16, inside: &[Vec<u8>]) -> Vec<u8> {
    let mut out = atom(kind, instance, &inside.concat());
    out[0] |= 0xf;
    out
}

fn text(kind: u32, text: &str) -> Vec<u8> {
    [atom(kinds::TEXT_HEADER, 0, &kind.to_le_bytes()), atom(kinds::TEXT_WIDE, 0, &wide(text))].concat()
}

fn shape(top: i16, placeholder: Option<u8>, inside: &[Vec<u8>]) -> Vec<u8> {
    let place = [top, 10, 500, 60].map(i16::to_le_bytes).concat();
    let mut parts = vec![atom(kinds::PLACE, 0, &place)];
    if let Some(id) = placeholder {
        parts.push(holder(0xf011, 0, &[atom(kinds::PLACEHOLDER, 0, &[0, 0, 0, 0, id, 0, 0, 0])]));
    }
    parts.push(holder(kinds::TEXT_BOX, 0, inside));
    holder(kinds::SHAPE, 0, &parts)
}

fn cell(x: i32, y: i32, words: &str) -> Vec<u8> {
    let place = [x, y, x + 9, y + 9].map(i32::to_le_bytes).concat();
    let parts = [atom(kinds::INNER_PLACE, 0, &place), holder(kinds::TEXT_BOX, 0, &[text(4, words)])];
    holder(kinds::SHAPE, 0, &parts)
}

/// Two slides; the second was saved later in place of an older one. The first has notes, a comment and a table.
fn show() -> (Vec<u8>, Vec<u8>) {
    let table = [&shapes::TABLE.to_le_bytes()[..], &1u32.to_le_bytes()].concat();
    let group = holder(
        kinds::GROUP,
        0,
        &[
            holder(
                kinds::SHAPE,
                0,
                &[atom(kinds::MORE_OPTIONS, 1, &table), atom(kinds::PLACE, 0, &[0x20, 3, 0, 0, 0, 0, 0, 0])],
            ),
            cell(10, 100, "Year"),
            cell(20, 100, "Rent"),
            cell(20, 200, "4,200"),
            cell(10, 200, "2024"),
        ],
    );
    let drawing =
        |shapes: &[Vec<u8>]| holder(kinds::DRAWING, 0, &[holder(0xf002, 0, &[holder(kinds::GROUP, 0, shapes)])]);
    // Fields of nine bits set how the first paragraph's bullet is; the second one has none.
    let set = [
        [6u32.to_le_bytes().as_slice(), &[0, 0], &1u32.to_le_bytes(), &[1, 0]].concat(),
        [9u32.to_le_bytes().as_slice(), &[0, 0], &1u32.to_le_bytes(), &[0, 0]].concat(),
    ];
    let free = [text(4, "First\rNo mark"), atom(kinds::TEXT_STYLE, 0, &set.concat())].concat();
    let comment =
        holder(kinds::COMMENT, 0, &[atom(kinds::STRING, 0, &wide("Ann")), atom(kinds::STRING, 1, &wide("Check"))]);
    let one = holder(
        kinds::SLIDE,
        0,
        &[
            drawing(&[
                shape(900, None, &[free]),
                shape(50, Some(14), &[atom(kinds::OUTLINE_TEXT, 0, &1u32.to_le_bytes())]),
                shape(60, Some(13), &[atom(kinds::OUTLINE_TEXT, 0, &0u32.to_le_bytes())]),
                shape(990, Some(9), &[text(4, "Footer")]),
                group,
            ]),
            comment,
        ],
    );
    let slide = |words: &str| holder(kinds::SLIDE, 0, &[drawing(&[shape(50, None, &[text(4, words)])])]);
    let notes = holder(
        kinds::NOTES,
        0,
        &[atom(kinds::NOTES_ATOM, 0, &256u32.to_le_bytes()), drawing(&[shape(9, Some(12), &[text(2, "Say hello")])])],
    );
    let listed = |id: u32, number: u32| atom(kinds::LISTED, 0, &[id, 0, 0, number, 0].map(u32::to_le_bytes).concat());
    let titles = [text(0, "The plan"), text(1, "One\rTwo\u{b}lines")].concat();
    let main = holder(
        kinds::DOCUMENT,
        0,
        &[holder(kinds::LIST, 0, &[listed(2, 256), titles, listed(3, 257)]), holder(kinds::LIST, 2, &[listed(4, 300)])],
    );
    let mut stream = Vec::new();
    let mut places = Vec::new();
    for part in [main, one, slide("Old words"), notes] {
        places.push(stream.len() as u32);
        stream.extend(part);
    }
    let directory = |first: u32, places: &[u32]| {
        let run = first | (places.len() as u32) << 20;
        atom(kinds::DIRECTORY, 0, &[&[run], places].concat().iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<_>>())
    };
    let edit = |before: u32, directory: u32| {
        atom(kinds::EDIT, 0, &[0, 0, before, directory, 1, 9, 0].map(u32::to_le_bytes).concat())
    };
    let at = stream.len() as u32;
    stream.extend(directory(1, &places));
    let first = stream.len() as u32;
    stream.extend(edit(0, at));
    let again = stream.len() as u32;
    stream.extend(slide("New words"));
    let at = stream.len() as u32;
    stream.extend(directory(3, &[again]));
    let last = stream.len() as u32;
    stream.extend(edit(first, at));
    let user = atom(0x0ff6, 0, &[0x14, 0xe391_c05f, last, 0].map(u32::to_le_bytes).concat());
    (stream, user)
}

#[test]
fn an_old_presentation_is_read_slide_by_slide() {
    let (stream, user) = show();
    let bytes = container(&[("/PowerPoint Document", stream.clone()), ("/Current User", user)]);
    assert_eq!(detect("show.ppt", &bytes), Ok(Kind::Pptx));
    let document = open(&bytes).unwrap();
    let texts: Vec<&str> = document.pages.iter().map(|page| page.text.as_str()).collect();
    assert_eq!(
        texts,
        [
            "The plan\n\n• One\n• Two\nlines\n\nYear\tRent\n2024\t4,200\n\n• First\n\nNo mark\n\nFooter\n\nSay hello\n\nCheck",
            "New words"
        ]
    );
    assert_eq!(document.pages[0].place, Place::Slide { number: 1, title: Some("The plan".into()) });
    // Without the list of where things lie, slides are taken as they come.
    let document = open(&container(&[("/PowerPoint Document", stream)])).unwrap();
    assert!(document.pages.iter().any(|page| page.text.contains("New words")));
}

#[test]
fn numbers_diagrams_and_merged_cells_are_read() {
    // Letters of the first three paragraphs have the second of the added settings, those of the last the first.
    let letters = |count: u32, which: u16| {
        [&count.to_le_bytes()[..], &0x0400_u32.to_le_bytes(), &(which << 10).to_le_bytes()].concat()
    };
    let style = [
        [6u32.to_le_bytes().as_slice(), &[0, 0], &[0; 4]].concat(),
        [4u32.to_le_bytes().as_slice(), &[1, 0], &[0; 4]].concat(),
        [10u32.to_le_bytes().as_slice(), &[0, 0], &[0; 4]].concat(),
        letters(15, 1),
        letters(5, 0),
    ];
    let list = [text(4, "First\rsub\rNext\rLast"), atom(kinds::TEXT_STYLE, 0, &style.concat())].concat();
    let numbered = [&0x0200_0000_u32.to_le_bytes()[..], &1u16.to_le_bytes(), &[0; 8]].concat();
    let added = [vec![0; 12], numbered].concat();
    let numbers = holder(0xf011, 0, &[atom(kinds::TEXT_NUMBERS, 0, &added)]);
    let mut first = shape(10, None, &[list]);
    first.extend(numbers);
    let long = (first.len() - 8) as u32;
    first[4..8].copy_from_slice(&long.to_le_bytes());
    let package = crate::archive::tests::zip(&[(
        "drs/diagrams/data1.xml",
        b"<dataModel><ptLst><pt><t><p><r><t>Plan</t></r></p></t></pt><pt><t><p><r><t>Do</t></r></p></t></pt></ptLst></dataModel>",
    )]);
    let option = [&(0x8000 | 0x03a9u16).to_le_bytes()[..], &(package.len() as u32).to_le_bytes(), &package].concat();
    let place = [300i16, 0, 10, 10].map(i16::to_le_bytes).concat();
    let drawn = holder(kinds::SHAPE, 0, &[atom(kinds::PLACE, 0, &place), atom(kinds::MORE_OPTIONS, 1, &option)]);
    let wide_cell = |x: i32, y: i32, right: i32, words: &str| {
        let place = [x, y, right, y + 9].map(i32::to_le_bytes).concat();
        holder(kinds::SHAPE, 0, &[atom(kinds::INNER_PLACE, 0, &place), holder(kinds::TEXT_BOX, 0, &[text(4, words)])])
    };
    let table = [&shapes::TABLE.to_le_bytes()[..], &1u32.to_le_bytes()].concat();
    let place = [600i16, 0, 10, 10].map(i16::to_le_bytes).concat();
    let head = holder(kinds::SHAPE, 0, &[atom(kinds::MORE_OPTIONS, 1, &table), atom(kinds::PLACE, 0, &place)]);
    let group = holder(
        kinds::GROUP,
        0,
        &[
            head,
            cell(10, 10, "x"),
            wide_cell(20, 10, 39, "Rent"),
            cell(10, 20, "a"),
            cell(20, 20, "1"),
            cell(30, 20, "2"),
        ],
    );
    let drawing = holder(kinds::DRAWING, 0, &[holder(0xf002, 0, &[holder(kinds::GROUP, 0, &[first, drawn, group])])]);
    let stream = holder(kinds::SLIDE, 0, &[drawing]);
    let main = holder(kinds::DOCUMENT, 0, &[]);
    let document = open(&container(&[("/PowerPoint Document", [main, stream].concat())])).unwrap();
    let expect = "1. First\n\nsub\n\n2. Next\n\nLast\n\n• Plan\n• Do\n\nx\tRent\tRent\na\t1\t2";
    assert_eq!(document.pages[0].text, expect);
}

#[test]
fn locked_and_changed_presentations_end_in_a_document_or_an_error() {
    let (stream, mut user) = show();
    let options = ReadOptions::default();
    let read = |stream: &[u8], user: &[u8]| {
        let bytes = container(&[("/PowerPoint Document", stream.to_vec()), ("/Current User", user.to_vec())]);
        read(&bytes, &options, &mut |_, _| std::ops::ControlFlow::Continue(()))
    };
    (0..stream.len()).step_by(3).for_each(|cut| drop(read(&stream[..cut], &user)));
    let mut dice = 5u32;
    for round in 0..1500 {
        let mut bytes = stream.clone();
        for _ in 0..1 + round % 6 {
            dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let at = (dice >> 8) as usize % bytes.len();
            bytes[at] = if round % 3 == 0 { 0xff } else { (dice >> 3) as u8 };
        }
        drop(read(&bytes, &user));
    }
    user[12..16].copy_from_slice(&0xf3d1_c4df_u32.to_le_bytes());
    assert_eq!(read(&stream, &user).unwrap_err(), ReadError::Encrypted);
    assert_eq!(read(&[], &user[..8]).unwrap_err().code(), "empty");
}
