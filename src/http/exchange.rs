//! What one HTTP exchange is known by: its request id, and the trace it belongs to.

use axum::http::{HeaderMap, HeaderName};
use std::sync::Arc;
use type_safe_id::{StaticType, TypeSafeId};

/// The id of one HTTP exchange: the caller's `X-Request-Id`, or ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(pub Arc<str>);

#[derive(Default, Clone)]
struct RequestTag;

impl StaticType for RequestTag {
    const TYPE: &'static str = "req";
}

/// Name of the request id's header.
pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

impl RequestId {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let sent = headers
            .get(X_REQUEST_ID)
            .and_then(|value| value.to_str().ok())
            .filter(|id| {
                (1..=64).contains(&id.len())
                    && id
                        .bytes()
                        .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
            });
        match sent {
            Some(id) => Self(id.into()),
            None => Self(TypeSafeId::<RequestTag>::new().to_string().into()),
        }
    }
}

/// The W3C trace context an exchange came with; one that is not well-formed counts as none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceParent(pub Arc<str>);

impl TraceParent {
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all("traceparent").iter();
        let text = values.next()?.to_str().ok()?;
        let parts: Vec<&str> = text.split('-').collect();
        let hex = |part: &str, length| {
            part.len() == length && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        };
        let some = |part: &str| part.bytes().any(|b| b != b'0');
        match parts[..] {
            ["00", trace, parent, flags]
                if hex(trace, 32)
                    && hex(parent, 16)
                    && hex(flags, 2)
                    && some(trace)
                    && some(parent) =>
            {
                values.next().is_none().then(|| Self(text.into()))
            }
            _ => None,
        }
    }

    pub(super) fn trace_id(&self) -> Option<&str> {
        self.0.split('-').nth(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn trace_contexts() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let of = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append("traceparent", HeaderValue::from_str(value).unwrap());
            }
            TraceParent::of(&headers)
        };
        let trace = of(&[good]).unwrap();
        assert_eq!(trace.trace_id(), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
        for bad in [
            "",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
        ] {
            assert_eq!(of(&[bad]), None, "{bad}");
        }
        assert_eq!(of(&[good, good]), None);
    }

    #[test]
    fn request_ids() {
        let id = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(
                X_REQUEST_ID,
                HeaderValue::from_bytes(text.as_bytes()).unwrap(),
            );
            RequestId::of(&headers).0.to_string()
        };
        assert_eq!(id("build-17_a"), "build-17_a");
        for made in [
            "",
            "a b",
            "ä",
            "a;b",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        ] {
            assert!(id(made).starts_with("req_"), "{made}");
        }
        assert_ne!(
            RequestId::of(&HeaderMap::new()),
            RequestId::of(&HeaderMap::new())
        );
    }
}
