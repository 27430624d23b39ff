//! The structure of source code, by the look of its lines: where definitions begin and which ones stand around a line. No
//! language is parsed; a line that is not understood is only a line.

/// Words that may stand before the word that says what is defined.
const BEFORE: &str = "pub async export default static public private protected internal final abstract override unsafe extern \
    virtual inline open sealed data const declare local partial readonly native synchronized virtual constexpr explicit \
    suspend tailrec operator lateinit inner companion case mutating nonisolated fileprivate global";
/// Words that say what is defined.
const DEFINES: &str = "fn def class struct enum trait impl interface module mod namespace func function fun sub proc procedure \
    type object protocol extension record union macro_rules! contract library defmodule defp defmacro defn section \
    service message test describe";
/// Words that begin a line which looks like a function in C and is none.
const NOT: &str = "if for while switch return else do try catch case default throw await yield new delete using goto elseif \
    elif unless until loop match with when assert print println echo raise except finally lock foreach";

/// Letters of a definition that are shown.
const MAX_SIGNATURE: usize = 160;

/// How far a line stands in; a tab counts as four blanks.
pub(crate) fn indent(line: &str) -> usize {
    line.chars().take_while(|c| matches!(c, ' ' | '\t')).map(|c| if c == '\t' { 4 } else { 1 }).sum()
}

/// What a line defines, as it is written, without what opens its body.
pub(crate) fn definition(line: &str) -> Option<String> {
    let text = line.trim();
    if text.len() < 4
        || text.len() > 400
        || text.ends_with(';')
        || text.starts_with(['/', '#', '*', '"', '\'', '-', '@'])
    {
        return None;
    }
    let known = |list: &str, word: &str| list.split_ascii_whitespace().any(|known| known == word);
    let mut words =
        text.split(|c: char| c.is_whitespace() || matches!(c, '(' | '<' | ':' | '{')).filter(|w| !w.is_empty());
    let mut word = words.next()?;
    let mut rest = words.next();
    // `pub(crate)` leaves a bracket behind.
    while known(BEFORE, word) || word.ends_with(')') && !text.starts_with("func") {
        word = rest?;
        rest = words.next();
    }
    let lower = word.to_ascii_lowercase();
    let named = rest
        .is_some_and(|name| name.starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | '$' | '"' | '\'' | '@')));
    let made = lower == "create" && rest.is_some_and(|what| !what.starts_with('('));
    let opens = text.ends_with(['{', ':', ')', ',', '(', '>']) || !text.contains([' ', '\t']) || known(DEFINES, word);
    let by_word = (known(DEFINES, word) || lower == "sub" || lower == "function" || made) && named && opens;
    (by_word || is_like_c(line, word) || is_arrow(text)).then(|| signature(text))
}

/// `int main(int argc) {`, at the margin or as a method.
fn is_like_c(line: &str, first: &str) -> bool {
    let text = line.trim();
    let Some((head, _)) = text.split_once('(') else { return false };
    let name = head.trim_end();
    let ends = text.ends_with('{') || (indent(line) == 0 && text.ends_with(')'));
    ends && !text.contains('=')
        && name.contains(' ')
        && !NOT.split_ascii_whitespace().any(|word| word == first)
        && name.chars().all(|c| c.is_alphanumeric() || " _*&:<>,~[]$.?".contains(c))
        && name.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// `export const name = (…) => {`
fn is_arrow(text: &str) -> bool {
    let declares = ["const ", "let ", "export const ", "export default "].iter().any(|start| text.starts_with(start));
    declares && (text.ends_with("=> {") || text.contains("= function"))
}

fn signature(text: &str) -> String {
    let text = text.trim_end_matches(['{', ':']).trim_end();
    match text.char_indices().nth(MAX_SIGNATURE) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// Whether a line stands before a definition and belongs to it: what is said of it, or an attribute.
pub(crate) fn leads(line: &str) -> bool {
    let text = line.trim();
    ["//", "/*", "*", "#", "@", "--", "\"\"\"", ";;", "%", "template"].iter().any(|mark| text.starts_with(mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_are_seen_in_many_languages() {
        for (line, expect) in [
            (
                "pub(crate) fn read(bytes: &[u8]) -> Result<(), E> {",
                "pub(crate) fn read(bytes: &[u8]) -> Result<(), E>",
            ),
            ("impl<'a> Reader<'a> {", "impl<'a> Reader<'a>"),
            ("    def total(self, rows):", "def total(self, rows)"),
            ("class Invoice(Base):", "class Invoice(Base)"),
            (
                "export default class Shop extends React.Component {",
                "export default class Shop extends React.Component",
            ),
            ("export const load = async (id: string) => {", "export const load = async (id: string) =>"),
            ("int main(int argc, char **argv) {", "int main(int argc, char **argv)"),
            ("    public static void main(String[] args) {", "public static void main(String[] args)"),
            ("func (s *Server) Listen(addr string) error {", "func (s *Server) Listen(addr string) error"),
            ("CREATE TABLE rent (", "CREATE TABLE rent ("),
            ("interface Row {", "interface Row"),
            ("fun area(side: Int): Int {", "fun area(side: Int): Int"),
        ] {
            assert_eq!(definition(line).as_deref(), Some(expect), "{line}");
        }
        for line in [
            "if (x > 3) {",
            "    for (int i = 0; i < 3; i++) {",
            "return foo(bar)",
            "x = class_of(y)",
            "// fn old() {",
            "call(a, b);",
            "} else if (y) {",
            "type = 3",
            "import os",
        ] {
            assert_eq!(definition(line), None, "{line}");
        }
    }
}
