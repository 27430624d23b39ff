//! Whatever is done in whatever order: search gives exactly the passages of current versions of documents that are there.

use super::house::*;
use crate::*;
use hearth_domain::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

#[derive(Debug, Clone)]
enum Step {
    Import { passages: usize },
    Replace { which: usize, passages: usize },
    Begin { which: usize },
    Fail { which: usize },
    Remove { which: usize },
    Restore { which: usize },
    Purge { which: usize },
    Label { which: usize },
    Warm,
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let which = 0usize..6;
    prop_oneof![
        4 => (0usize..4).prop_map(|passages| Step::Import { passages }),
        4 => (which.clone(), 0usize..4).prop_map(|(which, passages)| Step::Replace { which, passages }),
        1 => which.clone().prop_map(|which| Step::Begin { which }),
        2 => which.clone().prop_map(|which| Step::Fail { which }),
        2 => which.clone().prop_map(|which| Step::Remove { which }),
        2 => which.clone().prop_map(|which| Step::Restore { which }),
        1 => which.clone().prop_map(|which| Step::Purge { which }),
        1 => which.prop_map(|which| Step::Label { which }),
        1 => Just(Step::Warm),
        1 => Just(Step::Reopen),
    ]
}

/// What ought to be found: the texts of each document, and whether it is removed.
type Model = BTreeMap<DocumentId, (Vec<String>, bool)>;

fn agree(house: &House, model: &Model, made: usize) {
    let mut expected: Vec<&str> = model
        .values()
        .filter(|(_, removed)| !removed)
        .flat_map(|(texts, _)| texts.iter().map(String::as_str))
        .collect();
    expected.sort();
    let all = house.everything();
    let any = vec![Term { text: "every".into(), weight: 1.0, prefix: false }];
    let query = TextQuery { any, ..TextQuery::default() };
    house
        .store
        .read(|r| {
            let texts = |ids: Vec<PassageId>| -> Result<Vec<String>> {
                let mut texts: Vec<String> = r.passages(&ids)?.into_iter().map(|row| row.text).collect();
                texts.sort();
                Ok(texts)
            };
            let words = texts(r.search_text(&query, &all, 1000)?.into_iter().map(|hit| hit.passage).collect())?;
            assert_eq!(words, expected);
            let near = r.search_vectors(&embed("x"), &all, 1000)?;
            assert_eq!(texts(near.into_iter().map(|hit| hit.passage).collect())?, expected);
            let count = |sql: &str| r.db.query_row(sql, [], |row| row.get::<_, i64>(0));
            let passages = count("SELECT count(*) FROM passage")?;
            assert_eq!(passages as usize, model.values().map(|(texts, _)| texts.len()).sum::<usize>());
            assert_eq!(count("SELECT count(*) FROM vector")?, passages);
            assert_eq!(count("SELECT count(*) FROM passage_terms_docsize")?, passages);
            assert_eq!(r.counts(house.space)?.passages as usize, expected.len());
            Ok(())
        })
        .unwrap();
    // Each text that was ever written is found by its own vector and word exactly when it is current.
    for number in made.saturating_sub(6)..made {
        let name = format!("t{number}");
        let current = expected.iter().any(|text| text.starts_with(&format!("{name} ")));
        assert_eq!(house.words(&name, &all).len(), usize::from(current), "{name}");
        assert_eq!(house.near(&name, &all).len(), usize::from(current), "{name}");
    }
}

fn run(steps: Vec<Step>) {
    let mut house = house();
    let mut model = Model::new();
    let mut made = 0;
    for step in steps {
        let pick = |which: usize| model.keys().nth(which % model.len().max(1)).copied();
        let mut texts = |count: usize| -> Vec<String> {
            (0..count)
                .map(|_| {
                    made += 1;
                    format!("t{} every", made - 1)
                })
                .collect()
        };
        match step {
            Step::Import { passages } => {
                let texts = texts(passages);
                let (document, _) = house.import("d", &texts.iter().map(String::as_str).collect::<Vec<_>>());
                model.insert(document, (texts, false));
            }
            Step::Replace { which, passages } => {
                if let Some(document) = pick(which) {
                    let texts = texts(passages);
                    house.import_version(Some(document), "d", &texts.iter().map(String::as_str).collect::<Vec<_>>());
                    if let Some(entry) = model.get_mut(&document) {
                        entry.0 = texts;
                    }
                }
            }
            Step::Begin { which } => {
                if let Some(document) = pick(which) {
                    let new = new_version(house.space, Some(document), "d", b"pending");
                    house.store.write(|w| w.begin_version(&new)).unwrap();
                }
            }
            Step::Fail { which } => {
                let document = pick(which);
                let text = &texts(1)[0];
                let failed: Result<()> = house.store.write(|w| {
                    let new = new_version(w_space(w), document, "d", text.as_bytes());
                    import_as(w, &new, text, &[text])?;
                    Err(StoreError::Invalid("cut short".into()))
                });
                assert!(failed.is_err());
            }
            Step::Remove { which } => {
                if let Some(document) = pick(which) {
                    house.store.write(|w| w.remove_document(document, 3)).unwrap();
                    model.entry(document).and_modify(|entry| entry.1 = true);
                }
            }
            Step::Restore { which } => {
                if let Some(document) = pick(which) {
                    house.store.write(|w| w.restore_document(document)).unwrap();
                    model.entry(document).and_modify(|entry| entry.1 = false);
                }
            }
            Step::Purge { which } => {
                if let Some(document) = pick(which) {
                    house.store.write(|w| w.purge_documents(&[document])).unwrap();
                    model.remove(&document);
                }
            }
            Step::Label { which } => {
                if let Some(document) = pick(which) {
                    house.store.write(|w| w.set_label(document, Label::Restricted, "person", 3)).unwrap();
                }
            }
            Step::Warm => house.store.warm().unwrap(),
            Step::Reopen => house = house.reopen(),
        }
        agree(&house, &model, made);
    }
    assert_eq!(house.store.check().unwrap(), []);
}

fn w_space(w: &Writer) -> SpaceId {
    w.spaces().unwrap()[0].id
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, rng_seed: proptest::test_runner::RngSeed::Fixed(20261122), ..ProptestConfig::default() })]

    #[test]
    fn search_gives_what_is_current_and_nothing_else(steps in prop::collection::vec(step(), 1..30)) {
        run(steps);
    }
}
