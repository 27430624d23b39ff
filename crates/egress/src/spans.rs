//! Spans for a collector on this machine: OTLP over HTTP, in its JSON form (`POST /v1/traces`). Nothing but a loopback
//! address is a collector, so what is told never leaves the machine.

use crate::gate::{Gate, GateError, Patience, Post, Reach};
use crate::law::Purpose;
use hearth_domain::{BlobHash, Label};
use reqwest::Url;
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use std::time::Duration;

/// Where collectors listen for traces.
const PATH: &str = "/v1/traces";
/// Bytes of a reply that are read, at most.
const REPLY_BYTES: u64 = 64 << 10;

/// Spans that a collector did not take.
#[derive(Debug, thiserror::Error)]
pub enum NotTaken {
    /// The gate did not let them through, or nobody listens.
    #[error("{0}")]
    Gate(#[from] GateError),
    /// It answered, and not with yes.
    #[error("the collector answered with status {status}{}", said.as_deref().map(|said| format!(": {said}")).unwrap_or_default())]
    Status {
        /// The HTTP status.
        status: u16,
        /// The beginning of what it said.
        said: Option<String>,
    },
    /// It took the request and left spans out.
    #[error("the collector left out {count} spans{}", if why.is_empty() { String::new() } else { format!(": {why}") })]
    Partly {
        /// How many.
        count: u64,
        /// Why, in its words.
        why: String,
    },
}

/// The whole address of a collector on this machine.
///
/// # Errors
/// What is wrong with it, in a sentence.
pub fn collector(address: &str) -> Result<String, String> {
    let address = address.trim();
    // A port, or a host with one, is this machine's without more words.
    let whole = match address {
        port if port.parse::<u16>().is_ok() => format!("http://127.0.0.1:{port}"),
        whole if whole.contains("://") => whole.to_owned(),
        host => format!("http://{host}"),
    };
    let mut url = Url::parse(&whole).map_err(|error| {
        format!("This address cannot be read ({error}); one looks like http://127.0.0.1:4318, or just 4318.")
    })?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("The address must begin with http:// or https://.".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err("The address may hold no user, password or query.".to_owned());
    }
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
    // The name is taken for the address, so that no resolver has a say in it.
    if host.eq_ignore_ascii_case("localhost") {
        url.set_host(Some("127.0.0.1")).map_err(|error| error.to_string())?;
    } else if !host.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback()) {
        return Err(format!("{host} is not this machine; spans are told to a collector on this machine only."));
    }
    if url.path() == "/" {
        url.set_path(PATH);
    }
    Ok(url.into())
}

/// Tells a collector. `request` is the JSON of an `ExportTraceServiceRequest`. Blocks; must not be called inside an async
/// task.
///
/// # Errors
/// [`NotTaken`].
pub fn tell(gate: &Gate, url: &str, request: Vec<u8>) -> Result<(), NotTaken> {
    let seconds = Duration::from_secs;
    let post = Post {
        purpose: Purpose::Spans,
        url: url.to_owned(),
        headers: Vec::new(),
        key: None,
        shown: BlobHash(Sha256::digest(&request).into()),
        body: request,
        label: Label::Internal,
        reach: Reach::of(url),
        patience: Patience { connect: seconds(2), first_byte: seconds(10), between: seconds(10) },
        limit_bytes: REPLY_BYTES,
    };
    let here =
        |error: std::io::Error| GateError::Network { host: "this machine".to_owned(), reason: error.to_string() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(here)?;
    let (status, body) = runtime.block_on(async {
        let reply = gate.post(&post).await?;
        Ok::<_, GateError>((reply.status(), reply.body().await?))
    })?;
    if !(200..300).contains(&status) {
        let said =
            String::from_utf8_lossy(&body).chars().filter(|sign| !sign.is_control()).take(200).collect::<String>();
        return Err(NotTaken::Status { status, said: Some(said).filter(|said| !said.is_empty()) });
    }
    left_out(&body)
}

/// What a collector says that it left out. It may answer with nothing, or in the other form of OTLP, which is as good as yes.
fn left_out(body: &[u8]) -> Result<(), NotTaken> {
    let reply: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let partly = reply.get("partialSuccess");
    let count = partly.and_then(|partly| {
        let count = partly.get("rejectedSpans")?;
        count.as_u64().or_else(|| count.as_str()?.parse().ok())
    });
    match count {
        None | Some(0) => Ok(()),
        Some(count) => {
            let why = partly.and_then(|partly| partly.get("errorMessage")?.as_str()).unwrap_or_default();
            Err(NotTaken::Partly { count, why: why.chars().take(200).collect() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collector_is_on_this_machine_or_none() {
        for (address, whole) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            (" http://localhost:4318/ ", "http://127.0.0.1:4318/v1/traces"),
            ("http://[::1]:4318", "http://[::1]:4318/v1/traces"),
            ("4318", "http://127.0.0.1:4318/v1/traces"),
            ("localhost:4318", "http://127.0.0.1:4318/v1/traces"),
            ("http://127.8.0.9/otlp/v1/traces", "http://127.8.0.9/otlp/v1/traces"),
        ] {
            assert_eq!(collector(address).as_deref(), Ok(whole), "{address}");
        }
        for address in [
            "http://collector.example:4318",
            "http://10.0.0.7:4318",
            "http://127.0.0.1.example:4318",
            "http://localhost.example",
            "http://0.0.0.0:4318",
            "http://user:word@127.0.0.1:4318",
            "http://127.0.0.1:4318/?to=elsewhere",
            "grpc://127.0.0.1:4317",
            "10.0.0.7:4318",
            "collector.example",
            "99999",
            "",
        ] {
            assert!(collector(address).is_err(), "{address}");
        }
    }

    #[test]
    fn what_was_left_out_is_told() {
        for body in
            [&b""[..], b"{}", b"\n\x00", b"{\"partialSuccess\":{}}", b"{\"partialSuccess\":{\"rejectedSpans\":\"0\"}}"]
        {
            assert!(left_out(body).is_ok(), "{body:?}");
        }
        let told = left_out(b"{\"partialSuccess\":{\"rejectedSpans\":\"3\",\"errorMessage\":\"full\"}}").unwrap_err();
        assert_eq!(told.to_string(), "the collector left out 3 spans: full");
    }
}
