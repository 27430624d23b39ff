//! Replies as HTTP: the one shape of error with a fitting status, and the headers that every reply carries.

use crate::gate::{CSP, Turned};
use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hearth_api::{Error, ErrorCode};

/// Headers of every reply: nothing is kept, framed, guessed at or shared with another origin.
const HEADERS: [(HeaderName, HeaderValue); 8] = [
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CSP)),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), microphone=(), geolocation=(), display-capture=()"),
    ),
];

/// Adds the headers that every reply carries.
pub(crate) async fn harden(mut response: Response) -> Response {
    response.headers_mut().extend(HEADERS);
    response
}

/// An error of the kernel as a reply.
pub(crate) fn failed(error: Error) -> Response {
    let status = match error.code {
        ErrorCode::Locked | ErrorCode::WrongPassphrase | ErrorCode::Denied => StatusCode::FORBIDDEN,
        ErrorCode::NotFound => StatusCode::NOT_FOUND,
        ErrorCode::AlreadyExists | ErrorCode::InUse => StatusCode::CONFLICT,
        ErrorCode::Invalid => StatusCode::BAD_REQUEST,
        ErrorCode::Unavailable => StatusCode::NOT_IMPLEMENTED,
        ErrorCode::DiskFull | ErrorCode::NoMemory => StatusCode::INSUFFICIENT_STORAGE,
        ErrorCode::Damaged
        | ErrorCode::NewerFile
        | ErrorCode::ModelMissing
        | ErrorCode::ProcessDied
        | ErrorCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    };
    (status, Json(error)).into_response()
}

/// A request that was turned away, as a reply.
pub(crate) fn turned(why: Turned) -> Response {
    let (status, message) = match why {
        Turned::Host => (StatusCode::MISDIRECTED_REQUEST, "This door answers only to its own address."),
        Turned::Origin => (StatusCode::FORBIDDEN, "This door answers only its own page."),
        Turned::Token => (StatusCode::UNAUTHORIZED, "The token of this door is missing or wrong."),
        Turned::Method => (StatusCode::METHOD_NOT_ALLOWED, "This door has no such method."),
    };
    let error = Error::new(ErrorCode::Denied, message).hint("Open the link that Hearth printed.");
    (status, Json(error)).into_response()
}
