//! Who may come in: a request from this machine's own page, with the token that was printed for a person.
//!
//! A foreign page cannot get past it even when its name resolves to 127.0.0.1: its Host and Origin give it away, and
//! it has no token.

use axum::http::{HeaderMap, Method, header};
use subtle::ConstantTimeEq;

/// What the page may load and reach: its own origin, nothing else.
pub const CSP: &str = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' blob:; font-src 'self'; \
     connect-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'";

/// The port and the token that requests are held against.
pub struct Gate {
    port: u16,
    token: String,
}

/// Why a request is turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turned {
    /// Not addressed to this door.
    Host,
    /// Sent by some other page.
    Origin,
    /// Without the token, or with another one.
    Token,
    /// Neither a read of the page nor a command.
    Method,
}

impl Gate {
    /// Makes a gate for a port, with a fresh token of 256 random bits in hexadecimal.
    pub fn new(port: u16) -> Self {
        let bytes: [u8; 32] = rand::random();
        Self { port, token: bytes.iter().map(|byte| format!("{byte:02x}")).collect() }
    }

    /// The link that lets a person in. The token stands in the part that browsers never send.
    pub fn link(&self) -> String {
        format!("http://127.0.0.1:{}/#token={}", self.port, self.token)
    }

    /// The token, for a program that speaks to the door itself.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Lets a request pass, or says why not. Reads of the page need no token: they hold nothing of the person's.
    pub(crate) fn check(&self, method: &Method, headers: &HeaderMap) -> Result<(), Turned> {
        let authorities = [format!("127.0.0.1:{}", self.port), format!("localhost:{}", self.port)];
        let mut hosts = headers.get_all(header::HOST).iter();
        let host = hosts.next().and_then(|value| value.to_str().ok()).ok_or(Turned::Host)?;
        if hosts.next().is_some() || !authorities.iter().any(|allowed| allowed.eq_ignore_ascii_case(host)) {
            return Err(Turned::Host);
        }
        for origin in headers.get_all(header::ORIGIN) {
            let origin = origin.to_str().map_err(|_| Turned::Origin)?;
            let authority = origin.strip_prefix("http://").ok_or(Turned::Origin)?;
            if !authorities.iter().any(|allowed| allowed.eq_ignore_ascii_case(authority)) {
                return Err(Turned::Origin);
            }
        }
        if let Some(site) = headers.get("sec-fetch-site")
            && site != "same-origin"
            && site != "none"
        {
            // A link in another program opens the page as "none"; a link on another site may open it too, but not read it.
            let opens = headers.get("sec-fetch-mode").is_some_and(|mode| mode == "navigate") && *method == Method::GET;
            if !opens {
                return Err(Turned::Origin);
            }
        }
        match *method {
            Method::GET | Method::HEAD => Ok(()),
            Method::POST => self.check_token(headers),
            _ => Err(Turned::Method),
        }
    }

    fn check_token(&self, headers: &HeaderMap) -> Result<(), Turned> {
        let mut given = headers.get_all(header::AUTHORIZATION).iter();
        let value = given.next().and_then(|value| value.to_str().ok()).ok_or(Turned::Token)?;
        let token = value.strip_prefix("Bearer ").ok_or(Turned::Token)?;
        let equal: bool = token.as_bytes().ct_eq(self.token.as_bytes()).into();
        if equal && given.next().is_none() { Ok(()) } else { Err(Turned::Token) }
    }
}
