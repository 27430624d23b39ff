//! `hearth eval` on small sets of the house's own: what it measures stays what was committed, and one set that cannot be
//! measured costs no other.

use crate::CHILD;
use crate::source::root;
use anyhow::{Context, Result};
use hearth_kernel::{EvalPlan, EvalSet, Evaluation};
use hearth_tests::{House, Script};
use serde_json::{Value, json};
use std::path::PathBuf;

fn evaluate(house: &House, sets: &[&str], cache: Option<PathBuf>) -> Result<Evaluation> {
    let sets = sets.iter().map(|name| (*name).to_owned()).collect();
    let plan = EvalPlan { data: root().join("tests/eval"), sets, cache };
    let mut told = Vec::new();
    let evaluation = house.kernel.evaluate(&plan, &mut |_| {}, &mut |set: &EvalSet| told.push(set.name.clone()))?;
    let names: Vec<String> = evaluation.sets.iter().map(|set| set.name.clone()).collect();
    assert_eq!(told, names, "each set is told when it is done");
    Ok(evaluation)
}

/// The figures without those that a clock makes.
fn figures(evaluation: &Evaluation) -> Value {
    let timed = |name: &str| name.ends_with(" ms") || name.ends_with(" s");
    let set = |set: &EvalSet| {
        let rows: Vec<Value> = set
            .rows
            .iter()
            .map(|row| {
                let kept = row.figures.iter().filter(|figure| !timed(&figure.name));
                let figures: Vec<Value> = kept
                    .map(
                        |f| json!({ "name": f.name, "value": (f.value * 1e4).round() / 1e4, "reference": f.reference }),
                    )
                    .collect();
                json!({ "part": row.part, "n": row.n, "figures": figures })
            })
            .collect();
        json!({ "name": set.name, "rows": rows, "not_measured": set.not_measured })
    };
    Value::Array(evaluation.sets.iter().map(set).collect())
}

#[test]
fn the_figures_of_the_house_s_own_sets_are_those_committed() -> Result<()> {
    let house = House::new(CHILD, &Script::default())?;
    let found = figures(&evaluate(&house, &[], None)?);
    let path = root().join("tests/eval/figures.json");
    if std::env::var_os("HEARTH_WRITE_FIGURES").is_some() {
        std::fs::write(&path, serde_json::to_string_pretty(&found)? + "\n")?;
    }
    let committed: Value = serde_json::from_str(&std::fs::read_to_string(&path)?)?;
    for (found, committed) in found.as_array().into_iter().flatten().zip(committed.as_array().context("a list")?) {
        assert_eq!(found, committed, "tests/eval/README.md says how figures that are meant to change are written anew");
    }
    assert_eq!(found.as_array().map(Vec::len), committed.as_array().map(Vec::len));
    Ok(())
}

#[test]
fn vectors_are_made_once_for_one_content() -> Result<()> {
    let house = House::new(CHILD, &Script::default())?;
    let cache = house.folder.path().join("vectors");
    let first = evaluate(&house, &["ret_"], Some(cache.clone()))?;
    let kept =
        |cache: &PathBuf| -> Result<u64> { std::fs::read_dir(cache)?.map(|entry| Ok(entry?.metadata()?.len())).sum() };
    let bytes = kept(&cache)?;
    assert!(bytes > 0, "vectors are kept");
    let again = evaluate(&house, &["ret_mill"], Some(cache.clone()))?;
    assert_eq!((figures(&again), kept(&cache)?), (figures(&first), bytes));
    Ok(())
}

#[test]
fn a_set_that_is_not_there_is_named() -> Result<()> {
    let house = House::new(CHILD, &Script::default())?;
    let error = evaluate(&house, &["ret_mill", "ret_none"], None).expect_err("there is no such set");
    assert!(error.to_string().contains("ret_none"), "{error}");
    Ok(())
}
