//! The compact form of a token, taken literally (rule J1).

use super::MAX_DEPTH;
use super::refusal::{Part, Refusal};
use crate::domain::strict_json;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

/// Longest token, in bytes.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// The token out of the `Authorization` headers of one request.
///
/// # Errors
/// Unless there is exactly one header and it is `Bearer`, one blank and the token.
pub fn bearer<'h>(headers: &[&'h [u8]]) -> Result<&'h str, Refusal> {
    let header = match headers {
        [] => return Err(Refusal::NoToken),
        [one] => *one,
        _ => return Err(Refusal::SeveralTokens),
    };
    if header.len() > MAX_TOKEN_BYTES + "Bearer ".len() {
        return Err(Refusal::TooLong);
    }
    let text = std::str::from_utf8(header).map_err(|_| Refusal::NotBearer)?;
    // The scheme's name is case-insensitive (RFC 9110 11.1).
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() => {
            Ok(token)
        }
        _ => Err(Refusal::NotBearer),
    }
}

/// The three parts of a token, decoded.
pub(super) struct Compact<'t> {
    pub(super) header: Map<String, Value>,
    pub(super) claims: Map<String, Value>,
    /// What is signed: header and payload as they came.
    pub(super) signed: &'t str,
    /// The signature as it came.
    pub(super) signature: &'t str,
}

impl<'t> Compact<'t> {
    /// Splits and decodes. Nothing in the result is verified.
    pub(super) fn read(token: &'t str) -> Result<Self, Refusal> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Refusal::TooLong);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(Refusal::NotCompact)?;
        let (header, claims) = signed.split_once('.').ok_or(Refusal::NotCompact)?;
        for part in [header, claims, signature] {
            if part.is_empty() || !part.bytes().all(in_alphabet) {
                return Err(Refusal::NotCompact);
            }
        }
        let header = decode(header)?;
        let claims = decode(claims)?;
        decode(signature)?;
        Ok(Self {
            header: object(&header, Part::Header)?,
            claims: object(&claims, Part::Claims)?,
            signed,
            signature,
        })
    }
}

fn in_alphabet(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

/// Refuses padding and spare bits: one value has one spelling.
fn decode(part: &str) -> Result<Vec<u8>, Refusal> {
    URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| Refusal::NotCanonical)
}

fn object(bytes: &[u8], part: Part) -> Result<Map<String, Value>, Refusal> {
    match strict_json::parse(bytes, MAX_DEPTH) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(Refusal::NotAnObject(part)),
        Err(invalid) => Err(Refusal::Json(part, invalid.fault)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bearer_header() {
        let long = format!("Bearer {}", "a".repeat(1024 * 1024));
        type Case<'c> = (&'c [&'c [u8]], Result<&'c str, Refusal>);
        let cases: &[Case<'_>] = &[
            (&[b"Bearer a.b.c"], Ok("a.b.c")),
            (&[b"bearer a.b.c"], Ok("a.b.c")),
            (&[], Err(Refusal::NoToken)),
            (
                &[b"Bearer a.b.c", b"Bearer a.b.c"],
                Err(Refusal::SeveralTokens),
            ),
            (&[b"Bearer"], Err(Refusal::NotBearer)),
            (&[b"Bearer "], Err(Refusal::NotBearer)),
            (&[b"Basic abc"], Err(Refusal::NotBearer)),
            (&[b"a.b.c"], Err(Refusal::NotBearer)),
            (&[b" Bearer a.b.c"], Err(Refusal::NotBearer)),
            (&[b"Bearer \xff"], Err(Refusal::NotBearer)),
            (&[long.as_bytes()], Err(Refusal::TooLong)),
        ];
        for (headers, expected) in cases {
            assert_eq!(bearer(headers), *expected);
        }
    }

    #[test]
    fn shapes_that_are_not_compact() {
        let object = URL_SAFE_NO_PAD.encode("{}");
        let good = format!("{object}.{object}.AAAA");
        assert!(Compact::read(&good).is_ok());
        let cases = [
            (String::new(), Refusal::NotCompact),
            ("abc".to_owned(), Refusal::NotCompact),
            (format!("{object}.{object}"), Refusal::NotCompact),
            (format!("{object}.{object}."), Refusal::NotCompact),
            (format!(".{object}.AAAA"), Refusal::NotCompact),
            (format!("{object}..AAAA"), Refusal::NotCompact),
            // encrypted tokens have five parts
            (format!("{object}.AAAA.AAAA.AAAA.AAAA"), Refusal::NotCompact),
            // JSON serialisation
            (
                r#"{"payload":"e30","signatures":[]}"#.to_owned(),
                Refusal::NotCompact,
            ),
            (format!("{object}=.{object}.AAAA"), Refusal::NotCompact),
            (format!("{object}.{object}.AAA="), Refusal::NotCompact),
            (format!(" {good}"), Refusal::NotCompact),
            (format!("{good} "), Refusal::NotCompact),
            (format!("{object}.{object}.AA AA"), Refusal::NotCompact),
            (format!("{object}.{object}.AA+A"), Refusal::NotCompact),
            (format!("{object}.{object}.AA\nA"), Refusal::NotCompact),
            // "e31" decodes to the same bytes as "e30" if spare bits are let through
            (format!("e31.{object}.AAAA"), Refusal::NotCanonical),
            (format!("{object}.e31.AAAA"), Refusal::NotCanonical),
            (format!("{object}.{object}.AAB"), Refusal::NotCanonical),
            (format!("{object}.{object}.AAAAA"), Refusal::NotCanonical),
            ("a".repeat(1024 * 1024), Refusal::TooLong),
            (
                format!("W10.{object}.AAAA"),
                Refusal::NotAnObject(Part::Header),
            ),
            (
                format!("{object}.W10.AAAA"),
                Refusal::NotAnObject(Part::Claims),
            ),
        ];
        for (token, refusal) in cases {
            assert_eq!(Compact::read(&token).err(), Some(refusal), "{token:.60}");
        }
    }
}
