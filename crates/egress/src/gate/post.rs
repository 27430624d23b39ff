//! Sending text: a POST whose body a person saw. The body is compared with what was shown before anything else happens;
//! it goes to the one host that was named, which may lie in the own network where a person configured that, and nowhere
//! that a reply points to.

use super::{Gate, GateError, Reply, client, headers, network, redirected, request_bytes, without_secrets};
use crate::address::is_own_network;
use crate::law::{Attempt, Outbound, Outcome, Purpose};
use hearth_domain::{BlobHash, Label};
use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use sha2::{Digest, Sha256};
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;
use zeroize::Zeroizing;

/// What opens a provider's door. It is never shown, logged or written down.
#[derive(Clone)]
pub struct Key(Zeroizing<String>);

impl Key {
    /// Takes a key; spaces and line ends around it are dropped.
    pub fn new(text: impl Into<String>) -> Self {
        let text = Zeroizing::new(text.into());
        Self(Zeroizing::new(text.trim().to_owned()))
    }

    /// The key itself, for the one who keeps or sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(hidden)")
    }
}

/// One host and port of the own network (this machine, or the local one) that a person configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// The host, lower case, as it stands in the address.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl Reach {
    /// The host and port of an address.
    pub fn of(url: &str) -> Option<Self> {
        let url = Url::parse(url).ok()?;
        Some(Self { host: url.host_str()?.to_ascii_lowercase(), port: url.port_or_known_default()? })
    }

    pub(super) fn is(&self, url: &Url) -> bool {
        url.host_str().is_some_and(|host| host.eq_ignore_ascii_case(&self.host))
            && url.port_or_known_default() == Some(self.port)
    }
}

/// How long each part of an exchange may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Until the connection stands.
    pub connect: Duration,
    /// From there until the reply begins.
    pub first_byte: Duration,
    /// Between two pieces of the reply.
    pub between: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { connect: seconds(20), first_byte: seconds(120), between: seconds(60) }
    }
}

/// One request that carries text.
#[derive(Debug, Clone)]
pub struct Post {
    /// What it is for.
    pub purpose: Purpose,
    /// Where to.
    pub url: String,
    /// Headers that say nothing secret.
    pub headers: Vec<(&'static str, String)>,
    /// The header that carries the key, with the words before it.
    pub key: Option<(&'static str, &'static str, Key)>,
    /// The bytes.
    pub body: Vec<u8>,
    /// SHA-256 of the bytes that a person saw. Others are not sent.
    pub shown: BlobHash,
    /// How guarded the text is.
    pub label: Label,
    /// The part of the own network that may be reached for it, if any.
    pub reach: Option<Reach>,
    /// How long to wait.
    pub patience: Patience,
    /// The most bytes of a reply that are read.
    pub limit_bytes: u64,
}

impl Gate {
    /// Sends one request with a body. A reply that points elsewhere is not followed: a person said yes to one host.
    ///
    /// # Errors
    /// [`GateError`]. A reply with an HTTP error status is a reply.
    pub async fn post(&self, post: &Post) -> Result<Reply, GateError> {
        let parsed = Url::parse(&post.url);
        let url = parsed.map_err(|error| GateError::Address(format!("the address cannot be read: {error}")))?;
        let outbound = Outbound {
            purpose: post.purpose,
            host: url.host_str().unwrap_or_default().to_ascii_lowercase(),
            url: without_secrets(&url),
            who: "person".to_owned(),
            label: Some(post.label),
        };
        let host = outbound.host.clone();
        if BlobHash(Sha256::digest(&post.body).into()) != post.shown {
            let error = GateError::NotShown;
            let rule = "gate".to_owned();
            let at_ms = (self.clock)();
            self.refuse(&Attempt { at_ms, outbound, rule, hop: 0, bytes_out: 0 }, &error.to_string());
            return Err(error);
        }
        self.sound(&url, &outbound, 0, post.reach.as_ref())?;
        let sent_headers = with(post, headers(0))?;
        let bytes_out = request_bytes("POST", &url, &sent_headers, post.body.len());
        let client = client(&self.settings, post.reach.as_ref().map(|reach| (reach, &url)), &post.patience)?;
        let mut admitted = self.admit(outbound, 0, bytes_out)?;
        let sending = client.post(url).headers(sent_headers).body(post.body.clone()).send();
        let waited =
            tokio::time::timeout(post.patience.connect.saturating_add(post.patience.first_byte), sending).await;
        let failed = match waited {
            Ok(Ok(response)) => {
                let status = response.status().as_u16();
                admitted.settled.outcome = Outcome::Stopped { status };
                if let Some(next) = redirected(&response) {
                    admitted.settled.outcome = Outcome::Redirected { status };
                    let to = Url::parse(&next).ok().and_then(|url| url.host_str().map(str::to_owned));
                    return Err(GateError::Moved { to: to.unwrap_or_else(|| host.clone()), host });
                }
                let between = Some(post.patience.between);
                return Ok(Reply { response, admitted, host, limit_bytes: post.limit_bytes, between });
            }
            Ok(Err(error)) => {
                let connected = !error.is_connect();
                match network(&host, &error) {
                    GateError::Network { host, reason } if !connected => GateError::Unreached { host, reason },
                    other => other,
                }
            }
            Err(_) => GateError::Late { host: host.clone() },
        };
        // What could not be connected was not sent.
        if matches!(failed, GateError::Unreached { .. } | GateError::NotPublic { .. }) {
            admitted.nothing_left();
        }
        admitted.settled.outcome = Outcome::Failed { reason: failed.to_string() };
        Err(failed)
    }
}

/// The headers of a request, the key among them, marked so that nothing prints it.
fn with(post: &Post, mut headers: HeaderMap) -> Result<HeaderMap, GateError> {
    let wrong = |what: &str| GateError::Address(format!("{what} cannot be sent in a header; nothing was sent"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in &post.headers {
        let value = HeaderValue::from_str(value).map_err(|_| wrong(name))?;
        headers.insert(HeaderName::from_static(name), value);
    }
    if let Some((name, before, key)) = &post.key {
        let text = Zeroizing::new(format!("{before}{}", key.expose()));
        let mut value = HeaderValue::from_str(&text).map_err(|_| wrong("the key holds signs that"))?;
        value.set_sensitive(true);
        headers.insert(HeaderName::from_static(name), value);
    }
    Ok(headers)
}

/// Whether an address may be reached for a configured host: public ones only with encryption, others only in the own
/// network.
pub(super) fn reachable(address: IpAddr, encrypted: bool) -> bool {
    is_own_network(address) || (encrypted && crate::address::is_public(address))
}
