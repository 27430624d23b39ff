//! A small tree over XML parts of office files and books. Entities that a file declares itself are never expanded.

use crate::ReadError;
use crate::decode::decode;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::collections::HashMap;
use std::ops::Range;

/// Elements and texts one part may have.
const MAX_NODES: usize = 6_000_000;
/// Elements within elements.
const MAX_DEPTH: usize = 400;
const NONE: u32 = u32::MAX;

/// A parsed part.
pub(crate) struct Xml {
    names: Vec<String>,
    nodes: Vec<Node>,
    attrs: Vec<(u32, Range<u32>)>,
    text: String,
}

struct Node {
    /// Index of the local name; `NONE` for text.
    name: u32,
    first: u32,
    last: u32,
    next: u32,
    attrs: Range<u32>,
    text: Range<u32>,
}

/// An element (or text) of a part.
#[derive(Clone, Copy)]
pub(crate) struct El<'a> {
    xml: &'a Xml,
    id: u32,
}

impl Xml {
    /// Parses a part; what follows a fault is left out, and a part without any element is `Damaged`.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Xml, ReadError> {
        let source = decode(bytes).0;
        let mut reader = Reader::from_str(&source);
        reader.config_mut().check_end_names = false;
        reader.config_mut().allow_unmatched_ends = true;
        let mut builder = Builder::new();
        loop {
            match reader.read_event() {
                Ok(Event::Start(start)) => builder.open(&start)?,
                Ok(Event::Empty(start)) => {
                    builder.open(&start)?;
                    builder.close();
                }
                Ok(Event::End(_)) => builder.close(),
                Ok(Event::Text(text)) => builder.text(&text.into_inner())?,
                Ok(Event::CData(text)) => builder.text(&text.into_inner())?,
                Ok(Event::GeneralRef(reference)) => {
                    let named = match &*reference {
                        "lt" => Some('<'),
                        "gt" => Some('>'),
                        "amp" => Some('&'),
                        "quot" => Some('"'),
                        "apos" => Some('\''),
                        "nbsp" => Some(' '),
                        _ => reference.resolve_char_ref().ok().flatten(),
                    };
                    if let Some(c) = named {
                        builder.text(c.encode_utf8(&mut [0; 4]))?;
                    }
                }
                Ok(Event::Eof) | Err(_) => break,
                Ok(_) => {}
            }
        }
        let xml = builder.xml;
        if xml.nodes.len() < 2 {
            return Err(ReadError::damaged("one of its parts is not XML"));
        }
        Ok(xml)
    }

    pub(crate) fn root(&self) -> El<'_> {
        let document = El { xml: self, id: 0 };
        document.children().find(|child| !child.is_text()).unwrap_or(document)
    }
}

struct Builder {
    xml: Xml,
    known: HashMap<String, u32>,
    stack: Vec<u32>,
    /// Elements left out because they lie too deep.
    skipped: usize,
}

impl Builder {
    fn new() -> Self {
        let document = Node { name: 0, first: NONE, last: NONE, next: NONE, attrs: 0..0, text: 0..0 };
        let xml = Xml { names: vec![String::new()], nodes: vec![document], attrs: Vec::new(), text: String::new() };
        Self { xml, known: HashMap::new(), stack: vec![0], skipped: 0 }
    }

    fn name(&mut self, name: &str) -> u32 {
        if let Some(id) = self.known.get(name) {
            return *id;
        }
        let id = self.xml.names.len() as u32;
        self.xml.names.push(name.to_owned());
        self.known.insert(name.to_owned(), id);
        id
    }

    fn add(&mut self, node: Node) -> Result<u32, ReadError> {
        if self.xml.nodes.len() >= MAX_NODES || self.xml.text.len() > (1 << 30) {
            return Err(ReadError::Bomb { why: "one of its parts has millions of elements".to_owned() });
        }
        let id = self.xml.nodes.len() as u32;
        self.xml.nodes.push(node);
        let parent = self.stack.last().copied().unwrap_or(0);
        let before = match self.xml.nodes.get_mut(parent as usize) {
            Some(parent) => {
                let before = parent.last;
                parent.last = id;
                if parent.first == NONE {
                    parent.first = id;
                }
                before
            }
            None => NONE,
        };
        if let Some(before) = self.xml.nodes.get_mut(before as usize) {
            before.next = id;
        }
        Ok(id)
    }

    fn keep(&mut self, text: &str) -> Range<u32> {
        let start = self.xml.text.len() as u32;
        self.xml.text.push_str(text);
        start..self.xml.text.len() as u32
    }

    fn open(&mut self, start: &BytesStart<'_>) -> Result<(), ReadError> {
        if self.skipped > 0 || self.stack.len() > MAX_DEPTH {
            self.skipped += 1;
            return Ok(());
        }
        let name = self.name(start.local_name().as_ref());
        let first = self.xml.attrs.len() as u32;
        for attr in start.attributes().with_checks(false).flatten() {
            // Names of vocabularies say nothing to a reader.
            if attr.key.as_ref().starts_with("xmlns") {
                continue;
            }
            let key = self.name(attr.key.local_name().as_ref());
            let value = match quick_xml::escape::unescape(&attr.value) {
                Ok(value) => self.keep(&value),
                Err(_) => self.keep(&attr.value),
            };
            self.xml.attrs.push((key, value));
        }
        let attrs = first..self.xml.attrs.len() as u32;
        let id = self.add(Node { name, first: NONE, last: NONE, next: NONE, attrs, text: 0..0 })?;
        self.stack.push(id);
        Ok(())
    }

    fn close(&mut self) {
        if self.skipped > 0 {
            self.skipped -= 1;
        } else if self.stack.len() > 1 {
            self.stack.pop();
        }
    }

    fn text(&mut self, text: &str) -> Result<(), ReadError> {
        if self.skipped == 0 && !text.is_empty() {
            let text = self.keep(text);
            self.add(Node { name: NONE, first: NONE, last: NONE, next: NONE, attrs: 0..0, text })?;
        }
        Ok(())
    }
}

impl<'a> El<'a> {
    fn node(&self) -> Option<&'a Node> {
        self.xml.nodes.get(self.id as usize)
    }

    pub(crate) fn is_text(&self) -> bool {
        self.node().is_some_and(|node| node.name == NONE)
    }

    /// The local name; empty for text.
    pub(crate) fn name(&self) -> &'a str {
        self.node().and_then(|node| self.xml.names.get(node.name as usize)).map_or("", String::as_str)
    }

    /// The first attribute with this local name.
    pub(crate) fn attr(&self, name: &str) -> Option<&'a str> {
        self.attrs_named(name).next()
    }

    /// All attributes with their local names.
    pub(crate) fn attrs(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let xml = self.xml;
        let range = self.node().map_or(0..0, |node| node.attrs.clone());
        let attrs = xml.attrs.get(range.start as usize..range.end as usize).unwrap_or_default();
        attrs.iter().filter_map(move |(key, text)| {
            let value = xml.text.get(text.start as usize..text.end as usize)?;
            Some((xml.names.get(*key as usize)?.as_str(), value))
        })
    }

    /// Every attribute with this local name; prefixes may tell several apart.
    pub(crate) fn attrs_named(&self, name: &str) -> impl Iterator<Item = &'a str> {
        let xml = self.xml;
        let range = self.node().map_or(0..0, |node| node.attrs.clone());
        let attrs = xml.attrs.get(range.start as usize..range.end as usize).unwrap_or_default();
        let named = attrs.iter().filter(move |(key, _)| xml.names.get(*key as usize).is_some_and(|key| key == name));
        named.filter_map(move |(_, text)| xml.text.get(text.start as usize..text.end as usize))
    }

    /// Elements and texts directly inside.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = El<'a>> + use<'a> {
        let xml = self.xml;
        let mut next = self.node().map_or(NONE, |node| node.first);
        std::iter::from_fn(move || {
            let id = next;
            next = xml.nodes.get(id as usize)?.next;
            Some(El { xml, id })
        })
    }

    /// Elements directly inside.
    pub(crate) fn children(&self) -> impl Iterator<Item = El<'a>> + use<'a> {
        self.nodes().filter(|node| !node.is_text())
    }

    /// The first element with this name directly inside.
    pub(crate) fn child(&self, name: &str) -> Option<El<'a>> {
        self.children().find(|child| child.name() == name)
    }

    /// The element at the end of a path of first children.
    pub(crate) fn path(&self, names: &[&str]) -> Option<El<'a>> {
        names.iter().try_fold(*self, |at, name| at.child(name))
    }

    /// Every element inside with this name, in document order, at any depth.
    pub(crate) fn all(&self, name: &str) -> Vec<El<'a>> {
        let mut found = Vec::new();
        let mut stack = vec![*self];
        while let Some(el) = stack.pop() {
            if el.name() == name && el.id != self.id {
                found.push(el);
            }
            let at = stack.len();
            stack.extend(el.children());
            if let Some(added) = stack.get_mut(at..) {
                added.reverse();
            }
        }
        found
    }

    /// This node's own text, where it is a text.
    pub(crate) fn own_text(&self) -> &'a str {
        self.node().and_then(|node| self.xml.text.get(node.text.start as usize..node.text.end as usize)).unwrap_or("")
    }

    /// All text inside, in document order.
    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        let mut stack = vec![*self];
        while let Some(el) = stack.pop() {
            if el.is_text() {
                out.push_str(el.own_text());
            }
            let at = stack.len();
            stack.extend(el.nodes());
            if let Some(added) = stack.get_mut(at..) {
                added.reverse();
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_can_be_walked() {
        let xml = Xml::parse(b"<?xml version='1.0'?><a:r xmlns:a='u' x='1 &amp; 2'><b>one &lt;</b><c><b><![CDATA[two]]></b></c>&#x41;</a:r>").unwrap();
        let root = xml.root();
        assert_eq!((root.name(), root.attr("x")), ("r", Some("1 & 2")));
        assert_eq!(root.text(), "one <twoA");
        assert_eq!(root.all("b").iter().map(El::text).collect::<Vec<_>>(), ["one <", "two"]);
        assert_eq!(root.path(&["c", "b"]).map(|b| b.text()).as_deref(), Some("two"));
    }

    #[test]
    fn entities_of_the_files_own_are_not_expanded() {
        let bomb = b"<!DOCTYPE r [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'><!ENTITY x SYSTEM 'file:///etc/passwd'>]><r>x&b;&x;y</r>";
        assert_eq!(Xml::parse(bomb).unwrap().root().text(), "xy");
    }

    #[test]
    fn depth_and_faults_are_survived() {
        let deep = format!("{}x{}", "<a>".repeat(100_000), "</a>".repeat(100_000));
        assert_eq!(Xml::parse(deep.as_bytes()).unwrap().root().name(), "a");
        assert_eq!(Xml::parse(b"<a><b>one</b><c").unwrap().root().text(), "one");
        assert!(Xml::parse(b"no markup").is_err() || Xml::parse(b"no markup").unwrap().root().text().contains("no"));
    }
}
