//! Web pages: the main text without navigation, with its headings, lists, tables and code.

mod body;
mod dom;
mod main_text;

use crate::builder::{PageBuilder, folded};
use crate::decode::decode_as;
use crate::plain::document;
use crate::{ReadError, ReadOptions};
use body::Body;
use dom::Dom;
use hearth_domain::{Document, Kind, OutlineItem, Place, Warning};

/// Largest page that is parsed.
const MAX_SOURCE_BYTES: u64 = 64 << 20;

pub(crate) fn read(bytes: &[u8], options: &ReadOptions) -> Result<Document, ReadError> {
    let source = source(bytes, options)?;
    let dom = Dom::parse(&source);
    let mut page = PageBuilder::default();
    let kept = main_text::kept(&dom);
    let outline = Body::new(&dom, &kept).write(&mut page);
    let mut document = document(Kind::Html, vec![page.finish(Place::Whole)]);
    let heading = outline.first().map(|item| item.title.clone());
    document.title = title(&dom).or(heading);
    document.author = meta(&dom, &["author", "article:author"]);
    document.created = meta(&dom, &["article:published_time", "date", "dc.date"]);
    document.language = dom.first("html").and_then(|html| dom.node(html)).map(|html| html.attr("lang").to_owned());
    document.language = document.language.filter(|tag| !tag.is_empty() && tag.len() < 36);
    document.outline = outline;
    if dom.cut {
        let message = "This page is nested so deeply that only its beginning was read.".to_owned();
        document.warnings.push(Warning { page: None, message });
    }
    Ok(document)
}

/// A page of a book or a message: all of it, with its headings.
pub(crate) fn whole(
    bytes: &[u8],
    options: &ReadOptions,
    page: &mut PageBuilder,
) -> Result<Vec<OutlineItem>, ReadError> {
    let source = source(bytes, options)?;
    let dom = Dom::parse(&source);
    Ok(Body::new(&dom, &main_text::everything(&dom)).write(page))
}

/// The title that a page gives itself.
pub(crate) fn title_of(bytes: &[u8]) -> Option<String> {
    let head = bytes.get(..bytes.len().min(16 * 1024)).unwrap_or_default();
    title(&Dom::parse(&decode_as(head, charset(head).as_deref())))
}

fn source<'a>(bytes: &'a [u8], options: &ReadOptions) -> Result<std::borrow::Cow<'a, str>, ReadError> {
    let limit = options.max_output_bytes.min(MAX_SOURCE_BYTES);
    if bytes.len() as u64 > limit {
        return Err(ReadError::TooLarge { limit_bytes: limit });
    }
    Ok(decode_as(bytes, charset(bytes).as_deref()))
}

/// The encoding that a page names in its head.
fn charset(bytes: &[u8]) -> Option<String> {
    let head = bytes.get(..bytes.len().min(4096))?;
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let at = head.find("charset=").map(|at| at + 8).or_else(|| head.find("encoding=").map(|at| at + 9))?;
    let rest = head.get(at..)?.trim_start_matches(['"', '\'', ' ']);
    let name: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).collect();
    (!name.is_empty()).then_some(name)
}

fn title(dom: &Dom) -> Option<String> {
    let title = folded(&dom.text(dom.first("title")?));
    (!title.is_empty()).then(|| title.chars().take(300).collect())
}

fn meta(dom: &Dom, names: &[&str]) -> Option<String> {
    let found = dom.nodes.iter().filter(|node| &*node.name == "meta").find(|node| {
        let name = [node.attr("name"), node.attr("property")].into_iter().find(|name| !name.is_empty()).unwrap_or("");
        names.iter().any(|wanted| name.eq_ignore_ascii_case(wanted))
    })?;
    let value = folded(found.attr("content"));
    (!value.is_empty() && value.len() < 200).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(source: &str) -> String {
        read(source.as_bytes(), &ReadOptions::default()).map(|document| document.pages[0].text.clone()).unwrap()
    }

    #[test]
    fn structure_is_kept() {
        let source = "<html lang=en><title> My  page </title><body><h1>One</h1><p>Some <b>bold</b>\n words.<ul><li>a<li>b\
            <ol><li>c</ol></ul><table><tr><th>x<th>y<tr><td>1<td>2</table><pre>fn a() {\n  b\n}</pre>";
        assert_eq!(text(source), "One\n\nSome bold words.\n\n• a\n• b\n  1. c\n\nx\ty\n1\t2\n\nfn a() {\n  b\n}");
        let document = read(source.as_bytes(), &ReadOptions::default()).unwrap();
        assert_eq!((document.title.as_deref(), document.language.as_deref()), (Some("My page"), Some("en")));
        assert_eq!(document.outline.len(), 1);
    }

    #[test]
    fn navigation_scripts_and_hidden_parts_are_left_out() {
        let words = "A long enough paragraph of the article itself, which says something, and then goes on. ".repeat(4);
        let source = format!(
            "<body><nav><a href=/>Home</a><a href=/a>About</a></nav><div class='cookie-banner'>We use cookies</div>\
             <article><h1>News</h1><p>{words}</p><p>{words}</p><script>var x = 1;</script><p hidden>secret</p></article>\
             <footer>Imprint</footer></body>"
        );
        let text = text(&source);
        assert!(text.starts_with("News\n\nA long enough"));
        for gone in ["Home", "cookies", "var x", "secret", "Imprint"] {
            assert!(!text.contains(gone), "{gone}");
        }
    }

    #[test]
    fn cells_over_several_rows_and_columns_stand_in_each() {
        let source = "<table><tr><th>Year<th colspan=2>Rent<tr><td rowspan=2>North<td>1<td>2<tr><td colspan=2>none\
            <tr><td colspan=3>All of it<tr><th rowspan=2>2025<tr><td>3<td>4<tr><td rowspan=2>7<td>5<td>6<tr><td>8<td>9</table>";
        let rows = "Year\tRent\tRent\nNorth\t1\t2\nNorth\tnone\tnone\nAll of it\n2025\t3\t4\n7\t5\t6\n\t8\t9";
        assert_eq!(text(source), rows);
        // What would unfold into gigabytes stays small.
        let wide = format!("<tr>{}</tr>", format!("<td rowspan=5000 colspan=100>{}", "x".repeat(100)).repeat(30));
        assert!(text(&format!("<table>{wide}{}</table>", "<tr><td>y".repeat(4000))).len() < 16 << 20);
    }

    #[test]
    fn a_small_page_is_kept_whole() {
        let source = "<body><div class=form><div>1 <b>Name</b></div></div><div class='footer-note'>The Inn 2026</div>\
            <a href=/x><img alt='The way'></a><figure><a href=/y><img alt='Not this'></a><figcaption>A map</figcaption></figure>";
        assert_eq!(text(source), "1 Name\n\nThe Inn 2026\n\nThe way\n\nA map");
    }

    #[test]
    fn the_named_text_of_a_page_is_found_among_boxes() {
        let words = "The council met on Monday and agreed on the budget for the year. ".repeat(6);
        let links = "<li><a href=/o>Another story of the day that is not this one</a>".repeat(60);
        for text_box in [
            format!("<div itemprop=articleBody>{words}</div>"),
            format!("<div class='widget blog'><div class=post-body><span>{words}</span></div></div>"),
        ] {
            let text =
                text(&format!("<body><ul>{links}</ul><div>{text_box}</div><div>{}</div>", "x <b>y</b> ".repeat(900)));
            assert!(
                text.starts_with("The council met") && !text.contains("Another") && !text.contains("x y"),
                "{text}"
            );
        }
        let long = format!("<p>{words}</p>").repeat(4);
        let source =
            format!("<article>{long}<p>READ MORE: <a href=/z>Why the budget of the town grew</a></p>{long}</article>");
        assert!(!text(&source).contains("grew"));
        let source =
            source.replace("READ MORE: ", "Write to ").replace("Why the budget of the town grew", "desk@example.org");
        assert!(text(&source).contains("Write to desk@example.org"));
    }

    #[test]
    fn deep_nesting_is_survived() {
        let deep = format!("<p>words{}<p>more", "<div>".repeat(50_000));
        let document = read(deep.as_bytes(), &ReadOptions::default()).unwrap();
        assert!(document.pages[0].text.starts_with("words") && !document.pages[0].text.contains("more"));
        assert_eq!(document.warnings.len(), 1);
        let formats: String = (0..1500).map(|i| format!("<b id={i}>")).collect();
        let source = format!("<p>{formats}</p>{}", "<p>x</p>".repeat(20_000));
        assert_eq!(read(source.as_bytes(), &ReadOptions::default()).unwrap().warnings.len(), 1);
    }

    #[test]
    fn encodings_are_found() {
        assert_eq!(text("<meta charset=utf-8><p>größer"), "größer");
        let latin = b"<html><meta http-equiv=content-type content='text/html; charset=iso-8859-2'><p>\xb9\xe8\xbe</p>";
        let document = read(latin, &ReadOptions::default()).unwrap();
        assert_eq!(document.pages[0].text, "ščž");
    }
}
