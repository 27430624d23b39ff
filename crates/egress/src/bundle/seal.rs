//! The key of this house that signs bundles, and what a signature says. The key lies in a small file of its own, made on
//! first use and readable by its owner alone: bundles work without a vault.

use super::BundleError;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use rand::TryRngCore;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;

/// What is signed of a bundle begins with this, so that no signature of the house serves for something else.
pub(super) const DOMAIN: &str = "hearth models bundle 1\n";

/// A signature and whose it is, in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seal {
    key: String,
    signature: String,
}

impl Seal {
    /// Signs bytes with the key of this house, which lies in a file and is made if there is none. `domain` names what is
    /// signed: a signature over one kind of thing is none over another.
    ///
    /// # Errors
    /// Where the key cannot be read or made.
    pub fn by(key: &Path, domain: &str, contents: &[u8]) -> Result<Self, BundleError> {
        Ok(Self::over(&house_key(key)?, domain, contents))
    }

    /// Signs bytes.
    pub(super) fn over(key: &SigningKey, domain: &str, contents: &[u8]) -> Self {
        let signature = key.sign(&[domain.as_bytes(), contents].concat());
        Self { key: hex(key.verifying_key().as_bytes()), signature: hex(&signature.to_bytes()) }
    }

    /// The fingerprint of the key that signed these bytes; nothing where it did not.
    pub fn signer(&self, domain: &str, contents: &[u8]) -> Option<String> {
        let key = VerifyingKey::from_bytes(&from_hex(&self.key)?).ok()?;
        let signature = Signature::from_bytes(&from_hex(&self.signature)?);
        key.verify_strict(&[domain.as_bytes(), contents].concat(), &signature).ok()?;
        Some(fingerprint(&key))
    }
}

/// SHA-256 of a public key, in eight groups of eight hexadecimal digits.
pub(super) fn fingerprint(key: &VerifyingKey) -> String {
    grouped(&hex(&Sha256::digest(key.as_bytes())))
}

/// A fingerprint as a person gave it, spelled as [`fingerprint`] spells it.
///
/// # Errors
/// [`BundleError::NotAFingerprint`].
pub fn spelled(given: &str) -> Result<String, BundleError> {
    let plain: String = given.chars().filter(|c| !matches!(c, '-' | ' ' | ':')).collect();
    if plain.len() != 64 || !plain.chars().all(|c| c.is_ascii_hexdigit()) {
        return Err(BundleError::NotAFingerprint(given.to_owned()));
    }
    Ok(grouped(&plain.to_ascii_lowercase()))
}

fn grouped(digits: &str) -> String {
    let groups: Vec<_> = digits.as_bytes().chunks(8).map(String::from_utf8_lossy).collect();
    groups.join("-")
}

/// This house's key, made if there is none.
pub(super) fn house_key(path: &Path) -> Result<SigningKey, BundleError> {
    if let Some(key) = read(path)? {
        return Ok(key);
    }
    let failed = |error| BundleError::file(path, error);
    let mut secret = [0u8; 32];
    rand::rngs::OsRng.try_fill_bytes(&mut secret).map_err(|error| failed(std::io::Error::other(error)))?;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let beside = path.with_added_extension("new");
    let _ = fs::remove_file(&beside);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside).map_err(failed)?;
    let written = file.write_all(hex(&secret).as_bytes()).and_then(|()| file.sync_all());
    written.and_then(|()| fs::rename(&beside, path)).map_err(failed)?;
    read(path)?.ok_or_else(|| BundleError::Key(path.to_owned()))
}

fn read(path: &Path) -> Result<Option<SigningKey>, BundleError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(BundleError::file(path, error)),
    };
    let mut text = String::new();
    let wrong = || BundleError::Key(path.to_owned());
    file.take(128).read_to_string(&mut text).map_err(|_| wrong())?;
    let secret = from_hex::<32>(text.trim()).ok_or_else(wrong)?;
    Ok(Some(SigningKey::from_bytes(&secret)))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let digits = digits.as_bytes();
    if digits.len() != 2 * N || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let mut bytes = [0u8; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}
