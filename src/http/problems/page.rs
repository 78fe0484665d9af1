//! The same for people: plain pages that load nothing and run nothing.

use crate::domain::problem::{Code, FixBy};
use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

const STYLE: &str = "\
:root{color-scheme:light dark}\
body{font:1rem/1.55 system-ui,sans-serif;max-width:56rem;margin:0 auto;padding:2rem 1.25rem 4rem}\
h1{font-size:1.6rem;line-height:1.25;margin:.4rem 0 1.5rem}\
h2{font-size:1.15rem;margin:2.25rem 0 .5rem}\
a{color:LinkText}code{font:.92em ui-monospace,monospace}\
dl{display:grid;grid-template-columns:9rem 1fr;gap:.75rem 1.25rem;margin:0}\
dt{font-weight:600}dd{margin:0}\
table{border-collapse:collapse;width:100%}\
th,td{text-align:left;vertical-align:top;padding:.4rem .9rem .4rem 0;border-bottom:1px solid #8884}\
nav{font-size:.95rem}\
@media(max-width:36rem){dl{grid-template-columns:1fr;gap:.1rem}dd{margin-bottom:.8rem}td:nth-child(4),th:nth-child(4){display:none}}";

/// Nothing but the one style sheet that stands in the page.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = STANDARD.encode(Sha256::digest(STYLE));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
});

/// The page of all codes.
pub(super) fn list() -> Response {
    let (answers, operations): (Vec<Code>, Vec<Code>) =
        Code::ALL.iter().partition(|code| code.is_of_an_answer());
    let body = format!(
        "<h1>Problems</h1><p>Every error answer, and every operation that failed or waits for somebody, carries one \
         of these codes.</p><h2>Answers to a request</h2>{}<h2>Why an operation failed or waits</h2>{}",
        table(&answers),
        table(&operations)
    );
    page("Problems", &body)
}

fn table(codes: &[Code]) -> String {
    let rows: String = codes
        .iter()
        .map(|code| {
            format!(
                "<tr><td><a href=\"/problems/{0}\"><code>{0}</code></a></td><td>{1}</td><td>{2}</td><td>{3}</td></tr>",
                code.as_str(),
                code.status(),
                text(code.title()),
                short(code.fix_by()),
            )
        })
        .collect();
    format!(
        "<table><thead><tr><th>Code</th><th>Status</th><th>What it says</th><th>Who can fix it</th></tr></thead>\
         <tbody>{rows}</tbody></table>"
    )
}

/// The page of one code.
pub(super) fn one(code: Code) -> Response {
    let retry = if code.retryable() {
        "May help: the same request can succeed later without changes."
    } else {
        "Does not help: something has to be changed first."
    };
    let body = format!(
        "<nav><a href=\"/problems\">All problems</a></nav><h1>{}</h1><dl>\
         <dt>Code</dt><dd><code>{}</code></dd><dt>Status</dt><dd>{}</dd><dt>Cause</dt><dd>{}</dd>\
         <dt>What to do</dt><dd>{}</dd><dt>Who can fix it</dt><dd>{}</dd><dt>Trying again</dt><dd>{retry}</dd></dl>\
         <p>The problem you got says more about its own case: see its <code>detail</code>, <code>errors</code> and \
         <code>upstream</code>.</p>",
        text(code.title()),
        code.as_str(),
        code.status(),
        text(code.cause()),
        text(code.hint()),
        who(code.fix_by()),
    );
    page(code.title(), &body)
}

fn who(fix_by: FixBy) -> &'static str {
    match fix_by {
        FixBy::Requester => "Whoever sent the request",
        FixBy::Operator => "Whoever runs Brickyard",
        FixBy::CloudAdmin => "Whoever owns the cloud account’s roles, buckets and networks",
        FixBy::Databricks => "Databricks",
        FixBy::Nobody => "Nobody: wait",
    }
}

fn short(fix_by: FixBy) -> &'static str {
    match fix_by {
        FixBy::Requester => "requester",
        FixBy::Operator => "operator",
        FixBy::CloudAdmin => "cloud admin",
        FixBy::Databricks => "Databricks",
        FixBy::Nobody => "nobody: wait",
    }
}

/// Escaped, and what stands between backticks as code.
fn text(plain: &str) -> String {
    let mut html = String::with_capacity(plain.len() + 16);
    let mut in_code = false;
    for c in plain.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '`' => {
                html.push_str(if in_code { "</code>" } else { "<code>" });
                in_code = !in_code;
            }
            c => html.push(c),
        }
    }
    html
}

fn page(title: &str, body: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{} – Brickyard</title><style>{STYLE}</style></head><body>{body}</body></html>\n",
        text(title).replace("<code>", "").replace("</code>", "")
    );
    let policy = HeaderValue::from_str(&POLICY)
        .unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'"));
    ([(header::CONTENT_SECURITY_POLICY, policy)], Html(html)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_and_balanced() {
        assert_eq!(
            text("Send `Authorization: Bearer <JWT>` & \"wait\"."),
            "Send <code>Authorization: Bearer &lt;JWT&gt;</code> &amp; &quot;wait&quot;."
        );
        for code in Code::ALL {
            for sentence in [code.title(), code.cause(), code.hint()] {
                let html = text(sentence);
                assert_eq!(
                    html.matches("<code>").count(),
                    html.matches("</code>").count(),
                    "{sentence}"
                );
            }
        }
    }
}
