//! From Azure's refusals to what the steps act on: one table. Azure's reference says to read the code first, the status
//! second.

use super::Subscription;
use crate::azure::Proof;
use crate::azure::arm::{ApiError, Error, Fault, SERVICE};
use crate::cloud::{CloudError, Failure, Result};
use crate::domain::azure::{ENVIRONMENTS, Environment};
use crate::domain::problem::{Code, Explanation, Upstream};

/// What was being done; the same refusal means different things to different acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    /// Looking.
    Read,
    /// Making what is not there yet.
    Create,
    /// Changing a workspace that is there.
    Update,
    /// Removing.
    Delete,
}

/// Explains a failed call. `doing` says what was tried, as in "creating the workspace".
pub(super) fn explain(error: Error, act: Act, doing: &str) -> CloudError {
    let detail = format!("{doing}: {error}");
    let upstream = error.upstream();
    let (failure, code, hint) = match &error {
        Error::NotSent(_) => (Failure::NotSent, Code::UpstreamUnavailable, None),
        Error::HeldBack(wait) => {
            let failure = Failure::Throttled(Some(*wait));
            (failure, Code::UpstreamRateLimited, None)
        }
        Error::NoToken(error) => {
            let failure = match error.passes {
                true if error.retry_after.is_some() => Failure::Throttled(error.retry_after),
                true => Failure::NotSent,
                false => Failure::Refused,
            };
            let explanation = error.explanation();
            return CloudError {
                failure,
                explanation: Box::new(Explanation {
                    detail: format!("{doing}: {}", explanation.detail),
                    ..explanation
                }),
            };
        }
        Error::NoAnswer(_) => (Failure::Unknown, Code::UpstreamUnavailable, None),
        Error::Unparseable(_) => (Failure::Unknown, Code::UpstreamUnparseable, None),
        Error::NotTrusted => (Failure::Refused, Code::HostNotTrusted, None),
        Error::Api(answer) => refused(answer, act),
    };
    let mut explained = CloudError::new(failure, code, detail, upstream);
    explained.explanation.hint = hint.map(str::to_owned);
    explained
}

/// Absent counts as removed.
pub(super) fn removed(result: std::result::Result<(), Error>, doing: &str) -> Result<()> {
    match result {
        Err(error) if error.is_not_found() => Ok(()),
        result => result.map_err(|error| explain(error, Act::Delete, doing)),
    }
}

/// The setting that is the likely cause if the subscription does not answer as it should.
pub(in crate::cloud) fn suspect(account: &Subscription, why: &Explanation) -> Option<&'static str> {
    let identity = &account.identity;
    let usual = |it: &Environment| it.arm_endpoint == account.arm_endpoint;
    let said = why.upstream.as_ref();
    let said = said.and_then(|it| it.error_code.as_deref());
    Some(match why.code {
        Code::AzureIdentityRefused | Code::AzureIdentityUnavailable => {
            match identity.suspect(why) {
                // It says whom tokens are for.
                "environment" if !ENVIRONMENTS.iter().any(usual) => "arm_endpoint",
                setting => setting,
            }
        }
        // Its tenant is another; a managed identity cannot choose one.
        Code::UpstreamUnauthenticated if said == Some("InvalidAuthenticationTokenTenant") => {
            match identity.proof {
                Proof::Managed => "subscription_id",
                _ => "tenant_id",
            }
        }
        Code::UpstreamForbidden => "client_id",
        Code::ConfigurationMissing => "subscription_id",
        // Not Resource Manager, or not that of this cloud.
        Code::UpstreamUnauthenticated
        | Code::UpstreamUnparseable
        | Code::UpstreamUnavailable
        | Code::HostNotTrusted => "arm_endpoint",
        _ => return None,
    })
}

type Meaning = (Failure, Code, Option<&'static str>);

fn refused(answer: &ApiError, act: Act) -> Meaning {
    use Failure::{Conflict, InUse, NotFound, Refused, Throttled, Unknown};
    if answer.status == 429 {
        return (
            Throttled(answer.retry_after),
            Code::UpstreamRateLimited,
            None,
        );
    }
    if let Some(meaning) = known(answer.code(), act) {
        return meaning;
    }
    match answer.status {
        401 => (Refused, Code::UpstreamUnauthenticated, None),
        403 => (Refused, Code::UpstreamForbidden, None),
        404 => (NotFound, Code::ConfigurationMissing, None),
        409 if act == Act::Delete => (InUse, Code::DeleteBlocked, None),
        // Another change of it is under way.
        409 if act == Act::Update => (Conflict, Code::UpstreamUnavailable, None),
        409 => (Conflict, Code::NameConflict, None),
        408 | 500.. => (Unknown, Code::UpstreamUnavailable, None),
        _ => (Refused, Code::UpstreamRejected, None),
    }
}

/// Codes that say more than their status. The list is the wire reference's, 2.6.
fn known(code: &str, act: Act) -> Option<Meaning> {
    use Failure::{Conflict, InUse, NotYet, Refused};
    let meaning = match code {
        // A role that was granted a moment ago is not known everywhere; what only looks is told at once.
        "AuthorizationFailed" if act != Act::Create => (
            Refused,
            Code::UpstreamForbidden,
            Some(
                "Give the service's identity the role Contributor on the resource group, and Reader on the subscription.",
            ),
        ),
        "AuthorizationFailed" => (
            NotYet,
            Code::UpstreamForbidden,
            Some(
                "Give the service's identity the role Contributor on the resource group; one granted a moment ago needs some minutes.",
            ),
        ),
        "LinkedAuthorizationFailed" => (
            Refused,
            Code::UpstreamForbidden,
            Some(
                "Give the service's identity Network Contributor on the virtual network, or at least subnets/join/action.",
            ),
        ),
        "RequestDisallowedByPolicy" => (Refused, Code::AzurePolicyDenied, None),
        "DenyAssignmentAuthorizationFailed" => (
            Refused,
            Code::UpstreamForbidden,
            Some("Azure locks the group it manages for a workspace; it goes with the workspace."),
        ),
        "InvalidAuthenticationTokenTenant" => (
            Refused,
            Code::UpstreamUnauthenticated,
            Some("The subscription belongs to another tenant than `tenant_id`."),
        ),
        "ResourceGroupNotFound" => (
            Refused,
            Code::ConfigurationMissing,
            Some("Create the resource group, or correct its name in the template."),
        ),
        "SubscriptionNotFound" => (
            Refused,
            Code::ConfigurationMissing,
            Some("Correct `subscription_id` of the account, or give the identity a role in it."),
        ),
        "MissingSubscriptionRegistration" => (NotYet, Code::AzureProviderNotRegistered, None),
        "ReferencedResourceNotProvisioned" | "ResourceGroupBeingDeleted" => {
            (NotYet, Code::UpstreamUnavailable, None)
        }
        "InUseSubnetCannotBeDeleted"
        | "InUseNetworkSecurityGroupCannotBeDeleted"
        | "NetworkSecurityGroupInUse" => (InUse, Code::DeleteBlocked, None),
        "AnotherOperationInProgress" if act == Act::Delete => (InUse, Code::DeleteBlocked, None),
        "AnotherOperationInProgress" => (Conflict, Code::UpstreamUnavailable, None),
        "InvalidResourceLocation" | "InvalidResourceGroupLocation" => (
            Refused,
            Code::NameConflict,
            Some("Something of that name exists in another region."),
        ),
        "ScopeLocked" => (Refused, Code::AzureLocked, None),
        "PropertyChangeNotAllowed" => (Refused, Code::NameConflict, None),
        "ResourceQuotaExceeded"
        | "OperationNotAllowed"
        | "SkuNotAvailable"
        | "RegionDoesNotAllowProvisioning"
        | "PublicIPCountLimitReached" => (Refused, Code::AzureQuota, None),
        "NoRegisteredProviderFound"
        | "InvalidApiVersionParameter"
        | "LocationNotAvailableForResourceType" => (
            Refused,
            Code::UpstreamRejected,
            Some("Azure does not offer Databricks in this region; choose another."),
        ),
        _ => return None,
    };
    Some(meaning)
}

/// Why an operation that Azure had accepted failed.
pub(super) fn explain_operation(fault: &Fault) -> Explanation {
    let inner = fault.innermost();
    let text = inner.message.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|it| text.contains(it));
    let (code, hint) = match inner.code.as_str() {
        "ApplianceProvisioningFailed" if says(&["role assignment already exists"]) => (
            Code::AzureDeploymentFailed,
            Some(
                "Two workspaces were made at once. Retry the operation: it removes what failed and asks again.",
            ),
        ),
        "ApplianceProvisioningFailed" if says(&["could not be found", "not found"]) => {
            (Code::AzureDeploymentFailed, None)
        }
        "ApplianceProvisioningFailed"
            if says(&[
                "already exists",
                "managed by",
                "managedby",
                "in another location",
            ]) =>
        {
            (
                Code::NameConflict,
                Some("Delete the resource group that Azure names, then retry the operation."),
            )
        }
        "SubnetIsNotWithinVnetError" => (
            Code::ConfigurationMissing,
            Some("The virtual network has no subnet of that name; correct it in the template."),
        ),
        "PrepareNetworkPoliciesRequestIsMissingNetworkIntentPolicies"
        | "ConflictWithNetworkIntentPolicy" => (
            Code::NetworkInUse,
            Some("Something of another workspace is left in the subnet; use subnets of their own."),
        ),
        "RESOURCE_DOES_NOT_EXIST" => (Code::AzurePrincipalUnknown, None),
        "QUOTA_EXCEEDED" => (
            Code::AzureQuota,
            Some(
                "The Databricks account holds 10,000 users and service principals at most; remove some.",
            ),
        ),
        code => match known(code, Act::Create) {
            Some((_, code, hint)) => (code, hint),
            None if code.contains("Subnet") || code.contains("Network") => {
                (Code::NetworkInvalid, None)
            }
            None => (Code::WorkspaceFailed, None),
        },
    };
    let mut explanation = Explanation::new(code, format!("Azure says: {}", fault.sentence()));
    explanation.hint = hint.map(str::to_owned);
    explanation.upstream(Some(Upstream {
        service: SERVICE.to_owned(),
        status: None,
        error_code: Some(inner.code.clone()),
        message: fault.sentence(),
        request_id: None,
    }))
}
