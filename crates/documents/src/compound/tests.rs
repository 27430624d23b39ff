//! Old Word documents and Outlook messages, built part by part, and bytes that only begin like them.

use crate::{ReadError, ReadOptions, detect, read};
use cfb::CompoundFile as Container;
use hearth_domain::{Attachment, BlockKind, Document, Kind};
use std::io::{Cursor, Write};
use std::ops::ControlFlow;

pub(crate) fn container(streams: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut file = Container::create(Cursor::new(Vec::new())).unwrap();
    for (path, bytes) in streams {
        if let Some((folder, _)) = path.rsplit_once('/').filter(|(folder, _)| !folder.is_empty()) {
            file.create_storage_all(folder).unwrap();
        }
        file.create_stream(path).unwrap().write_all(bytes).unwrap();
    }
    file.flush().unwrap();
    file.into_inner().into_inner()
}

pub(crate) fn open(bytes: &[u8]) -> Result<Document, ReadError> {
    read("a file", bytes, &ReadOptions::default(), &mut |_, _| ControlFlow::Continue(()))
}

fn put(bytes: &mut Vec<u8>, at: usize, value: u32) {
    if bytes.len() < at + 4 {
        bytes.resize(at + 4, 0);
    }
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

/// A document of one piece: paragraphs with what is set of each (style, then sprms).
fn word(paragraphs: &[(&str, u16, &[u8])], notes: &str) -> Vec<u8> {
    const TEXT: usize = 1024;
    let mut main = vec![0; TEXT];
    main[..2].copy_from_slice(&0xa5ec_u16.to_le_bytes());
    main[2..4].copy_from_slice(&0xc1_u16.to_le_bytes());
    let (mut runs, mut set) = (vec![TEXT as u32], Vec::new());
    for (text, style, sprms) in paragraphs {
        main.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
        runs.push(main.len() as u32);
        set.push([&style.to_le_bytes()[..], sprms].concat());
    }
    let body = (main.len() - TEXT) / 2;
    main.extend(notes.encode_utf16().flat_map(u16::to_le_bytes));
    put(&mut main, 76, body as u32);
    put(&mut main, 80, notes.encode_utf16().count() as u32);
    // A page of properties: where runs lie, where each one's properties are, then those.
    let page_at = main.len().div_ceil(512) * 512;
    let mut page = vec![0; 512];
    for (at, place) in runs.iter().enumerate() {
        put(&mut page, 4 * at, *place);
    }
    let mut free = 510;
    for (at, properties) in set.iter().enumerate() {
        free = (free - properties.len() - 2) & !1;
        page[4 * runs.len() + 13 * at] = (free / 2) as u8;
        page[free] = 0;
        page[free + 1] = properties.len().div_ceil(2) as u8;
        page[free + 2..free + 2 + properties.len()].copy_from_slice(properties);
    }
    page[511] = set.len() as u8;
    main.resize(page_at, 0);
    main.extend(page);
    let mut table = vec![2];
    table.extend(16_u32.to_le_bytes());
    table.extend(0_u32.to_le_bytes());
    table.extend((body as u32 + notes.encode_utf16().count() as u32).to_le_bytes());
    table.extend(0_u16.to_le_bytes());
    table.extend((TEXT as u32).to_le_bytes());
    table.extend(0_u16.to_le_bytes());
    let clx = table.len() as u32;
    table.extend((TEXT as u32).to_le_bytes());
    table.extend((page_at as u32).to_le_bytes());
    table.extend((page_at as u32 / 512).to_le_bytes());
    for (at, value) in [(418, 0), (422, clx), (258, clx), (262, 12)] {
        put(&mut main, at, value);
    }
    container(&[("/WordDocument", main), ("/0Table", table)])
}

const IN_TABLE: &[u8] = &[0x16, 0x24, 1];
const ROW_END: &[u8] = &[0x16, 0x24, 1, 0x17, 0x24, 1];

#[test]
fn an_old_word_document_is_read_by_its_pieces() {
    let bytes = word(
        &[
            ("Lease\r", 1, &[]),
            ("The \u{13} HYPERLINK x \u{14}rent\u{15} is\u{b}4,200 kr\u{f8}ner\u{2}.\r", 0, &[]),
            ("First\r", 0, &[0x0b, 0x46, 1, 0]),
            ("Year\u{7}", 0, IN_TABLE),
            ("Rent\rin gold\u{7}", 0, IN_TABLE),
            ("\u{7}", 0, ROW_END),
            ("2024\u{7}", 0, IN_TABLE),
            ("\u{7}", 0, IN_TABLE),
            ("\u{7}", 0, ROW_END),
            ("After.\r", 0, &[0x40, 0x26, 1]),
        ],
        "\u{2} Due in March.\r",
    );
    assert_eq!(detect("lease.doc", &bytes), Ok(Kind::Docx));
    let document = open(&bytes).unwrap();
    let page = &document.pages[0];
    assert_eq!(
        page.text,
        "Lease\n\nThe rent is\n4,200 krøner.\n\n• First\n\nYear\tRent in gold\n2024\n\nAfter.\n\nDue in March."
    );
    assert_eq!(document.outline.iter().map(|item| item.level).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(page.blocks.last().map(|block| &block.kind), Some(&BlockKind::Note));
}

pub(crate) fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[test]
fn an_outlook_message_is_read_with_its_head_and_files() {
    let mut fixed = vec![0; 32];
    fixed.extend([0x40, 0x00, 0x39, 0x00, 0, 0, 0, 0]);
    // 2022-03-01 10:00 in tenths of microseconds since 1601.
    fixed.extend(((1_646_128_800_u64 + 11_644_473_600) * 10_000_000).to_le_bytes());
    let attached = "/__attach_version1.0_#00000000";
    let letter = "/__attach_version1.0_#00000001/__substg1.0_3701000D";
    let bytes = container(&[
        ("/__properties_version1.0", fixed),
        ("/__substg1.0_0037001F", wide("The plan")),
        ("/__substg1.0_0C1A001F", wide("Ann")),
        ("/__substg1.0_5D01001F", wide("ann@example.org")),
        ("/__substg1.0_0E04001E", b"bob@example.org; J\xfcrgen\0".to_vec()),
        ("/__substg1.0_1000001F", wide("Hello Bob,\r\n\r\nhere it is.\r\n")),
        (&format!("{attached}/__properties_version1.0"), vec![0; 8]),
        (&format!("{attached}/__substg1.0_3707001F"), wide("..\\x\\plan.csv")),
        (&format!("{attached}/__substg1.0_37010102"), b"a,b\n".to_vec()),
        (&format!("{letter}/__properties_version1.0"), vec![0; 24]),
        (&format!("{letter}/__substg1.0_0037001F"), wide("Inner: one")),
        (&format!("{letter}/__substg1.0_10130102"), b"<p>Deep words</p>".to_vec()),
    ]);
    assert_eq!(detect("x", &bytes), Ok(Kind::Email));
    let document = open(&bytes).unwrap();
    assert_eq!(
        document.pages[0].text,
        "From: Ann <ann@example.org>\nTo: bob@example.org; Jürgen\nDate: 2022-03-01T10:00:00Z\nSubject: The plan\n\n\
         Hello Bob,\n\nhere it is."
    );
    assert_eq!(document.title.as_deref(), Some("The plan"));
    let names: Vec<&str> = document.attachments.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["plan.csv", "Inner one.txt"]);
    assert_eq!(document.attachments[0], Attachment { name: "plan.csv".into(), bytes: b"a,b\n".to_vec() });
    assert!(String::from_utf8_lossy(&document.attachments[1].bytes).contains("Deep words"));
}

#[test]
fn protected_old_and_broken_files_are_said() {
    let mut locked = vec![0; 1024];
    locked[..2].copy_from_slice(&0xa5ec_u16.to_le_bytes());
    locked[2..4].copy_from_slice(&0xc1_u16.to_le_bytes());
    locked[0x0b] = 1;
    assert_eq!(open(&container(&[("/WordDocument", locked.clone())])).unwrap_err(), ReadError::Encrypted);
    locked[0x0b] = 0;
    assert_eq!(open(&container(&[("/WordDocument", locked.clone())])).unwrap_err().code(), "damaged");
    locked[2] = 0x65;
    assert_eq!(open(&container(&[("/WordDocument", locked)])).unwrap_err().code(), "unsupported");
    // A thousand changes of a whole file end in a document or an error.
    let whole = word(&[("One\r", 1, &[]), ("Two\u{7}", 0, IN_TABLE), ("\u{7}", 0, ROW_END)], "Three\r");
    let mut dice = 11u32;
    for round in 0..1000 {
        let mut bytes = whole.clone();
        for _ in 0..1 + round % 9 {
            dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let at = (dice >> 8) as usize % bytes.len();
            bytes[at] = (dice >> 3) as u8;
        }
        if round % 7 == 0 {
            bytes.truncate(dice as usize % bytes.len());
        }
        let _ = open(&bytes);
    }
}
