//! Runs the tokenizer vectors that ship with llama.cpp (`models/ggml-vocab-*.gguf` with `.inp` and `.out` beside them, in
//! the source package llama-cpp-python) and says how many texts of each vocabulary become the same tokens, and how many
//! come back from their tokens.
//! `cargo run -p hearth-inference --example vectors -- FOLDER`

use hearth_inference::gguf;
use hearth_inference::tokens::Vocabulary;
use std::path::Path;
use std::time::Instant;

const BETWEEN: &str = "\n__ggml_vocab_test__\n";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("which folder?")?;
    let mut files: Vec<_> = std::fs::read_dir(folder)?.filter_map(|e| Some(e.ok()?.path())).collect();
    files.retain(|p| p.extension().is_some_and(|e| e == "gguf"));
    files.sort();
    for path in files {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        match one(&path) {
            Ok(line) => println!("{name}: {line}"),
            Err(e) => println!("{name}: {e}"),
        }
    }
    Ok(())
}

fn one(path: &Path) -> Result<String, Box<dyn std::error::Error>> {
    let begun = Instant::now();
    let vocabulary = Vocabulary::read(&gguf::read(std::fs::File::open(path)?)?)?;
    let load = begun.elapsed().as_millis();
    let beside = |end: &str| std::fs::read_to_string(format!("{}.{end}", path.display()));
    let (Ok(texts), Ok(tokens)) = (beside("inp"), beside("out")) else {
        return Ok(format!("{} tokens read in {load} ms, no vectors", vocabulary.len()));
    };
    let (mut same, mut back, mut all) = (0, 0, 0);
    for (text, want) in texts.split(BETWEEN).zip(tokens.lines()) {
        let want: Vec<u32> = want.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        let got = vocabulary.encode(text)?;
        all += 1;
        same += usize::from(got == want);
        if got != want {
            println!("  {text:?}\n    got  {got:?}\n    want {want:?}");
        }
        let bytes: Vec<u8> = got.iter().flat_map(|t| vocabulary.bytes(*t).to_vec()).collect();
        let bytes = bytes.strip_prefix(b" ").filter(|_| vocabulary.has_prefix_space()).unwrap_or(&bytes);
        back += usize::from(bytes == text.as_bytes());
    }
    Ok(format!("{same} of {all} texts the same, {back} come back, read in {load} ms"))
}
