//! What the gate asks of the house: the law, which says whether a request may be sent, and the ledger, which writes down
//! that it is. Both are the kernel's; the gate only calls them, on the thread that sends.

use hearth_domain::{Label, TimeMs};
use serde::{Deserialize, Serialize};

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// The bytes of a model file.
    ModelDownload,
    /// What a repository says of its files: names, sizes, hashes.
    ModelMetadata,
    /// A package that carries a model, fetched by the package client.
    PackageDownload,
    /// Text for a model that runs elsewhere, which a person saw.
    RemoteAnswer,
    /// A few fixed words, to see whether a provider answers.
    ProviderTest,
    /// How questions were worked on, for a collector on this machine.
    Spans,
}

impl Purpose {
    /// The word that stands for this purpose in rules and records.
    pub fn word(self) -> &'static str {
        match self {
            Purpose::ModelDownload => "model_download",
            Purpose::ModelMetadata => "model_metadata",
            Purpose::PackageDownload => "package_download",
            Purpose::RemoteAnswer => "remote_answer",
            Purpose::ProviderTest => "provider_test",
            Purpose::Spans => "spans",
        }
    }
}

/// A request that is about to be sent, as the law sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outbound {
    /// What it is for.
    pub purpose: Purpose,
    /// The host, lower case, without a port; `package-index` where the package client chooses it.
    pub host: String,
    /// The address without user, password, query and fragment, which may hold secrets.
    pub url: String,
    /// Who wants it: `person`, or `house` for what runs by itself.
    pub who: String,
    /// How guarded the text is that it carries; none where it carries none.
    pub label: Option<Label>,
}

/// What the law says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It may be sent.
    Allow {
        /// The rule that permits it.
        rule: String,
    },
    /// It may not.
    Deny {
        /// The rule that forbids it, or that nothing permits it.
        rule: String,
        /// One plain sentence for the person who asked.
        sentence: String,
    },
}

/// Says whether a request may be sent. What it does not know it denies.
pub trait Law: Send + Sync {
    /// The verdict on one request. Each hop of a redirect is asked for by itself.
    fn may(&self, outbound: &Outbound) -> Verdict;
}

/// One request as the ledger writes it down before anything is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When.
    pub at_ms: TimeMs,
    /// What for, to which host, which address (without secrets).
    pub outbound: Outbound,
    /// The rule that permitted it, or that forbade it.
    pub rule: String,
    /// 0 for the first request, then one more for each redirect followed.
    pub hop: u32,
    /// Bytes of the request that are about to be sent: its first line, headers and body, before encryption.
    pub bytes_out: u64,
}

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Outcome {
    /// The whole reply was read.
    Done {
        /// The HTTP status; 0 where there is none.
        status: u16,
    },
    /// The reply pointed elsewhere.
    Redirected {
        /// The HTTP status.
        status: u16,
    },
    /// The reply was not read to its end, by choice.
    Stopped {
        /// The HTTP status.
        status: u16,
    },
    /// It failed.
    Failed {
        /// What went wrong.
        reason: String,
    },
}

/// What a request came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// Bytes that were handed to the connection.
    pub bytes_out: u64,
    /// Bytes of the reply's body that were read.
    pub bytes_in: u64,
    /// How it ended.
    pub outcome: Outcome,
}

/// The ledger cannot write.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LedgerError(pub String);

/// Writes down what leaves. When it fails, nothing is sent.
pub trait Ledger: Send + Sync {
    /// Writes down a request that the law allowed, before it is sent, and names the entry.
    ///
    /// # Errors
    /// [`LedgerError`]; the request is then not sent.
    fn attempt(&self, attempt: &Attempt) -> Result<u64, LedgerError>;

    /// Writes down what a request came to. Called once for each entry.
    ///
    /// # Errors
    /// [`LedgerError`]; the bytes have been sent by then, and the gate sends nothing more.
    fn settle(&self, id: u64, settled: &Settled) -> Result<(), LedgerError>;

    /// Writes down a request that the law or the gate refused. Nothing was sent.
    fn refused(&self, attempt: &Attempt, sentence: &str);
}
