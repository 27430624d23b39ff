//! The system's `tesseract`: whether it is there and what it reads, and one page at a time through it, behind walls.

use super::languages;
use hearth_documents::{Scan, Seen};
use hearth_sandbox::{Finished, Limits, RunError, Spawn, Walls, find_program, run_to_end};
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Private memory of one recognition.
const MEMORY_BYTES: u64 = 1536 << 20;
/// The longest that one page may take.
const PAGE: Duration = Duration::from_secs(180);
/// The longest that a look at what is installed may take.
const LOOK: Duration = Duration::from_secs(20);
/// Where a system keeps libraries, whose loader is run to start any program.
const LIBRARIES: [&str; 7] =
    ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/opt/homebrew", "/nix/store"];
/// What it reads: where libraries lie, its language data, how many cores there are.
const FILES: [&str; 6] = [
    "/etc/ld.so.cache",
    "/usr/share/tesseract-ocr",
    "/usr/share/tessdata",
    "/usr/local/share/tessdata",
    "/usr/local/share/tesseract-ocr",
    "/sys/devices/system/cpu",
];
/// Where it is installed outside of the search path.
const ELSEWHERE: [&str; 2] = ["/opt/homebrew/bin/tesseract", "C:\\Program Files\\Tesseract-OCR\\tesseract.exe"];

/// A `tesseract` that is installed and has languages.
#[derive(Debug, Clone)]
pub(crate) struct Recognizer {
    program: PathBuf,
    /// Its version, as it says.
    pub(crate) version: String,
    /// Languages that it reads.
    pub(crate) languages: Vec<String>,
    /// Whether it can tell scripts and which way a page lies.
    orients: bool,
}

impl Recognizer {
    /// Looks for it anew each time: it may be installed while Hearth runs. The error is a clause.
    pub(crate) fn find(named: &Path) -> Result<Self, String> {
        let elsewhere = || ELSEWHERE.iter().map(PathBuf::from).find(|path| path.is_file());
        let program = match named.components().count() {
            1 => find_program(named).or_else(elsewhere),
            _ => Some(named.to_owned()).filter(|path| path.is_file()),
        };
        let program = program.ok_or("text recognition (tesseract) is not installed")?;
        let said = |argument: &str| {
            let finished = run(&program, &[argument], b"", LOOK, &|| false);
            let finished = finished.map_err(|error| format!("text recognition (tesseract) does not start: {error}"))?;
            if !finished.ended.success() {
                let why = String::from_utf8_lossy(&finished.stderr).lines().next().unwrap_or_default().to_owned();
                return Err(format!("text recognition (tesseract) does not run: {} {why}", finished.ended));
            }
            Ok(String::from_utf8_lossy(&finished.stdout).into_owned())
        };
        // The first line says where they lie.
        let names = said("--list-langs")?;
        let names = names.lines().map(str::trim).filter(|line| !line.is_empty() && !line.contains(' '));
        let all: Vec<String> = names.map(str::to_owned).collect();
        let languages = languages::of_installed(&all);
        if languages.is_empty() {
            return Err("text recognition (tesseract) has no language installed".into());
        }
        let version = said("--version")?.lines().next().unwrap_or_default().trim_start_matches("tesseract ").to_owned();
        Ok(Self { program, version, languages, orients: all.iter().any(|name| name == "osd") })
    }

    /// The languages that a document is read in, by its first page, as tesseract takes them.
    pub(crate) fn choose(&self, scan: &Scan, document: Option<&str>) -> String {
        let several = self.orients && languages::are_of_several_scripts(&self.languages);
        let detected = if several { self.script(scan) } else { None };
        let system = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(|name| std::env::var(name).ok());
        languages::choose(&self.languages, detected.as_deref(), document, system.as_deref()).join("+")
    }

    /// The script that a page is written in, where that can be told.
    fn script(&self, scan: &Scan) -> Option<String> {
        let words = ["-", "-", "--psm", "0", "--dpi", "300", "-l", "osd"];
        let finished = run(&self.program, &words, &grey_map(scan), PAGE, &|| false).ok()?;
        let said = String::from_utf8_lossy(&finished.stdout).into_owned();
        said.lines().find_map(|line| line.strip_prefix("Script:")).map(|script| script.trim().to_owned())
    }

    /// The words on a page; `None` where `ended` said so. The error is a clause.
    ///
    /// A page whose words are not sure is read again as one block of lines, which suits receipts and forms, and the reading
    /// with more letters that are sure is kept; one that is still unsure may lie on its side or head, which is looked for last because it takes as
    /// long as reading.
    pub(crate) fn page(
        &self,
        scan: &Scan,
        languages: &str,
        ended: &mut dyn FnMut() -> bool,
    ) -> Result<Option<Vec<Seen>>, String> {
        const BLOCKS: &str = "3";
        const ONE_BLOCK: &str = "6";
        const TURNED: &str = "1";
        // A further reading that fails costs nothing of the first.
        let again = |read: Result<Option<Vec<Seen>>, String>| read.unwrap_or_else(|_| Some(Vec::new()));
        let grey = grey_map(scan);
        let Some(mut best) = self.reading(&grey, languages, BLOCKS, ended)? else { return Ok(None) };
        if sureness(&best) < SURE_OF_A_PAGE {
            let Some(other) = again(self.reading(&grey, languages, ONE_BLOCK, ended)) else { return Ok(None) };
            if worth(&other) > worth(&best) {
                best = other;
            }
        }
        if self.orients && sureness(&best) < UNSURE_OF_A_PAGE {
            let Some(other) = again(self.reading(&grey, languages, TURNED, ended)) else { return Ok(None) };
            if sureness(&other) * letters(&other) as f32 > sureness(&best) * letters(&best) as f32 {
                best = other;
            }
        }
        Ok(Some(best))
    }

    /// One reading with one way of taking a page apart.
    fn reading(
        &self,
        grey: &[u8],
        languages: &str,
        layout: &str,
        ended: &mut dyn FnMut() -> bool,
    ) -> Result<Option<Vec<Seen>>, String> {
        // A page that may lie another way is turned on the slightest sign: the surer reading is kept.
        let words =
            ["-", "-", "--psm", layout, "--dpi", "300", "-l", languages, "-c", "min_orientation_margin=0", "tsv"];
        let ended = RefCell::new(ended);
        let cancelled = || ended.try_borrow_mut().is_ok_and(|mut ended| ended());
        match run(&self.program, &words, grey, PAGE, &cancelled) {
            Ok(finished) if finished.ended.success() => Ok(Some(table(&String::from_utf8_lossy(&finished.stdout)))),
            Ok(finished) => {
                let words = String::from_utf8_lossy(&finished.stderr).into_owned();
                tracing::warn!(ended = %finished.ended, %words, "text recognition");
                Err(format!("its process {}", finished.ended))
            }
            Err(RunError::Cancelled(_)) => Ok(None),
            Err(RunError::Timeout(_, limit)) => Err(format!("it took longer than {} s", limit.as_secs())),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// From this many percent on a reading is good enough.
const SURE_OF_A_PAGE: f32 = 90.0;
/// From this many percent on a word is sure.
const SURE_WORD: f32 = 80.0;
/// Below this many percent a page may lie another way.
const UNSURE_OF_A_PAGE: f32 = 65.0;

fn letters(seen: &[Seen]) -> usize {
    seen.iter().map(|word| word.text.chars().count()).sum()
}

/// Letters and figures of words that are sure. A reading that leaves a column out is surer of the rest, and worse.
fn sure_letters(seen: &[Seen]) -> usize {
    let sure = seen.iter().filter(|word| word.confidence >= SURE_WORD);
    sure.map(|word| word.text.chars().filter(|c| c.is_alphanumeric()).count()).sum()
}

/// What a reading is worth: its sure letters, and where there are as many, all letters by how sure they are.
fn worth(seen: &[Seen]) -> (usize, u64) {
    (sure_letters(seen), (sureness(seen) * letters(seen) as f32) as u64)
}

/// How sure a reading is of its letters, percent.
fn sureness(seen: &[Seen]) -> f32 {
    let sum: f32 = seen.iter().map(|word| word.confidence * word.text.chars().count() as f32).sum();
    sum / letters(seen).max(1) as f32
}

/// Runs it with nothing but its libraries and data in reach.
fn run(
    program: &Path,
    words: &[&str],
    input: &[u8],
    timeout: Duration,
    cancelled: &dyn Fn() -> bool,
) -> Result<Finished, RunError> {
    let limits = Limits {
        memory_bytes: MEMORY_BYTES,
        cpu_seconds: Some(timeout.as_secs() + 20),
        open_files: 64,
        file_size_bytes: 0,
    };
    let own = program.canonicalize().unwrap_or_else(|_| program.to_owned());
    let data = std::env::var_os("TESSDATA_PREFIX").map(PathBuf::from);
    let walls = Walls {
        read_only: FILES.iter().map(PathBuf::from).chain(data).collect(),
        run: LIBRARIES.iter().map(PathBuf::from).chain([own]).collect(),
    };
    let mut spawn = Spawn::new(program, "text recognition", limits).args(words.iter().copied()).behind(walls);
    spawn.keep_env.push("TESSDATA_PREFIX");
    // Threads of its own gain nothing on pages, and imports run two at a time.
    spawn.env.extend([("OMP_THREAD_LIMIT".into(), "1".into()), ("LC_ALL".into(), "C".into())]);
    run_to_end(spawn, input, timeout, cancelled)
}

/// A page in the plainest of formats (PGM): numbers and pixels, nothing to be decoded.
fn grey_map(scan: &Scan) -> Vec<u8> {
    let mut bytes = format!("P5\n{} {}\n255\n", scan.width_px, scan.height_px).into_bytes();
    bytes.extend_from_slice(&scan.grey);
    bytes
}

/// The words of tesseract's table: level, page, block, paragraph, line, word, left, top, width, height, confidence, text.
fn table(tsv: &str) -> Vec<Seen> {
    let mut seen = Vec::new();
    let mut place = ("", "", "");
    let mut line = 0;
    for row in tsv.lines() {
        let cells: Vec<&str> = row.splitn(12, '\t').collect();
        let ["5", _, block, paragraph, at, _, left, top, width, height, confidence, text] = cells.as_slice() else {
            continue;
        };
        if place != (*block, *paragraph, *at) {
            place = (*block, *paragraph, *at);
            line += 1;
        }
        let numbers = [left, top, width, height, confidence].map(|cell| cell.parse::<f32>());
        let [Ok(left), Ok(top), Ok(width), Ok(height), Ok(confidence)] = numbers else { continue };
        let text = text.trim().to_owned();
        if !text.is_empty() {
            seen.push(Seen { line, left, top, width, height, confidence, text });
        }
    }
    seen
}

/// The command that installs it here, as a sentence.
pub(crate) fn how_to_install() -> String {
    const COMMANDS: [(&str, &str); 6] = [
        ("apt-get", "sudo apt install tesseract-ocr"),
        ("dnf", "sudo dnf install tesseract"),
        ("pacman", "sudo pacman -S tesseract tesseract-data-eng"),
        ("zypper", "sudo zypper install tesseract-ocr"),
        ("brew", "brew install tesseract"),
        ("winget", "winget install UB-Mannheim.TesseractOCR"),
    ];
    let command = COMMANDS.iter().find(|(manager, _)| find_program(manager).is_some());
    let command = command.map_or("install tesseract-ocr by your system's own way", |(_, command)| command);
    format!("Install tesseract-ocr ({command}).")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_words_is_read_and_nonsense_passed_over() {
        let tsv = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n\
            1\t1\t0\t0\t0\t0\t0\t0\t640\t480\t-1\t\n\
            5\t1\t1\t1\t1\t1\t36\t92\t60\t24\t96.5\tThis\n\
            5\t1\t1\t1\t1\t2\t109\t92\t20\t24\t90\tis\n\
            5\t1\t1\t1\t1\t3\tx\t92\t20\t24\t90\tbroken\n\
            5\t1\t1\t1\t2\t1\t36\t126\t60\t24\t-1\t \n\
            5\t1\t1\t1\t2\t1\t36\t126\t60\t24\t12\ta lot\n5\t1";
        let seen = table(tsv);
        let words: Vec<_> = seen.iter().map(|word| (word.line, word.text.as_str(), word.left)).collect();
        assert_eq!(words, [(1, "This", 36.0), (1, "is", 109.0), (2, "a lot", 36.0)]);
    }

    #[test]
    fn a_reading_is_worth_its_sure_letters() {
        let seen = |confidence: f32, text: &str| Seen {
            line: 1,
            left: 0.0,
            top: 0.0,
            width: 1.0,
            height: 1.0,
            confidence,
            text: text.into(),
        };
        assert_eq!(sure_letters(&[seen(95.0, "Total:"), seen(85.0, "4.20"), seen(40.0, "noise"), seen(90.0, "|")]), 8);
        assert!(worth(&[seen(40.0, "faint")]) > worth(&[]));
    }

    #[test]
    fn a_page_is_numbers_and_pixels() {
        let scan = Scan { page: 0, width_px: 2, height_px: 1, grey: vec![0, 255] };
        assert_eq!(grey_map(&scan), b"P5\n2 1\n255\n\x00\xff");
        assert!(how_to_install().contains("Install tesseract-ocr ("));
    }
}
