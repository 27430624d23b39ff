//! Measures the house on sets of questions, claims and files with known answers: each through the product's own path, in a
//! vault that is thrown away. What a set holds is told by the beginning of its name and by its files, so that another
//! folder of the same layout works without change. Nothing of a set stays.
//!
//! `ret_*`, `mem_*`: questions and the passages that answer them; `e2e_*`: questions over whole files; `gnd_*`: claims and
//! their sources; `doc_*`, `ocr`: files and their text; `hostile`: files that must harm nothing; `pii_*`: texts and the
//! personal data in them.

mod baseline;
mod claims;
mod files;
mod finding;
mod library;
mod mail;
mod personal;
mod reports;
mod score;
mod sets;
mod vectors;

pub use reports::{EvalFigure, EvalPlan, EvalRow, EvalSet, Evaluation};

use crate::kernel::{House, Open};
use hearth_api::{Error, ErrorCode};
use sets::Set;
use std::sync::Arc;
use std::time::Instant;
use vectors::Vectors;

/// What the measures share.
struct Bench<'a> {
    house: &'a House,
    open: Arc<Open>,
    vectors: Vectors<'a>,
    /// Hears what is being done.
    progress: &'a mut dyn FnMut(&str),
}

/// Measures the sets of a folder, each by itself: one that cannot be measured says why and costs no other. The vault must
/// be open and is filled with what the sets hold, so it should be one that is thrown away.
///
/// # Errors
/// `NotFound` where the folder holds no set, or none of a name that was asked for.
pub(crate) fn evaluate(
    house: &House,
    plan: &EvalPlan,
    progress: &mut dyn FnMut(&str),
    done: &mut dyn FnMut(&EvalSet),
) -> Result<Evaluation, Error> {
    let sets = sets::find(&plan.data, &plan.sets)?;
    let open = house.open()?;
    let vectors = Vectors::open(house, &open, plan.cache.as_deref())?;
    let embedder = vectors.name();
    let mut bench = Bench { house, open, vectors, progress };
    let mut measured = Vec::with_capacity(sets.len());
    for set in sets {
        (bench.progress)(&set.name);
        let began = Instant::now();
        let (rows, not_measured) = match measure(&mut bench, &set) {
            Ok(rows) => (rows, None),
            Err(error) => (Vec::new(), Some(error.message)),
        };
        let took_s = began.elapsed().as_secs_f64();
        let found = EvalSet { name: set.name, rows, baseline: set.baseline, not_measured, took_s };
        done(&found);
        measured.push(found);
    }
    Ok(Evaluation { embedder, sets: measured })
}

/// What a set is measured by.
fn measure(bench: &mut Bench<'_>, set: &Set) -> Result<Vec<EvalRow>, Error> {
    let begins = |with: &str| set.name.starts_with(with);
    if begins("ret_") || begins("mem_") {
        finding::passages(bench, set)
    } else if begins("e2e_") {
        finding::figures(bench, set)
    } else if begins("gnd_") {
        claims::claims(bench, set)
    } else if begins("doc_") || begins("ocr") {
        files::texts_read(bench, set)
    } else if begins("hostile") {
        files::harmless(bench, set)
    } else if begins("pii_") {
        personal::spans(bench, set)
    } else {
        Err(not_measured("there is no measure for this kind of set yet"))
    }
}

/// Why a set or a part of it has no figures.
fn not_measured(why: impl Into<String>) -> Error {
    Error::new(ErrorCode::Invalid, why)
}
