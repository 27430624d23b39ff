//! Feeds (RSS, Atom, RDF): one page for each article, with its head and its text.

use crate::builder::{PageBuilder, folded};
use crate::plain::document;
use crate::xml::El;
use crate::{ReadError, ReadOptions, html};
use hearth_domain::{BlockKind, Document, Kind, OutlineItem, Place};

/// Articles of one feed that are read.
const MAX_ARTICLES: usize = 5_000;

/// Reads a feed; none where the XML is something else.
pub(super) fn read(root: El<'_>, options: &ReadOptions) -> Result<Option<Document>, ReadError> {
    let (about, articles): (El<'_>, Vec<El<'_>>) = match root.name() {
        "rss" | "RDF" => {
            let Some(channel) = root.child("channel") else { return Ok(None) };
            (channel, root.all("item"))
        }
        "feed" if root.child("entry").is_some() || root.child("title").is_some() => {
            (root, root.children().filter(|el| el.name() == "entry").collect())
        }
        _ => return Ok(None),
    };
    let text = |el: El<'_>, names: &[&str]| {
        let found = names.iter().find_map(|name| el.children().find(|child| child.name() == *name));
        found.map(|el| folded(&el.text())).filter(|text| !text.is_empty())
    };
    let title = text(about, &["title"]);
    let mut page = PageBuilder::default();
    page.block(BlockKind::Heading { level: 1 }, title.as_deref().unwrap_or_default());
    if let Some(words) = text(about, &["description", "subtitle"]) {
        html::whole(words.as_bytes(), options, &mut page)?;
    }
    let mut pages = Vec::new();
    if !page.is_empty() {
        let place = title.clone().unwrap_or_default();
        pages.push(page.finish(Place::Section { title: place }));
    }
    let mut outline = Vec::new();
    for article in articles.into_iter().take(MAX_ARTICLES) {
        let mut page = PageBuilder::default();
        let name = text(article, &["title"]).map(|title| plain(&title, options)).transpose()?.unwrap_or_default();
        page.block(BlockKind::Heading { level: 1 }, &name);
        let author = article.child("author").map(|el| el.child("name").unwrap_or(el)).map(|el| folded(&el.text()));
        let author = author.filter(|author| !author.is_empty()).or_else(|| text(article, &["creator"]));
        let date = text(article, &["pubDate", "published", "updated", "date"]);
        let head: Vec<String> = [author, date].into_iter().flatten().collect();
        page.block(BlockKind::Paragraph, &head.join(", "));
        let body = ["encoded", "content", "description", "summary"];
        let body = body.iter().find_map(|name| article.children().find(|el| el.name() == *name));
        if let Some(body) = body {
            html::whole(body.text().as_bytes(), options, &mut page)?;
        }
        outline.push(OutlineItem { level: 1, title: name.clone(), page: pages.len() as u32 });
        pages.push(page.finish(Place::Section { title: name }));
    }
    let mut document = document(Kind::Xml, pages);
    document.title = title;
    document.outline = outline;
    document.language = text(about, &["language"]).filter(|tag| tag.len() < 36);
    Ok(Some(document))
}

/// A title may be markup too.
fn plain(title: &str, options: &ReadOptions) -> Result<String, ReadError> {
    if !title.contains(['<', '&']) {
        return Ok(title.to_owned());
    }
    let mut page = PageBuilder::default();
    html::whole(title.as_bytes(), options, &mut page)?;
    Ok(folded(&page.finish(Place::Whole).text))
}
