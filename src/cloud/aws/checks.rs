//! What preflight makes of answers.

use crate::cloud::failure::{Act, explain};
use crate::cloud::{Check, CheckResult, CloudError, Failure, NETWORK_FREE, Result, SUBNETS_FREE};
use crate::databricks::Error;
use crate::domain::problem::{Code, Explanation};

/// The setting that is the likely cause if the account does not answer as it should.
pub(in crate::cloud) fn suspect(why: &Explanation) -> Option<&'static str> {
    Some(match why.code {
        Code::UpstreamUnauthenticated => "client_secret",
        Code::UpstreamForbidden => "client_id",
        // A login page instead of an answer: no account of that id lives at that address.
        Code::UpstreamUnparseable => "account_id",
        Code::UpstreamUnavailable => "account_host",
        _ => return None,
    })
}

/// The member of a template that a check is about; none if it is about the account.
pub(in crate::cloud) fn checked(check: &str) -> Option<&'static str> {
    Some(match check {
        ACCOUNT_ACCESS => return None,
        "credentials_exist" => "credentials_id",
        "storage_exists" => "storage_configuration_id",
        "network_exists" | NETWORK_FREE | "network_valid" => "network_id",
        SUBNETS_FREE => "subnet_ids",
        _ => "",
    })
}

/// The check whether the account lets us in.
pub(super) const ACCOUNT_ACCESS: &str = "account_access";

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
