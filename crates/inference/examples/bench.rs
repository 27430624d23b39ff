//! Measures one model: loading, reading a prompt, generating, memory; for an embedder's folder, passages a second.
//! `cargo run --release -p hearth-inference --example bench -- MODEL.gguf [THREADS] [PROMPT_TOKENS] [NEW_TOKENS] [nolookup] [any]`
//! (`any`: on a graphics processor where the program was built with `--features cuda` or `metal` and one is there)
//! `cargo run --release -p hearth-inference --example bench -- FOLDER [THREADS] [TOKENS_PER_PASSAGE] [PASSAGES] [int8]`
//! `cargo run --release -p hearth-inference --example bench -- compare MODEL.gguf THREADS PROMPT NEW ROUNDS [PEER COMMAND]`
//! (as `hearth bench engine` does, without its sandbox: a fresh process for each measurement, alternating with a peer's)
#![allow(clippy::disallowed_methods)] // a tool for trying things out, which starts itself

use hearth_inference::accelerated::place::Found;
use hearth_inference::embed::{Embedder, Kind, Options, Precision};
use hearth_inference::engine::{Ask, Chat, Event};
use hearth_inference::measure::{self, Measure, MeasureError, Plan};
use hearth_inference::wire::{Briefing, Encoding, Hardware, Load, Message, Role, Sampling, Speaker};
use std::io::BufReader;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let path = args.first().ok_or("which model?")?;
    match path.as_str() {
        "serve" => return Ok(hearth_inference::serve(std::io::stdin(), std::io::stdout(), |_| Ok(()))?),
        "compare" => return compare(&args[1..]),
        _ => {}
    }
    let number = |i: usize, other: usize| args.get(i).and_then(|s| s.parse().ok()).unwrap_or(other);
    let (threads, words, new) = (number(1, 2), number(2, 600), number(3, 128));
    if std::path::Path::new(path).is_dir() {
        let precision = if args.iter().any(|a| a == "int8") { Precision::Eight } else { Precision::Full };
        return embed(path, Options { threads, precision, ..Options::default() }, number(2, 128), number(3, 128));
    }
    let begun = Instant::now();
    let hardware = if args.iter().any(|a| a == "any") { Hardware::Any } else { Hardware::Processor };
    let found = Found::look(&Load {
        weights: path.into(),
        draft: None,
        tokenizer: None,
        config: None,
        encoding: Encoding::default(),
        role: Role::Chat,
        threads: threads as u32,
        n_ctx: None,
        kv_budget_bytes: 4 << 30,
        hardware,
        stores_pages: false,
    });
    let mut chat = Chat::load_ahead(std::fs::File::open(path)?, threads, None, 4 << 30, &found)?;
    println!("load {} ms, {:?}", begun.elapsed().as_millis(), chat.info());
    let text = "The quick brown fox jumps over the lazy dog near the quiet river bank. ".repeat(words / 15);
    let mut messages = vec![Message { role: Speaker::User, text }];
    let lookup = args.get(4).is_none_or(|a| a != "nolookup");
    let sampling = Sampling { max_tokens: new as u32, lookup, ..Sampling::default() };
    for question in ["What does the fox do?", "And the dog?", "Write a long story about the river."] {
        messages.push(Message { role: Speaker::User, text: question.into() });
        let mut answer = String::new();
        let briefing = &Briefing::default();
        let ask =
            Ask { conversation: 1, messages: &messages, briefing, sampling: &sampling, begun: None, urgent: true };
        let (begun, mut between) = (cpu_ms(), None);
        let o = chat.answer(ask, &|| false, &mut |e| {
            if let Event::Text(t, _) = e {
                between.get_or_insert_with(cpu_ms);
                answer += &t;
            }
        })?;
        let (between, end) = (between.unwrap_or_else(cpu_ms), cpu_ms());
        let read = o.prompt_tokens - o.cached_tokens;
        println!(
            "prompt {read} new tokens of {} in {:.0} ms ({:.0} tok/s), {} generated ({:.1} tok/s), first after {:.0} ms, {:?}: {}",
            o.prompt_tokens,
            o.prompt.as_secs_f64() * 1e3,
            read as f64 / o.prompt.as_secs_f64(),
            o.new_tokens,
            o.new_tokens.saturating_sub(1) as f64 / o.generate.as_secs_f64(),
            o.first_token.as_secs_f64() * 1e3,
            o.reason,
            answer.trim(),
        );
        println!("cpu: prompt {:.0} ms, generation {:.0} ms", between - begun, end - between);
        messages.push(Message { role: Speaker::Assistant, text: answer });
    }
    memory();
    Ok(())
}

/// Starts a process, measures it and ends it.
fn measured<T>(
    command: &mut Command,
    how: impl FnOnce(&mut ChildStdin, &mut BufReader<ChildStdout>) -> Result<T, MeasureError>,
) -> Result<T, Box<dyn std::error::Error>> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let (mut input, output) = (child.stdin.take().ok_or("no pipe")?, child.stdout.take().ok_or("no pipe")?);
    let result = how(&mut input, &mut BufReader::new(output));
    drop(input);
    child.wait()?;
    Ok(result?)
}

fn compare(args: &[String]) -> Result<(), Box<dyn std::error::Error>> {
    let number = |i: usize| args.get(i).and_then(|s| s.parse().ok()).ok_or("a number is missing");
    let plan = Plan {
        model: args.first().ok_or("which model?")?.into(),
        threads: number(1)?,
        prompt: number(2)?,
        generate: number(3)?,
    };
    let itself = std::env::current_exe()?;
    let own = || {
        let mut command = Command::new(&itself);
        command.arg("serve");
        command
    };
    if plan.generate == 0 {
        println!("{:?}", measured(&mut own(), |i, o| measure::follow_up(i, o, &plan))?);
        return Ok(());
    }
    let mut ours = |p: &Plan| measured(&mut own(), |i, o| measure::engine(i, o, p));
    let mut others = |p: &Plan| measured(Command::new(&args[5]).args(&args[6..]), |i, o| measure::peer(i, o, p));
    let other: Option<&mut Measure<'_, _>> = if args.len() > 5 { Some(&mut others) } else { None };
    let row = measure::compare(&plan, number(4)? as usize, &mut ours, other)?;
    println!("{} threads {} prompt {} rounds {}", row.model, row.threads, row.prompt, row.rounds);
    for (name, f) in [("own", Some(row.own)), ("peer", row.peer), ("ratio", row.ratio)] {
        if let Some(f) = f {
            println!(
                "{name:<6} read {:8.2}  write {:8.2}  load {:8.2}  load and read {:8.2}  memory {:.2}",
                f.read_tokens_per_s, f.write_tokens_per_s, f.load_ms, f.first_ms, f.peak_memory_bytes
            );
        }
    }
    Ok(())
}

fn embed(folder: &str, options: Options, tokens: usize, passages: usize) -> Result<(), Box<dyn std::error::Error>> {
    let begun = Instant::now();
    let open = |name: &str| format!("{folder}/{name}");
    let (tokenizer, config) = (std::fs::read(open("tokenizer.json"))?, std::fs::read(open("config.json"))?);
    let mut weights = std::fs::File::open(open("model.safetensors"))?;
    let mut e = Embedder::load(&mut weights, &tokenizer, &config, &options)?;
    println!("load {} ms, {:?}", begun.elapsed().as_millis(), e.figures());
    let text = "river ".repeat(tokens.saturating_sub(2));
    let begun = Instant::now();
    for _ in 0..passages.div_ceil(4) {
        let batch = (0..4).map(|_| e.encode(Kind::Passage, &text)).collect::<Result<Vec<_>, _>>()?;
        e.embed(&batch, &|| false)?;
    }
    let seconds = begun.elapsed().as_secs_f64();
    println!("{passages} passages of {tokens} tokens in {seconds:.2} s: {:.1} a second", passages as f64 / seconds);
    memory();
    Ok(())
}

/// CPU milliseconds of all threads so far (Linux, where a tick is 10 ms): on a busy machine they say more than the clock.
fn cpu_ms() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(") ").next().unwrap_or("").split(' ').skip(11).take(2);
    fields.filter_map(|f| f.parse::<f64>().ok()).sum::<f64>() * 10.0
}

fn memory() {
    if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
        status.lines().filter(|l| l.starts_with("VmHWM") || l.starts_with("VmRSS")).for_each(|l| println!("{l}"));
    }
}
