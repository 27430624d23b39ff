//! Excel workbooks: one page per sheet, one row per row that holds something, numbers as the sheet shows them.

use super::number::Format;
use super::sheet::{CellCount, Lines, Styles, mark_header, truth};
use super::{graphic, main_part, properties, relations};
use crate::archive::Archive;
use crate::builder::{OutputBudget, PageBuilder, folded};
use crate::decode::decode;
use crate::plain::document;
use crate::read::{Progress, step};
use crate::xml::{El, Xml};
use crate::{ReadError, ReadOptions};
use hearth_domain::{BlockKind, Document, Kind, Place, Warning};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::collections::{BTreeMap, HashMap, HashSet};

const MAX_COLUMNS: u32 = 16_384;

pub(crate) fn read(bytes: &[u8], options: &ReadOptions, progress: &mut Progress<'_>) -> Result<Document, ReadError> {
    let archive = Archive::open(bytes, options)?;
    if archive.has("xl/workbook.bin") && !archive.has("xl/workbook.xml") {
        return super::xlsb::read(bytes, options, progress);
    }
    let main = main_part(&archive, "xl/workbook.xml")?;
    let book = Xml::parse(&archive.need(&main)?)?;
    let parts = relations(&archive, &main)?;
    let part = |kind: &str| -> Result<Option<Vec<u8>>, ReadError> {
        let target = parts.values().find(|relation| relation.kind == kind).map(|relation| relation.target.clone());
        target.map(|target| archive.get(&target)).transpose().map(Option::flatten)
    };
    let mut budget = OutputBudget::new(bytes.len(), options.max_output_bytes);
    let strings = match part("sharedStrings")? {
        Some(bytes) => shared_strings(&bytes),
        None => Vec::new(),
    };
    let flag = book.root().child("workbookPr").and_then(|el| el.attr("date1904"));
    let styles = Styles {
        formats: part("styles")?.map(|bytes| formats(&bytes)).unwrap_or_default(),
        from_1904: matches!(flag, Some("1" | "true")),
    };
    let sheets: Vec<El<'_>> = book.root().child("sheets").map(|el| el.children().collect()).unwrap_or_default();
    let mut pages = Vec::new();
    let mut warnings = Vec::new();
    let mut cells = CellCount::default();
    for (i, sheet) in sheets.iter().enumerate() {
        step(progress, i as u32, sheets.len() as u32)?;
        let name = folded(sheet.attr("name").unwrap_or_default());
        let Some(relation) = sheet.attrs_named("id").find_map(|id| parts.get(id)) else { continue };
        let Some(bytes) = archive.get(&relation.target)? else {
            warnings.push(Warning { page: None, message: format!("The sheet {name} is missing from the file.") });
            continue;
        };
        let mut reader = Sheet { strings: &strings, styles: &styles, page: PageBuilder::default(), cells: &mut cells };
        reader.read(&bytes, &mut budget)?;
        let mut page = reader.page;
        mark_header(&mut page);
        extras(&archive, &relation.target, &mut page)?;
        pages.push(page.finish(Place::Sheet { name }));
    }
    step(progress, sheets.len() as u32, sheets.len() as u32)?;
    let mut document = document(Kind::Xlsx, pages);
    document.warnings = warnings;
    properties(&archive, &mut document);
    Ok(document)
}

/// Comments and text boxes of a sheet.
pub(super) fn extras(archive: &Archive<'_>, sheet: &str, page: &mut PageBuilder) -> Result<(), ReadError> {
    let mut parts: Vec<_> = relations(archive, sheet)?.into_values().collect();
    parts.sort_by(|a, b| a.target.cmp(&b.target));
    // What is said in threads comes first; older forms of the same comments are left out.
    parts.sort_by_key(|relation| relation.kind != "threadedComment");
    let threaded = parts.iter().any(|relation| relation.kind == "threadedComment");
    let persons = if threaded { persons(archive)? } else { HashMap::new() };
    let mut told: HashSet<String> = HashSet::new();
    let mut notes: Vec<((u32, u32), String)> = Vec::new();
    for relation in parts {
        if !matches!(relation.kind.as_str(), "comments" | "threadedComment" | "drawing") {
            continue;
        }
        let Some(bytes) = archive.get(&relation.target)? else { continue };
        let Ok(xml) = Xml::parse(&bytes) else { continue };
        if relation.kind == "drawing" {
            for body in xml.root().all("txBody") {
                let lines: Vec<String> = body.children().filter(|el| el.name() == "p").map(|el| el.text()).collect();
                page.block(BlockKind::Paragraph, &lines.join("\n"));
            }
            let drawn = relations(archive, &relation.target)?;
            for data in xml.root().all("graphicData") {
                graphic::write(archive, &drawn, data, page)?;
            }
            continue;
        }
        let in_threads = relation.kind == "threadedComment";
        let comments = xml.root().all(if in_threads { "threadedComment" } else { "comment" });
        let authors: Vec<String> = xml
            .root()
            .child("authors")
            .map_or(Vec::new(), |authors| authors.children().map(|author| folded(&author.text())).collect());
        for comment in comments {
            let text = folded(&comment.child("text").map(|el| el.text()).unwrap_or_default());
            let author = match comment.attr("personId") {
                Some(person) => persons.get(person),
                None => comment.attr("authorId").and_then(|at| authors.get(at.parse::<usize>().ok()?)),
            };
            // What Excel writes for its older versions begins with the name itself.
            let author = author.map_or("", String::as_str);
            let author = if text.starts_with(author) { "" } else { author };
            let at = comment.attr("ref").unwrap_or_default();
            match in_threads {
                true => drop(told.insert(at.to_owned())),
                false if told.contains(at) => continue,
                false => {}
            }
            let said = [at, author, &text];
            let said: Vec<&str> = said.into_iter().filter(|part| !part.is_empty()).collect();
            if !text.is_empty() {
                let row = at.trim_start_matches(|c: char| c.is_ascii_alphabetic()).parse().unwrap_or(u32::MAX);
                notes.push(((row, column_of(at).unwrap_or(u32::MAX)), said.join(": ")));
            }
        }
    }
    notes.sort_by_key(|(place, _)| *place);
    notes.iter().for_each(|(_, note)| page.block(BlockKind::Note, note));
    Ok(())
}

/// Names of those who comment, by the number that comments give them.
fn persons(archive: &Archive<'_>) -> Result<HashMap<String, String>, ReadError> {
    let mut persons = HashMap::new();
    let parts: Vec<&str> = archive.names().filter(|name| name.starts_with("xl/persons/")).take(4).collect();
    for part in parts {
        let Some(bytes) = archive.get(part)? else { continue };
        let Ok(xml) = Xml::parse(&bytes) else { continue };
        for person in xml.root().children() {
            if let (Some(id), Some(name)) = (person.attr("id"), person.attr("displayName")) {
                persons.insert(id.to_owned(), folded(name));
            }
        }
    }
    Ok(persons)
}

fn shared_strings(bytes: &[u8]) -> Vec<String> {
    let source = decode(bytes).0;
    let mut reader = lenient(&source);
    let mut strings = Vec::new();
    let (mut text, mut in_text, mut phonetic) = (String::new(), false, false);
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) => match start.local_name().as_ref() {
                "si" => text.clear(),
                "t" => in_text = !phonetic,
                "rPh" => phonetic = true,
                _ => {}
            },
            Ok(Event::End(end)) => match end.local_name().as_ref() {
                "si" => {
                    strings.push(std::mem::take(&mut text));
                }
                "t" => in_text = false,
                "rPh" => phonetic = false,
                _ => {}
            },
            Ok(Event::Empty(start)) if start.local_name().as_ref() == "si" => strings.push(String::new()),
            Ok(Event::Eof) | Err(_) => break,
            Ok(event) if in_text => push_text(&event, &mut text),
            Ok(_) => {}
        }
    }
    strings
}

fn lenient(source: &str) -> Reader<&[u8]> {
    let mut reader = Reader::from_str(source);
    reader.config_mut().check_end_names = false;
    reader.config_mut().allow_unmatched_ends = true;
    reader
}

fn push_text(event: &Event<'_>, out: &mut String) {
    match event {
        Event::Text(text) => out.push_str(text),
        Event::CData(text) => out.push_str(text),
        Event::GeneralRef(reference) => match &**reference {
            "lt" => out.push('<'),
            "gt" => out.push('>'),
            "amp" => out.push('&'),
            "quot" => out.push('"'),
            "apos" => out.push('\''),
            _ => out.extend(reference.resolve_char_ref().ok().flatten()),
        },
        _ => {}
    }
}

fn formats(bytes: &[u8]) -> Vec<Format> {
    let Ok(xml) = Xml::parse(bytes) else { return Vec::new() };
    let root = xml.root();
    let mut own: BTreeMap<u32, &str> = BTreeMap::new();
    for format in root.child("numFmts").map(|el| el.children().collect::<Vec<_>>()).unwrap_or_default() {
        if let (Some(id), Some(code)) =
            (format.attr("numFmtId").and_then(|id| id.parse().ok()), format.attr("formatCode"))
        {
            own.insert(id, code);
        }
    }
    let styles = root.child("cellXfs").map(|el| el.children().collect::<Vec<_>>()).unwrap_or_default();
    let id = |el: &El<'_>| el.attr("numFmtId").and_then(|id| id.parse::<u32>().ok()).unwrap_or(0);
    styles.iter().map(|el| Format::of(id(el), own.get(&id(el)).copied())).collect()
}

struct Sheet<'a> {
    strings: &'a [String],
    styles: &'a Styles,
    page: PageBuilder,
    cells: &'a mut CellCount,
}

/// A cell while it is read.
#[derive(Default)]
struct Cell {
    column: u32,
    kind: String,
    style: usize,
    value: String,
}

impl Sheet<'_> {
    fn read(&mut self, bytes: &[u8], budget: &mut OutputBudget) -> Result<(), ReadError> {
        let source = decode(bytes).0;
        let mut reader = lenient(&source);
        let (mut row, mut column) = (0u32, 0u32);
        let mut lines = Lines::default();
        let mut cell = Cell::default();
        let mut in_value = false;
        loop {
            let event = reader.read_event();
            match &event {
                Ok(Event::Start(start) | Event::Empty(start)) => {
                    let empty = matches!(event, Ok(Event::Empty(_)));
                    match start.local_name().as_ref() {
                        "row" => {
                            row = attr(start, "r").and_then(|r| r.parse().ok()).unwrap_or(row.saturating_add(1));
                            column = 0;
                        }
                        "c" => {
                            let at = attr(start, "r").and_then(|at| column_of(&at));
                            column = at.unwrap_or(column.saturating_add(1)).min(MAX_COLUMNS);
                            self.cells.one()?;
                            cell = Cell {
                                column,
                                kind: attr(start, "t").unwrap_or_default(),
                                style: attr(start, "s").and_then(|s| s.parse().ok()).unwrap_or(0),
                                value: String::new(),
                            };
                        }
                        "v" | "t" if !empty => in_value = true,
                        _ => {}
                    }
                }
                Ok(Event::End(end)) => match end.local_name().as_ref() {
                    "v" | "t" => in_value = false,
                    "c" => {
                        let text = self.shown(&cell);
                        budget.spend(text.len() + 1)?;
                        lines.put(row, cell.column, &text);
                        cell = Cell::default();
                    }
                    _ => {}
                },
                Ok(Event::Eof) | Err(_) => break,
                Ok(event) if in_value => push_text(event, &mut cell.value),
                Ok(_) => {}
            }
        }
        lines.write(&mut self.page);
        Ok(())
    }

    /// A cell's text as the sheet shows it.
    fn shown(&self, cell: &Cell) -> String {
        match cell.kind.as_str() {
            "s" => {
                cell.value.trim().parse::<usize>().ok().and_then(|i| self.strings.get(i)).cloned().unwrap_or_default()
            }
            "b" => truth(cell.value.trim() == "1").to_owned(),
            "str" | "inlineStr" | "e" => cell.value.clone(),
            "d" => cell.value.trim_end_matches("T00:00:00").to_owned(),
            _ => match cell.value.trim().parse::<f64>() {
                Ok(number) => self.styles.show(number, cell.style),
                Err(_) => cell.value.clone(),
            },
        }
    }
}

fn attr(start: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut attrs = start.attributes();
    let attrs = attrs.with_checks(false).flatten();
    attrs.into_iter().find(|attr| attr.key.as_ref() == name).map(|attr| attr.value.into_owned())
}

/// The column of a reference such as `AB12`, from 1.
fn column_of(reference: &str) -> Option<u32> {
    let mut column = 0u32;
    for byte in reference.bytes().take_while(u8::is_ascii_alphabetic).take(4) {
        column = column * 26 + u32::from(byte.to_ascii_uppercase() - b'A') + 1;
    }
    (column > 0).then_some(column)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::tests::zip;
    use crate::office::sheet::column_name;
    use std::ops::ControlFlow;

    #[test]
    fn columns_are_named_as_in_excel() {
        for (number, name) in [(1, "A"), (26, "Z"), (27, "AA"), (703, "AAA")] {
            assert_eq!(column_name(number), name);
            assert_eq!(column_of(&format!("{name}7")), Some(number));
        }
    }

    #[test]
    fn a_workbook_is_read_as_it_is_shown() {
        let sheet = br#"<worksheet><sheetData>
            <row r="2"><c r="B2" t="s"><v>0</v></c><c r="C2" t="inlineStr"><is><t>Net</t></is></c></row>
            <row r="3"><c r="B3"><v>44736</v></c><c r="D3" s="1"><v>1234.5</v></c></row>
            <row r="4"><c r="A4" s="2"><v>44736</v></c><c r="B4" s="3"><v>0.256</v></c><c r="C4" t="b"><v>1</v></c></row>
            </sheetData></worksheet>"#;
        let styles = br##"<styleSheet><numFmts><numFmt numFmtId="170" formatCode="&quot;$&quot;#,##0.00"/></numFmts>
            <cellXfs><xf numFmtId="0"/><xf numFmtId="170"/><xf numFmtId="14"/><xf numFmtId="9"/></cellXfs></styleSheet>"##;
        let bytes = zip(&[
            ("[Content_Types].xml", b"<Types/>"),
            (
                "xl/workbook.xml",
                b"<workbook><sheets><sheet name='Q1 &amp; Q2' sheetId='1' r:id='rId1'/></sheets></workbook>",
            ),
            (
                "xl/_rels/workbook.xml.rels",
                b"<Relationships><Relationship Id='rId1' Type='x/worksheet' Target='worksheets/s.xml'/>\
                  <Relationship Id='rId2' Type='x/sharedStrings' Target='ss.xml'/>\
                  <Relationship Id='rId3' Type='x/styles' Target='st.xml'/></Relationships>",
            ),
            ("xl/ss.xml", b"<sst><si><r><t>Sa</t></r><r><t>les</t></r></si></sst>"),
            ("xl/st.xml", styles),
            ("xl/worksheets/s.xml", sheet),
        ]);
        let document = read(&bytes, &ReadOptions::default(), &mut |_, _| ControlFlow::Continue(())).unwrap();
        let page = &document.pages[0];
        assert_eq!(page.place, Place::Sheet { name: "Q1 & Q2".into() });
        assert_eq!(page.text, "\tSales\tNet\n\t44736\t\t$1,234.50\n2022-06-24\t26%\tTRUE");
        let cells: Vec<_> = page.blocks.iter().map(|block| block.kind.clone()).collect();
        assert_eq!(cells[0], BlockKind::Row { header: true, cell: Some("B2".into()) });
        assert_eq!(cells[2], BlockKind::Row { header: false, cell: Some("A4".into()) });
    }

    #[test]
    fn comments_say_who_wrote_them() {
        let rels = b"<Relationships><Relationship Id='a' Type='x/comments' Target='../c.xml'/>\
            <Relationship Id='b' Type='x/threadedComment' Target='../t.xml'/></Relationships>";
        let bytes = zip(&[
            ("[Content_Types].xml", b"<Types/>"),
            ("xl/workbook.xml", b"<workbook><sheets><sheet name='S' r:id='r'/></sheets></workbook>"),
            (
                "xl/_rels/workbook.xml.rels",
                b"<Relationships><Relationship Id='r' Type='x/worksheet' Target='worksheets/s.xml'/></Relationships>",
            ),
            ("xl/worksheets/s.xml", b"<worksheet><row r='1'><c r='A1'><v>1</v></c></row></worksheet>"),
            ("xl/worksheets/_rels/s.xml.rels", rels),
            (
                "xl/c.xml",
                b"<comments><authors><author>Ann</author></authors><commentList><comment ref='B9' authorId='0'><text><t>\
                  Late</t></text></comment><comment ref='A2' authorId='0'><text><t>[old form]</t></text></comment>\
                  </commentList></comments>",
            ),
            (
                "xl/t.xml",
                b"<ThreadedComments><threadedComment ref='A2' personId='{1}'><text>Why?</text></threadedComment>\
                  <threadedComment ref='A2' personId='{9}'><text>So.</text></threadedComment></ThreadedComments>",
            ),
            ("xl/persons/person.xml", b"<personList><person displayName='Bo' id='{1}'/></personList>"),
        ]);
        let document = read(&bytes, &ReadOptions::default(), &mut |_, _| ControlFlow::Continue(())).unwrap();
        assert_eq!(document.pages[0].text, "1\n\nA2: Bo: Why?\n\nA2: So.\n\nB9: Ann: Late");
    }
}
