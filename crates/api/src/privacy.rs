//! Words about what holds now.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// The privacy mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Nothing is sent and nothing is fetched.
    Offline,
    /// Answers are made here; the network is used only for downloads that a person starts.
    LocalOnly,
    /// Answers are made here first; what would leave is shown before, and waits for a yes.
    AskBeforeRemote,
}

/// A mode that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ModeView {
    /// The mode.
    pub mode: Mode,
    /// What it is called.
    pub name: String,
    /// What it promises.
    pub sentence: String,
    /// Whether it holds now.
    pub holds: bool,
    /// Whether it may be chosen: an organization may allow some modes only.
    pub allowed: bool,
}

/// An organization's policy that holds here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct OrganizationView {
    /// Whose it is.
    pub name: String,
    /// Its version, as the organization counts.
    pub version: u32,
    /// The fingerprint of the key that signed it.
    pub fingerprint: String,
    /// What it lays down beside rules, in sentences.
    pub sentences: Vec<String>,
}

/// A person's leave for what would otherwise be asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct GrantView {
    /// Its id.
    pub id: i64,
    /// What it allows, and how far, in a sentence.
    pub sentence: String,
    /// When it ends.
    pub until_ms: i64,
}

/// What other rules would have decided of requests of the last thirty days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct RuleTrial {
    /// Requests that were tried.
    pub tried: u32,
    /// Those that would be decided otherwise.
    pub changes: u32,
    /// At most twenty of them.
    pub examples: Vec<TriedRequest>,
    /// New rules that would decide none of them.
    pub idle: Vec<String>,
    /// What the sample text holds of personal data and secrets, by kind.
    pub found: Vec<String>,
}

/// A request that other rules would decide otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct TriedRequest {
    /// When it was made; none for the sample.
    pub at_ms: Option<i64>,
    /// What was wanted.
    pub what: String,
    /// As it was decided.
    pub before: GridCell,
    /// As it would be.
    pub after: GridCell,
    /// The rule that would decide it.
    pub rule: String,
}

/// The privacy screen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Privacy {
    /// The mode that holds.
    pub mode: Mode,
    /// The mode in a sentence.
    pub mode_sentence: String,
    /// All modes, strictest first.
    pub modes: Vec<ModeView>,
    /// Why less is allowed than a person chose, where that is so.
    pub trouble: Option<String>,
    /// What the organization laid down, where this vault belongs to one.
    pub organization: Option<OrganizationView>,
    /// The part that this person plays: Viewer, Member, Steward or Auditor.
    pub person: String,
    /// Whether this person may change the rules.
    pub may_rule: bool,
    /// A person's own rules, in Cedar.
    pub own_rules: String,
    /// Grants that hold.
    pub grants: Vec<GrantView>,
    /// The rules, in order.
    pub rules: Vec<RuleView>,
    /// What may go where.
    pub grid: Grid,
    /// Everything that reached out, newest first, at most 50.
    pub ledger: Vec<LedgerRowView>,
    /// Bytes out since the vault was made.
    pub bytes_out: u64,
    /// When the vault was made.
    pub since_ms: i64,
    /// What the system enforces around the engine and reader processes.
    pub guards: Vec<Guard>,
}

/// The same row as the record's.
pub type LedgerRowView = super::LedgerRow;

/// A rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct RuleView {
    /// Its number.
    pub number: u32,
    /// Its name.
    pub name: String,
    /// Its plain sentence.
    pub sentence: String,
    /// Its text.
    pub text: String,
    /// Who made it: "Built in", "Organization" or "Yours".
    pub origin: String,
    /// How often it decided since Hearth was started.
    pub applied: u32,
}

/// Labels against destinations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Grid {
    /// The columns: "This machine", "Tools", ...
    pub destinations: Vec<String>,
    /// One row for each label.
    pub rows: Vec<GridRow>,
}

/// One label's row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct GridRow {
    /// The label.
    pub label: super::Label,
    /// One cell for each destination.
    pub cells: Vec<GridCell>,
}

/// What a rule says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum GridCell {
    Allow,
    Ask,
    Deny,
}

/// Something the system enforces, or cannot here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Guard {
    /// Its name.
    pub name: String,
    /// Whether it holds on this machine.
    pub enforced: bool,
    /// One plain sentence.
    pub detail: String,
}

/// One line of `doctor`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Finding {
    /// What was looked at.
    pub name: String,
    /// Whether it works.
    pub works: bool,
    /// What was found, and what to do.
    pub detail: String,
}
