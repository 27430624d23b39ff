//! Words of a question that stand nowhere in reach, read as the nearest that do. What was asked stays as it was asked.

use hearth_retrieval::{Query, ReadAs, doubtful, nearest};
use hearth_store::{Reader, Result, SearchFilter};
use std::cmp::Reverse;

/// Words looked after in one question; a question of many unknown words is not misspelled but about something else.
const WORDS: usize = 4;
/// Terms of the index looked at for one word: some tens of milliseconds in a large library.
const LOOKED_AT: usize = 40_000;
/// Words that one may be a misspelling of, of which it is asked how frequent they are, and passages that are counted for it.
const WEIGHED: usize = 64;
const COUNTED: u64 = 2_000;
/// Spellings tried for one word: the nearest may stand only where this question does not reach.
const TRIED: usize = 6;

/// The question with words that no passage in reach has read as the nearest that one has, and which were read so.
pub(super) fn respell(reader: &Reader<'_>, query: &Query, filter: &SearchFilter) -> Result<(Query, Vec<ReadAs>)> {
    let mut words = Vec::new();
    let mut unknown = 0;
    for word in doubtful(query) {
        if reader.knows_term(&word.term, filter)? {
            continue;
        }
        unknown += 1;
        if unknown > WORDS {
            break;
        }
        // Few slips are made in the first two letters, and they narrow the walk down to a tenth.
        let two: String = word.term.chars().take(2).collect();
        let mut right = None;
        for head in [two, word.first.to_string()] {
            let known = reader.terms_from(&head, word.bytes.clone(), LOOKED_AT)?;
            // Of words that are as near, the more frequent is likelier.
            let mut near = Vec::new();
            for (slips, term) in nearest(&word.term, known.iter().map(String::as_str)).into_iter().take(WEIGHED) {
                near.push((slips, Reverse(reader.holding_term(term, COUNTED)?), term));
            }
            near.sort_unstable();
            for (.., term) in near.into_iter().take(TRIED) {
                if reader.knows_term(term, filter)? {
                    right = Some(term.to_owned());
                    break;
                }
            }
            if right.is_some() {
                break;
            }
        }
        words.extend(right.map(|right| (word.term, right)));
    }
    Ok(if words.is_empty() { (query.clone(), Vec::new()) } else { query.respelled(&words) })
}
