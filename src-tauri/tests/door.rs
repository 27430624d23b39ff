//! The window's door without a window: what the page may call, from where, and what the configuration lets it reach.

use hearth_api::{AnyCommand, Envelope, Error, ErrorCode};
use hearth_desktop::door::{House, add};
use hearth_server::Door;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tauri::ipc::{CallbackFn, InvokeBody};
use tauri::test::{INVOKE_KEY, MockRuntime, get_ipc_response, mock_builder};
use tauri::webview::InvokeRequest;
use tauri::{App, Manager, WebviewWindow, WebviewWindowBuilder};
use tokio::sync::broadcast;

struct Scripted {
    seen: Arc<Mutex<Vec<&'static str>>>,
    events: broadcast::Sender<Envelope>,
}

impl Door for Scripted {
    fn dispatch(&self, command: AnyCommand) -> Result<Value, Error> {
        self.seen.lock().unwrap().push(command.name());
        match command {
            AnyCommand::ListSpaces(_) => Ok(json!([{"id": 1, "name": "Home", "documents": 2, "memories": 0}])),
            _ => Err(Error::new(ErrorCode::Locked, "The vault is locked.")),
        }
    }

    fn subscribe(&self) -> broadcast::Receiver<Envelope> {
        self.events.subscribe()
    }
}

struct Stage {
    _app: App<MockRuntime>,
    window: WebviewWindow<MockRuntime>,
    other: WebviewWindow<MockRuntime>,
    seen: Arc<Mutex<Vec<&'static str>>>,
}

fn stage() -> Stage {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (events, _) = broadcast::channel(8);
    let app = add(mock_builder()).build(hearth_desktop::context()).unwrap();
    app.manage(House::new(Arc::new(Scripted { seen: seen.clone(), events }), None));
    let window = WebviewWindowBuilder::new(&app, "main", Default::default()).build().unwrap();
    let other = WebviewWindowBuilder::new(&app, "other", Default::default()).build().unwrap();
    Stage { _app: app, window, other, seen }
}

fn own_address() -> &'static str {
    if cfg!(windows) { "http://tauri.localhost" } else { "tauri://localhost" }
}

fn call(window: &WebviewWindow<MockRuntime>, from: &str, command: &str, body: Value) -> Result<Value, Value> {
    let request = InvokeRequest {
        cmd: command.into(),
        callback: CallbackFn(0),
        error: CallbackFn(1),
        url: from.parse().unwrap(),
        body: InvokeBody::Json(body),
        headers: Default::default(),
        invoke_key: INVOKE_KEY.to_string(),
    };
    get_ipc_response(window, request).map(|body| body.deserialize().unwrap())
}

#[test]
fn the_page_is_answered_in_the_kernels_words() {
    let stage = stage();
    let reply =
        call(&stage.window, own_address(), "rpc", json!({"command": {"name": "ListSpaces", "args": {}}})).unwrap();
    assert_eq!(reply[0]["documents"], 2);
    let error =
        call(&stage.window, own_address(), "rpc", json!({"command": {"name": "LockVault", "args": {}}})).unwrap_err();
    assert_eq!(error, json!({"code": "locked", "message": "The vault is locked.", "hint": null}));
}

#[test]
fn what_is_no_command_is_refused_with_the_one_shape_of_error() {
    let stage = stage();
    for command in [
        json!({}),
        json!("LockVault"),
        json!({"name": "ReadFile", "args": {"path": "/etc/passwd"}}),
        json!({"name": "Ask", "args": {}}),
    ] {
        let error = call(&stage.window, own_address(), "rpc", json!({ "command": command })).unwrap_err();
        assert_eq!(error["code"], "invalid", "{command}");
    }
    assert!(stage.seen.lock().unwrap().is_empty());
}

#[test]
fn no_other_command_and_no_plugin_can_be_called() {
    let stage = stage();
    for command in [
        "open",
        "plugin:dialog|open",
        "plugin:dialog|save",
        "plugin:fs|read_file",
        "plugin:shell|execute",
        "plugin:event|listen",
        "plugin:event|emit",
        "plugin:window|close",
        "plugin:webview|create_webview",
        "plugin:path|resolve_directory",
        "plugin:app|version",
        "plugin:resources|close",
    ] {
        assert!(call(&stage.window, own_address(), command, json!({})).is_err(), "{command}");
    }
}

#[test]
fn another_window_or_a_foreign_page_cannot_call() {
    let stage = stage();
    let list = json!({"command": {"name": "ListSpaces", "args": {}}});
    assert!(call(&stage.other, own_address(), "rpc", list.clone()).is_err());
    for foreign in ["https://attacker.example", "http://localhost:1420", "http://127.0.0.1"] {
        assert!(call(&stage.window, foreign, "rpc", list.clone()).is_err(), "{foreign}");
        assert!(call(&stage.window, foreign, "subscribe", json!({"channel": "__CHANNEL__:1"})).is_err(), "{foreign}");
    }
    assert!(stage.seen.lock().unwrap().is_empty());
}

#[test]
fn the_stream_can_be_asked_for() {
    let stage = stage();
    assert_eq!(call(&stage.window, own_address(), "subscribe", json!({"channel": "__CHANNEL__:1"})), Ok(Value::Null));
}

/// Golden: a change here is a change of what the page may reach, and wants a second look.
#[test]
fn the_configuration_is_the_hardened_one() {
    let context = hearth_desktop::context::<MockRuntime>();
    let app = serde_json::to_value(&context.config().app).unwrap();
    let security = &app["security"];
    assert_eq!(
        security["csp"],
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' blob:; font-src 'self'; \
         connect-src ipc: http://ipc.localhost; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'"
    );
    assert_eq!(security["freezePrototype"], true);
    assert_eq!(security["assetProtocol"]["enable"], false);
    assert_eq!(security["dangerousDisableAssetCspModification"], false);
    assert_eq!(security["capabilities"], json!(["main"]));
    assert_eq!(app["withGlobalTauri"], false);
    assert_eq!(app["windows"], json!([]));
    assert!(context.config().build.dev_url.is_none(), "a plain build would load a local address");

    let capability: Value = serde_json::from_str(include_str!("../capabilities/main.json")).unwrap();
    assert_eq!(capability["windows"], json!(["main"]));
    assert_eq!(capability["permissions"], json!(["allow-rpc", "allow-subscribe"]));
    assert!(capability.get("remote").is_none());
    let folder = format!("{}/capabilities", std::env::var("CARGO_MANIFEST_DIR").unwrap());
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 1, "one capability and no other");
}
