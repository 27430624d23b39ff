//! A small HTTP server, a law and a ledger that tests conduct.

use hearth_domain::BlobHash;
use hearth_egress::{
    Attempt, Gate, GateSettings, Law, Ledger, LedgerError, Manifest, ModelEntry, Outbound, Settled, Verdict,
};
use sha2::{Digest, Sha256};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// One request as the server saw it.
#[derive(Debug, Clone)]
pub struct Request {
    pub path: String,
    pub range: Option<u64>,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    /// A header by its name in lower case; empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

/// What the server answers: writes a whole reply to the stream.
type Answer = Box<dyn Fn(&Request, &mut TcpStream) + Send>;

pub struct Server {
    pub address: String,
    pub requests: Arc<Mutex<Vec<Request>>>,
    pub connections: Arc<AtomicUsize>,
}

impl Server {
    /// Serves each connection once, one after the other, until the test ends.
    pub fn new(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let server = Self { address, requests: Arc::default(), connections: Arc::default() };
        let (requests, connections) = (Arc::clone(&server.requests), Arc::clone(&server.connections));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                connections.fetch_add(1, Ordering::SeqCst);
                let Some(request) = read(&stream) else { continue };
                requests.lock().expect("requests").push(request.clone());
                answer(&request, &mut stream);
            }
        });
        server
    }

    pub fn seen(&self) -> Vec<Request> {
        self.requests.lock().expect("requests").clone()
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = || {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        Some(line.trim_end().to_owned())
    };
    let path = line()?.split(' ').nth(1)?.to_owned();
    let mut headers = Vec::new();
    while let Some((name, value)) = line()?.split_once(':') {
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut request = Request { path, range: None, headers, body: Vec::new() };
    request.range =
        request.header("range").strip_prefix("bytes=").and_then(|from| from.strip_suffix('-')?.parse().ok());
    request.body = vec![0; request.header("content-length").parse().unwrap_or(0)];
    reader.read_exact(&mut request.body).ok()?;
    Some(request)
}

/// Answers with bytes from where they are wanted, and stops after `most` of them.
pub fn serve(request: &Request, bytes: &[u8], most: usize, stream: &mut TcpStream) {
    let from = request.range.unwrap_or(0) as usize;
    let rest = bytes.get(from..).unwrap_or_default();
    let head = match request.range {
        Some(_) if rest.is_empty() => "HTTP/1.1 416 No\r\ncontent-length: 0\r\n\r\n".to_owned(),
        Some(_) => format!(
            "HTTP/1.1 206 Part\r\ncontent-length: {}\r\ncontent-range: bytes {from}-{}/{}\r\n\r\n",
            rest.len(),
            bytes.len() - 1,
            bytes.len()
        ),
        None => format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", rest.len()),
    };
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(&rest[..rest.len().min(most)]);
    let _ = stream.flush();
}

pub fn say(stream: &mut TcpStream, status: &str, headers: &str, body: &str) {
    let _ = write!(stream, "HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len());
}

/// Allows or denies everything, and notes what it was asked.
pub struct Rule(pub bool);

impl Law for Rule {
    fn may(&self, _: &Outbound) -> Verdict {
        if self.0 {
            Verdict::Allow { rule: "test-allows".into() }
        } else {
            Verdict::Deny { rule: "local-only".into(), sentence: "Hearth stays on this machine.".into() }
        }
    }
}

/// Keeps entries in memory; broken ones keep none.
#[derive(Default)]
pub struct Book {
    pub broken: AtomicBool,
    pub attempts: Mutex<Vec<Attempt>>,
    pub settled: Mutex<Vec<(u64, Settled)>>,
    pub refused: Mutex<Vec<(Attempt, String)>>,
}

impl Ledger for Book {
    fn attempt(&self, attempt: &Attempt) -> Result<u64, LedgerError> {
        if self.broken.load(Ordering::SeqCst) {
            return Err(LedgerError("the disk is full".into()));
        }
        let mut attempts = self.attempts.lock().expect("attempts");
        attempts.push(attempt.clone());
        Ok(attempts.len() as u64)
    }

    fn settle(&self, id: u64, settled: &Settled) -> Result<(), LedgerError> {
        self.settled.lock().expect("settled").push((id, settled.clone()));
        Ok(())
    }

    fn refused(&self, attempt: &Attempt, sentence: &str) {
        self.refused.lock().expect("refused").push((attempt.clone(), sentence.to_owned()));
    }
}

/// A gate to this server only.
pub fn gate(server: &Server, allow: bool) -> (Gate, Arc<Book>) {
    let book = Arc::new(Book::default());
    let settings = GateSettings {
        hub: server.address.clone(),
        loopback_for_tests: Some("127.0.0.1".into()),
        pause: Duration::ZERO,
    };
    let gate = Gate::new(Arc::new(Rule(allow)), Arc::clone(&book) as _, Arc::new(|| 1_000), settings);
    (gate.expect("a gate"), book)
}

pub fn hash(bytes: &[u8]) -> BlobHash {
    BlobHash(Sha256::digest(bytes).into())
}

/// Bytes that repeat nowhere nearby.
pub fn noise(len: usize) -> Vec<u8> {
    let mut state = 7u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..len).map(|_| next()).collect()
}

pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// A manifest with one model `toy` of one file `toy.gguf`.
pub fn manifest(file: &str, sources: &str) -> Manifest {
    let text = format!(
        "[[model]]\nid = 'toy'\nname = 'Toy'\nroles = ['chat']\ndefault = true\narchitecture = 'llama'\n\
         quantization = 'Q4_0'\nparameters = 1\nlicence = 'MIT'\npermissive = true\nn_ctx = 64\n\
         files = [{{ name = 'toy.gguf'{file} }}]\nsources = [{sources}]\n"
    );
    Manifest::parse(&text, None).expect("a manifest")
}

/// The toy model whose bytes are these, pinned, from the repository `a/b`.
pub fn toy(bytes: &[u8]) -> ModelEntry {
    let pin = format!(", size = {}, sha256 = '{}'", bytes.len(), hash(bytes));
    manifest(&pin, &format!("{{ kind = 'hf', repo = 'a/b', revision = '{COMMIT}' }}")).models.remove(0)
}
