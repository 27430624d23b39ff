//! Secrets that the vault keeps for a person, and what was spent.

use super::house::house;
use crate::{KeptIn, NewSpend, StoreError};
use hearth_domain::SpaceId;

#[test]
fn a_sealed_secret_opens_under_its_name_alone_and_lies_nowhere_in_the_clear() {
    let house = house();
    let store = &house.store;
    assert_eq!(store.seal_secret("provider/a", "sk-very-secret-words").unwrap(), KeptIn::Vault);
    let (text, kept) = store.secret("provider/a").unwrap().unwrap();
    assert_eq!((text.as_str(), kept), ("sk-very-secret-words", KeptIn::Vault));
    let bytes = store.read(|reader| reader.sealed("provider/a")).unwrap().unwrap();
    assert!(!bytes.windows(4).any(|window| window == b"very"));
    store.write(|writer| writer.put_sealed("provider/b", &bytes)).unwrap();
    assert!(store.secret("provider/b").is_err(), "it is bound to its name");
    store.write(|writer| writer.erase_sealed("provider/a")).unwrap();
    assert!(store.read(|reader| reader.sealed("provider/a")).unwrap().is_none());
}

#[test]
fn what_is_not_settled_counts_at_its_most() {
    let house = house();
    let spend = |at_ms, space, bound| {
        let (provider, model) = ("p".to_owned(), "m".to_owned());
        let new = NewSpend { at_ms, provider, model, space: Some(space), turn: None, bound };
        house.store.write(|writer| writer.reserve_spend(&new)).unwrap()
    };
    let first = spend(10, house.space, 500);
    spend(20, SpaceId(99), 70);
    let spent = |since, space, provider| house.store.read(|reader| reader.spent(since, space, provider)).unwrap();
    assert_eq!(spent(0, None, None), 570);
    house.store.write(|writer| writer.settle_spend(first, 20)).unwrap();
    assert_eq!((spent(0, None, None), spent(0, Some(house.space), None), spent(15, None, Some("p"))), (90, 20, 70));
    assert_eq!(spent(0, None, Some("other")), 0);
    let missing = house.store.write(|writer| writer.settle_spend(77, 1));
    assert!(matches!(missing, Err(StoreError::NotFound { .. })));
}
