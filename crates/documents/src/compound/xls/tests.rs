//! Workbooks built record by record, and changed ones that must end in a document or an error.

use super::*;
use crate::compound::tests::{container, open};
use crate::detect;

fn record(out: &mut Vec<u8>, id: u16, body: &[u8]) {
    out.extend(id.to_le_bytes());
    out.extend((body.len() as u16).to_le_bytes());
    out.extend(body);
}

fn at(row: u16, column: u16, style: u16, value: &[u8]) -> Vec<u8> {
    [&row.to_le_bytes()[..], &column.to_le_bytes(), &style.to_le_bytes(), value].concat()
}

fn short(text: &str) -> Vec<u8> {
    [&[text.len() as u8, 0][..], text.as_bytes()].concat()
}

fn long(text: &str) -> Vec<u8> {
    [&(text.len() as u16).to_le_bytes()[..], &[0], text.as_bytes()].concat()
}

fn bof(kind: u16) -> Vec<u8> {
    [&0x600u16.to_le_bytes()[..], &kind.to_le_bytes(), &[0; 12]].concat()
}

/// A workbook of one sheet with a cell of each sort; the second shared text goes on in another record, wider.
fn stream() -> Vec<u8> {
    let mut out = Vec::new();
    record(&mut out, 0x809, &bof(5));
    record(&mut out, 0x41e, &[&170u16.to_le_bytes()[..], &long("\"$\"#,##0.00")].concat());
    for format in [0u16, 170, 14] {
        record(&mut out, 0xe0, &[&[0; 2][..], &format.to_le_bytes(), &[0; 16]].concat());
    }
    let before = out.len();
    record(&mut out, 0x85, &[&[0; 6][..], &short("Q1")].concat());
    record(&mut out, 0xfc, &[&[0; 8][..], &long("Sales"), &9u16.to_le_bytes(), &[0], b"in k"].concat());
    let wide: Vec<u8> = "r\u{f3}nur".encode_utf16().flat_map(u16::to_le_bytes).collect();
    record(&mut out, 0x3c, &[&[1][..], &wide].concat());
    record(&mut out, 0xa, &[]);
    let start = out.len() as u32;
    out[before + 4..before + 8].copy_from_slice(&start.to_le_bytes());
    record(&mut out, 0x809, &bof(16));
    record(&mut out, 0xfd, &at(0, 1, 0, &0u32.to_le_bytes()));
    record(&mut out, 0xfd, &at(0, 2, 0, &1u32.to_le_bytes()));
    record(&mut out, 0x203, &at(1, 1, 1, &1234.5f64.to_le_bytes()));
    record(&mut out, 0x27e, &at(1, 2, 2, &((44_736u32 << 2) | 2).to_le_bytes()));
    let many = [&2u16.to_le_bytes()[..], &((5u32 << 2) | 2).to_le_bytes(), &[0, 0], &((7u32 << 2) | 2).to_le_bytes()];
    record(&mut out, 0xbd, &[&[2, 0, 1, 0][..], &many.concat(), &[2, 0]].concat());
    record(&mut out, 0x205, &at(3, 1, 0, &[1, 0]));
    record(&mut out, 0x205, &at(3, 2, 0, &[0x2a, 1]));
    record(&mut out, 0x006, &at(3, 3, 0, &[0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0]));
    record(&mut out, 0x207, &long("summed"));
    record(&mut out, 0x006, &at(3, 4, 0, &2.5f64.to_le_bytes()));
    record(&mut out, 0x204, &at(4, 1, 0, &long("merged")));
    record(&mut out, 0x204, &at(4, 2, 0, &long("under it")));
    record(&mut out, 0xe5, &[1, 0, 4, 0, 4, 0, 1, 0, 2, 0]);
    record(&mut out, 0x5d, &[0x15, 0, 0x12, 0, 25, 0, 9, 0]);
    record(&mut out, 0x1b6, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0]);
    record(&mut out, 0x3c, b"\0Check");
    record(&mut out, 0x01c, &[1, 0, 1, 0, 0, 0, 9, 0]);
    record(&mut out, 0x809, &bof(32));
    record(&mut out, 0x203, &at(0, 0, 0, &99f64.to_le_bytes()));
    record(&mut out, 0x100d, &[&[0, 0][..], &short("Growth")].concat());
    record(&mut out, 0xa, &[]);
    record(&mut out, 0xa, &[]);
    out
}

#[test]
fn an_old_workbook_is_read_as_it_is_shown() {
    let bytes = container(&[("/Workbook", stream())]);
    assert_eq!(detect("book.xls", &bytes), Ok(Kind::Xlsx));
    let document = open(&bytes).unwrap();
    let page = &document.pages[0];
    assert_eq!(page.place, Place::Sheet { name: "Q1".into() });
    assert_eq!(
        page.text,
        "Sales\tin krónur\n$1,234.50\t2022-06-24\n1900-01-05\t7\nTRUE\t#N/A\tsummed\t2.5\nmerged\n\nB2: Check\n\nGrowth"
    );
    assert_eq!(page.blocks[0].kind, BlockKind::Row { header: true, cell: Some("B1".into()) });
}

#[test]
fn workbooks_of_before_1997_are_read() {
    let mut out = Vec::new();
    record(&mut out, 0x809, &[&0x500u16.to_le_bytes()[..], &5u16.to_le_bytes(), &[0; 4]].concat());
    record(&mut out, 0x42, &1251u16.to_le_bytes());
    let before = out.len();
    record(&mut out, 0x85, &[&[0; 6][..], &[2, 0xcf, 0xf0]].concat());
    record(&mut out, 0xa, &[]);
    let start = out.len() as u32;
    out[before + 4..before + 8].copy_from_slice(&start.to_le_bytes());
    record(&mut out, 0x809, &[&0x500u16.to_le_bytes()[..], &16u16.to_le_bytes(), &[0; 4]].concat());
    record(&mut out, 0x204, &at(0, 0, 0, &[2, 0, 0xc4, 0xe0]));
    record(&mut out, 0xa, &[]);
    let document = open(&container(&[("/Book", out)])).unwrap();
    assert_eq!(document.pages[0].place, Place::Sheet { name: "Пр".into() });
    assert_eq!(document.pages[0].text, "Да");
    // Before 1993 there was no container.
    let mut out = Vec::new();
    record(&mut out, 0x009, &[2, 0, 0x10, 0]);
    record(&mut out, 0x01e, &[&[7][..], b"General"].concat());
    record(&mut out, 0x01e, &[&[4][..], b"0.00"].concat());
    record(&mut out, 0x004, &[0, 0, 0, 0, 0, 0, 0, 4, b'W', b'o', b'r', b'd']);
    record(&mut out, 0x003, &[&[0, 0, 1, 0, 0, 1, 0][..], &1.5f64.to_le_bytes()].concat());
    record(&mut out, 0x002, &[1, 0, 0, 0, 0, 0, 0, 42, 0]);
    record(&mut out, 0xa, &[]);
    assert_eq!(detect("old.xls", &out), Ok(Kind::Xlsx));
    assert_eq!(open(&out).unwrap().pages[0].text, "Word\t1.50\n42");
}

#[test]
fn locked_and_changed_workbooks_end_in_a_document_or_an_error() {
    let mut locked = Vec::new();
    record(&mut locked, 0x809, &bof(5));
    record(&mut locked, 0x2f, &[0; 6]);
    assert_eq!(open(&container(&[("/Workbook", locked)])).unwrap_err(), ReadError::Encrypted);
    assert_eq!(open(&container(&[("/Workbook", vec![1, 2, 3])])).unwrap_err().code(), "damaged");
    let (whole, options) = (stream(), ReadOptions::default());
    let read = |bytes: &[u8]| workbook(bytes, bytes.len(), &options, &mut |_, _| std::ops::ControlFlow::Continue(()));
    (0..whole.len()).for_each(|cut| drop(read(&whole[..cut])));
    let mut dice = 7u32;
    for round in 0..3000 {
        let mut bytes = whole.clone();
        for _ in 0..1 + round % 5 {
            dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let at = (dice >> 8) as usize % bytes.len();
            bytes[at] = if round % 3 == 0 { 0xff } else { (dice >> 3) as u8 };
        }
        drop(read(&bytes));
    }
    // A text shown by very many cells is more than such a file holds.
    let mut out = Vec::new();
    record(&mut out, 0x809, &bof(16));
    record(&mut out, 0xfc, &[&[0; 8][..], &long(&"x".repeat(8000))].concat());
    (0..5000u16).for_each(|row| record(&mut out, 0xfd, &at(row, 0, 0, &0u32.to_le_bytes())));
    assert_eq!(read(&out).unwrap_err().code(), "bomb");
}
