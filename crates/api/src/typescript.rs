//! Writes the TypeScript of every word spoken at the door.

use super::*;
use ts_rs::{Config, TS};

/// The whole of `ui/src/core/bindings.ts`. Integers are `number`: every id and size stays below 2^53.
pub fn bindings() -> String {
    let config = Config::new().with_large_int("number");
    let mut out = String::from("// Generated from crates/api. Do not edit: run `npm run bindings`.\n\n");
    macro_rules! declare {
        ($($ty:ty),+ $(,)?) => { $(
            if let Some(docs) = <$ty as TS>::docs() {
                out.push_str(docs.trim_end());
                out.push('\n');
            }
            out.push_str("export ");
            out.push_str(<$ty as TS>::decl(&config).trim_end());
            out.push_str("\n\n");
        )+ };
    }
    declare!(
        ErrorCode,
        Error,
        Done,
        VaultState,
        Mode,
        ModeView,
        OrganizationView,
        GrantView,
        RuleTrial,
        TriedRequest,
        Status,
        Progress,
        ModelStatus,
        ModelState,
        MemoryUse,
        Home,
        Changed,
        Settings,
        Space,
        ConversationRow,
        Conversation,
        Asked,
        Preferred,
        Contest,
        ContestQuestion,
        ContestAnswer,
        PairTotals,
        SideTotals,
        ContestRow,
        TurnState,
        Turn,
        AttachedDocument,
        Quote,
        QuotedCell,
        Span,
        Source,
        Sentence,
        Citation,
        CheckState,
        Confidence,
        How,
        RuleRef,
        Grounding,
        Hits,
        PassageHit,
        DocumentHit,
        Kind,
        Label,
        Offer,
        OfferedFile,
        Destination,
        ImportStep,
        JobState,
        Job,
        JobFailure,
        JobAction,
        DocumentStatus,
        DocumentRow,
        Library,
        LaterRevision,
        Alike,
        Relation,
        DocumentDetail,
        Within,
        VersionRow,
        OpenedVersion,
        Comparison,
        Difference,
        DifferentText,
        OutlineRow,
        PageView,
        Picture,
        BoxView,
        BlockView,
        BlockKind,
        WatchedFolder,
        WatchState,
        WatchProblem,
        Memory,
        Role,
        Models,
        Machine,
        MemoryPart,
        MemoryKind,
        RoleRow,
        Model,
        Measured,
        FoundModel,
        Fit,
        FitLevel,
        ModelPresence,
        AuditEntry,
        AuditCheck,
        AuditBreak,
        Anchor,
        AnchorView,
        Collector,
        Replay,
        ReplayVerdict,
        ReplayInput,
        ReplayCall,
        ReplayDifference,
        Lineage,
        LineageVersion,
        LineageMemory,
        LineageModel,
        DocumentUse,
        Metrics,
        StationLatency,
        ExportFormat,
        ReportFormat,
        ExportedFile,
        Trace,
        Station,
        Outcome,
        LedgerRow,
        Privacy,
        RuleView,
        Grid,
        GridRow,
        GridCell,
        Guard,
        Finding,
        SecretText,
        Service,
        NewProvider,
        ProviderView,
        Budget,
        Providers,
        ProviderTest,
        RemotePreview,
        RemotePiece,
        Redaction,
        HiddenKind,
        HeldBack,
        RemoteAnswer,
        ReviewState,
        Review,
        Envelope,
        Event,
        TurnNews,
    );
    out.push_str(&door::typescript_map(&config));
    out
}

#[cfg(test)]
mod tests {
    /// The committed TypeScript is what the Rust says. `HEARTH_WRITE_BINDINGS=1` writes it.
    #[test]
    fn committed_bindings_are_fresh() {
        // Asked when it runs: built files may be shared between checkouts.
        let path = format!("{}/../../ui/src/core/bindings.ts", std::env::var("CARGO_MANIFEST_DIR").unwrap());
        let fresh = super::bindings();
        if std::env::var_os("HEARTH_WRITE_BINDINGS").is_some() {
            std::fs::write(&path, &fresh).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(committed == fresh, "ui/src/core/bindings.ts is stale: run `npm run bindings` and commit it");
    }
}
