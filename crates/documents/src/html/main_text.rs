//! Which parts of a web page are its main text: what surrounds it (navigation, banners, comments) is left out.

use super::dom::{Dom, Node};

/// The parts that are written.
pub(super) struct Kept {
    pub(super) roots: Vec<usize>,
    /// The page is an article and little else.
    pub(super) is_article: bool,
    left_out: Vec<bool>,
}

impl Kept {
    pub(super) fn is_left_out(&self, id: usize) -> bool {
        self.left_out.get(id).copied().unwrap_or(true)
    }
}

/// Everything a person would see.
pub(super) fn everything(dom: &Dom) -> Kept {
    let left_out = dom.nodes.iter().map(is_invisible).collect();
    Kept { roots: vec![dom.first("body").unwrap_or(0)], is_article: false, left_out }
}

/// The main text. A page without anything around it is kept whole.
pub(super) fn kept(dom: &Dom) -> Kept {
    let whole = everything(dom);
    let mut left_out: Vec<bool> = whole.left_out.clone();
    let body = whole.roots.first().copied().unwrap_or(0);
    let mut sizes = sizes(dom, &left_out, false);
    let in_boxes = sizes.get(body).is_none_or(|size| size.prose < A_TEXT);
    if in_boxes {
        sizes = self::sizes(dom, &left_out, true);
    }
    let size = |id: usize| sizes.get(id).copied().unwrap_or_default();
    let all = size(body);
    let texts = around_texts(dom, &sizes);
    for (id, node) in dom.nodes.iter().enumerate() {
        // What holds the text is not beside it.
        if texts.get(id).copied().unwrap_or(false) {
            continue;
        }
        let share = size(id).text as f32 / all.text.max(1) as f32;
        // What holds most of the page is not beside it, whatever it is called.
        let comments = share < 0.97 && all.text - size(id).text.min(all.text) > 600 && is_comments(node);
        let beside = share < 0.5 && (is_around(dom, id, node, size(id)) || is_link_list(node, size(id)));
        if (comments || beside)
            && let Some(out) = left_out.get_mut(id)
        {
            *out = true;
        }
    }
    let cleaned = self::sizes(dom, &left_out, in_boxes);
    let size = |id: usize| cleaned.get(id).copied().unwrap_or_default();
    let total = size(body);
    let little = total.text < 80 || (total.text * 20 < all.text && total.prose < A_TEXT / 2);
    // A page of little text says it all at once; what is called a footer there may be its last line.
    if (little || total.prose < A_TEXT && all.text < A_PAGE) && marked(dom, &cleaned, &left_out).is_none() {
        return whole;
    }
    let root = best(dom, body, &cleaned, &left_out);
    let roots = match root {
        Some(root) => with_heading(dom, root, body, &left_out),
        None => vec![body],
    };
    let is_article = size(root.unwrap_or(body)).prose >= AN_ARTICLE;
    if is_article {
        for (id, node) in dom.nodes.iter().enumerate() {
            if is_pointer(dom, id, node, size(id))
                && let Some(out) = left_out.get_mut(id)
            {
                *out = true;
            }
        }
    }
    Kept { roots, is_article, left_out }
}

/// A paragraph of an article that is little but a link to another one; what can be written to or called is none.
fn is_pointer(dom: &Dom, id: usize, node: &Node, size: Size) -> bool {
    let linked = size.links > 0 && size.text < 200 && size.linked * 10 >= size.text * 7;
    linked && &*node.name == "p" && {
        let text = dom.text(id);
        !text.contains('@') && text.chars().filter(char::is_ascii_digit).count() < 6
    }
}

/// What stands around an element that is named as the one with the text, as blogs do, and holds one.
fn around_texts(dom: &Dom, sizes: &[Size]) -> Vec<bool> {
    let mut out = vec![false; dom.nodes.len()];
    for (id, node) in dom.nodes.iter().enumerate() {
        let size = sizes.get(id).copied().unwrap_or_default();
        if size.text.saturating_sub(size.linked) < A_TEXT || !(is_marked(node) || is_named_text(node)) {
            continue;
        }
        for above in std::iter::once(id).chain(ancestors(dom, id)) {
            match out.get_mut(above) {
                Some(known) if !*known => *known = true,
                _ => break,
            }
        }
    }
    out
}

/// Names that blogs and newspapers give to the element with the text.
fn is_named_text(node: &Node) -> bool {
    let names = [node.attr("class"), node.attr("id")];
    matches!(&*node.name, "div" | "section" | "article" | "main")
        && names.iter().flat_map(|names| names.split_whitespace()).any(|name| {
            matches!(
                name.to_ascii_lowercase().as_str(),
                "post-body" | "entry-content" | "post-content" | "article-body" | "article-content" | "story-body"
            )
        })
}

/// A run of so many bytes that ends a sentence is prose, wherever it stands.
const SENTENCE: usize = 80;
/// Prose that makes a text of its own.
const A_TEXT: usize = 250;
/// Prose of a page that is an article and nothing else.
const AN_ARTICLE: usize = 600;
/// All text of a page that is no more than a form, a table or a note.
const A_PAGE: usize = 1500;

/// How much text lies below a node.
#[derive(Debug, Clone, Copy, Default)]
struct Size {
    text: usize,
    linked: usize,
    links: usize,
    /// Text that stands in paragraphs.
    prose: usize,
}

/// `in_boxes`: sentences count as prose wherever they stand, for pages that write their text into boxes, with breaks for
/// paragraphs.
fn sizes(dom: &Dom, left_out: &[bool], in_boxes: bool) -> Vec<Size> {
    let mut sizes = vec![Size::default(); dom.nodes.len()];
    // Parents come before their children on the way down, so the way back adds children first.
    let mut order = Vec::new();
    let mut stack = vec![(0usize, false, false)];
    while let Some((id, in_link, in_prose)) = stack.pop() {
        if left_out.get(id).copied().unwrap_or(true) {
            continue;
        }
        let Some(node) = dom.node(id) else { continue };
        order.push(id);
        let link = in_link || &*node.name == "a";
        let prose = in_prose || matches!(&*node.name, "p" | "blockquote" | "pre");
        if let Some(size) = sizes.get_mut(id) {
            let chars: usize = node.text.split_whitespace().map(|word| word.len() + 1).sum();
            size.text = chars;
            size.linked = if link { chars } else { 0 };
            let sentence = in_boxes && chars >= SENTENCE && node.text.contains(['.', '!', '?', '。', '।']);
            size.prose = if (prose || sentence) && !link { chars } else { 0 };
            size.links = usize::from(&*node.name == "a");
        }
        stack.extend(node.children.iter().map(|child| (*child, link, prose)));
    }
    for id in order.into_iter().rev() {
        let Some(parent) = dom.node(id).map(|node| node.parent).filter(|parent| *parent != id) else { continue };
        let own = sizes.get(id).copied().unwrap_or_default();
        if let Some(size) = sizes.get_mut(parent) {
            size.text += own.text;
            size.linked += own.linked;
            size.links += own.links;
            size.prose += own.prose;
        }
    }
    sizes
}

fn is_invisible(node: &Node) -> bool {
    let name = &*node.name;
    if matches!(
        name,
        "script"
            | "style"
            | "noscript"
            | "template"
            | "svg"
            | "iframe"
            | "object"
            | "embed"
            | "head"
            | "select"
            | "input"
            | "canvas"
            | "audio"
            | "video"
            | "datalist"
            | "button"
    ) {
        return true;
    }
    let style = node.attr("style");
    node.has_attr("hidden") || (style.contains("display") && style.replace(' ', "").contains("display:none"))
}

/// Words in a class or id that tell of what stands around the text.
const AROUND: [&str; 54] = [
    "comment",
    "sidebar",
    "footer",
    "breadcrumb",
    "share",
    "sharing",
    "social",
    "related",
    "promo",
    "advert",
    "cookie",
    "newsletter",
    "subscribe",
    "popup",
    "modal",
    "recommend",
    "widget",
    "skip-",
    "masthead",
    "navbar",
    "navigation",
    "menu",
    "toolbar",
    "pagination",
    "pager",
    "sponsor",
    "outbrain",
    "taboola",
    "disqus",
    "trending",
    "most-read",
    "mostread",
    "read-more",
    "readmore",
    "author-bio",
    "signup",
    "sign-up",
    "login",
    "consent",
    "paywall",
    "byline-social",
    "teaser",
    "tags",
    "print-only",
    "gallery",
    "slideshow",
    "carousel",
    // What only programs that read a page aloud say.
    "sr-only",
    "visually-hidden",
    "visuallyhidden",
    "screen-reader",
    "off-screen",
    "offscreen",
    "accessibility-text",
];

fn is_around(dom: &Dom, id: usize, node: &Node, size: Size) -> bool {
    let name = &*node.name;
    if name.is_empty()
        || matches!(
            name,
            "html" | "body" | "article" | "main" | "p" | "h1" | "a" | "code" | "pre" | "td" | "tr" | "table"
        )
    {
        return false;
    }
    if matches!(name, "nav" | "aside") {
        return true;
    }
    let inside_text = ancestors(dom, id).any(|above| matches!(dom.name(above), "article" | "main"));
    if matches!(name, "footer" | "form") || (name == "header" && !inside_text && dom_lacks_heading(dom, id)) {
        return true;
    }
    match node.attr("role") {
        "navigation" | "search" | "complementary" | "dialog" | "menu" => return true,
        // Those of the page, not of a part of its text.
        "banner" | "contentinfo" if !inside_text => return true,
        _ => {}
    }
    if node.attr("aria-hidden") == "true" || node.attr("aria-modal") == "true" {
        return true;
    }
    let mut marks = node.attr("class").to_ascii_lowercase();
    marks.push(' ');
    marks.push_str(&node.attr("id").to_ascii_lowercase());
    if marks.len() < 2 || marks.contains("article-body") || marks.contains("articlebody") {
        return false;
    }
    let words = || marks.split(|c: char| c.is_whitespace()).filter(|word| !word.is_empty());
    // What only readers who pay are shown stands behind the wall, in the page's own paragraphs.
    let behind_wall = |word: &str| word.contains("paywall") && size.prose >= A_TEXT;
    words().any(|word| {
        // What an article quotes from elsewhere is part of it.
        AROUND.iter().any(|around| word.contains(around)) && !behind_wall(word) && !word.contains("embed")
            || word
                .split(['-', '_'])
                .any(|part| matches!(part, "nav" | "ad" | "ads" | "banner" | "cta" | "toc" | "rss" | "meta"))
    }) && !words().any(|word| matches!(word, "content" | "article" | "main" | "post" | "entry"))
}

/// What readers wrote below, which may be longer than what they read.
fn is_comments(node: &Node) -> bool {
    let marks = [node.attr("id"), node.attr("class")];
    let mut words = marks.iter().flat_map(|marks| marks.split_whitespace());
    matches!(&*node.name, "div" | "section" | "ol" | "ul")
        && words.any(|word| {
            let word = word.to_ascii_lowercase();
            matches!(
                word.as_str(),
                "comments" | "comment-list" | "commentlist" | "comments-area" | "disqus_thread" | "respond"
            )
        })
}

fn dom_lacks_heading(dom: &Dom, id: usize) -> bool {
    let mut stack = vec![id];
    while let Some(id) = stack.pop() {
        if dom.name(id) == "h1" {
            return false;
        }
        stack.extend(dom.children(id));
    }
    true
}

fn ancestors(dom: &Dom, id: usize) -> impl Iterator<Item = usize> {
    let mut at = id;
    std::iter::from_fn(move || {
        let parent = dom.node(at)?.parent;
        (parent != at && at != 0).then(|| {
            at = parent;
            parent
        })
    })
}

/// A box of links and little else.
fn is_link_list(node: &Node, size: Size) -> bool {
    matches!(&*node.name, "ul" | "ol" | "div" | "section" | "dl")
        && size.links >= 4
        && size.linked * 10 > size.text * 7
        && size.text / size.links.max(1) < 120
}

/// The smallest element that holds nearly all of the page's prose, or `None` where the body itself is as good.
fn best(dom: &Dom, body: usize, sizes: &[Size], left_out: &[bool]) -> Option<usize> {
    let size = |id: usize| sizes.get(id).copied().unwrap_or_default();
    let worth = |id: usize| size(id).prose.max((size(id).text - size(id).linked.min(size(id).text)) / 3);
    let named = dom.nodes.iter().enumerate().filter(|(id, node)| {
        let is_named = matches!(&*node.name, "article" | "main")
            || matches!(node.attr("role"), "main" | "article")
            || is_marked(node)
            || is_named_text(node)
            || node.attr("id").eq_ignore_ascii_case("article");
        is_named && !left_out.get(*id).copied().unwrap_or(true)
    });
    if let Some(marked) = marked(dom, sizes, left_out) {
        return Some(marked);
    }
    let mut at = body;
    if let Some((id, _)) = named.max_by_key(|(id, _)| worth(*id))
        && worth(id) * 10 > worth(body) * 4
    {
        at = id;
    }
    if size(at).prose * 4 < size(at).text {
        return densest(dom, at, sizes, left_out).or((at != body).then_some(at));
    }
    // From there down, as long as one child holds nearly everything.
    loop {
        let next = dom
            .children(at)
            .iter()
            .copied()
            .filter(|id| !left_out.get(*id).copied().unwrap_or(true))
            .max_by_key(|id| worth(*id));
        match next {
            Some(id)
                if worth(id) * 10 > worth(at) * 8
                    && matches!(
                        dom.name(id),
                        "div" | "section" | "article" | "main" | "td" | "tr" | "tbody" | "table"
                    ) =>
            {
                at = id;
            }
            _ => break,
        }
    }
    (at != body).then_some(at)
}

/// Whether a page says of an element that it is the text of its article (schema.org).
fn is_marked(node: &Node) -> bool {
    node.attr("itemprop").split_whitespace().any(|word| word.eq_ignore_ascii_case("articleBody"))
}

/// The one element that is marked as the text, where it holds one; none where several share it.
fn marked(dom: &Dom, sizes: &[Size], left_out: &[bool]) -> Option<usize> {
    let own = |id: usize| sizes.get(id).map_or(0, |size| size.text.saturating_sub(size.linked));
    let there = |id: usize| !left_out.get(id).copied().unwrap_or(true) && own(id) >= A_TEXT;
    let mut all = dom.nodes.iter().enumerate().filter(|(id, node)| is_marked(node) && there(*id)).map(|(id, _)| id);
    let first = all.next()?;
    all.all(|other| ancestors(dom, other).any(|above| above == first)).then_some(first)
}

/// On a page that is mostly boxes and links: the element whose own paragraphs hold most text, with what stands around
/// them as long as that is prose too; `None` where no element holds a text.
fn densest(dom: &Dom, within: usize, sizes: &[Size], left_out: &[bool]) -> Option<usize> {
    let size = |id: usize| sizes.get(id).copied().unwrap_or_default();
    let mut own: Vec<usize> = vec![0; dom.nodes.len()];
    let mut stack = vec![within];
    while let Some(id) = stack.pop() {
        if left_out.get(id).copied().unwrap_or(true) {
            continue;
        }
        let paragraph = matches!(dom.name(id), "p" | "blockquote" | "pre") || dom.name(id).is_empty();
        let parent = dom.node(id).map_or(id, |node| node.parent);
        if paragraph
            && size(id).prose > size(id).linked
            && let Some(sum) = own.get_mut(parent)
        {
            *sum += size(id).prose;
        }
        if !paragraph {
            stack.extend(dom.children(id));
        }
    }
    let (mut at, most) = own.into_iter().enumerate().max_by_key(|(_, sum)| *sum)?;
    if most < A_TEXT {
        return None;
    }
    // Paragraphs are often split over several boxes of one.
    while at != within
        && let Some(parent) = dom.node(at).map(|node| node.parent).filter(|parent| *parent != at)
        && size(parent).prose * 3 > size(parent).text * 2
    {
        at = parent;
    }
    Some(at)
}

/// The root, with the page's first heading before it where that stands outside.
fn with_heading(dom: &Dom, root: usize, body: usize, left_out: &[bool]) -> Vec<usize> {
    let mut stack = vec![body];
    let mut heading = None;
    while let Some(id) = stack.pop() {
        if id == root {
            break;
        }
        if left_out.get(id).copied().unwrap_or(true) {
            continue;
        }
        if dom.name(id) == "h1" {
            heading = Some(id);
        }
        stack.extend(dom.children(id).iter().rev());
    }
    heading.into_iter().chain([root]).collect()
}
