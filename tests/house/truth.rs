//! Whatever happens to files in whatever order, with restarts and kills in between: what is served is what lies on the
//! disk, and nothing of a superseded or deleted version. Every text ever written has a word of its own.
//!
//! A few sequences run each time. `HEARTH_SEQUENCES=1000` runs as many as it says.

use crate::CHILD;
use anyhow::{Context, Result, ensure};
use hearth_tests::{House, Script};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Folders that go through their sequences side by side, each in a space of its own.
const SIDE_BY_SIDE: usize = 20;
/// Sequences of a usual run.
const USUAL: usize = 60;

/// Numbers that come the same each time: a linear congruential generator.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % sides.max(1)
    }
}

/// A watched folder, and what lies in it: texts by path.
struct Folder {
    id: i64,
    space: i64,
    root: PathBuf,
    files: BTreeMap<String, String>,
    /// What lay there when the library was last in step.
    before: BTreeMap<String, String>,
}

/// The word of one text: `mark` and its number.
fn word(text: &str) -> &str {
    text.split_whitespace().next().unwrap_or_default()
}

impl Folder {
    fn words(&self) -> BTreeSet<String> {
        self.files.values().map(|text| word(text).to_owned()).collect()
    }

    /// One thing that people and editors do to files.
    fn step(&mut self, dice: &mut Dice, made: &mut usize) -> Result<()> {
        let pick =
            |dice: &mut Dice, files: &BTreeMap<String, String>| files.keys().nth(dice.roll(files.len())).cloned();
        let mut text = || {
            *made += 1;
            format!("mark{made} is the number of this ledger.")
        };
        let name = format!("{}/{}.txt", ["a", "b/c"][dice.roll(2)], dice.roll(6));
        let at = |name: &str| self.root.join(name);
        std::fs::create_dir_all(at("a"))?;
        std::fs::create_dir_all(at("b/c"))?;
        match (dice.roll(8), pick(dice, &self.files)) {
            (0 | 1, _) | (_, None) => {
                let text = text();
                std::fs::write(at(&name), &text)?;
                self.files.insert(name, text);
            }
            (2, Some(there)) => {
                let text = text();
                std::fs::write(at(&there), &text)?;
                self.files.insert(there, text);
            }
            (3, Some(there)) => {
                let text = text();
                std::fs::write(at("a/.saving"), &text)?;
                std::fs::rename(at("a/.saving"), at(&there))?;
                self.files.insert(there, text);
            }
            (4, Some(there)) => {
                std::fs::remove_file(at(&there))?;
                self.files.remove(&there);
            }
            (5 | 6, Some(there)) => {
                std::fs::rename(at(&there), at(&name))?;
                let text = self.files.remove(&there).context("a file")?;
                self.files.insert(name, text);
            }
            (_, Some(there)) => {
                let text = self.files.get(&there).context("a file")?.clone();
                std::fs::write(at(&name), &text)?;
                self.files.insert(name, text);
            }
        }
        Ok(())
    }

    /// What a search for all of them gives.
    fn hits(&self, house: &House) -> Result<Vec<Value>> {
        let hits = house.call("Search", json!({ "space": self.space, "text": "ledger number", "limit": 100 }))?;
        Ok(hits["passages"].as_array().context("passages")?.clone())
    }

    /// The words of all passages that are served, each of which must be of a current version, once the house is at rest.
    fn served(&self, house: &House) -> Result<BTreeSet<String>> {
        let mut words = BTreeSet::new();
        for hit in self.hits(house)? {
            let version = &hit["at"]["version"];
            let opened = house.call("OpenVersion", json!({ "document": hit["document"], "version": version }))?;
            ensure!(opened["newer"].is_null(), "a superseded version is served: {hit:#}");
            let page = json!({ "version": version, "page": hit["at"]["page"], "width_px": 0, "spans": [] });
            let text = house.call("GetPage", page)?["text"].as_str().context("text")?.to_owned();
            ensure!(words.insert(word(&text).to_owned()), "{} is served twice", word(&text));
        }
        Ok(words)
    }
}

fn in_step(house: &House, folders: &mut [Folder]) -> Result<()> {
    let ids: Vec<i64> = folders.iter().map(|folder| folder.id).collect();
    // A second look takes in what the first one's jobs left adrift.
    house.kernel.bring_in_step(&ids, &mut |_| ())?;
    house.kernel.bring_in_step(&ids, &mut |_| ())?;
    for folder in folders {
        let served = folder.served(house)?;
        ensure!(served == folder.words(), "served {served:?}, on disk {:?}", folder.files);
        folder.before.clone_from(&folder.files);
    }
    Ok(())
}

/// Asks about one text: what is quoted and cited is what lies there now.
fn cited(house: &mut House, folder: &Folder) -> Result<()> {
    let Some(text) = folder.files.values().next() else { return Ok(()) };
    let args = json!({ "space": folder.space, "conversation": null, "text": format!("What is {} the number of?", word(text)),
        "attachments": [], "grounding": "documents" });
    let turn = house.call("Ask", args)?["turn"].as_i64().context("a turn")?;
    let turn = house.ended(turn)?;
    ensure!(turn.sources.iter().all(|source| source.current) && turn.outdated.is_empty(), "{turn:#?}");
    let quotes: Vec<&str> = turn.quotes.iter().map(|quote| word(&quote.text)).collect();
    ensure!(quotes.contains(&word(text)), "{quotes:?} without {}", word(text));
    Ok(())
}

#[test]
fn what_is_served_is_what_lies_there() -> Result<()> {
    let sequences = std::env::var("HEARTH_SEQUENCES").ok().and_then(|n| n.parse().ok()).unwrap_or(USUAL);
    let (mut dice, mut made) = (Dice(20_261_123), 0);
    let mut house = House::new(CHILD, &Script::default())?;
    let root = house.folder.path().canonicalize()?;
    let mut folders = Vec::new();
    for n in 0..SIDE_BY_SIDE.min(sequences) {
        let space =
            house.call("CreateSpace", json!({ "name": format!("space {n}") }))?["id"].as_i64().context("a space")?;
        let root = root.join(format!("watched {n}"));
        std::fs::create_dir(&root)?;
        let id = house.kernel.watch_path(&root, space, None)?.id;
        folders.push(Folder { id, space, root, files: BTreeMap::new(), before: BTreeMap::new() });
    }
    let rounds = sequences.div_ceil(SIDE_BY_SIDE);
    for round in 0..rounds {
        // Open all the time, closed in order, or killed at some moment.
        house = match round % 3 {
            0 => {
                change(&mut folders, &mut dice, &mut made)?;
                house
            }
            1 => {
                change(&mut folders, &mut dice, &mut made)?;
                house.restart()?
            }
            _ => {
                let folder = house.close();
                let mut keeper =
                    Command::new(CHILD).arg("__keep").arg(folder.path().join("data")).stdout(Stdio::piped()).spawn()?;
                let mut line = String::new();
                BufReader::new(keeper.stdout.take().context("its words")?).read_line(&mut line)?;
                ensure!(line.trim() == "open", "{line}");
                change(&mut folders, &mut dice, &mut made)?;
                std::thread::sleep(Duration::from_millis(dice.roll(4_000) as u64));
                keeper.kill()?;
                keeper.wait()?;
                let house = House::reopen(CHILD, folder)?;
                for folder in &folders {
                    after_a_kill(&house, folder)?;
                }
                house
            }
        };
        in_step(&house, &mut folders).with_context(|| format!("round {round}"))?;
        let asked = dice.roll(folders.len());
        if let Some(folder) = folders.get(asked) {
            cited(&mut house, folder).with_context(|| format!("round {round}"))?;
        }
    }
    let check = house.call("VerifyAudit", json!({}))?;
    ensure!(check["broken"].is_null(), "{check:#}");
    let doctor: Value = house.call("GetDoctor", json!({}))?;
    let vault = doctor.as_array().into_iter().flatten().find(|finding| finding["name"] == "vault").cloned();
    ensure!(vault.is_some_and(|finding| finding["works"] == true), "{doctor:#}");
    Ok(())
}

/// One to five things happen in each folder.
fn change(folders: &mut [Folder], dice: &mut Dice, made: &mut usize) -> Result<()> {
    folders.iter_mut().try_for_each(|folder| (0..=dice.roll(4)).try_for_each(|_| folder.step(dice, made)))
}

/// Right after a kill, while the house takes in what happened: each file that lies there as it did is served, and nothing
/// that was never there.
fn after_a_kill(house: &House, folder: &Folder) -> Result<()> {
    let hits = folder.hits(house)?;
    let served: BTreeSet<&str> = hits.iter().map(|hit| word(hit["text"].as_str().unwrap_or_default())).collect();
    let now = folder.words();
    let before: BTreeSet<&str> = folder.before.values().map(|text| word(text)).collect();
    for word in &served {
        ensure!(before.contains(word) || now.contains(*word), "{word} was neither there before nor is now");
    }
    let alone =
        |files: &BTreeMap<String, String>, text: &String| files.values().filter(|other| *other == text).count() == 1;
    for (path, text) in &folder.before {
        if folder.files.get(path) == Some(text) && alone(&folder.before, text) && alone(&folder.files, text) {
            ensure!(served.contains(word(text)), "{path} lies there as before, and is not served: {served:?}");
        }
    }
    Ok(())
}
