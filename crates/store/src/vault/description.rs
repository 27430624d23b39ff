//! `vault.json`: what may open the vault, and how the data key is wrapped. It holds no secret in the clear.

use super::{DESCRIPTION, random_bytes};
use crate::connection::DataKey;
use crate::{Result, StoreError};
use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::Write;
use std::path::Path;
use zeroize::Zeroizing;

/// The one format there is.
const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
pub(crate) struct Description {
    format: u32,
    /// Names the vault in the system keyring.
    pub id: String,
    /// Public key of the record.
    #[serde(with = "hex")]
    pub audit_key: [u8; 32],
    pub passphrase: Option<ByPassphrase>,
    pub device: Option<Wrapped>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct ByPassphrase {
    #[serde(with = "hex")]
    pub salt: [u8; 32],
    pub cost: Cost,
    pub sealed: Wrapped,
}

/// What stretching a passphrase with Argon2id costs.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

/// The data key, sealed with XChaCha20-Poly1305.
#[derive(Serialize, Deserialize)]
pub(crate) struct Wrapped {
    #[serde(with = "hex")]
    nonce: [u8; 24],
    #[serde(with = "hex")]
    sealed: [u8; 48],
}

impl Cost {
    /// RFC 9106's second recommended choice: 64 MiB, three passes (it has four lanes; ours are computed in turn).
    pub(crate) const DEFAULT: Self = Self { memory_kib: 64 * 1024, passes: 3, lanes: 1 };
    /// For tests that are not about passphrases.
    #[cfg(test)]
    pub(crate) const LOW: Self = Self { memory_kib: 64, passes: 1, lanes: 1 };

    /// A key from a passphrase.
    pub(crate) fn stretch(self, passphrase: &str, salt: &[u8; 32]) -> Result<DataKey> {
        let damaged = || StoreError::Damaged { what: format!("the cost in {DESCRIPTION}") };
        // Bounds, so that a tampered file cannot take the machine's memory or an hour.
        if self.memory_kib > 1 << 20 || self.passes > 64 || self.lanes > 16 {
            return Err(damaged());
        }
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(32)).map_err(|_| damaged())?;
        let mut key = Zeroizing::new([0u8; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.as_bytes(), salt, key.as_mut_slice())
            .map_err(|_| damaged())?;
        Ok(key)
    }
}

impl Wrapped {
    /// Seals the data key; `bound` is authenticated with it.
    pub(crate) fn seal(key: &DataKey, wrapping: &DataKey, bound: &[u8]) -> Result<Self> {
        let mut nonce = [0; 24];
        nonce.iter_mut().zip(random_bytes()?.iter()).for_each(|(to, from)| *to = *from);
        let payload = Payload { msg: key.as_slice(), aad: bound };
        let sealed = XChaCha20Poly1305::new((&**wrapping).into()).encrypt(&XNonce::from(nonce), payload);
        let sealed = sealed.ok().and_then(|sealed| sealed.try_into().ok());
        let sealed = sealed.ok_or_else(|| StoreError::Invalid("the key could not be sealed".into()))?;
        Ok(Self { nonce, sealed })
    }

    /// Opens the data key. [`StoreError::WrongSecret`] when the wrapping key is not the one.
    pub(crate) fn open(&self, wrapping: &DataKey, bound: &[u8]) -> Result<DataKey> {
        let payload = Payload { msg: &self.sealed, aad: bound };
        let opened = XChaCha20Poly1305::new((&**wrapping).into()).decrypt(&XNonce::from(self.nonce), payload);
        let opened = Zeroizing::new(opened.map_err(|_| StoreError::WrongSecret)?);
        let mut key = Zeroizing::new([0u8; 32]);
        if opened.len() != key.len() {
            return Err(StoreError::WrongSecret);
        }
        key.copy_from_slice(&opened);
        Ok(key)
    }
}

impl Description {
    /// A description of a vault that nothing opens yet.
    pub(crate) fn new(audit_key: [u8; 32]) -> Result<Self> {
        let id = random_bytes()?.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { format: FORMAT, id, audit_key, passphrase: None, device: None })
    }

    /// What is authenticated together with a wrapped key, so that parts of two descriptions cannot be mixed.
    pub(crate) fn bound(&self, way: &str) -> Vec<u8> {
        let mut bound = format!("hearth vault {FORMAT} {way} {} ", self.id).into_bytes();
        bound.extend(self.audit_key);
        bound
    }

    pub(crate) fn read(dir: &Path) -> Result<Self> {
        let text = match fs::read(dir.join(DESCRIPTION)) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(StoreError::Missing),
            Err(error) => return Err(error.into()),
        };
        let damaged = |what: String| StoreError::Damaged { what: format!("{DESCRIPTION}: {what}") };
        let found: Self = serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
        if found.format != FORMAT {
            return Err(damaged(format!("format {} is not known", found.format)));
        }
        Ok(found)
    }

    /// Writes the description whole or not at all.
    pub(crate) fn write(&self, dir: &Path) -> Result<()> {
        let text = serde_json::to_vec_pretty(self).map_err(|error| StoreError::Invalid(error.to_string()))?;
        let unfinished = dir.join(format!("{DESCRIPTION}.new"));
        let mut file = fs::File::create(&unfinished)?;
        file.write_all(&text)?;
        file.sync_all()?;
        drop(file);
        fs::rename(&unfinished, dir.join(DESCRIPTION))?;
        #[cfg(unix)]
        fs::File::open(dir)?.sync_all()?;
        Ok(())
    }
}

/// Byte arrays as hexadecimal text.
mod hex {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer, const N: usize>(bytes: &[u8; N], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>, const N: usize>(from: D) -> Result<[u8; N], D::Error> {
        let text = String::deserialize(from)?;
        let mut bytes = [0; N];
        if text.len() != 2 * N || !text.is_ascii() {
            return Err(D::Error::custom(format!("expected {} hexadecimal digits", 2 * N)));
        }
        for (index, byte) in bytes.iter_mut().enumerate() {
            let pair = text.get(2 * index..2 * index + 2).unwrap_or_default();
            *byte = u8::from_str_radix(pair, 16).map_err(D::Error::custom)?;
        }
        Ok(bytes)
    }
}
