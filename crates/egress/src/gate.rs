//! The gate: the one place that sends. A request is a GET, or a POST that a person saw; what it may be is checked first,
//! then the law is asked, then the ledger writes, then it is sent. Redirects of a GET are followed here, each as a request
//! of its own.

mod post;

pub use post::{Key, Patience, Post, Reach};

use crate::address::{NotPublic, OwnHost, PublicOnly, is_public};
use crate::law::{Attempt, Law, Ledger, LedgerError, Outbound, Outcome, Purpose, Settled, Verdict};
use hearth_domain::TimeMs;
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_RANGE, HeaderMap, HeaderValue, LOCATION, RANGE};
use reqwest::{Client, Response, StatusCode, Url, redirect};
use std::error::Error;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// Redirects that are followed before a request is given up.
const MAX_HOPS: u32 = 6;
const CONNECT: Duration = Duration::from_secs(20);
const SILENCE: Duration = Duration::from_secs(60);

/// Tells the time. Rooms read no clock of their own.
pub type Clock = Arc<dyn Fn() -> TimeMs + Send + Sync>;

/// What a gate is built with, besides the law, the ledger and the clock.
#[derive(Debug, Clone)]
pub struct GateSettings {
    /// Where model repositories are served, without a trailing slash.
    pub hub: String,
    /// For tests only: one loopback host, such as `127.0.0.1`, that may be reached, without encryption.
    pub loopback_for_tests: Option<String>,
    /// How long to wait before a failed transfer is tried again; doubled each time.
    pub pause: Duration,
}

impl Default for GateSettings {
    fn default() -> Self {
        Self { hub: "https://huggingface.co".to_owned(), loopback_for_tests: None, pause: Duration::from_millis(500) }
    }
}

/// One request.
#[derive(Debug, Clone)]
pub struct Get {
    /// What it is for.
    pub purpose: Purpose,
    /// Where to.
    pub url: String,
    /// The first byte that is wanted, where it is not the first one of all.
    pub from: u64,
    /// The most bytes of a reply that are read.
    pub limit_bytes: u64,
}

/// Why a request was not sent, or came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
    /// The address is not one that the gate sends to.
    #[error("{0}")]
    Address(String),
    /// The law forbids it. Nothing was sent.
    #[error("{sentence}")]
    Denied {
        /// The rule.
        rule: String,
        /// Why, for a person.
        sentence: String,
    },
    /// The ledger cannot write. Nothing was sent.
    #[error("nothing was sent, because it could not be recorded: {0}")]
    Ledger(#[from] LedgerError),
    /// The host, or a redirect, leads to this machine or into the local network.
    #[error("{host} leads to {address}, which is not a public address; nothing was sent")]
    NotPublic {
        /// The host.
        host: String,
        /// Where it leads.
        address: IpAddr,
    },
    /// Too many redirects.
    #[error("{0} was redirected more than {max} times", max = MAX_HOPS)]
    Redirects(String),
    /// The reply is larger than asked for.
    #[error("the reply is larger than {0} bytes")]
    TooLarge(u64),
    /// The bytes are not those that a person saw. Nothing was sent.
    #[error("what was about to be sent is not what was shown; nothing was sent")]
    NotShown,
    /// The other side points elsewhere. It is not followed: a person said yes to one host.
    #[error("{host} points to {to} instead of answering; that was not followed")]
    Moved {
        /// The host.
        host: String,
        /// Where it points.
        to: String,
    },
    /// No connection came about: the name was not found, nobody listens, or encryption could not be agreed on. Not a byte
    /// of the request left.
    #[error("{host} could not be reached: {reason}; nothing was sent")]
    Unreached {
        /// The host.
        host: String,
        /// What went wrong.
        reason: String,
    },
    /// No answer in time.
    #[error("{host} did not answer in time")]
    Late {
        /// The host.
        host: String,
    },
    /// The network, the name service or the other side failed. Trying again may help.
    #[error("{host} could not be reached: {reason}")]
    Network {
        /// The host.
        host: String,
        /// What went wrong.
        reason: String,
    },
}

/// What has gone through a gate since it was built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Requests sent, redirects included.
    pub sent: u64,
    /// Requests refused by the law, the ledger or the gate itself.
    pub refused: u64,
    /// Bytes of requests.
    pub bytes_out: u64,
    /// Bytes of replies that were read.
    pub bytes_in: u64,
}

#[derive(Default)]
struct Tally {
    sent: AtomicU64,
    refused: AtomicU64,
    bytes_out: AtomicU64,
    bytes_in: AtomicU64,
    /// Set when an entry could not be settled: the record is no longer whole, and the gate closes.
    unsettled: AtomicBool,
}

/// The one gate. Clones share it.
#[derive(Clone)]
pub struct Gate {
    law: Arc<dyn Law>,
    ledger: Arc<dyn Ledger>,
    clock: Clock,
    client: Client,
    settings: Arc<GateSettings>,
    tally: Arc<Tally>,
}

impl Gate {
    /// A gate that asks this law and writes to this ledger. Opens no connection.
    ///
    /// # Errors
    /// [`GateError::Network`] where the system's certificates or resolver cannot be set up.
    pub fn new(
        law: Arc<dyn Law>,
        ledger: Arc<dyn Ledger>,
        clock: Clock,
        settings: GateSettings,
    ) -> Result<Self, GateError> {
        // Installed once for the whole process; a second call finds it there.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let patience = Patience { connect: CONNECT, first_byte: SILENCE, between: SILENCE };
        let client = client(&settings, None, &patience)?;
        Ok(Self { law, ledger, clock, client, settings: Arc::new(settings), tally: Arc::default() })
    }

    /// What it was built with.
    pub fn settings(&self) -> &GateSettings {
        &self.settings
    }

    /// What has gone through.
    pub fn counts(&self) -> Counts {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counts {
            sent: read(&self.tally.sent),
            refused: read(&self.tally.refused),
            bytes_out: read(&self.tally.bytes_out),
            bytes_in: read(&self.tally.bytes_in),
        }
    }

    /// Asks the law, then has the ledger write down a request that is about to be sent. Requests of [`Gate::get`] go
    /// through here by themselves; the package client's, which this room does not send, are admitted here by name.
    ///
    /// # Errors
    /// [`GateError::Denied`] or [`GateError::Ledger`]: it must not be sent.
    pub fn admit(&self, outbound: Outbound, hop: u32, bytes_out: u64) -> Result<Admitted, GateError> {
        let mut attempt = Attempt { at_ms: (self.clock)(), outbound, rule: String::new(), hop, bytes_out };
        match self.law.may(&attempt.outbound) {
            Verdict::Allow { rule } => attempt.rule = rule,
            Verdict::Deny { rule, sentence } => {
                attempt.rule.clone_from(&rule);
                self.refuse(&attempt, &sentence);
                return Err(GateError::Denied { rule, sentence });
            }
        }
        if self.tally.unsettled.load(Ordering::Relaxed) {
            self.tally.refused.fetch_add(1, Ordering::Relaxed);
            return Err(LedgerError("an earlier request could not be settled".to_owned()).into());
        }
        let id = self.ledger.attempt(&attempt).inspect_err(|_| {
            self.tally.refused.fetch_add(1, Ordering::Relaxed);
        })?;
        self.tally.sent.fetch_add(1, Ordering::Relaxed);
        self.tally.bytes_out.fetch_add(bytes_out, Ordering::Relaxed);
        Ok(Admitted {
            ledger: Arc::clone(&self.ledger),
            tally: Arc::clone(&self.tally),
            id,
            settled: Settled { bytes_out, bytes_in: 0, outcome: Outcome::Stopped { status: 0 } },
        })
    }

    /// Sends one request and follows where it leads. The reply's body is still to be read.
    ///
    /// # Errors
    /// [`GateError`]. A reply with an HTTP error status is a reply.
    pub async fn get(&self, get: &Get) -> Result<Reply, GateError> {
        let parsed = Url::parse(&get.url);
        let mut url = parsed.map_err(|error| GateError::Address(format!("{}: {error}", get.url)))?;
        for hop in 0..=MAX_HOPS {
            let outbound = Outbound {
                purpose: get.purpose,
                host: url.host_str().unwrap_or_default().to_ascii_lowercase(),
                url: without_secrets(&url),
                who: "person".to_owned(),
                label: None,
            };
            self.sound(&url, &outbound, hop, None)?;
            let host = outbound.host.clone();
            let headers = headers(get.from);
            let bytes_out = request_bytes("GET", &url, &headers, 0);
            let mut admitted = self.admit(outbound, hop, bytes_out)?;
            let sent = self.client.get(url.clone()).headers(headers).send().await;
            let response = sent.map_err(|error| {
                let error = network(&host, &error);
                admitted.settled.outcome = Outcome::Failed { reason: error.to_string() };
                error
            })?;
            let status = response.status();
            admitted.settled.outcome = Outcome::Stopped { status: status.as_u16() };
            if let Some(next) = redirected(&response) {
                admitted.settled.outcome = Outcome::Redirected { status: status.as_u16() };
                url = url.join(&next).map_err(|error| GateError::Address(format!("{next}: {error}")))?;
                continue;
            }
            let declared = response.content_length();
            if status.is_success() && declared.is_some_and(|bytes| bytes > get.limit_bytes) {
                return Err(GateError::TooLarge(get.limit_bytes));
            }
            return Ok(Reply { response, admitted, host, limit_bytes: get.limit_bytes, between: None });
        }
        Err(GateError::Redirects(without_secrets(&url)))
    }

    /// Whether an address is one that may be sent to at all: encrypted, no credentials, no address of a local network.
    /// `reach` names the one place of the own network that may be reached, also without encryption.
    fn sound(&self, url: &Url, outbound: &Outbound, hop: u32, reach: Option<&Reach>) -> Result<(), GateError> {
        let exempt = self.settings.loopback_for_tests.as_deref() == url.host_str();
        let reached = reach.is_some_and(|reach| reach.is(url));
        let plain = url.scheme() == "http";
        let wrong = if url.scheme() != "https" && !((exempt || reached) && plain) {
            Some(GateError::Address(format!("{} is not encrypted (https); nothing was sent", outbound.url)))
        } else if !url.username().is_empty() || url.password().is_some() {
            Some(GateError::Address(format!("{} carries a user name; nothing was sent", outbound.url)))
        } else {
            // A literal address is connected without a resolver, so it is checked here.
            let literal = url.host_str().map(|host| host.trim_start_matches('[').trim_end_matches(']'));
            let address = literal.and_then(|host| host.parse::<IpAddr>().ok());
            address
                .filter(|address| {
                    let may = if reached { post::reachable(*address, !plain) } else { is_public(*address) };
                    !exempt && !may
                })
                .map(|address| GateError::NotPublic { host: outbound.host.clone(), address })
        };
        let Some(error) = wrong else { return Ok(()) };
        let rule = "gate".to_owned();
        self.refuse(
            &Attempt { at_ms: (self.clock)(), outbound: outbound.clone(), rule, hop, bytes_out: 0 },
            &error.to_string(),
        );
        Err(error)
    }

    fn refuse(&self, attempt: &Attempt, sentence: &str) {
        self.tally.refused.fetch_add(1, Ordering::Relaxed);
        self.ledger.refused(attempt, sentence);
    }
}

/// A request that the law allowed and the ledger holds. Dropping it settles the entry.
pub struct Admitted {
    ledger: Arc<dyn Ledger>,
    tally: Arc<Tally>,
    id: u64,
    settled: Settled,
}

impl Admitted {
    /// Notes bytes of the reply.
    pub fn read(&mut self, bytes: u64) {
        self.settled.bytes_in = self.settled.bytes_in.saturating_add(bytes);
        self.tally.bytes_in.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Notes that no byte of the request left after all.
    fn nothing_left(&mut self) {
        let entered = std::mem::take(&mut self.settled.bytes_out);
        self.tally.bytes_out.fetch_sub(entered, Ordering::Relaxed);
    }

    /// Notes how it ended.
    pub fn ended(&mut self, outcome: Outcome) {
        self.settled.outcome = outcome;
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        if self.ledger.settle(self.id, &self.settled).is_err() {
            self.tally.unsettled.store(true, Ordering::Relaxed);
        }
    }
}

/// A reply whose body is still to be read.
pub struct Reply {
    response: Response,
    admitted: Admitted,
    host: String,
    limit_bytes: u64,
    between: Option<Duration>,
}

impl Reply {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// The first byte of the body within the whole, and the whole's length, where a part was sent.
    pub fn range(&self) -> Option<(u64, Option<u64>)> {
        let text = self.response.headers().get(CONTENT_RANGE)?.to_str().ok()?;
        let (range, whole) = text.strip_prefix("bytes ")?.split_once('/')?;
        let (first, _) = range.split_once('-')?;
        Some((first.trim().parse().ok()?, whole.trim().parse().ok()))
    }

    /// A header of the reply, where it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.response.headers().get(name)?.to_str().ok()
    }

    /// Bytes of the request, and of the reply's body as far as it was read.
    pub fn bytes(&self) -> (u64, u64) {
        (self.admitted.settled.bytes_out, self.admitted.settled.bytes_in)
    }

    /// Notes why a reply was given up.
    pub fn give_up(&mut self, reason: &str) {
        self.admitted.ended(Outcome::Failed { reason: reason.to_owned() });
    }

    /// The body's length as the other side gives it.
    pub fn length(&self) -> Option<u64> {
        self.response.content_length()
    }

    /// The next bytes of the body; none at its end.
    ///
    /// # Errors
    /// [`GateError::Network`] when the connection breaks, [`GateError::TooLarge`] past the limit.
    pub async fn chunk(&mut self) -> Result<Option<Vec<u8>>, GateError> {
        let status = self.status();
        let next = match self.between {
            None => self.response.chunk().await,
            Some(longest) => match tokio::time::timeout(longest, self.response.chunk()).await {
                Ok(next) => next,
                Err(_) => {
                    let error = GateError::Late { host: self.host.clone() };
                    self.admitted.ended(Outcome::Failed { reason: error.to_string() });
                    return Err(error);
                }
            },
        };
        match next {
            Ok(Some(bytes)) => {
                self.admitted.read(bytes.len() as u64);
                if self.admitted.settled.bytes_in > self.limit_bytes {
                    return Err(GateError::TooLarge(self.limit_bytes));
                }
                Ok(Some(bytes.into()))
            }
            Ok(None) => {
                self.admitted.ended(Outcome::Done { status });
                Ok(None)
            }
            Err(error) => {
                let error = network(&self.host, &error);
                self.admitted.ended(Outcome::Failed { reason: error.to_string() });
                Err(error)
            }
        }
    }

    /// The whole body.
    ///
    /// # Errors
    /// As [`Reply::chunk`].
    pub async fn body(mut self) -> Result<Vec<u8>, GateError> {
        let mut whole = Vec::new();
        while let Some(bytes) = self.chunk().await? {
            whole.extend_from_slice(&bytes);
        }
        Ok(whole)
    }
}

fn redirected(response: &Response) -> Option<String> {
    let follows = matches!(
        response.status(),
        StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::SEE_OTHER
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT
    );
    let location = response.headers().get(LOCATION)?.to_str().ok()?;
    follows.then(|| location.to_owned())
}

fn headers(from: u64) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    if from > 0
        && let Ok(range) = HeaderValue::from_str(&format!("bytes={from}-"))
    {
        headers.insert(RANGE, range);
    }
    headers
}

/// A client that goes nowhere but where it may. `own` is the part of the own network that it may reach, with the address
/// that is meant.
fn client(settings: &GateSettings, own: Option<(&Reach, &Url)>, patience: &Patience) -> Result<Client, GateError> {
    let plain = own.is_some_and(|(reach, url)| reach.is(url) && url.scheme() == "http");
    let own = own.map(|(reach, url)| OwnHost { host: reach.host.clone(), encrypted: url.scheme() == "https" });
    // No proxy: the address that was checked must be the one that is connected. No pool: a connection belongs to
    // the request that was allowed. No compression: what is counted is what is kept.
    Client::builder()
        .user_agent(concat!("hearth/", env!("CARGO_PKG_VERSION")))
        .dns_resolver(Arc::new(PublicOnly { test_host: settings.loopback_for_tests.clone(), own }))
        .redirect(redirect::Policy::none())
        .https_only(settings.loopback_for_tests.is_none() && !plain)
        .no_proxy()
        .referer(false)
        .pool_max_idle_per_host(0)
        // The client repeats by itself what some servers refuse; what a person allowed once leaves once.
        .retry(reqwest::retry::never())
        .connect_timeout(patience.connect)
        .read_timeout(patience.first_byte.max(patience.between))
        .build()
        .map_err(|error| GateError::Network { host: "this machine".to_owned(), reason: reason(&error) })
}

/// Bytes of a request before encryption: its first line, the host, the headers and the body.
fn request_bytes(verb: &str, url: &Url, headers: &HeaderMap, body: usize) -> u64 {
    let first = verb.len() + "  HTTP/1.1\r\n".len() + url.path().len() + url.query().map_or(0, |query| query.len() + 1);
    let host = "host: \r\n\r\n".len() + url.host_str().unwrap_or_default().len();
    let agent = concat!("user-agent: hearth/", env!("CARGO_PKG_VERSION"), "\r\n").len();
    let others: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    let length = if body > 0 { format!("content-length: {body}\r\n").len() } else { 0 };
    (first + host + agent + others + length + body) as u64
}

/// The address without what may be secret: user, password, query (signed links carry keys there) and fragment.
fn without_secrets(url: &Url) -> String {
    let mut shown = url.clone();
    shown.set_query(None);
    shown.set_fragment(None);
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown.into()
}

/// The gate's own word for what the client says. A refusal by the resolver lies somewhere in the chain of causes.
fn network(host: &str, error: &reqwest::Error) -> GateError {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(NotPublic { host, address }) = error.downcast_ref::<NotPublic>() {
            return GateError::NotPublic { host: host.clone(), address: *address };
        }
        cause = error.source();
    }
    GateError::Network { host: host.to_owned(), reason: reason(error) }
}

/// The innermost cause, which names the trouble; the outer ones repeat the address, query included.
fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut cause: &dyn Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    if std::ptr::addr_eq(cause, error) { "the connection failed".to_owned() } else { cause.to_string() }
}
