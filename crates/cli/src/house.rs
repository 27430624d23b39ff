//! Starting the kernel, opening the vault, finding the space that was meant.

use crate::out::Out;
use hearth_api::{
    CreateVault, Error, ErrorCode, Finding, GetVault, Handler, ListSpaces, Space, UnlockVault, VaultState,
};
use hearth_kernel::{Config, Kernel};
use std::io::IsTerminal;
use std::ops::Deref;
use std::path::PathBuf;

/// A running kernel that is stopped in order when the command ends.
pub(crate) struct House(Kernel);

impl Deref for House {
    type Target = Kernel;

    fn deref(&self) -> &Kernel {
        &self.0
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// The folders that were named, or the usual ones.
#[derive(Clone)]
pub(crate) struct Place {
    /// Where everything is kept.
    pub(crate) data_dir: PathBuf,
    /// Where models are kept, if elsewhere.
    pub(crate) models_dir: Option<PathBuf>,
    /// The profile, where it is not the usual one.
    pub(crate) profile: Option<String>,
}

impl Place {
    /// Takes what was named on the command line.
    pub(crate) fn new(data_dir: Option<PathBuf>, models_dir: Option<PathBuf>) -> Self {
        let full = |path: PathBuf| std::path::absolute(&path).unwrap_or(path);
        let data_dir = data_dir.map_or_else(hearth_kernel::default_data_dir, full);
        Self { data_dir, models_dir: models_dir.map(full), profile: None }
    }

    /// The folder of this profile's vault.
    pub(crate) fn folder(&self) -> PathBuf {
        self.config().map_or_else(|_| self.data_dir.clone(), |config| config.data_dir)
    }

    /// Starts the kernel and opens the vault that is there. Commands that only read make none: a mistyped folder would
    /// look like an empty vault.
    pub(crate) fn open_kept(self, out: &Out) -> Result<House, Error> {
        let house = self.start_kept()?;
        unlock(&house, out)?;
        Ok(house)
    }

    /// Starts the kernel where there is a vault, which stays as it is.
    pub(crate) fn start_kept(self) -> Result<House, Error> {
        let config = self.config()?;
        if !hearth_kernel::has_vault(&config.data_dir) {
            let said = format!("There is no vault in {}.", config.data_dir.display());
            return Err(Error::new(ErrorCode::NotFound, said)
                .hint("Check the folder (--data-dir). `hearth import FILE` makes a vault there on first use."));
        }
        self.start()
    }

    /// Starts the kernel; the vault stays as it is.
    pub(crate) fn start(self) -> Result<House, Error> {
        Kernel::start(self.config()?).map(House)
    }

    fn config(&self) -> Result<Config, Error> {
        let mut config = match &self.profile {
            Some(profile) => Config::for_profile(&self.data_dir, profile)?,
            None => Config::new(&self.data_dir),
        };
        config.models_dir = self.models_dir.clone().or(config.models_dir);
        config.bundled_models = bundled();
        Ok(config)
    }

    /// Starts the kernel and opens the vault, making it on first use.
    pub(crate) fn open(self, out: &Out) -> Result<House, Error> {
        let house = self.start()?;
        unlock(&house, out)?;
        Ok(house)
    }
}

/// The folder of models that a package lays beside the program.
fn bundled() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    let base = program.parent()?.parent()?;
    Some(base.join("lib/Hearth/models")).filter(|folder| folder.is_dir())
}

/// Opens the vault of a running kernel.
pub(crate) fn unlock(kernel: &Kernel, out: &Out) -> Result<(), Error> {
    match kernel.handle(GetVault {})? {
        VaultState::Open { .. } => Ok(()),
        VaultState::Unusable { error } => Err(error),
        VaultState::Fresh { device } => {
            let passphrase = match from_environment() {
                Some(passphrase) => Some(passphrase),
                None if device => None,
                None => Some(chosen()?),
            };
            kernel.handle(CreateVault { passphrase })?;
            out.note("Made a new vault.");
            Ok(())
        }
        VaultState::Locked { passphrase, device } => {
            if let Some(given) = from_environment() {
                return kernel.handle(UnlockVault { passphrase: Some(given) }).map(drop);
            }
            if device {
                match kernel.handle(UnlockVault { passphrase: None }) {
                    Ok(_) => return Ok(()),
                    Err(error) if !passphrase => return Err(error),
                    Err(error) => out.note(&format!("The keyring did not open the vault: {error}")),
                }
            }
            let given = prompt("Passphrase: ")?;
            kernel.handle(UnlockVault { passphrase: Some(given) }).map(drop)
        }
    }
}

/// Opens the vault where that needs nobody: with the passphrase of the environment, or with the keyring alone.
///
/// # Errors
/// Why a vault that is there does not open.
pub(crate) fn unlock_unasked(kernel: &Kernel) -> Result<(), Error> {
    let passphrase = from_environment();
    match kernel.handle(GetVault {})? {
        VaultState::Unusable { error } => Err(error),
        VaultState::Locked { device, .. } if device || passphrase.is_some() => {
            kernel.handle(UnlockVault { passphrase }).map(drop)
        }
        _ => Ok(()),
    }
}

/// Rebuilds a vault that does not open for damage, with what would open it.
pub(crate) fn rebuild(kernel: &Kernel) -> Result<Vec<Finding>, Error> {
    let device = matches!(kernel.handle(GetVault {})?, VaultState::Locked { device: true, .. });
    let passphrase = match from_environment() {
        None if !device => Some(prompt("Passphrase: ")?),
        given => given,
    };
    kernel.rebuild_closed_vault(passphrase)
}

fn from_environment() -> Option<String> {
    std::env::var("HEARTH_PASSPHRASE").ok().filter(|passphrase| !passphrase.is_empty())
}

fn prompt(text: &str) -> Result<String, Error> {
    let locked = || {
        Error::new(ErrorCode::Locked, "The vault is locked, and there is no terminal to ask on.")
            .hint("Set HEARTH_PASSPHRASE, or run this in a terminal.")
    };
    if !std::io::stderr().is_terminal() {
        return Err(locked());
    }
    rpassword::prompt_password(text).map_err(|_| locked())
}

/// A secret that a person types unseen.
pub(crate) fn secret(text: &str) -> Result<String, Error> {
    rpassword::prompt_password(text)
        .map_err(|why| Error::new(ErrorCode::Invalid, format!("It could not be read from the terminal: {why}.")))
}

fn chosen() -> Result<String, Error> {
    let first = prompt("Choose a passphrase for the new vault: ")?;
    if first.is_empty() {
        return Err(Error::new(ErrorCode::Locked, "A vault needs a passphrase here: this machine has no keyring."));
    }
    if prompt("Once more: ")? != first {
        return Err(Error::new(ErrorCode::Locked, "The two passphrases differ; no vault was made."));
    }
    Ok(first)
}

/// The password of an encrypted file, from HEARTH_FILE_PASSWORD or a prompt.
pub(crate) fn file_password() -> Result<String, Error> {
    match std::env::var("HEARTH_FILE_PASSWORD") {
        Ok(password) => Ok(password),
        Err(_) => prompt("Password of the file: "),
    }
}

/// The space that was meant: by id, by name, or the first.
pub(crate) fn space(kernel: &Kernel, wanted: Option<&str>) -> Result<Space, Error> {
    pick(kernel.handle(ListSpaces {})?, wanted)
}

fn pick(spaces: Vec<Space>, wanted: Option<&str>) -> Result<Space, Error> {
    let names = spaces.iter().map(|space| format!("{} ({})", space.name, space.id)).collect::<Vec<_>>().join(", ");
    let found = match wanted {
        None => spaces.into_iter().next(),
        Some(wanted) => {
            let id = wanted.parse::<i64>().ok();
            let mut by_name: Vec<Space> =
                spaces.iter().filter(|space| space.name.eq_ignore_ascii_case(wanted)).cloned().collect();
            if by_name.len() == 1 { by_name.pop() } else { spaces.into_iter().find(|space| Some(space.id) == id) }
        }
    };
    found.ok_or_else(|| {
        let what =
            wanted.map_or("There is no space yet.".to_owned(), |wanted| format!("There is no one space \"{wanted}\"."));
        Error::new(ErrorCode::NotFound, what).hint(format!("There are: {names}."))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spaces() -> Vec<Space> {
        use hearth_api::Label;
        [(1, "Home"), (2, "Work"), (3, "2"), (4, "twice"), (5, "Twice")]
            .into_iter()
            .map(|(id, name)| Space { id, name: name.to_owned(), label: Label::Public, documents: 0, memories: 0 })
            .collect()
    }

    #[test]
    fn a_space_is_found_by_name_then_by_id() {
        let id = |wanted| pick(spaces(), wanted).map(|space| space.id).map_err(|error| error.code);
        assert_eq!(id(None), Ok(1));
        assert_eq!(id(Some("work")), Ok(2));
        assert_eq!(id(Some("2")), Ok(3), "a space named like another's id goes by its name");
        assert_eq!(id(Some("5")), Ok(5));
        assert_eq!(id(Some("twice")), Err(ErrorCode::NotFound), "neither of two is guessed");
        assert_eq!(id(Some("none")), Err(ErrorCode::NotFound));
        assert!(pick(Vec::new(), None).is_err());
    }
}
