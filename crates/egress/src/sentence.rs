//! What the small files beside an embedder's weights say of it, as sentence-transformers writes them: which states become
//! the vector, which words stand before texts, and whether it is a reranker. The files are hostile input: each is small
//! or is not read, and what they do not say stays unsaid.

use crate::install::read_small;
use crate::manifest::{ModelEntry, Pooling, is_plain_name};
use hearth_domain::Role;
use serde_json::Value;
use std::path::Path;

/// Longer words before a text are not believed, bytes.
const PREFIX_BYTES: usize = 1000;

fn json(path: &Path) -> Option<Value> {
    serde_json::from_slice(&read_small(path)?).ok()
}

/// Completes the entry of a model in a folder. Gives why it cannot be added, where the folder says that more is done with
/// its vectors than Hearth does.
pub(crate) fn complete(entry: &mut ModelEntry, folder: &Path, config: &Value) -> Result<(), &'static str> {
    let classifier = |name: &Value| name.as_str().is_some_and(|name| name.ends_with("ForSequenceClassification"));
    if config.get("architectures").and_then(Value::as_array).is_some_and(|names| names.iter().any(classifier)) {
        entry.roles = vec![Role::Rerank];
        entry.n_dims = None;
        return Ok(());
    }
    let mut place = "1_Pooling".to_owned();
    for module in json(&folder.join("modules.json")).as_ref().and_then(Value::as_array).into_iter().flatten() {
        let text = |key: &str| module.get(key).and_then(Value::as_str).unwrap_or_default();
        match text("type").rsplit('.').next().unwrap_or_default() {
            "Pooling" if is_plain_name(text("path")) => place = text("path").to_owned(),
            "Transformer" | "Pooling" | "Normalize" => {}
            _ => return Err("its vectors go through more layers after pooling, which Hearth does not compute"),
        }
    }
    if let Some(said) = json(&folder.join(place).join("config.json")) {
        entry.pooling = Some(pooling(&said)?);
    }
    if let Some(prompts) =
        json(&folder.join("config_sentence_transformers.json")).as_ref().and_then(|c| c.get("prompts"))
    {
        let find = |names: &[&str]| {
            let found = names.iter().find_map(|name| prompts.get(name).and_then(Value::as_str));
            found.filter(|words| words.len() <= PREFIX_BYTES).unwrap_or_default().to_owned()
        };
        entry.query_prefix = find(&["query", "search_query", "retrieval.query"]);
        entry.passage_prefix = find(&["document", "passage", "search_document", "retrieval.passage", "corpus"]);
    }
    Ok(())
}

/// The one way of pooling that is switched on.
fn pooling(said: &Value) -> Result<Pooling, &'static str> {
    const UNKNOWN: &str = "it pools its states in a way that Hearth does not compute; mean, cls and lasttoken run";
    let named = match said.get("pooling_mode").and_then(Value::as_str) {
        Some(name) => vec![name.to_owned()],
        None => {
            let on = said.as_object().into_iter().flatten().filter(|(_, on)| on.as_bool() == Some(true));
            on.filter_map(|(key, _)| key.strip_prefix("pooling_mode_").map(str::to_owned)).collect()
        }
    };
    match named.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] | ["mean" | "mean_tokens"] => Ok(Pooling::Mean),
        ["cls" | "cls_token"] => Ok(Pooling::Cls),
        ["lasttoken" | "last_token"] => Ok(Pooling::Last),
        _ => Err(UNKNOWN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn one_way_of_pooling_is_found_and_others_are_refused() {
        let old = |cls: bool, mean: bool, max: bool| {
            json!({ "word_embedding_dimension": 384, "pooling_mode_cls_token": cls, "pooling_mode_mean_tokens": mean,
                "pooling_mode_max_tokens": max, "include_prompt": true })
        };
        assert_eq!(pooling(&old(true, false, false)), Ok(Pooling::Cls));
        assert_eq!(pooling(&old(false, true, false)), Ok(Pooling::Mean));
        assert_eq!(pooling(&json!({ "pooling_mode": "lasttoken" })), Ok(Pooling::Last));
        assert!(pooling(&old(false, false, true)).is_err());
        assert!(pooling(&old(true, true, false)).is_err());
        assert!(pooling(&json!({ "pooling_mode": "weightedmean" })).is_err());
    }
}
