//! Making, opening and locking the vault, and what begins and ends with it.

use crate::clock::now_ms;
use crate::error;
use crate::jobs::{self, Jobs};
use crate::kernel::{House, Open};
use crate::pages::Pages;
use crate::turn::{Turns, close_interrupted};
use crate::{activity, settings};
use hearth_api::{Error, ErrorCode, VaultState};
use hearth_store::{Entry, Secret, Store, StoreError};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// The first space of a new vault.
const FIRST_SPACE: &str = "My documents";
/// The shortest passphrase that locks a vault.
const LEAST_CHARS: usize = 8;

pub(crate) fn secret(passphrase: Option<String>) -> Secret {
    match passphrase {
        Some(passphrase) => Secret::Passphrase(passphrase.into()),
        None => Secret::Device,
    }
}

impl House {
    /// How the vault stands.
    pub(crate) fn vault_state(&self) -> VaultState {
        let info = match hearth_store::inspect(&self.config.data_dir) {
            Ok(info) => info,
            Err(why) => return VaultState::Unusable { error: error::store(why) },
        };
        match self.peek() {
            _ if !info.exists => VaultState::Fresh { device: hearth_store::device_available() },
            None => VaultState::Locked { passphrase: info.passphrase, device: info.device },
            Some(open) => {
                let minutes = open.lock_after_minutes.load(Ordering::SeqCst);
                let locks_at_ms = (minutes > 0).then(|| open.used_ms.load(Ordering::SeqCst) + minutes * 60_000);
                VaultState::Open { passphrase: info.passphrase, device: info.device, locks_at_ms }
            }
        }
    }

    /// Locks the vault: turns are kept as stopped, jobs stay resumable, engines end, keys leave memory.
    pub(crate) fn lock_vault(&self, why: &str) {
        let taken = self.vault.write().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
        let Some(open) = taken else { return };
        open.jobs.stop();
        open.watch.end();
        open.turns.stop_all();
        self.ledger.close();
        self.law.close();
        let entry = Entry {
            at_ms: now_ms(),
            kind: "vault.locked",
            sentence: why.to_owned(),
            subject: None,
            detail: serde_json::json!({}),
        };
        if let Err(error) = open.store.record(entry, |_| Ok(())) {
            not_kept(&error, "locking was not recorded");
        }
        self.schedule.unload_all(Some(&open));
        drop(open);
        self.tell_status();
    }

    /// Locks a vault that nobody used for as long as a person chose.
    pub(crate) fn lock_when_unused(&self) {
        let Some(open) = self.peek() else { return };
        let minutes = open.lock_after_minutes.load(Ordering::SeqCst);
        let unused_ms = now_ms() - open.used_ms.load(Ordering::SeqCst);
        if minutes > 0 && unused_ms > minutes * 60_000 && !open.turns.any() {
            drop(open);
            self.lock_vault(&format!("Vault closed after {minutes} min idle"));
        }
    }

    /// Notes something in the record, where the vault is open.
    pub(crate) fn note(
        &self,
        kind: &'static str,
        sentence: String,
        subject: Option<String>,
        detail: serde_json::Value,
    ) {
        let Some(open) = self.peek() else { return };
        let entry = Entry { at_ms: now_ms(), kind, sentence, subject, detail };
        if let Err(error) = open.store.record(entry, |_| Ok(())) {
            not_kept(&error, "an entry was not recorded");
        }
        self.events.stale(&["ListActivity"]);
    }
}

/// Logs that something was not kept. A full disk is said where a person reads it, and not once more for each entry.
pub(crate) fn not_kept(error: &StoreError, what: &str) {
    match error {
        StoreError::Full => tracing::warn!(%error, "{what}"),
        error => tracing::error!(%error, "{what}"),
    }
}

/// Makes the vault.
pub(crate) fn create(house: &Arc<House>, passphrase: Option<String>) -> Result<VaultState, Error> {
    check(passphrase.as_deref())?;
    let store =
        hearth_store::create(&house.config.data_dir, &secret(passphrase), now_ms()).map_err(|why| match why {
            StoreError::Exists => {
                Error::new(ErrorCode::AlreadyExists, "There is a vault here already.").hint("Unlock it instead.")
            }
            other => for_device(other),
        })?;
    store.write(|writer| writer.create_space(FIRST_SPACE, now_ms())).map_err(error::store)?;
    enter(house, store, "vault.created", "Vault made")
}

/// Opens the vault.
pub(crate) fn unlock(house: &Arc<House>, passphrase: Option<String>) -> Result<VaultState, Error> {
    if house.peek().is_some() {
        return Ok(house.vault_state());
    }
    let store = hearth_store::open(&house.config.data_dir, &secret(passphrase)).map_err(for_device)?;
    enter(house, store, "vault.unlocked", "Vault opened")
}

/// Changes what opens the vault.
pub(crate) fn change(house: &House, current: Option<String>, new: Option<String>) -> Result<VaultState, Error> {
    house.open()?;
    check(new.as_deref())?;
    let how = if new.is_some() { "a passphrase" } else { "this machine's keyring" };
    hearth_store::change_secret(&house.config.data_dir, &secret(current), &secret(new)).map_err(for_device)?;
    house.note("vault.secret_changed", format!("The vault is opened by {how} now"), None, serde_json::json!({}));
    Ok(house.vault_state())
}

fn check(passphrase: Option<&str>) -> Result<(), Error> {
    match passphrase {
        Some(words) if words.chars().count() < LEAST_CHARS => {
            Err(Error::new(ErrorCode::Invalid, format!("A passphrase has at least {LEAST_CHARS} characters."))
                .hint("Several words that only you put together are good and easy to keep in mind."))
        }
        _ => Ok(()),
    }
}

fn for_device(why: StoreError) -> Error {
    match why {
        StoreError::NoKeyring => {
            Error::new(ErrorCode::Unavailable, "This machine has no keyring that can hold the key.")
                .hint("Use a passphrase.")
        }
        other => error::store(other),
    }
}

/// Whether a folder holds a vault, open, locked or damaged.
pub fn has_vault(folder: &Path) -> bool {
    hearth_store::inspect(folder).map_or(true, |info| info.exists)
}

/// What begins with an open vault.
fn enter(house: &Arc<House>, store: Store, kind: &'static str, sentence: &str) -> Result<VaultState, Error> {
    let open = Arc::new(Open {
        store,
        turns: Turns::default(),
        contests: Default::default(),
        jobs: Jobs::default(),
        watch: crate::watch::Watch::default(),
        pages: Pages::default(),
        retention: crate::retention::Retention::default(),
        collector: crate::collector::Collector::default(),
        remote: crate::remote::Remote::default(),
        embedded: crate::reindex::Embedded::default(),
        used_ms: AtomicI64::new(now_ms()),
        lock_after_minutes: AtomicI64::new(0),
    });
    if let Err(error) = begin(house, &open, kind, sentence) {
        // What could not begin is not open.
        house.vault.write().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
        open.jobs.stop();
        open.watch.end();
        house.ledger.close();
        house.law.close();
        return Err(error);
    }
    house.tell_status();
    Ok(house.vault_state())
}

fn begin(house: &Arc<House>, open: &Arc<Open>, kind: &'static str, sentence: &str) -> Result<(), Error> {
    settings::apply(open, &settings::load(open)?);
    if_there_is_room(house.ledger.open(&open.store).map_err(error::store))?;
    house.law.open(&open.store)?;
    if_there_is_room(close_interrupted(house, open))?;
    if_there_is_room(crate::memory::erase_forgotten_of(open))?;
    *house.vault.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(Arc::clone(open));
    house.note(kind, sentence.to_owned(), None, serde_json::json!({}));
    if_there_is_room(activity::note_policy(house, open))?;
    for conflict in crate::remote::conflicts(house, open) {
        tracing::error!(conflict, "the mode and what is set up contradict each other");
        house.note("law.conflict", conflict, None, serde_json::json!({}));
    }
    jobs::start(house, open)?;
    crate::reindex::start(house, open)?;
    crate::watch::start(house, open)?;
    warm(house, open)
}

/// What an opening tidies up waits for the next one where the disk is full: what is kept can still be read.
fn if_there_is_room(done: Result<(), Error>) -> Result<(), Error> {
    match done {
        Err(error) if error.code == ErrorCode::DiskFull => {
            tracing::warn!(%error, "opened without tidying up");
            Ok(())
        }
        other => other,
    }
}

/// While the person is still reading the screen: loads the index, erases what was removed in an earlier run, and loads
/// the models for asking.
fn warm(house: &Arc<House>, open: &Arc<Open>) -> Result<(), Error> {
    let (there, open, opened_ms) = (Arc::clone(house), Arc::downgrade(open), now_ms());
    house.hands.start("warm", move || {
        let Some(open) = open.upgrade() else { return };
        if let Err(error) = open.store.warm() {
            tracing::warn!(%error, "the index was not warmed");
        }
        if let Err(error) = crate::purge::purge_removed(&open, opened_ms) {
            tracing::warn!(%error, "what was removed was not erased yet");
        }
        if let Err(error) = crate::near::compare_new(&open) {
            tracing::warn!(%error, "documents were not compared with each other yet");
        }
        there.events.stale(&["ListDocuments", "GetHome", "ListActivity"]);
        drop(open);
        for role in [hearth_domain::Role::Embed, hearth_domain::Role::Chat, hearth_domain::Role::Rerank] {
            if there.peek().is_none() {
                return;
            }
            if let Ok(model) = there.models.for_role(role)
                && let Err(error) = there.schedule.engine(&there, &model)
            {
                tracing::warn!(%error, "a model was not warmed");
            }
        }
    })
}
