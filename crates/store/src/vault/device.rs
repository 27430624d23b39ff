//! The system keyring: keeps one 32-byte key per vault, and texts by name. Every call has a time limit, for a keyring may wait for a person,
//! or there may be nobody on the bus.

use crate::connection::DataKey;
use crate::{Result, StoreError};
use std::sync::mpsc;
use std::time::Duration;
use zeroize::Zeroizing;

const SERVICE: &str = "Hearth";
/// How long to look for a keyring.
const LOOK: Duration = Duration::from_secs(2);
/// How long a person may take to unlock it.
const UNLOCK: Duration = Duration::from_secs(60);

/// Whether this machine has a keyring that answers now. Takes at most two seconds.
pub fn device_available() -> bool {
    let answer = ask(LOOK, || match keyring::Entry::new(SERVICE, "probe")?.get_password() {
        Ok(_) | Err(keyring::Error::NoEntry) => Ok(()),
        Err(error) => Err(error),
    });
    answer.is_ok()
}

/// Keeps a vault's key.
pub(super) fn keep(vault: &str, key: &DataKey) -> Result<()> {
    let vault = vault.to_owned();
    // As hexadecimal text: some keyrings keep nothing else.
    let text = Zeroizing::new(key.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    ask(UNLOCK, move || keyring::Entry::new(SERVICE, &vault)?.set_password(&text))
}

/// The key that is kept for a vault.
pub(super) fn recall(vault: &str) -> Result<Option<DataKey>> {
    let vault = vault.to_owned();
    let kept = ask(UNLOCK, move || match keyring::Entry::new(SERVICE, &vault)?.get_password() {
        Ok(text) => Ok(Some(Zeroizing::new(text))),
        Err(keyring::Error::NoEntry) => Ok(None),
        Err(error) => Err(error),
    })?;
    let Some(text) = kept else { return Ok(None) };
    let mut key = Zeroizing::new([0u8; 32]);
    if text.len() != 64 {
        return Ok(None);
    }
    for (index, byte) in key.iter_mut().enumerate() {
        let Some(Ok(read)) = text.get(2 * index..2 * index + 2).map(|pair| u8::from_str_radix(pair, 16)) else {
            return Ok(None);
        };
        *byte = read;
    }
    Ok(Some(key))
}

/// Forgets a vault's key.
pub(crate) fn forget(vault: &str) -> Result<()> {
    let vault = vault.to_owned();
    ask(UNLOCK, move || keyring::Entry::new(SERVICE, &vault)?.delete_credential())
}

/// Keeps a text under a name.
pub(crate) fn keep_text(name: &str, text: &str) -> Result<()> {
    let (name, text) = (name.to_owned(), Zeroizing::new(text.to_owned()));
    ask(UNLOCK, move || keyring::Entry::new(SERVICE, &name)?.set_password(&text))
}

/// The text that is kept under a name.
pub(crate) fn recall_text(name: &str) -> Result<Option<Zeroizing<String>>> {
    let name = name.to_owned();
    ask(UNLOCK, move || match keyring::Entry::new(SERVICE, &name)?.get_password() {
        Ok(text) => Ok(Some(Zeroizing::new(text))),
        Err(keyring::Error::NoEntry) => Ok(None),
        Err(error) => Err(error),
    })
}

/// Runs one exchange with the keyring on a thread of its own and waits no longer than `limit`. The keyring's client starts
/// an executor inside, which must not happen on a caller's runtime.
fn ask<T: Send + 'static>(
    limit: Duration,
    exchange: impl FnOnce() -> keyring::Result<T> + Send + 'static,
) -> Result<T> {
    let (answer, wait) = mpsc::channel();
    std::thread::Builder::new().name("keyring".into()).spawn(move || {
        let _ = answer.send(exchange());
    })?;
    match wait.recv_timeout(limit) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(_)) | Err(_) => Err(StoreError::NoKeyring),
    }
}
