//! Secrets of others that this vault keeps for a person, such as the keys of providers. They lie in the system's keyring;
//! on a machine without one they lie in the vault, sealed once more under a key of their own, so that no table, copy or
//! memory page of the database shows them.

use crate::connection::DataKey;
use crate::vault::{self, random_bytes};
use crate::{Result, Store, StoreError};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

const NONCE_BYTES: usize = 24;

/// Where a secret lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeptIn {
    /// In the system's keyring.
    Keyring,
    /// In the vault, sealed under a key of its own.
    Vault,
}

impl Store {
    /// Keeps a secret under a name, in place of any, and says where.
    ///
    /// # Errors
    /// What the store says; the secret is then nowhere.
    pub fn keep_secret(&self, name: &str, secret: &str) -> Result<KeptIn> {
        let kept = if vault::device_available() {
            vault::keep_text(&self.secret_name(name)?, secret)
        } else {
            Err(StoreError::NoKeyring)
        };
        match kept {
            Ok(()) => {
                self.write(|writer| writer.erase_sealed(name))?;
                Ok(KeptIn::Keyring)
            }
            Err(StoreError::NoKeyring) => self.seal_secret(name, secret),
            Err(error) => Err(error),
        }
    }

    /// The secret of a name, and where it lies.
    ///
    /// # Errors
    /// [`StoreError::NoKeyring`] where it lies in a keyring that does not answer.
    pub fn secret(&self, name: &str) -> Result<Option<(Zeroizing<String>, KeptIn)>> {
        if let Some(sealed) = self.read(|reader| reader.sealed(name))? {
            return Ok(Some((self.open_sealed(name, &sealed)?, KeptIn::Vault)));
        }
        Ok(vault::recall_text(&self.secret_name(name)?)?.map(|text| (text, KeptIn::Keyring)))
    }

    /// Forgets the secret of a name, wherever it lies.
    pub fn forget_secret(&self, name: &str) -> Result<()> {
        self.write(|writer| writer.erase_sealed(name))?;
        match vault::forget(&self.secret_name(name)?) {
            // There is none, or there is no keyring that could have one.
            Ok(()) | Err(StoreError::NoKeyring) => Ok(()),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn seal_secret(&self, name: &str, secret: &str) -> Result<KeptIn> {
        let random = random_bytes()?;
        let nonce = random.first_chunk::<NONCE_BYTES>().copied().unwrap_or_default();
        let payload = Payload { msg: secret.as_bytes(), aad: name.as_bytes() };
        let sealed = self
            .cipher()
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| StoreError::Invalid("the secret could not be sealed".to_owned()))?;
        self.write(|writer| writer.put_sealed(name, &[nonce.as_slice(), &sealed].concat()))?;
        Ok(KeptIn::Vault)
    }

    fn open_sealed(&self, name: &str, bytes: &[u8]) -> Result<Zeroizing<String>> {
        let damaged = || StoreError::Damaged { what: format!("the sealed secret “{name}” cannot be opened") };
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_BYTES>().ok_or_else(damaged)?;
        let payload = Payload { msg: sealed, aad: name.as_bytes() };
        let text = self.cipher().decrypt(&XNonce::from(*nonce), payload).map_err(|_| damaged())?;
        String::from_utf8(text).map(Zeroizing::new).map_err(|_| damaged())
    }

    /// The key of sealed secrets is made from the vault's, and is another one.
    fn cipher(&self) -> XChaCha20Poly1305 {
        let mut hash = Sha256::new();
        hash.update(b"hearth sealed secrets 1\n");
        hash.update(self.inner.key.as_slice());
        let key: DataKey = Zeroizing::new(hash.finalize().into());
        XChaCha20Poly1305::new((&*key).into())
    }

    /// A name in the keyring, which all vaults of this machine share.
    fn secret_name(&self, name: &str) -> Result<String> {
        Ok(format!("{}/{name}", vault::described_id(&self.inner.folder)?))
    }
}
