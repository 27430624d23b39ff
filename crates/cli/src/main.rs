//! The `hearth` command: the same kernel as the window, for people and programs at a terminal. Results go to stdout,
//! progress to stderr; with `--json` results are JSON. No product logic lives here.
//!
//! Exit codes: 0 done, 1 something failed, 2 wrong usage, 3 locked or wrong passphrase, 4 nothing found.

mod answer;
mod arguments;
mod ask;
mod bench;
mod bench_engine;
mod bundles;
mod compare;
mod end;
mod eval;
mod extract;
mod house;
mod import;
mod lineage;
mod models;
mod out;
mod policy;
mod proof;
mod providers;
mod record;
mod replay;
mod review;
mod search;
mod serve;
mod watch;

use arguments::{Arguments, Bench, Policy, Verb, Watch};
use clap::Parser;
use end::End;
use house::Place;
use out::Out;
use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(code) = hearth_kernel::run_child_if_asked() {
        return code;
    }
    let arguments = Arguments::parse();
    let filter = tracing_subscriber::EnvFilter::try_from_env("HEARTH_LOG").unwrap_or_else(|_| "error".into());
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
    let out = Out::new(arguments.json.clone());
    match run(arguments, &out) {
        Ok(end) => end.code(),
        Err(error) => {
            out.failed(&error);
            End::of(&error).code()
        }
    }
}

fn run(arguments: Arguments, out: &Out) -> Result<End, hearth_api::Error> {
    let place = Place { profile: arguments.profile, ..Place::new(arguments.data_dir, arguments.models_dir) };
    match arguments.verb {
        Verb::Import(what) => import::run(&place.open(out)?, what, out),
        Verb::Watch(what @ Watch::Add { .. }) => watch::run(&place.open(out)?, what, out),
        Verb::Watch(what) => watch::run(&place.open_kept(out)?, what, out),
        Verb::Ask(what) => ask::run(&place.open_kept(out)?, what, out),
        Verb::Search(what) => search::run(&place.open_kept(out)?, what, out),
        Verb::Review(what) => review::run(&place.open_kept(out)?, what, out),
        Verb::Extract(what) => extract::run(what, out),
        Verb::Models(what) => models::run(place, what, out),
        Verb::Audit(what) => record::audit(&place.open_kept(out)?, what, out),
        Verb::Replay { turn } => replay::run(&place.open_kept(out)?, turn, out),
        Verb::Lineage(what) => lineage::run(&place.open_kept(out)?, &what, out),
        Verb::Metrics(period) => record::metrics(&place.open_kept(out)?, period, out),
        Verb::Report { period, out: file } => record::report(&place.open_kept(out)?, period, &file, out),
        Verb::Policy(what @ (Policy::Check { .. } | Policy::Pack { .. })) => policy::run(&place.start()?, what, out),
        Verb::Policy(what) => policy::run(&place.open(out)?, what, out),
        Verb::Providers(what) => providers::run(&place.open(out)?, what, out),
        Verb::Doctor { prove_offline: Some(file), .. } => proof::prove(place, &file, out),
        Verb::Doctor { check_proof: Some(file), .. } => proof::check(&file, out),
        Verb::Doctor { repair: true, .. } => record::repair(place, out),
        Verb::Doctor { .. } => record::doctor(&place.start()?, out),
        Verb::Eval(what) => eval::run(place, what, out),
        Verb::Serve(_) => serve::run(&place.start()?, out),
        Verb::Bench(Bench::Documents(what)) => bench::run(place, what, out),
        Verb::Bench(Bench::Engine(what)) => bench_engine::run(what, out),
    }
}
