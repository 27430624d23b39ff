//! A signed letter: a text that people can read, and one last line with the key and the signature of the house that wrote it.
//! What it says is not known here.

use super::BundleError;
use super::seal::{Seal, fingerprint, house_key};
use std::path::Path;

/// What is signed begins with this, so that no signature of the house serves for something else.
const DOMAIN: &str = "hearth letter 1\n";
/// What the last line begins with.
const MARK: &str = "\n# signed ";

/// A letter whose signature is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// The text that was signed, to its last line break.
    pub text: String,
    /// The fingerprint of the key that signed it.
    pub fingerprint: String,
}

/// Why a letter was not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LetterError {
    /// It has no last line with a signature.
    #[error("it is not signed")]
    Unsigned,
    /// The signature is not over this text.
    #[error("it was changed after it was signed, or its signature is damaged")]
    Signature,
}

/// Signs a text with the key that lies at `path`, which is made on first use. Returns the letter.
///
/// # Errors
/// [`BundleError`] where the key cannot be read or made.
pub fn write_letter(text: &str, path: &Path) -> Result<(String, Letter), BundleError> {
    let key = house_key(path)?;
    let text = format!("{}\n", text.trim_end());
    let seal = serde_json::to_string(&Seal::over(&key, DOMAIN, text.as_bytes()));
    let seal = seal.map_err(|error| BundleError::file(path, error.into()))?;
    let written = format!("{}{MARK}{seal}\n", text.trim_end_matches('\n'));
    Ok((written, Letter { text, fingerprint: fingerprint(&key.verifying_key()) }))
}

/// Opens a letter.
///
/// # Errors
/// [`LetterError`]: nothing of the text may be used then.
pub fn open_letter(letter: &str) -> Result<Letter, LetterError> {
    let (text, line) = letter.trim_end().rsplit_once(MARK).ok_or(LetterError::Unsigned)?;
    let text = format!("{text}\n");
    let seal: Seal = serde_json::from_str(line).map_err(|_| LetterError::Signature)?;
    let fingerprint = seal.signer(DOMAIN, text.as_bytes()).ok_or(LetterError::Signature)?;
    Ok(Letter { text, fingerprint })
}

/// The fingerprint of the key that lies at `key`, which is made on first use.
///
/// # Errors
/// [`BundleError`] where the key cannot be read or made.
pub fn house_fingerprint(key: &Path) -> Result<String, BundleError> {
    Ok(fingerprint(&house_key(key)?.verifying_key()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_opened_as_it_was_written_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("key");
        let (written, letter) = write_letter("a = 1\n# signed by nobody\n\n", &key).unwrap();
        assert_eq!(letter.text, "a = 1\n# signed by nobody\n");
        assert_eq!(open_letter(&written), Ok(letter.clone()));
        assert_eq!(open_letter(written.trim_end()), Ok(letter.clone()));
        assert_eq!(house_fingerprint(&key).unwrap(), letter.fingerprint);
        assert_eq!(open_letter("a = 1\n"), Err(LetterError::Unsigned));
        for at in 0..written.trim_end().len() {
            let mut bytes = written.clone().into_bytes();
            bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
            let changed = String::from_utf8(bytes).unwrap();
            assert!(open_letter(&changed).is_err(), "byte {at}");
        }
        assert!(open_letter(&format!("b = 2\n{written}")).is_err());
    }
}
