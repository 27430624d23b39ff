//! The page's side of the door: one command and one stream. What arrives is checked for shape and handed on.

use hearth_api::{AnyCommand, Envelope, Error, ErrorCode, Event};
use hearth_server::Door;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;
use tauri::State;
use tauri::ipc::Channel;
use tokio::sync::broadcast::error::RecvError;

/// What the two commands share.
pub struct House {
    door: Arc<dyn Door>,
    /// Counts subscriptions: a page that was loaded anew ends the stream of the one before.
    stream: Arc<AtomicU64>,
    ready: Option<Instant>,
    reported: AtomicBool,
}

impl House {
    /// Stands between the window and the kernel. With `ready`, prints how long after it the page first subscribed.
    pub fn new(door: Arc<dyn Door>, ready: Option<Instant>) -> Self {
        Self { door, stream: Arc::default(), ready, reported: AtomicBool::new(false) }
    }

    fn report(&self) {
        if let Some(since) = self.ready
            && !self.reported.swap(true, Ordering::Relaxed)
        {
            println!("ready {}", since.elapsed().as_millis());
        }
    }
}

/// Answers one command: `{"name": ..., "args": ...}`.
#[tauri::command]
pub async fn rpc(house: State<'_, House>, command: Value) -> Result<Value, Error> {
    let command: AnyCommand = serde_json::from_value(command)
        .map_err(|error| Error::new(ErrorCode::Invalid, format!("That is no command of Hearth: {error}.")))?;
    let door = house.door.clone();
    match tauri::async_runtime::spawn_blocking(move || door.dispatch(command)).await {
        Ok(reply) => reply,
        Err(error) => Err(Error::new(ErrorCode::Internal, format!("The command did not come back: {error}."))),
    }
}

/// Sends everything that happens from now on, after a hello.
#[tauri::command]
pub async fn subscribe(house: State<'_, House>, channel: Channel<Envelope>) -> Result<(), Error> {
    let mut events = house.door.subscribe();
    let stream = house.stream.clone();
    let mine = stream.fetch_add(1, Ordering::SeqCst) + 1;
    house.report();
    let gone = |error: tauri::Error| Error::new(ErrorCode::Internal, format!("The stream could not begin: {error}."));
    channel.send(Envelope { seq: 0, event: Event::Hello }).map_err(gone)?;
    tauri::async_runtime::spawn(async move {
        loop {
            match events.recv().await {
                _ if stream.load(Ordering::SeqCst) != mine => return,
                Ok(envelope) => {
                    if channel.send(envelope).is_err() {
                        return;
                    }
                }
                // The gap in `seq` tells the page to ask again.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    });
    Ok(())
}

/// Adds the two commands to an application.
pub fn add<R: tauri::Runtime>(builder: tauri::Builder<R>) -> tauri::Builder<R> {
    builder.invoke_handler(tauri::generate_handler![rpc, subscribe])
}
