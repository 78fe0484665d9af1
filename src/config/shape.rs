//! The shapes of values that several sections know: addresses, ids, secrets from files.

use super::Mistakes;
use crate::domain::id::is_uuid;
use secrecy::{ExposeSecret, SecretString};
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::path::Path;
use zeroize::Zeroizing;

/// Whether plain `http://` may be used at all (then only to this machine).
#[derive(Debug, Clone, Copy)]
pub(super) struct PlainHttp(pub(super) bool);

impl Mistakes {
    /// A number within its limits.
    pub(super) fn range<N: PartialOrd + std::fmt::Display>(
        &mut self,
        key: impl AsRef<str>,
        value: N,
        limits: RangeInclusive<N>,
    ) {
        if !limits.contains(&value) {
            let (from, to) = limits.into_inner();
            self.add(key, format!("{value} is not between {from} and {to}"));
        }
    }

    /// A text that must be there.
    pub(super) fn required(&mut self, key: impl AsRef<str>, value: Option<String>) -> String {
        match value {
            Some(text) if !text.trim().is_empty() => text,
            _ => {
                self.add(key, "is required");
                String::new()
            }
        }
    }

    /// A UUID that must be there.
    pub(super) fn uuid(&mut self, key: impl AsRef<str>, value: Option<String>) -> String {
        let text = self.required(key.as_ref(), value);
        if !text.is_empty() && !is_uuid(&text) {
            self.add(key, format!("`{text}` is not a UUID"));
        }
        text
    }

    /// A secret, given as it is or as a file that holds it.
    pub(super) fn secret(
        &mut self,
        key: &str,
        value: Option<SecretString>,
        file: Option<&Path>,
    ) -> SecretString {
        let secret = match (value, file) {
            (Some(_), Some(_)) => {
                self.add(
                    key,
                    format!("is given twice: as `{key}` and as `{key}_file`"),
                );
                return SecretString::default();
            }
            (None, None) => {
                self.add(key, format!("is required (or `{key}_file`)"));
                return SecretString::default();
            }
            (Some(secret), None) => secret,
            (None, Some(path)) => match std::fs::read_to_string(path).map(Zeroizing::new) {
                Ok(text) => SecretString::from(text.trim().to_owned()),
                Err(error) => {
                    self.add(
                        format!("{key}_file"),
                        format!("{}: {error}", path.display()),
                    );
                    return SecretString::default();
                }
            },
        };
        if secret.expose_secret().is_empty() {
            self.add(key, "is empty");
        } else if secret.expose_secret().chars().any(char::is_control) {
            self.add(key, "has control characters or several lines");
        }
        secret
    }

    /// An address: `https`, or `http` to this machine where that is allowed.
    pub(super) fn url(&mut self, key: impl AsRef<str>, url: &str, plain: PlainHttp) {
        if let Err(why) = check_url(url, plain) {
            self.add(key, format!("`{url}` {why}"));
        }
    }
}

fn check_url(url: &str, PlainHttp(allowed): PlainHttp) -> Result<(), &'static str> {
    let (scheme, rest) = url.split_once("://").ok_or("is not an address")?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err("must not hold a user or password");
    }
    let host = host(authority).ok_or("has no valid host")?;
    if rest.contains(['?', '#', ' ', '\\']) {
        return Err("must not have a query, a fragment or blanks");
    }
    match scheme {
        "https" => Ok(()),
        "http" if !allowed => Err("is plain http, which needs `outbound.allow_plain_http = true`"),
        "http" if is_loopback(host) => Ok(()),
        "http" => Err("is plain http, which is allowed to this machine only"),
        _ => Err("must begin with https://"),
    }
}

/// The host without its port.
fn host(authority: &str) -> Option<&str> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            (
                host,
                port.strip_prefix(':')
                    .or((port.is_empty()).then_some("443"))?,
            )
        }
        None => authority.split_once(':').unwrap_or((authority, "443")),
    };
    let named = host.contains(':') || is_host(host);
    (named && port.parse::<u16>().is_ok_and(|port| port > 0)).then_some(host)
}

/// Whether `text` is a host name or an IPv4 address.
pub(super) fn is_host(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 253
        && text.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        })
}

pub(super) fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (url, plain, good) in [
            ("https://accounts.cloud.databricks.com", false, true),
            ("https://login.example.com:8443/realms/x/", false, true),
            ("https://[::1]:8443", false, true),
            ("http://127.0.0.1:8080", true, true),
            ("http://[::1]:8080/x", true, true),
            ("http://sim.localhost", true, true),
            ("http://127.0.0.1:8080", false, false),
            ("http://10.0.0.1:8080", true, false),
            ("http://localhost.evil.example", true, false),
            ("https://user:password@example.com", false, false),
            ("https://", false, false),
            ("https://exa mple.com", false, false),
            ("https://example.com:0", false, false),
            ("https://example.com:99999", false, false),
            ("https://example.com?x=1", false, false),
            ("example.com", false, false),
            ("ftp://example.com", false, false),
        ] {
            assert_eq!(check_url(url, PlainHttp(plain)).is_ok(), good, "{url}");
        }
    }
}
