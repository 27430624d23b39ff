//! What is found, and what is not.

use super::house::*;
use crate::*;
use hearth_domain::*;

fn term(text: &str) -> Term {
    Term { text: text.to_owned(), weight: 1.0, prefix: false }
}

fn one(text: &str) -> TextQuery {
    TextQuery { any: vec![term(text)], ..TextQuery::default() }
}

#[test]
fn a_term_stays_one_term_in_any_script() {
    let house = house();
    let terms = [
        "10-q",
        "d3-14",
        "π",
        "合同",
        "同期",
        "สัญญา",
        "अनुबंध",
        "क्षतिपूर्ति",
        "öl",
        "o\u{308}l",
        "العقد",
        "a_b",
        "c++",
        "§5",
        "x/y:z*",
        "(a)",
        "e.g.",
        "100%",
        "naïve-ish",
        "ab\u{301}c",
        "🦀",
        "^",
        "near",
        "and",
        "not",
        "{x}",
        "\\n",
        "s1",
    ];
    for (index, text) in terms.iter().enumerate() {
        house.import(&format!("{index}.txt"), &[&format!("filler {text} tail")]);
    }
    for (index, text) in terms.iter().enumerate() {
        let found = house.words(text, &house.everything());
        assert_eq!(found, [format!("filler {text} tail")], "{index} {text}");
    }
    // Parts of a term are not terms.
    for part in ["10", "q", "d3", "14", "合", "同", "अन", "สัญ", "naïve", "ab"] {
        assert_eq!(house.words(part, &house.everything()), [""; 0], "{part}");
    }
    // What would be syntax is a term or nothing.
    for hostile in
        ["\"", "' OR 1", "terms:filler", "place : s1", "filler\" OR \"tail", "*", "NEAR(filler tail)", "\0", "\u{7f}"]
    {
        house.words(hostile, &house.everything()); // refuses nothing and runs nothing
    }
}

#[test]
fn phrases_prefixes_and_weights_count() {
    let house = house();
    house.import("a", &["alpha beta gamma delta"]);
    house.import("b", &["beta alpha delta gamma"]);
    house.import("c", &["alphabet soup epsilon zeta"]);
    let rest: Vec<String> = (0..8).map(|n| format!("other words number{n}")).collect();
    house.import("d", &rest.iter().map(String::as_str).collect::<Vec<_>>());
    let search = |query: &TextQuery| house.store.read(|r| r.search_text(query, &house.everything(), 10)).unwrap();
    let phrase = TextQuery { phrases: vec![vec!["alpha".into(), "beta".into()]], ..TextQuery::default() };
    assert_eq!(search(&phrase).len(), 1, "the words in this order stand in one passage");
    let prefix = TextQuery { any: vec![Term { prefix: true, ..term("alph") }], ..TextQuery::default() };
    assert_eq!(search(&prefix).len(), 3);
    let weighted = |soup: f32, beta: f32| TextQuery {
        any: vec![Term { weight: soup, ..term("soup") }, Term { weight: beta, ..term("delta") }],
        ..TextQuery::default()
    };
    let text_of = |hits: Vec<TextHit>| house.store.read(|r| r.passages(&[hits[0].passage])).unwrap()[0].text.clone();
    assert!(text_of(search(&weighted(1.0, 1.0))).contains("soup"), "the rarer word decides");
    assert!(text_of(search(&weighted(0.1, 4.0))).contains("delta"), "until the other weighs more");
    let hits = search(&weighted(1.0, 0.5));
    assert!(hits.windows(2).all(|w| w[0].score >= w[1].score) && hits.iter().all(|h| h.score > 0.0));
    let twice = search(&one("soup"))[0].score;
    let heavy = TextQuery { any: vec![Term { weight: 2.0, ..term("soup") }], ..TextQuery::default() };
    assert!((search(&heavy)[0].score / twice - 2.0).abs() < 1e-3);
    assert!(search(&TextQuery::default()).is_empty());
    assert!(
        search(&TextQuery { any: vec![Term { weight: f32::NAN, ..term("soup") }], ..TextQuery::default() }).is_empty()
    );
}

#[test]
fn filters_apply_before_the_best_are_cut_off() {
    let house = house();
    let other = house.store.write(|w| w.create_space("Other", 1)).unwrap();
    house
        .store
        .write(|w| {
            for index in 0..400 {
                let text = format!("treaty treaty treaty {index}");
                import_as(w, &new_version(other, None, &format!("{index}"), text.as_bytes()), &text, &[&text])?;
            }
            Ok(())
        })
        .unwrap();
    let (document, _) = house.import("one", &["treaty among very many other words that make it rank last of all"]);
    let (second, _) = house.import("two", &["treaty second"]);
    for warm in [false, true] {
        if warm {
            house.store.warm().unwrap();
        }
        let only = SearchFilter { documents: Some(vec![document]), ..house.everything() };
        assert_eq!(house.words("treaty", &only).len(), 1);
        assert_eq!(house.near("treaty", &only).len(), 1);
        assert_eq!(house.words("treaty", &house.everything()).len(), 2);
        assert_eq!(house.near("treaty", &house.everything()).len(), 2);
        let many = (1000..1100).map(DocumentId).chain([second]).collect();
        let many = SearchFilter { documents: Some(many), ..house.everything() };
        assert_eq!(house.words("treaty", &many), ["treaty second"]);
        let without = SearchFilter { without: [document].into(), also: vec![document], ..house.everything() };
        assert_eq!(house.words("treaty", &without), ["treaty second"]);
        assert_eq!(house.near("treaty", &without), ["treaty second"]);
        let none = SearchFilter { documents: Some(vec![]), ..house.everything() };
        assert_eq!((house.words("treaty", &none).len(), house.near("treaty", &none).len()), (0, 0));
        let foreign =
            SearchFilter { documents: Some(vec![document]), also: vec![second], ..SearchFilter::space(other) };
        assert_eq!((house.words("treaty", &foreign).len(), house.near("treaty", &foreign).len()), (0, 0));
    }
}

#[test]
fn a_document_for_one_question_is_found_only_when_named() {
    let house = house();
    let text = "attached clause";
    let new = NewVersion { scope: Scope::Turn, ..new_version(house.space, None, "a", text.as_bytes()) };
    let (attached, _) = house.store.write(|w| import_as(w, &new, text, &[text])).unwrap();
    house.import("b", &["attached elsewhere"]);
    let named = SearchFilter { also: vec![attached], ..house.everything() };
    for warm in [false, true] {
        if warm {
            house.store.warm().unwrap();
        }
        assert_eq!(house.words("attached", &house.everything()), ["attached elsewhere"]);
        assert_eq!(house.near("attached", &house.everything()), ["attached elsewhere"]);
        assert_eq!(house.words("attached", &named).len(), 2);
        assert_eq!(house.near("attached", &named).len(), 2);
        let only = SearchFilter { documents: Some(vec![]), also: vec![attached], ..house.everything() };
        assert_eq!(house.words("attached", &only), ["attached clause"]);
        assert_eq!(house.near("attached", &only), ["attached clause"]);
    }
    house.store.write(|w| w.keep_document(attached)).unwrap();
    assert_eq!(house.near("attached", &house.everything()).len(), 2);
    assert_eq!(house.words("attached", &house.everything()).len(), 2);
}

#[test]
fn a_cosine_means_the_same_on_every_path() {
    let house = house();
    house.import("a", &["one", "two", "three", "four", "five"]);
    house.import("b", &["six", "seven"]);
    let query = unit(embed("three").iter().zip(embed("six")).map(|(a, b)| a + 0.5 * b).collect());
    let filter = house.everything();
    let table = house.store.write(|w| w.search_vectors(&query, &filter, 7)).unwrap();
    let memory = house.store.read(|r| r.search_vectors(&query, &filter, 7)).unwrap();
    assert_eq!(table.len(), 7);
    for (a, b) in table.iter().zip(&memory) {
        assert_eq!(a.passage, b.passage);
        assert!((a.cosine - b.cosine).abs() < 1e-5, "{a:?} {b:?}");
        let kept = house.store.read(|r| r.embeddings(&[a.passage])).unwrap().remove(0).1;
        let exact: f32 = kept.iter().zip(&query).map(|(a, b)| a * b).sum();
        assert!((exact - a.cosine).abs() < 0.01);
    }
    let mut across = query.clone();
    across.iter_mut().for_each(|x| *x = -*x);
    let opposite = house.store.read(|r| r.search_vectors(&across, &filter, 7)).unwrap();
    assert_eq!(opposite.last().unwrap().passage, memory[0].passage, "the nearest is now the farthest");
    assert!(opposite.last().unwrap().cosine < -0.5);
    assert!(house.store.read(|r| r.search_vectors(&query[..5], &filter, 7)).unwrap().is_empty());
    assert!(house.store.read(|r| r.search_vectors(&[], &filter, 7)).is_err());
}

/// A library beyond the budget is held by signs: nearly all that is nearest is found, with the cosines of the table, and
/// what changes or goes is gone there too.
#[test]
fn where_only_signs_fit_the_nearest_are_found_all_the_same() {
    const ROWS: usize = 3_000;
    let house = house();
    // Rows around a hundred centres, as texts lie around topics.
    let point = |row: usize| {
        let (own, centre) = (embed(&format!("row{row}")), embed(&format!("centre{}", row % 100)));
        unit(own.iter().zip(&centre).map(|(own, centre)| own + 1.5 * centre).collect())
    };
    let publish = |w: &Writer, document, rows: std::ops::Range<usize>| {
        let text = rows.clone().map(|row| format!("row{row}")).collect::<Vec<_>>().join("\n");
        let new = new_version(house.space, document, "rows", text.as_bytes());
        w.put_blob(&new.hash, text.as_bytes())?;
        let (document, version) = w.begin_version(&new)?;
        w.keep_pages(version, &read(&text))?;
        let passages: Vec<IndexedPassage> =
            rows.map(|row| IndexedPassage { embedding: point(row), ..indexed(&format!("row{row}")) }).collect();
        w.publish(version, &passages, 9)?;
        Ok(document)
    };
    let document = house.store.write(|w| publish(w, None, 0..ROWS)).unwrap();
    let everything = house.everything();
    let found = |query: &[f32]| {
        let exact = house.store.write(|w| w.search_vectors(query, &everything, 10)).unwrap();
        (exact, house.store.read(|r| r.search_vectors(query, &everything, 10)).unwrap())
    };
    crate::resident::lock_write(&house.store.inner.resident).budget = (ROWS * DIMS / 4) as u64;
    house.store.warm().unwrap();
    let mut held = 0;
    for row in (0..ROWS).step_by(30) {
        let (exact, by_signs) = found(&point(row));
        assert!((by_signs[0].cosine - 1.0).abs() < 1e-3, "the row itself comes first");
        for hit in &by_signs {
            held += usize::from(exact.iter().any(|e| e.passage == hit.passage && (e.cosine - hit.cosine).abs() < 1e-5));
        }
    }
    assert!(held > 970, "{held} of 1000");
    house.store.write(|w| publish(w, Some(document), ROWS..ROWS + 50)).unwrap();
    assert!(found(&point(3)).1.iter().all(|hit| hit.cosine < 0.99), "what was there before is not found any more");
    assert!(found(&point(ROWS + 3)).1[0].cosine > 0.99);
    house.store.write(|w| w.remove_document(document, 10)).unwrap();
    assert!(found(&point(ROWS + 3)).1.is_empty());
}

#[test]
fn a_new_version_takes_over_in_one_step() {
    let house = house();
    house.store.warm().unwrap();
    let (document, first) = house.import("a", &["apple one", "banana one"]);
    let text = "cherry two";
    let new = new_version(house.space, Some(document), "a", text.as_bytes());
    let (_, second) = house.store.write(|w| w.begin_version(&new)).unwrap();
    house.store.write(|w| w.keep_pages(second, &read(text))).unwrap();
    assert_eq!(house.words("apple", &house.everything()).len(), 1, "the old one answers until the new one is complete");
    assert_eq!(house.store.read(|r| r.document(document)).unwrap().unwrap().version, Some(first));
    let failed: Result<()> = house.store.write(|w| {
        w.publish(second, &[indexed(text)], 9)?;
        assert!(w.search_vectors(&embed("cherry"), &house.everything(), 9)?.iter().any(|hit| hit.cosine > 0.9));
        Err(StoreError::Invalid("stop".into()))
    });
    assert!(failed.is_err());
    assert_eq!(house.near("apple", &house.everything()).len(), 1, "a transaction that fails changes nothing");
    house.store.write(|w| w.publish(second, &[indexed(text)], 9)).unwrap();
    assert_eq!(
        (house.words("apple", &house.everything()).len(), house.near("apple", &house.everything()).len()),
        (0, 0)
    );
    assert_eq!(house.near("cherry", &house.everything()), ["cherry two"]);
    let (old, page) = house.store.read(|r| Ok((r.version(first)?, r.page(first, 0)?))).unwrap();
    assert_eq!(old.unwrap().state, VersionState::Superseded);
    assert_eq!(page.unwrap().text, "apple one\nbanana one", "a citation can still open it");
    assert!(house.store.check().unwrap().is_empty());
    assert!(house.store.write(|w| w.publish(second, &[], 9)).is_err(), "it is published already");
}

#[test]
fn in_a_large_library_what_most_rows_have_says_nothing_beside_what_few_have() {
    let house = house();
    let rows: Vec<String> = (0..8_100).map(|n| format!("common row{n}")).collect();
    house.import("many", &rows.iter().map(String::as_str).collect::<Vec<_>>());
    let (few, _) = house.import("few", &["rare common", "rare", "common alone"]);
    let query = TextQuery { any: vec![term("common"), term("rare")], ..TextQuery::default() };
    let search = |query: &TextQuery, filter: &SearchFilter| {
        house.store.read(|r| r.search_text(query, filter, 10)).unwrap().len()
    };
    assert_eq!(search(&query, &house.everything()), 2, "rows with the rare word, and no others to fill the places");
    assert_eq!(search(&one("common"), &house.everything()), 10, "alone it is all that was asked for");
    let only = SearchFilter { documents: Some(vec![few]), ..house.everything() };
    assert_eq!(search(&query, &only), 3, "of a few documents nothing is left out");
}

#[test]
fn neighbours_come_in_order() {
    let house = house();
    house.import("a", &["p0", "p1", "p2", "p3", "p4"]);
    let rows = house.store.read(|r| r.passages(&[PassageId(3), PassageId(99), PassageId(1)])).unwrap();
    assert_eq!(rows.iter().map(|r| r.text.as_str()).collect::<Vec<_>>(), ["p2", "p0"]);
    assert_eq!((rows[0].version_number, rows[0].place.clone(), rows[0].context.len()), (1, Place::Whole, 1));
    let around = house.store.read(|r| r.neighbours(PassageId(3), 1, 5)).unwrap();
    assert_eq!(around.iter().map(|r| r.text.as_str()).collect::<Vec<_>>(), ["p1", "p2", "p3", "p4"]);
}

#[test]
fn terms_are_known_where_they_may_be_found_and_the_walk_over_them_is_bounded() {
    let house = house();
    let (pump, _) = house.import("pump.txt", &["compressor compress company", "compressor filter"]);
    let everything = house.everything();
    let read = |head: &str, bytes: std::ops::Range<usize>, most: usize| {
        house.store.read(|reader| reader.terms_from(head, bytes.clone(), most)).unwrap()
    };
    assert_eq!(read("co", 8..12, 100), ["compress", "compressor"]);
    assert_eq!(read("co", 8..12, 2), ["compress"], "the company is looked at too");
    let holding = |term: &str, most: u64| house.store.read(|reader| reader.holding_term(term, most)).unwrap();
    assert_eq!((holding("compress", 9), holding("compressor", 9), holding("compresor", 9)), (1, 2, 0));
    assert_eq!(holding("compressor", 1), 2, "the first of two ends the count, and stands at half of the way");
    assert!(read("x", 1..99, 100).is_empty() && read("", 1..99, 100).is_empty());
    let knows = |term: &str, filter: &SearchFilter| house.store.read(|r| r.knows_term(term, filter)).unwrap();
    assert!(knows("compressor", &everything) && !knows("compresor", &everything) && !knows("", &everything));
    let without = SearchFilter { without: [pump].into(), ..everything.clone() };
    assert!(!knows("compressor", &without), "what may not be found is not known");
    let (filter, _) = house.import("filter.txt", &["compressor commutator"]);
    house.store.write(|w| w.purge_documents(&[filter])).unwrap();
    assert_eq!(read("com", 1..99, 100), ["company", "compress", "compressor"], "a purge leaves no word behind");
    let kept = house.store.rebuild_index(&|row| row.text.clone()).unwrap();
    assert_eq!(kept.passages, 2);
    assert_eq!(read("com", 1..99, 100), ["company", "compress", "compressor"]);
}
