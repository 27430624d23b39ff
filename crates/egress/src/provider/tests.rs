//! Requests as written, streams as read.
