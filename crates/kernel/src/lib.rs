//! The kernel: the only room that knows the others. It holds the order of work, and who owns which thread and process.
//!
//! Contents page: [`kernel`](Kernel) starts and stops everything; `dispatch` answers commands; `turn` takes one question
//! through its stations; `import` takes one file into the library; `schedule` decides which engines run; `view` turns
//! what the house knows into words of the door. No product logic lives in the shells, and none of the organs' here.

mod activity;
mod bench;
mod bundles;
mod child;
mod clock;
mod collector;
mod compare;
mod contest;
mod dispatch;
mod doctor;
mod downloads;
mod embedding;
mod engine;
mod error;
mod eval;
mod events;
mod export;
mod fit;
mod foreground;
mod found;
mod hands;
mod home;
mod import;
mod jobs;
mod kernel;
mod law;
mod ledger;
mod library;
mod lineage;
mod lock;
mod machine;
mod measure;
mod memory;
mod metrics;
mod models;
mod near;
mod notes;
mod offers;
mod organization;
mod pages;
mod privacy;
mod proof;
mod purge;
mod reader;
mod reindex;
mod remote;
mod repair;
mod replay;
mod report;
mod retention;
mod roles;
mod schedule;
mod search;
mod settings;
mod shelf;
mod spaces;
mod trial;
mod turn;
mod vault;
mod view;
mod watch;

pub use bundles::{PackedModels, UnpackedModels};
pub use child::run_child_if_asked;
pub use clock::date_of;
pub use eval::{EvalFigure, EvalPlan, EvalRow, EvalSet, Evaluation};
pub use kernel::{Config, Dialogs, Kernel, TestMirror, default_data_dir};
pub use measure::{Figures, FollowUp, Plan, Row, measure_engine, measure_follow_up};
pub use organization::PolicyLetter;
pub use proof::{Proof, ProofPlan, Report, Step, check_proof, prove_offline, window_program};
