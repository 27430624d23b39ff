//! Jinja as model authors know it from Python: `tojson` with Python's spacing, `True` and `None` in print, dictionaries in
//! the order in which they were written, `raise_exception`, `strftime_now`. What the values are is `template`.

use super::date::strftime;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, ValueKind};
use minijinja::{Environment, Error, ErrorKind, Output, State, Value};
use std::fmt::Write;

/// Steps that a template may take.
const FUEL: u64 = 2_000_000;
/// Levels of lists and dictionaries that are written.
const MAX_DEPTH: usize = 64;

/// Builds the environment in which templates run. `now_s` is the time in seconds since 1970, already in the person's
/// time zone.
pub fn environment<'a>(now_s: i64) -> Result<Environment<'a>, Error> {
    let mut env = Environment::new();
    env.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    env.set_fuel(Some(FUEL));
    env.set_unknown_method_callback(method);
    env.set_formatter(print);
    env.add_filter("tojson", tojson);
    env.add_filter("string", |v: &Value| text(v));
    // Python cannot walk over None; over what is undefined it can.
    env.add_test("iterable", |v: &Value| !v.is_none() && v.try_iter().is_ok());
    env.add_function("raise_exception", |why: String| -> Result<String, Error> {
        Err(Error::new(ErrorKind::InvalidOperation, why))
    });
    env.add_function("strftime_now", move |format: String| strftime(&format, now_s));
    Ok(env)
}

/// Makes the block that only training uses a plain one, with its own way of trimming.
pub fn without_generation_blocks(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some((before, after)) = rest.split_once("{%") {
        let Some((tag, behind)) = after.split_once("%}") else { break };
        let inner = tag.trim_matches(|c: char| c.is_whitespace() || matches!(c, '-' | '+'));
        let plain = match inner {
            "generation" => tag.replace("generation", "if true"),
            "endgeneration" => tag.replace("endgeneration", "endif"),
            _ => tag.to_owned(),
        };
        out = out + before + "{%" + &plain + "%}";
        rest = behind;
    }
    out + rest
}

fn invalid(why: &'static str) -> Error {
    Error::new(ErrorKind::InvalidOperation, why)
}

/// Methods that Python has and minijinja's own compatibility lacks.
fn method(state: &mut State, value: &Value, name: &str, args: &[Value]) -> Result<Value, Error> {
    let first = args.first().and_then(|a| a.as_str());
    match (value.as_str(), name, first) {
        (Some(s), "removeprefix", Some(p)) => Ok(Value::from(s.strip_prefix(p).unwrap_or(s))),
        (Some(s), "removesuffix", Some(p)) => Ok(Value::from(s.strip_suffix(p).unwrap_or(s))),
        (Some(s), "partition", Some(p)) => Ok(Value::from_iter(match s.split_once(p) {
            Some((a, b)) => [a, p, b],
            None => [s, "", ""],
        })),
        (Some(s), "rpartition", Some(p)) => Ok(Value::from_iter(match s.rsplit_once(p) {
            Some((a, b)) => [a, p, b],
            None => ["", "", s],
        })),
        (Some(s), "rsplit", Some(p)) if !p.is_empty() => {
            let most =
                args.get(1).and_then(Value::as_i64).and_then(|n| usize::try_from(n).ok()).unwrap_or(usize::MAX - 1);
            let mut parts: Vec<&str> = s.rsplitn(most.saturating_add(1), p).collect();
            parts.reverse();
            Ok(Value::from_iter(parts))
        }
        _ if name == "copy" && args.is_empty() && matches!(value.kind(), ValueKind::Map | ValueKind::Seq) => {
            Ok(value.clone())
        }
        _ => minijinja_contrib::pycompat::unknown_method_callback(state, value, name, args),
    }
}

/// Prints as Python's `str` does.
fn print(out: &mut Output, state: &mut State, value: &Value) -> Result<(), Error> {
    match value.kind() {
        ValueKind::None | ValueKind::Bool | ValueKind::Number | ValueKind::Seq | ValueKind::Map => {
            out.write_str(&text(value)?).map_err(Error::from)
        }
        _ => minijinja::escape_formatter(out, state, value),
    }
}

fn text(value: &Value) -> Result<String, Error> {
    match value.as_str() {
        Some(s) => Ok(s.to_owned()),
        None if value.is_undefined() => Ok(String::new()),
        None => {
            let mut out = String::new();
            Writer { style: Style::Repr, out: &mut out }.write(value, 0)?;
            Ok(out)
        }
    }
}

/// Writes a value as JSON in one line.
pub fn json(value: &Value) -> String {
    let mut out = String::new();
    let style = Style::Json { indent: None, between: ", ", colon: ": ", ascii: false, sort: false };
    let written = Writer { style, out: &mut out }.write(value, 0);
    written.map_or_else(|_| "{}".into(), |()| out)
}

/// The filter `tojson`: Python's `json.dumps` with `ensure_ascii=False`.
fn tojson(value: &Value, indent: Option<Value>, options: Kwargs) -> Result<Value, Error> {
    let indent = indent.or(options.get::<Option<Value>>("indent")?).filter(|v| !v.is_none());
    let indent = indent.map(|v| v.as_usize().map_or_else(|| text(&v), |n| Ok(" ".repeat(n.min(16))))).transpose()?;
    let ascii = options.get::<Option<bool>>("ensure_ascii")?.unwrap_or(false);
    let sort = options.get::<Option<bool>>("sort_keys")?.unwrap_or(false);
    let separators = options.get::<Option<Value>>("separators")?.filter(|v| !v.is_none());
    options.assert_all_used()?;
    let pair = |i: usize| -> Result<Option<String>, Error> {
        separators.as_ref().map(|s| text(&s.get_item_by_index(i)?)).transpose()
    };
    let between = pair(0)?.unwrap_or_else(|| if indent.is_some() { "," } else { ", " }.into());
    let colon = pair(1)?.unwrap_or_else(|| ": ".into());
    let mut out = String::new();
    let style = Style::Json { indent: indent.as_deref(), between: &between, colon: &colon, ascii, sort };
    Writer { style, out: &mut out }.write(value, 0)?;
    Ok(Value::from(out))
}

#[derive(Clone, Copy)]
enum Style<'a> {
    /// Python's `repr`.
    Repr,
    Json {
        indent: Option<&'a str>,
        between: &'a str,
        colon: &'a str,
        ascii: bool,
        sort: bool,
    },
}

struct Writer<'a> {
    style: Style<'a>,
    out: &'a mut String,
}

impl Writer<'_> {
    fn write(&mut self, value: &Value, depth: usize) -> Result<(), Error> {
        if depth > MAX_DEPTH {
            return Err(invalid("a value is nested too deeply"));
        }
        let json = matches!(self.style, Style::Json { .. });
        let [yes, no, none] = if json { ["true", "false", "null"] } else { ["True", "False", "None"] };
        match value.kind() {
            ValueKind::None => self.out.push_str(none),
            ValueKind::Undefined => return Err(invalid("an undefined value cannot be written")),
            ValueKind::Bool => self.out.push_str(if value.is_true() { yes } else { no }),
            ValueKind::Number => self.number(value),
            ValueKind::String => self.string(value.as_str().unwrap_or_default()),
            ValueKind::Seq | ValueKind::Iterable => {
                let items = value.try_iter()?.map(|v| (None, v)).collect();
                self.list(items, ['[', ']'], depth)?;
            }
            ValueKind::Map => {
                let mut items = Vec::new();
                for key in value.try_iter()? {
                    let item = value.get_item(&key)?;
                    items.push((Some(key), item));
                }
                if matches!(self.style, Style::Json { sort: true, .. }) {
                    items.sort_by(|a, b| a.0.cmp(&b.0));
                }
                self.list(items, ['{', '}'], depth)?;
            }
            _ => return Err(invalid("a value cannot be written")),
        }
        Ok(())
    }

    fn number(&mut self, value: &Value) {
        if value.is_integer() {
            let _ = write!(self.out, "{value}");
            return;
        }
        let x = f64::try_from(value.clone()).unwrap_or(f64::NAN);
        // Python writes exponents outside 1e-4 .. 1e16, with a sign and two digits.
        if x == 0.0 || (1e-4..1e16).contains(&x.abs()) {
            let _ = write!(self.out, "{x:?}");
        } else if x.is_nan() {
            self.out.push_str("nan");
        } else if x.is_infinite() {
            self.out.push_str(if x > 0.0 { "inf" } else { "-inf" });
        } else {
            let short = format!("{x:e}");
            let (digits, exponent) = short.split_once('e').unwrap_or((&short, "0"));
            let exponent = exponent.parse::<i32>().unwrap_or(0);
            let _ = write!(self.out, "{digits}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs());
        }
    }

    fn string(&mut self, s: &str) {
        let Style::Json { ascii, .. } = self.style else {
            let quote = if s.contains('\'') && !s.contains('"') { '"' } else { '\'' };
            self.out.push(quote);
            for c in s.chars() {
                match c {
                    '\n' => self.out.push_str("\\n"),
                    '\r' => self.out.push_str("\\r"),
                    '\t' => self.out.push_str("\\t"),
                    '\\' => self.out.push_str("\\\\"),
                    c if c == quote => self.out.extend(['\\', c]),
                    c => self.out.push(c),
                }
            }
            self.out.push(quote);
            return;
        };
        self.out.push('"');
        for c in s.chars() {
            match c {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                '\u{8}' => self.out.push_str("\\b"),
                '\u{c}' => self.out.push_str("\\f"),
                c if c < ' ' || (ascii && c > '~') => {
                    for unit in c.encode_utf16(&mut [0; 2]) {
                        let _ = write!(self.out, "\\u{unit:04x}");
                    }
                }
                c => self.out.push(c),
            }
        }
        self.out.push('"');
    }

    fn list(&mut self, items: Vec<(Option<Value>, Value)>, ends: [char; 2], depth: usize) -> Result<(), Error> {
        let (indent, between, colon) = match self.style {
            Style::Repr => (None, ", ", ": "),
            Style::Json { indent, between, colon, .. } => (indent, between, colon),
        };
        let line = |out: &mut String, depth: usize| {
            if let Some(indent) = indent {
                out.push('\n');
                (0..depth).for_each(|_| out.push_str(indent));
            }
        };
        let some = !items.is_empty();
        self.out.push(ends[0]);
        for (i, (key, item)) in items.into_iter().enumerate() {
            if i > 0 {
                self.out.push_str(between);
            }
            line(self.out, depth + 1);
            if let Some(key) = key {
                self.write(&key, depth + 1)?;
                self.out.push_str(colon);
            }
            self.write(&item, depth + 1)?;
        }
        if some {
            line(self.out, depth);
        }
        self.out.push(ends[1]);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(source: &str) -> String {
        let json = serde_json::json!({ "b": [1, 2.0, 1e-7, true, null], "a": "é<\"'\n" });
        let value = super::super::value(&json, &str::to_owned);
        environment(0)
            .unwrap()
            .render_str(&without_generation_blocks(source), minijinja::context! { v => value })
            .unwrap()
    }

    #[test]
    fn values_are_written_as_python_writes_them() {
        assert_eq!(render("{{ v | tojson }}"), r#"{"b": [1, 2.0, 1e-07, true, null], "a": "é<\"'\n"}"#);
        assert_eq!(render("{{ v.b | tojson(indent=2) }}"), "[\n  1,\n  2.0,\n  1e-07,\n  true,\n  null\n]");
        assert_eq!(render("{{ v.a | tojson(ensure_ascii=True) }}"), r#""\u00e9<\"'\n""#);
        assert_eq!(
            render("{{ v | tojson(sort_keys=True, separators=(',', ':')) }}"),
            r#"{"a":"é<\"'\n","b":[1,2.0,1e-07,true,null]}"#
        );
        assert_eq!(
            render("{{ v.b }} {{ 1 == 1 }} {{ v.x }} {{ {'k': \"it's\"} }}"),
            "[1, 2.0, 1e-07, True, None] True  {'k': \"it's\"}"
        );
        assert_eq!(render("{{ 'a.b.c'.rsplit('.', 1) }}{{ 'abc'.removeprefix('a') }}"), "['a.b', 'c']bc");
    }

    #[test]
    fn generation_blocks_trim_as_they_say() {
        assert_eq!(render("a {%- generation -%} b {% endgeneration %}\nc"), "ab c");
        assert_eq!(render("{% generation %}x{%endgeneration%}{{ '{%' }}"), "x{%");
    }
}
