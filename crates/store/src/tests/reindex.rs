//! Another embedder: the old vectors answer until the new ones are complete, and are never compared with them.

use super::house::*;
use hearth_domain::PassageId;

/// What the second embedder makes of a text: the first one's vector, the other way round.
fn other(text: &str) -> Vec<f32> {
    embed(text).into_iter().rev().collect()
}

fn near_other(house: &House, text: &str) -> Vec<String> {
    let query = unit(other(text));
    let hits = house.store.read(|r| r.search_vectors(&query, &house.everything(), 10)).unwrap();
    let close = hits.into_iter().filter(|hit| hit.cosine > 0.9).map(|hit| hit.passage).collect::<Vec<_>>();
    house.store.read(|r| Ok(r.passages(&close)?.into_iter().map(|row| row.text).collect())).unwrap()
}

/// Embeds at most `n` passages anew; says whether the vectors changed places.
fn step(house: &House, n: usize) -> bool {
    let some = house.store.read(|r| r.unembedded(PassageId(0), n)).unwrap();
    let rows = house.store.read(|r| r.passages(&some)).unwrap();
    house
        .store
        .write(|w| {
            rows.iter().try_for_each(|row| w.put_next_embedding(row.id, &other(&row.text)))?;
            w.finish_reindex()
        })
        .unwrap()
}

#[test]
fn the_old_vectors_answer_until_the_new_ones_are_complete() {
    let mut house = house();
    house.store.write(|w| w.begin_vectors("one")).unwrap();
    let (gone, _) = house.import("a.txt", &["alpha beta", "gamma delta"]);
    house.import("b.txt", &["epsilon zeta"]);
    assert_eq!(house.near("alpha", &house.everything()).len(), 1);
    house.store.write(|w| w.begin_reindex("two")).unwrap();
    assert!(!step(&house, 2));
    assert_eq!(house.store.read(|r| r.reembedded()).unwrap(), (2, 3));
    // A restart goes on where it was; the old vectors answer, the new ones do not.
    house = house.reopen();
    assert_eq!(house.store.read(|r| r.next_embedder()).unwrap().as_deref(), Some("two"));
    house.store.write(|w| w.begin_reindex("two")).unwrap();
    assert_eq!(house.near("alpha", &house.everything()).len(), 1);
    assert!(near_other(&house, "alpha").is_empty());
    // A document that comes meanwhile waits for its turn, one that goes takes its vectors along.
    house.import("c.txt", &["eta theta"]);
    house.store.write(|w| w.remove_document(gone, 20)).unwrap();
    house.store.write(|w| w.purge_documents(&[gone])).unwrap();
    assert_eq!(house.store.read(|r| r.reembedded()).unwrap(), (0, 2));
    assert!(step(&house, 10));
    assert_eq!(house.store.read(|r| r.embedder()).unwrap().as_deref(), Some("two"));
    assert_eq!(house.store.read(|r| r.next_embedder()).unwrap(), None);
    assert!(house.near("eta", &house.everything()).is_empty());
    assert_eq!(near_other(&house, "eta"), ["eta theta"]);
    assert_eq!(house.store.check().unwrap(), vec![]);
}

#[test]
fn a_third_embedder_begins_anew_and_vectors_without_an_embedder_go() {
    let house = house();
    house.import("a.txt", &["alpha beta"]);
    house.store.write(|w| w.begin_vectors("one")).unwrap();
    assert_eq!(house.near("alpha", &house.everything()).len(), 1, "nobody said whose they were: they stay");
    house.store.write(|w| w.begin_reindex("two")).unwrap();
    let all = house.store.read(|r| r.unembedded(PassageId(0), 9)).unwrap();
    assert_eq!(house.store.read(|r| r.newest_passage()).ok().as_ref(), all.iter().max());
    house.store.write(|w| w.put_next_embedding(all[0], &other("alpha beta"))).unwrap();
    house.store.write(|w| w.begin_reindex("three")).unwrap();
    assert_eq!(house.store.read(|r| r.reembedded()).unwrap(), (0, 1));
    house.store.write(|w| w.begin_vectors("four")).unwrap();
    assert!(house.near("alpha", &house.everything()).is_empty());
    assert_eq!(house.store.read(|r| r.unembedded(PassageId(0), 9)).unwrap(), all);
    assert_eq!(house.store.read(|r| r.vectors()).unwrap(), 0);
}
