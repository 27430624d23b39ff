//! The policy room: may this happen? (request, rules, now) -> allow, ask, deny, with the rule's name. Pure: it reads no
//! clock, holds no grant, does nothing; the kernel asks it before every act. A decision never comes from a model.

pub mod content;
mod decide;
mod flow;
mod grant;
mod grid;
mod language;
mod organization;
mod overruled;
mod people;
mod request;
mod rules;
mod trial;

pub use decide::{Decision, RuleRef, decide};
pub use flow::Standing;
pub use grant::{Grant, LONGEST_GRANT_MS};
pub use grid::{Cell, Destination, Grid, GridRow, grid};
pub use language::without;
pub use organization::Organization;
pub use overruled::overruled;
pub use people::{Person, Right};
pub use request::{Action, ActionKind, Effect, Mode, Purpose, Request, Who};
pub use rules::{Flaw, Origin, Outcome, Rule, RuleSet};
pub use trial::{Changed, Trial, try_rules};
