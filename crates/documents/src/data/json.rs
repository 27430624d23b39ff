//! JSON as it is found: names keep their order, numbers their spelling; comments and commas at the end are passed over, and a
//! file that is cut off is read as far as it goes.

use super::tree::Node;

/// Lists within lists that are followed; deeper ones stay as they are written.
const MAX_DEPTH: usize = 100;
/// Values of one file.
const MAX_NODES: usize = 3_000_000;

/// The value of a text, or the list of its values where several follow one another; none where it is no JSON.
pub(super) fn parse(text: &str) -> Option<Node> {
    let mut parser = Parser { text, at: 0, nodes: 0, broken: false };
    let mut values = Vec::new();
    loop {
        parser.blank();
        if parser.at >= text.len() {
            break;
        }
        values.push(parser.value(0)?);
        if parser.broken {
            break;
        }
        parser.blank();
        // Values may be parted by commas or by the mark of a record.
        while matches!(parser.peek(), Some(b',' | 0x1e)) {
            parser.at += 1;
        }
    }
    match values.len() {
        0 => None,
        1 => values.pop().filter(|value| matches!(value, Node::List(_) | Node::Map(_)) || !parser.broken),
        _ => Some(Node::List(values)),
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    nodes: usize,
    /// The text ended too early or went wrong; what there is stands.
    broken: bool,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Passes over white space and comments.
    fn blank(&mut self) {
        while let Some(byte) = self.peek() {
            let rest = self.text.get(self.at..).unwrap_or_default();
            match byte {
                b' ' | b'\n' | b'\r' | b'\t' => self.at += 1,
                b'/' if rest.starts_with("//") => self.at += rest.find('\n').unwrap_or(rest.len()),
                b'/' if rest.starts_with("/*") => self.at += rest.find("*/").map_or(rest.len(), |end| end + 2),
                _ if rest.starts_with('\u{feff}') => self.at += 3,
                _ => return,
            }
        }
    }

    /// One value; none where nothing like one stands here.
    fn value(&mut self, depth: usize) -> Option<Node> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return None;
        }
        match self.peek()? {
            b'{' if depth < MAX_DEPTH => self.map(depth),
            b'[' if depth < MAX_DEPTH => self.list(depth),
            b'{' | b'[' => Some(Node::Word(self.nested())),
            b'"' => Some(Node::Text(self.string())),
            _ => self.word().map(Node::Word),
        }
    }

    fn map(&mut self, depth: usize) -> Option<Node> {
        self.at += 1;
        let mut members = Vec::new();
        loop {
            self.blank();
            let name = match self.peek() {
                Some(b'}') => {
                    self.at += 1;
                    return Some(Node::Map(members));
                }
                Some(b',') => {
                    self.at += 1;
                    continue;
                }
                Some(b'"') => self.string(),
                _ => match self.word() {
                    Some(name) => name,
                    None => break,
                },
            };
            self.blank();
            if self.peek() != Some(b':') {
                break;
            }
            self.at += 1;
            self.blank();
            match self.value(depth + 1) {
                Some(value) => members.push((name, value)),
                None if self.nodes > MAX_NODES => return None,
                None => break,
            }
            if self.broken {
                break;
            }
        }
        self.broken = true;
        (!members.is_empty()).then_some(Node::Map(members))
    }

    fn list(&mut self, depth: usize) -> Option<Node> {
        self.at += 1;
        let mut items = Vec::new();
        loop {
            self.blank();
            match self.peek() {
                Some(b']') => {
                    self.at += 1;
                    return Some(Node::List(items));
                }
                Some(b',') => {
                    self.at += 1;
                    continue;
                }
                _ => {}
            }
            match self.value(depth + 1) {
                Some(value) => items.push(value),
                None if self.nodes > MAX_NODES => return None,
                None => break,
            }
            if self.broken {
                break;
            }
        }
        self.broken = true;
        (!items.is_empty()).then_some(Node::List(items))
    }

    /// What lies too deep, as it is written.
    fn nested(&mut self) -> String {
        let start = self.at;
        let mut open = 0usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => {
                    self.string();
                    continue;
                }
                b'{' | b'[' => open += 1,
                b'}' | b']' => open = open.saturating_sub(1),
                _ => {}
            }
            self.at += 1;
            if open == 0 {
                break;
            }
        }
        self.text.get(start..self.at).unwrap_or_default().to_owned()
    }

    /// A number, `true`, `null`, or a name without quotes.
    fn word(&mut self) -> Option<String> {
        let rest = self.text.get(self.at..)?;
        let end = rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '+' | '-' | '.' | '_' | '$')));
        let word = rest.get(..end.unwrap_or(rest.len())).filter(|word| !word.is_empty() && word.len() < 400)?;
        self.at += word.len();
        Some(word.to_owned())
    }

    fn string(&mut self) -> String {
        self.at += 1;
        let mut out = String::new();
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            let Some(stop) = rest.find(['"', '\\']) else {
                out.push_str(rest);
                self.at = self.text.len();
                self.broken = true;
                return out;
            };
            out.push_str(rest.get(..stop).unwrap_or_default());
            self.at += stop + 1;
            if rest.as_bytes().get(stop) == Some(&b'"') {
                return out;
            }
            self.escape(&mut out);
        }
    }

    fn escape(&mut self, out: &mut String) {
        let Some(c) = self.text.get(self.at..).and_then(|rest| rest.chars().next()) else { return };
        self.at += c.len_utf8();
        match c {
            'n' => out.push('\n'),
            't' => out.push('\t'),
            'r' | 'b' | 'f' => {}
            'u' => {
                let first = self.unit();
                let second = match first {
                    Some(0xd800..=0xdbff) if self.text.get(self.at..).is_some_and(|rest| rest.starts_with("\\u")) => {
                        self.at += 2;
                        self.unit()
                    }
                    _ => None,
                };
                let units = first.into_iter().chain(second);
                out.extend(char::decode_utf16(units).map(|letter| letter.unwrap_or('\u{fffd}')));
            }
            c => out.push(c),
        }
    }

    fn unit(&mut self) -> Option<u16> {
        let digits = self.text.get(self.at..self.at.checked_add(4)?)?;
        let unit = u16::from_str_radix(digits, 16).ok()?;
        self.at += 4;
        Some(unit)
    }
}
