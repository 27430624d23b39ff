//! The engine process over pipes, as its parent sees it.

use crate::{embedder, tiny};
use hearth_inference::embed::Kind;
use hearth_inference::quant::Type;
use hearth_inference::wire::{self, *};
use hearth_inference::{ServeError, serve};
use std::io::{PipeReader, PipeWriter};
use std::path::PathBuf;
use std::thread::JoinHandle;

struct Parent {
    to: PipeWriter,
    from: PipeReader,
    engine: JoinHandle<Result<(), ServeError>>,
    _folder: tempfile::TempDir,
}

fn parent(bytes: &[u8], confine: Result<(), String>) -> Parent {
    let folder = tempfile::tempdir().unwrap();
    let weights = folder.path().join("m.gguf");
    std::fs::write(&weights, bytes).unwrap();
    start(folder, &load(weights), confine)
}

fn start(folder: tempfile::TempDir, load: &Load, confine: Result<(), String>) -> Parent {
    let ((input, to), (from, output)) = (std::io::pipe().unwrap(), std::io::pipe().unwrap());
    let engine = std::thread::spawn(move || serve(input, output, |_| confine));
    let mut p = Parent { to, from, engine, _folder: folder };
    p.send(&Request::Load(load.clone()));
    p
}

fn load(weights: PathBuf) -> Load {
    Load {
        weights,
        draft: None,
        tokenizer: None,
        config: None,
        encoding: Encoding::default(),
        role: Role::Chat,
        threads: 2,
        n_ctx: None,
        kv_budget_bytes: 1 << 24,
        hardware: Hardware::Any,
        stores_pages: false,
    }
}

impl Parent {
    fn send(&mut self, r: &Request) {
        wire::write(&mut self.to, r).unwrap();
    }

    fn hear(&mut self) -> Reply {
        wire::read(&mut self.from).unwrap().unwrap()
    }

    fn generate(&mut self, id: u64, text: &str, max_tokens: u32) {
        let messages = vec![Message { role: Speaker::User, text: text.into() }];
        let sampling = Sampling { max_tokens, ..Sampling::default() };
        self.send(&Request::Generate {
            id,
            conversation: 1,
            messages,
            briefing: Briefing::default(),
            sampling,
            prefill_answer: None,
            urgent: true,
        });
    }

    /// Hears until the request is done and returns its reason, token count and text.
    fn finish(&mut self, want: u64) -> (Finish, u32, String) {
        let mut said = String::new();
        loop {
            match self.hear() {
                Reply::Token { id, text, .. } if id == want => said += &text,
                Reply::Done { id, reason, new_tokens, .. } if id == want => return (reason, new_tokens, said),
                Reply::Failed { error, .. } => panic!("{error:?}"),
                _ => {}
            }
        }
    }
}

#[test]
fn loads_answers_counts_and_ends_with_its_input() {
    let mut p = parent(&tiny::model("llama", Type::Q4_1, 21), Ok(()));
    let Reply::Ready(info) = p.hear() else { panic!() };
    assert_eq!((info.architecture.as_str(), info.n_ctx, info.template.as_str()), ("llama", 600, "from the file"));
    p.generate(1, "hello", 12);
    let first = p.finish(1);
    p.generate(2, "hello", 12);
    assert_eq!(p.finish(2), first);
    let messages = vec![Message { role: Speaker::User, text: "hello".into() }];
    p.send(&Request::Count { id: 3, messages, briefing: Briefing::default() });
    assert!(matches!(p.hear(), Reply::Counted { id: 3, tokens } if tokens > 10));
    p.send(&Request::Health { id: 4 });
    assert!(matches!(p.hear(), Reply::Healthy { id: 4, kv_bytes, .. } if kv_bytes > 0));
    p.send(&Request::Embed { id: 5, kind: Kind::Passage, texts: vec!["x".into()] });
    assert!(matches!(p.hear(), Reply::Failed { id: Some(5), error } if error.code == FailureCode::Request));
    p.generate(6, &"too long ".repeat(200), 5);
    let Reply::Failed { id: Some(6), error } = p.hear() else { panic!() };
    assert!(matches!(error.code, FailureCode::TooLong { prompt_tokens, n_ctx: 600 } if prompt_tokens > 600));
    drop(p.to);
    assert!(p.engine.join().unwrap().is_ok());
}

/// What a model's file holds is in memory once it is loaded: a drive that goes away, or a file that is cut off where it
/// lies, takes nothing from the answers; only the next load says what is wrong.
#[test]
fn a_file_that_goes_away_takes_nothing_from_a_loaded_model() {
    let folder = tempfile::tempdir().unwrap();
    let weights = folder.path().join("m.gguf");
    let bytes = tiny::model("llama", Type::Q4_1, 21);
    std::fs::write(&weights, &bytes).unwrap();
    let mut p = start(folder, &load(weights.clone()), Ok(()));
    assert!(matches!(p.hear(), Reply::Ready(_)));
    p.generate(1, "hello", 12);
    let before = p.finish(1);
    std::fs::File::options().write(true).open(&weights).unwrap().set_len(100).unwrap();
    p.generate(2, "hello", 12);
    assert_eq!(p.finish(2), before);
    std::fs::remove_file(&weights).unwrap();
    p.generate(3, "hello", 12);
    assert_eq!(p.finish(3), before);
    drop(p.to);
    assert!(p.engine.join().unwrap().is_ok());
    for (bytes, word) in [(Some(&bytes[..bytes.len() / 2]), "beyond the end"), (None, "the model file")] {
        let folder = tempfile::tempdir().unwrap();
        let weights = folder.path().join("m.gguf");
        if let Some(bytes) = bytes {
            std::fs::write(&weights, bytes).unwrap();
        }
        let mut p = start(folder, &load(weights), Ok(()));
        let Reply::Failed { id: None, error } = p.hear() else { panic!() };
        assert!(error.message.contains(word), "{error:?}");
    }
}

#[test]
fn cancelling_ends_the_running_and_the_waiting_request_and_the_next_one_works() {
    let mut p = parent(&tiny::model("llama", Type::Q4_1, 21), Ok(()));
    assert!(matches!(p.hear(), Reply::Ready(_)));
    // The first fills the pipe's listener until cancelled; the second waits behind it.
    p.generate(1, &"word ".repeat(100), u32::MAX);
    p.generate(2, "hello", u32::MAX);
    p.send(&Request::Cancel { id: 2 });
    p.send(&Request::Cancel { id: 1 });
    let (reason, tokens, _) = p.finish(1);
    assert!(reason == Finish::Cancelled || tokens > 0);
    let (reason, tokens, text) = p.finish(2);
    assert_eq!((reason, tokens, text.as_str()), (Finish::Cancelled, 0, ""));
    p.generate(3, "hello", 3);
    assert_ne!(p.finish(3).0, Finish::Cancelled);
    p.send(&Request::Shutdown);
    assert!(p.engine.join().unwrap().is_ok());
}

/// A long answer and short ones behind it: these do not wait for it.
#[test]
fn requests_are_answered_side_by_side() {
    let mut p = parent(&tiny::model("llama", Type::Q4_1, 21), Ok(()));
    assert!(matches!(p.hear(), Reply::Ready(_)));
    for id in 1..=3 {
        let messages = vec![Message { role: Speaker::User, text: "hello".into() }];
        let max_tokens = if id == 1 { 500 } else { 5 };
        let sampling = Sampling { max_tokens, temperature: 1.5, seed: 4, ..Sampling::default() };
        let (briefing, prefill_answer) = (Briefing::default(), None);
        let conversation = id as i64;
        p.send(&Request::Generate { id, conversation, messages, briefing, sampling, prefill_answer, urgent: true });
    }
    let mut ends = Vec::new();
    while ends.len() < 3 {
        match p.hear() {
            Reply::Done { id, new_tokens, .. } => ends.push((id, new_tokens)),
            Reply::Failed { error, .. } => panic!("{error:?}"),
            _ => {}
        }
    }
    assert!(ends[2].0 == 1 && ends[2].1 > ends[0].1, "{ends:?}");
    p.send(&Request::Forget);
    p.send(&Request::Store { id: 9, conversation: 1 });
    assert_eq!(p.hear(), Reply::Stored { id: 9 });
    drop(p.to);
    assert!(p.engine.join().unwrap().is_ok());
}

#[test]
fn a_bad_start_is_told_and_ends_the_process() {
    let mut p = parent(b"GGUF is not all there is to it", Ok(()));
    assert!(matches!(p.hear(), Reply::Failed { id: None, error } if error.code != FailureCode::Internal));
    assert!(matches!(p.engine.join().unwrap(), Err(ServeError::Model(_))));
    let mut p = parent(&tiny::model("llama", Type::F32, 1), Err("no landlock".into()));
    assert!(matches!(p.hear(), Reply::Failed { error, .. } if error.message.contains("no landlock")));
    assert!(matches!(p.engine.join().unwrap(), Err(ServeError::Confinement(_))));
    let ((input, mut to), (_from, output)) = (std::io::pipe().unwrap(), std::io::pipe().unwrap());
    wire::write(&mut to, &Request::Health { id: 1 }).unwrap();
    assert!(matches!(serve(input, output, |_| Ok(())), Err(ServeError::NotLoad)));
}

#[test]
fn passages_are_embedded_in_order_and_a_cancelled_library_lets_a_question_through() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let (tokenizer, config) = (embedder::tokenizer(), embedder::CONFIG);
    let request = Load {
        tokenizer: Some(file("tokenizer.json", tokenizer.as_bytes())),
        config: Some(file("config.json", config.as_bytes())),
        role: Role::Embed,
        ..load(file("model.safetensors", &embedder::weights()))
    };
    let mut p = start(folder, &request, Ok(()));
    assert!(matches!(p.hear(), Reply::Ready(info) if info.dims == Some(embedder::H as u32)));
    let mut embed = |id, texts: &[&str]| {
        p.send(&Request::Embed { id, kind: Kind::Passage, texts: texts.iter().map(|t| (*t).into()).collect() })
    };
    embed(1, &["a b", "c d e"]);
    embed(2, &["c d e"]);
    let mut heard = Vec::new();
    for _ in 0..2 {
        let Reply::Embedded { id, values, .. } = p.hear() else { panic!() };
        heard.push((id, values));
    }
    heard.sort_by_key(|h| h.0);
    assert_eq!(heard[0].1[embedder::H..], heard[1].1);
    let library = vec!["a b c d e f g h i j k l m n o p q r s t u v w x y z"; 20_000];
    let texts = library.into_iter().map(String::from).collect();
    p.send(&Request::Embed { id: 3, kind: Kind::Passage, texts });
    p.send(&Request::Embed { id: 4, kind: Kind::Query, texts: vec!["a b".into()] });
    p.send(&Request::Cancel { id: 3 });
    let mut ends = std::collections::HashMap::new();
    while ends.len() < 2 {
        match p.hear() {
            Reply::Embedded { id, values, .. } => ends.insert(id, Some(values)),
            Reply::Failed { id: Some(id), error } if error.code == FailureCode::Cancelled => ends.insert(id, None),
            other => panic!("{other:?}"),
        };
    }
    assert_eq!((ends[&3].clone(), ends[&4].as_deref()), (None, Some(&heard[0].1[..embedder::H])));
    drop(p.to);
    assert!(p.engine.join().unwrap().is_ok());
}
