//! Request headers that mean something to us: `Accept`, `Prefer`, `Idempotency-Key`, `If-Match`, `If-None-Match`.
//! Pure functions.

use super::problem::{FieldCode, FieldError, Problem};
use crate::domain::precondition::{Precondition, Tags};
use crate::domain::problem::Code;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use std::time::Duration;

/// Name of the header that makes a POST safe to repeat.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Longest time a long poll may ask for.
pub const MAX_WAIT_SECONDS: u64 = 60;

/// How much a caller that sends these headers wants a media type: 0 not at all, 1 most. The range that fits it most
/// closely decides (RFC 9110, 12.5.1). Tolerant: no header, or one that cannot be read, takes everything.
fn quality(headers: &HeaderMap, media: &str) -> f32 {
    let family = media.split('/').next().unwrap_or_default();
    let mut named = false;
    let mut best = (0, 0.0);
    for value in headers.get_all(header::ACCEPT) {
        let Ok(text) = value.to_str() else {
            return 1.0;
        };
        for range in text
            .split(',')
            .map(str::trim)
            .filter(|range| !range.is_empty())
        {
            named = true;
            let mut parts = range.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default().to_ascii_lowercase();
            let closeness = match name.as_str() {
                exact if exact == media => 3,
                "*/*" => 1,
                wide if wide.strip_suffix("/*") == Some(family) => 2,
                _ => continue,
            };
            let q = parts
                .filter_map(|part| part.split_once('='))
                .find(|(name, _)| name.trim().eq_ignore_ascii_case("q"))
                .and_then(|(_, q)| q.trim().parse::<f32>().ok())
                .unwrap_or(1.0);
            if closeness > best.0 {
                best = (closeness, q);
            }
        }
    }
    if named { best.1 } else { 1.0 }
}

/// Whether a caller that sends these headers takes one of these media types.
pub fn accepts(headers: &HeaderMap, offered: &[&str]) -> bool {
    offered.iter().any(|media| quality(headers, media) > 0.0)
}

/// Whether a caller would rather have a page than JSON: browsers would.
pub fn prefers_html(headers: &HeaderMap) -> bool {
    quality(headers, "text/html") > quality(headers, "application/json")
}

/// The `wait=N` of `Prefer` (RFC 7240), cut at [`MAX_WAIT_SECONDS`]. What cannot be read is not preferred.
pub fn wait(headers: &HeaderMap) -> Option<Duration> {
    headers
        .get_all("prefer")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split([',', ';']))
        .filter_map(|preference| preference.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("wait"))
        .and_then(|(_, seconds)| seconds.trim().trim_matches('"').parse::<u64>().ok())
        .filter(|seconds| *seconds > 0)
        .map(|seconds| Duration::from_secs(seconds.min(MAX_WAIT_SECONDS)))
}

/// The idempotency key, quoted (as the IETF draft says) or not.
///
/// # Errors
/// [`Code::IdempotencyKeyInvalid`] for two headers or a value that is not 1 to 255 visible ASCII characters.
pub fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let invalid = |detail: &str| {
        Problem::new(Code::IdempotencyKeyInvalid, detail).errors(vec![FieldError::header(
            "Idempotency-Key",
            FieldCode::Invalid,
            detail,
        )])
    };
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(invalid("The header came more than once."));
    }
    let bytes = value.as_bytes();
    let inner = bytes
        .strip_prefix(b"\"")
        .and_then(|rest| rest.strip_suffix(b"\""))
        .unwrap_or(bytes);
    let fits = (1..=255).contains(&inner.len())
        && inner
            .iter()
            .all(|b| (0x21..=0x7e).contains(b) && *b != b'"');
    match std::str::from_utf8(inner) {
        Ok(key) if fits => Ok(Some(key.to_owned())),
        _ => Err(invalid("The key is not 1 to 255 visible ASCII characters.")),
    }
}

/// The strong entity tag of a version.
pub fn etag(version: i64) -> HeaderValue {
    // Digits in quotes always fit.
    HeaderValue::try_from(format!("\"{version}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}

/// What the caller demands of the version it meets.
///
/// # Errors
/// [`Code::InvalidParameter`] for what is neither `*` nor a list of entity tags.
pub fn precondition(headers: &HeaderMap) -> Result<Precondition, Problem> {
    let tags = |name: &HeaderName, weak: bool, told: &str| {
        entity_tags(headers, name, weak).map_err(|()| {
            let why = "must be `*` or a list of quoted entity tags";
            let detail = format!("{told} cannot be read.");
            Problem::new(Code::InvalidParameter, detail).errors(vec![FieldError::header(
                told,
                FieldCode::Invalid,
                why,
            )])
        })
    };
    Ok(Precondition {
        matches: tags(&header::IF_MATCH, false, "If-Match")?,
        none_match: tags(&header::IF_NONE_MATCH, true, "If-None-Match")?,
    })
}

/// RFC 9110, 8.8.3 and 13.1: `*`, or tags separated by commas, over all headers of that name. Weak ones are taken
/// only if `weak`.
fn entity_tags(headers: &HeaderMap, name: &HeaderName, weak: bool) -> Result<Option<Tags>, ()> {
    if !headers.contains_key(name) {
        return Ok(None);
    }
    let values: Vec<&[u8]> = headers
        .get_all(name)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect();
    if values.iter().all(|value| value.trim_ascii() == b"*") && values.len() == 1 {
        return Ok(Some(Tags::Any));
    }
    let (mut tags, mut seen) = (Vec::new(), false);
    for value in values {
        let mut rest = value.trim_ascii();
        while !rest.is_empty() {
            if let Some(next) = rest.strip_prefix(b",") {
                rest = next.trim_ascii_start();
                continue;
            }
            let strong = rest.strip_prefix(b"W/");
            let quoted = strong.unwrap_or(rest).strip_prefix(b"\"").ok_or(())?;
            let end = quoted.iter().position(|b| *b == b'"').ok_or(())?;
            let (tag, after) = quoted.split_at(end);
            // Visible ASCII, and what is left of the bytes of other character sets.
            if tag.iter().any(|b| *b <= 0x20 || *b == 0x7f) {
                return Err(());
            }
            seen = true;
            if weak || strong.is_none() {
                tags.push(String::from_utf8_lossy(tag).into_owned());
            }
            rest = after.get(1..).unwrap_or_default().trim_ascii_start();
            if !rest.is_empty() && !rest.starts_with(b",") {
                return Err(());
            }
        }
    }
    if seen {
        Ok(Some(Tags::OneOf(tags)))
    } else {
        Err(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, values: &[&str]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for value in values {
            map.append(
                HeaderName::from_static(name),
                HeaderValue::from_str(value).unwrap(),
            );
        }
        map
    }

    #[test]
    fn accept() {
        let accepts_json =
            |map: &HeaderMap| accepts(map, &["application/json", "application/problem+json"]);
        assert!(accepts_json(&HeaderMap::new()));
        for good in [
            "*/*",
            "application/*",
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/problem+json",
            "text/html, application/json;q=0.1",
            "text/html,*/*;q=0.8",
            "",
        ] {
            assert!(accepts_json(&headers("accept", &[good])), "{good}");
        }
        for bad in [
            "text/html",
            "application/xml, text/*",
            "application/json;q=0",
            "*/*; q=0.0",
        ] {
            assert!(!accepts_json(&headers("accept", &[bad])), "{bad}");
        }
        assert!(accepts_json(&headers(
            "accept",
            &["text/html", "application/json"]
        )));
    }

    #[test]
    fn pages_for_browsers() {
        let html = |accept: &str| prefers_html(&headers("accept", &[accept]));
        for browser in [
            "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8",
            "text/html",
            "text/*, application/json;q=0.5",
        ] {
            assert!(html(browser), "{browser}");
        }
        for program in [
            "*/*",
            "application/json",
            "application/json, text/html",
            "text/html;q=0, */*",
            "",
        ] {
            assert!(!html(program), "{program}");
        }
        assert!(!prefers_html(&HeaderMap::new()));
    }

    #[test]
    fn prefer() {
        let seconds = |values: &[&str]| wait(&headers("prefer", values)).map(|d| d.as_secs());
        assert_eq!(seconds(&["wait=5"]), Some(5));
        assert_eq!(seconds(&["respond-async, Wait = 55"]), Some(55));
        assert_eq!(seconds(&["return=minimal", "wait=3"]), Some(3));
        assert_eq!(seconds(&["wait=9999"]), Some(60));
        for none in [
            "wait=0",
            "wait=-1",
            "wait=x",
            "wait",
            "waiting=5",
            "wait=1.5",
        ] {
            assert_eq!(seconds(&[none]), None, "{none}");
        }
        assert_eq!(wait(&HeaderMap::new()), None);
    }

    #[test]
    fn idempotency() {
        let key = |values: &[&str]| idempotency_key(&headers(IDEMPOTENCY_KEY, values));
        assert_eq!(idempotency_key(&HeaderMap::new()).unwrap(), None);
        assert_eq!(key(&["\"abc-1\""]).unwrap().unwrap(), "abc-1");
        assert_eq!(key(&["abc-1"]).unwrap().unwrap(), "abc-1");
        assert_eq!(key(&[&"x".repeat(255)]).unwrap().unwrap().len(), 255);
        for bad in ["", "\"\"", "a b", "\"open", &"x".repeat(256), "a\"b"] {
            assert_eq!(
                key(&[bad]).unwrap_err().code(),
                Code::IdempotencyKeyInvalid,
                "{bad}"
            );
        }
        assert!(key(&["a", "a"]).is_err());
    }

    #[test]
    fn entity_tags_as_rfc_9110_has_them() {
        let read = |name: &'static str, values: &[&str]| precondition(&headers(name, values));
        let matches = |values: &[&str]| read("if-match", values).unwrap().matches.unwrap();
        let list = |tags: &[&str]| Tags::OneOf(tags.iter().map(|t| (*t).to_owned()).collect());
        assert_eq!(matches(&["*"]), Tags::Any);
        assert_eq!(matches(&["\"9\""]), list(&["9"]));
        assert_eq!(
            matches(&["\"8\", \"9\" ,W/\"10\"", ", \"a,b\""]),
            list(&["8", "9", "a,b"])
        );
        assert_eq!(matches(&["W/\"9\""]), list(&[]), "weak tags match nothing");
        let none_match = |value| read("if-none-match", &[value]).unwrap();
        for hit in ["\"9\"", "W/\"9\"", "\"8\", \"9\"", "*"] {
            assert!(none_match(hit).has(9), "{hit}");
        }
        for miss in ["\"8\"", "\"99\"", "\"09\"", "\"\""] {
            assert!(!none_match(miss).has(9), "{miss}");
        }
        for bad in [
            "",
            ",",
            "9",
            "\"9",
            "9\"",
            "\"9\" \"8\"",
            "*, \"9\"",
            "w/\"9\"",
            "\"a b\"",
            "**",
        ] {
            for name in ["if-match", "if-none-match"] {
                let problem = read(name, &[bad]).unwrap_err();
                assert_eq!(problem.code(), Code::InvalidParameter, "{name}: {bad}");
            }
        }
        assert!(read("if-match", &["*", "*"]).is_err());
        assert!(precondition(&HeaderMap::new()).unwrap().is_empty());
    }
}
