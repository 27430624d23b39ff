//! "What may go where": every label against every destination, each cell a decision. Shows the rules; holds none.

use crate::decide::{RuleRef, decide};
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

    fn request(self, label: Label, rules: &RuleSet) -> Request {
        let tool = |effect| Action::CallTool { name: String::new(), effect };
        let fetch = |purpose| Action::Download { purpose, host: String::new() };
        let (who, action) = match self {
            Destination::ThisMachine => (Who::Person, Action::Answer),
            Destination::Tools => (Who::Model, tool(Effect::Pure)),
            Destination::ChangingTools => (Who::Model, tool(Effect::Changes)),
            Destination::Files => (Who::Person, Action::Export),
            Destination::Downloads => (Who::Person, fetch(Purpose::Model)),
            Destination::Web => (Who::Person, fetch(Purpose::Page)),
            Destination::Remote => (Who::Person, Action::SendRemote { provider: String::new() }),
        };
        Request { who, action, label, trust: Trust::Library, mode: rules.mode }
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
pub fn grid(rules: &RuleSet, now: TimeMs) -> Grid {
    let cell = |label, destination: Destination| {
        let decision = decide(&destination.request(label, rules), rules, now);
        Cell { destination, outcome: decision.outcome, rule: decision.rule }
    };
    let row = |label| GridRow { label, cells: Destination::ALL.into_iter().map(|d| cell(label, d)).collect() };
    Grid { rows: Label::ALL.into_iter().map(row).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_of_local_only() {
        let rows: Vec<String> = grid(&RuleSet::local_only(), 0)
            .rows
            .into_iter()
            .map(|row| {
                let cells: Vec<String> =
                    row.cells.iter().map(|cell| format!("{:?} {}", cell.outcome, cell.rule.number)).collect();
                format!("{}: {}", row.label.word(), cells.join(", "))
            })
            .collect();
        assert_eq!(
            rows,
            [
                "public: Allow 1, Allow 8, Ask 10, Allow 19, Allow 4, Deny 5, Deny 3",
                "internal: Allow 1, Allow 8, Ask 10, Allow 19, Allow 4, Deny 5, Deny 3",
                "confidential: Allow 1, Allow 8, Ask 10, Ask 20, Allow 4, Deny 5, Deny 3",
                "restricted: Allow 1, Allow 8, Ask 10, Ask 20, Allow 4, Deny 5, Deny 3",
            ]
        );
    }
}
