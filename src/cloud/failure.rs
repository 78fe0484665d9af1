//! From Databricks' refusals to what the steps act on: one table.

use super::{CloudError, Failure, Result};
use crate::databricks::{ApiError, Class, Error, Side};
use crate::domain::problem::{Code, Explanation};

/// What was being done; the same refusal means different things to different acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    /// Looking.
    Read,
    /// Making a configuration object or a service principal.
    Create,
    /// Making a workspace from things named by id.
    CreateWorkspace,
    /// Changing a workspace that is there.
    Update,
    /// A repeatable change that concerns a principal of a workspace.
    Admit,
    /// Minting on behalf of a service principal.
    MintOnBehalf,
    /// Minting for ourselves.
    Mint,
    /// Removing.
    Delete,
}

/// From this many failed checks on, the trust relationship is the likelier cause than the policy.
const TRUST_FROM: usize = 10;

/// Explains a failed call. `doing` says what was tried, as in "creating the credentials configuration".
pub(super) fn explain(error: Error, act: Act, doing: &str) -> CloudError {
    let upstream = error.upstream();
    let (failure, code) = match &error {
        Error::NoLogin {
            passes,
            retry_after,
            explanation,
        } => {
            let detail = format!("{doing}: {}", explanation.detail);
            return CloudError {
                failure: match (passes, retry_after) {
                    (true, Some(after)) => Failure::Throttled(Some(*after)),
                    (true, None) => Failure::NotSent,
                    (false, _) => Failure::Refused,
                },
                explanation: Box::new(Explanation {
                    detail,
                    ..(**explanation).clone()
                }),
            };
        }
        Error::NotSent(_) | Error::NoTokenAnswer(_) => {
            (Failure::NotSent, Code::UpstreamUnavailable)
        }
        Error::HeldBack(wait) => (Failure::Throttled(Some(*wait)), Code::UpstreamRateLimited),
        Error::NoToken(answer) => no_token(answer),
        Error::NoAnswer(_) => (Failure::Unknown, Code::UpstreamUnavailable),
        Error::Unparseable { .. } => (Failure::Unknown, Code::UpstreamUnparseable),
        Error::HostNotTrusted => (Failure::Refused, Code::HostNotTrusted),
        Error::BadId(_) => (Failure::Refused, Code::UpstreamRejected),
        Error::Api(answer) => refused(answer, act),
    };
    let mut explained = CloudError::new(failure, code, format!("{doing}: {error}"), upstream);
    if let Some(hint) = hint(&error, act) {
        explained.explanation.hint = Some(hint);
    }
    explained
}

/// Absent counts as removed.
pub(super) fn removed(result: std::result::Result<(), Error>, doing: &str) -> Result<()> {
    match result {
        Err(error) if error.is_not_found() => Ok(()),
        result => result.map_err(|error| explain(error, Act::Delete, doing)),
    }
}

/// The OAuth endpoint refused. Whatever was to be done, was not.
fn no_token(answer: &ApiError) -> (Failure, Code) {
    match (answer.class(), answer.side) {
        (Class::Throttled, _) => throttled(answer),
        (Class::Unavailable | Class::NotReady, _) => (Failure::NotSent, Code::UpstreamUnavailable),
        (Class::NotAnApi, _) => (Failure::NotSent, Code::UpstreamUnparseable),
        // A workspace knows its principals some minutes after it runs.
        (_, Side::Workspace) => (Failure::NotYet, Code::PrincipalNotInWorkspace),
        (Class::Forbidden | Class::NotInAccount, _) => (Failure::Refused, Code::UpstreamForbidden),
        _ => (Failure::Refused, Code::UpstreamUnauthenticated),
    }
}

fn throttled(answer: &ApiError) -> (Failure, Code) {
    (
        Failure::Throttled(answer.retry_after),
        Code::UpstreamRateLimited,
    )
}

fn refused(answer: &ApiError, act: Act) -> (Failure, Code) {
    use Failure::{Conflict, InUse, NotFound, NotYet, Refused, Unknown};
    match answer.class() {
        Class::RoleNotAssumable => (NotYet, Code::CredentialsNotPropagated),
        Class::RoleLacksPermissions(checks) if checks >= TRUST_FROM => {
            (NotYet, Code::CredentialsPermissionsMissing)
        }
        Class::RoleLacksPermissions(_) => (Refused, Code::CredentialsPermissionsMissing),
        Class::StorageChecksFailed => (Refused, Code::StorageUnreachable),
        Class::CredentialsLimit => (Refused, Code::CredentialsLimit),
        Class::StorageLimit => (Refused, Code::StorageLimit),
        Class::OtherLimit => (Refused, Code::UpstreamRejected),
        // It may be our own earlier create that has it: look.
        Class::NetworkUsed => (Conflict, Code::NetworkInUse),
        Class::SubnetUsed => (Refused, Code::SubnetReused),
        Class::DeploymentNameTaken => (Conflict, Code::DeploymentNameTaken),
        Class::DeploymentNamePrefixMissing => (Refused, Code::DeploymentNamePrefixMissing),
        Class::PrincipalNotYet => (NotYet, Code::PrincipalNotInWorkspace),
        Class::NotReady => (NotYet, Code::ApiNotReady),
        Class::TokensDisabled => (Refused, Code::TokensDisabled),
        Class::TokenPermissionsMissing => (NotFound, Code::UpstreamRejected),
        Class::MayNotUseTokens | Class::Forbidden if act == Act::MintOnBehalf => {
            (Refused, Code::OboNotAvailable)
        }
        Class::MayNotUseTokens | Class::Forbidden => (Refused, Code::UpstreamForbidden),
        Class::TokenQuota => (Refused, Code::TokenQuota),
        Class::LifetimeRefused => (Refused, Code::TokenLifetimeRefused),
        Class::InUse | Class::Conflict if act == Act::Delete => (InUse, Code::DeleteBlocked),
        // Another change of it is under way.
        Class::InUse | Class::Conflict if act == Act::Update => {
            (Conflict, Code::UpstreamUnavailable)
        }
        Class::InUse => (Refused, Code::UpstreamRejected),
        Class::Conflict => (Conflict, Code::NameConflict),
        Class::NotFound => match act {
            Act::CreateWorkspace => (NotFound, Code::ConfigurationMissing),
            Act::Admit | Act::MintOnBehalf => (NotYet, Code::PrincipalNotInWorkspace),
            _ => (NotFound, Code::UpstreamRejected),
        },
        Class::NotInAccount => (Refused, Code::UpstreamForbidden),
        // A young workspace refuses good tokens for some minutes.
        Class::Unauthenticated if answer.side == Side::Workspace => {
            (NotYet, Code::UpstreamUnauthenticated)
        }
        Class::Unauthenticated => (Refused, Code::UpstreamUnauthenticated),
        Class::Throttled => throttled(answer),
        Class::Unavailable => (Unknown, Code::UpstreamUnavailable),
        Class::NotAnApi => (Unknown, Code::UpstreamUnparseable),
        Class::Refused => (Refused, Code::UpstreamRejected),
    }
}

fn hint(error: &Error, act: Act) -> Option<String> {
    let Error::Api(answer) = error else {
        return None;
    };
    match answer.class() {
        Class::RoleLacksPermissions(checks) if checks >= TRUST_FROM => Some(format!(
            "{checks} checks failed: rather than a missing action, the role's trust policy (principal, external \
             id), a wrong ARN or a service control policy is the likely cause. A role made moments ago needs some \
             minutes."
        )),
        Class::MayNotUseTokens if act == Act::MintOnBehalf => Some(
            "The service principal lacks CAN_USE on tokens. Where the workspace has no token at all yet, mint any \
             one first, or set `token_for = \"provisioner\"` in the template."
                .to_owned(),
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::databricks::error::Shape;
    use std::time::Duration;

    fn answer(side: Side, status: u16, message: &str) -> ApiError {
        ApiError {
            side,
            status,
            error_code: None,
            message: message.to_owned(),
            request_id: Some("r".to_owned()),
            retry_after: Some(Duration::from_secs(3)),
            shape: Shape::Coded,
        }
    }

    #[test]
    fn the_same_refusal_means_different_things() {
        use Act::{Admit, Create, CreateWorkspace, Delete, Mint, MintOnBehalf, Read};
        let throttled = Failure::Throttled(Some(Duration::from_secs(3)));
        for (side, status, message, act, failure, code) in [
            (
                Side::Account,
                409,
                "",
                Create,
                Failure::Conflict,
                Code::NameConflict,
            ),
            (
                Side::Account,
                409,
                "",
                Delete,
                Failure::InUse,
                Code::DeleteBlocked,
            ),
            (
                Side::Account,
                404,
                "",
                Read,
                Failure::NotFound,
                Code::UpstreamRejected,
            ),
            (
                Side::Account,
                404,
                "",
                CreateWorkspace,
                Failure::NotFound,
                Code::ConfigurationMissing,
            ),
            (
                Side::Account,
                404,
                "",
                Admit,
                Failure::NotYet,
                Code::PrincipalNotInWorkspace,
            ),
            (
                Side::Account,
                401,
                "",
                Read,
                Failure::Refused,
                Code::UpstreamUnauthenticated,
            ),
            (
                Side::Workspace,
                401,
                "",
                Read,
                Failure::NotYet,
                Code::UpstreamUnauthenticated,
            ),
            (
                Side::Workspace,
                403,
                "",
                MintOnBehalf,
                Failure::Refused,
                Code::OboNotAvailable,
            ),
            (
                Side::Workspace,
                403,
                "",
                Mint,
                Failure::Refused,
                Code::UpstreamForbidden,
            ),
            (
                Side::Account,
                429,
                "",
                Create,
                throttled,
                Code::UpstreamRateLimited,
            ),
            (
                Side::Account,
                500,
                "",
                Create,
                Failure::Unknown,
                Code::UpstreamUnavailable,
            ),
            (
                Side::Account,
                503,
                "",
                Create,
                Failure::Unknown,
                Code::UpstreamUnavailable,
            ),
        ] {
            let explained = explain(Error::Api(answer(side, status, message)), act, "doing");
            assert_eq!(explained.failure, failure, "{status} {act:?}");
            assert_eq!(explained.explanation.code, code, "{status} {act:?}");
            let upstream = explained.explanation.upstream.unwrap();
            assert_eq!(
                (upstream.status, upstream.service.as_str()),
                (Some(status), side.service())
            );
        }
    }

    #[test]
    fn ten_failed_checks_mean_trust() {
        let few = "Failed credentials validation checks: Delete Tags, Create VPC";
        let explained = explain(
            Error::Api(answer(Side::Account, 400, few)),
            Act::Create,
            "x",
        );
        assert_eq!(explained.failure, Failure::Refused);
        assert_eq!(explained.explanation.hint, None);
        let many = format!(
            "Failed credentials validation checks: {}",
            ["a"; 12].join(", ")
        );
        let explained = explain(
            Error::Api(answer(Side::Account, 400, &many)),
            Act::Create,
            "x",
        );
        assert_eq!(explained.failure, Failure::NotYet);
        assert!(explained.explanation.hint.unwrap().contains("trust"));
    }

    #[test]
    fn without_a_token_nothing_was_sent() {
        for (side, status, failure) in [
            (Side::Account, 500, Failure::NotSent),
            (Side::Account, 401, Failure::Refused),
            (Side::Workspace, 401, Failure::NotYet),
            (Side::Workspace, 404, Failure::NotYet),
            (
                Side::Account,
                429,
                Failure::Throttled(Some(Duration::from_secs(3))),
            ),
        ] {
            let explained = explain(Error::NoToken(answer(side, status, "")), Act::Create, "x");
            assert_eq!(explained.failure, failure, "{side:?} {status}");
        }
        let cut = Error::NoTokenAnswer("time-out".to_owned());
        assert_eq!(explain(cut, Act::Create, "x").failure, Failure::NotSent);
    }
}
