//! The ledger of everything that reaches outside. It is kept in the vault; while the vault is locked or not made yet (the
//! first models are fetched then) it is kept in a file beside it, and taken over when the vault opens. When it cannot
//! write, nothing is sent.

use hearth_egress::{Attempt, LedgerError, Outcome, Settled};
use hearth_store::{Entry, NewLedger, Store, Writer};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard};

/// One ledger for the whole house.
pub(crate) struct Ledger {
    aside: PathBuf,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    store: Option<Store>,
    next: u64,
    open: HashMap<u64, Place>,
}

/// Where an attempt was written.
enum Place {
    Vault(i64, String),
    Aside(Aside),
}

/// A row kept beside the vault.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Aside {
    key: u64,
    at_ms: i64,
    purpose: String,
    host: String,
    rule: String,
    outcome: String,
    bytes_out: u64,
    bytes_in: u64,
    #[serde(default = "person")]
    who: String,
    #[serde(default)]
    label: String,
}

/// Whoever fetched models before the ledger noted who.
fn person() -> String {
    "person".to_owned()
}

impl Ledger {
    pub(crate) fn new(aside: PathBuf) -> Self {
        Self { aside, state: Mutex::default() }
    }

    /// The vault opened: what was kept beside it moves in.
    pub(crate) fn open(&self, store: &Store) -> Result<(), hearth_store::StoreError> {
        let mut state = self.held();
        let rows = self.read_aside();
        if !rows.is_empty() {
            store.write(|writer| rows.iter().try_for_each(|row| row.noted(writer).map(|_| ())))?;
            if let Err(error) = std::fs::remove_file(&self.aside) {
                tracing::warn!(%error, "the ledger beside the vault was taken over but not removed");
            }
        }
        state.store = Some(store.clone());
        Ok(())
    }

    /// The vault was locked.
    pub(crate) fn close(&self) {
        self.held().store = None;
    }

    /// Rows kept beside the vault; of two rows with one key the later counts.
    fn read_aside(&self) -> Vec<Aside> {
        let text = std::fs::read_to_string(&self.aside).unwrap_or_default();
        let mut rows: Vec<Aside> = Vec::new();
        for row in text.lines().filter_map(|line| serde_json::from_str::<Aside>(line).ok()) {
            match rows.iter_mut().find(|known| known.key == row.key && known.at_ms == row.at_ms) {
                Some(known) => *known = row,
                None => rows.push(row),
            }
        }
        rows
    }

    fn append_aside(&self, row: &Aside) -> Result<(), LedgerError> {
        let line = serde_json::to_string(row).map_err(|error| LedgerError(error.to_string()))?;
        let mut file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.aside)
            .map_err(|error| LedgerError(format!("{} cannot be written: {error}", self.aside.display())))?;
        writeln!(file, "{line}").and_then(|()| file.sync_data()).map_err(|error| LedgerError(error.to_string()))
    }

    fn held(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn add(&self, attempt: &Attempt, outcome: &str) -> Result<u64, LedgerError> {
        let mut state = self.held();
        state.next += 1;
        let key = state.next;
        let row = Aside {
            key,
            at_ms: attempt.at_ms,
            purpose: attempt.outbound.purpose.word().to_owned(),
            host: attempt.outbound.host.clone(),
            rule: attempt.rule.clone(),
            outcome: outcome.to_owned(),
            bytes_out: attempt.bytes_out,
            bytes_in: 0,
            who: attempt.outbound.who.clone(),
            label: attempt.outbound.label.map(|label| label.word().to_owned()).unwrap_or_default(),
        };
        let place = match &state.store {
            Some(store) => {
                let id = store.write(|writer| row.noted(writer)).map_err(|error| LedgerError(error.to_string()))?;
                Place::Vault(id, row.host)
            }
            None => {
                self.append_aside(&row)?;
                Place::Aside(row)
            }
        };
        state.open.insert(key, place);
        Ok(key)
    }

    fn finish(&self, key: u64, outcome: &str, bytes_out: u64, bytes_in: u64) -> Result<(), LedgerError> {
        let mut state = self.held();
        let Some(place) = state.open.remove(&key) else { return Err(LedgerError("no such entry".into())) };
        match place {
            Place::Aside(row) => {
                let row = Aside { outcome: outcome.to_owned(), bytes_out, bytes_in, ..row };
                match &state.store {
                    // The vault opened in between and took the row over as begun: its end is one more row.
                    Some(store) => store
                        .write(|writer| Aside { bytes_out: 0, ..row }.noted(writer).map(|_| ()))
                        .map_err(|error| LedgerError(error.to_string())),
                    None => self.append_aside(&row),
                }
            }
            Place::Vault(id, host) => match &state.store {
                Some(store) => store
                    .write(|writer| {
                        writer.settle_ledger(id, outcome, bytes_out, bytes_in)?;
                        let entry = entry(id, crate::clock::now_ms(), "egress.ended", &host, outcome);
                        writer.append(&entry).map(|_| ())
                    })
                    .map_err(|error| LedgerError(error.to_string())),
                // Locked in between: the entry stands as begun, with what was about to be sent.
                None => Ok(()),
            },
        }
    }
}

/// What the record says of a connection; the row itself is held by the entry.
fn entry(id: i64, at_ms: i64, kind: &'static str, host: &str, outcome: &str) -> Entry {
    let sentence = match kind {
        "egress.begun" => format!("Connection to {host}"),
        _ => format!("Connection to {host}: {outcome}"),
    };
    Entry { at_ms, kind, sentence, subject: Some(format!("connection:{id}")), detail: serde_json::Value::Null }
}

impl Aside {
    /// Writes the row into the vault, and an entry that holds it.
    fn noted(&self, writer: &Writer<'_>) -> hearth_store::Result<i64> {
        let id = writer.add_ledger(&self.new_row())?;
        let kind = match self.outcome.as_str() {
            "begun" => "egress.begun",
            outcome if outcome.starts_with("refused") => "egress.refused",
            _ => "egress.ended",
        };
        writer.append(&entry(id, self.at_ms, kind, &self.host, &self.outcome))?;
        Ok(id)
    }

    fn new_row(&self) -> NewLedger {
        let Aside { key: _, at_ms, purpose, host, rule, outcome, bytes_out, bytes_in, who, label } = self.clone();
        NewLedger { at_ms, purpose, host, rule, outcome, bytes_out, bytes_in, who, label }
    }
}

impl hearth_egress::Ledger for Ledger {
    fn attempt(&self, attempt: &Attempt) -> Result<u64, LedgerError> {
        self.add(attempt, "begun")
    }

    fn settle(&self, id: u64, settled: &Settled) -> Result<(), LedgerError> {
        let outcome = match &settled.outcome {
            Outcome::Done { status: 0 } => "done".to_owned(),
            Outcome::Done { status } => format!("done, {status}"),
            Outcome::Redirected { status } => format!("redirected, {status}"),
            Outcome::Stopped { status } => format!("stopped, {status}"),
            Outcome::Failed { reason } => format!("failed: {reason}"),
        };
        self.finish(id, &outcome, settled.bytes_out, settled.bytes_in)
    }

    fn refused(&self, attempt: &Attempt, sentence: &str) {
        let attempt = Attempt { bytes_out: 0, ..attempt.clone() };
        let outcome = format!("refused: {sentence}");
        let written = self.add(&attempt, &outcome);
        if let Err(error) = written.map(|key| self.held().open.remove(&key)) {
            tracing::error!(%error, "a refusal was not written down");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hearth_egress::{Ledger as _, Outbound, Purpose};

    #[test]
    fn without_a_vault_the_ledger_is_kept_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::new(folder.path().join("ledger.jsonl"));
        let outbound = Outbound {
            purpose: Purpose::ModelDownload,
            host: "models.example".into(),
            url: "https://models.example/m".into(),
            who: "person".into(),
            label: None,
        };
        let attempt = Attempt { at_ms: 5, outbound, rule: "downloads".into(), hop: 0, bytes_out: 120 };
        let id = ledger.attempt(&attempt).unwrap();
        ledger.settle(id, &Settled { bytes_out: 118, bytes_in: 9, outcome: Outcome::Done { status: 200 } }).unwrap();
        let rows = ledger.read_aside();
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0].bytes_out, rows[0].bytes_in, rows[0].outcome.as_str()), (118, 9, "done, 200"));
    }

    #[test]
    fn a_ledger_that_cannot_write_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::new(folder.path().join("missing/ledger.jsonl"));
        let outbound = Outbound {
            purpose: Purpose::ModelDownload,
            host: "h".into(),
            url: "https://h".into(),
            who: "person".into(),
            label: None,
        };
        let attempt = Attempt { at_ms: 5, outbound, rule: "r".into(), hop: 0, bytes_out: 1 };
        assert!(ledger.attempt(&attempt).is_err());
    }
}
