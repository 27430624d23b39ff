//! Values within values as a page: what is named becomes a heading, lists of records become tables, the rest lines.

use crate::builder::{PageBuilder, folded};
use hearth_domain::{BlockKind, OutlineItem};

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    /// Words.
    Text(String),
    /// A number or another word, as it is written.
    Word(String),
    List(Vec<Node>),
    /// Values by their names, in order.
    Map(Vec<(String, Node)>),
}

/// Columns of a table that records make.
const MAX_COLUMNS: usize = 40;
/// Headings within headings; what lies deeper is written in lines.
const MAX_LEVEL: u8 = 5;
/// Letters of a name in a heading.
const MAX_NAME: usize = 120;
/// A list of words that together are shorter stands in one line.
const SHORT: usize = 300;

impl Node {
    /// A value without values inside, in one line.
    fn plain(&self) -> Option<String> {
        match self {
            Self::Text(text) | Self::Word(text) => Some(text.clone()),
            Self::List(items) if items.is_empty() => Some(String::new()),
            Self::Map(members) if members.is_empty() => Some(String::new()),
            Self::List(items) if items.len() <= 24 => {
                let words: Option<Vec<String>> = items
                    .iter()
                    .map(|item| match item {
                        Self::Text(text) | Self::Word(text) if !text.contains('\n') => Some(text.clone()),
                        _ => None,
                    })
                    .collect();
                words.map(|words| words.join(", ")).filter(|line| line.chars().count() <= SHORT)
            }
            _ => None,
        }
    }

    /// The value of a name.
    pub(super) fn get(&self, name: &str) -> Option<&Node> {
        match self {
            Self::Map(members) => members.iter().find(|(known, _)| known == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The items of a list; none of anything else.
    pub(super) fn items(&self) -> &[Node] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }

    /// Words, where the value is such.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The first of some names that stands for short words.
    pub(super) fn named(&self, names: &[&str]) -> Option<String> {
        let text = names.iter().find_map(|name| self.get(name)?.text()).map(folded)?;
        (!text.is_empty() && text.chars().count() <= MAX_NAME).then_some(text)
    }
}

/// Writes a value, and gives its headings. Nothing is written once there are `most` bytes.
pub(super) fn write(root: &Node, page: &mut PageBuilder, most: usize) -> Vec<OutlineItem> {
    let mut writer = Writer { page, outline: Vec::new(), most };
    writer.value("", root, 1);
    writer.outline
}

struct Writer<'p> {
    page: &'p mut PageBuilder,
    outline: Vec<OutlineItem>,
    most: usize,
}

impl Writer<'_> {
    fn is_full(&self) -> bool {
        self.page.len() > self.most
    }

    fn heading(&mut self, level: u8, name: &str) {
        let mut title: String = folded(name);
        if let Some((at, _)) = title.char_indices().nth(MAX_NAME) {
            title.truncate(at);
            title.push('…');
        }
        if title.is_empty() {
            return;
        }
        self.page.block(BlockKind::Heading { level }, &title);
        self.outline.push(OutlineItem { level, title, page: 0 });
    }

    /// `path` names the value where there is no heading of its own.
    fn value(&mut self, path: &str, value: &Node, level: u8) {
        if self.is_full() {
            return;
        }
        if let Some(line) = value.plain() {
            self.page.block(BlockKind::Paragraph, &named(path, &line));
            return;
        }
        match value {
            Node::Map(members) => self.map(path, members, level),
            Node::List(items) => self.list(path, items, level),
            Node::Text(_) | Node::Word(_) => {}
        }
    }

    fn map(&mut self, path: &str, members: &[(String, Node)], level: u8) {
        let mut lines = String::new();
        for (name, value) in members {
            let whole = joined(path, name);
            if let Some(line) = value.plain() {
                if !lines.is_empty() {
                    lines.push('\n');
                }
                lines.push_str(&named(&whole, &line));
                if lines.len() > self.most {
                    break;
                }
                continue;
            }
            self.page.block(BlockKind::Paragraph, &std::mem::take(&mut lines));
            if level <= MAX_LEVEL {
                self.heading(level, name);
                self.value("", value, level + 1);
            } else {
                self.value(&whole, value, level);
            }
        }
        self.page.block(BlockKind::Paragraph, &lines);
    }

    fn list(&mut self, path: &str, items: &[Node], level: u8) {
        if let Some(columns) = columns(items) {
            let head: Vec<&str> = columns.iter().map(|name| name.as_str()).collect();
            self.page.row(true, None, &head);
            for (i, item) in items.iter().enumerate() {
                if self.is_full() {
                    return;
                }
                let cell = |name: &&String| item.get(name).and_then(Node::plain).unwrap_or_default();
                let cells: Vec<String> = columns.iter().map(cell).collect();
                self.page.row(false, Some(format!("{path}[{i}]")), &cells);
            }
            return;
        }
        for (i, item) in items.iter().enumerate() {
            if self.is_full() {
                return;
            }
            match item.plain() {
                Some(line) if matches!(item, Node::Text(_)) && line.chars().count() > SHORT => {
                    self.page.block(BlockKind::Paragraph, &line);
                }
                Some(line) => self.page.item(0, &format!("• {line}")),
                None if level <= MAX_LEVEL => {
                    let name = item.named(&["title", "name", "label", "id", "key"]);
                    self.heading(level, &name.unwrap_or_else(|| format!("{path}[{i}]")));
                    self.value("", item, level + 1);
                }
                None => self.value(&format!("{path}[{i}]"), item, level),
            }
        }
    }
}

fn joined(path: &str, name: &str) -> String {
    let name: String = folded(name).chars().take(MAX_NAME).collect();
    if path.is_empty() { name } else { format!("{path}.{name}") }
}

fn named(path: &str, line: &str) -> String {
    if path.is_empty() { line.to_owned() } else { format!("{path}: {line}") }
}

/// The names that records of a list have, where each is one line and they are alike.
fn columns(items: &[Node]) -> Option<Vec<&String>> {
    if items.len() < 2 {
        return None;
    }
    let mut columns: Vec<&String> = Vec::new();
    let mut known = std::collections::HashSet::new();
    let mut cells = 0;
    for item in items {
        let Node::Map(members) = item else { return None };
        for (name, value) in members {
            if value.plain().is_none_or(|line| line.chars().count() > 1000) {
                return None;
            }
            if known.insert(name) {
                columns.push(name);
            }
        }
        cells += members.len();
        if columns.len() > MAX_COLUMNS {
            return None;
        }
    }
    // Half of the table at least is filled.
    (columns.len() > 1 && cells * 2 >= columns.len() * items.len()).then_some(columns)
}
