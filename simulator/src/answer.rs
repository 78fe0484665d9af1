//! Answers and the vendor's error shapes (the numbers are those of the wire reference, 1.6).

use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

/// What a route answers; `Err(Answer)` is a refusal.
pub(crate) type Outcome = Result<Answer, Answer>;

/// An HTTP answer before it goes on the wire.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: Option<&'static str>,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    /// The client's own mistake: no such route, no token, a body that does not parse.
    pub(crate) mistake: bool,
}

const JSON: &str = "application/json; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";

impl Answer {
    fn new(status: u16, content_type: Option<&'static str>, body: impl Into<Vec<u8>>) -> Answer {
        Answer {
            status,
            content_type,
            headers: Vec::new(),
            body: body.into(),
            mistake: false,
        }
    }

    pub(crate) fn json(status: u16, body: &Value) -> Answer {
        Answer::new(status, Some(JSON), body.to_string())
    }

    pub(crate) fn ok(body: &Value) -> Answer {
        Answer::json(200, body)
    }

    pub(crate) fn empty(status: u16) -> Answer {
        Answer::new(status, None, "")
    }

    pub(crate) fn html(status: u16, body: &str) -> Answer {
        Answer::new(status, Some(HTML), body)
    }

    /// Shape 1: JSON with `error_code`.
    pub(crate) fn error(status: u16, code: &str, message: impl Into<String>) -> Answer {
        Answer::json(
            status,
            &json!({
                "error_code": code,
                "message": message.into(),
                "details": [{
                    "@type": "type.googleapis.com/google.rpc.RequestInfo",
                    "request_id": "5f0c1a4e-0000-4000-8000-51a01a70f000",
                    "serving_data": "",
                }],
            }),
        )
    }

    /// Shape 2: `CODE: message` as text.
    pub(crate) fn text(status: u16, code: &str, message: impl AsRef<str>) -> Answer {
        Answer::new(status, Some(TEXT), format!("{code}: {}", message.as_ref()))
    }

    /// Shape 6: SCIM.
    pub(crate) fn scim(status: u16, detail: impl Into<String>, scim_type: Option<&str>) -> Answer {
        let mut body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
            "detail": detail.into(),
            "status": status.to_string(),
        });
        if let Some(scim_type) = scim_type {
            body["scimType"] = scim_type.into();
        }
        let mut answer = Answer::json(status, &body);
        answer.content_type = Some("application/scim+json; charset=utf-8");
        answer
    }

    pub(crate) fn malformed(message: impl AsRef<str>) -> Answer {
        Answer::text(400, "MALFORMED_REQUEST", message)
    }

    pub(crate) fn unparsable(reason: impl std::fmt::Display) -> Answer {
        Answer::malformed(format!("Cannot parse request body: {reason}")).by_mistake()
    }

    pub(crate) fn bad_value(message: impl Into<String>) -> Answer {
        Answer::error(400, "INVALID_PARAMETER_VALUE", message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Answer {
        Answer::error(404, "RESOURCE_DOES_NOT_EXIST", message)
    }

    pub(crate) fn unauthenticated(message: impl Into<String>) -> Answer {
        Answer::error(401, "UNAUTHENTICATED", message)
    }

    pub(crate) fn forbidden(message: impl Into<String>) -> Answer {
        Answer::error(403, "PERMISSION_DENIED", message)
    }

    /// Shape 9: the login page, answered with 200.
    pub(crate) fn login_page() -> Answer {
        Answer::html(
            200,
            "<!DOCTYPE html><html><head><title>Databricks - Sign In</title></head>\
             <body><div id=\"login-page\"></div></body></html>",
        )
    }

    pub(crate) fn redirect(to: String) -> Answer {
        Answer::empty(303).with("location", to)
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Answer {
        self.headers.push((name, value.into()));
        self
    }

    /// Its `Retry-After`, in seconds.
    pub(crate) fn retry_after(&self) -> Option<u64> {
        let (_, value) = self
            .headers
            .iter()
            .find(|(name, _)| *name == "retry-after")?;
        value.parse().ok()
    }

    pub(crate) fn by_mistake(mut self) -> Answer {
        self.mistake = true;
        self
    }

    pub(crate) fn into_response(self) -> Response<axum::body::Body> {
        let mut response = Response::new(axum::body::Body::from(self.body));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if let Some(kind) = self.content_type {
            response
                .headers_mut()
                .insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response
                    .headers_mut()
                    .insert(HeaderName::from_static(name), value);
            }
        }
        response
    }
}
