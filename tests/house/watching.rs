//! Watched folders: the library stays in step with what lies on the disk, through everything that editors, people and
//! drives do to files. Nothing that is not there any more is served, and nothing is lost because it cannot be seen.

use crate::CHILD;
use anyhow::{Context, Result};
use hearth_api::{DocumentRow, Library, WatchState, WatchedFolder};
use hearth_tests::{House, Script};
use serde_json::json;
use std::fs;
use std::path::PathBuf;

/// A house with one watched folder, and its path.
struct Watched {
    house: House,
    root: PathBuf,
    id: i64,
}

impl Watched {
    fn new(files: &[(&str, &str)]) -> Result<Watched> {
        let house = House::new(CHILD, &Script::default())?;
        let root = house.folder.path().canonicalize()?.join("watched");
        fs::create_dir_all(&root)?;
        let made = Watched { house, root, id: 0 };
        for (name, text) in files {
            made.write(name, text)?;
        }
        let folder = made.house.kernel.watch_path(&made.root, made.house.space()?, None)?;
        let made = Watched { id: folder.id, ..made };
        made.in_step()?;
        Ok(made)
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.root.join(name);
        fs::create_dir_all(path.parent().context("a folder")?)?;
        Ok(fs::write(path, text)?)
    }

    fn in_step(&self) -> Result<WatchedFolder> {
        let mut last = None;
        self.house.kernel.bring_in_step(&[self.id], &mut |folder| last = Some(folder.clone()))?;
        last.context("how it stands")
    }

    fn rows(&self) -> Result<Vec<DocumentRow>> {
        let args = json!({ "space": self.house.space()?, "text": null, "labels": [], "kinds": [], "limit": 10_000 });
        let library: Library = serde_json::from_value(self.house.call("ListDocuments", args)?)?;
        Ok(library.rows)
    }

    /// File names of the library with their version names.
    fn names(&self) -> Result<Vec<String>> {
        let mut names: Vec<String> = self.rows()?.into_iter().map(|row| row.name).collect();
        names.sort();
        Ok(names)
    }

    fn document(&self, name: &str) -> Result<i64> {
        self.rows()?.into_iter().find(|row| row.name == name).and_then(|row| row.id).context(name.to_owned())
    }

    /// Texts of the passages that a search gives.
    fn found(&self, text: &str) -> Result<String> {
        let hits = self.house.call("Search", json!({ "space": self.house.space()?, "text": text, "limit": 20 }))?;
        Ok(hits["passages"].to_string())
    }

    fn restart(self) -> Result<Watched> {
        Ok(Watched { house: self.house.restart()?, ..self })
    }
}

#[test]
fn what_happens_to_files_happens_to_their_documents() -> Result<()> {
    let mut watched = Watched::new(&[
        ("pump.txt", "The pump runs at 40 bar in winter."),
        ("deep/gate.md", "The gate opens at seven."),
    ])?;
    assert_eq!(watched.names()?, ["gate.md", "pump.txt"]);
    let (pump, gate) = (watched.document("pump.txt")?, watched.document("gate.md")?);

    // Changed in place, and saved by replacing it; made anew beside it.
    watched.write("pump.txt", "The pump runs at 55 bar in winter.")?;
    watched.write("deep/gate.md.new", "The gate opens at nine.")?;
    fs::rename(watched.root.join("deep/gate.md.new"), watched.root.join("deep/gate.md"))?;
    watched.write("roof.txt", "The roof is of slate.")?;
    watched.in_step()?;
    assert_eq!((watched.document("pump.txt")?, watched.document("gate.md")?), (pump, gate), "versions, not others");
    assert!(!watched.found("bar in winter")?.contains("40 bar") && watched.found("bar in winter")?.contains("55 bar"));
    assert!(!watched.found("gate opens")?.contains("seven") && watched.found("roof")?.contains("slate"));
    let turn = watched.house.ask("At what pressure does the pump run in winter?")?;
    assert!(turn.answer.contains("55 bar") && !turn.answer.contains("40 bar"), "{}", turn.answer);

    // Renamed, moved into another folder, and the folder renamed: the same documents, not read again.
    fs::rename(watched.root.join("pump.txt"), watched.root.join("deep/pumps 2027.txt"))?;
    watched.in_step()?;
    fs::rename(watched.root.join("deep"), watched.root.join("deeper"))?;
    watched.in_step()?;
    assert_eq!((watched.document("pumps 2027.txt")?, watched.document("gate.md")?), (pump, gate));
    let detail = watched.house.call("GetDocument", json!({ "document": pump }))?;
    assert!(detail["origin"].as_str().is_some_and(|origin| origin.ends_with("deeper/pumps 2027.txt")), "{detail:#}");
    assert_eq!((detail["watched"].as_str(), detail["versions"].as_array().map(Vec::len)), (Some("watched"), Some(2)));

    // Deleted; and deleted, then brought back with other words: its next version.
    fs::remove_file(watched.root.join("roof.txt"))?;
    fs::remove_file(watched.root.join("deeper/gate.md"))?;
    watched.in_step()?;
    assert_eq!(watched.names()?, ["pumps 2027.txt"]);
    assert!(!watched.found("roof slate gate")?.contains("slate") && !watched.found("gate opens")?.contains("nine"));
    watched.write("deeper/gate.md", "The gate opens at noon.")?;
    watched.in_step()?;
    assert_eq!(watched.document("gate.md")?, gate);
    assert!(watched.found("gate opens")?.contains("noon") && !watched.found("gate opens")?.contains("nine"));

    // What happened while Hearth was closed.
    fs::remove_file(watched.root.join("deeper/pumps 2027.txt"))?;
    watched.write("late.txt", "The late note speaks of larches.")?;
    let watched = watched.restart()?;
    watched.in_step()?;
    assert_eq!(watched.names()?, ["gate.md", "late.txt"]);
    assert!(!watched.found("pump bar winter")?.contains("55 bar"));
    let check = watched.house.call("VerifyAudit", json!({}))?;
    assert!(check["broken"].is_null(), "{check:#}");
    Ok(())
}

#[test]
fn a_change_is_found_without_asking() -> Result<()> {
    let watched = Watched::new(&[("pump.txt", "The pump runs at 40 bar in winter.")])?;
    watched.write("pump.txt", "The pump runs at 55 bar in winter.")?;
    watched.house.until("the change is found", |_| {
        watched.found("bar in winter").is_ok_and(|found| found.contains("55 bar") && !found.contains("40 bar"))
    })
}

#[test]
fn a_copy_lives_on_when_the_original_goes_on_or_goes_away() -> Result<()> {
    let watched = Watched::new(&[("a.txt", "The boiler is serviced in May.")])?;
    let first = watched.document("a.txt")?;
    watched.write("copy.txt", "The boiler is serviced in May.")?;
    watched.in_step()?;
    assert_eq!(watched.names()?, ["a.txt"], "the same bytes are one document");
    watched.write("a.txt", "The boiler is serviced in June.")?;
    watched.in_step()?;
    watched.in_step()?;
    let found = watched.found("boiler serviced")?;
    assert!(found.contains("in May") && found.contains("in June"), "{found}");
    assert_eq!(watched.document("a.txt")?, first);

    watched.write("copy.txt", "The boiler is serviced in June.")?;
    watched.in_step()?;
    assert!(!watched.found("boiler serviced")?.contains("in May"));
    fs::remove_file(watched.root.join("a.txt"))?;
    watched.in_step()?;
    assert_eq!(watched.names()?, ["copy.txt"], "it answers for the copy now");
    assert!(watched.found("boiler serviced")?.contains("in June"));
    Ok(())
}

#[test]
fn a_folder_that_is_away_keeps_its_documents() -> Result<()> {
    let watched = Watched::new(&[("a.txt", "The boiler is serviced in May.")])?;
    let aside = watched.root.with_file_name("aside");
    fs::rename(&watched.root, &aside)?;
    let folder = watched.in_step()?;
    assert_eq!(folder.state, WatchState::NotReachable, "{folder:?}");
    assert!(watched.found("boiler serviced")?.contains("in May"));
    let watched = watched.restart()?;
    assert_eq!(watched.in_step()?.state, WatchState::NotReachable);
    assert!(watched.found("boiler serviced")?.contains("in May"));
    fs::rename(&aside, &watched.root)?;
    watched.write("a.txt", "The boiler is serviced in June.")?;
    let folder = watched.in_step()?;
    assert_ne!(folder.state, WatchState::NotReachable);
    assert!(watched.found("boiler serviced")?.contains("in June"));
    Ok(())
}

#[test]
fn what_cannot_be_read_is_said_and_costs_nothing_else() -> Result<()> {
    let watched = Watched::new(&[("good.txt", "The gate opens at seven."), ("song.mp3", "ID3 not read")])?;
    #[cfg(unix)]
    std::os::unix::fs::symlink("/etc/hostname", watched.root.join("way out.txt"))?;
    watched.write("cut.pdf", "%PDF-1.7\n1 0 obj\n<< /Type /Cat")?;
    let folder = watched.in_step()?;
    let problems: Vec<&str> = folder.problems.iter().map(|problem| problem.path.as_str()).collect();
    assert!(problems.contains(&"cut.pdf") && problems.contains(&"way out.txt"), "{problems:?}");
    assert!(folder.problems.iter().any(|problem| problem.path == "cut.pdf" && problem.job.is_some()));
    assert_eq!(folder.answering, 1 + u32::from(!problems.contains(&"song.mp3")));
    // A version that cannot be read leaves the one before in place, and the file is on the list.
    watched.write("good.txt", "")?;
    let folder = watched.in_step()?;
    assert!(folder.problems.iter().any(|problem| problem.path == "good.txt"), "{:?}", folder.problems);
    assert!(watched.found("gate opens")?.contains("seven"));
    Ok(())
}

#[test]
fn what_a_person_took_out_stays_out_and_stopping_keeps_or_removes() -> Result<()> {
    let watched = Watched::new(&[("a.txt", "The boiler is serviced in May."), ("b.txt", "The gate opens at seven.")])?;
    let id = watched.document("a.txt")?;
    watched.house.call("RemoveDocuments", json!({ "documents": [id] }))?;
    watched.write("a.txt", "The boiler is serviced in June.")?;
    watched.in_step()?;
    let watched = watched.restart()?;
    watched.in_step()?;
    assert_eq!(watched.names()?, ["b.txt"]);

    watched.house.call("PauseWatched", json!({ "folder": watched.id, "paused": true }))?;
    watched.write("b.txt", "The gate opens at nine.")?;
    assert_eq!(watched.in_step()?.state, WatchState::Paused);
    assert!(watched.found("gate opens")?.contains("seven"));
    watched.house.call("PauseWatched", json!({ "folder": watched.id, "paused": false }))?;
    watched.in_step()?;
    assert!(watched.found("gate opens")?.contains("nine"));

    watched.house.call("StopWatching", json!({ "folder": watched.id, "remove": false }))?;
    assert_eq!(watched.names()?, ["b.txt"]);
    let again = watched.house.kernel.watch_path(&watched.root, watched.house.space()?, None)?;
    let watched = Watched { id: again.id, ..watched };
    watched.in_step()?;
    assert_eq!(watched.names()?, ["a.txt", "b.txt"], "chosen anew, it is read anew; what is known is not read again");
    watched.house.call("StopWatching", json!({ "folder": watched.id, "remove": true }))?;
    assert_eq!(watched.names()?, [] as [String; 0]);
    assert!(!watched.found("gate opens boiler")?.contains("nine"));
    Ok(())
}

#[test]
fn folders_that_cannot_be_watched_are_refused() -> Result<()> {
    let watched = Watched::new(&[("in/a.txt", "a text")])?;
    let (house, space) = (&watched.house, watched.house.space()?);
    for path in [watched.root.clone(), watched.root.join("in"), house.data(), watched.root.join("in/a.txt"), "/".into()]
    {
        assert!(house.kernel.watch_path(&path, space, None).is_err(), "{}", path.display());
    }
    assert!(house.try_call("WatchOffer", json!({ "offer": 77, "space": space, "label": null })).is_err());
    Ok(())
}

#[test]
fn an_old_answer_says_what_became_of_its_sources() -> Result<()> {
    let mut watched = Watched::new(&[
        ("lease.md", "# Lease\n\nThe rent is 900 a month.\n\nPets are not allowed."),
        ("gate.txt", "The gate opens at seven."),
    ])?;
    watched.house.ask("How high is the rent a month?")?;
    let conversation = watched.house.conversation()?;
    let gate = watched.house.ask_in(Some(conversation), "When does the gate open?", &[])?;
    let shown = |watched: &Watched| watched.house.call("GetConversation", json!({ "conversation": conversation }));
    assert_eq!(shown(&watched)?["turns"][0]["outdated"], json!([]));
    assert!(gate.sources.iter().all(|source| source.current && !source.gone && source.imported_ms.is_some()));

    watched.write("lease.md", "# Lease\n\nThe rent is 950 a month.\n\nPets are not allowed.\n\nKeys: two.")?;
    fs::remove_file(watched.root.join("gate.txt"))?;
    watched.in_step()?;
    let now = shown(&watched)?;
    let source = |turn: usize| now["turns"][turn]["sources"][0].clone();
    assert_eq!((source(0)["current"].clone(), source(0)["gone"].clone()), (json!(false), json!(false)), "{now:#}");
    assert_eq!((source(1)["current"].clone(), source(1)["gone"].clone()), (json!(false), json!(true)), "{now:#}");
    assert_eq!(now["turns"][1]["outdated"], json!([source(1)["document"]]));

    let current = watched.house.call("OpenVersion", json!({ "document": source(0)["document"], "version": null }))?;
    assert_eq!(current["older"], source(0)["version"]);
    let changes =
        watched.house.call("CompareVersions", json!({ "from": source(0)["version"], "to": current["version"] }))?;
    assert_eq!(changes["changes_total"], 2, "{changes:#}");
    let first = &changes["changes"][0];
    assert_eq!(
        (&first["before"]["text"], &first["after"]["text"]),
        (&json!("The rent is 900 a month."), &json!("The rent is 950 a month."))
    );
    assert_eq!(first["after"]["marks"], json!([[12, 15]]));
    assert_eq!(changes["changes"][1]["before"], json!(null));
    let at = serde_json::from_value(first["after"]["at"].clone())?;
    assert_eq!(hearth_tests::cited(&watched.house, at)?, "The rent is 950 a month.");
    assert!(watched.house.try_call("CompareVersions", json!({ "from": 7777, "to": 7778 })).is_err());
    Ok(())
}
