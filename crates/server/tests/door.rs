//! Who gets past the loopback door, and what those who do not are told. Requests are handed over as a browser or an
//! attacker would send them; nothing is bound.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, Response, StatusCode};
use hearth_api::{AnyCommand, Envelope, Error, ErrorCode, Event};
use hearth_server::{CSP, Door, Gate, router};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::sync::broadcast;
use tower::ServiceExt;

const PORT: u16 = 4711;
const HOST: &str = "127.0.0.1:4711";

/// Answers one command, refuses the rest, and remembers which reached it.
struct Scripted {
    seen: Arc<Mutex<Vec<&'static str>>>,
    events: broadcast::Sender<Envelope>,
}

impl Door for Scripted {
    fn dispatch(&self, command: AnyCommand) -> Result<Value, Error> {
        self.seen.lock().unwrap().push(command.name());
        match command {
            AnyCommand::ListSpaces(_) => Ok(json!([{"id": 1, "name": "Home", "documents": 0, "memories": 0}])),
            _ => Err(Error::new(ErrorCode::Locked, "The vault is locked.").hint("Unlock it.")),
        }
    }

    fn subscribe(&self) -> broadcast::Receiver<Envelope> {
        self.events.subscribe()
    }
}

struct House {
    router: Router,
    token: String,
    seen: Arc<Mutex<Vec<&'static str>>>,
    events: broadcast::Sender<Envelope>,
}

fn house() -> House {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (events, _) = broadcast::channel(16);
    let gate = Gate::new(PORT);
    let token = gate.token().to_owned();
    let door = Arc::new(Scripted { seen: seen.clone(), events: events.clone() });
    House { router: router(door, gate), token, seen, events }
}

impl House {
    async fn send(&self, request: Request<Body>) -> Response<Body> {
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// A command as the page sends it, with headers put over the usual ones (an empty value takes one away).
    async fn rpc(&self, body: &str, over: &[(&str, &str)]) -> (StatusCode, Value) {
        let bearer = format!("Bearer {}", self.token);
        let mut headers = vec![
            ("host", HOST),
            ("origin", "http://127.0.0.1:4711"),
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
            ("sec-fetch-site", "same-origin"),
        ];
        for (name, value) in over {
            headers.retain(|(known, _)| known != name);
            if !value.is_empty() {
                headers.push((name, value));
            }
        }
        let mut request = Request::post("/rpc");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let response = self.send(request.body(Body::from(body.to_owned())).unwrap()).await;
        let status = response.status();
        let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }
}

const LIST: &str = r#"{"name":"ListSpaces","args":{}}"#;

#[tokio::test]
async fn the_page_with_its_token_is_answered() {
    let house = house();
    let (status, reply) = house.rpc(LIST, &[]).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(reply[0]["name"], "Home");
    let (status, _) = house.rpc(LIST, &[("host", "localhost:4711"), ("origin", "http://localhost:4711")]).await;
    assert_eq!(status, StatusCode::OK);
    let (status, _) = house.rpc(LIST, &[("origin", ""), ("sec-fetch-site", "")]).await;
    assert_eq!(status, StatusCode::OK, "a program that is not a browser names no origin");
}

/// What it is, the headers put over the usual ones, and the reply's status.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], StatusCode);

#[tokio::test]
async fn foreign_requests_never_reach_the_kernel() {
    let house = house();
    let wrong = "Bearer ".to_owned() + &"0".repeat(64);
    let short = format!("Bearer {}", &house.token[..63]);
    let bare = house.token.clone();
    let cases: &[Case] = &[
        (
            "a name that resolves here (DNS rebinding)",
            &[("host", "attacker.example:4711")],
            StatusCode::MISDIRECTED_REQUEST,
        ),
        (
            "rebinding with a consistent origin",
            &[("host", "a.example:4711"), ("origin", "http://a.example:4711")],
            StatusCode::MISDIRECTED_REQUEST,
        ),
        ("a name under ours", &[("host", "127.0.0.1.example:4711")], StatusCode::MISDIRECTED_REQUEST),
        ("another port", &[("host", "127.0.0.1:4712")], StatusCode::MISDIRECTED_REQUEST),
        ("no port", &[("host", "127.0.0.1")], StatusCode::MISDIRECTED_REQUEST),
        ("any address", &[("host", "0.0.0.0:4711")], StatusCode::MISDIRECTED_REQUEST),
        ("no host", &[("host", "")], StatusCode::MISDIRECTED_REQUEST),
        ("another site", &[("origin", "https://attacker.example")], StatusCode::FORBIDDEN),
        ("another page of this machine", &[("origin", "http://127.0.0.1:8080")], StatusCode::FORBIDDEN),
        ("a sandboxed frame", &[("origin", "null")], StatusCode::FORBIDDEN),
        ("our address over TLS", &[("origin", "https://127.0.0.1:4711")], StatusCode::FORBIDDEN),
        ("a site that names no origin", &[("origin", ""), ("sec-fetch-site", "cross-site")], StatusCode::FORBIDDEN),
        ("no token", &[("authorization", "")], StatusCode::UNAUTHORIZED),
        ("a wrong token", &[("authorization", &wrong)], StatusCode::UNAUTHORIZED),
        ("a cut token", &[("authorization", &short)], StatusCode::UNAUTHORIZED),
        ("a token without its scheme", &[("authorization", &bare)], StatusCode::UNAUTHORIZED),
        ("a form of another page", &[("content-type", "text/plain")], StatusCode::UNSUPPORTED_MEDIA_TYPE),
    ];
    for (case, over, expect) in cases {
        let (status, reply) = house.rpc(LIST, over).await;
        assert_eq!(status, *expect, "{case}: {reply}");
    }
    assert!(house.seen.lock().unwrap().is_empty(), "something reached the kernel");
}

#[tokio::test]
async fn no_other_method_or_path_does_anything() {
    let house = house();
    for (method, path) in [
        ("PUT", "/rpc"),
        ("DELETE", "/rpc"),
        ("OPTIONS", "/rpc"),
        ("GET", "/rpc"),
        ("GET", "/events"),
        ("POST", "/"),
        ("POST", "/other"),
    ] {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", HOST)
            .header("authorization", format!("Bearer {}", house.token))
            .body(Body::empty())
            .unwrap();
        let response = house.send(request).await;
        assert!(response.status().is_client_error(), "{method} {path} gave {}", response.status());
        assert!(!response.headers().contains_key("access-control-allow-origin"), "{method} {path}");
    }
    for path in ["/../Cargo.toml", "/%2e%2e/Cargo.toml", "/..%2fCargo.toml", "//etc/passwd", "/C:/windows"] {
        let response = house.send(Request::get(path).header("host", HOST).body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
    }
    assert!(house.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn errors_keep_their_one_shape() {
    let house = house();
    let (status, reply) = house.rpc(r#"{"name":"LockVault","args":{}}"#, &[]).await;
    assert_eq!(
        (status, reply),
        (StatusCode::FORBIDDEN, json!({"code": "locked", "message": "The vault is locked.", "hint": "Unlock it."}))
    );
    for body in ["", "[]", "{", r#"{"name":"NoSuch","args":{}}"#, r#"{"name":"Ask","args":{"space":"one"}}"#] {
        let (status, reply) = house.rpc(body, &[]).await;
        assert_eq!((status, &reply["code"]), (StatusCode::BAD_REQUEST, &json!("invalid")), "{body}");
    }
    assert_eq!(*house.seen.lock().unwrap(), ["LockVault"]);
}

#[tokio::test]
async fn every_reply_is_hardened() {
    let house = house();
    for (method, path) in [("GET", "/"), ("GET", "/missing"), ("POST", "/rpc"), ("PUT", "/rpc")] {
        let request = Request::builder().method(method).uri(path).header("host", HOST).body(Body::empty()).unwrap();
        let response = house.send(request).await;
        assert_eq!(response.headers()["content-security-policy"], CSP, "{method} {path}");
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        assert_eq!(response.headers()["cache-control"], "no-store");
        assert_eq!(response.headers()["referrer-policy"], "no-referrer");
    }
    // Golden: a change here is a change of what the page may reach, and wants a second look.
    let golden = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' blob:; font-src 'self'; connect-src 'self'; \
                  object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'";
    assert_eq!(CSP, golden);
}

#[tokio::test]
async fn events_come_as_lines_after_a_hello() {
    let house = house();
    let request = Request::post("/events")
        .header("host", HOST)
        .header("authorization", format!("Bearer {}", house.token))
        .body(Body::empty())
        .unwrap();
    let response = house.send(request).await;
    assert_eq!(response.headers()["content-type"], "application/x-ndjson");
    house.events.send(Envelope { seq: 7, event: Event::Focused }).unwrap();
    let House { router, events, .. } = house;
    drop((router, events));
    let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    let lines: Vec<Value> = bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    assert_eq!(lines, [json!({"seq": 0, "event": {"kind": "hello"}}), json!({"seq": 7, "event": {"kind": "focused"}})]);
}

#[test]
fn tokens_are_long_and_never_repeat() {
    let tokens: std::collections::BTreeSet<String> = (0..100).map(|_| Gate::new(1).token().to_owned()).collect();
    assert_eq!(tokens.len(), 100);
    assert!(tokens.iter().all(|token| token.len() == 64));
}
