//! The closed list of failures.

use crate::calls::{Call, closed_list};

closed_list! {
/// What can go wrong. The doc comments are the catalogue.
pub enum FaultKind {
    /// The call acts, then the connection closes without an answer.
    AnswerLost = "answer_lost",
    /// The connection closes before the call acts.
    RequestLost = "request_lost",
    /// The request is held before it acts, until released; a client that goes away takes it with it.
    HoldRequest = "hold_request",
    /// The call acts; its answer is held until released or the client goes away.
    HoldAnswer = "hold_answer",
    /// 429 REQUEST_LIMIT_EXCEEDED with Retry-After; nothing happens.
    Throttled = "throttled",
    /// 500 INTERNAL_ERROR (or `status`) after the effect.
    ErrorAfterActing = "error_after_acting",
    /// 500 INTERNAL_ERROR (or `status`); nothing happens.
    ErrorBeforeActing = "error_before_acting",
    /// 503 TEMPORARILY_UNAVAILABLE; nothing happens.
    Unavailable = "unavailable",
    /// 400 as text/plain `CODE: message`; nothing happens.
    TextError = "text_error",
    /// 400 with the code inside `message` and no `error_code`; nothing happens.
    MessageOnlyError = "message_only_error",
    /// 409 with an empty body; nothing happens.
    EmptyConflict = "empty_conflict",
    /// 502 with an HTML page; nothing happens.
    HtmlError = "html_error",
    /// 200 with the HTML login page; nothing happens.
    HtmlOk = "html_ok",
    /// 303 to the login page; nothing happens.
    RedirectToLogin = "redirect_to_login",
    /// 403 with the number 403 as `error_code`; nothing happens.
    NumericError = "numeric_error",
    /// The call acts; of its answer, head and half of the body arrive.
    Truncated = "truncated",
    /// 401 UNAUTHENTICATED; nothing happens.
    Unauthorized = "unauthorized",
    /// 403 PERMISSION_DENIED; nothing happens.
    Forbidden = "forbidden",
    /// 404 RESOURCE_DOES_NOT_EXIST; nothing happens.
    NotFound = "not_found",
    /// 400 `Failed credential validation checks`: the role is too new; nothing happens.
    IamNotPropagated = "iam_not_propagated",
    /// The workspace is accepted, provisions, then is FAILED with `message`.
    WorkspaceFails = "workspace_fails",
    /// The workspace's network is BROKEN by a `securityGroup` error; the workspace is FAILED.
    SecurityGroupBroken = "security_group_broken",
    /// The workspace's network is BROKEN by a `subnet` error; the workspace is FAILED.
    SubnetWithoutRoute = "subnet_without_route",
    /// The workspace's network is BROKEN by a `networkAcl` error; the workspace is FAILED.
    NetworkAclBlocks = "network_acl_blocks",
    /// The workspace's network is WARNED with a `subnet` warning; the workspace runs.
    NetworkWarned = "network_warned",
    /// The workspace's network stays attached for `seconds` (simulated) after the workspace is gone.
    NetworkLingers = "network_lingers",
    /// The workspace's name resolves only `seconds` (simulated) after RUNNING.
    DnsLate = "dns_late",
    /// The workspace API answers 503, then 400 `no worker environments`, then well, in turn.
    ApiFlaps = "api_flaps",
    /// 401 invalid_client at the workspace's token endpoint for a while.
    PrincipalNotAssigned = "principal_not_assigned",
    /// The permission assignment API answers its three `not yet` texts in turn.
    AssignmentLate = "assignment_late",
    /// 404 `Tokens are disabled.`
    TokensDisabled = "tokens_disabled",
    /// 400 QUOTA_EXCEEDED on minting.
    TokenQuota = "token_quota",
    /// 403 on minting on behalf of a service principal.
    OboForbidden = "obo_forbidden",
    /// 404 `tokens tokens does not exist` on the token permissions of a fresh workspace.
    TokenPermissionsMissing = "token_permissions_missing",
    /// OAuth tokens (on `store_login`: logins at Vault) live for `seconds` (real).
    ShortTokens = "short_tokens",
    /// Vault answers 503 `Vault is sealed`, AWS 503 ServiceUnavailable.
    StoreSealed = "store_sealed",
    /// Vault answers 403 `permission denied`, AWS 400 AccessDeniedException.
    StoreDenied = "store_denied",
    /// The store's connection closes before anything happens.
    StoreDown = "store_down",
    /// AWS answers 400 EncryptionFailure: the key cannot be used.
    StoreKeyDenied = "store_key_denied",
    /// Deleting a network answers an empty 409, deleting credentials or storage INVALID_STATE.
    DeleteInUse = "delete_in_use",
    /// A created workspace is missing from lists for `seconds` (simulated).
    ListLag = "list_lag",
    /// Acts and answers `seconds` (real) late.
    Slow = "slow",
    /// Tags given at creation appear only after `seconds` (simulated).
    TagsLate = "tags_late",
    /// Azure refuses with any `code`, `message` and `status` (409 Conflict by default); nothing happens.
    ArmError = "arm_error",
    /// Azure accepts; the operation ends Failed with `code` and `message`.
    ArmFails = "arm_fails",
    /// Entra ID refuses with the AADSTS number in `code` (90033 by default).
    EntraError = "entra_error",
    /// A workspace of Azure is Succeeded, without URL and id for `seconds` (simulated).
    SucceededWithoutUrl = "succeeded_without_url",
    /// Azure's operations are polled without a Retry-After.
    PollWithoutRetryAfter = "poll_without_retry_after",
    /// Azure's Retry-After is 0.
    RetryAfterZero = "retry_after_zero",
    /// Azure's operation URL has no scheme and no host.
    RelativeStatusUrl = "relative_status_url",
    /// Azure names the operation in Location, as operationResults, instead of Azure-AsyncOperation.
    LocationHeader = "location_header",
    /// 429 without Retry-After: the seconds stand in the text; nothing happens.
    ThrottledWithoutRetryAfter = "throttled_without_retry_after",
    /// 409 MissingSubscriptionRegistration until the resource provider is registered.
    ProviderNotRegistered = "provider_not_registered",
    /// A policy denies workspaces: whoever asks what policies say is told, a PUT is answered with 403
    /// RequestDisallowedByPolicy.
    PolicyDenies = "policy_denies",
    /// The subscription has as many virtual networks as it may have.
    NetworkQuotaReached = "network_quota_reached",
    /// A managed resource group stays for `seconds` (simulated) after its workspace was deleted by force.
    GroupLingers = "group_lingers",
    /// The key vault takes `seconds` (simulated) to recover a secret.
    RecoverLate = "recover_late",
}
}

impl FaultKind {
    /// Whether a fault of this kind without `on` strikes this call.
    pub fn strikes_naturally(self, call: Call) -> bool {
        use FaultKind as K;
        match self {
            K::Throttled | K::Unauthorized => call.is_account() || call.is_arm(),
            K::RedirectToLogin => call.is_account(),
            K::NotFound => matches!(call, Call::GetWorkspace | Call::ArmGetWorkspace),
            K::EmptyConflict | K::DeleteInUse => matches!(
                call,
                Call::DeleteNetwork
                    | Call::DeleteCredentials
                    | Call::DeleteStorage
                    | Call::ArmDeleteVnet
                    | Call::ArmDeleteNsg
            ),
            K::IamNotPropagated => {
                matches!(call, Call::CreateCredentials | Call::CreateWorkspace)
            }
            K::WorkspaceFails => matches!(
                call,
                Call::CreateWorkspace | Call::UpdateWorkspace | Call::ArmCreateWorkspace
            ),
            K::ArmFails => matches!(call, Call::ArmCreateWorkspace | Call::ArmUpdateWorkspace),
            K::ArmError | K::SucceededWithoutUrl => call == Call::ArmCreateWorkspace,
            K::EntraError => call == Call::EntraToken,
            K::PollWithoutRetryAfter => call == Call::ArmOperationStatus,
            K::RetryAfterZero => matches!(
                call,
                Call::ArmCreateWorkspace
                    | Call::ArmDeleteWorkspace
                    | Call::ArmOperationStatus
                    | Call::ArmDeleteGroup
                    | Call::ArmPutNsg
                    | Call::ArmDeleteNsg
                    | Call::ArmPutVnet
                    | Call::ArmDeleteVnet
            ),
            K::RelativeStatusUrl | K::LocationHeader => {
                matches!(call, Call::ArmCreateWorkspace | Call::ArmDeleteWorkspace)
            }
            K::ThrottledWithoutRetryAfter => call.is_arm(),
            K::ProviderNotRegistered => {
                matches!(call, Call::ArmCreateWorkspace | Call::ArmGetProvider)
            }
            K::PolicyDenies => {
                matches!(call, Call::ArmCreateWorkspace | Call::ArmCheckPolicies)
            }
            K::NetworkQuotaReached => call == Call::ArmListNetworkUsages,
            K::GroupLingers => call == Call::ArmDeleteWorkspace,
            K::RecoverLate => call == Call::StoreRestore,
            K::SecurityGroupBroken
            | K::SubnetWithoutRoute
            | K::NetworkAclBlocks
            | K::NetworkWarned => matches!(call, Call::CreateWorkspace | Call::UpdateWorkspace),
            K::ApiFlaps => call.is_workspace(),
            K::PrincipalNotAssigned => call == Call::WorkspaceToken,
            K::AssignmentLate => matches!(call, Call::AssignPrincipal | Call::ListAssignments),
            K::TokensDisabled => matches!(
                call,
                Call::MintToken | Call::MintTokenOnBehalf | Call::ListTokens | Call::RevokeToken
            ),
            K::TokenQuota => matches!(call, Call::MintToken | Call::MintTokenOnBehalf),
            K::OboForbidden => call == Call::MintTokenOnBehalf,
            K::TokenPermissionsMissing => call == Call::TokenPermissions,
            K::ShortTokens => matches!(
                call,
                Call::AccountToken
                    | Call::WorkspaceToken
                    | Call::EntraToken
                    | Call::ManagedIdentityToken
            ),
            K::StoreSealed | K::StoreDown => call.is_store(),
            K::StoreDenied => call.is_store() && call != Call::StoreHealth,
            K::StoreKeyDenied => call == Call::StorePut,
            _ => matches!(call, Call::CreateWorkspace | Call::ArmCreateWorkspace),
        }
    }

    /// Whether it befalls what is made rather than the call: its answer can be lost as well.
    pub fn is_fate(self) -> bool {
        use FaultKind as K;
        matches!(
            self,
            K::WorkspaceFails
                | K::SecurityGroupBroken
                | K::SubnetWithoutRoute
                | K::NetworkAclBlocks
                | K::NetworkWarned
                | K::NetworkLingers
                | K::DnsLate
                | K::ListLag
                | K::TagsLate
                | K::ArmFails
                | K::SucceededWithoutUrl
                | K::GroupLingers
        )
    }

    /// Whether it only changes how an answer is told: it strikes beside whatever else does.
    pub fn is_manner(self) -> bool {
        use FaultKind as K;
        matches!(
            self,
            K::PollWithoutRetryAfter | K::RetryAfterZero | K::RelativeStatusUrl | K::LocationHeader
        )
    }

    /// How often it strikes when a fault does not say; 0 is for ever.
    pub fn times(self) -> u32 {
        match self {
            FaultKind::ApiFlaps => 6,
            FaultKind::PrincipalNotAssigned
            | FaultKind::AssignmentLate
            | FaultKind::DeleteInUse => 3,
            FaultKind::ShortTokens
            | FaultKind::PollWithoutRetryAfter
            | FaultKind::RetryAfterZero => 0,
            _ => 1,
        }
    }

    /// Its duration when a fault does not say.
    pub fn seconds(self) -> Option<f64> {
        match self {
            FaultKind::DnsLate => Some(120.0),
            FaultKind::NetworkLingers => Some(60.0),
            FaultKind::ListLag => Some(30.0),
            FaultKind::TagsLate => Some(600.0),
            FaultKind::ShortTokens => Some(5.0),
            FaultKind::Slow => Some(1.0),
            FaultKind::SucceededWithoutUrl | FaultKind::RecoverLate => Some(60.0),
            FaultKind::GroupLingers => Some(120.0),
            _ => None,
        }
    }

    /// Whether `seconds` is this kind's own parameter (and not how long the fault strikes).
    pub fn owns_seconds(self) -> bool {
        self.seconds().is_some()
    }

    /// The beginning of a workspace's name that arms this fault for it.
    pub fn marker(self) -> String {
        format!("fault-{}", self.name().replace('_', "-"))
    }

    /// The kind a workspace asks for in its own name.
    pub fn marked_by(workspace: &str) -> Option<FaultKind> {
        let marks = |kind: &FaultKind| {
            let rest = workspace.strip_prefix(&kind.marker());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        };
        // One kind's name can begin another's.
        let found = FaultKind::ALL.iter().copied().filter(marks);
        found.max_by_key(|kind| kind.name().len())
    }
}
