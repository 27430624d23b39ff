//! Books: one page per chapter, in the order in which the book is read.

use crate::archive::{Archive, resolve};
use crate::builder::{OutputBudget, PageBuilder, folded};
use crate::plain::document;
use crate::read::{Progress, step};
use crate::xml::{El, Xml};
use crate::{ReadError, ReadOptions, html};
use hearth_domain::{Document, Kind, OutlineItem, Place, Warning};
use std::collections::HashMap;

/// Chapters of one book that are read.
const MAX_CHAPTERS: usize = 10_000;

pub(crate) fn read(bytes: &[u8], options: &ReadOptions, progress: &mut Progress<'_>) -> Result<Document, ReadError> {
    let archive = Archive::open(bytes, options)?;
    if archive.has("META-INF/rights.xml") || is_locked(&archive)? {
        return Err(ReadError::unsupported("A book with copy protection"));
    }
    let container = Xml::parse(&archive.need("META-INF/container.xml")?)?;
    let rootfile = container.root().all("rootfile").iter().find_map(|el| el.attr("full-path")).map(str::to_owned);
    let opf = rootfile.ok_or_else(|| ReadError::damaged("it does not say where its contents are"))?;
    let package = Xml::parse(&archive.need(&opf)?)?;
    let items: HashMap<&str, El<'_>> =
        package.root().all("item").into_iter().filter_map(|el| Some((el.attr("id")?, el))).collect();
    let chapters: Vec<String> = package
        .root()
        .all("itemref")
        .iter()
        .filter_map(|el| items.get(el.attr("idref")?)?.attr("href"))
        .map(|href| resolve(&opf, &unescaped(href)))
        .take(MAX_CHAPTERS)
        .collect();
    if chapters.is_empty() {
        return Err(ReadError::damaged("it lists no chapters"));
    }
    let contents = contents(&archive, &opf, &items)?;
    let titles: HashMap<&str, &str> =
        contents.iter().rev().map(|(_, title, target)| (target.as_str(), title.as_str())).collect();
    let mut budget = OutputBudget::new(bytes.len(), options.max_output_bytes);
    let (mut pages, mut outline, mut warnings) = (Vec::new(), Vec::new(), Vec::new());
    let mut at: HashMap<&str, u32> = HashMap::new();
    for (i, chapter) in chapters.iter().enumerate() {
        step(progress, i as u32, chapters.len() as u32)?;
        let Some(bytes) = archive.get(chapter)? else {
            let message = format!("The chapter {chapter} is missing from the file.");
            warnings.push(Warning { page: None, message });
            continue;
        };
        let mut page = PageBuilder::default();
        let headings = html::whole(&bytes, options, &mut page)?;
        if page.is_empty() {
            continue;
        }
        budget.spend(page.len())?;
        let own = headings.first().map(|item| item.title.clone());
        let title =
            titles.get(chapter.as_str()).map(|title| (*title).to_owned()).or(own).or_else(|| html::title_of(&bytes));
        at.insert(chapter.as_str(), pages.len() as u32);
        pages.push(page.finish(Place::Section { title: title.unwrap_or_else(|| format!("Section {}", i + 1)) }));
    }
    for (level, title, target) in &contents {
        if let Some(page) = at.get(target.as_str()) {
            outline.push(OutlineItem { level: *level, title: title.clone(), page: *page });
        }
    }
    step(progress, chapters.len() as u32, chapters.len() as u32)?;
    let mut document = document(Kind::Epub, pages);
    let metadata = |name: &str| {
        let found = package.root().child("metadata").and_then(|el| el.all(name).first().map(|el| folded(&el.text())));
        found.filter(|text| !text.is_empty())
    };
    document.title = metadata("title");
    document.author = metadata("creator");
    document.created = metadata("date");
    document.language = metadata("language");
    document.outline = outline;
    document.warnings = warnings;
    Ok(document)
}

/// Whether more than fonts is encrypted.
fn is_locked(archive: &Archive<'_>) -> Result<bool, ReadError> {
    let Some(bytes) = archive.get("META-INF/encryption.xml")? else { return Ok(false) };
    let Ok(xml) = Xml::parse(&bytes) else { return Ok(false) };
    let targets = xml.root().all("CipherReference");
    Ok(targets.iter().filter_map(|el| el.attr("URI")).any(|uri| {
        let uri = uri.to_ascii_lowercase();
        uri.ends_with("html") || uri.ends_with(".htm") || uri.ends_with(".xml")
    }))
}

/// The book's own table of contents as level, title and chapter.
fn contents(
    archive: &Archive<'_>,
    opf: &str,
    items: &HashMap<&str, El<'_>>,
) -> Result<Vec<(u8, String, String)>, ReadError> {
    let named = |wanted: &dyn Fn(&El<'_>) -> bool| {
        items.values().find(|el| wanted(el)).and_then(|el| el.attr("href")).map(|href| resolve(opf, &unescaped(href)))
    };
    let nav = named(&|el| el.attr("properties").is_some_and(|list| list.split(' ').any(|one| one == "nav")));
    let ncx = named(&|el| el.attr("media-type") == Some("application/x-dtbncx+xml"));
    let mut out = Vec::new();
    for (path, is_nav) in [(nav, true), (ncx, false)] {
        let Some(path) = path else { continue };
        let Some(bytes) = archive.get(&path)? else { continue };
        let Ok(xml) = Xml::parse(&bytes) else { continue };
        if is_nav {
            let toc = xml.root().all("nav").into_iter().find(|el| matches!(el.attr("type"), Some("toc") | None));
            if let Some(list) = toc.and_then(|nav| nav.child("ol")) {
                from_nav(list, &path, 1, &mut out);
            }
        } else if let Some(map) = xml.root().child("navMap") {
            from_ncx(map, &path, 1, &mut out);
        }
        if !out.is_empty() {
            break;
        }
    }
    Ok(out)
}

fn from_nav(list: El<'_>, base: &str, level: u8, out: &mut Vec<(u8, String, String)>) {
    for item in list.children().filter(|el| el.name() == "li") {
        if let Some(link) = item.child("a")
            && let Some(href) = link.attr("href")
        {
            out.push((level, folded(&link.text()), resolve(base, &unescaped(href))));
        }
        if let Some(inner) = item.child("ol")
            && level < 6
        {
            from_nav(inner, base, level + 1, out);
        }
    }
}

fn from_ncx(map: El<'_>, base: &str, level: u8, out: &mut Vec<(u8, String, String)>) {
    for point in map.children().filter(|el| el.name() == "navPoint") {
        let title = point.path(&["navLabel", "text"]).map(|el| folded(&el.text())).unwrap_or_default();
        if let Some(target) = point.child("content").and_then(|el| el.attr("src")) {
            out.push((level, title, resolve(base, &unescaped(target))));
        }
        if level < 6 {
            from_ncx(point, base, level + 1, out);
        }
    }
}

/// A reference with its percent signs resolved.
fn unescaped(href: &str) -> String {
    let mut bytes = Vec::with_capacity(href.len());
    let mut rest = href.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let code = tail
            .get(..2)
            .and_then(|two| std::str::from_utf8(two).ok())
            .and_then(|two| u8::from_str_radix(two, 16).ok());
        match (first, code) {
            (b'%', Some(code)) => {
                bytes.push(code);
                rest = tail.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::tests::zip;
    use std::ops::ControlFlow;

    #[test]
    fn a_book_is_read_chapter_by_chapter() {
        let bytes = zip(&[
            ("mimetype", b"application/epub+zip"),
            ("META-INF/container.xml", b"<container><rootfiles><rootfile full-path='O/p.opf'/></rootfiles></container>"),
            (
                "O/p.opf",
                b"<package><metadata><dc:title>Book</dc:title><dc:language>en</dc:language></metadata><manifest>\
                  <item id='n' href='nav.xhtml' properties='nav'/><item id='a' href='one%201.xhtml'/><item id='b' href='two.xhtml'/>\
                  </manifest><spine><itemref idref='b'/><itemref idref='a'/></spine></package>",
            ),
            ("O/nav.xhtml", b"<html><body><nav epub:type='toc'><ol><li><a href='two.xhtml#x'>Second</a></li></ol></nav></body></html>"),
            ("O/one 1.xhtml", b"<html><head><title>First</title></head><body><p>Alpha</p></body></html>"),
            ("O/two.xhtml", b"<html><body><h2>Two</h2><p>Beta</p></body></html>"),
        ]);
        let document = read(&bytes, &ReadOptions::default(), &mut |_, _| ControlFlow::Continue(())).unwrap();
        let shown: Vec<_> = document.pages.iter().map(|page| (page.place.clone(), page.text.as_str())).collect();
        assert_eq!(shown[0], (Place::Section { title: "Second".into() }, "Two\n\nBeta"));
        assert_eq!(shown[1], (Place::Section { title: "First".into() }, "Alpha"));
        assert_eq!(document.title.as_deref(), Some("Book"));
        assert_eq!(document.outline, [OutlineItem { level: 1, title: "Second".into(), page: 0 }]);
    }
}
