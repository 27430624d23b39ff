//! What kind of work a question is: about code or not. Pure; rules that can be read, and no model has a say.

use hearth_domain::Kind;

/// Words that are said of code and hardly of anything else.
const SURE: [&str; 22] = [
    "regex",
    "refactor",
    "refactoring",
    "traceback",
    "segfault",
    "stacktrace",
    "javascript",
    "typescript",
    "python",
    "kotlin",
    "golang",
    "dockerfile",
    "sql",
    "html",
    "css",
    "json",
    "yaml",
    "backtrace",
    "codebase",
    "unittest",
    "linter",
    "recursion",
];
/// Words that are said of code beside others; two of them make it code.
const LIKELY: [&str; 30] = [
    "code",
    "function",
    "functions",
    "compile",
    "compiler",
    "compiles",
    "bug",
    "debug",
    "script",
    "variable",
    "variables",
    "class",
    "method",
    "loop",
    "array",
    "string",
    "struct",
    "enum",
    "api",
    "endpoint",
    "repository",
    "commit",
    "rust",
    "java",
    "bash",
    "shell",
    "exception",
    "pointer",
    "async",
    "library",
];
/// Endings of files of code.
const ENDINGS: [&str; 14] =
    [".rs", ".py", ".js", ".ts", ".go", ".java", ".c", ".cpp", ".h", ".sh", ".sql", ".rb", ".kt", ".toml"];

/// Why a question is about code; nothing where it is not.
pub(crate) fn code(question: &str, attached: &[Kind]) -> Option<String> {
    if question.contains("```") {
        return Some("it holds a block of code".into());
    }
    if attached.iter().any(|kind| matches!(kind, Kind::Code | Kind::Notebook)) {
        return Some("a file of code is attached".into());
    }
    let words: Vec<&str> = question
        .split_whitespace()
        .map(|word| {
            word.trim_matches(|c: char| matches!(c, ',' | '.' | '?' | '!' | ':' | ';' | '"' | '\'' | '`' | '“' | '”'))
        })
        .collect();
    if let Some(word) = words.iter().find(|word| looks_like_code(word)) {
        return Some(format!("“{word}” is code"));
    }
    let lower: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
    if let Some(word) = lower.iter().find(|word| SURE.contains(&word.as_str())) {
        return Some(format!("it says “{word}”"));
    }
    let mut said: Vec<&str> = LIKELY.into_iter().filter(|word| lower.iter().any(|other| other == word)).collect();
    said.truncate(2);
    match said.as_slice() {
        [first, second] => Some(format!("it says “{first}” and “{second}”")),
        _ => None,
    }
}

/// `a::b`, `name()`, `snake_case`, `main.rs`.
fn looks_like_code(word: &str) -> bool {
    let named = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let call =
        word.strip_suffix("()").is_some_and(|name| !name.is_empty() && name.chars().all(|c| named(c) || c == '.'));
    let path = word.split("::").count() > 1 && word.split("::").all(|part| !part.is_empty() && part.chars().all(named));
    let snake = word.contains('_')
        && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && word.split('_').all(|part| !part.is_empty());
    let file = ENDINGS.iter().any(|ending| {
        word.strip_suffix(ending)
            .is_some_and(|stem| !stem.is_empty() && stem.chars().all(|c| named(c) || "-/.".contains(c)))
    });
    call || path || snake || file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_told_from_other_questions() {
        for question in [
            "Why does parse_header fail on an empty file?",
            "What does std::mem::take do?",
            "Write a Python program that sorts names",
            "Does the function return a string?",
            "What is in main.rs?",
            "Explain ```let x = 1;```",
            "Who calls render()?",
        ] {
            assert!(code(question, &[]).is_some(), "{question}");
        }
        for question in [
            "How much rent does the tenant pay?",
            "What class of fire door is on the corridor?",
            "Which library holds the codex?",
            "Does A.B.C Ltd. own the mill?",
            "What is the net margin (EBITDA)?",
            "When does the lease end, and who repairs the roof?",
        ] {
            assert_eq!(code(question, &[]), None, "{question}");
        }
        assert!(code("What does it do?", &[Kind::Code]).is_some());
        assert_eq!(code("What does it do?", &[Kind::Pdf]), None);
    }
}
