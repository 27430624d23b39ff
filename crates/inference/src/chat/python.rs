//! Calls of tools that are written as Python writes them: `[name(a=1, b='x')]`, with literals alone as values. What is
//! anything else is no call.

use serde_json::{Map, Number, Value};

/// Values within values, at most.
const DEPTH: usize = 32;

/// Reads one call or a list of calls: names, and arguments as JSON objects.
pub(super) fn calls(body: &str) -> Option<Vec<(String, String)>> {
    let mut reader = Reader { rest: body.trim() };
    let listed = reader.eat('[');
    let mut calls = Vec::new();
    loop {
        let name = reader.word("._-/:")?;
        let mut arguments = Map::new();
        if !reader.eat('(') {
            return None;
        }
        while !reader.eat(')') {
            let key = reader.word("")?;
            if !reader.eat('=') {
                return None;
            }
            arguments.insert(key.to_owned(), reader.value(DEPTH)?);
            if !reader.eat(',') && !reader.rest.starts_with(')') {
                return None;
            }
        }
        calls.push((name.to_owned(), Value::Object(arguments).to_string()));
        if !(listed && reader.eat(',')) {
            break;
        }
    }
    ((!listed || reader.eat(']')) && reader.rest.is_empty()).then_some(calls)
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    /// Takes a sign, and the white space behind it.
    fn eat(&mut self, sign: char) -> bool {
        let Some(rest) = self.rest.strip_prefix(sign) else { return false };
        self.rest = rest.trim_start();
        true
    }

    /// Takes a name of letters, digits, `_` and some other signs, and the white space behind it.
    fn word(&mut self, signs: &str) -> Option<&'a str> {
        let end = self.rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || signs.contains(c)));
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest.trim_start();
        (!word.is_empty()).then_some(word)
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        let depth = depth.checked_sub(1)?;
        match self.rest.chars().next()? {
            quote @ ('"' | '\'') => self.text(quote).map(Value::String),
            '[' => self.list('[', ']', depth),
            '(' => self.list('(', ')', depth),
            '{' => {
                self.eat('{');
                let mut map = Map::new();
                while !self.eat('}') {
                    let quote = self.rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
                    let key = self.text(quote)?;
                    if !self.eat(':') {
                        return None;
                    }
                    map.insert(key, self.value(depth)?);
                    if !self.eat(',') && !self.rest.starts_with('}') {
                        return None;
                    }
                }
                Some(Value::Object(map))
            }
            _ => {
                let word = self.word("+-.")?;
                match word {
                    "True" | "true" => Some(Value::Bool(true)),
                    "False" | "false" => Some(Value::Bool(false)),
                    "None" | "null" => Some(Value::Null),
                    _ => serde_json::from_str::<Number>(&word.replace('_', "")).ok().map(Value::Number),
                }
            }
        }
    }

    fn list(&mut self, open: char, close: char, depth: usize) -> Option<Value> {
        self.eat(open);
        let mut list = Vec::new();
        while !self.eat(close) {
            list.push(self.value(depth)?);
            if !self.eat(',') && !self.rest.starts_with(close) {
                return None;
            }
        }
        Some(Value::Array(list))
    }

    fn text(&mut self, quote: char) -> Option<String> {
        let mut out = String::new();
        let mut chars = self.rest.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                _ if c == quote => {
                    self.rest = self.rest.get(at + 1..)?.trim_start();
                    return Some(out);
                }
                '\\' => match chars.next()?.1 {
                    'n' => out.push('\n'),
                    't' => out.push('\t'),
                    'r' => out.push('\r'),
                    'u' => {
                        let digits: String = chars.by_ref().take(4).map(|(_, c)| c).collect();
                        out.push(char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?);
                    }
                    c @ ('\\' | '"' | '\'' | '/') => out.push(c),
                    c => out.extend(['\\', c]),
                },
                c => out.push(c),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_become_json_and_nothing_else_does() {
        let one = |body: &str| calls(body).map(|c| c.into_iter().map(|(n, a)| format!("{n} {a}")).collect::<Vec<_>>());
        let check = |body: &str, want: &[&str]| {
            assert_eq!(
                one(body).as_deref(),
                Some(&want.iter().map(|s| s.to_string()).collect::<Vec<_>>()[..]),
                "{body}"
            )
        };
        check("[f()]", &["f {}"]);
        check("f(a = 1)", &[r#"f {"a":1}"#]);
        check(
            r#"[f(a="x, \"y\")", b='it\'s'), g(c=[1, -2.5, None], d={"k": True},)]"#,
            &[r#"f {"a":"x, \"y\")","b":"it's"}"#, r#"g {"c":[1,-2.5,null],"d":{"k":true}}"#],
        );
        check(r#"[mail.send(n=1_000, t=(1, 2), to='\u00e4\n')]"#, &[r#"mail.send {"n":1000,"t":[1,2],"to":"ä\n"}"#]);
        for body in
            ["", "[]", "f", "[f(1)]", "[f(a=g())]", "[f(a=1) g()]", "[f(a='x]", "f(a=1); rm", "[f(a=1]", "[f(a=01)]"]
        {
            assert_eq!(calls(body), None, "{body}");
        }
        assert_eq!(calls(&format!("f(a={})", "[".repeat(100_000))), None);
    }
}
