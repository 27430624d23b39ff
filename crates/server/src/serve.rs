//! Binding, the two paths that do something, and the stream of events.

use crate::door::Door;
use crate::gate::Gate;
use crate::{answer, ui};
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use futures_util::stream;
use hearth_api::{AnyCommand, Envelope, Error, ErrorCode, Event};
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::broadcast::{Receiver, error::RecvError};

/// The largest command: a few pasted or dropped files in base64.
const BODY_BYTES: usize = 128 * 1024 * 1024;
/// How often a quiet stream says that it lives.
const HEARTBEAT: Duration = Duration::from_secs(15);

struct Shared {
    door: Arc<dyn Door>,
    gate: Gate,
}

/// A door that is bound and not yet open.
pub struct Bound {
    listener: TcpListener,
    gate: Gate,
}

/// Binds a free port of 127.0.0.1.
pub async fn bind() -> io::Result<Bound> {
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
    let gate = Gate::new(listener.local_addr()?.port());
    Ok(Bound { listener, gate })
}

impl Bound {
    /// The link that lets a person in.
    pub fn link(&self) -> String {
        self.gate.link()
    }

    /// Answers until `until` is done; streams end with it.
    pub async fn serve(self, door: Arc<dyn Door>, until: impl Future<Output = ()> + Send) -> io::Result<()> {
        let server = axum::serve(self.listener, router(door, self.gate));
        tokio::select! {
            ended = server.into_future() => ended,
            () = until => Ok(()),
        }
    }
}

/// The whole door as one service: a gate in front, two commands, the page for the rest.
pub fn router(door: Arc<dyn Door>, gate: Gate) -> Router {
    let shared = Arc::new(Shared { door, gate });
    Router::new()
        .route("/rpc", post(rpc))
        .route("/events", post(events))
        .fallback(page)
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .layer(middleware::from_fn_with_state(shared.clone(), check))
        .layer(middleware::map_response(answer::harden))
        .with_state(shared)
}

async fn check(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    match shared.gate.check(request.method(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(why) => {
            tracing::warn!(?why, "turned away at the loopback door");
            answer::turned(why)
        }
    }
}

async fn rpc(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let json = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    if json.split(';').next().map(str::trim) != Some("application/json") {
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, Json(Error::new(ErrorCode::Invalid, "A command is JSON.")))
            .into_response();
    }
    let command: AnyCommand = match serde_json::from_slice(&body) {
        Ok(command) => command,
        Err(error) => {
            return answer::failed(Error::new(ErrorCode::Invalid, format!("That is no command of Hearth: {error}.")));
        }
    };
    drop(body);
    match tokio::task::spawn_blocking(move || shared.door.dispatch(command)).await {
        Ok(Ok(reply)) => Json(reply).into_response(),
        Ok(Err(error)) => answer::failed(error),
        Err(error) => {
            answer::failed(Error::new(ErrorCode::Internal, format!("The command did not come back: {error}.")))
        }
    }
}

async fn events(State(shared): State<Arc<Shared>>) -> Response {
    let receiver = shared.door.subscribe();
    let hello = Envelope { seq: 0, event: Event::Hello };
    let lines = stream::unfold((Some(hello), receiver), |(first, mut receiver)| async move {
        let line = match first {
            Some(hello) => line(&hello),
            None => next_line(&mut receiver).await?,
        };
        Some((Ok::<Bytes, io::Error>(line), (None, receiver)))
    });
    ([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(lines)).into_response()
}

/// The next event as a line, an empty line after a quiet while, none when the kernel has stopped.
async fn next_line(receiver: &mut Receiver<Envelope>) -> Option<Bytes> {
    loop {
        match tokio::time::timeout(HEARTBEAT, receiver.recv()).await {
            Ok(Ok(envelope)) => return Some(line(&envelope)),
            // The gap in `seq` tells the page to ask again.
            Ok(Err(RecvError::Lagged(_))) => continue,
            Ok(Err(RecvError::Closed)) => return None,
            Err(_) => return Some(Bytes::from_static(b"\n")),
        }
    }
}

fn line(envelope: &Envelope) -> Bytes {
    let mut text = serde_json::to_vec(envelope).unwrap_or_default();
    text.push(b'\n');
    text.into()
}

async fn page(request: Request) -> Response {
    if *request.method() == axum::http::Method::POST {
        return answer::failed(Error::new(ErrorCode::NotFound, "This door has no such command path."));
    }
    ui::file(request.uri().path())
}
