//! "What may go where": every label against every destination, each cell a decision. Shows the rules; holds none.

use crate::decide::{RuleRef, decide};
use crate::grant::Grant;
use crate::request::{Action, Effect, Purpose, Request, Who};
use crate::rules::{Outcome, RuleSet};
use hearth_domain::{Label, TimeMs, Trust};
use serde::{Deserialize, Serialize};

/// Somewhere that things could go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Destination {
    /// Models on this machine.
    ThisMachine,
    /// Tools that only compute.
    Tools,
    /// Tools that change something.
    ChangingTools,
    /// Plain files that a person exports.
    Files,
    /// The source of a model that a person downloads; the request for the file, never content.
    Downloads,
    /// Pages of the web.
    Web,
    /// Models and services elsewhere.
    Remote,
}

impl Destination {
    /// All, nearest first.
    pub const ALL: [Destination; 7] = [
        Destination::ThisMachine,
        Destination::Tools,
        Destination::ChangingTools,
        Destination::Files,
        Destination::Downloads,
        Destination::Web,
        Destination::Remote,
    ];

    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Destination::ThisMachine => "This machine",
            Destination::Tools => "Pure tools",
            Destination::ChangingTools => "Acting tools",
            Destination::Files => "Export",
            Destination::Downloads => "Model files",
            Destination::Web => "Web pages",
            Destination::Remote => "Remote models",
        }
    }

    fn request(self, label: Label) -> Request {
        let tool = |effect| Action::CallTool { name: String::new(), effect };
        let (who, action) = match self {
            Destination::ThisMachine => (Who::Person, Action::Answer),
            Destination::Tools => (Who::Model, tool(Effect::Pure)),
            Destination::ChangingTools => (Who::Model, tool(Effect::Changes)),
            Destination::Files => (Who::Person, Action::Export),
            Destination::Downloads => (Who::Person, Action::Download { purpose: Purpose::Model, host: String::new() }),
            Destination::Web => (Who::Person, Action::FetchPage { host: String::new() }),
            Destination::Remote => {
                let (provider, host) = (String::new(), String::new());
                (Who::Person, Action::Send { provider, host, residency: "unknown".into() })
            }
        };
        Request::new(who, action, label, Trust::Library)
    }
}

/// One decision of the grid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// Where it would go.
    pub destination: Destination,
    /// May it?
    pub outcome: Outcome,
    /// By which rule.
    pub rule: RuleRef,
}

/// All decisions about one label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GridRow {
    /// The label.
    pub label: Label,
    /// In the order of `Destination::ALL`.
    pub cells: Vec<Cell>,
}

/// "What may go where".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grid {
    /// Lowest label first.
    pub rows: Vec<GridRow>,
}

/// Decides every label against every destination.
pub fn grid(rules: &RuleSet, grants: &[Grant], now: TimeMs) -> Grid {
    let cell = |label, destination: Destination| {
        let decision = decide(&destination.request(label), rules, grants, now);
        Cell { destination, outcome: decision.outcome, rule: decision.rule }
    };
    let row = |label| GridRow { label, cells: Destination::ALL.into_iter().map(|d| cell(label, d)).collect() };
    Grid { rows: Label::ALL.into_iter().map(row).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Mode;

    fn drawn(mode: Mode) -> Vec<String> {
        let row = |row: GridRow| {
            let cells: Vec<&str> = row.cells.iter().map(|cell| cell.outcome.word()).collect();
            format!("{}: {}", row.label.word(), cells.join(" "))
        };
        grid(&RuleSet::of(mode), &[], 0).rows.into_iter().map(row).collect()
    }

    /// This machine, pure tools, acting tools, export, model files, web pages, remote models.
    #[test]
    fn the_grids_of_the_modes() {
        assert_eq!(
            drawn(Mode::Offline),
            [
                "public: allow allow ask allow deny deny deny",
                "internal: allow allow ask allow deny deny deny",
                "confidential: allow allow ask ask deny deny deny",
                "restricted: allow allow ask ask deny deny deny",
            ]
        );
        assert_eq!(
            drawn(Mode::LocalOnly).first().map(String::as_str),
            Some("public: allow allow ask allow allow deny deny")
        );
        assert_eq!(
            drawn(Mode::AskBeforeRemote),
            [
                "public: allow allow ask allow allow ask ask",
                "internal: allow allow ask allow allow ask ask",
                "confidential: allow allow ask ask allow ask deny",
                "restricted: allow allow ask ask allow ask deny",
            ]
        );
    }
}
