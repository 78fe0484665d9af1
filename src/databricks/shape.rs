//! From an answer's bytes to an [`ApiError`]: twelve shapes, tried in the order of the wire reference, 1.6.

use super::error::{ApiError, Shape, Side};
use crate::domain::scrub::scrubbed;
use crate::outbound::Response;
use serde_json::Value;
use std::time::Duration;

/// What a body said.
struct Said {
    shape: Shape,
    code: Option<String>,
    message: String,
    request_id: Option<String>,
    retry_after: Option<Duration>,
}

impl ApiError {
    /// Understands an answer that is not success, whatever its shape.
    pub fn parse(side: Side, response: &Response) -> Self {
        let said = read(response);
        let status_line = format!("HTTP {}", response.status);
        let message = scrubbed(&said.message);
        Self {
            side,
            status: response.status,
            error_code: said.code,
            message: if message.is_empty() {
                status_line
            } else {
                message
            },
            request_id: said.request_id.or_else(|| response.request_id.clone()),
            retry_after: response.retry_after.or(said.retry_after),
            shape: said.shape,
        }
    }
}

fn said(shape: Shape, code: Option<String>, message: impl Into<String>) -> Said {
    Said {
        shape,
        code,
        message: message.into(),
        request_id: None,
        retry_after: None,
    }
}

fn read(response: &Response) -> Said {
    let body = String::from_utf8_lossy(&response.body);
    let body = body.trim();
    if (300..400).contains(&response.status) {
        return redirect(response.location.as_deref().unwrap_or(""));
    }
    if response.content_type == "text/html" || body.starts_with('<') {
        return html(response.status, body);
    }
    match serde_json::from_str(body) {
        Ok(Value::Object(fields)) => from_json(response.status, &fields),
        Ok(Value::String(text)) => bare(&text),
        _ if body.is_empty() => said(Shape::Empty, None, ""),
        _ => bare(body),
    }
}

fn redirect(location: &str) -> Said {
    if location.contains("private-link-validation-error") {
        let code = Some("PRIVATE_LINK_VALIDATION_ERROR".to_owned());
        return said(
            Shape::PrivateLink,
            code,
            "the workspace takes private connections only",
        );
    }
    said(
        Shape::LoginPage,
        None,
        "redirected, probably to a login page",
    )
}

fn html(status: u16, body: &str) -> Said {
    let inner = ["pre", "title"].into_iter().find_map(|tag| {
        let from = body.find(&format!("<{tag}"))?;
        let from = from + body[from..].find('>')? + 1;
        let to = from + body[from..].find(&format!("</{tag}"))?;
        Some(body[from..to].trim())
    });
    let shape = if status < 300 {
        Shape::LoginPage
    } else {
        Shape::Html
    };
    said(
        shape,
        None,
        inner.filter(|it| !it.is_empty()).unwrap_or("an HTML page"),
    )
}

fn bare(body: &str) -> Said {
    if body.contains("workspaceStatus") {
        return said(Shape::Dump, None, body);
    }
    match split_code(body) {
        Some((code, message)) => said(Shape::TextCoded, Some(code.to_owned()), message),
        None => said(Shape::BareText, None, body),
    }
}

/// `CODE: message`.
fn split_code(text: &str) -> Option<(&str, &str)> {
    let (code, message) = text.split_once(": ")?;
    let is_code = code.len() > 2 && code.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    is_code.then_some((code, message))
}

fn from_json(status: u16, fields: &serde_json::Map<String, Value>) -> Said {
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let message = text("message").unwrap_or("");
    let mut answer = if let Some(code) = fields.get("error_code") {
        match code {
            Value::Number(number) => said(Shape::NumericCode, Some(number.to_string()), message),
            code => said(Shape::Coded, code.as_str().map(str::to_owned), message),
        }
    } else if is_scim(fields) {
        let detail = text("detail")
            .filter(|it| *it != "null")
            .unwrap_or("internal error");
        let of_body = fields
            .get("status")
            .map(|it| it.to_string().replace('"', ""));
        let code = of_body.unwrap_or_else(|| status.to_string());
        said(Shape::Scim, Some(format!("SCIM_{code}")), detail)
    } else if let Some(code) = text("errorCode") {
        said(
            Shape::Plain,
            Some(code.to_owned()),
            text("errorSummary").unwrap_or(message),
        )
    } else if let Some(error) = text("error") {
        match text("error_description") {
            Some(description) => said(Shape::Plain, Some(error.to_owned()), description),
            None => said(Shape::Plain, None, error),
        }
    } else {
        match split_code(message) {
            Some((code, rest)) => said(Shape::MessageOnly, Some(code.to_owned()), rest),
            None => said(Shape::MessageOnly, None, message),
        }
    };
    let details = fields
        .get("details")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    for detail in details {
        let text = |name: &str| detail.get(name).and_then(Value::as_str);
        answer.request_id = answer
            .request_id
            .or_else(|| text("request_id").map(str::to_owned));
        answer.retry_after = answer
            .retry_after
            .or_else(|| text("retry_delay").and_then(delay));
    }
    answer
}

fn is_scim(fields: &serde_json::Map<String, Value>) -> bool {
    let schemas = fields.get("schemas").and_then(Value::as_array);
    let mut named = schemas.into_iter().flatten().filter_map(Value::as_str);
    named.any(|schema| schema.ends_with(":Error"))
}

/// `"3s"` or `"1.5s"`.
fn delay(text: &str) -> Option<Duration> {
    let seconds: f64 = text.strip_suffix('s')?.parse().ok()?;
    let seconds = seconds.is_finite().then(|| seconds.clamp(1.0, 900.0))?;
    Some(Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::databricks::class::Class;

    fn parse(status: u16, content_type: &str, location: Option<&str>, body: &str) -> ApiError {
        let response = Response {
            status,
            content_type: content_type.to_owned(),
            retry_after: None,
            max_age: None,
            request_id: Some("of-header".to_owned()),
            location: location.map(str::to_owned),
            headers: crate::outbound::Headers::default(),
            body: body.as_bytes().to_vec().into(),
        };
        ApiError::parse(Side::Account, &response)
    }

    #[test]
    fn every_shape() {
        let json = "application/json";
        for (status, kind, body, shape, code, message, class) in [
            (
                400,
                json,
                r#"{"error_code":"INVALID_STATE","message":"m"}"#,
                Shape::Coded,
                Some("INVALID_STATE"),
                "m",
                Class::InUse,
            ),
            (
                400,
                "text/plain",
                "MALFORMED_REQUEST: two\nlines",
                Shape::TextCoded,
                Some("MALFORMED_REQUEST"),
                "two lines",
                Class::Refused,
            ),
            (
                400,
                json,
                r#"{"message":"MALFORMED_REQUEST: Network n is used by another workspace 7."}"#,
                Shape::MessageOnly,
                Some("MALFORMED_REQUEST"),
                "Network n is used by another workspace 7.",
                Class::NetworkUsed,
            ),
            (
                400,
                json,
                r#"{"message":"just words"}"#,
                Shape::MessageOnly,
                None,
                "just words",
                Class::Refused,
            ),
            (409, "", "", Shape::Empty, None, "HTTP 409", Class::Conflict),
            (
                403,
                json,
                r#"{"error_code":403,"message":"Invalid access token."}"#,
                Shape::NumericCode,
                Some("403"),
                "Invalid access token.",
                Class::Unauthenticated,
            ),
            (
                409,
                "application/scim+json",
                r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"detail":"there","status":"409","scimType":"uniqueness"}"#,
                Shape::Scim,
                Some("SCIM_409"),
                "there",
                Class::Conflict,
            ),
            (
                500,
                json,
                r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"detail":"null","status":500}"#,
                Shape::Scim,
                Some("SCIM_500"),
                "internal error",
                Class::Unavailable,
            ),
            (
                401,
                json,
                r#"{"error":"invalid_client","error_description":"Client authentication failed"}"#,
                Shape::Plain,
                Some("invalid_client"),
                "Client authentication failed",
                Class::Unauthenticated,
            ),
            (
                400,
                json,
                r#"{"error":"old words"}"#,
                Shape::Plain,
                None,
                "old words",
                Class::Refused,
            ),
            (
                400,
                json,
                r#"{"errorCode":"E1","errorSummary":"sum"}"#,
                Shape::Plain,
                Some("E1"),
                "sum",
                Class::Refused,
            ),
            (
                502,
                "text/html",
                "<html><body><PRE></PRE><pre>bad gateway</pre></body>",
                Shape::Html,
                None,
                "bad gateway",
                Class::Unavailable,
            ),
            (
                404,
                "text/html",
                "<html><title> Not here </title>",
                Shape::Html,
                None,
                "Not here",
                Class::NotAnApi,
            ),
            (
                200,
                "text/html",
                "<!DOCTYPE html><title>Sign in</title>",
                Shape::LoginPage,
                None,
                "Sign in",
                Class::NotAnApi,
            ),
            (
                200,
                json,
                "  <html></html>",
                Shape::LoginPage,
                None,
                "an HTML page",
                Class::NotAnApi,
            ),
            (
                400,
                "text/plain",
                "Invalid Token",
                Shape::BareText,
                None,
                "Invalid Token",
                Class::Refused,
            ),
            (
                400,
                json,
                "{truncated",
                Shape::BareText,
                None,
                "{truncated",
                Class::Refused,
            ),
            (
                500,
                "text/plain",
                "WorkspaceRecord(workspaceId=7, workspaceStatus: NOT_PROVISIONED)",
                Shape::Dump,
                None,
                "WorkspaceRecord(workspaceId=7, workspaceStatus: NOT_PROVISIONED)",
                Class::Unavailable,
            ),
        ] {
            let error = parse(status, kind, None, body);
            assert_eq!(error.shape, shape, "{body}");
            assert_eq!(error.error_code.as_deref(), code, "{body}");
            assert_eq!(error.message, message, "{body}");
            assert_eq!(error.class(), class, "{body}");
        }
    }

    #[test]
    fn redirects() {
        let login = parse(303, "", Some("/login?account_id=a&next_url=/api/2.0"), "");
        assert_eq!(
            (login.shape, login.class()),
            (Shape::LoginPage, Class::NotAnApi)
        );
        let there = "https://x/login.html?error=private-link-validation-error:7";
        let private = parse(302, "", Some(there), "");
        assert_eq!(
            (private.shape, private.class()),
            (Shape::PrivateLink, Class::Forbidden)
        );
        assert!(!private.message.contains("https"));
    }

    #[test]
    fn details_and_hostile_words() {
        let body = r#"{"error_code":"REQUEST_LIMIT_EXCEEDED","message":"no \u0000 dapi0123456789abcdef",
            "details":[{"request_id":"r1"},{"retry_delay":"3s"},{"retry_delay":"NaNs"},7]}"#;
        let error = parse(429, "application/json", None, body);
        assert_eq!(error.request_id.as_deref(), Some("r1"));
        assert_eq!(error.retry_after, Some(Duration::from_secs(3)));
        assert!(!error.message.contains("dapi") && !error.message.contains('\0'));
        assert_eq!(error.class(), Class::Throttled);
    }
}
