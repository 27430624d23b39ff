//! A model elsewhere, for tests: a server on this machine that speaks chat completions, notes every byte it is sent, and
//! answers as a test says.

use serde_json::json;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// One request as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// The first line.
    pub line: String,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, to the byte.
    pub body: Vec<u8>,
}

impl Heard {
    /// A header; empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

/// How it answers.
#[derive(Debug, Clone)]
pub enum Answer {
    /// With these words, streamed.
    Words(String),
    /// With a status, headers and a body.
    Status(&'static str, String),
    /// With a beginning, and then nothing.
    Cut(String),
}

/// The server; it ends with the test.
pub struct Peer {
    /// Its address, as a person would type it.
    pub address: String,
    heard: Arc<Mutex<Vec<Heard>>>,
    answer: Arc<Mutex<Answer>>,
}

impl Peer {
    /// Starts it at a port of its own.
    #[allow(clippy::disallowed_methods)] // a peer of the house, not a part of it
    pub fn start(answer: Answer) -> std::io::Result<Peer> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let peer = Peer {
            address: format!("http://{}/v1", listener.local_addr()?),
            heard: Arc::default(),
            answer: Arc::new(Mutex::new(answer)),
        };
        let (heard, answer) = (Arc::clone(&peer.heard), Arc::clone(&peer.answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if let Some(one) = hear(&stream) {
                    lock(&heard).push(one);
                    let _ = say(stream, &lock(&answer));
                }
            }
        });
        Ok(peer)
    }

    /// What it was sent so far.
    pub fn heard(&self) -> Vec<Heard> {
        lock(&self.heard).clone()
    }

    /// Answers otherwise from now on.
    pub fn answer(&self, answer: Answer) {
        *lock(&self.answer) = answer;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn hear(stream: &TcpStream) -> Option<Heard> {
    let mut reader = BufReader::new(stream);
    let mut next = || {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        Some(line.trim_end().to_owned())
    };
    let line = next().filter(|line| !line.is_empty())?;
    let mut headers = Vec::new();
    while let Some((name, value)) = next()?.split_once(':') {
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut heard = Heard { line, headers, body: Vec::new() };
    heard.body = vec![0; heard.header("content-length").parse().unwrap_or(0)];
    reader.read_exact(&mut heard.body).ok()?;
    Some(heard)
}

fn say(mut stream: TcpStream, answer: &Answer) -> std::io::Result<()> {
    let event = |delta: serde_json::Value, finish: Option<&str>| {
        let chunk = json!({ "choices": [{ "index": 0, "delta": delta, "finish_reason": finish }] });
        format!("data: {chunk}\n\n")
    };
    match answer {
        Answer::Words(words) | Answer::Cut(words) => {
            write!(stream, "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")?;
            for word in words.split_inclusive(' ') {
                stream.write_all(event(json!({ "content": word }), None).as_bytes())?;
                stream.flush()?;
            }
            if matches!(answer, Answer::Words(_)) {
                stream.write_all(event(json!({}), Some("stop")).as_bytes())?;
                let usage = json!({ "choices": [], "usage": { "prompt_tokens": 100, "completion_tokens": 20 } });
                write!(stream, "data: {usage}\n\ndata: [DONE]\n\n")?;
            }
            Ok(())
        }
        Answer::Status(status, body) => {
            write!(stream, "HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
        }
    }
}
