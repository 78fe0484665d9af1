//! Why each problem happens: one sentence per code, beside the hint on its page.

use super::problem::Code;

impl Code {
    /// Why it happens.
    pub fn cause(self) -> &'static str {
        match self {
            Self::InvalidJson => {
                "The body is no JSON, ends too early, names a member twice or is nested too deeply."
            }
            Self::InvalidParameter => {
                "A query parameter does not exist, comes too often, or has a value it may not have."
            }
            Self::InvalidCursor => {
                "The cursor was changed, is too old, or was made for another list."
            }
            Self::IdempotencyKeyInvalid => {
                "The header is empty, too long, has other characters, or came twice."
            }
            Self::IdempotencyKeyMissing => {
                "This installation asks for a key, so that a repeated request makes nothing twice."
            }
            Self::InvalidRequest => "Path, query or body cannot be read at all.",
            Self::Unauthenticated => {
                "There is no token, or it is expired, not signed by a trusted issuer, or meant for another service. The log of the service says which."
            }
            Self::Forbidden => {
                "No rule of the configuration gives the token's bearer the role that this takes."
            }
            Self::NotFound => "It never was, is gone, or belongs to a team you are not in.",
            Self::MethodNotAllowed => "The path exists, and this method means nothing there.",
            Self::NotAcceptable => "The `Accept` header leaves out every form this answer has.",
            Self::RequestTimeout => "The body came too slowly or not at all.",
            Self::NameTaken => {
                "A living workspace of the team has the name; perhaps an earlier request of yours made it."
            }
            Self::AmbiguousName => "Names are unique in a team only.",
            Self::OperationInProgress => "One operation at a time works on a workspace.",
            Self::NotCancellable => {
                "It has ended, or it removes a workspace: what is half removed cannot be given back."
            }
            Self::NotRetryable => {
                "It ended well, was cancelled, goes on by itself, or a newer one took its place."
            }
            Self::DeletionProtected => {
                "The workspace is protected: the request or the template said so, or it has no lifetime."
            }
            Self::VersionMismatch => {
                "The workspace was changed, by a caller or by the work on it, since the version the request names; or it is there although the request wants none."
            }
            Self::BodyTooLarge => "The body, or the length it announces, is over the limit.",
            Self::UriTooLong => "Path and query together are over the limit.",
            Self::UnsupportedMediaType => "`Content-Type` is missing or names something else.",
            Self::ValidationFailed => {
                "A field is missing, has the wrong type, or breaks a rule of the service or the template."
            }
            Self::UnknownField => {
                "The service refuses what it does not know, so that a misspelt field is not ignored."
            }
            Self::ImmutableField => {
                "What decides upstream is fixed when a workspace is made; only what lives here can be changed."
            }
            Self::TeamRequired => "The team was left out, and your token allows more than one.",
            Self::IdempotencyKeyReused => "The key came before, with another body.",
            Self::PreconditionRequired => {
                "This installation asks for the version a change is about, so that nobody overwrites what they have not seen."
            }
            Self::HeadersTooLarge => "There are too many headers, or they are too long.",
            Self::RateLimited => {
                "The caller has used up its share of requests for now; others are not affected."
            }
            Self::Internal => {
                "A defect of the service. What went wrong is in its log, under the request id."
            }
            Self::QueueFull => {
                "So many operations of the account wait, or work has been due for so long, that another would not be begun in reasonable time."
            }
            Self::Unavailable => {
                "The service is starting or stopping, or its database or a token's issuer does not answer."
            }
            Self::CredentialsNotPropagated => {
                "AWS makes a new role known only little by little, or its trust policy does not name Databricks."
            }
            Self::CredentialsPermissionsMissing => {
                "The role's policy does not allow everything that Databricks does with it."
            }
            Self::CredentialsLimit => {
                "The account's number of credentials configurations is limited."
            }
            Self::StorageUnreachable => {
                "Databricks tried the bucket and was refused, or found it in another region."
            }
            Self::StorageLimit => "The account's number of storage configurations is limited.",
            Self::NetworkInUse => {
                "A network configuration, or a subnet on Azure, serves one workspace at a time."
            }
            Self::NetworkInvalid => {
                "The vendor looks into the network when a workspace is put there, and something in it is not as needed."
            }
            Self::NetworkAclBlocks => {
                "The network ACL of a subnet denies traffic between Databricks and the workspace's compute."
            }
            Self::SubnetReused => {
                "A subnet or a security group can belong to one network configuration only."
            }
            Self::SubnetTooSmall => "Each node of a workspace takes two addresses of its subnet.",
            Self::SecurityGroupInvalid => {
                "A security group lacks a rule that the workspace's compute needs, or a subnet lacks the group."
            }
            Self::ConfigurationMissing => {
                "The template names something that is mistyped, was never there, or was deleted."
            }
            Self::NameConflict => "An object of that name exists and does not carry our marker.",
            Self::ElasticIpLimit => {
                "Each workspace's network takes addresses, and the region's quota is used up."
            }
            Self::VpcLimit => {
                "Databricks makes a network for the workspace, and a quota of the region is used up."
            }
            Self::SubnetNotDelegated => {
                "Azure lets Databricks into a subnet only by a delegation, and the subnet has none."
            }
            Self::AzurePolicyDenied => {
                "Whoever governs the subscription has forbidden resources like this one."
            }
            Self::AzureQuota => "Subscriptions and regions have limits, and one is reached.",
            Self::AzureProviderNotRegistered => {
                "A subscription must be told once that it will have Databricks workspaces."
            }
            Self::AzureLocked => {
                "Somebody has locked the resource group or subscription against changes."
            }
            Self::AzurePrincipalUnknown => {
                "Identities of Entra ID reach Databricks some time after they were made."
            }
            Self::AzureDeploymentFailed => {
                "Two deployments met, or what one of them had made was not known everywhere yet."
            }
            Self::DeploymentNamePrefixMissing => {
                "A chosen deployment name needs a prefix that Databricks sets for the account."
            }
            Self::DeploymentNameTaken => "Some workspace, perhaps another company's, has the name.",
            Self::WorkspaceFailed => {
                "Databricks gave up, for a reason this version does not know by its words."
            }
            Self::WorkspaceBanned => "Databricks switched it off.",
            Self::WorkspaceCancelled => "Somebody deleted it at Databricks before it was ready.",
            Self::DeletedOutside => {
                "Somebody removed it in the account, and not through this service."
            }
            Self::ProvisioningTimeout => {
                "What it waited for did not happen before the template's deadline."
            }
            Self::DnsNotResolving => "The name is published late, or the resolver cannot see it.",
            Self::ApiNotReady => {
                "The workspace says it runs, and its API still refuses or answers unevenly."
            }
            Self::HostNotTrusted => {
                "The vendor named a host outside the domain that the configuration trusts with a token."
            }
            Self::PrincipalNotInWorkspace => {
                "Assignments reach a young workspace late, or the workspace has no metastore."
            }
            Self::TokensDisabled => {
                "An administrator of the workspace, or a policy of the account, switched them off."
            }
            Self::OboNotAvailable => "Databricks refused to mint a token for another principal.",
            Self::TokenQuota => "Tokens that nobody revoked fill the principal's quota.",
            Self::TokenLifetimeRefused => "The workspace allows shorter lives only.",
            Self::SecretStoreUnreachable => {
                "The store is down, sealed, or not reachable from here."
            }
            Self::SecretStoreDenied => {
                "The store knows the service's identity, and does not let it write there; or it does not know it."
            }
            Self::SecretPathTaken => "The path holds a secret that this workspace did not write.",
            Self::AzureIdentityRefused => {
                "The identity or its proof is wrong, expired or disabled, a policy of the tenant blocks it, or the tenant does not know what the token would be for."
            }
            Self::AzureIdentityUnavailable => {
                "Entra ID, or the machine's metadata service, is overloaded or down, or the way there is broken."
            }
            Self::UpstreamUnauthenticated => {
                "The client secret was rotated, revoked or mistyped; or the token is for another place than was asked."
            }
            Self::UpstreamForbidden => {
                "The service's identity lacks a role, or the account lacks the feature."
            }
            Self::UpstreamRateLimited => {
                "The account, or others who share it, sent more requests than the vendor takes."
            }
            Self::UpstreamUnavailable => {
                "The vendor is down or overloaded, or the way there is broken."
            }
            Self::UpstreamRejected => {
                "The vendor refused for a reason this version does not know by its words."
            }
            Self::UpstreamUnparseable => {
                "Something that is not the API answered, such as a login page or a proxy; or the vendor changed its answer."
            }
            Self::DeleteBlocked => "Something else still uses what is to be removed.",
            Self::StepCrashed => "A defect of the service, at the same place each time.",
            Self::CancelledByRequest => {
                "A cancel, a delete or a retry was accepted before the operation had ended."
            }
            Self::ConfigurationChanged => {
                "It was renamed or removed in the configuration while a workspace refers to it."
            }
        }
    }
}
