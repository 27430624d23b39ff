//! A page's tree to blocks, in the order of the tree.

use super::dom::Dom;
use super::main_text::Kept;
use crate::builder::{PageBuilder, folded, is_blank};
use crate::spans::Again;
use hearth_domain::{BlockKind, OutlineItem};

/// Columns of a table.
const MAX_COLUMNS: usize = 2000;

/// Writes the kept part of a tree.
pub(super) struct Body<'a> {
    dom: &'a Dom,
    kept: &'a Kept,
    text: String,
    /// The block that `text` belongs to.
    kind: BlockKind,
    /// Counters of open lists; `None` for bullets.
    lists: Vec<Option<u64>>,
    pre: u32,
    again: Again,
    outline: Vec<OutlineItem>,
}

enum Step {
    Enter(usize),
    Leave(usize),
}

impl<'a> Body<'a> {
    pub(super) fn new(dom: &'a Dom, kept: &'a Kept) -> Self {
        let kind = BlockKind::Paragraph;
        Self {
            dom,
            kept,
            text: String::new(),
            kind,
            lists: Vec::new(),
            pre: 0,
            again: Again::default(),
            outline: Vec::new(),
        }
    }

    pub(super) fn write(mut self, page: &mut PageBuilder) -> Vec<OutlineItem> {
        for root in &self.kept.roots {
            self.walk(*root, page);
            self.flush(page);
        }
        self.outline
    }

    fn walk(&mut self, root: usize, page: &mut PageBuilder) {
        let mut stack = vec![Step::Enter(root)];
        while let Some(step) = stack.pop() {
            match step {
                Step::Enter(id) => {
                    if self.kept.is_left_out(id) {
                        continue;
                    }
                    let name = self.dom.name(id);
                    if name.is_empty() {
                        self.push_text(id);
                        if id == 0 {
                            stack.extend(self.dom.children(id).iter().rev().map(|child| Step::Enter(*child)));
                        }
                        continue;
                    }
                    if name == "table" && self.is_data(id) {
                        self.flush(page);
                        self.table(id, page);
                        continue;
                    }
                    self.enter(id, page);
                    stack.push(Step::Leave(id));
                    stack.extend(self.dom.children(id).iter().rev().map(|child| Step::Enter(*child)));
                }
                Step::Leave(id) => self.leave(id, page),
            }
        }
    }

    fn push_text(&mut self, id: usize) {
        let Some(node) = self.dom.node(id) else { return };
        if self.pre > 0 {
            self.text.push_str(&node.text);
            return;
        }
        push_inline(&mut self.text, &node.text);
    }

    fn enter(&mut self, id: usize, page: &mut PageBuilder) {
        let name = self.dom.name(id);
        if is_block(name) {
            // A paragraph directly inside an item or heading is that item's own text.
            let inside = matches!(self.kind, BlockKind::Item | BlockKind::Heading { .. }) && self.has_marker_only();
            if !(inside && matches!(name, "p" | "div" | "span" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6")) {
                self.flush(page);
            }
        }
        match name {
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                let level = name.as_bytes().get(1).map_or(1, |digit| digit.saturating_sub(b'0')).clamp(1, 6);
                if !matches!(self.kind, BlockKind::Item) {
                    self.kind = BlockKind::Heading { level };
                }
            }
            "pre" | "listing" | "xmp" | "textarea" => {
                self.kind = BlockKind::Code;
                self.pre += 1;
            }
            "ul" | "menu" | "dir" => self.lists.push(None),
            "ol" => {
                let start = self.dom.node(id).and_then(|node| node.attr("start").parse().ok()).unwrap_or(1);
                self.lists.push(Some(start));
            }
            "li" => {
                self.kind = BlockKind::Item;
                let indent = "  ".repeat(self.lists.len().saturating_sub(1).min(8));
                let label = match self.lists.last_mut() {
                    Some(Some(number)) => {
                        *number = number.saturating_add(1);
                        format!("{indent}{}. ", number.saturating_sub(1))
                    }
                    _ => format!("{indent}• "),
                };
                self.text = label;
            }
            "br" => self.text.push('\n'),
            "td" | "th" if !self.text.is_empty() && !self.text.ends_with(is_blank) => self.text.push(' '),
            "img" | "area" => {
                // A picture in running text that stands for a word, such as a formula.
                let alt = self.dom.node(id).map_or("", |node| node.attr("alt"));
                let math = self.dom.node(id).is_some_and(|node| node.attr("class").contains("math"));
                if math || !self.kept.is_article && self.is_link_without_words(id) {
                    push_inline(&mut self.text, alt);
                }
            }
            "q" => self.text.push('“'),
            _ => {}
        }
    }

    /// Whether a picture is all that there is of a link, so that its description stands for the link's words. Where the
    /// picture has a caption, that says it.
    fn is_link_without_words(&self, picture: usize) -> bool {
        let (mut at, mut link) = (picture, false);
        for _ in 0..6 {
            let Some(parent) = self.dom.node(at).map(|node| node.parent).filter(|parent| *parent != at) else { break };
            at = parent;
            match self.dom.name(at) {
                "a" if !self.dom.text(at).trim_matches(is_blank).is_empty() => return false,
                "a" => link = true,
                "figure" => return false,
                _ => {}
            }
        }
        link
    }

    /// Only a bullet or number stands in the text so far.
    fn has_marker_only(&self) -> bool {
        let text = self.text.trim();
        text.is_empty() || text == "•" || text.strip_suffix('.').is_some_and(|n| n.chars().all(|c| c.is_ascii_digit()))
    }

    fn leave(&mut self, id: usize, page: &mut PageBuilder) {
        let name = self.dom.name(id);
        match name {
            "pre" | "listing" | "xmp" | "textarea" => {
                self.flush(page);
                self.pre = self.pre.saturating_sub(1);
            }
            "ul" | "menu" | "dir" | "ol" => {
                self.flush(page);
                self.lists.pop();
            }
            "q" => self.text.push('”'),
            name if is_block(name) => self.flush(page),
            _ => {}
        }
    }

    fn flush(&mut self, page: &mut PageBuilder) {
        let text = std::mem::take(&mut self.text);
        let kind = std::mem::replace(&mut self.kind, BlockKind::Paragraph);
        if self.pre > 0 {
            self.kind = BlockKind::Code;
        }
        let text = if kind == BlockKind::Code { text } else { lines(&text) };
        let bare = text.trim_matches(is_blank);
        if bare.is_empty() || (kind == BlockKind::Item && bare == "•") {
            return;
        }
        match kind {
            BlockKind::Heading { level } => {
                let title = folded(&text);
                self.outline.push(OutlineItem { level, title: title.clone(), page: 0 });
                page.block(BlockKind::Heading { level }, &title);
            }
            BlockKind::Item => {
                let indent = text.len() - text.trim_start_matches(' ').len();
                page.item(indent, bare);
            }
            kind => page.block(kind, &text),
        }
    }

    /// A table of data, unlike one that only lays out a page: no table, list or long text in its cells.
    fn is_data(&self, table: usize) -> bool {
        let mut stack: Vec<usize> = self.dom.children(table).to_vec();
        let (mut cells, mut rows, mut longest) = (0, 0, 0);
        while let Some(id) = stack.pop() {
            match self.dom.name(id) {
                "table" | "h1" | "h2" | "form" => return false,
                "tr" => rows += 1,
                "td" | "th" => {
                    cells += 1;
                    longest = longest.max(self.dom.text(id).len());
                }
                _ => {}
            }
            stack.extend(self.dom.children(id));
            if cells > 200_000 {
                break;
            }
        }
        let presentation = self.dom.node(table).is_some_and(|node| node.attr("role") == "presentation");
        cells > 1 && !presentation && (longest < 2000 || cells > 12) && rows > 0
    }

    fn table(&mut self, table: usize, page: &mut PageBuilder) {
        let mut rows = Vec::new();
        let mut stack: Vec<usize> = self.dom.children(table).iter().rev().copied().collect();
        while let Some(id) = stack.pop() {
            match self.dom.name(id) {
                "tr" => rows.push(id),
                "caption" => page.block(BlockKind::Paragraph, &folded(&self.dom.text(id))),
                _ => stack.extend(self.dom.children(id).iter().rev()),
            }
        }
        // Of each column: rows that a cell above still reaches over, its text, and whether it names them.
        let mut reaching: Vec<(u32, String, bool)> = Vec::new();
        let mut data = false;
        let last = rows.len().saturating_sub(1);
        for (at, row) in rows.into_iter().enumerate() {
            let cells: Vec<usize> =
                self.dom.children(row).iter().copied().filter(|id| matches!(self.dom.name(*id), "td" | "th")).collect();
            let header = !data && !cells.is_empty() && cells.iter().all(|id| self.dom.name(*id) == "th");
            data |= !header;
            let mut texts: Vec<String> = Vec::new();
            let above = |texts: &mut Vec<String>, reaching: &mut Vec<(u32, String, bool)>, again: &mut Again| {
                while let Some((rows, text, names)) = reaching.get_mut(texts.len())
                    && *rows > 0
                {
                    *rows -= 1;
                    texts.push(again.of(text, *names).to_owned());
                }
            };
            // A row of nothing but cells that go on below says nothing that the next one does not.
            let mut only_reaching = true;
            // A title over the whole table is one cell.
            let alone = cells.len() == 1 && reaching.iter().all(|(rows, ..)| *rows == 0);
            for id in cells {
                above(&mut texts, &mut reaching, &mut self.again);
                let span =
                    |name: &str| self.dom.node(id).and_then(|node| node.attr(name).parse::<u32>().ok()).unwrap_or(1);
                let (down, across) = (span("rowspan").clamp(1, 5000), span("colspan").clamp(1, 100));
                let text = if self.kept.is_left_out(id) { String::new() } else { self.cell(id) };
                only_reaching &= down > 1 || text.is_empty();
                let names = self.dom.name(id) == "th";
                for n in 0..if alone { 1 } else { across } {
                    let column = texts.len();
                    if column >= MAX_COLUMNS {
                        break;
                    }
                    let here = if n == 0 { text.as_str() } else { self.again.of(&text, names) };
                    if reaching.len() <= column {
                        reaching.resize(column + 1, (0, String::new(), false));
                    }
                    if let Some(below) = reaching.get_mut(column) {
                        *below = (down - 1, if down > 1 { here.to_owned() } else { String::new() }, names);
                    }
                    texts.push(here.to_owned());
                }
            }
            above(&mut texts, &mut reaching, &mut self.again);
            if only_reaching && at < last {
                continue;
            }
            page.row(header, None, &texts);
        }
    }

    /// A cell's text on one line.
    fn cell(&self, cell: usize) -> String {
        let mut out = String::new();
        let mut stack: Vec<usize> = vec![cell];
        while let Some(id) = stack.pop() {
            if self.kept.is_left_out(id) {
                continue;
            }
            let Some(node) = self.dom.node(id) else { continue };
            if is_block(&node.name) || &*node.name == "br" {
                out.push(' ');
            }
            push_inline(&mut out, &node.text);
            stack.extend(node.children.iter().rev());
        }
        folded(&out)
    }
}

/// Appends text with white space folded, across the pieces too.
fn push_inline(out: &mut String, text: &str) {
    if text.starts_with(is_blank) && !out.is_empty() && !out.ends_with(is_blank) {
        out.push(' ');
    }
    let mut first = true;
    for word in text.split(is_blank).filter(|word| !word.is_empty()) {
        if !first {
            out.push(' ');
        }
        out.push_str(word);
        first = false;
    }
    if !first && text.ends_with(is_blank) {
        out.push(' ');
    }
}

/// Lines with blanks at their ends removed, and empty ones left out.
fn lines(text: &str) -> String {
    let mut out = String::new();
    for line in text.split('\n') {
        let line = line.trim_end_matches(is_blank);
        let line = if out.is_empty() { line } else { line.trim_start_matches(is_blank) };
        if line.trim_matches(is_blank).is_empty() {
            continue;
        }
        out.push_str(if out.is_empty() { "" } else { "\n" });
        out.push_str(line);
    }
    out
}

fn is_block(name: &str) -> bool {
    matches!(
        name,
        "address"
            | "article"
            | "aside"
            | "blockquote"
            | "body"
            | "caption"
            | "center"
            | "dd"
            | "details"
            | "dialog"
            | "dir"
            | "div"
            | "dl"
            | "dt"
            | "fieldset"
            | "figcaption"
            | "figure"
            | "footer"
            | "form"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "header"
            | "hgroup"
            | "hr"
            | "html"
            | "legend"
            | "li"
            | "listing"
            | "main"
            | "menu"
            | "nav"
            | "ol"
            | "option"
            | "p"
            | "pre"
            | "search"
            | "section"
            | "summary"
            | "table"
            | "tbody"
            | "textarea"
            | "tfoot"
            | "thead"
            | "tr"
            | "ul"
            | "xmp"
    )
}
