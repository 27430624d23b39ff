//! Data as text, and changed data that must end in a document or an error.

use super::*;
use hearth_domain::BlockKind;
use std::ops::ControlFlow;

fn shown(document: &Document) -> String {
    let page = &document.pages[0];
    let line = |block: &hearth_domain::Block| {
        let kind = match &block.kind {
            BlockKind::Heading { level } => format!("H{level}"),
            BlockKind::Row { header, cell } => {
                format!("Row{}{}", if *header { "!" } else { "" }, cell.as_deref().unwrap_or(""))
            }
            other => format!("{other:?}"),
        };
        format!("{kind}: {}", &page.text[block.range.start as usize..block.range.end as usize])
    };
    page.blocks.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn options() -> ReadOptions {
    ReadOptions::default()
}

#[test]
fn values_become_headings_tables_and_lines() {
    let source = r#"{"name":"Lease", "rent": 4200.50, "open":true, "who":{"city":"K\u00f8ln \ud83c\udfe1","tags":["a","b"]},
        "years":[{"year":2024,"rent":1},{"year":2025,"rent":2,"note":"x"}], "mixed":["one",{"id":"A-7","deep":{"k":"v"}}]}"#;
    let document = json(source.as_bytes(), &options()).unwrap();
    assert_eq!(document.title.as_deref(), Some("Lease"));
    assert_eq!(
        shown(&document),
        "Paragraph: name: Lease\nrent: 4200.50\nopen: true\nH1: who\nParagraph: city: Køln 🏡\ntags: a, b\nH1: years\n\
         Row!: year\trent\tnote\nRow[0]: 2024\t1\nRow[1]: 2025\t2\tx\nH1: mixed\nItem: • one\nH2: A-7\nParagraph: id: A-7\n\
         H3: deep\nParagraph: k: v"
    );
    let document = json(b"{\"a\":1,\"b\":2}\n{\"a\":3,\"b\":4}\n", &options()).unwrap();
    assert_eq!(shown(&document), "Row!: a\tb\nRow[0]: 1\t2\nRow[1]: 3\t4");
    let cut = json(b"{\"a\": \"one\", /* said */ \"list\": [1, 2, {\"b\": \"tw", &options()).unwrap();
    assert_eq!(
        shown(&cut),
        "Paragraph: a: one\nH1: list\nItem: \u{2022} 1\nItem: \u{2022} 2\nH2: [2]\nParagraph: b: tw"
    );
    let none = json(b"#include <stdio.h>", &options()).unwrap();
    assert_eq!((none.kind, none.warnings.len()), (Kind::Json, 1));
}

#[test]
fn notebooks_are_read_cell_by_cell() {
    let source = r##"{"nbformat":4,"metadata":{},"cells":[
        {"cell_type":"markdown","source":["# Rents\n","\n","By **year**."]},
        {"cell_type":"code","source":"total = 1 +\\\n  2\nprint(total)","outputs":[
            {"output_type":"stream","name":"stdout","text":["3\n"]},
            {"output_type":"display_data","data":{"image/png":"AAAA","text/plain":["<Figure>"]}},
            {"output_type":"error","ename":"ValueError","evalue":"\u001b[31mbad\u001b[0m","traceback":[]}]}]}"##;
    let document = notebook(source.as_bytes(), &options()).unwrap();
    assert_eq!((document.kind, document.title.as_deref()), (Kind::Notebook, Some("Rents")));
    assert_eq!(
        shown(&document),
        "H1: Rents\nParagraph: By year.\nCode: total = 1 +\\\n  2\nprint(total)\nCode: 3\nCode: <Figure>\nCode: ValueError: bad"
    );
    assert_eq!(notebook(b"{\"a\":1}", &options()).unwrap().warnings.len(), 1);
}

#[test]
fn feeds_are_read_as_articles() {
    let rss =
        b"<?xml version='1.0'?><rss xmlns:content='c'><channel><title>News</title><description>All of it</description>\
        <item><title>One &amp; two</title><pubDate>Tue, 1 Mar 2022</pubDate><description>short</description>\
        <content:encoded><![CDATA[<p>Long <b>words</b></p>]]></content:encoded></item>\
        <item><title>Three</title></item></channel></rss>";
    let document = xml(rss, &options()).unwrap();
    let texts: Vec<&str> = document.pages.iter().map(|page| page.text.as_str()).collect();
    assert_eq!(texts, ["News\n\nAll of it", "One & two\n\nTue, 1 Mar 2022\n\nLong words", "Three"]);
    assert_eq!(document.pages[1].place, Place::Section { title: "One & two".into() });
    let atom = b"<feed xmlns='a'><title>Log</title><entry><title>First</title><author><name>Ann</name></author>\
        <content type='html'>&lt;p&gt;Hi&lt;/p&gt;</content></entry></feed>";
    assert_eq!(xml(atom, &options()).unwrap().pages[1].text, "First\n\nAnn\n\nHi");
}

#[test]
fn other_xml_is_read_by_its_elements() {
    let data = b"<orders shop='North'><order id='1'><item>Lamp</item><price>3</price></order>\
        <order id='2'><item>Desk</item><price>9</price></order></orders>";
    assert_eq!(
        shown(&xml(data, &options()).unwrap()),
        "Paragraph: shop: North\nH1: order\nRow!: id\titem\tprice\nRow[0]: 1\tLamp\t3\nRow[1]: 2\tDesk\t9"
    );
    let prose =
        b"<article><title>On rent</title><sec><title>Why</title><p>It is <i>due</i> in March.</p></sec></article>";
    let document = xml(prose, &options()).unwrap();
    assert_eq!(document.title.as_deref(), Some("On rent"));
    assert_eq!(shown(&document), "H1: On rent\nH2: Why\nParagraph: It is due in March.");
}

#[test]
fn changed_and_hostile_data_ends_in_a_document_or_an_error() {
    let whole = br#"{"a":[{"b":1,"c":"d\u0041"},{"b":2}],"cells":[{"cell_type":"markdown","source":["x"]}],"e":{"f":[true,null]}}"#;
    let mut dice = 9u32;
    for round in 0..3000 {
        let mut bytes = whole.to_vec();
        for _ in 0..1 + round % 5 {
            dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let at = (dice >> 8) as usize % bytes.len();
            bytes[at] = if round % 2 == 0 { b"{}[]\",:\\"[dice as usize % 8] } else { (dice >> 3) as u8 };
        }
        for name in ["x.json", "x.ipynb", "x.xml"] {
            drop(crate::read(name, &bytes, &options(), &mut |_, _| ControlFlow::Continue(())));
        }
    }
    for deep in ["[".repeat(200_000), "{\"a\":".repeat(200_000), "<a>".repeat(200_000), "{\"".repeat(9), "\"\\u".into()]
    {
        drop(json(deep.as_bytes(), &options()));
        drop(xml(deep.as_bytes(), &options()));
    }
    // A long name around very many values is not written before each of them.
    let long = format!(
        "{}{}",
        "{\"long name\":{\"n\":".replace("long name", &"x".repeat(100_000)).repeat(20),
        "[{\"a\":[[1,[2]]]}],".repeat(3000)
    );
    assert!(json(long.as_bytes(), &options()).is_ok_and(|document| document.pages[0].text.len() < 20 << 20));
}
