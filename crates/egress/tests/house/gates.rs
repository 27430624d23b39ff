//! What the gate lets through, what it writes down, and what it refuses.

use crate::server::{Book, Server, gate, noise, say, serve, toy};
use hearth_egress::{Cancel, DownloadError, Gate, GateError, GateSettings, Get, Outcome, Purpose, download};
use std::sync::Arc;
use std::sync::atomic::Ordering;

fn fetch(gate: &Gate, url: &str) -> Result<Vec<u8>, GateError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
    let get = Get { purpose: Purpose::ModelMetadata, url: url.to_owned(), from: 0, limit_bytes: 1000 };
    runtime.block_on(async { gate.get(&get).await?.body().await })
}

#[test]
fn what_is_sent_is_written_down_first_and_settled_after() {
    let server = Server::new(Box::new(|request, stream| match request.path.as_str() {
        "/start?token=secret" => say(stream, "302 Found", "location: /end?key=secret\r\n", ""),
        _ => say(stream, "200 OK", "", "hello"),
    }));
    let (gate, book) = gate(&server, true);
    let body = fetch(&gate, &format!("{}/start?token=secret", server.address)).expect("a reply");
    assert_eq!(body, b"hello");

    let attempts = book.attempts.lock().expect("attempts").clone();
    let told: Vec<_> = attempts.iter().map(|a| (a.hop, a.outbound.url.rsplit('/').next().unwrap_or(""))).collect();
    assert_eq!(told, [(0, "start"), (1, "end")]);
    assert!(attempts.iter().all(|a| a.rule == "test-allows" && a.at_ms == 1_000 && a.outbound.host == "127.0.0.1"));
    assert!(!format!("{attempts:?}").contains("secret"));
    let settled = book.settled.lock().expect("settled").clone();
    let outcomes: Vec<_> = settled.iter().map(|(id, s)| (*id, s.bytes_in, s.outcome.clone())).collect();
    assert_eq!(outcomes, [(1, 0, Outcome::Redirected { status: 302 }), (2, 5, Outcome::Done { status: 200 })]);
    let counts = gate.counts();
    assert_eq!((counts.sent, counts.refused, counts.bytes_in), (2, 0, 5));
    assert_eq!(counts.bytes_out, attempts.iter().map(|a| a.bytes_out).sum::<u64>());
}

#[test]
fn a_denied_request_makes_no_connection_and_is_recorded() {
    let server = Server::new(Box::new(|_, stream| say(stream, "200 OK", "", "never")));
    let (gate, book) = gate(&server, false);
    let folder = tempfile::tempdir().expect("folder");
    let error = download(&gate, &toy(b"x"), folder.path(), &Cancel::new(), &mut |_| {}).unwrap_err();
    assert!(matches!(&error, DownloadError::Gate(GateError::Denied { rule, .. }) if rule == "local-only"), "{error}");
    assert_eq!(error.to_string(), "Hearth stays on this machine.");
    assert_eq!(server.connections(), 0);
    assert_eq!(book.refused.lock().expect("refused").len(), 1);
    assert!(book.attempts.lock().expect("attempts").is_empty());
}

#[test]
fn without_a_ledger_nothing_is_sent() {
    let server = Server::new(Box::new(|_, stream| say(stream, "200 OK", "", "never")));
    let (gate, book) = gate(&server, true);
    book.broken.store(true, Ordering::SeqCst);
    let folder = tempfile::tempdir().expect("folder");
    let error = download(&gate, &toy(b"x"), folder.path(), &Cancel::new(), &mut |_| {}).unwrap_err();
    assert!(matches!(error, DownloadError::Gate(GateError::Ledger(_))), "{error}");
    assert_eq!(server.connections(), 0);
    assert_eq!(gate.counts().sent, 0);
}

#[test]
fn a_redirect_to_a_private_address_is_refused() {
    let targets = [
        "https://10.0.0.1/x",
        "https://127.0.0.2/x",
        "https://169.254.169.254/latest",
        "https://[::1]/x",
        "https://[::ffff:192.168.0.1]/x",
        "https://localhost:9/x",
        "http://10.0.0.1/x",
        "https://user:word@example.org/x",
        "file:///etc/passwd",
    ];
    for target in targets {
        let server = Server::new(Box::new(move |_, stream| {
            say(stream, "302 Found", &format!("location: {target}\r\n"), "");
        }));
        let (gate, _) = gate(&server, true);
        let error = fetch(&gate, &format!("{}/start", server.address)).unwrap_err();
        let by_address = target.starts_with("https://") && !target.contains('@');
        let right = match &error {
            GateError::NotPublic { .. } => by_address,
            GateError::Address(_) => !by_address,
            _ => false,
        };
        assert!(right, "{target}: {error:?}");
        assert_eq!(server.connections(), 1, "{target}");
    }
}

#[test]
fn a_gate_for_people_reaches_no_loopback_and_nothing_unencrypted() {
    let server = Server::new(Box::new(|_, stream| say(stream, "200 OK", "", "never")));
    let book = Arc::new(Book::default());
    let law = Arc::new(crate::server::Rule(true));
    let gate = Gate::new(law, Arc::clone(&book) as _, Arc::new(|| 0), GateSettings::default()).expect("gate");
    assert!(matches!(fetch(&gate, &server.address), Err(GateError::Address(_))));
    let encrypted = server.address.replace("http:", "https:");
    assert!(matches!(fetch(&gate, &encrypted), Err(GateError::NotPublic { .. })));
    let by_name = encrypted.replace("127.0.0.1", "localhost");
    assert!(matches!(fetch(&gate, &by_name), Err(GateError::NotPublic { .. })));
    assert_eq!(server.connections(), 0);
}

#[test]
fn endless_redirects_and_endless_replies_end() {
    let server = Server::new(Box::new(|request, stream| match request.path.as_str() {
        "/round" => say(stream, "302 Found", "location: /round\r\n", ""),
        "/declared" => serve(request, &noise(5000), 5000, stream),
        _ => {
            let _ = std::io::Write::write_all(stream, b"HTTP/1.1 200 OK\r\n\r\n");
            let _ = std::io::Write::write_all(stream, &noise(5000));
        }
    }));
    let (gate, _) = gate(&server, true);
    assert!(matches!(fetch(&gate, &format!("{}/round", server.address)), Err(GateError::Redirects(_))));
    assert!(matches!(fetch(&gate, &format!("{}/declared", server.address)), Err(GateError::TooLarge(1000))));
    assert!(matches!(fetch(&gate, &format!("{}/endless", server.address)), Err(GateError::TooLarge(1000))));
}
