//! What holds of passages for any document.

use hearth_documents::{ChunkOptions, ReadOptions, chunk, read};
use hearth_domain::{Block, BlockKind, Document, Kind, Page, Passage, Place, Words};
use proptest::prelude::*;
use std::ops::ControlFlow;

/// Ranges lie on characters, in order, apart; every character that is not blank or furniture lies in one.
fn check(document: &Document, passages: &[Passage], options: &ChunkOptions) {
    let mut covered: Vec<Vec<bool>> = document.pages.iter().map(|page| vec![false; page.text.len()]).collect();
    let mut last = (0u32, 0u32);
    for passage in passages {
        let page = &document.pages[passage.page as usize];
        let (start, end) = (passage.range.start as usize, passage.range.end as usize);
        assert_eq!(page.text.get(start..end), Some(passage.text.as_str()));
        assert!((passage.page, passage.range.start) >= last, "in order");
        last = (passage.page, passage.range.end);
        assert!(passage.text.chars().count() <= options.max_chars, "{} characters", passage.text.chars().count());
        // A tab that begins a row of a table is an empty cell.
        assert_eq!(passage.text.trim_start_matches('\t'), passage.text.trim());
        covered[passage.page as usize][start..end].iter_mut().for_each(|byte| *byte = true);
    }
    for (page, covered) in document.pages.iter().zip(covered) {
        for block in &page.blocks {
            let range = block.range.start as usize..block.range.end as usize;
            for (at, c) in page.text[range.clone()].char_indices() {
                let at = range.start + at;
                match block.kind {
                    BlockKind::Furniture => assert!(!covered[at], "furniture in a passage"),
                    _ => assert!(covered[at] || c.is_whitespace(), "{:?} at {at} is in no passage", c),
                }
            }
        }
    }
}

fn kinds() -> impl Strategy<Value = BlockKind> {
    prop_oneof![
        (1u8..4).prop_map(|level| BlockKind::Heading { level }),
        Just(BlockKind::Paragraph),
        Just(BlockKind::Paragraph),
        Just(BlockKind::Item),
        any::<bool>().prop_map(|header| BlockKind::Row { header, cell: None }),
        Just(BlockKind::Row { header: false, cell: None }),
        Just(BlockKind::Code),
        Just(BlockKind::Note),
        Just(BlockKind::Furniture),
    ]
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        "[A-Za-z]{1,9}( [a-z0-9,.]{1,9}){0,12}",
        "([A-Z][a-zäß ]{5,80}[.?!] ){1,30}",
        "[一-三。]{1,60}",
        "[a-z]{300,2500}",
        "\t[0-9]{2}\t[0-9\t]{0,20}x",
        "([a-z ]{0,30}\n){1,40}",
    ]
}

fn document(pages: Vec<Vec<(BlockKind, String)>>) -> Document {
    let page = |blocks: Vec<(BlockKind, String)>| {
        let mut page = Page {
            place: Place::Whole,
            text: String::new(),
            blocks: Vec::new(),
            boxes: Vec::new(),
            size_pt: None,
            words: Words::Written,
        };
        for (kind, text) in blocks {
            if !page.text.is_empty() {
                page.text.push('\n');
            }
            let start = page.text.len() as u32;
            page.text.push_str(&text);
            page.blocks.push(Block { kind, range: start..page.text.len() as u32 });
        }
        page
    };
    Document {
        kind: Kind::Pdf,
        title: None,
        author: None,
        created: None,
        language: None,
        pages: pages.into_iter().map(page).collect(),
        outline: Vec::new(),
        warnings: Vec::new(),
        attachments: Vec::new(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn passages_cover_what_is_written(
        pages in prop::collection::vec(prop::collection::vec((kinds(), texts()), 0..25), 1..4),
        (target, max, min) in (50usize..900, 60usize..1500, 0usize..400),
    ) {
        let document = document(pages);
        let options = ChunkOptions { target_chars: target.min(max), max_chars: max, min_chars: min.min(target) };
        check(&document, &chunk(&document, &options), &options);
    }

    #[test]
    fn any_bytes_are_read_or_refused(name in "[a-z]{1,5}\\.(txt|md|csv|html|eml|rs|pdf|docx)", bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        if let Ok(document) = read(&name, &bytes, &ReadOptions::default(), &mut |_, _| ControlFlow::Continue(())) {
            let options = ChunkOptions::default();
            check(&document, &chunk(&document, &options), &options);
        }
    }
}

fn passages(source: &str, options: &ChunkOptions) -> Vec<Passage> {
    let document =
        read("a.md", source.as_bytes(), &ReadOptions::default(), &mut |_, _| ControlFlow::Continue(())).expect("text");
    let passages = chunk(&document, options);
    check(&document, &passages, options);
    passages
}

#[test]
fn headings_above_are_carried_along() {
    let source = format!(
        "# Report\n\n## Sales\n\nSales grew. {}\n\n{}\n\n## Costs\n\nCosts fell.\n",
        "Very much so. ".repeat(40),
        "And more of it. ".repeat(40)
    );
    let found = passages(&source, &ChunkOptions::default());
    assert!(found[0].text.starts_with("Report\n\nSales\n\nSales grew."), "{}", found[0].text);
    assert!(found[0].context.is_empty());
    assert_eq!(found[1].context, ["Report", "Sales"]);
    let last = found.last().expect("a passage");
    assert_eq!((last.text.as_str(), last.context.as_slice()), ("Costs\n\nCosts fell.", &["Report".to_owned()][..]));
}

#[test]
fn later_rows_are_told_their_columns_and_caption() {
    let rows: String = (0..60).map(|i| format!("| Category number {i} | {i},959 | {i},434 |\n")).collect();
    let source =
        format!("# Report\n\nNet sales by category (in millions):\n\n| | 2022 | 2021 |\n|---|---|---|\n{rows}");
    let found = passages(&source, &ChunkOptions::default());
    assert!(found.len() > 2);
    assert!(found[0].text.contains("Net sales by category (in millions):\n"));
    for passage in &found[1..] {
        assert_eq!(
            passage.context,
            ["Report", "Net sales by category (in millions):", "\t2022\t2021"],
            "{}",
            passage.text
        );
        assert!(passage.text.starts_with("Category number"));
    }
}

#[test]
fn short_paragraphs_under_one_heading_stay_together() {
    let found = passages("# A\n\nOne.\n\nTwo.\n\n# B\n\nThree.\n", &ChunkOptions::default());
    assert_eq!(found.iter().map(|p| p.text.as_str()).collect::<Vec<_>>(), ["A\n\nOne.\n\nTwo.", "B\n\nThree."]);
}

#[test]
fn long_paragraphs_are_cut_at_sentences() {
    let sentence = "Mr. Smith of the U.S. office said that e.g. 3.5 percent is enough for everyone involved. ";
    let found = passages(&sentence.repeat(40), &ChunkOptions::default());
    assert!(found.len() > 3);
    for passage in &found {
        assert!(passage.text.starts_with("Mr. Smith") && passage.text.ends_with("involved."), "{}", passage.text);
    }
}
