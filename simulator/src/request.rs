//! A request as the routes see it: where it went, who it says it is, what it carries.

use axum::body::Bytes;
use axum::http::{HeaderMap, Method, Uri};
use base64::Engine;
use serde::de::DeserializeOwned;

use crate::answer::Answer;
use crate::calls::Call;
use crate::faults::{FaultKind, Strike};
use crate::{aws, azure, routes};

/// Which side of the world a request is for, told by its Host header.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Host {
    /// Account API, issuer, Vault, AWS, admin; all of Azure too.
    Home,
    /// Entra ID, by its own name.
    Entra,
    /// Azure Resource Manager, by its own name.
    Arm,
    /// The key vault, by its own name.
    KeyVault,
    /// A workspace, by deployment name.
    Workspace(String),
}

impl Host {
    /// The first label decides, whatever the zone (an Azure workspace's first two); Azure's own names are whole.
    pub(crate) fn of(header: &str) -> Host {
        let name = header.rsplit_once(':').map_or(header, |(name, _)| name);
        if let Some(host) = azure::host(name) {
            return host;
        }
        let label =
            azure::deployment(name).unwrap_or_else(|| name.split('.').next().unwrap_or(name));
        let home = name == "127.0.0.1" || name.starts_with('[') || name == "localhost";
        if home || label == "accounts" || label.is_empty() {
            Host::Home
        } else {
            Host::Workspace(label.to_ascii_lowercase())
        }
    }
}

/// A whole request.
pub(crate) struct Request {
    pub(crate) host: Host,
    pub(crate) host_header: String,
    /// Whether it came over TLS.
    pub(crate) secure: bool,
    pub(crate) method: Method,
    /// The path as sent, still percent-encoded.
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) call: Call,
    /// The variable parts of the path.
    pub(crate) ids: Vec<String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// A strike that the route itself has to look at.
    pub(crate) strike: Option<Strike>,
    /// How else its answer is to be told.
    pub(crate) manners: Vec<FaultKind>,
}

impl Request {
    pub(crate) fn new(
        method: Method,
        uri: &Uri,
        headers: HeaderMap,
        body: Bytes,
        secure: bool,
    ) -> Request {
        let host_header = headers
            .get("host")
            .and_then(|h| h.to_str().ok())
            .map(str::to_owned)
            .or_else(|| uri.authority().map(ToString::to_string))
            .unwrap_or_default();
        let host = Host::of(&host_header);
        let path = uri.path().to_owned();
        let segments: Vec<String> = path.trim_matches('/').split('/').map(decode).collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let (call, ids) = routes::route(&host, &method, &segments);
        let query = pairs(uri.query().unwrap_or_default());
        let mut request = Request {
            host,
            host_header,
            secure,
            method,
            path,
            query,
            call,
            ids,
            headers,
            body,
            strike: None,
            manners: Vec::new(),
        };
        if let Some(operation) = aws::operation(&request) {
            (request.call, request.ids) = aws::route(operation, &request.body);
        }
        request
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The value of `Authorization: Bearer …`.
    pub(crate) fn bearer(&self) -> Option<&str> {
        let (scheme, token) = self.header("authorization")?.split_once(' ')?;
        scheme
            .eq_ignore_ascii_case("bearer")
            .then_some(token.trim())
    }

    /// User and password of `Authorization: Basic …`.
    pub(crate) fn basic(&self) -> Option<(String, String)> {
        let (scheme, encoded) = self.header("authorization")?.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(encoded.trim())
            .ok()?;
        let (user, password) = std::str::from_utf8(&bytes).ok()?.split_once(':')?;
        Some((decode(user), decode(password)))
    }

    fn content_type(&self) -> &str {
        let value = self.header("content-type").unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim()
    }

    pub(crate) fn is(&self, content_type: &str) -> bool {
        self.content_type().eq_ignore_ascii_case(content_type)
    }

    /// The JSON body; anything the type does not know is refused.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, Answer> {
        if !self.is("application/json") && !self.is("application/scim+json") {
            let sent = self.content_type();
            return Err(Answer::unparsable(format!(
                "content type '{sent}' is not JSON"
            )));
        }
        serde_json::from_slice(&self.body).map_err(Answer::unparsable)
    }

    /// The fields of a form body.
    pub(crate) fn form(&self) -> Option<Vec<(String, String)>> {
        let body = std::str::from_utf8(&self.body).ok()?;
        self.is("application/x-www-form-urlencoded")
            .then(|| pairs(body))
    }
}

/// `a=b&c=d`, decoded.
fn pairs(text: &str) -> Vec<(String, String)> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (
                decode(&key.replace('+', " ")),
                decode(&value.replace('+', " ")),
            )
        })
        .collect()
}

/// Percent-decoding; what is not valid stays as it is.
pub(crate) fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let code = (first == b'%' && tail.len() >= 2)
            .then(|| std::str::from_utf8(&tail[..2]).ok())
            .flatten()
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match code {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Percent-encoding of everything that is not unreserved.
pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_label_of_the_host_decides() {
        for home in [
            "127.0.0.1:80",
            "localhost",
            "accounts.cloud.x.test:9",
            "[::1]:80",
        ] {
            assert_eq!(Host::of(home), Host::Home, "{home}");
        }
        assert_eq!(
            Host::of("dbc-1.cloud.x.test:9"),
            Host::Workspace("dbc-1".into())
        );
        assert_eq!(
            Host::of("ADB-12.3.azuredatabricks.x.test:9"),
            Host::Workspace("adb-12.3".into())
        );
        assert_eq!(Host::of("management.azure.brickyard.test:9"), Host::Arm);
    }

    #[test]
    fn percent_signs_are_decoded() {
        assert_eq!(decode("a%20b%zz%4"), "a b%zz%4");
        assert_eq!(encode("a b+ü="), "a%20b%2B%C3%BC%3D");
        assert_eq!(
            pairs("a=b+c&d=%26"),
            [("a".into(), "b c".into()), ("d".into(), "&".into())]
        );
    }
}
