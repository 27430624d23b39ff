//! The tree of a web page, in one arena. html5ever parses; depth and size are limited here.

use html5ever::interface::{ElemName, ElementFlags, NodeOrText, QuirksMode, TreeSink};
use html5ever::tendril::{StrTendril, TendrilSink};
use html5ever::{Attribute, ExpandedName, LocalName, Namespace, QualName, parse_document};
use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// Nodes one page may have.
const MAX_NODES: usize = 3_000_000;
/// Elements deeper than this hang from the one at this depth.
const MAX_DEPTH: u32 = 300;
/// Parsing stops at a page nested deeper than this: the parser's work grows with the square of it.
const MAX_TRUE_DEPTH: u32 = 3_000;
/// Nodes beyond one per byte that a page may have: unclosed marks are repeated in every paragraph that follows.
const MAX_EXTRA_NODES: usize = 50_000;
/// Bytes given to the parser before looking at what became of them.
const STEP_BYTES: usize = 2 * 1024;
/// Text of attributes that is kept, which is looked at for names only.
const MAX_ATTR: usize = 400;

/// A node: an element with children, or text.
pub(super) struct Node {
    /// Lower-case local name; empty for text and the document itself.
    pub(super) name: Rc<str>,
    pub(super) attrs: Vec<(Rc<str>, String)>,
    pub(super) text: String,
    pub(super) children: Vec<usize>,
    pub(super) parent: usize,
    depth: u32,
    true_depth: u32,
}

impl Node {
    pub(super) fn attr(&self, name: &str) -> &str {
        self.attrs.iter().find(|(key, _)| &**key == name).map_or("", |(_, value)| value.as_str())
    }

    pub(super) fn has_attr(&self, name: &str) -> bool {
        self.attrs.iter().any(|(key, _)| &**key == name)
    }
}

/// A parsed page; node 0 is the document.
pub(super) struct Dom {
    pub(super) nodes: Vec<Node>,
    /// Parsing stopped early.
    pub(super) cut: bool,
}

impl Dom {
    pub(super) fn parse(source: &str) -> Dom {
        let sink = Sink::new();
        let (full, count) = (sink.full.clone(), sink.count.clone());
        let mut parser = parse_document(sink, Default::default());
        let mut rest = source;
        while !rest.is_empty() && !full.get() {
            let mut at = rest.len().min(STEP_BYTES);
            while !rest.is_char_boundary(at) {
                at += 1;
            }
            let (head, tail) = rest.split_at(at);
            parser.process(StrTendril::from_slice(head));
            rest = tail;
            if count.get() > MAX_EXTRA_NODES + (source.len() - rest.len()) {
                full.set(true);
            }
        }
        let nodes = parser.finish();
        Dom { nodes, cut: full.get() }
    }

    pub(super) fn node(&self, id: usize) -> Option<&Node> {
        self.nodes.get(id)
    }

    pub(super) fn name(&self, id: usize) -> &str {
        self.nodes.get(id).map_or("", |node| &node.name)
    }

    pub(super) fn children(&self, id: usize) -> &[usize] {
        self.nodes.get(id).map_or(&[], |node| &node.children)
    }

    /// The first element with this name, in document order.
    pub(super) fn first(&self, name: &str) -> Option<usize> {
        let mut stack = vec![0];
        while let Some(id) = stack.pop() {
            if self.name(id) == name {
                return Some(id);
            }
            stack.extend(self.children(id).iter().rev());
        }
        None
    }

    /// All text below a node.
    pub(super) fn text(&self, id: usize) -> String {
        let mut out = String::new();
        let mut stack = vec![id];
        while let Some(id) = stack.pop() {
            let Some(node) = self.node(id) else { continue };
            out.push_str(&node.text);
            if !matches!(&*node.name, "script" | "style") {
                stack.extend(node.children.iter().rev());
            }
        }
        out
    }
}

/// A node's number with the name that the parser asks for again and again.
#[derive(Clone, Debug)]
pub(super) struct Handle {
    id: usize,
    name: Rc<QualName>,
}

#[derive(Debug)]
pub(super) struct Name<'a>(&'a QualName);

impl ElemName for Name<'_> {
    fn ns(&self) -> &Namespace {
        &self.0.ns
    }

    fn local_name(&self) -> &LocalName {
        &self.0.local
    }

    fn expanded(&self) -> ExpandedName<'_> {
        self.0.expanded()
    }
}

struct Sink {
    nodes: RefCell<Vec<Node>>,
    full: Rc<Cell<bool>>,
    count: Rc<Cell<usize>>,
    nameless: Rc<QualName>,
    names: RefCell<std::collections::HashMap<String, Rc<str>>>,
}

impl Sink {
    fn new() -> Self {
        let root = Node {
            name: "".into(),
            attrs: Vec::new(),
            text: String::new(),
            children: Vec::new(),
            parent: 0,
            depth: 0,
            true_depth: 0,
        };
        Self {
            nodes: RefCell::new(vec![root]),
            full: Rc::new(Cell::new(false)),
            count: Rc::new(Cell::new(0)),
            nameless: Rc::new(QualName::new(None, Namespace::default(), LocalName::default())),
            names: RefCell::default(),
        }
    }

    fn shared(&self, name: &str) -> Rc<str> {
        let mut names = self.names.borrow_mut();
        if let Some(known) = names.get(name) {
            return known.clone();
        }
        let new: Rc<str> = name.into();
        if names.len() < 4096 {
            names.insert(name.to_owned(), new.clone());
        }
        new
    }

    fn add(&self, name: Rc<str>, attrs: Vec<(Rc<str>, String)>, text: String) -> usize {
        let mut nodes = self.nodes.borrow_mut();
        if nodes.len() >= MAX_NODES {
            self.full.set(true);
            return 0;
        }
        nodes.push(Node { name, attrs, text, children: Vec::new(), parent: 0, depth: 0, true_depth: 0 });
        self.count.set(nodes.len());
        nodes.len() - 1
    }

    fn nameless(&self, id: usize) -> Handle {
        Handle { id, name: self.nameless.clone() }
    }

    /// Appends at `at` of the parent's children, or last.
    fn attach(&self, parent: usize, child: usize, at: Option<usize>) {
        if child == 0 || child == parent {
            return;
        }
        let mut nodes = self.nodes.borrow_mut();
        let Some((mut depth, true_depth)) = nodes.get(parent).map(|node| (node.depth, node.true_depth)) else { return };
        let mut host = parent;
        if depth >= MAX_DEPTH
            && let Some(node) = nodes.get(parent)
        {
            host = node.parent;
            depth = MAX_DEPTH - 1;
        }
        if true_depth > MAX_TRUE_DEPTH {
            self.full.set(true);
        }
        if let Some(node) = nodes.get_mut(child) {
            node.parent = host;
            node.depth = depth + 1;
            node.true_depth = true_depth + 1;
        }
        if let Some(host) = nodes.get_mut(host) {
            match at {
                Some(at) if at <= host.children.len() => host.children.insert(at, child),
                _ => host.children.push(child),
            }
        }
    }

    fn insert(&self, parent: usize, new: NodeOrText<Handle>, at: Option<usize>) {
        match new {
            NodeOrText::AppendNode(handle) => {
                self.detach(handle.id);
                self.attach(parent, handle.id, at);
            }
            NodeOrText::AppendText(text) => {
                {
                    let mut nodes = self.nodes.borrow_mut();
                    let siblings = nodes.get(parent).map_or(&[][..], |node| &node.children);
                    let before = match at {
                        Some(at) => at.checked_sub(1).and_then(|at| siblings.get(at)),
                        None => siblings.last(),
                    };
                    if let Some(before) = before.copied()
                        && let Some(node) = nodes.get_mut(before)
                        && node.name.is_empty()
                    {
                        node.text.push_str(&text);
                        return;
                    }
                }
                let id = self.add("".into(), Vec::new(), text.to_string());
                self.attach(parent, id, at);
            }
        }
    }

    fn detach(&self, id: usize) {
        let mut nodes = self.nodes.borrow_mut();
        let Some(parent) = nodes.get(id).map(|node| node.parent) else { return };
        if let Some(parent) = nodes.get_mut(parent)
            && let Some(at) = parent.children.iter().rposition(|child| *child == id)
        {
            parent.children.remove(at);
        }
    }

    fn place_of(&self, id: usize) -> Option<(usize, usize)> {
        let nodes = self.nodes.borrow();
        let parent = nodes.get(id)?.parent;
        let at = nodes.get(parent)?.children.iter().rposition(|child| *child == id)?;
        Some((parent, at))
    }
}

impl TreeSink for Sink {
    type Handle = Handle;
    type Output = Vec<Node>;
    type ElemName<'a> = Name<'a>;

    fn finish(self) -> Vec<Node> {
        self.nodes.into_inner()
    }

    fn parse_error(&self, _: Cow<'static, str>) {}

    fn get_document(&self) -> Handle {
        self.nameless(0)
    }

    fn elem_name<'a>(&'a self, target: &'a Handle) -> Name<'a> {
        Name(&target.name)
    }

    fn create_element(&self, name: QualName, attrs: Vec<Attribute>, _: ElementFlags) -> Handle {
        let kept = attrs.into_iter().take(40).map(|attr| {
            let value: String = attr.value.chars().take(MAX_ATTR).collect();
            (self.shared(&attr.name.local), value)
        });
        let id = self.add(self.shared(&name.local), kept.collect(), String::new());
        Handle { id, name: Rc::new(name) }
    }

    fn create_comment(&self, _: StrTendril) -> Handle {
        self.nameless(0)
    }

    fn create_pi(&self, _: StrTendril, _: StrTendril) -> Handle {
        self.nameless(0)
    }

    fn append(&self, parent: &Handle, child: NodeOrText<Handle>) {
        self.insert(parent.id, child, None);
    }

    fn append_based_on_parent_node(&self, element: &Handle, before: &Handle, child: NodeOrText<Handle>) {
        match self.place_of(element.id) {
            Some(_) => self.append_before_sibling(element, child),
            None => self.append(before, child),
        }
    }

    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}

    fn get_template_contents(&self, target: &Handle) -> Handle {
        target.clone()
    }

    fn same_node(&self, x: &Handle, y: &Handle) -> bool {
        x.id == y.id
    }

    fn set_quirks_mode(&self, _: QuirksMode) {}

    fn append_before_sibling(&self, sibling: &Handle, new: NodeOrText<Handle>) {
        if let NodeOrText::AppendNode(handle) = &new {
            self.detach(handle.id);
        }
        if let Some((parent, at)) = self.place_of(sibling.id) {
            self.insert(parent, new, Some(at));
        }
    }

    fn add_attrs_if_missing(&self, target: &Handle, attrs: Vec<Attribute>) {
        let attrs: Vec<_> =
            attrs.iter().take(40).map(|attr| (self.shared(&attr.name.local), attr.value.to_string())).collect();
        if let Some(node) = self.nodes.borrow_mut().get_mut(target.id) {
            for (name, value) in attrs {
                if !node.has_attr(&name) {
                    node.attrs.push((name, value));
                }
            }
        }
    }

    fn remove_from_parent(&self, target: &Handle) {
        self.detach(target.id);
    }

    fn reparent_children(&self, node: &Handle, new_parent: &Handle) {
        let children = {
            let mut nodes = self.nodes.borrow_mut();
            nodes.get_mut(node.id).map(|node| std::mem::take(&mut node.children)).unwrap_or_default()
        };
        for child in children {
            self.attach(new_parent.id, child, None);
        }
    }
}
