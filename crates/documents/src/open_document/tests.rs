//! OpenDocument files of each kind, as their parts are written.

use crate::archive::tests::zip;
use crate::{ReadError, ReadOptions, detect, read};
use hearth_domain::{BlockKind, Document, Kind, Place};
use std::ops::ControlFlow;

const META: &str = "<office:document-meta xmlns:office='o' xmlns:meta='m' xmlns:dc='d'><office:meta>
    <dc:title>The lease</dc:title><meta:initial-creator>A. Brandt</meta:initial-creator>
    <meta:creation-date>2024-03-01T10:00:00</meta:creation-date><dc:language>en-GB</dc:language></office:meta></office:document-meta>";

fn file(kind: &str, styles: &str, body: &str) -> Vec<u8> {
    let content = format!(
        "<office:document-content xmlns:office='o' xmlns:text='t' xmlns:table='b' xmlns:draw='w' xmlns:style='s'
            xmlns:presentation='p' xmlns:svg='g'><office:automatic-styles>{styles}</office:automatic-styles>
            <office:body>{body}</office:body></office:document-content>"
    );
    let mimetype = format!("application/vnd.oasis.opendocument.{kind}");
    zip(&[("mimetype", mimetype.as_bytes()), ("content.xml", content.as_bytes()), ("meta.xml", META.as_bytes())])
}

fn of(bytes: &[u8]) -> Document {
    read("a file", bytes, &ReadOptions::default(), &mut |_, _| ControlFlow::Continue(())).unwrap()
}

#[test]
fn a_text_is_read_in_its_order() {
    let styles = "<style:style style:name='P1' style:parent-style-name='Title'/>
        <style:style style:name='P2' style:parent-style-name='Preformatted_20_Text'/>
        <text:list-style style:name='L1'><text:list-level-style-number text:level='1' style:num-format='1' style:num-suffix='.'/>
        <text:list-level-style-bullet text:level='2'/></text:list-style>";
    let body = "<office:text><text:tracked-changes><text:p>Deleted</text:p></text:tracked-changes>
        <text:p text:style-name='P1'>Lease</text:p><text:h text:outline-level='2'>Rent <text:span>and</text:span> dues</text:h>
        <text:p>The rent is 4,200<text:s text:c='2'/>crowns<text:note text:note-class='footnote'><text:note-citation>1</text:note-citation>
        <text:note-body><text:p>Due in March.</text:p></text:note-body></text:note>.<text:line-break/>Always.</text:p>
        <text:list text:style-name='L1'><text:list-item><text:p>First</text:p><text:list><text:list-item><text:p>Inner</text:p></text:list-item></text:list></text:list-item>
        <text:list-item><text:p>Second</text:p></text:list-item></text:list>
        <table:table><table:table-header-rows><table:table-row><table:table-cell><text:p>Year</text:p></table:table-cell>
        <table:table-cell><text:p>Rent</text:p></table:table-cell></table:table-row></table:table-header-rows>
        <table:table-row><table:table-cell><text:p>2024</text:p></table:table-cell><table:table-cell><text:p>4,200</text:p><text:p>in gold</text:p></table:table-cell></table:table-row></table:table>
        <text:p text:style-name='P2'>let x = 1;</text:p>
        <text:p>Before<draw:frame><draw:text-box><text:p>In a box</text:p></draw:text-box></draw:frame></text:p></office:text>";
    let bytes = file("text", styles, body);
    assert_eq!(detect("lease", &bytes), Ok(Kind::Odt));
    let document = of(&bytes);
    assert_eq!((document.title.as_deref(), document.language.as_deref()), (Some("The lease"), Some("en-GB")));
    assert_eq!(document.outline.iter().map(|item| item.level).collect::<Vec<_>>(), [1, 2]);
    let page = &document.pages[0];
    assert_eq!(
        page.text,
        "Lease\n\nRent and dues\n\nThe rent is 4,200  crowns[1].\nAlways.\n\n1. First\n  • Inner\n2. Second\n\n\
         Year\tRent\n2024\t4,200 in gold\n\nlet x = 1;\n\nBefore\n\nIn a box\n\n[1] Due in March."
    );
    assert!(page.blocks.iter().any(|block| block.kind == BlockKind::Code));
    assert!(page.blocks.iter().any(|block| matches!(block.kind, BlockKind::Row { header: true, .. })));
}

#[test]
fn a_workbook_is_read_by_its_cells() {
    let body = "<office:spreadsheet><table:table table:name='Q1 &amp; Q2'><table:table-column/>
        <table:table-row><table:table-cell><text:p>Ward</text:p></table:table-cell><table:table-cell><text:p>Beds</text:p></table:table-cell></table:table-row>
        <table:table-row table:number-rows-repeated='3'><table:table-cell table:number-columns-repeated='1024'/></table:table-row>
        <table:table-row><table:table-cell/><table:table-cell office:value-type='float' office:value='4200'><text:p>4,200</text:p>
        <office:annotation><text:p>Counted twice</text:p></office:annotation></table:table-cell><table:covered-table-cell/>
        <table:table-cell office:value-type='date' office:date-value='2024-03-01'/></table:table-row>
        <table:table-row table:number-rows-repeated='1048571'><table:table-cell table:number-columns-repeated='16384'/></table:table-row>
        </table:table></office:spreadsheet>";
    let bytes = file("spreadsheet", "", body);
    assert_eq!(detect("book", &bytes), Ok(Kind::Ods));
    let document = of(&bytes);
    let page = &document.pages[0];
    assert_eq!(page.place, Place::Sheet { name: "Q1 & Q2".into() });
    assert_eq!(page.text, "Ward\tBeds\n\t4,200\t\t2024-03-01\n\nB5: Counted twice");
    let cells = page.blocks.iter().filter_map(|block| match &block.kind {
        BlockKind::Row { header, cell } => Some((*header, cell.clone().unwrap())),
        _ => None,
    });
    assert_eq!(cells.collect::<Vec<_>>(), [(true, "A1".to_owned()), (false, "B5".to_owned())]);
}

#[test]
fn slides_come_with_title_order_and_notes() {
    let body = "<office:presentation><draw:page draw:name='page1'>
        <draw:frame svg:x='1cm' svg:y='9cm'><draw:text-box><text:list><text:list-item><text:p>Lower</text:p></text:list-item></text:list></draw:text-box></draw:frame>
        <draw:custom-shape svg:x='1cm' svg:y='40mm'><text:p>Upper</text:p></draw:custom-shape>
        <draw:frame presentation:class='title' svg:y='12cm'><draw:text-box><text:p>The plan</text:p></draw:text-box></draw:frame>
        <presentation:notes><draw:frame presentation:class='notes'><draw:text-box><text:p>Say hello.</text:p></draw:text-box></draw:frame></presentation:notes>
        </draw:page><draw:page/></office:presentation>";
    let bytes = file("presentation", "", body);
    assert_eq!(detect("show", &bytes), Ok(Kind::Odp));
    let document = of(&bytes);
    assert_eq!(document.pages.len(), 2);
    assert_eq!(document.pages[0].text, "The plan\n\nUpper\n\n• Lower\n\nSay hello.");
    assert_eq!(document.pages[0].place, Place::Slide { number: 1, title: Some("The plan".into()) });
    assert_eq!(document.outline.len(), 1);
}

#[test]
fn protected_and_broken_files_are_said() {
    let locked = zip(&[
        ("mimetype", b"application/vnd.oasis.opendocument.text".as_slice()),
        ("content.xml", b"\x00\x01".as_slice()),
        ("META-INF/manifest.xml", b"<m:manifest xmlns:m='m'><m:encryption-data/></m:manifest>".as_slice()),
    ]);
    let open = |bytes: &[u8]| read("a", bytes, &ReadOptions::default(), &mut |_, _| ControlFlow::Continue(()));
    assert_eq!(open(&locked).unwrap_err(), ReadError::Encrypted);
    let empty = zip(&[("mimetype", b"application/vnd.oasis.opendocument.text".as_slice())]);
    assert_eq!(open(&empty).unwrap_err().code(), "damaged");
    assert_eq!(open(&file("text", "", "<office:text/>")).unwrap_err(), ReadError::Empty);
    // Elements within elements, and rows that say they repeat for ever, end.
    let deep =
        format!("<office:text>{}{}</office:text>", "<text:section>".repeat(3000), "</text:section>".repeat(3000));
    assert_eq!(open(&file("text", "", &deep)).unwrap_err(), ReadError::Empty);
    let many = "<office:spreadsheet><table:table><table:table-row table:number-rows-repeated='99999999999'>
        <table:table-cell table:number-columns-repeated='99999999999'><text:p>x</text:p></table:table-cell></table:table-row></table:table></office:spreadsheet>";
    assert!(open(&file("spreadsheet", "", many)).is_ok_and(|document| document.pages[0].text.len() < 20_000));
}
