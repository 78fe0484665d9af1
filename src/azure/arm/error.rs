//! Failed calls of Azure Resource Manager, and the one shape its errors have.

use crate::azure::IdentityError;
use crate::domain::problem::Upstream;
use crate::domain::scrub::scrubbed;
use crate::outbound::Response;
use serde::Deserialize;
use std::time::Duration;

/// As [`Upstream::service`] says it, and a label of the metrics.
pub const SERVICE: &str = "azure_resource_manager";

/// Codes that say only that something inside failed.
const WRAPPERS: [&str; 4] = [
    "ResourceOperationFailure",
    "ResourceDeploymentFailure",
    "DeploymentFailed",
    "RetryableError",
];

/// What went wrong, in Azure's words.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Fault {
    /// Azure's code.
    #[serde(default)]
    pub code: String,
    /// Azure's sentence.
    #[serde(default)]
    pub message: String,
    /// What is behind it.
    #[serde(default, deserialize_with = "list")]
    pub details: Vec<Fault>,
}

/// Some services say `null` for no details.
fn list<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<Fault>, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

impl Fault {
    /// The fault that says something: what a wrapper wraps.
    pub fn innermost(&self) -> &Self {
        let inner = self.details.iter().find(|it| !it.code.is_empty());
        match inner {
            Some(inner) if WRAPPERS.contains(&self.code.as_str()) => inner.innermost(),
            _ => self,
        }
    }

    /// Everything it says.
    pub fn sentence(&self) -> String {
        let inner = self.innermost();
        let both = if inner == self || inner.message.is_empty() {
            self.message.clone()
        } else {
            format!("{} ({})", inner.message, self.message)
        };
        scrubbed(&both)
    }
}

#[derive(Deserialize)]
struct Body {
    error: Fault,
}

/// An answer that is not success.
#[derive(Debug, Clone, thiserror::Error)]
#[error("Azure answered {status} {}: {}", fault.innermost().code, fault.sentence())]
pub struct ApiError {
    /// HTTP status.
    pub status: u16,
    /// What it says; without code and message if it was no JSON.
    pub fault: Fault,
    /// How long it asks us to wait, by header or in words.
    pub retry_after: Option<Duration>,
    /// Azure's request id.
    pub request_id: Option<String>,
}

impl ApiError {
    pub(super) fn parse(response: &Response) -> Self {
        let body = serde_json::from_slice::<Body>(&response.body);
        let fault = body.map(|it| it.error).unwrap_or_else(|_| {
            let text = String::from_utf8_lossy(&response.body);
            Fault {
                code: String::new(),
                message: scrubbed(text.chars().take(200).collect::<String>().trim()),
                details: Vec::new(),
            }
        });
        let said = (response.status == 429)
            .then(|| seconds(&fault.sentence()))
            .flatten();
        Self {
            status: response.status,
            retry_after: response.retry_after.or(said),
            request_id: response.request_id.clone(),
            fault,
        }
    }

    /// The code that says something; empty if there is none.
    pub fn code(&self) -> &str {
        &self.fault.innermost().code
    }

    /// Whether the thing addressed does not exist. That its group or subscription does not is something else.
    pub fn is_not_found(&self) -> bool {
        self.status == 404 && !matches!(self.code(), "SubscriptionNotFound" | "InvalidResourceType")
    }

    /// Azure's own words.
    pub fn upstream(&self) -> Upstream {
        let code = self.code();
        Upstream {
            service: SERVICE.to_owned(),
            status: Some(self.status),
            error_code: (!code.is_empty()).then(|| code.to_owned()),
            message: self.fault.sentence(),
            request_id: self.request_id.clone(),
        }
    }
}

/// `Please try again after '17' seconds`: the only place where some throttles say it.
fn seconds(message: &str) -> Option<Duration> {
    let (before, _) = message.split_once(" second")?;
    let digits: String = before
        .trim_end_matches(|c: char| !c.is_ascii_digit())
        .chars()
        .rev()
        .take_while(char::is_ascii_digit)
        .collect();
    let number: String = digits.chars().rev().collect();
    let seconds = number.parse::<u64>().ok()?;
    Some(Duration::from_secs(seconds.clamp(1, 900)))
}

/// A failed call.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Nothing left this machine.
    #[error("not sent: {0}")]
    NotSent(String),
    /// Held back by our own rate limit or by an earlier 429; nothing left this machine.
    #[error("held back for {} ms by the rate limit", .0.as_millis())]
    HeldBack(Duration),
    /// Entra ID gave no token; the call itself was not sent.
    #[error("no token: {0}")]
    NoToken(Box<IdentityError>),
    /// Sent, and no usable answer came.
    #[error("no usable answer: {0}")]
    NoAnswer(String),
    /// An answer that is not success.
    #[error(transparent)]
    Api(ApiError),
    /// 2xx, and not what it should be.
    #[error("Azure answered {0} with something that is not what was asked for")]
    Unparseable(u16),
    /// An address outside the configured endpoint; nothing was sent.
    #[error("the address is outside the configured endpoint")]
    NotTrusted,
}

impl Error {
    /// Whether Azure says that the thing addressed does not exist.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Api(error) if error.is_not_found())
    }

    /// Azure's own words, if there are any.
    pub fn upstream(&self) -> Option<Upstream> {
        match self {
            Self::Api(error) => Some(error.upstream()),
            Self::NoToken(error) => error.explanation().upstream,
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_wrapper_wraps_is_what_counts() {
        let fault: Fault = serde_json::from_str(
            r#"{"code": "ResourceDeploymentFailure", "message": "outer", "details": [
                {"code": "SubnetIsNotWithinVnetError", "message": "inner", "details": null}]}"#,
        )
        .unwrap();
        assert_eq!(fault.innermost().code, "SubnetIsNotWithinVnetError");
        assert_eq!(fault.sentence(), "inner (outer)");
        let plain: Fault =
            serde_json::from_str(r#"{"code": "Conflict", "message": "m", "innererror": "x"}"#)
                .unwrap();
        assert_eq!(plain.sentence(), "m");
    }

    #[test]
    fn the_wait_may_stand_in_the_words() {
        for (text, found) in [
            ("Please try again after '17' seconds.", Some(17)),
            ("retry in 5 seconds", Some(5)),
            ("wait 0 seconds", Some(1)),
            ("in a few seconds", None),
            ("try later", None),
        ] {
            assert_eq!(seconds(text).map(|it| it.as_secs()), found, "{text}");
        }
    }
}
