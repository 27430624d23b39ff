//! The vault: who may open the encrypted file. A random data key encrypts `hearth.db`; `vault.json` beside it holds that
//! key wrapped by a key made from a passphrase, or by one that the system keyring keeps. Not the schema, and no folder lock.

mod description;
mod device;

use crate::connection::DataKey;
use crate::{Result, Store, StoreError};
use description::{Cost, Description, Wrapped};
use hearth_domain::TimeMs;
use rand::TryRngCore;
use std::path::Path;
use zeroize::Zeroizing;

pub use device::device_available;
pub(crate) use device::{forget, keep_text, recall_text};

#[cfg(test)]
pub(crate) use description::Cost as TestCost;
/// For tests that are not about passphrases.
#[cfg(test)]
pub(crate) const LOW_COST: Cost = Cost::LOW;

/// File name of the encrypted database.
pub(crate) const DATABASE: &str = "hearth.db";
/// The database and what SQLite lays beside it.
const FILES: [&str; 3] = [DATABASE, "hearth.db-wal", "hearth.db-shm"];
/// File name of the description.
pub(crate) const DESCRIPTION: &str = "vault.json";

/// What opens a vault.
#[derive(Clone)]
pub enum Secret {
    /// Words that a person knows.
    Passphrase(Zeroizing<String>),
    /// A key that this machine's keyring keeps.
    Device,
}

/// What a folder says of its vault.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct VaultInfo {
    /// Whether it holds one.
    pub exists: bool,
    /// Whether a passphrase opens it.
    pub passphrase: bool,
    /// Whether the keyring of the machine that made it opens it.
    pub device: bool,
}

/// Looks whether `dir` holds a vault and what opens it, without opening it.
pub fn inspect(dir: &Path) -> Result<VaultInfo> {
    match Description::read(dir) {
        Ok(found) => {
            Ok(VaultInfo { exists: true, passphrase: found.passphrase.is_some(), device: found.device.is_some() })
        }
        Err(StoreError::Missing) => Ok(VaultInfo::default()),
        Err(error) => Err(error),
    }
}

/// Makes a vault in `dir` and opens it. [`StoreError::Exists`] when there is one.
///
/// A database without a description (left by a creation that was cut short) is moved aside, never deleted.
pub fn create(dir: &Path, secret: &Secret, now: TimeMs) -> Result<Store> {
    create_at_cost(dir, secret, now, Cost::DEFAULT)
}

pub(crate) fn create_at_cost(dir: &Path, secret: &Secret, now: TimeMs, cost: Cost) -> Result<Store> {
    if dir.join(DESCRIPTION).exists() {
        return Err(StoreError::Exists);
    }
    std::fs::create_dir_all(dir)?;
    for name in FILES {
        if dir.join(name).exists() {
            std::fs::rename(dir.join(name), dir.join(format!("{name}.unfinished-{now}")))?;
        }
    }
    let key = random_bytes()?;
    let store = Store::start(dir, key.clone(), true)?;
    let described = (|| {
        let mut description = Description::new(store.inner.signing.verifying_key().to_bytes())?;
        description.wrap(&key, secret, cost)?;
        description.write(dir)
    })();
    if let Err(error) = described {
        drop(store);
        FILES.iter().for_each(|name| drop(std::fs::remove_file(dir.join(name)))); // made by this call, and empty
        return Err(error);
    }
    Ok(store)
}

/// Opens the vault in `dir`. A wrong secret changes nothing.
///
/// # Errors
/// [`StoreError::Missing`], [`StoreError::WrongSecret`], [`StoreError::NoKeyring`], [`StoreError::NeedsNewer`],
/// [`StoreError::Damaged`], [`StoreError::Full`], [`StoreError::Io`].
pub fn open(dir: &Path, secret: &Secret) -> Result<Store> {
    let description = Description::read(dir)?;
    let key = description.unwrap(secret)?;
    if !dir.join(DATABASE).exists() {
        return Err(StoreError::Damaged { what: format!("{DATABASE} is missing beside {DESCRIPTION}") });
    }
    Store::start(dir, key, false)
}

/// Replaces `current` by `new`. The data itself is not encrypted again; an interruption leaves one of the two in force.
pub fn change_secret(dir: &Path, current: &Secret, new: &Secret) -> Result<()> {
    let mut description = Description::read(dir)?;
    let key = description.unwrap(current)?;
    let cost = description.passphrase.as_ref().map_or(Cost::DEFAULT, |wrapped| wrapped.cost);
    let device_before = description.device.is_some();
    description.wrap(&key, new, cost)?;
    match (current, new) {
        (Secret::Device, Secret::Passphrase(_)) => description.device = None,
        (Secret::Passphrase(_), Secret::Device) => description.passphrase = None,
        _ => {}
    }
    description.write(dir)?;
    if device_before && description.device.is_none() {
        // The wrapped key is gone from the folder already; a keyring that refuses only keeps a key to nothing.
        let _ = device::forget(&description.id);
    }
    Ok(())
}

/// The public key of the record as the description has it.
pub(crate) fn described_audit_key(dir: &Path) -> Result<[u8; 32]> {
    Ok(Description::read(dir)?.audit_key)
}

/// The name of the vault in the keyring, as the description has it.
pub(crate) fn described_id(dir: &Path) -> Result<String> {
    Ok(Description::read(dir)?.id)
}

/// Bytes from the system's generator.
pub(crate) fn random_bytes() -> Result<DataKey> {
    let mut bytes = Zeroizing::new([0u8; 32]);
    rand::rngs::OsRng
        .try_fill_bytes(bytes.as_mut_slice())
        .map_err(|error| StoreError::Io(std::io::Error::other(error)))?;
    Ok(bytes)
}

impl Description {
    /// Wraps the data key for a secret, in place of any that was wrapped for its kind.
    fn wrap(&mut self, key: &DataKey, secret: &Secret, cost: Cost) -> Result<()> {
        match secret {
            Secret::Passphrase(passphrase) => {
                let salt = *random_bytes()?;
                let wrapping = cost.stretch(passphrase, &salt)?;
                let sealed = Wrapped::seal(key, &wrapping, &self.bound("passphrase"))?;
                self.passphrase = Some(description::ByPassphrase { salt, cost, sealed });
            }
            Secret::Device => {
                // The same key again when there is one: an interruption before the description is written harms nothing.
                let wrapping = match device::recall(&self.id)? {
                    Some(kept) => kept,
                    None => {
                        let made = random_bytes()?;
                        device::keep(&self.id, &made)?;
                        made
                    }
                };
                self.device = Some(Wrapped::seal(key, &wrapping, &self.bound("device"))?);
            }
        }
        Ok(())
    }

    fn unwrap(&self, secret: &Secret) -> Result<DataKey> {
        match secret {
            Secret::Passphrase(passphrase) => {
                let wrapped = self.passphrase.as_ref().ok_or(StoreError::WrongSecret)?;
                wrapped.sealed.open(&wrapped.cost.stretch(passphrase, &wrapped.salt)?, &self.bound("passphrase"))
            }
            Secret::Device => {
                let wrapped = self.device.as_ref().ok_or(StoreError::WrongSecret)?;
                wrapped.open(&device::recall(&self.id)?.ok_or(StoreError::WrongSecret)?, &self.bound("device"))
            }
        }
    }
}
