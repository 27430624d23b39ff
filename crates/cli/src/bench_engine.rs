//! `hearth bench engine`: measures models on this machine, in fresh engine processes, beside a peer where one is named.

use crate::arguments::EngineBench;
use crate::end::End;
use crate::out::{Out, size};
use hearth_api::Error;
use hearth_kernel::{Figures, FollowUp, Plan, Row, measure_engine, measure_follow_up};
use serde::Serialize;

/// What was measured.
#[derive(Debug, Serialize)]
struct Report {
    rows: Vec<Row>,
    follow_ups: Vec<Follow>,
}

/// A follow-up of one model.
#[derive(Debug, Serialize)]
struct Follow {
    model: String,
    threads: u32,
    #[serde(flatten)]
    figures: FollowUp,
}

/// Measures and prints a line for each model and prompt.
pub(crate) fn run(what: EngineBench, out: &Out) -> Result<End, Error> {
    let cores = std::thread::available_parallelism().map_or(1, |n| u32::try_from(n.get()).unwrap_or(1));
    let threads = what.threads.unwrap_or(cores);
    let mut report = Report { rows: Vec::new(), follow_ups: Vec::new() };
    for model in &what.model {
        let model = std::path::absolute(model).unwrap_or_else(|_| model.clone());
        let plan = |prompt| Plan { model: model.clone(), threads, prompt, generate: what.generate };
        for &prompt in &what.prompt {
            out.doing(&format!("{}: prompt of {prompt}", model.display()));
            let row = measure_engine(&plan(prompt), what.rounds as usize, &what.peer)?;
            out.doing("");
            show(&row, out);
            report.rows.push(row);
        }
        if what.follow_up > 0 {
            out.doing(&format!("{}: follow-up", model.display()));
            let figures = measure_follow_up(&plan(what.follow_up))?;
            out.doing("");
            out.line(format!(
                "first token of a follow-up: {:.0} ms with {} tokens in the cache and {} new; {:.0} ms for {} without",
                figures.cached_ms, figures.cached_tokens, figures.fresh_tokens, figures.cold_ms, figures.cold_tokens
            ));
            let model = model.file_name().unwrap_or_default().to_string_lossy().into_owned();
            report.follow_ups.push(Follow { model, threads, figures });
        }
    }
    out.value(&report);
    Ok(End::Done)
}

fn show(row: &Row, out: &Out) {
    out.line(format!("{}, threads: {}, prompt: {}, rounds: {}", row.model, row.threads, row.prompt, row.rounds));
    let line = |name: &str, f: &Figures| {
        out.line(format!(
            "  {name:<8} reads {:7.1} tokens/s   writes {:6.1} tokens/s   loads in {:5.0} ms, with a first prompt {:6.0} ms   {}",
            f.read_tokens_per_s,
            f.write_tokens_per_s,
            f.load_ms,
            f.first_ms,
            size(f.peak_memory_bytes as u64)
        ));
    };
    line("hearth", &row.own);
    if let (Some(peer), Some(ratio)) = (&row.peer, &row.ratio) {
        line("peer", peer);
        out.line(format!(
            "  {:<8} reads {:7.2} times     writes {:6.2} times     loads in {:5.2}, with a first prompt {:4.2}   {:.2} of its memory",
            "hearth",
            ratio.read_tokens_per_s,
            ratio.write_tokens_per_s,
            ratio.load_ms,
            ratio.first_ms,
            ratio.peak_memory_bytes
        ));
    }
}
