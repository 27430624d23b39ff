//! The second look of Retrieve: a reranker reads the question with each of the best passages and says which answer it.
//! Without one, and where it fails or takes too long, the first order stands and the reason is told.

use crate::embedding::whole_text;
use crate::engine::EngineError;
use crate::kernel::House;
use hearth_domain::{PassageId, Role};
use hearth_retrieval::{Ranking, reorder};
use hearth_store::PassageRow;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Passages that a reranker looks at.
pub(crate) const LOOKED_AT: usize = 30;
/// How long it may look; what it has scored by then counts.
const WITHIN: Duration = Duration::from_secs(2);
/// Passages scored at a time, so that a slow reranker leaves an order of the best.
const AT_A_TIME: usize = 6;

/// Orders a ranking anew, keeps the first `limit`, and says in words what the reranker did, where there is one. `go_on`
/// says whether the answer is still wanted.
pub(crate) fn rerank(
    house: &House,
    question: &str,
    ranking: Ranking,
    rows: &HashMap<PassageId, PassageRow>,
    limit: usize,
    go_on: &dyn Fn() -> bool,
) -> (Ranking, Option<String>) {
    let Ok(model) = house.models.for_role(Role::Rerank) else {
        return (reorder(ranking, &[], limit), None);
    };
    if ranking.passages.len() < 2 {
        return (reorder(ranking, &[], limit), None);
    }
    let engine = match house.schedule.engine(house, &model) {
        Ok(engine) => engine,
        Err(error) => {
            let said = format!("The first order stands: {error}");
            return (reorder(ranking, &[], limit), Some(said));
        }
    };
    let texts: Vec<String> = ranking
        .passages
        .iter()
        .take(LOOKED_AT)
        .filter_map(|ranked| rows.get(&ranked.candidate.passage))
        .map(|row| whole_text(&row.context, &row.text, &row.title))
        .collect();
    let began = Instant::now();
    let in_time = || go_on() && began.elapsed() < WITHIN;
    let (mut scores, mut failed) = (Vec::with_capacity(texts.len()), None);
    for some in texts.chunks(AT_A_TIME) {
        match engine.score(question.to_owned(), some.to_vec(), &in_time) {
            Ok(more) => scores.extend(more),
            Err(error) => {
                failed = Some(error);
                break;
            }
        }
    }
    let said = match failed {
        None => format!(
            "{} read {} with the question.",
            model.name,
            crate::view::count(scores.len(), "passage", "passages")
        ),
        Some(EngineError::GivenUp) if !scores.is_empty() => {
            format!(
                "{} read {} of {} passages in time; the others follow as they stood.",
                model.name,
                scores.len(),
                texts.len()
            )
        }
        Some(error) => {
            scores.clear();
            format!("The first order stands: {} failed, {error}.", model.name)
        }
    };
    (reorder(ranking, &scores, limit), Some(said))
}
