//! `hearth extract`: what one file holds, read as an import would read it, with nothing kept.

use crate::arguments::Extract;
use crate::end::End;
use crate::house::{self, Place};
use crate::out::Out;
use hearth_api::Error;
use serde_json::Value;
use std::path;

/// Reads the file in a throwaway folder, so that neither a vault nor an open window matters.
pub(crate) fn run(what: Extract, out: &Out) -> Result<End, Error> {
    let folder = std::env::temp_dir().join(format!("hearth-extract-{}", std::process::id()));
    let extracted = extract(&what, &folder);
    // What the kernel laid there is an empty house; what cannot be removed harms nothing.
    let _ = std::fs::remove_dir_all(&folder);
    let extracted = extracted?;
    out.value(&extracted);
    let document = &extracted["document"];
    for text in pages(document) {
        out.line(text);
    }
    for warning in document["warnings"].as_array().into_iter().flatten() {
        out.note(&format!("warning: {}", warning["message"].as_str().unwrap_or_default()));
    }
    let empty = document["pages"].as_array().is_none_or(|pages| pages.iter().all(|page| page["text"] == ""));
    Ok(if empty { End::Nothing } else { End::Done })
}

fn extract(what: &Extract, folder: &path::Path) -> Result<Value, Error> {
    let password = if what.password { Some(house::file_password()?) } else { None };
    let kernel = Place::new(Some(folder.to_owned()), None).start()?;
    let file = path::absolute(&what.path).unwrap_or_else(|_| what.path.clone());
    kernel.extract(&file, password.as_deref())
}

/// Each page under a line that names its place.
fn pages(document: &Value) -> Vec<String> {
    let pages = document["pages"].as_array().map(Vec::as_slice).unwrap_or_default();
    pages
        .iter()
        .map(|page| format!("--- {} ---\n{}", place(&page["place"]), page["text"].as_str().unwrap_or_default()))
        .collect()
}

fn place(place: &Value) -> String {
    let word = |key: &str| match &place[key] {
        Value::String(text) => format!(" {text}"),
        Value::Number(number) => format!(" {number}"),
        _ => String::new(),
    };
    match place {
        Value::String(text) => text.clone(),
        _ => format!("{}{}{}{}", place["kind"].as_str().unwrap_or("page"), word("number"), word("name"), word("title")),
    }
}

#[cfg(test)]
mod tests {
    use super::pages;
    use serde_json::json;

    #[test]
    fn every_page_is_named_by_its_place() {
        let document = json!({"pages": [
            {"place": {"kind": "page", "number": 3, "label": null}, "text": "three"},
            {"place": {"kind": "sheet", "name": "Costs"}, "text": "a\tb"},
            {"place": {"kind": "whole"}, "text": ""},
        ]});
        assert_eq!(pages(&document), ["--- page 3 ---\nthree", "--- sheet Costs ---\na\tb", "--- whole ---\n"]);
    }
}
