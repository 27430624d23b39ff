//! `hearth eval`: measures reading, finding and checking on sets with known answers, in a throwaway vault, and prints the
//! figures beside what the sets' READMEs say of others. The measuring is the kernel's.

use crate::arguments::Eval;
use crate::end::End;
use crate::house::Place;
use crate::out::Out;
use hearth_api::{CreateVault, Error, Handler};
use hearth_kernel::{EvalFigure, EvalPlan, EvalRow, EvalSet};

/// Measures and prints set by set.
pub(crate) fn run(place: Place, what: Eval, out: &Out) -> Result<End, Error> {
    let folder = std::env::temp_dir().join(format!("hearth-eval-{}", std::process::id()));
    let models_dir = place.models_dir.or_else(|| Some(place.data_dir.join("models")));
    let plan = EvalPlan { data: what.data, sets: what.set, cache: what.cache };
    let measured = Place::new(Some(folder.clone()), models_dir).start().and_then(|house| {
        house.handle(CreateVault { passphrase: Some("an evaluation has no secrets".to_owned()) })?;
        house.evaluate(&plan, &mut |doing| out.doing(doing), &mut |set| {
            out.doing("");
            lines(set).iter().for_each(|line| out.line(line));
        })
    });
    let _ = std::fs::remove_dir_all(&folder);
    let evaluation = measured?;
    out.line(match &evaluation.embedder {
        Some(name) => format!("Vectors by {name}."),
        None => "No embedder is installed: words alone were searched and compared.".to_owned(),
    });
    out.value(&evaluation);
    let any = evaluation.sets.iter().any(|set| set.not_measured.is_none());
    Ok(if any { End::Done } else { End::Nothing })
}

/// A set as lines for people.
fn lines(set: &EvalSet) -> Vec<String> {
    if let Some(why) = &set.not_measured {
        return vec![format!("{}: not measured: {why}", set.name)];
    }
    let mut lines = vec![format!("{} ({:.0} s)", set.name, set.took_s)];
    let parts = set.rows.iter().map(|row| row.part.chars().count()).max().unwrap_or(0);
    for row in &set.rows {
        lines.push(format!("  {:parts$} n={:<5} {}", row.part, row.n, figures(row)));
        lines.extend(row.baseline.as_ref().map(|said| format!("  {:parts$} others: {said}", "")));
    }
    if set.rows.iter().all(|row| row.baseline.is_none()) {
        lines.extend(set.baseline.as_ref().map(|said| format!("  others: {said}")));
    }
    lines
}

fn figures(row: &EvalRow) -> String {
    row.figures.iter().map(figure).collect::<Vec<_>>().join("; ")
}

/// One figure, with the reference beside it.
fn figure(figure: &EvalFigure) -> String {
    let counted = figure.value.fract() == 0.0 && figure.value.abs() > 1.0;
    let value = match figure.value {
        value if value.is_nan() => "-".to_owned(),
        value if counted => format!("{value:.0}"),
        value => format!("{value:.3}"),
    };
    match figure.reference {
        Some(reference) => format!("{} {value} (RRF {reference:.3}, {:+.3})", figure.name, figure.value - reference),
        None => format!("{} {value}", figure.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_stand_beside_those_of_others() {
        let figure = |name: &str, value, reference| EvalFigure { name: name.into(), value, reference };
        let row = EvalRow {
            part: "de".into(),
            n: 12,
            figures: vec![
                figure("nDCG@10", 0.75, Some(0.7)),
                figure("found", 7.0, None),
                figure("AUC", f64::NAN, None),
            ],
            baseline: Some("BM25 0.7".into()),
        };
        let set = EvalSet { name: "ret_x".into(), rows: vec![row], baseline: None, not_measured: None, took_s: 2.2 };
        assert_eq!(
            lines(&set),
            ["ret_x (2 s)", "  de n=12    nDCG@10 0.750 (RRF 0.700, +0.050); found 7; AUC -", "     others: BM25 0.7",]
        );
        let none = EvalSet { rows: Vec::new(), not_measured: Some("no detector".into()), ..set };
        assert_eq!(lines(&none), ["ret_x: not measured: no detector"]);
    }
}
