//! Small documents and shows written by hand, read as a whole.

use crate::archive::tests::zip;
use crate::{ReadOptions, read};
use std::ops::ControlFlow;

fn text(name: &str, entries: &[(&str, &[u8])]) -> String {
    let bytes = zip(entries);
    let document = read(name, &bytes, &ReadOptions::default(), &mut |_, _| ControlFlow::Continue(())).unwrap();
    document.pages[0].text.clone()
}

#[test]
fn merged_cells_of_documents_stand_in_each_row_and_column() {
    let cell = |merge: &str, words: &str| {
        format!("<w:tc><w:tcPr>{merge}</w:tcPr><w:p><w:r><w:t>{words}</w:t></w:r></w:p></w:tc>")
    };
    let row = |cells: &[String]| format!("<w:tr>{}</w:tr>", cells.concat());
    let (top, below) = ("<w:vMerge w:val='restart'/>", "<w:vMerge/>");
    let body = [
        row(&[cell("<w:gridSpan w:val='3'/>", "All of 2025")]),
        row(&[cell("", ""), cell("<w:gridSpan w:val='2'/>", "Rent")]),
        row(&[cell(top, "North"), cell(top, "12"), cell("", "a")]),
        row(&[cell(below, ""), cell(below, ""), cell("", "b")]),
    ];
    let xml = format!("<w:document><w:body><w:tbl>{}</w:tbl></w:body></w:document>", body.concat());
    let got = text("t.docx", &[("[Content_Types].xml", b"<Types/>"), ("word/document.xml", xml.as_bytes())]);
    assert_eq!(got, "All of 2025\n\tRent\tRent\nNorth\t12\ta\nNorth\t\tb");
}

#[test]
fn merged_cells_of_slides_stand_in_each_row_and_column() {
    let cell = |merge: &str, words: &str| {
        format!("<a:tc {merge}><a:txBody><a:p><a:r><a:t>{words}</a:t></a:r></a:p></a:txBody></a:tc>")
    };
    let row = |cells: &[String]| format!("<a:tr>{}</a:tr>", cells.concat());
    let rows = [
        row(&[cell("", "x"), cell("gridSpan='2'", "Rent"), cell("hMerge='1'", "")]),
        row(&[cell("rowSpan='2'", "North"), cell("", "1"), cell("", "2")]),
        row(&[cell("vMerge='1'", ""), cell("", "3"), cell("", "4")]),
    ];
    let slide = format!(
        "<p:sld><p:cSld><p:spTree><p:graphicFrame><a:graphic><a:graphicData><a:tbl>{}</a:tbl></a:graphicData></a:graphic>\
         </p:graphicFrame></p:spTree></p:cSld></p:sld>",
        rows.concat()
    );
    let got = show(&slide);
    assert_eq!(got, "x\tRent\tRent\nNorth\t1\t2\nNorth\t3\t4");
}

#[test]
fn lists_of_slides_go_on_counting_behind_what_stands_further_in() {
    let line = |properties: &str, words: &str| format!("<a:p>{properties}<a:r><a:t>{words}</a:t></a:r></a:p>");
    let by = |level: u8, by: &str| format!("<a:pPr lvl='{level}'><a:buAutoNum type='{by}'/></a:pPr>");
    let lines = [
        line(&by(0, "arabicPeriod"), "One"),
        line(&by(1, "alphaLcParenR"), "inner"),
        line(&by(1, "alphaLcParenR"), "more"),
        line("<a:pPr lvl='1'><a:buChar char='-'/></a:pPr>", "dash"),
        line(&by(0, "arabicPeriod"), "Two"),
        line("<a:pPr><a:buNone/></a:pPr>", "Between"),
        line("<a:pPr><a:buAutoNum type='romanUcPeriod' startAt='4'/></a:pPr>", "Other"),
    ];
    let slide = format!(
        "<p:sld><p:cSld><p:spTree><p:sp><p:nvSpPr/><p:txBody>{}</p:txBody></p:sp></p:spTree></p:cSld></p:sld>",
        lines.concat()
    );
    assert_eq!(show(&slide), "1. One\n  a) inner\n  b) more\n  • dash\n2. Two\n\nBetween\n\nIV. Other");
}

/// The text of a show with one slide.
fn show(slide: &str) -> String {
    text(
        "t.pptx",
        &[
            ("[Content_Types].xml", b"<Types/>"),
            ("ppt/presentation.xml", b"<p:presentation><p:sldIdLst><p:sldId r:id='r1'/></p:sldIdLst></p:presentation>"),
            (
                "ppt/_rels/presentation.xml.rels",
                b"<Relationships><Relationship Id='r1' Type='x/slide' Target='slides/s.xml'/></Relationships>",
            ),
            ("ppt/slides/s.xml", slide.as_bytes()),
        ],
    )
}
