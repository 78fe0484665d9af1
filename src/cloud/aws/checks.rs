//! What preflight and probing make of answers.

use super::failure::{Act, explain};
use crate::cloud::{Check, CheckResult, CloudError, Failure, Probe, Result};
use crate::databricks::Error;
use crate::databricks::error::Shape;
use crate::domain::problem::{Code, Explanation};

pub(super) fn check(name: &'static str, result: CheckResult, message: String) -> Check {
    Check {
        name,
        result,
        message,
    }
}

/// What the account refuses fails the check; what it does not answer leaves it open; a throttle is waited out.
pub(super) fn unless_throttled(name: &'static str, error: CloudError) -> Result<Check> {
    let message = error.explanation.detail.clone();
    match error.failure {
        Failure::Throttled(_) => Err(error),
        Failure::Refused => Ok(check(name, CheckResult::Fail(error.explanation), message)),
        _ => Ok(check(name, CheckResult::Unknown, message)),
    }
}

/// A given id is there, or is not; anything else blocks nothing.
pub(super) fn given(
    name: &'static str,
    what: &str,
    id: &str,
    found: std::result::Result<(), Error>,
) -> Result<Check> {
    let detail = format!("looking up {what} {id}");
    match found {
        Ok(()) => Ok(check(
            name,
            CheckResult::Pass,
            format!("{what} {id} exists"),
        )),
        Err(error) if error.is_not_found() || matches!(error, Error::BadId(_)) => {
            let explanation = Explanation::new(
                Code::ConfigurationMissing,
                format!("{what} {id} does not exist"),
            )
            .upstream(error.upstream());
            let message = explanation.detail.clone();
            Ok(check(
                name,
                CheckResult::Fail(Box::new(explanation)),
                message,
            ))
        }
        Err(error) => unless_throttled(name, explain(error, Act::Read, &detail)),
    }
}

/// Most failures of a young workspace pass. What is ours to wait out or can never pass is an error.
pub(super) fn not_ready(error: Error, doing: &str) -> Result<Probe> {
    let private = matches!(&error, Error::Api(answer) if answer.shape == Shape::PrivateLink);
    let explained = explain(error, Act::Read, doing);
    match explained.failure {
        Failure::Throttled(_) => Err(explained),
        _ if private => {
            let hint = "Set `reachable_from_here = false` in the template, or run Brickyard where the private \
                        connection ends.";
            let explanation = Box::new(explained.explanation.hint(hint));
            Err(CloudError {
                failure: Failure::Refused,
                explanation,
            })
        }
        _ => Ok(Probe::NotReady(explained.explanation.detail)),
    }
}
