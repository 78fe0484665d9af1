//! Why there is no token, and what to do about it.
//!
//! What can pass is told from what cannot by `error` and the HTTP status, as Microsoft asks: its numbers (`AADSTS…`) come
//! and go. The numbers choose only the words for people.

use super::{Proof, Settings};
use crate::domain::problem::{Code, Explanation, Upstream};
use crate::domain::scrub::scrubbed;
use crate::outbound::{Response, SendError};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::time::Duration;

/// Why there is no token. Nothing was sent that was to carry it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.sentence())]
pub struct IdentityError {
    /// Whether it may pass by itself.
    pub passes: bool,
    /// What happened, in words of ours.
    what: String,
    /// The number after `AADSTS`, if there is one.
    pub aadsts: Option<u32>,
    /// OAuth's `error`.
    pub error: Option<String>,
    /// HTTP status of the answer, if there was one.
    pub status: Option<u16>,
    /// How long we are asked to wait.
    pub retry_after: Option<Duration>,
    /// Microsoft's id of the exchange, for its support.
    pub trace_id: Option<String>,
    /// The other one.
    pub correlation_id: Option<String>,
    /// The vendor's words, scrubbed.
    pub words: String,
}

/// An answer that is no token.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Refusal {
    error: Option<String>,
    error_description: Option<String>,
    error_codes: Vec<u32>,
    trace_id: Option<String>,
    correlation_id: Option<String>,
}

impl IdentityError {
    fn new(passes: bool, what: impl Into<String>) -> Self {
        Self {
            passes,
            what: what.into(),
            aadsts: None,
            error: None,
            status: None,
            retry_after: None,
            trace_id: None,
            correlation_id: None,
            words: String::new(),
        }
    }

    /// Nothing was answered.
    pub(super) fn no_answer(why: &SendError) -> Self {
        Self::new(true, scrubbed(&why.to_string()))
    }

    /// Something with 200 that is no token.
    pub(super) fn not_understood(why: &str) -> Self {
        Self::new(true, scrubbed(why))
    }

    /// Nothing was asked, for that what we have is not fit to ask with.
    pub(super) fn misconfigured(why: &str) -> Self {
        Self::new(false, scrubbed(why))
    }

    /// An answer that is no token; `managed` if it came from the machine's metadata service.
    pub(super) fn answered(answer: &Response, managed: bool) -> Self {
        let said: Option<Refusal> = serde_json::from_slice(&answer.body).ok();
        let who = if managed {
            "the machine's metadata service"
        } else {
            "Entra ID"
        };
        let what = match &said {
            Some(_) => format!("{who} answered {}", answer.status),
            None => format!(
                "{who} answered {} and something that is not its API",
                answer.status
            ),
        };
        let no_api = said.is_none();
        let said = said.unwrap_or_default();
        let words = said.error_description.unwrap_or_default();
        let error = said.error.map(|error| scrubbed(&error));
        let passing = match answer.status {
            408 | 429 | 500.. => true,
            // A metadata service says these while it is not ready.
            404 | 410 => managed || no_api,
            _ => no_api,
        };
        let temporary = ["temporarily_unavailable", "server_error"];
        let says_so = error.as_deref().is_some_and(|it| temporary.contains(&it));
        Self {
            aadsts: said.error_codes.first().copied().or_else(|| number(&words)),
            status: Some(answer.status),
            retry_after: answer.retry_after,
            trace_id: said.trace_id.map(|id| scrubbed(&id)),
            correlation_id: said.correlation_id.map(|id| scrubbed(&id)),
            words: scrubbed(&words),
            error,
            ..Self::new(passing || says_so, what)
        }
    }

    /// Without a secret of ours, should the vendor have repeated it.
    #[must_use]
    pub(super) fn without(mut self, secret: &SecretString) -> Self {
        self.words = self.words.replace(secret.expose_secret(), "[removed]");
        self
    }

    fn sentence(&self) -> String {
        let mut text = format!("no token of Entra ID: {}", self.what);
        match (self.aadsts.and_then(meaning), &self.error) {
            (Some((cause, _)), _) => text.push_str(&format!(": {cause}")),
            (None, Some(error)) => text.push_str(&format!(": {error}")),
            (None, None) => {}
        }
        if let Some(number) = self.aadsts {
            text.push_str(&format!(" (AADSTS{number})"));
        }
        text
    }

    /// What to tell people.
    pub fn explanation(&self) -> Explanation {
        let code = if self.passes {
            Code::AzureIdentityUnavailable
        } else {
            Code::AzureIdentityRefused
        };
        let upstream = self.status.is_some().then(|| Upstream {
            service: "azure_identity".to_owned(),
            status: self.status,
            error_code: self
                .aadsts
                .map(|number| format!("AADSTS{number}"))
                .or_else(|| self.error.clone()),
            message: self.words.clone(),
            request_id: self
                .trace_id
                .clone()
                .or_else(|| self.correlation_id.clone()),
        });
        Explanation {
            hint: self
                .aadsts
                .and_then(meaning)
                .map(|(_, hint)| hint.to_owned()),
            ..Explanation::new(code, self.sentence()).upstream(upstream)
        }
    }
}

impl Settings {
    /// The setting that is the likely cause of there being no token.
    pub fn suspect(&self, why: &Explanation) -> &'static str {
        let said = why.upstream.as_ref();
        let said = said.and_then(|it| number(it.error_code.as_deref()?));
        match (said, &self.proof) {
            (_, Proof::Managed) => "managed_identity",
            (None, _) if why.code == Code::AzureIdentityUnavailable => "authority_host",
            (Some(7_000_112 | 700_016 | 53_000..=53_009 | 530_032..=530_036), _) => "client_id",
            (Some(90_002 | 900_023), _) => "tenant_id",
            (Some(50_001 | 500_011 | 70_011 | 700_022), _) => "environment",
            (_, Proof::ClientSecret(_)) => "client_secret",
            (_, Proof::Federated { .. }) => "federated_token_file",
        }
    }
}

/// The number in `AADSTS7000215: …`.
fn number(words: &str) -> Option<u32> {
    let (_, rest) = words.split_once("AADSTS")?;
    let end = rest.find(|c: char| !c.is_ascii_digit());
    rest[..end.unwrap_or(rest.len())].parse().ok()
}

/// Why, and what to do, by number.
fn meaning(number: u32) -> Option<(&'static str, &'static str)> {
    Some(match number {
        7_000_215 => (
            "the client secret is wrong",
            "Set `client_secret` to the secret's value; the id that stands beside it in the portal does not work.",
        ),
        7_000_222 => (
            "the client secret has expired",
            "Make a new secret for the application and set `client_secret`; or let a federated token or a managed identity take its place, which do not expire.",
        ),
        7_000_112 => (
            "the application is disabled",
            "Let an administrator of the tenant enable it (sign-in of the enterprise application).",
        ),
        700_016 => (
            "the tenant does not know the application",
            "Check `client_id` and `tenant_id`: the application must be registered, or consented to, in that tenant.",
        ),
        90_002 | 900_023 => (
            "there is no such tenant",
            "Check `tenant_id`, and `environment`: each of Azure's clouds has tenants of its own.",
        ),
        700_024 => (
            "the federated token is not valid now",
            "Check that this machine's clock is right and that whoever writes `federated_token_file` still renews it; it is read at each exchange.",
        ),
        700_027 | 50_012 | 50_013 => (
            "the federated token's signature or audience is not accepted",
            "Check the issuer of the application's federated credential, and that the token's audience is `api://AzureADTokenExchange`.",
        ),
        70_021 | 700_211..=700_213 => (
            "no federated credential of the application matches the token",
            "Compare issuer, subject and audience of the application's federated credential with the token's; a new one needs some minutes to take effect.",
        ),
        53_000..=53_009 | 530_032..=530_036 => (
            "a Conditional Access policy of the tenant blocks the identity",
            "Let an administrator of the tenant exempt the identity, or allow the address the service calls from.",
        ),
        50_001 | 500_011 => (
            "the tenant does not know what the token would be for",
            "Check `environment`; for workspaces, the application of Azure Databricks (2ff814a6-3304-4ab8-85cb-cd0e6f879c1d) must be in the tenant, which it is once a workspace was made there.",
        ),
        70_011 | 700_022 => (
            "what the token would be for is not well-formed",
            "Check `environment` and the addresses that were overridden.",
        ),
        90_055 => (
            "the tenant sent too many requests",
            "Nothing: it goes on by itself.",
        ),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbound::Headers;

    fn answer(status: u16, body: &str) -> Response {
        Response {
            status,
            content_type: "application/json".to_owned(),
            retry_after: (status == 429).then_some(Duration::from_secs(7)),
            max_age: None,
            request_id: None,
            location: None,
            headers: Headers::default(),
            body: body.as_bytes().to_vec().into(),
        }
    }

    fn refusal(status: u16, error: &str, number: u32) -> IdentityError {
        let body = format!(
            r#"{{"error":"{error}","error_description":"AADSTS{number}: words.","error_codes":[{number}],
                "trace_id":"t","correlation_id":"c"}}"#
        );
        IdentityError::answered(&answer(status, &body), false)
    }

    #[test]
    fn each_number_has_its_hint() {
        for number in [
            7_000_215, 7_000_222, 7_000_112, 700_016, 90_002, 700_024, 700_027, 70_021, 700_213,
            53_003, 530_032, 50_001, 500_011, 70_011,
        ] {
            let told = refusal(400, "invalid_client", number).explanation();
            assert_eq!(told.code, Code::AzureIdentityRefused, "{number}");
            assert!(
                told.hint.is_some_and(|hint| hint.ends_with('.')),
                "{number}"
            );
            assert!(
                told.detail.contains(&format!("(AADSTS{number})")),
                "{}",
                told.detail
            );
        }
        let unknown = refusal(401, "invalid_client", 1);
        assert_eq!(unknown.explanation().hint, None);
        assert_eq!(
            unknown.to_string(),
            "no token of Entra ID: Entra ID answered 401: invalid_client (AADSTS1)"
        );
    }

    #[test]
    fn each_number_has_its_setting() {
        let secret = || Proof::ClientSecret("s".into());
        let federated = || Proof::Federated {
            token_file: "/token".into(),
        };
        for (number, proof, setting) in [
            (7_000_215, secret(), "client_secret"),
            (7_000_222, secret(), "client_secret"),
            (1, secret(), "client_secret"),
            (700_024, federated(), "federated_token_file"),
            (700_016, federated(), "client_id"),
            (90_002, secret(), "tenant_id"),
            (500_011, secret(), "environment"),
            (700_016, Proof::Managed, "managed_identity"),
        ] {
            let settings = Settings {
                authority_host: String::new(),
                tenant_id: String::new(),
                client_id: None,
                proof,
                timeout: Duration::ZERO,
            };
            let told = refusal(401, "invalid_client", number).explanation();
            assert_eq!(settings.suspect(&told), setting, "{number}");
        }
    }

    #[test]
    fn what_passes_is_told_by_error_and_status() {
        for (status, error, passes) in [
            (400, "invalid_request", false),
            (401, "invalid_client", false),
            (400, "unauthorized_client", false),
            (400, "temporarily_unavailable", true),
            (503, "temporarily_unavailable", true),
            (500, "invalid_request", true),
            (429, "", true),
        ] {
            // A number that speaks of a wrong secret changes nothing.
            let error = refusal(status, error, 7_000_215);
            assert_eq!(error.passes, passes, "{status} {error}");
        }
        assert_eq!(
            refusal(429, "", 90_055).retry_after,
            Some(Duration::from_secs(7))
        );
    }

    #[test]
    fn pages_and_metadata_services() {
        let page = IdentityError::answered(&answer(403, "<html>"), false);
        assert!(page.passes && page.to_string().contains("not its API"));
        let body = r#"{"error":"invalid_request","error_description":"Identity not found"}"#;
        for (status, managed, passes) in [
            (400, true, false),
            (404, true, true),
            (410, true, true),
            (404, false, false),
        ] {
            let error = IdentityError::answered(&answer(status, body), managed);
            assert_eq!(error.passes, passes, "{status} {managed}");
        }
    }

    #[test]
    fn the_number_is_found_in_the_words_too() {
        let body = r#"{"error":"invalid_client","error_description":"AADSTS7000222: expired."}"#;
        let error = IdentityError::answered(&answer(401, body), false);
        assert_eq!(error.aadsts, Some(7_000_222));
        let upstream = error.explanation().upstream.unwrap();
        assert_eq!(upstream.error_code.as_deref(), Some("AADSTS7000222"));
        let body = r#"{"error":"invalid_client","error_description":"not canary!"}"#;
        let error = IdentityError::answered(&answer(401, body), false);
        assert_eq!(error.without(&"canary".into()).words, "not [removed]!");
        assert_eq!(number("nothing"), None);
        assert_eq!(number("AADSTS"), None);
    }
}
