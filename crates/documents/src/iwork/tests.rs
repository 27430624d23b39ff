//! Small documents of both forms, built part by part, and changed ones that must end in a document or an error.

use super::message::unpack;
use crate::archive::tests::zip;
use crate::{ReadError, ReadOptions, detect, read};
use hearth_domain::{BlockKind, Document, Kind, Place};
use std::ops::ControlFlow;

fn open(name: &str, bytes: &[u8]) -> Result<Document, ReadError> {
    read(name, bytes, &ReadOptions::default(), &mut |_, _| ControlFlow::Continue(()))
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while value > 0x7f {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}

fn num(field: u64, value: u64) -> Vec<u8> {
    [varint(field << 3), varint(value)].concat()
}

fn sub(field: u64, inside: &[u8]) -> Vec<u8> {
    [varint(field << 3 | 2), varint(inside.len() as u64), inside.to_vec()].concat()
}

fn name(field: u64, id: u64) -> Vec<u8> {
    sub(field, &num(1, id))
}

/// A part of objects (number, type, message), in blocks without any copies.
fn part(objects: &[(u64, u64, Vec<u8>)]) -> Vec<u8> {
    let mut data = Vec::new();
    for (id, kind, message) in objects {
        let info = [num(1, *id), sub(2, &[num(1, *kind), num(3, message.len() as u64)].concat())].concat();
        data.extend([varint(info.len() as u64), info, message.clone()].concat());
    }
    let mut out = Vec::new();
    for block in data.chunks(1000) {
        let body: Vec<u8> =
            block.chunks(60).flat_map(|run| [&[((run.len() - 1) << 2) as u8][..], run].concat()).collect();
        let packed = [varint(block.len() as u64), body].concat();
        let long = packed.len() as u32;
        out.extend([&[0, long as u8, (long >> 8) as u8, (long >> 16) as u8][..], &packed].concat());
    }
    out
}

/// A cell with 16 bytes of decimal number, a double, or the number of a word.
fn cell(kind: u8, flags: u32, value: &[u8]) -> Vec<u8> {
    [&[5, kind, 0, 0, 0, 0, 0, 0][..], &flags.to_le_bytes(), value].concat()
}

fn table() -> Vec<(u64, u64, Vec<u8>)> {
    let decimal = ((0x1820u128 - 2) << 113 | 1275).to_le_bytes();
    let rows = [
        vec![cell(3, 8, &1u32.to_le_bytes()), cell(3, 8, &2u32.to_le_bytes())],
        vec![cell(2, 1, &decimal), cell(6, 2, &1f64.to_le_bytes()), cell(5, 4, &86_400f64.to_le_bytes())],
    ];
    let row = |at: u64, cells: &[Vec<u8>]| {
        let mut offsets = Vec::new();
        let mut start = 0u16;
        for cell in cells {
            offsets.extend((start / 4).to_le_bytes());
            start += cell.len() as u16;
        }
        offsets.extend(u16::MAX.to_le_bytes());
        sub(5, &[num(1, at), sub(6, &cells.concat()), sub(7, &offsets), num(8, 1)].concat())
    };
    let entry = |key: u64, text: &str| sub(3, &[num(1, key), sub(3, text.as_bytes())].concat());
    let store = [sub(3, &sub(1, &[num(1, 0), name(2, 21)].concat())), name(4, 22)].concat();
    vec![
        (20, 6001, [sub(4, &store), sub(8, b"Costs"), num(9, 1)].concat()),
        (21, 6002, [row(0, &rows[0]), row(2, &rows[1])].concat()),
        (22, 6005, [entry(1, "Ward"), entry(2, "Open")].concat()),
    ]
}

fn spreadsheet() -> Vec<u8> {
    let sheet = [sub(1, b"Plan"), name(2, 10)].concat();
    let mut objects = vec![(1, 1, Vec::new()), (2, 2, sheet), (10, 6000, name(2, 20))];
    objects.extend(table());
    zip(&[("Index/Document.iwa", &part(&objects))])
}

#[test]
fn a_spreadsheet_is_read_by_its_tables() {
    let bytes = spreadsheet();
    assert_eq!(detect("b.numbers", &bytes), Ok(Kind::Xlsx));
    let document = open("b.numbers", &bytes).unwrap();
    assert_eq!(document.pages[0].text, "Costs\n\nWard\tOpen\n12.75\tTRUE\t2001-01-02");
    assert_eq!(document.pages[0].place, Place::Sheet { name: "Plan".into() });
    let row = document.pages[0].blocks.last().map(|block| block.kind.clone());
    assert_eq!(row, Some(BlockKind::Row { header: false, cell: Some("A3".into()) }));
}

#[test]
fn texts_and_slides_are_read_in_order() {
    let text = |kind: u64, text: &str| [num(1, kind), sub(3, text.as_bytes())].concat();
    let pages =
        [(1, 10000, Vec::new()), (2, 2001, text(0, "One\nTwo\u{2028}lines\u{fffc}")), (3, 2001, text(1, "Head"))];
    let inner = zip(&[("Index/Document.iwa", &part(&pages))]);
    let old = zip(&[("Index.zip", &inner), ("Metadata/Properties.plist", b"x")]);
    for bytes in [inner, old] {
        let document = open("t.pages", &bytes).unwrap();
        assert_eq!((document.kind, document.pages[0].text.as_str()), (Kind::Docx, "One\n\nTwo\nlines\n\nHead"));
    }
    let show = sub(3, &[name(2, 31), name(2, 30)].concat());
    let main = part(&[(2, 2, show), (30, 4, name(2, 40)), (31, 4, name(2, 50))]);
    let bytes = zip(&[
        ("Index/Document.iwa", &main),
        ("Index/Slide-1.iwa", &part(&[(40, 5, Vec::new()), (41, 2001, text(3, "Last"))])),
        (
            "Index/Slide-2.iwa",
            &part(&[(50, 5, Vec::new()), (51, 2001, text(3, "First")), (52, 2001, text(4, "Say it"))]),
        ),
        ("Index/TemplateSlide-9.iwa", &part(&[(60, 2001, text(3, "Pattern"))])),
    ]);
    let document = open("t.key", &bytes).unwrap();
    let texts: Vec<&str> = document.pages.iter().map(|page| page.text.as_str()).collect();
    assert_eq!((document.kind, texts), (Kind::Pptx, vec!["First\n\nSay it", "Last"]));
}

#[test]
fn documents_of_2009_are_read() {
    let grid = |cells: &str| {
        format!(
            "<sf:tabular-model sf:name='Rents' sf:id='{}'><sf:grid><sf:datasource>{cells}</sf:datasource></sf:grid></sf:tabular-model>",
            cells.len()
        )
    };
    let cells = "<sf:t sf:ct='0'><sf:ct sfa:s='Ward'/></sf:t><sf:t sf:ct='2'><sf:ct sfa:s='Beds'/></sf:t>\
        <sf:t sf:ct='254'><sf:ct><sf:p>North</sf:p></sf:ct></sf:t><sf:n sf:ct='2' sf:v='12'/>";
    let body = format!(
        "<sl:document><sl:section-prototypes><sf:p>not this</sf:p></sl:section-prototypes><sf:text-storage><sf:attachments>\
         <sf:attachment sfa:ID='A'>{}</sf:attachment></sf:attachments><sf:text-body><sf:p>One<sf:tab/>two<sf:br/></sf:p>\
         <sf:p><sf:attachment-ref sfa:IDREF='A'/></sf:p><sf:p><sf:ghost-text>Lorem</sf:ghost-text></sf:p></sf:text-body>\
         </sf:text-storage></sl:document>",
        grid(cells)
    );
    let bytes = zip(&[("index.xml", body.as_bytes()), ("buildVersionHistory.plist", b"x")]);
    let document = open("t.pages", &bytes).unwrap();
    assert_eq!(document.pages[0].text, "One\ttwo\n\nRents\n\nWard\t\tBeds\nNorth\t\t12");
    let show = format!(
        "<key:presentation><key:master-slide sfa:ID='M'>{}</key:master-slide><key:slide-list><key:slide><key:title-placeholder>\
         <sf:p>Plan</sf:p></key:title-placeholder><key:page><sf:p>Words</sf:p></key:page><key:master-ref sfa:IDREF='M'/>\
         <key:notes><sf:p>Say it</sf:p></key:notes></key:slide></key:slide-list></key:presentation>",
        grid(cells)
    );
    let document = open("t.key", &zip(&[("index.apxl", show.as_bytes())])).unwrap();
    assert_eq!(document.pages[0].text, "Plan\n\nWords\n\nRents\n\nWard\t\tBeds\nNorth\t\t12\n\nSay it");
}

#[test]
fn copies_are_followed_within_limits() {
    let block = |body: &[u8]| [&[0, body.len() as u8, 0, 0][..], body].concat();
    // Four letters, a copy of ten that overlaps itself, and one of two.
    let packed = block(&[16, 3 << 2, b'a', b'b', b'c', b'd', 6 << 2 | 1, 4, 1 << 2 | 2, 2, 0]);
    assert_eq!(unpack(&packed, 100), (b"abcdabcdabcdabab".to_vec(), true));
    assert!(!unpack(&packed, 10).1);
    for broken in [&[14, 3 << 2, b'a'][..], &[4, 1, 9], &[255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1]] {
        assert!(!unpack(&block(broken), 1 << 20).1);
    }
}

#[test]
fn changed_documents_end_in_a_document_or_an_error() {
    let mut objects = vec![(2, 2, [sub(1, b"Plan"), name(2, 10)].concat()), (10, 6000, name(2, 20))];
    objects.extend(table());
    let whole = part(&objects);
    let mut dice = 7u32;
    for round in 0..1500 {
        let mut bytes = whole.clone();
        for _ in 0..1 + round % 5 {
            dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let at = (dice >> 8) as usize % bytes.len();
            bytes[at] = if round % 3 == 0 { 0xff } else { (dice >> 3) as u8 };
        }
        bytes.truncate(if round % 7 == 0 { (dice >> 5) as usize % bytes.len() } else { bytes.len() });
        for name in ["a.numbers", "a.pages"] {
            drop(open(name, &zip(&[("Index/Document.iwa", &bytes)])));
        }
    }
}
