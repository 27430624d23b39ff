//! What opens something: keys and tokens by their known shapes, passwords by the words before them.

use super::{Found, Kind, add_matches, pattern};
use std::sync::LazyLock;

/// Shapes that makers of keys gave them, so that they can be found.
static SHAPES: LazyLock<regex::Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"\b(?:(?:AKIA|ASIA)[0-9A-Z]{16}",
        r"|gh[pousr]_[0-9A-Za-z]{36,}|github_pat_[0-9A-Za-z_]{50,}|glpat-[0-9A-Za-z_\-]{20,}",
        r"|xox[abeoprs]-[0-9A-Za-z\-]{10,}",
        r"|sk-(?:ant-|proj-|svcacct-|or-)?[0-9A-Za-z_\-]{20,}|[rs]k_(?:live|test)_[0-9A-Za-z]{16,}",
        r"|AIza[0-9A-Za-z_\-]{35}|ya29\.[0-9A-Za-z_\-]{20,}|hf_[0-9A-Za-z]{30,}|npm_[0-9A-Za-z]{36}",
        r"|eyJ[0-9A-Za-z_\-]{10,}\.eyJ[0-9A-Za-z_\-]{8,}\.[0-9A-Za-z_\-]{10,}",
        r"|AGE-SECRET-KEY-1[0-9A-Z]{58})\b",
    ))
});
static BLOCK: LazyLock<regex::Regex> = LazyLock::new(|| {
    pattern(r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----(?s:.*?)(?:-----END [A-Z0-9 ]+-----|\z)")
});
/// `scheme://user:password@host`
static IN_LINK: LazyLock<regex::Regex> =
    LazyLock::new(|| pattern(r"\b[a-z][a-z0-9+.\-]{1,20}://[^\s:/@]*:([^\s:/@]+)@"));
/// A word for a secret, a sign of equality, and the secret.
static NAMED: LazyLock<regex::Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i)\b(?:pass(?:word|phrase|wd|code)|pwd|secret|(?:api|access|private|secret|auth|client)[_ \-]?(?:key|token|secret)",
        r"|bearer|token|passwort|kennwort|mot de passe|contraseña|senha|wachtwoord|pin|otp)",
        r#"["']?\s*(?:[:=]|\bis:?|\bist:?|=>)\s*["'`]?([^\s"'`,;<>]+)"#,
    ))
});

pub(super) fn find(text: &str, into: &mut Vec<Found>) {
    add_matches(text, &SHAPES, 0, Kind::Secret, into);
    add_matches(text, &BLOCK, 0, Kind::Secret, into);
    add_matches(text, &IN_LINK, 1, Kind::Secret, into);
    for found in NAMED.captures_iter(text).filter_map(|captures| captures.get(1)) {
        let secret = found.as_str().trim_end_matches(['.', '!', '?', ')']);
        if looks_made(secret) {
            into.push(Found { kind: Kind::Secret, start: found.start(), end: found.start() + secret.len() });
        }
    }
}

/// No plain word: "the password is kept in" names none.
fn looks_made(secret: &str) -> bool {
    let digits = secret.chars().any(|c| c.is_ascii_digit());
    let signs = secret.chars().any(|c| !c.is_alphanumeric() && !matches!(c, '-' | '.' | '_' | '/'));
    let inner = secret.chars().skip(1).any(char::is_uppercase) && secret.chars().any(char::is_lowercase);
    secret.chars().count() >= 4 && (digits || signs || inner)
}
