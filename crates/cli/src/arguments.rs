//! What may be said on the command line.

mod law;

use clap::{Args, Parser, Subcommand, ValueEnum};
pub(crate) use law::{LabelName, ModeName, Policy};
use std::path::PathBuf;

/// Ask your documents, on your own machine.
///
/// The passphrase of the vault comes from HEARTH_PASSPHRASE, from this machine's keyring, or from a prompt. A vault is
/// made by the first command that puts something into it (such as import) when there is a passphrase or a keyring;
/// commands that only read make none. Exit codes: 0 done, 1 something failed, 2 wrong usage, 3 locked or wrong
/// passphrase, 4 nothing found.
#[derive(Debug, Parser)]
#[command(name = "hearth", version, propagate_version = true)]
pub(crate) struct Arguments {
    /// Keep everything in this folder instead of the usual place.
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// On a shared machine: the profile of this person, a vault of its own.
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Keep models in this folder instead of the data folder.
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) models_dir: Option<PathBuf>,
    /// Print results as JSON, or write them to a file (`--json=FILE`).
    #[arg(long, global = true, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "-")]
    pub(crate) json: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Read files and folders into the library.
    Import(Import),
    /// Folders that a space stays in step with.
    #[command(subcommand)]
    Watch(Watch),
    /// Ask a question; quotes first, then an answer with marks that lead to the sources.
    Ask(Ask),
    /// Find passages.
    Search(Search),
    /// Answers that wait for a person.
    #[command(subcommand)]
    Review(crate::review::Review),
    /// Show what is read from one file: pages, text and boxes. Nothing is stored.
    Extract(Extract),
    /// The models on this machine and those that can be fetched.
    #[command(subcommand)]
    Models(Models),
    /// What may happen here: the mode, the rules, grants.
    #[command(subcommand)]
    Policy(Policy),
    /// Models that run elsewhere: who may be asked, what it may cost. Keys are read from standard input or a prompt.
    #[command(subcommand)]
    Providers(crate::providers::Providers),
    /// The record of what was done.
    #[command(subcommand)]
    Audit(Audit),
    /// Run a question again with the same model, passages, settings and seed, and compare token by token.
    Replay {
        /// The turn's number, as `audit export` and the Activity screen show it.
        turn: i64,
    },
    /// Where an answer came from, or every answer that used a document.
    Lineage(Lineage),
    /// Figures of a time from the kept record: latencies, tokens, checked sentences, refusals.
    Metrics(Period),
    /// A compliance report of a time, made from the record alone.
    Report {
        #[command(flatten)]
        period: Period,
        /// The file to make: its ending says the form, `.html` or `.pdf`.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// What works on this machine and what does not.
    Doctor {
        /// Rebuild a damaged vault from what can be read.
        #[arg(long, conflicts_with_all = ["prove_offline", "check_proof"])]
        repair: bool,
        /// Run import, questions, tools and the window where no route leads anywhere, count every attempt to reach out, and
        /// write a signed report.
        #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "hearth-offline-proof.json")]
        prove_offline: Option<PathBuf>,
        /// Check the signature of such a report.
        #[arg(long, value_name = "FILE", conflicts_with = "prove_offline")]
        check_proof: Option<PathBuf>,
    },
    /// Measure this machine.
    #[command(subcommand)]
    Bench(Bench),
    /// Measure reading, finding and checking on sets of questions, claims and files with known answers.
    Eval(Eval),
    /// Serve the interface on this machine's loopback.
    Serve(Serve),
}

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// Files and folders.
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// The space, by name or id; the first one without.
    #[arg(long)]
    pub(crate) space: Option<String>,
    /// How guarded the documents are.
    #[arg(long, value_enum)]
    pub(crate) label: Option<LabelName>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Watch {
    /// Watch a folder, and wait until its files are read.
    Add {
        /// The folder.
        path: PathBuf,
        /// The space, by name or id; the first one without.
        #[arg(long)]
        space: Option<String>,
        /// How guarded its documents are.
        #[arg(long, value_enum)]
        label: Option<LabelName>,
    },
    /// List watched folders.
    List,
    /// Look all of them over now, and wait until the library is in step.
    Check,
    /// Set one aside.
    Pause {
        /// Its id, path or name.
        folder: String,
    },
    /// Take one up again.
    Resume {
        /// Its id, path or name.
        folder: String,
    },
    /// Watch one no longer.
    Stop {
        /// Its id, path or name.
        folder: String,
        /// Remove its documents from the library.
        #[arg(long)]
        remove: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Ask {
    /// The question; several words need no quotes.
    #[arg(required = true, value_name = "QUESTION")]
    pub(crate) question: Vec<String>,
    /// The space, by name or id; the first one without.
    #[arg(long)]
    pub(crate) space: Option<String>,
    /// Go on with a conversation: its id, or `last`.
    #[arg(long, value_name = "ID")]
    pub(crate) conversation: Option<String>,
    /// Answer without documents; every sentence is marked as unchecked.
    #[arg(long)]
    pub(crate) general: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Search {
    /// What to look for.
    #[arg(required = true, value_name = "TEXT")]
    pub(crate) text: Vec<String>,
    /// The space, by name or id; the first one without.
    #[arg(long)]
    pub(crate) space: Option<String>,
    /// At most so many passages.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=200))]
    pub(crate) limit: u32,
}

#[derive(Debug, Args)]
pub(crate) struct Extract {
    /// The file.
    pub(crate) path: PathBuf,
    /// Ask for the password of an encrypted file (or take it from HEARTH_FILE_PASSWORD).
    #[arg(long)]
    pub(crate) password: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Models {
    /// List installed models and the catalogue, with their fit to this machine.
    List,
    /// Fetch the default models: one that answers, one that searches.
    FetchDefaults,
    /// Fetch a model of the catalogue, or go on with a download.
    Get {
        /// The model's id, as `list` shows it.
        id: String,
    },
    /// List the models that Ollama and LM Studio keep on this machine.
    Found,
    /// Add a model from a file or folder, or use one that another program keeps.
    Add {
        /// A GGUF file, a folder with a model's files, or an id that `found` shows, which is used where it lies.
        #[arg(value_name = "PATH or ID")]
        what: PathBuf,
        /// Use the file where it lies, without copying it.
        #[arg(long)]
        here: bool,
    },
    /// Pack installed models into one signed file, for a machine that is never online.
    Pack {
        /// The models' ids, as `list` shows them.
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
        /// The file to make.
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
    },
    /// Add the models of a packed file.
    Unpack {
        /// The file.
        file: PathBuf,
        /// Take it although another house packed it: the fingerprint that `pack` showed there.
        #[arg(long, value_name = "FINGERPRINT")]
        trust: Option<String>,
    },
    /// Ask two installed models the same questions and show the answers side by side.
    Compare(Compare),
    /// Remove an installed model's files.
    Remove {
        /// The model's id.
        id: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Compare {
    /// One model's id, as `list` shows it.
    pub(crate) first: String,
    /// The other model's id.
    pub(crate) second: String,
    /// A question.
    #[arg(required_unless_present = "questions")]
    pub(crate) question: Vec<String>,
    /// A file with one question on each line.
    #[arg(long, value_name = "FILE", conflicts_with = "question")]
    pub(crate) questions: Option<PathBuf>,
    /// The space to ask, by name; the first one without.
    #[arg(long, value_name = "NAME")]
    pub(crate) space: Option<String>,
    /// Hide the models' names until a choice is made.
    #[arg(long)]
    pub(crate) blind: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Check the whole chain; exit code 1 when it is broken.
    Verify {
        /// Also compare it with a signed end that was kept elsewhere: what was taken off behind it is found.
        #[arg(long, value_name = "FILE")]
        anchor: Option<PathBuf>,
    },
    /// Write the signed end of the record, to be kept elsewhere.
    Anchor {
        /// The file to make; stdout without.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Show or name the collector on this machine that is told how questions were worked on (OpenTelemetry over HTTP, JSON).
    Collector {
        /// Where it listens, such as http://127.0.0.1:4318; "off" for nobody.
        address: Option<String>,
    },
    /// Write entries of the record, without questions and answers unless that is asked for.
    Export {
        /// The form.
        #[arg(long, value_enum, default_value = "jsonl")]
        format: FormatName,
        /// The file to make; stdout without.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Only entries with this text in their sentence, kind or subject.
        #[arg(long)]
        text: Option<String>,
        #[command(flatten)]
        period: Period,
        /// With the words of questions and answers.
        #[arg(long)]
        content: bool,
    },
}

/// A time by its days, in UTC.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Period {
    /// The first day, as 2026-11-22.
    #[arg(long, value_name = "DAY", value_parser = day)]
    pub(crate) from: Option<i64>,
    /// The last day.
    #[arg(long, value_name = "DAY", value_parser = day)]
    pub(crate) to: Option<i64>,
}

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

impl Period {
    /// The moment after its last day.
    pub(crate) fn until_ms(self) -> Option<i64> {
        self.to.map(|to| to + DAY_MS)
    }
}

/// The beginning of a day in milliseconds since 1970 (Howard Hinnant, "chrono-compatible low-level date algorithms").
fn day(text: &str) -> Result<i64, String> {
    let wrong = || format!("{text} is no day; write it as 2026-11-22");
    let parts: Vec<i64> = text.split('-').map(str::parse).collect::<Result<_, _>>().map_err(|_| wrong())?;
    let [year, month, day] = parts[..] else { return Err(wrong()) };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let long = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=long).contains(&day) {
        return Err(wrong());
    }
    let shifted = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (shifted / 400, shifted % 400);
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    Ok(days * DAY_MS)
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum FormatName {
    /// One entry as JSON on each line.
    Jsonl,
    /// One entry on each row.
    Csv,
    /// Turns as spans for an OpenTelemetry collector (OTLP as JSON).
    Otlp,
}

impl From<FormatName> for hearth_api::ExportFormat {
    fn from(name: FormatName) -> Self {
        match name {
            FormatName::Jsonl => Self::Jsonl,
            FormatName::Csv => Self::Csv,
            FormatName::Otlp => Self::Otlp,
        }
    }
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Lineage {
    /// The turn's number.
    pub(crate) turn: Option<i64>,
    /// A document's number instead.
    #[arg(long, value_name = "ID")]
    pub(crate) document: Option<i64>,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The interface, as in the window.
    #[arg(long, required = true)]
    pub(crate) ui: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    /// Importing and asking, with real documents and questions in a throwaway vault.
    Documents(Documents),
    /// Reading and writing tokens, loading, memory and follow-ups, each in a fresh engine process.
    Engine(EngineBench),
}

#[derive(Debug, Args)]
pub(crate) struct Eval {
    /// The folder of the sets: one folder for each, named by its kind (ret_, mem_, e2e_, gnd_, doc_, ocr, hostile).
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// Only this set, or those whose names begin so; may be given more than once.
    #[arg(long, value_name = "NAME")]
    pub(crate) set: Vec<String>,
    /// Keep vectors in this folder for the next time.
    #[arg(long, value_name = "DIR")]
    pub(crate) cache: Option<PathBuf>,
    /// Print the figures as JSON, or write them to a file beside the table.
    #[arg(id = "json", long = "json", value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    pub(crate) figures: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Documents {
    /// A folder of real documents.
    #[arg(long, value_name = "DIR")]
    pub(crate) documents: PathBuf,
    /// A text file with one question a line.
    #[arg(long, value_name = "FILE")]
    pub(crate) questions: PathBuf,
    /// Also measure the first quote among so many made-up passages; may be given more than once, growing.
    #[arg(long, value_name = "N")]
    pub(crate) fill: Vec<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct EngineBench {
    /// A GGUF file; may be given more than once.
    #[arg(long, required = true, value_name = "FILE")]
    pub(crate) model: Vec<PathBuf>,
    /// Compute threads; all cores without.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=256))]
    pub(crate) threads: Option<u32>,
    /// Measurements of each figure, of which the median is shown.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) rounds: u32,
    /// Tokens of a prompt; may be given more than once.
    #[arg(long, value_name = "N", default_values_t = [512, 2048], value_parser = clap::value_parser!(u32).range(8..))]
    pub(crate) prompt: Vec<u32>,
    /// Tokens to write behind each prompt.
    #[arg(long, value_name = "N", default_value_t = 128, value_parser = clap::value_parser!(u32).range(2..))]
    pub(crate) generate: u32,
    /// Also measure the first token of an answer, and of the next one, after so many tokens; 0 measures neither.
    #[arg(long, value_name = "N", default_value_t = 4000)]
    pub(crate) follow_up: u32,
    /// Another program to measure in turns with the engine, and its arguments: it speaks the lines that
    /// crates/inference/src/measure.rs describes.
    #[arg(long, num_args = 1.., value_name = "COMMAND")]
    pub(crate) peer: Vec<std::ffi::OsString>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn folder_and_json_stand_anywhere() {
        for words in [
            &["hearth", "--data-dir", "d", "--json", "ask", "what", "is", "it"][..],
            &["hearth", "ask", "what", "is", "it", "--json", "--data-dir", "d"],
        ] {
            let arguments = Arguments::try_parse_from(words).unwrap();
            assert!(arguments.json == Some("-".into()) && arguments.data_dir == Some("d".into()));
            assert!(matches!(arguments.verb, Verb::Ask(Ask { question, .. }) if question == ["what", "is", "it"]));
        }
    }

    #[test]
    fn a_peer_is_a_command_with_its_arguments() {
        let words =
            ["hearth", "bench", "engine", "--model", "a.gguf", "--prompt", "64", "--peer", "python", "p.py", "--json"];
        let arguments = Arguments::try_parse_from(words).unwrap();
        let Verb::Bench(Bench::Engine(what)) = arguments.verb else { panic!("not the engine's bench") };
        assert_eq!((what.prompt, what.rounds, what.peer), (vec![64], 3, vec!["python".into(), "p.py".into()]));
        assert!(arguments.json.is_some());
        assert!(Arguments::try_parse_from(["hearth", "bench", "engine"]).is_err());
    }

    #[test]
    fn figures_go_to_a_file_that_is_named() {
        for (words, file) in [
            (
                &["hearth", "eval", "--data", "d", "--set", "ret", "--set", "ocr", "--json", "f.json"][..],
                Some("f.json"),
            ),
            (&["hearth", "eval", "--json=f.json", "--data", "d", "--set", "ret", "--set", "ocr"], Some("f.json")),
            (&["hearth", "eval", "--data", "d", "--set", "ret", "--set", "ocr", "--json"], Some("-")),
            (&["hearth", "eval", "--data", "d", "--set", "ret", "--set", "ocr"], None),
        ] {
            let arguments = Arguments::try_parse_from(words).unwrap();
            let Verb::Eval(what) = arguments.verb else { panic!("not an evaluation") };
            assert_eq!((what.figures, what.set), (file.map(PathBuf::from), vec!["ret".into(), "ocr".into()]));
            assert_eq!(arguments.json, file.map(PathBuf::from));
        }
    }

    #[test]
    fn days_are_civil_and_the_last_one_counts() {
        assert_eq!(day("1970-01-01"), Ok(0));
        assert_eq!(day("2000-02-29"), Ok(951_782_400_000));
        assert_eq!(day("2026-11-22"), Ok(1_795_305_600_000));
        for wrong in ["", "2026", "2026-13-01", "2025-02-29", "2026-1-0", "yesterday", "2026-11-22-1"] {
            assert!(day(wrong).is_err(), "{wrong}");
        }
        let words = ["hearth", "report", "--from", "2026-11-01", "--to", "2026-11-22", "--out", "r.html"];
        let Verb::Report { period, .. } = Arguments::try_parse_from(words).unwrap().verb else { panic!("no report") };
        assert_eq!(period.until_ms(), Some(1_795_305_600_000 + DAY_MS));
    }

    #[test]
    fn wrong_usage_ends_with_two() {
        for words in [
            &["hearth"][..],
            &["hearth", "ask"],
            &["hearth", "import"],
            &["hearth", "serve"],
            &["hearth", "search", "x", "--limit", "0"],
            &["hearth", "fly"],
            &["hearth", "lineage"],
            &["hearth", "lineage", "3", "--document", "4"],
            &["hearth", "report", "--from", "2026-11-01"],
        ] {
            assert_eq!(Arguments::try_parse_from(words).unwrap_err().exit_code(), 2, "{words:?}");
        }
    }
}
