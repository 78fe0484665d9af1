//! The catalogue of everything that can go wrong, said once: code, title, HTTP status, who can fix it, whether
//! the same request can succeed later, and what to do.
//!
//! `http::problem` turns an [`Explanation`] into an RFC 9457 document; a failed operation stores the same object.

use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// Who can remove the cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FixBy {
    /// Whoever sent the request.
    Requester,
    /// Whoever runs Brickyard.
    Operator,
    /// Whoever owns the cloud account's roles, buckets and networks.
    CloudAdmin,
    /// The vendor.
    Databricks,
    /// Nobody: wait.
    Nobody,
}

/// Upstream's own words, cut at 2 KiB and scrubbed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Upstream {
    /// `databricks_account`, `databricks_workspace`, `azure_resource_manager`, `azure_identity` or the kind of the secret
    /// store.
    pub service: String,
    /// HTTP status of the answer, if there was one.
    pub status: Option<u16>,
    /// The vendor's error code, if it gave one.
    pub error_code: Option<String>,
    /// The vendor's message.
    pub message: String,
    /// The vendor's request id, if it gave one.
    pub request_id: Option<String>,
}

/// A code and this case's circumstances.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// Which problem.
    pub code: Code,
    /// About this case; never a secret, SQL, a stack trace or another team's name.
    pub detail: String,
    /// What to do; the code's own hint unless this case knows better.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The vendor's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream: Option<Upstream>,
}

impl Explanation {
    /// A problem with a sentence about this case.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            hint: None,
            upstream: None,
        }
    }

    /// Adds the vendor's own words.
    #[must_use]
    pub fn upstream(mut self, upstream: Option<Upstream>) -> Self {
        self.upstream = upstream;
        self
    }

    /// Replaces the code's general hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

macro_rules! catalogue {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $status:literal, $fix_by:ident, $retryable:literal, $title:literal, $hint:literal;)*) => {
        /// The closed list of problem codes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        pub enum Code {
            $($(#[$doc])* #[doc = $title] #[serde(rename = $code)] $variant,)*
        }

        impl Code {
            /// Every code, in the order of the catalogue.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable identifier callers match on.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// One fixed sentence.
            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }

            /// The HTTP status it has, or would have, as an answer.
            pub fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }

            /// Who can remove the cause.
            pub fn fix_by(self) -> FixBy {
                match self { $(Self::$variant => FixBy::$fix_by,)* }
            }

            /// Whether the same request may succeed later without changes.
            pub fn retryable(self) -> bool {
                match self { $(Self::$variant => $retryable,)* }
            }

            /// What to do about it.
            pub fn hint(self) -> &'static str {
                match self { $(Self::$variant => $hint,)* }
            }
        }
    };
}

catalogue! {
    // -- Answers to a request
    InvalidJson = "invalid_json", 400, Requester, false, "The body is not valid JSON", "Send one JSON object, every member once, at most 32 levels deep.";
    InvalidParameter = "invalid_parameter", 400, Requester, false, "A parameter is not valid", "See `errors` for the parameter and what it may be.";
    InvalidCursor = "invalid_cursor", 400, Requester, false, "The cursor is not valid for this list", "Start again without a cursor; a cursor belongs to the filters it was made with and lives 24 hours.";
    IdempotencyKeyInvalid = "idempotency_key_invalid", 400, Requester, false, "The idempotency key is not valid", "Send one Idempotency-Key of 1 to 255 visible ASCII characters.";
    IdempotencyKeyMissing = "idempotency_key_missing", 400, Requester, false, "The idempotency key is missing", "Send an Idempotency-Key, and the same one when you repeat the request.";
    InvalidRequest = "invalid_request", 400, Requester, false, "The request is malformed", "See `detail`.";
    Unauthenticated = "unauthenticated", 401, Requester, false, "The request carries no valid token", "Send `Authorization: Bearer <JWT>` with a token of a configured issuer.";
    Forbidden = "forbidden", 403, Operator, false, "You may not do this", "Ask an operator of Brickyard for the role named in `detail`; `GET /whoami` tells which you have, and why.";
    NotFound = "not_found", 404, Requester, false, "There is no such thing", "Check the id or name. Other teams' things are not shown.";
    MethodNotAllowed = "method_not_allowed", 405, Requester, false, "This path does not know that method", "See the `Allow` header.";
    NotAcceptable = "not_acceptable", 406, Requester, false, "The answer has no form that `Accept` allows", "Send `Accept: application/json` or leave the header out.";
    RequestTimeout = "request_timeout", 408, Requester, true, "The request did not arrive in time", "Send it again.";
    NameTaken = "name_taken", 409, Requester, false, "The team already has a workspace of that name", "Use the existing workspace, or choose another name.";
    AmbiguousName = "ambiguous_name", 409, Requester, false, "Several of your teams have a workspace of that name", "Use the id, or say which with `?team=`.";
    OperationInProgress = "operation_in_progress", 409, Nobody, true, "Another operation on this workspace is not finished", "Wait for it, or delete the workspace.";
    NotCancellable = "not_cancellable", 409, Requester, false, "The operation cannot be cancelled", "See `detail`. A workspace that is there is removed with DELETE.";
    NotRetryable = "not_retryable", 409, Requester, false, "The operation cannot be retried", "See `detail`. Only a create or update that failed, and what needs attention, can go on.";
    DeletionProtected = "deletion_protected", 409, Requester, false, "The workspace is protected from deletion", "Take `deletion_protection` away with PATCH first.";
    VersionMismatch = "version_mismatch", 412, Requester, false, "The workspace is in another version than the request demands", "Read it again, then repeat the change with its `ETag`.";
    BodyTooLarge = "body_too_large", 413, Requester, false, "The body is too large", "Send less; `detail` says how much is too much.";
    UriTooLong = "uri_too_long", 414, Requester, false, "The address is too long", "Send at most 8 KiB.";
    UnsupportedMediaType = "unsupported_media_type", 415, Requester, false, "The body is not JSON", "Send `Content-Type: application/json`.";
    ValidationFailed = "validation_failed", 422, Requester, false, "The request is not valid", "See `errors`: every field that is wrong is named.";
    UnknownField = "unknown_field", 422, Requester, false, "The request has a field that does not exist", "See `errors`; check the spelling.";
    ImmutableField = "immutable_field", 422, Requester, false, "The request changes what cannot be changed", "See `errors`. Ask for another workspace, or send what the workspace was asked for with.";
    TeamRequired = "team_required", 422, Requester, false, "The team must be named", "You can request for several teams: send `team`.";
    IdempotencyKeyReused = "idempotency_key_reused", 422, Requester, false, "The idempotency key was used for another request", "Use a new key for a new request.";
    PreconditionRequired = "precondition_required", 428, Requester, false, "The service is set to require a precondition", "Read the workspace and send its `ETag` as `If-Match`.";
    HeadersTooLarge = "headers_too_large", 431, Requester, false, "The headers are too large", "Send at most 64 headers and 32 KiB, 8 KiB each.";
    RateLimited = "rate_limited", 429, Requester, true, "The caller sends too many requests", "Wait for `Retry-After` seconds; follow an operation with `Prefer: wait=20` instead of asking often.";
    Internal = "internal", 500, Operator, true, "The service failed", "Try again; if it stays, give the request id to an operator of Brickyard.";
    QueueFull = "queue_full", 503, Operator, true, "Too much waits already", "Send it again after `Retry-After` seconds, with the same key. An operator can add workers, or see what holds them up.";
    Unavailable = "unavailable", 503, Nobody, true, "The service cannot answer now", "Try again after `Retry-After` seconds.";
    // -- Why an operation failed or waits
    CredentialsNotPropagated = "credentials_not_propagated", 422, CloudAdmin, true, "Databricks cannot assume the role yet", "A role made moments ago needs some minutes. If it is older, check its trust policy: principal and external id.";
    CredentialsPermissionsMissing = "credentials_permissions_missing", 422, CloudAdmin, false, "The cross-account role lacks permissions", "Add the actions that Databricks names to the role's policy.";
    CredentialsLimit = "credentials_limit", 422, Operator, false, "The account has no room for another credentials configuration", "Delete unused ones, or let the template use an existing one.";
    StorageUnreachable = "storage_unreachable", 422, CloudAdmin, false, "Databricks cannot use the root bucket", "Check the bucket's policy, region and ownership setting.";
    StorageLimit = "storage_limit", 422, Operator, false, "The account has no room for another storage configuration", "Delete unused ones, or let the template use an existing one.";
    NetworkInUse = "network_in_use", 422, Requester, false, "The network belongs to another workspace", "Name a network (on Azure: subnets) that no other workspace has, or ask for a workspace whose network is made for it.";
    NetworkInvalid = "network_invalid", 422, CloudAdmin, false, "Databricks' check of the network failed", "Correct what the vendor names in the network.";
    NetworkAclBlocks = "network_acl_blocks", 422, CloudAdmin, false, "The network's ACL blocks traffic that Databricks needs", "Allow the rules that Databricks documents for the subnets' network ACL.";
    SubnetReused = "subnet_reused", 422, Requester, false, "Another network configuration has one of the subnets or security groups", "Name subnets and security groups that no other network configuration contains.";
    SubnetTooSmall = "subnet_too_small", 422, CloudAdmin, false, "A subnet is too small", "On AWS use subnets with a netmask between /17 and /25, one per availability zone; on Azure none smaller than /26.";
    SecurityGroupInvalid = "security_group_invalid", 422, CloudAdmin, false, "A security group does not allow what Databricks needs", "Allow all TCP and UDP between members of the group, in both directions, and the outbound traffic Databricks documents. On Azure each subnet needs a group.";
    ConfigurationMissing = "configuration_missing", 422, Operator, false, "Something configured does not exist in the account", "Correct it in the template.";
    NameConflict = "name_conflict", 422, Operator, false, "Something else in the account has the name we need", "Rename or delete the other object; Brickyard touches only what carries its marker.";
    ElasticIpLimit = "elastic_ip_limit", 422, CloudAdmin, false, "The AWS account has no free Elastic IP address", "Raise the quota for Elastic IPs in the region, or release some.";
    VpcLimit = "vpc_limit", 422, CloudAdmin, false, "The AWS account has reached a VPC limit", "Raise the quota the vendor names, or remove unused VPCs, endpoints and gateways.";
    SubnetNotDelegated = "subnet_not_delegated", 422, CloudAdmin, false, "A subnet is not delegated to Databricks", "Delegate both subnets to Microsoft.Databricks/workspaces.";
    AzurePolicyDenied = "azure_policy_denied", 422, CloudAdmin, false, "A policy of the Azure subscription forbids it", "The problem names the policy: exempt the resource group from it, or change the template so that it complies.";
    AzureQuota = "azure_quota", 422, CloudAdmin, false, "A quota of Azure is used up, or the region has no room", "Raise the quota that Azure names, or choose another region.";
    AzureProviderNotRegistered = "azure_provider_not_registered", 422, CloudAdmin, true, "The subscription does not know Databricks yet", "Nothing: the service registers Microsoft.Databricks, which takes minutes. If it stays, register it by hand.";
    AzureLocked = "azure_locked", 422, CloudAdmin, false, "A management lock of Azure forbids it", "Remove the lock that Azure names, then try again.";
    AzurePrincipalUnknown = "azure_principal_unknown", 422, Nobody, true, "Databricks does not know the service's identity yet", "Retry the operation in some minutes: it removes what failed and asks again.";
    AzureDeploymentFailed = "azure_deployment_failed", 422, Nobody, true, "Azure could not build the workspace this time", "Retry the operation: it removes what failed and asks again.";
    DeploymentNamePrefixMissing = "deployment_name_prefix_missing", 422, Operator, false, "The account has no deployment name prefix", "Leave out `deployment_name`, or ask Databricks for a prefix.";
    DeploymentNameTaken = "deployment_name_taken", 422, Requester, false, "The deployment name is taken", "Choose another; it is unique over all Databricks accounts.";
    WorkspaceFailed = "workspace_failed", 422, CloudAdmin, false, "Databricks could not build the workspace", "Read the vendor's own words in `upstream`.";
    WorkspaceBanned = "workspace_banned", 422, Databricks, false, "Databricks has banned the workspace", "Ask Databricks support.";
    WorkspaceCancelled = "workspace_cancelled", 422, Operator, false, "The workspace was removed while it was being made", "Find out who deleted it at Databricks, then ask again.";
    DeletedOutside = "deleted_outside", 422, Operator, false, "The workspace was deleted at Databricks", "Delete it here too, which removes what is left of it; then ask for another.";
    ProvisioningTimeout = "provisioning_timeout", 422, Operator, true, "The operation was not finished before its deadline", "See which step waited and for what; ask again if the cause is gone.";
    DnsNotResolving = "dns_not_resolving", 422, Operator, true, "The workspace's name does not resolve", "Check the resolver Brickyard uses, or set `reachable_from_here = false` for private workspaces.";
    ApiNotReady = "api_not_ready", 422, Databricks, true, "The workspace's API does not answer steadily", "Try again; if it stays, ask Databricks support.";
    HostNotTrusted = "host_not_trusted", 422, Operator, false, "The workspace's host is outside the configured domain", "Check `workspace_domain` of the account; no token was sent there.";
    PrincipalNotInWorkspace = "principal_not_in_workspace", 422, Operator, true, "A service principal is not a member of the workspace", "Check that identity federation is on for the account and a metastore is assigned.";
    TokensDisabled = "tokens_disabled", 422, Operator, false, "Personal access tokens are disabled in the workspace", "Enable tokens in the workspace's settings.";
    OboNotAvailable = "obo_not_available", 422, Operator, false, "Tokens on behalf of a service principal are not available", "They need the premium tier; or set `token_for = \"provisioner\"` in the template.";
    TokenQuota = "token_quota", 422, Operator, false, "The principal has too many tokens in the workspace", "Revoke unused tokens; the limit is 600.";
    TokenLifetimeRefused = "token_lifetime_refused", 422, Operator, false, "The workspace refuses the token's lifetime", "Lower `token_lifetime_seconds` in the template.";
    SecretStoreUnreachable = "secret_store_unreachable", 422, Operator, true, "The secret store does not answer or is sealed", "Bring the store back; the operation goes on by itself.";
    SecretStoreDenied = "secret_store_denied", 422, Operator, true, "The secret store refuses the service", "Give the service's identity write access to the path; the operation goes on by itself within ten minutes.";
    SecretPathTaken = "secret_path_taken", 422, Operator, false, "Somebody else wrote to the secret's path", "Use another path pattern, or remove the foreign secret.";
    AzureIdentityRefused = "azure_identity_refused", 422, Operator, false, "Entra ID refuses the service's identity", "Check `environment`, `tenant_id`, `client_id` and the proof (client secret, federated token or managed identity) of the account or store.";
    AzureIdentityUnavailable = "azure_identity_unavailable", 422, Nobody, true, "Entra ID gives no token now", "Nothing: it goes on by itself.";
    UpstreamUnauthenticated = "upstream_unauthenticated", 422, Operator, false, "The vendor does not accept the service's credentials", "Check `client_id` of the account, and its secret or other proof.";
    UpstreamForbidden = "upstream_forbidden", 422, Operator, false, "The vendor does not allow the service to do this", "On AWS the service principal must be an account admin; on Azure it must be Contributor on the resource group. The feature may need a higher tier.";
    UpstreamRateLimited = "upstream_rate_limited", 422, Nobody, true, "The vendor asks to slow down", "Nothing: it goes on by itself.";
    UpstreamUnavailable = "upstream_unavailable", 422, Nobody, true, "The vendor does not answer as it should", "Nothing: it goes on by itself until the deadline.";
    UpstreamRejected = "upstream_rejected", 422, Operator, false, "The vendor refused the request", "Read the vendor's own words in `upstream`.";
    UpstreamUnparseable = "upstream_unparseable", 422, Databricks, true, "The vendor's answer cannot be understood", "If it stays, check that `account_host` and `account_id`, or `arm_endpoint`, are right.";
    DeleteBlocked = "delete_blocked", 422, Operator, true, "Something could not be removed", "Remove what `detail` lists, then delete again.";
    StepCrashed = "step_crashed", 422, Operator, true, "A step crashed", "Report it with the operation's id; delete the workspace or wait for a fixed version.";
    CancelledByRequest = "cancelled_by_request", 422, Requester, false, "The operation was stopped because somebody asked for it", "Nothing.";
    ConfigurationChanged = "configuration_changed", 422, Operator, true, "The workspace refers to an account or store that is no longer configured", "Configure it again under the same name.";
}

impl Code {
    /// Whether it is an answer to a request, and not why an operation failed or waits.
    pub fn is_of_an_answer(self) -> bool {
        let last = Self::ALL.iter().position(|code| *code == Self::Unavailable);
        Self::ALL.iter().position(|code| *code == self) <= last
    }
}

/// There is no such code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownCode;

impl FromStr for Code {
    type Err = UnknownCode;

    fn from_str(text: &str) -> Result<Self, UnknownCode> {
        let code = Self::ALL.iter().find(|code| code.as_str() == text);
        code.copied().ok_or(UnknownCode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_serialise_as_themselves() {
        let mut seen = std::collections::HashSet::new();
        for code in Code::ALL {
            assert!(seen.insert(code.as_str()), "{} twice", code.as_str());
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
            assert!((400..600).contains(&code.status()));
            assert!(code.title().chars().next().unwrap().is_uppercase());
            assert!(code.hint().ends_with('.'));
            assert!(code.cause().ends_with('.') && code.cause() != code.hint());
            assert_eq!(code.as_str().parse(), Ok(*code));
        }
    }
}
