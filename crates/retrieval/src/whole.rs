//! Questions about all of something that do not say of what: "Summarise this document." The words that only say so.

use crate::fold::{fold, main_script};
use crate::query::{Ask, Query};
use crate::words::{is_asking, is_stop};

/// How words begin that ask for a summary, or that call a document a document.
const BEGINNINGS: &[&str] = &[
    "summar",
    "main",
    "key",
    "important",
    "wichtig",
    "overview",
    "tldr",
    "point",
    "takeaway",
    "zusammen",
    "fass",
    "resum",
    "resume",
    "riassu",
    "кратк",
    "содержани",
    "ozet",
    "document",
    "dokument",
    "documento",
    "file",
    "datei",
    "fichier",
    "archivo",
    "report",
    "bericht",
    "rapport",
    "informe",
    "text",
    "paper",
    "contract",
    "vertrag",
    "page",
    "whole",
    "entire",
    "short",
    "brief",
    "kurz",
    "please",
    "bitte",
    "документ",
    "файл",
    "отчет",
    "текст",
    "belge",
];

/// The same where words are not set apart by spaces.
const STRETCHES: &[&str] = &[
    "总结",
    "概括",
    "摘要",
    "请",
    "一下",
    "这个",
    "这份",
    "这篇",
    "文档",
    "文件",
    "本文",
    "内容",
    "的",
    "สรุป",
    "เอกสาร",
    "นี้",
    "ไฟล์",
    "要約",
    "してください",
    "この",
    "文書",
    "を",
    "まとめて",
];

impl Query {
    /// Whether it asks for all of something and does not say of what, so that only what is at hand can be meant.
    pub fn names_nothing(&self) -> bool {
        if self.kind != Ask::Summarise {
            return false;
        }
        let mut left = self.asked.replace("tl;dr", " ").replace("TL;DR", " ");
        if main_script(&left).in_pairs() {
            STRETCHES.iter().for_each(|stretch| left = left.replace(stretch, " "));
        }
        let words = left.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        let says_what = |word: &str| {
            let folded = fold(word);
            // "US" and "IT" are names, not grammar.
            let name = word.chars().count() > 1 && word.chars().all(char::is_uppercase);
            name || !(is_stop(&folded)
                || is_asking(&folded)
                || folded.chars().count() == 1
                || BEGINNINGS.iter().any(|beginning| folded.starts_with(beginning)))
        };
        !words.into_iter().any(says_what)
    }
}

#[cfg(test)]
mod tests {
    use crate::understand;

    #[test]
    fn a_summary_of_nothing_named_is_told_from_one_of_something() {
        for all in [
            "Summarise this document.",
            "Please summarize this report in short",
            "What are the main points?",
            "tl;dr",
            "Fasse dieses Dokument bitte zusammen: eine Zusammenfassung",
            "总结这份文件",
            "Résumez ce document",
        ] {
            let query = understand(all, &[]);
            assert!(query.names_nothing(), "{all}: {:?}", query.kind);
        }
        for some in ["Summarise the rent rules of the lease", "Who pays?", "Overview of the US market", "总结租金"]
        {
            assert!(!understand(some, &[]).names_nothing(), "{some}");
        }
    }
}
