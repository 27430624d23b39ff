//! The real command, as a shell would start it: what it says where, and how it ends. No models are needed here.
#![allow(clippy::disallowed_methods)] // a command is tested by starting it

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn hearth(data: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hearth"));
    command.arg("--data-dir").arg(data).args(words).stdin(Stdio::null());
    command.env_remove("HEARTH_PASSPHRASE").env("DBUS_SESSION_BUS_ADDRESS", "disabled:");
    command
}

fn run(data: &Path, words: &[&str]) -> Output {
    hearth(data, words).env("HEARTH_PASSPHRASE", "correct horse").output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn complained(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn wrong_usage_ends_with_two_and_help_with_zero() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(run(folder.path(), &["fly"]).status.code(), Some(2));
    assert_eq!(run(folder.path(), &["ask"]).status.code(), Some(2));
    let help = run(folder.path(), &["--help"]);
    assert_eq!(help.status.code(), Some(0));
    for verb in ["import", "ask", "search", "extract", "models", "audit", "doctor", "bench", "serve"] {
        assert!(said(&help).contains(verb), "{verb} is not in the help");
    }
}

#[test]
fn a_file_is_extracted_and_nothing_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let file = folder.path().join("Größe und Maß.txt");
    std::fs::write(&file, "One line.\n\nAnother line about wheels.\n").unwrap();
    let plain = run(&data, &["extract", file.to_str().unwrap()]);
    assert_eq!(plain.status.code(), Some(0), "{}", complained(&plain));
    assert!(said(&plain).contains("Another line about wheels."));
    let json = run(&data, &["extract", file.to_str().unwrap(), "--json"]);
    let document: Value = serde_json::from_str(&said(&json)).unwrap();
    assert!(document["document"]["pages"][0]["text"].as_str().unwrap().contains("wheels"));
    assert!(!data.exists(), "extracting made a data folder");
}

#[test]
fn what_cannot_be_read_is_said_and_ends_with_one() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let file = folder.path().join("cut.pdf");
    std::fs::write(&file, b"%PDF-1.7\n1 0 obj\n<<").unwrap();
    for (path, name) in [(file, "a cut file"), (folder.path().join("missing.pdf"), "a missing file")] {
        let done = run(&data, &["extract", path.to_str().unwrap()]);
        assert_eq!(done.status.code(), Some(1), "{name}: {}", said(&done));
        assert!(complained(&done).starts_with("hearth: ") && said(&done).is_empty(), "{name}: {}", complained(&done));
    }
    let missing = folder.path().join("missing.pdf");
    let done = run(&data, &["--json", "extract", missing.to_str().unwrap()]);
    let error: Value = serde_json::from_str(&complained(&done)).unwrap();
    assert!(error["error"]["code"].is_string() && error["error"]["message"].is_string());
}

#[test]
fn a_vault_is_made_once_and_opens_only_with_its_passphrase() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let file = folder.path().join("wheel.txt");
    std::fs::write(&file, "The wheel turns.\n").unwrap();
    let none = hearth(&data, &["import", file.to_str().unwrap()]).output().unwrap();
    assert_eq!(none.status.code(), Some(3), "without passphrase, keyring or terminal: {}", complained(&none));
    let made = run(&data, &["import", file.to_str().unwrap()]);
    assert_eq!(made.status.code(), Some(0), "{}", complained(&made));
    assert!(complained(&made).contains("Made a new vault."));
    let again = run(&data, &["--json", "audit", "verify"]);
    let check: Value = serde_json::from_str(&said(&again)).unwrap();
    assert!(check["broken"].is_null(), "{check:#}");
    assert!(check["entries"].as_u64().is_some_and(|entries| entries > 0), "{check:#}");
    let wrong = hearth(&data, &["audit", "verify"]).env("HEARTH_PASSPHRASE", "wrong horse").output().unwrap();
    assert_eq!(wrong.status.code(), Some(3), "{}", complained(&wrong));
    assert_eq!(run(&data, &["audit", "verify"]).status.code(), Some(0), "a wrong passphrase harmed the vault");
}

#[test]
fn without_models_words_are_found_and_a_bad_path_holds_back_itself_alone() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let file = folder.path().join("wheel.txt");
    std::fs::write(&file, "The tenant greases the wheel of the mill.\n").unwrap();
    let gone = folder.path().join("gone.pdf");
    let done = run(&data, &["import", file.to_str().unwrap(), gone.to_str().unwrap()]);
    assert_eq!(done.status.code(), Some(1), "one path was bad: {}", complained(&done));
    assert!(complained(&done).contains("gone.pdf"), "{}", complained(&done));
    assert!(said(&done).starts_with("indexed\twheel.txt\t"), "{}", said(&done));
    assert!(said(&done).contains("by its words alone"), "{}", said(&done));
    let found = run(&data, &["search", "wheel"]);
    assert_eq!(found.status.code(), Some(0), "{}", complained(&found));
    assert!(said(&found).contains("greases the wheel"), "{}", said(&found));
    // What is not in the documents is said once.
    let asked = run(&data, &["ask", "Which submarine cables reach Lisbon?"]);
    assert_eq!(asked.status.code(), Some(4), "{}", complained(&asked));
    let lines: Vec<_> = said(&asked).lines().map(str::to_owned).filter(|line| !line.is_empty()).collect();
    assert_eq!(lines.len(), 1, "{}", said(&asked));
}

#[test]
fn commands_that_read_make_no_vault() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("mistyped");
    for words in [&["search", "wheel"][..], &["ask", "What?"], &["audit", "verify"], &["watch", "list"]] {
        let done = run(&data, words);
        assert_eq!(done.status.code(), Some(1), "{words:?}: {}", complained(&done));
        assert!(complained(&done).contains("There is no vault in") && !data.exists(), "{}", complained(&done));
    }
}

#[test]
#[cfg(unix)]
fn a_vault_beyond_repair_is_said_so_with_what_to_do_and_the_doctor_looks_into_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let file = folder.path().join("wheel.txt");
    std::fs::write(&file, "The wheel turns.\n").unwrap();
    assert_eq!(run(&data, &["import", file.to_str().unwrap()]).status.code(), Some(0));
    let vault = |output: &Output| {
        said(output).lines().find(|line| line.contains("  vault: ")).map(str::to_owned).unwrap_or_default()
    };
    assert!(vault(&run(&data, &["doctor"])).starts_with("yes  vault: whole"), "{}", said(&run(&data, &["doctor"])));
    let locked = hearth(&data, &["doctor"]).output().unwrap();
    assert!(vault(&locked).contains("not looked into, because it is locked"), "{}", vault(&locked));
    let mut bytes = std::fs::read(data.join("hearth.db")).unwrap();
    bytes.iter_mut().take(4096).for_each(|byte| *byte ^= 0x5a);
    std::fs::write(data.join("hearth.db"), &bytes).unwrap();
    let examined = run(&data, &["doctor"]);
    assert!(vault(&examined).starts_with("no   vault: The vault is damaged: "), "{}", vault(&examined));
    let repair = run(&data, &["doctor", "--repair"]);
    assert_eq!(repair.status.code(), Some(1));
    let told = complained(&repair);
    assert!(
        told.contains("It cannot be rebuilt.") && told.contains("backup") && told.contains("begin a new vault"),
        "{told}"
    );
    assert!(!told.contains("Repair the vault"), "{told}");
    assert_eq!(std::fs::read(data.join("hearth.db")).unwrap(), bytes, "nothing was changed");
}

#[test]
fn searching_an_empty_library_finds_nothing_and_ends_with_four() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &["import", folder.path().join("nowhere").to_str().unwrap()]);
    let done = run(folder.path(), &["search", "wheel"]);
    assert_eq!(done.status.code(), Some(4), "{}", complained(&done));
    let wrong = run(folder.path(), &["search", "wheel", "--space", "no such space"]);
    assert_eq!(wrong.status.code(), Some(1));
    let nothing = run(folder.path(), &["import", folder.path().join("nowhere").to_str().unwrap()]);
    assert_eq!(nothing.status.code(), Some(1), "{}", said(&nothing));
}

#[test]
fn a_reader_that_has_had_enough_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("long.txt");
    std::fs::write(&file, "A line of many.\n".repeat(200_000)).unwrap();
    let mut child = hearth(folder.path(), &["extract", file.to_str().unwrap()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let done = child.wait_with_output().unwrap();
    assert!(!complained(&done).contains("panicked"), "{}", complained(&done));
}

#[test]
fn a_folder_in_use_is_said_so() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = hearth(folder.path(), &["serve", "--ui"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(first.stdout.as_mut().unwrap()), &mut line).unwrap();
    assert!(line.starts_with("http://127.0.0.1:") && line.contains("/#token="), "{line}");
    let second = run(folder.path(), &["doctor"]);
    assert_eq!(second.status.code(), Some(1));
    assert!(complained(&second).contains("hearth: "), "{}", complained(&second));
    first.kill().unwrap();
    first.wait().unwrap();
}

#[test]
fn models_are_carried_in_a_signed_file_without_a_vault() {
    let folder = tempfile::tempdir().unwrap();
    let (here, there) = (folder.path().join("here"), folder.path().join("there"));
    let file = folder.path().join("small.gguf");
    std::fs::write(&file, [b"GGUF".as_slice(), &[7; 900]].concat()).unwrap();
    let bundle = folder.path().join("small.tar");
    let (file, bundle) = (file.to_str().unwrap(), bundle.to_str().unwrap());
    assert!(run(&here, &["models", "add", file]).status.success());
    let locked = |data: &Path, words: &[&str]| hearth(data, words).output().unwrap();
    let packed = locked(&here, &["models", "pack", "small", "--to", bundle, "--json"]);
    assert!(packed.status.success(), "{}", complained(&packed));
    let packed: Value = serde_json::from_slice(&packed.stdout).unwrap();
    let refused = locked(&there, &["models", "unpack", bundle]);
    assert_eq!(refused.status.code(), Some(1));
    let told = complained(&refused);
    let fingerprint = packed["fingerprint"].as_str().unwrap();
    assert!(told.contains(&format!("--trust {fingerprint}")), "{told}");
    assert!(!there.join("models/small").exists());
    let taken = locked(&there, &["models", "unpack", bundle, "--trust", fingerprint]);
    assert!(said(&taken).contains("Added small"), "{}", complained(&taken));
    assert!(there.join("models/small/small.gguf").is_file());
    assert!(!there.join("vault").exists());
    let missing = locked(&there, &["models", "pack", "none", "--to", bundle]);
    assert!(complained(&missing).contains("not installed"));
}

#[test]
fn a_model_of_another_program_is_used_where_it_lies() {
    let folder = tempfile::tempdir().unwrap();
    let (data, home) = (folder.path().join("data"), folder.path().join("home"));
    let shelf = home.join(".lmstudio/models/maker/small");
    std::fs::create_dir_all(&shelf).unwrap();
    let file = shelf.join("Small-Q8_0.gguf");
    std::fs::write(&file, [b"GGUF".as_slice(), &[7; 900]].concat()).unwrap();
    let hearth = |words: &[&str]| {
        let mut command = hearth(&data, words);
        command.env("HEARTH_PASSPHRASE", "correct horse").env("HOME", &home).env("USERPROFILE", &home);
        command.env_remove("OLLAMA_MODELS").output().unwrap()
    };
    let found = hearth(&["models", "found"]);
    assert!(said(&found).contains("small-q8_0") && said(&found).contains("LM Studio"), "{}", complained(&found));
    let unknown = hearth(&["models", "add", "nothing-of-this-name"]);
    assert!(complained(&unknown).contains("hearth models found"), "{}", complained(&unknown));
    let added = hearth(&["models", "add", "small-q8_0"]);
    assert!(added.status.success(), "{}", complained(&added));
    assert!(!data.join("models/small-q8_0/small-q8_0.gguf").exists(), "nothing is copied");
    let whole = said(&hearth(&["models", "list"]));
    assert!(whole.contains("small-q8_0") && !whole.contains("damaged"), "{whole}");
    std::fs::write(&file, "other").unwrap();
    let changed = said(&hearth(&["models", "list"]));
    assert!(changed.contains("gone or other bytes now") && changed.contains("hearth models found"), "{changed}");
    assert!(hearth(&["models", "remove", "small-q8_0"]).status.success());
    assert!(file.is_file(), "another program's file stays");
    let here = folder.path().join("loose.gguf");
    std::fs::write(&here, [b"GGUF".as_slice(), &[7; 900]].concat()).unwrap();
    let added = hearth(&["models", "add", here.to_str().unwrap(), "--here"]);
    assert!(added.status.success(), "{}", complained(&added));
    assert!(!data.join("models/loose/loose.gguf").exists());
}
