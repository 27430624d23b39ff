//! Pictures made here: what is read of them, what is drawn for text recognition, and how words that were seen are laid out.

use hearth_documents::{ReadError, ReadOptions, Scan, Seen, read, recognized, render, scan};
use hearth_domain::{BlockKind, Document, Kind, Page, Place, Words};
use image::{DynamicImage, GrayImage, ImageFormat, Luma, RgbaImage};
use proptest::prelude::*;
use std::io::Cursor;
use std::ops::ControlFlow;

/// Strokes like letters, `tall` pixels high, on white.
fn strokes(width: u32, height: u32, tall: u32) -> GrayImage {
    let mut grey = GrayImage::from_pixel(width, height, Luma([255]));
    for top in (10..height.saturating_sub(tall + 5)).step_by(tall as usize * 2) {
        for left in (10..width.saturating_sub(tall + 5)).step_by(tall as usize) {
            for n in 0..tall {
                grey.put_pixel(left, top + n, Luma([0]));
                grey.put_pixel(left + 1, top + n, Luma([0]));
                grey.put_pixel(left + n / 2, top + tall - 1, Luma([0]));
            }
        }
    }
    grey
}

fn written(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).expect("a format that is written");
    bytes.into_inner()
}

fn read_it(name: &str, bytes: &[u8]) -> Result<Document, ReadError> {
    read(name, bytes, &ReadOptions::default(), &mut |_, _| ControlFlow::Continue(()))
}

fn scans(bytes: &[u8], pages: &[u32]) -> Result<Vec<Scan>, ReadError> {
    let mut found = Vec::new();
    scan(bytes, None, pages, &mut |one| {
        found.push(one);
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

#[test]
fn every_kind_of_picture_is_one_unread_page_of_its_size() {
    let picture = DynamicImage::ImageRgb8(DynamicImage::ImageLuma8(strokes(400, 300, 20)).into_rgb8());
    let kinds =
        [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::Tiff, ImageFormat::WebP, ImageFormat::Bmp];
    for format in kinds {
        let bytes = written(&picture, format);
        let document = read_it("a", &bytes).unwrap_or_else(|error| panic!("{format:?}: {error}"));
        assert_eq!((document.kind, document.pages.len()), (Kind::Picture, 1), "{format:?}");
        let page = &document.pages[0];
        assert_eq!((page.words, page.size_pt), (Words::Unread, Some((400.0, 300.0))), "{format:?}");
        let scans = scans(&bytes, &[0]).unwrap();
        assert_eq!((scans.len(), scans[0].width_px, scans[0].height_px), (1, 400, 300), "{format:?}");
        let drawn = render(&bytes, None, 0, 200).unwrap();
        assert_eq!((drawn.width_px, drawn.height_px), (200, 150), "{format:?}");
        assert_eq!(render(&bytes, None, 0, 4000).unwrap().width_px, 400, "never larger than it is");
        assert!(matches!(render(&bytes, None, 1, 200), Err(ReadError::Damaged { .. })));
    }
}

#[test]
fn what_shows_through_is_white_paper() {
    let mut picture = RgbaImage::from_pixel(60, 60, image::Rgba([0, 0, 0, 0]));
    picture.put_pixel(5, 5, image::Rgba([0, 0, 0, 255]));
    let bytes = written(&DynamicImage::ImageRgba8(picture), ImageFormat::Png);
    let scan = &scans(&bytes, &[0]).unwrap()[0];
    assert_eq!((scan.grey[0], scan.grey[5 * 60 + 5]), (255, 0));
}

/// A TIFF of grey pages, uncompressed: width, height, and how many dots to the inch it states.
fn tiff(pages: &[(u32, u32, u32)]) -> Vec<u8> {
    let mut bytes = b"II*\0".to_vec();
    let mut link = bytes.len();
    bytes.extend([0; 4]);
    for (width, height, dots) in pages {
        let pixels = bytes.len() as u32;
        bytes.resize(bytes.len() + (width * height) as usize, 200);
        let ratio = bytes.len() as u32;
        bytes.extend(dots.to_le_bytes());
        bytes.extend(1u32.to_le_bytes());
        let table = bytes.len() as u32;
        bytes[link..link + 4].copy_from_slice(&table.to_le_bytes());
        let tags = [
            (256, 4, *width),
            (257, 4, *height),
            (258, 3, 8),
            (259, 3, 1),
            (262, 3, 1),
            (273, 4, pixels),
            (277, 3, 1),
            (278, 4, *height),
            (279, 4, width * height),
            (282, 5, ratio),
            (283, 5, ratio),
            (296, 3, 2),
        ];
        bytes.extend((tags.len() as u16).to_le_bytes());
        for (id, kind, value) in tags {
            bytes.extend((id as u16).to_le_bytes());
            bytes.extend((kind as u16).to_le_bytes());
            bytes.extend(1u32.to_le_bytes());
            bytes.extend(value.to_le_bytes());
        }
        link = bytes.len();
        bytes.extend([0; 4]);
    }
    bytes
}

#[test]
fn a_tiff_has_pages_and_paper() {
    let bytes = tiff(&[(300, 600, 300), (200, 100, 200)]);
    let document = read_it("fax.tif", &bytes).unwrap();
    let sizes: Vec<_> = document.pages.iter().map(|page| page.size_pt).collect();
    assert_eq!(sizes, [Some((72.0, 144.0)), Some((72.0, 36.0))]);
    assert_eq!(document.pages[1].place, Place::Page { number: 2, label: None });
    let scans = scans(&bytes, &[1, 0, 7]).unwrap();
    let found: Vec<_> = scans.iter().map(|scan| (scan.page, scan.width_px)).collect();
    assert_eq!(found, [(1, 200), (0, 300)], "a page that is not there is left out");
}

#[test]
fn pictures_of_absurd_size_and_broken_ones_are_refused() {
    let mut png = written(&DynamicImage::ImageLuma8(GrayImage::new(10, 10)), ImageFormat::Png);
    let code = |bytes: &[u8]| read_it("a.png", bytes).err().map(|error| error.code());
    assert_eq!(code(&png[..20]), Some("damaged"));
    // Its head says a hundred thousand by a hundred thousand; the checksum fits.
    png[16..24].copy_from_slice(&[0, 1, 0x86, 0xa0, 0, 1, 0x86, 0xa0]);
    let mut sum = 0xffff_ffffu32;
    for byte in &png[12..29] {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 };
        }
    }
    png[29..33].copy_from_slice(&(!sum).to_be_bytes());
    assert_eq!(code(&png), Some("bomb"));
    assert_eq!(code(&tiff(&[(60_000, 0, 1)])), Some("damaged"));
    // The head is sound and the pixels are not: it is found when they are drawn.
    let cut = written(&DynamicImage::ImageLuma8(strokes(300, 300, 20)), ImageFormat::Bmp);
    let cut = &cut[..cut.len() / 2];
    assert!(scans(cut, &[0]).is_ok_and(|scans| scans.is_empty()) && render(cut, None, 0, 100).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_behind_a_head_do_harm(which in 0usize..6, at in 0usize..400, junk in proptest::collection::vec(any::<u8>(), 0..80)) {
        let formats = [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::Tiff, ImageFormat::WebP, ImageFormat::Bmp];
        let picture = DynamicImage::ImageRgb8(DynamicImage::ImageLuma8(strokes(64, 64, 8)).into_rgb8());
        let mut bytes = written(&picture, formats[which]);
        for (n, byte) in junk.iter().enumerate() {
            if let Some(place) = bytes.get_mut(4 + at + n) {
                *place = *byte;
            }
        }
        // Whatever comes of it, an answer comes.
        let _ = read_it("a", &bytes);
        let _ = scans(&bytes, &[0, 1]);
        let _ = render(&bytes, None, 0, 50);
    }
}

fn seen(line: u32, text: &str, left: f32, top: f32, width: f32) -> Seen {
    Seen { line, left, top, width, height: 30.0, confidence: 90.0, text: text.into() }
}

fn blank() -> Page {
    Page {
        place: Place::Whole,
        text: String::new(),
        blocks: Vec::new(),
        boxes: Vec::new(),
        size_pt: Some((500.0, 500.0)),
        words: Words::Unread,
    }
}

#[test]
fn words_that_were_seen_become_rows_with_their_boxes() {
    // Two blocks side by side, as recognition cuts a receipt: labels, then amounts.
    let mut words = Vec::new();
    for (n, label) in ["Bread", "Butter", "Total"].iter().enumerate() {
        words.push(seen(n as u32, label, 100.0, 100.0 + n as f32 * 60.0, 150.0));
    }
    for (n, amount) in ["2.10", "3.40", "5.50"].iter().enumerate() {
        words.push(seen(10 + n as u32, amount, 700.0, 102.0 + n as f32 * 60.0, 100.0));
    }
    words.push(Seen { confidence: 3.0, ..seen(20, "speck", 10.0, 900.0, 20.0) });
    let page = recognized(blank(), &words, (1000, 1000));
    assert_eq!(page.text, "Bread\t2.10\nButter\t3.40\nTotal\t5.50");
    assert!(page.blocks.iter().all(|block| matches!(block.kind, BlockKind::Row { .. })));
    assert_eq!(page.words, Words::Recognized { confidence: 90 });
    let total =
        page.boxes.iter().find(|found| &page.text[found.range.start as usize..found.range.end as usize] == "5.50");
    let total = total.expect("a box for every word");
    assert_eq!((total.x, total.y, total.width, total.height), (350.0, 111.0, 50.0, 15.0));
}

#[test]
fn lines_that_run_another_way_are_read_their_way() {
    // A page that lies on its side: lines run downwards, the first at the right.
    let turned = |line, text: &str, left, top| Seen {
        line,
        left,
        top,
        width: 30.0,
        height: 100.0,
        confidence: 80.0,
        text: text.into(),
    };
    let words = [
        turned(1, "The", 800.0, 100.0),
        turned(1, "first", 800.0, 210.0),
        turned(1, "line", 800.0, 320.0),
        turned(2, "goes", 750.0, 100.0),
        turned(2, "on", 750.0, 210.0),
        turned(2, "here.", 750.0, 320.0),
    ];
    let page = recognized(blank(), &words, (1000, 1000));
    assert_eq!(page.text, "The first line goes on here.");
    assert_eq!(
        (page.boxes[0].x, page.boxes[0].y, page.boxes[0].width, page.boxes[0].height),
        (400.0, 50.0, 15.0, 50.0)
    );
    let upside = |line, text: &str, left, top| seen(line, text, left, top, 90.0);
    let words = [
        upside(1, "Top", 800.0, 900.0),
        upside(1, "words", 702.0, 900.0),
        upside(2, "below", 800.0, 850.0),
        upside(2, "them", 702.0, 850.0),
    ];
    assert_eq!(recognized(blank(), &words, (1000, 1000)).text, "Top words below them");
}

#[test]
fn a_page_without_words_is_read_and_empty() {
    let page = recognized(blank(), &[], (1000, 1000));
    assert_eq!((page.text.as_str(), page.words), ("", Words::Written));
    let odd = Seen { width: f32::NAN, ..seen(1, "odd", 0.0, 0.0, 1.0) };
    assert_eq!(recognized(blank(), &[odd], (0, 0)).text, "");
}
