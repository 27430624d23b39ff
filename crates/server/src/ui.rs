//! The built interface, inside the binary.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

/// Names (with `/` between folders) and bytes, sorted by name.
static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/ui.rs"));

/// Answers a read of the page. Only names in the table exist, so no path can climb out of it.
pub(crate) fn file(path: &str) -> Response {
    let name = match path.strip_prefix('/').unwrap_or(path) {
        "" => "index.html",
        name => name,
    };
    match FILES.binary_search_by(|(known, _)| (*known).cmp(name)) {
        Ok(at) => {
            let (name, bytes) = FILES[at];
            ([(header::CONTENT_TYPE, kind(name))], bytes).into_response()
        }
        Err(_) if name == "index.html" => {
            (StatusCode::NOT_FOUND, "This build of Hearth carries no interface: build it with `npm run build` first.\n")
                .into_response()
        }
        Err(_) => (StatusCode::NOT_FOUND, "Not found.\n").into_response(),
    }
}

fn kind(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or("") {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "woff" => "font/woff",
        "wasm" => "application/wasm",
        _ => "application/octet-stream",
    }
}
