//! Prints what the reader makes of one file: `extract FILE [--text | --passages | --render PAGE OUT.png] [--password P]`.
//! Without a flag the whole document with its passages is printed as JSON.

use hearth_documents::{ChunkOptions, ReadOptions, chunk, read, render};
use std::ops::ControlFlow;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let Some(path) = args.first() else {
        eprintln!("extract FILE [--text | --passages | --render PAGE OUT.png] [--password P]");
        return ExitCode::from(2);
    };
    let value = |flag: &str, n: usize| {
        let at = args.iter().position(|arg| arg == flag)?;
        args.get(at + n).cloned()
    };
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            eprintln!("{path}: {error}");
            return ExitCode::FAILURE;
        }
    };
    let password = value("--password", 1);
    if let (Some(page), Some(out)) = (value("--render", 1), value("--render", 2)) {
        let page = page.parse().unwrap_or(0);
        return match render(&bytes, password.as_deref(), page, 1000) {
            Ok(picture) => match std::fs::write(&out, &picture.png) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => {
                    eprintln!("{out}: {error}");
                    ExitCode::FAILURE
                }
            },
            Err(error) => failed(&error),
        };
    }
    let options = ReadOptions { password, ..ReadOptions::default() };
    let document = match read(path, &bytes, &options, &mut |_, _| ControlFlow::Continue(())) {
        Ok(document) => document,
        Err(error) => return failed(&error),
    };
    if args.iter().any(|arg| arg == "--text") {
        for page in &document.pages {
            println!("{}\n", page.text);
        }
        return ExitCode::SUCCESS;
    }
    let passages = chunk(&document, &ChunkOptions::default());
    if args.iter().any(|arg| arg == "--passages") {
        for passage in &passages {
            println!("--- page {} {:?} {:?}\n{}", passage.page, passage.range, passage.context, passage.text);
        }
        return ExitCode::SUCCESS;
    }
    println!("{}", serde_json::json!({ "document": document, "passages": passages }));
    ExitCode::SUCCESS
}

fn failed(error: &hearth_documents::ReadError) -> ExitCode {
    eprintln!("{}: {error}", error.code());
    ExitCode::from(3)
}
