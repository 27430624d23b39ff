//! Providers over the gate, against a server that speaks their wire formats: what is sent is what the official SDKs send
//! (recorded by wire/record.py), streams are read as they read them, and whatever a provider does wrong ends in an error.

use crate::server::{Book, Rule, Server, gate as test_gate, hash, say};
use hearth_domain::Label;
use hearth_egress::provider::{
    Answer, Failed, Finish, Message, Part, Provider, Question, Service, Speaker, Terms, Tool, ToolCall, Tries, Trouble,
    Usage, Written, send, write,
};
use hearth_egress::{Cancel, Gate, GateError, GateSettings, Key, Outcome, Patience, Purpose};
use serde_json::Value;
use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

const KEY: &str = "k-123";

fn recorded(name: &str, kind: &str) -> String {
    let path = format!("{}/tests/wire/{name}.{kind}", std::env::var("CARGO_MANIFEST_DIR").unwrap());
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn provider(service: Service, address: &str, model: &str) -> Provider {
    Provider { service, address: address.to_owned(), model: model.to_owned(), key: Some(Key::new(KEY)) }
}

/// The question of wire/record.py.
fn question() -> Question {
    let says = |speaker, parts| Message { speaker, parts };
    let image = Part::Image { media_type: "image/png".into(), bytes: b"\x89PNG....".to_vec() };
    let call = ToolCall { id: "call-1".into(), name: "look".into(), arguments: r#"{"place":"mill"}"#.into() };
    let result = Part::Result { id: "call-1".into(), name: "look".into(), text: "It stands.".into() };
    Question {
        system: "Answer from the passages.".into(),
        messages: vec![
            says(Speaker::Person, vec![Part::Text("What is the rent?\n“1 250 €” — [Person 1]".into()), image]),
            says(Speaker::Model, vec![Part::Call(call)]),
            says(Speaker::Person, vec![result]),
        ],
        tools: vec![Tool {
            name: "look".into(),
            description: "Looks a place up.".into(),
            schema: serde_json::json!({ "type": "object", "properties": { "place": { "type": "string" } },
                "required": ["place"] }),
        }],
        temperature: Some(0.5),
        max_tokens: 64,
    }
}

fn plain() -> Question {
    let parts = vec![Part::Text("What is the rent?".into())];
    let messages = vec![Message { speaker: Speaker::Person, parts }];
    Question { system: String::new(), messages, tools: Vec::new(), temperature: None, max_tokens: 16 }
}

fn terms(written: &Written) -> Terms {
    Terms {
        purpose: Purpose::RemoteAnswer,
        label: Label::Internal,
        shown: written.hash,
        patience: Patience {
            connect: Duration::from_secs(5),
            first_byte: Duration::from_millis(300),
            between: Duration::from_millis(300),
        },
        tries: Tries { most: 3, pause: Duration::ZERO, longest_pause: Duration::from_secs(2) },
        limit_bytes: 1 << 20,
    }
}

fn ask(gate: &Gate, provider: &Provider, question: &Question) -> Result<Answer, Failed> {
    let written = write(provider, question);
    send(gate, provider, &written, &terms(&written), &Cancel::new(), &mut |_| {})
}

/// The four wire formats: service, name of the recording, path of the address, model.
const FORMATS: [(Service, &str, &str, &str); 4] = [
    (Service::OpenAi, "openai", "/v1", "gpt-x"),
    (Service::Mistral, "mistral", "/v1", "mistral-x"),
    (Service::Anthropic, "anthropic", "", "claude-x"),
    (Service::Google, "google", "", "gemini-x"),
];

#[test]
fn what_is_written_is_what_the_official_sdks_send() {
    for (service, name, path, model) in FORMATS {
        let expected: Value = serde_json::from_str(&recorded(name, "request.json")).expect("json");
        let provider = provider(service, &format!("http://peer{path}"), model);
        let written = write(&provider, &question());
        let body: Value = serde_json::from_slice(&written.body).expect("json");
        assert_eq!(body, expected["body"], "{name}");
        assert_eq!(written.url, format!("http://peer{}", expected["path"].as_str().expect("a path")), "{name}");
        let (header, before) = written.key_header;
        assert_eq!(header, expected["key_header"], "{name}");
        assert_eq!(format!("{before}{KEY}"), expected["key"], "{name}");
        let version =
            written.headers.iter().find(|(name, _)| *name == "anthropic-version").map(|(_, value)| value.as_str());
        assert_eq!(version, expected["version"].as_str(), "{name}");
        assert_eq!(written, write(&provider, &question()), "the same question gives the same bytes");
    }
}

#[test]
fn a_recorded_stream_is_read_whatever_the_pieces_and_the_bytes_arrive_as_written() {
    for (service, name, path, model) in FORMATS {
        for piece in [7, 100_000] {
            let stream = recorded(name, "stream.txt");
            let server = Server::new(Box::new(move |_, out| {
                let _ = write!(out, "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n");
                for part in stream.as_bytes().chunks(piece) {
                    let _ = out.write_all(part);
                    let _ = out.flush();
                }
            }));
            let (gate, book) = test_gate(&server, true);
            let provider = provider(service, &format!("{}{path}", server.address), model);
            let answer = ask(&gate, &provider, &question()).expect("an answer");
            assert_eq!(answer.text, "The rent is 1 250 €.", "{name}");
            let call = ToolCall { id: "call-9".into(), name: "look".into(), arguments: r#"{"place":"mill"}"#.into() };
            assert_eq!(answer.calls, [call], "{name}");
            assert_eq!(answer.finish, Some(Finish::Tools), "{name}");
            assert_eq!(answer.usage, Some(Usage { input_tokens: 31, output_tokens: 7 }), "{name}");

            let seen = server.seen();
            assert_eq!(seen.len(), 1);
            let written = write(&provider, &question());
            assert_eq!(seen[0].body, written.body, "{name}: the bytes that arrive are the bytes that were shown");
            assert_eq!(seen[0].header(written.key_header.0), format!("{}{KEY}", written.key_header.1));
            let attempts = book.attempts.lock().expect("attempts").clone();
            assert_eq!(attempts.len(), 1);
            assert_eq!(attempts[0].outbound.label, Some(Label::Internal));
            assert_eq!(attempts[0].outbound.who, "person");
            assert!(attempts[0].bytes_out as usize > written.body.len(), "head and body are counted");
            let settled = book.settled.lock().expect("settled").clone();
            assert_eq!(settled[0].1.outcome, Outcome::Done { status: 200 });
            assert_eq!(settled[0].1.bytes_in as usize, recorded(name, "stream.txt").len());
            let told = format!("{attempts:?} {settled:?} {provider:?} {written:?} {:?}", gate.counts());
            assert!(!told.contains(KEY), "the key is told nowhere: {told}");
        }
    }
}

/// What a server does wrong, and what is made of it; whatever it is, what a person allowed once left once.
fn check(service: Service, answer: fn(&mut TcpStream), expect: fn(&Trouble) -> bool) {
    let server = Server::new(Box::new(move |_, stream| answer(stream)));
    let (gate, _) = test_gate(&server, true);
    let failed = ask(&gate, &provider(service, &server.address, "m"), &plain()).expect_err("no answer");
    let told = format!("{:?} {} {}", failed.trouble, failed.trouble, failed.trouble.hint());
    assert!(expect(&failed.trouble), "{service:?}: {told}");
    assert!(!told.contains(KEY) && !told.contains("What is the rent"), "{told}");
    assert_eq!((failed.so_far.tries, server.connections()), (1, 1), "{service:?}: {told}");
}

#[test]
fn errors_are_told_apart_as_each_format_gives_them() {
    use Service::*;
    let chat = OpenAi;
    check(
        chat,
        |s| {
            say(
                s,
                "401 No",
                "",
                r#"{"error":{"message":"bad key k-123","type":"invalid_request_error","code":"invalid_api_key"}}"#,
            )
        },
        |t| matches!(t, Trouble::Key),
    );
    check(chat, |s| say(s, "402 Pay", "", ""), |t| matches!(t, Trouble::Payment));
    check(
        chat,
        |s| say(s, "429 Wait", "", r#"{"error":{"type":"insufficient_quota","code":"insufficient_quota"}}"#),
        |t| matches!(t, Trouble::Payment),
    );
    check(
        chat,
        |s| say(s, "429 Wait", "retry-after: 90\r\n", "{}"),
        |t| matches!(t, Trouble::TooMany { after_s: Some(90) }),
    );
    check(chat, |s| say(s, "429 Wait", "retry-after: 0\r\n", "{}"), |t| matches!(t, Trouble::TooMany { .. }));
    check(chat, |s| say(s, "500 Oh", "", "<html>"), |t| matches!(t, Trouble::Server { status: 500 }));
    check(
        chat,
        |s| say(s, "400 No", "", r#"{"error":{"message":"no model for k-123"}}"#),
        |t| matches!(t, Trouble::Refused { status: 400, said } if said == "no model for (key)"),
    );
    check(
        Mistral,
        |s| say(s, "422 No", "", r#"{"detail":[{"msg":"extra field"}]}"#),
        |t| matches!(t, Trouble::Refused { status: 422, said } if said.contains("extra field")),
    );
    check(
        Anthropic,
        |s| say(s, "529 Full", "", r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#),
        |t| matches!(t, Trouble::Overloaded { .. }),
    );
    check(
        Anthropic,
        |s| say(s, "403 No", "", r#"{"type":"error","error":{"type":"permission_error","message":"x"}}"#),
        |t| matches!(t, Trouble::Key),
    );
    check(
        Anthropic,
        |s| {
            say(
                s,
                "200 OK",
                "",
                "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"x\"}}\n\n",
            )
        },
        |t| matches!(t, Trouble::Overloaded { .. }),
    );
    check(
        Google,
        |s| {
            say(
                s,
                "400 No",
                "",
                r#"[{"error":{"code":400,"message":"API key not valid","status":"INVALID_ARGUMENT"}}]"#,
            )
        },
        |t| matches!(t, Trouble::Refused { status: 400, .. }),
    );
    check(
        Google,
        |s| say(s, "429 Wait", "", r#"{"error":{"code":429,"status":"RESOURCE_EXHAUSTED"}}"#),
        |t| matches!(t, Trouble::TooMany { .. }),
    );
    check(
        Google,
        |s| say(s, "200 OK", "", "data: {\"promptFeedback\":{\"blockReason\":\"SAFETY\"}}\n\n"),
        |t| matches!(t, Trouble::Filtered),
    );
    check(
        chat,
        |s| say(s, "200 OK", "", "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"content_filter\"}]}\n\n"),
        |t| matches!(t, Trouble::Filtered),
    );
}

#[test]
fn garbage_cut_slow_and_endless_streams_end_in_an_error() {
    use Service::*;
    check(OpenAi, |s| say(s, "200 OK", "", "<html>hello</html>\n"), |t| matches!(t, Trouble::Garbage(_)));
    check(OpenAi, |s| say(s, "200 OK", "", "data: {]\n\n"), |t| matches!(t, Trouble::Garbage(_)));
    check(Anthropic, |s| say(s, "200 OK", "", ""), |t| matches!(t, Trouble::Garbage(_)));
    let cut = |s: &mut TcpStream| {
        say(s, "200 OK", "", "data: {\"choices\":[{\"delta\":{\"content\":\"The rent\"}}]}\n\ndata: {\"cho")
    };
    check(OpenAi, cut, |t| matches!(t, Trouble::Cut));
    let broken = |s: &mut TcpStream| {
        let _ = write!(
            s,
            "HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\ndata: {{\"choices\":[{{\"delta\":{{\"content\":\"A\"}}}}]}}\n\n"
        );
    };
    check(OpenAi, broken, |t| matches!(t, Trouble::Cut));
    let endless = |s: &mut TcpStream| {
        let _ = write!(s, "HTTP/1.1 200 OK\r\n\r\ndata: ");
        while s.write_all(&[b'x'; 8192]).is_ok() {}
    };
    check(Google, endless, |t| matches!(t, Trouble::Garbage(_)));
    let slow = |_: &mut TcpStream| std::thread::sleep(Duration::from_millis(900));
    let server = Server::new(Box::new(move |_, stream| slow(stream)));
    let (gate, _) = test_gate(&server, true);
    let provider = provider(OpenAi, &server.address, "m");
    let written = write(&provider, &plain());
    let mut terms = terms(&written);
    terms.patience.connect = Duration::ZERO.saturating_add(Duration::from_millis(200));
    terms.tries.most = 1;
    let failed = send(&gate, &provider, &written, &terms, &Cancel::new(), &mut |_| {}).expect_err("too slow");
    assert!(matches!(failed.trouble, Trouble::Slow | Trouble::Gate(GateError::Network { .. })), "{:?}", failed.trouble);
    assert!(failed.so_far.bytes_out as usize > written.body.len(), "what left is counted although nothing came back");
}

#[test]
fn an_answer_in_one_piece_is_read_and_leaves_once() {
    let chat = r#"{"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"It is 90 days."},
        "finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":8}}"#;
    let unended =
        r#"{"choices":[{"message":{"content":"It is 90 days."}}],"usage":{"prompt_tokens":10,"completion_tokens":8}}"#;
    let messages = r#"{"type":"message","role":"assistant","content":[{"type":"text","text":"It is "},
        {"type":"text","text":"90 days."}],"stop_reason":"end_turn","usage":{"input_tokens":10,"output_tokens":8}}"#;
    let generate = r#"[{"candidates":[{"content":{"parts":[{"text":"It is "}]}}]},
        {"candidates":[{"content":{"parts":[{"text":"90 days."}]},"finishReason":"STOP"}],
        "usageMetadata":{"promptTokenCount":10,"candidatesTokenCount":8}}]"#;
    let cases = [
        (Service::Compatible, "content-type: application/json\r\n", chat),
        (Service::OpenAi, "", chat),
        (Service::Compatible, "content-type: application/json; charset=utf-8\r\n", unended),
        (Service::Anthropic, "content-type: application/json\r\n", messages),
        (Service::Google, "content-type: application/json\r\n", generate),
    ];
    for (service, kind, body) in cases {
        let server = Server::new(Box::new(move |_, stream| say(stream, "200 OK", kind, body)));
        let (gate, book) = test_gate(&server, true);
        let answer = ask(&gate, &provider(service, &server.address, "m"), &plain()).expect(body);
        assert_eq!(answer.text, "It is 90 days.", "{service:?}");
        assert_eq!(answer.finish, Some(Finish::End), "{service:?}");
        assert_eq!(answer.usage, Some(Usage { input_tokens: 10, output_tokens: 8 }), "{service:?}");
        assert_eq!((server.connections(), answer.tries, book.attempts.lock().expect("attempts").len()), (1, 1, 1));
    }
    use Service::*;
    check(OpenAi, |s| say(s, "200 OK", "", "{\"cho"), |t| matches!(t, Trouble::Garbage(_)));
    check(
        OpenAi,
        |s| say(s, "200 OK", "", r#"{"error":{"code":429,"message":"x"}}"#),
        |t| matches!(t, Trouble::TooMany { .. }),
    );
    let error = move |s: &mut TcpStream| say(s, "200 OK", "", r#"{"type":"error","error":{"type":"api_error"}}"#);
    check(Anthropic, error, |t| matches!(t, Trouble::Server { .. }));
}

#[test]
fn only_what_never_left_is_tried_again_and_it_counts_as_nothing() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", free.local_addr().expect("an address"));
    drop(free);
    let server = Server::new(Box::new(|_, _| {}));
    let (gate, book) = test_gate(&server, true);
    let failed = ask(&gate, &provider(Service::Compatible, &address, "m"), &plain()).expect_err("nobody listens");
    assert!(matches!(failed.trouble, Trouble::Gate(GateError::Unreached { .. })), "{:?}", failed.trouble);
    assert_eq!((failed.so_far.tries, failed.so_far.bytes_out, gate.counts().bytes_out), (3, 0, 0));
    let settled = book.settled.lock().expect("settled").clone();
    assert_eq!(settled.iter().map(|(_, settled)| settled.bytes_out).collect::<Vec<_>>(), [0, 0, 0]);

    // A server that takes the text and hangs up has it.
    let failed = ask(&gate, &provider(Service::OpenAi, &server.address, "m"), &plain()).expect_err("hung up");
    assert!(matches!(failed.trouble, Trouble::Gate(GateError::Network { .. })), "{:?}", failed.trouble);
    assert_eq!((failed.so_far.tries, server.connections()), (1, 1));
    assert!(failed.so_far.bytes_out > 0);
}

#[test]
fn a_redirect_is_not_followed_wherever_it_leads() {
    for target in ["http://127.0.0.1:9/x", "https://169.254.169.254/latest", "https://elsewhere.example/x", "/round"] {
        let server = Server::new(Box::new(move |_, stream| {
            say(stream, "307 There", &format!("location: {target}\r\n"), "");
        }));
        let (gate, book) = test_gate(&server, true);
        let failed = ask(&gate, &provider(Service::OpenAi, &server.address, "m"), &plain()).expect_err(target);
        assert!(matches!(failed.trouble, Trouble::Gate(GateError::Moved { .. })), "{target}: {:?}", failed.trouble);
        assert_eq!(server.connections(), 1, "{target}");
        let settled = book.settled.lock().expect("settled").clone();
        assert_eq!(settled[0].1.outcome, Outcome::Redirected { status: 307 });
    }
}

#[test]
fn other_bytes_than_those_shown_are_not_sent() {
    let server = Server::new(Box::new(|_, stream| say(stream, "200 OK", "", "never")));
    let (gate, book) = test_gate(&server, true);
    let provider = provider(Service::OpenAi, &server.address, "m");
    let written = write(&provider, &plain());
    let mut terms = terms(&written);
    terms.shown = hash(b"something else");
    let failed = send(&gate, &provider, &written, &terms, &Cancel::new(), &mut |_| {}).expect_err("refused");
    assert!(matches!(failed.trouble, Trouble::Gate(GateError::NotShown)), "{:?}", failed.trouble);
    assert_eq!((server.connections(), gate.counts().sent, gate.counts().bytes_out), (0, 0, 0));
    assert_eq!(book.refused.lock().expect("refused").len(), 1, "the refusal is in the ledger");
}

#[test]
fn without_law_or_ledger_nothing_is_sent() {
    let server = Server::new(Box::new(|_, stream| say(stream, "200 OK", "", "never")));
    let provider = provider(Service::Anthropic, &server.address, "m");
    let (gate, book) = test_gate(&server, false);
    let failed = ask(&gate, &provider, &plain()).expect_err("denied");
    assert!(matches!(failed.trouble, Trouble::Gate(GateError::Denied { .. })));
    assert_eq!(book.refused.lock().expect("refused").len(), 1);
    let (gate, book) = test_gate(&server, true);
    book.broken.store(true, Ordering::SeqCst);
    let failed = ask(&gate, &provider, &plain()).expect_err("no ledger");
    assert!(matches!(failed.trouble, Trouble::Gate(GateError::Ledger(_))));
    assert_eq!(server.connections(), 0);
}

#[test]
fn the_own_network_is_reached_for_a_configured_server_alone() {
    let server = Server::new(Box::new(|_, stream| {
        say(
            stream,
            "200 OK",
            "",
            "data: {\"choices\":[{\"delta\":{\"content\":\"Yes.\"},\"finish_reason\":\"stop\"}]}\n\n",
        );
    }));
    // A gate as people have it: nothing of this machine may be reached.
    let gate = || {
        let book = Arc::new(Book::default());
        Gate::new(Arc::new(Rule(true)), book, Arc::new(|| 0), GateSettings::default()).expect("a gate")
    };
    let own = provider(Service::Compatible, &server.address, "m");
    assert_eq!(ask(&gate(), &own, &plain()).expect("an answer").text, "Yes.");
    let by_name = provider(Service::Compatible, &server.address.replace("127.0.0.1", "localhost"), "m");
    assert_eq!(ask(&gate(), &by_name, &plain()).expect("an answer by its name").text, "Yes.");
    // The same address for a provider that has its place on the public network is refused, and so is what only looks near.
    let before = server.connections();
    let failed = ask(&gate(), &provider(Service::OpenAi, &server.address, "m"), &plain()).expect_err("not public");
    assert!(matches!(failed.trouble, Trouble::Gate(GateError::Address(_))), "{:?}", failed.trouble);
    let encrypted = provider(Service::OpenAi, &server.address.replace("http:", "https:"), "m");
    let failed = ask(&gate(), &encrypted, &plain()).expect_err("not public");
    assert!(matches!(failed.trouble, Trouble::Gate(GateError::NotPublic { .. })), "{:?}", failed.trouble);
    for address in ["http://169.254.169.254", "http://8.8.8.8", "http://[fe80::1]", "http://0.0.0.0"] {
        let failed = ask(&gate(), &provider(Service::Compatible, address, "m"), &plain()).expect_err(address);
        assert!(
            matches!(failed.trouble, Trouble::Gate(GateError::NotPublic { .. })),
            "{address}: {:?}",
            failed.trouble
        );
    }
    assert_eq!(server.connections(), before);
}

#[test]
fn a_person_stops_it_in_the_middle() {
    let server = Server::new(Box::new(|_, stream| {
        let _ =
            write!(stream, "HTTP/1.1 200 OK\r\n\r\ndata: {{\"choices\":[{{\"delta\":{{\"content\":\"The\"}}}}]}}\n\n");
        let _ = stream.flush();
        std::thread::sleep(Duration::from_millis(250));
    }));
    let (gate, _) = test_gate(&server, true);
    let provider = provider(Service::OpenAi, &server.address, "m");
    let (written, cancel) = (write(&provider, &plain()), Cancel::new());
    let stop = cancel.clone();
    let failed =
        send(&gate, &provider, &written, &terms(&written), &cancel, &mut |_| stop.cancel()).expect_err("stopped");
    assert!(matches!(failed.trouble, Trouble::Stopped), "{:?}", failed.trouble);
    assert_eq!(failed.so_far.text, "The");
}
