//! Who may do what on a shared machine: one table of what every command needs, asked in one place before its handler. And
//! what of the record is shown to those who may not see content.

use crate::kernel::House;
use hearth_api::{AuditEntry, Error, ErrorCode, Trace};
use hearth_policy::Right;

use Right::{Enter, Read, Record, Rule, Work};

/// What each command needs. One that is not here needs the right to change the rules, so that a new one is closed until
/// somebody says what it is; a test holds this table against the door's.
const NEEDED: &[(&str, Right)] = &[
    ("GetVault", Enter),
    ("CreateVault", Enter),
    ("UnlockVault", Enter),
    ("LockVault", Enter),
    ("ChangePassphrase", Enter),
    ("GetStatus", Enter),
    ("GetSettings", Enter),
    ("SetSettings", Enter),
    ("GetDoctor", Enter),
    ("RepairVault", Work),
    ("ListSpaces", Enter),
    ("CreateSpace", Work),
    ("RenameSpace", Work),
    ("SetSpaceLabel", Work),
    ("GetHome", Read),
    ("ListConversations", Read),
    ("GetConversation", Read),
    ("RenameConversation", Work),
    ("RemoveConversation", Work),
    ("RestoreConversation", Work),
    ("Ask", Work),
    ("StopTurn", Work),
    ("Regenerate", Work),
    ("EditQuestion", Work),
    ("HandToPerson", Work),
    ("ListReviews", Read),
    ("AssignReview", Work),
    ("AnswerReview", Work),
    ("DismissReview", Work),
    ("ReopenReview", Work),
    ("Search", Read),
    ("ChooseFiles", Work),
    ("OfferFiles", Work),
    ("OfferText", Work),
    ("ImportOffer", Work),
    ("DropOffer", Work),
    ("ListJobs", Read),
    ("CancelJobs", Work),
    ("RetryJob", Work),
    ("DismissJobs", Work),
    ("ListDocuments", Read),
    ("GetDocument", Read),
    ("RemoveDocuments", Work),
    ("RestoreDocuments", Work),
    ("SetLabel", Work),
    ("JudgeAlike", Work),
    ("OpenVersion", Read),
    ("GetPage", Read),
    ("CompareVersions", Read),
    ("FindInVersion", Read),
    ("ListWatched", Read),
    ("ChooseWatched", Work),
    ("WatchOffer", Work),
    ("PauseWatched", Work),
    ("CheckWatched", Work),
    ("StopWatching", Work),
    ("ListMemories", Read),
    ("Remember", Work),
    ("Forget", Work),
    ("RestoreMemories", Work),
    ("ListModels", Enter),
    ("DownloadModel", Work),
    ("PauseDownload", Work),
    ("CancelDownload", Work),
    ("AddModel", Work),
    ("RemoveModel", Work),
    ("SetRole", Work),
    ("LoadModel", Work),
    ("UnloadModel", Work),
    ("MeasureModel", Work),
    ("SetContext", Work),
    ("CompareModels", Work),
    ("ListContests", Read),
    ("GetContest", Read),
    ("ChooseAnswer", Work),
    ("StopContest", Work),
    ("ResumeContest", Work),
    ("ListFoundModels", Enter),
    ("AddFoundModel", Work),
    ("ListActivity", Record),
    ("GetTrace", Record),
    ("VerifyAudit", Record),
    ("CheckAnchor", Record),
    ("MakeAnchor", Record),
    ("ReplayTurn", Work),
    ("GetLineage", Read),
    ("ListUses", Read),
    ("GetMetrics", Record),
    ("ExportRecord", Record),
    ("MakeReport", Record),
    ("GetCollector", Record),
    ("SetCollector", Rule),
    ("SaveFile", Record),
    ("GetPrivacy", Enter),
    ("SetMode", Rule),
    ("SetRules", Rule),
    ("AddRules", Rule),
    ("RemoveRule", Rule),
    ("TryRules", Rule),
    ("AddGrant", Rule),
    ("WithdrawGrant", Rule),
    ("ListProviders", Enter),
    ("SetProvider", Rule),
    ("RemoveProvider", Rule),
    ("TestProvider", Rule),
    ("SetBudget", Rule),
    ("PreviewRemote", Work),
    ("SendRemote", Work),
];

/// What a command needs.
pub(crate) fn needed(command: &str) -> Right {
    NEEDED.iter().find(|(name, _)| *name == command).map_or(Right::Rule, |(_, right)| *right)
}

/// Whether this person may give a command. While the vault is closed it is not known who is there; what content needs, an
/// open vault needs too.
///
/// # Errors
/// `Denied`, with the part that this person plays and whose policy says so.
pub(crate) fn may(house: &House, command: &str) -> Result<(), Error> {
    need(house, needed(command))
}

/// Whether this person has a right.
///
/// # Errors
/// As [`may`].
pub(crate) fn need(house: &House, right: Right) -> Result<(), Error> {
    let held = house.law.held();
    let person = held.person();
    if person.has(right) {
        return Ok(());
    }
    let whose = held.organization.as_ref().map_or("", |laid| laid.policy.name.as_str());
    let article = if person == hearth_policy::Person::Auditor { "An" } else { "A" };
    let who = format!("{article} {}", person.name().to_lowercase());
    Err(Error::new(ErrorCode::Denied, format!("{who} may not {}.", right.words()))
        .hint(format!("The policy of {whose} gives this profile (\"{}\") that part.", held.profile)))
}

/// Whether the record may be searched by words: words of content would tell what it says.
///
/// # Errors
/// `Denied`.
pub(crate) fn may_search_record(house: &House, text: Option<&str>) -> Result<(), Error> {
    if text.is_none() || house.law.held().person().sees_content() {
        return Ok(());
    }
    Err(Error::new(ErrorCode::Denied, "An auditor may not search the record by words, because it repeats questions.")
        .hint("Read it in order, or filter it by kind."))
}

/// Entries of the record as this person may see them: who may not see content sees what kind of thing happened, and when.
/// Entries about the vault, models and the law hold no content and stay as they are. Hashes stay.
pub(crate) fn veiled(house: &House, mut entries: Vec<AuditEntry>) -> Vec<AuditEntry> {
    if !house.law.held().person().sees_content() {
        entries.iter_mut().for_each(veil);
    }
    entries
}

fn veil(entry: &mut AuditEntry) {
    let room = entry.kind.split('.').next().unwrap_or_default();
    if !["vault", "model", "law"].contains(&room) {
        entry.sentence = entry.kind.replace(['.', '_'], " ");
        entry.detail = None;
    }
}

/// A turn's waterfall as this person may see it.
pub(crate) fn veiled_trace(house: &House, mut trace: Trace) -> Trace {
    if !house.law.held().person().sees_content() {
        trace.question = "(not shown to auditors)".to_owned();
        for station in &mut trace.stations {
            station.sentence = String::new();
            station.weighed.clear();
            // What was decided of Admit, Label and Tool names rules; elsewhere it may name documents.
            if !["Admit", "Tool"].contains(&station.name.as_str()) {
                station.decision = None;
            }
        }
    }
    trace
}

#[cfg(test)]
mod tests {
    use super::*;
    use hearth_policy::Person;
    use std::collections::BTreeSet;

    #[test]
    fn every_command_has_its_right_and_none_is_left_over() {
        let named: BTreeSet<&str> = NEEDED.iter().map(|(name, _)| *name).collect();
        let there: BTreeSet<&str> = hearth_api::COMMANDS.iter().copied().collect();
        assert_eq!(named, there);
        assert_eq!(named.len(), NEEDED.len(), "a command is named twice");
        assert!(needed("SomethingNew") == Right::Rule);
    }

    #[test]
    fn a_viewer_changes_nothing_and_an_auditor_reads_no_content() {
        for (name, right) in NEEDED {
            let changes =
                ["Set", "Add", "Remove", "Create", "Import", "Ask", "Forget", "Remember", "Load", "Answer", "Hand"]
                    .iter()
                    .any(|verb| name.starts_with(verb));
            let own = ["SetSettings", "CreateVault"].contains(name);
            assert!(own || !changes || !Person::Viewer.has(*right), "{name}");
            let content = ["Document", "Conversation", "Page", "Version", "Memories", "Search", "Home", "Reviews"];
            assert!(!content.iter().any(|word| name.contains(word)) || !Person::Auditor.has(*right), "{name}");
        }
    }
}
