//! What a refusal means.
//!
//! One code serves many meanings at this vendor (`MALFORMED_REQUEST` is a real mistake, a role that is too new and
//! a network in use), so the text decides first, then the code, then the status.

use super::error::{ApiError, Shape};

/// What a refusal means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The role cannot be assumed: too new, or its trust policy is wrong.
    RoleNotAssumable,
    /// The role lacks permissions; so many checks failed.
    RoleLacksPermissions(usize),
    /// The root bucket's checks failed.
    StorageChecksFailed,
    /// No room for another credentials configuration.
    CredentialsLimit,
    /// No room for another storage configuration.
    StorageLimit,
    /// Another limit of the account.
    OtherLimit,
    /// The network belongs to another workspace.
    NetworkUsed,
    /// A subnet or a security group belongs to another network.
    SubnetUsed,
    /// A deployment name was given and the account has no prefix.
    DeploymentNamePrefixMissing,
    /// The deployment name is taken.
    DeploymentNameTaken,
    /// The principal is not in the workspace, or assignment is not there yet.
    PrincipalNotYet,
    /// The workspace has no compute environment yet, or flaps.
    NotReady,
    /// PATs are switched off.
    TokensDisabled,
    /// The permissions object of tokens does not exist before the first token.
    TokenPermissionsMissing,
    /// The principal may not use tokens (yet).
    MayNotUseTokens,
    /// Too many tokens.
    TokenQuota,
    /// The lifetime is longer than the workspace allows.
    LifetimeRefused,
    /// The thing is in use, or in a state that forbids this for now.
    InUse,
    /// It exists already, or changed under our hands.
    Conflict,
    /// It does not exist.
    NotFound,
    /// The account does not exist, or we are not in it. Not the absence of the thing addressed.
    NotInAccount,
    /// Our proof of identity is not accepted.
    Unauthenticated,
    /// Not allowed.
    Forbidden,
    /// Slow down.
    Throttled,
    /// Server side, gateway or time-out: it may have had its effect.
    Unavailable,
    /// Not an answer of this API at all (HTML, redirect).
    NotAnApi,
    /// Any other refusal.
    Refused,
}

/// Texts of refusals (4xx), lower case, first match wins.
const TEXTS: &[(&str, Class)] = &[
    (
        "failed credential validation checks",
        Class::RoleNotAssumable,
    ),
    (
        "failed storage configuration validation checks",
        Class::StorageChecksFailed,
    ),
    ("storage configuration limit exceeded", Class::StorageLimit),
    ("credentials limit exceeded", Class::CredentialsLimit),
    ("credential limit exceeded", Class::CredentialsLimit),
    (
        "credentials configuration limit exceeded",
        Class::CredentialsLimit,
    ),
    ("is used by another workspace", Class::NetworkUsed),
    (
        "is used by another network configuration",
        Class::SubnetUsed,
    ),
    (
        "until a deployment name prefix is defined",
        Class::DeploymentNamePrefixMissing,
    ),
    (
        "permission assignment apis are not available",
        Class::PrincipalNotYet,
    ),
    (
        "permission assignments not supported for current workspace",
        Class::PrincipalNotYet,
    ),
    ("not in workspace", Class::PrincipalNotYet),
    ("unauthorized access to org", Class::PrincipalNotYet),
    ("serviceprincipalname(", Class::PrincipalNotYet),
    ("unknownworkerenvironmentexception", Class::NotReady),
    (
        "does not have any associated worker environments",
        Class::NotReady,
    ),
    ("there is no worker environment", Class::NotReady),
    ("unknown worker environment", Class::NotReady),
    ("no worker environments", Class::NotReady),
    ("clusternotreadyexception", Class::NotReady),
    ("no webapps are available", Class::NotReady),
    ("tokens are disabled", Class::TokensDisabled),
    (
        "tokens tokens does not exist",
        Class::TokenPermissionsMissing,
    ),
    (
        "does not have permission to use tokens",
        Class::MayNotUseTokens,
    ),
    ("is being used by", Class::InUse),
    ("still in use", Class::InUse),
    (
        "the account does not exist or the user does not belong",
        Class::NotInAccount,
    ),
    ("rpc token bucket limit has been exceeded", Class::Throttled),
    ("temporarily throttled", Class::Throttled),
];

const CODES: &[(&[&str], Class)] = &[
    (
        &["REQUEST_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED"],
        Class::Throttled,
    ),
    (
        &["QUOTA_EXCEEDED", "RESOURCE_LIMIT_EXCEEDED"],
        Class::OtherLimit,
    ),
    (
        &["UNAUTHENTICATED", "invalid_client", "invalid_token"],
        Class::Unauthenticated,
    ),
    (
        &[
            "CUSTOMER_UNAUTHORIZED",
            "PERMISSION_DENIED",
            "FEATURE_DISABLED",
        ],
        Class::Forbidden,
    ),
    (&["ENDPOINT_NOT_FOUND", "NOT_IMPLEMENTED"], Class::Refused),
    (
        &["PERMISSION_NOT_PROPAGATED", "PRINCIPAL_DOES_NOT_EXIST"],
        Class::PrincipalNotYet,
    ),
    (&["RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"], Class::NotFound),
    (
        &[
            "RESOURCE_ALREADY_EXISTS",
            "ALREADY_EXISTS",
            "RESOURCE_CONFLICT",
            "ABORTED",
        ],
        Class::Conflict,
    ),
    (&["COULD_NOT_ACQUIRE_LOCK"], Class::Conflict),
    (&["INVALID_STATE", "INVALID_STATE_TRANSITION"], Class::InUse),
    (
        &[
            "TEMPORARILY_UNAVAILABLE",
            "WORKSPACE_TEMPORARILY_UNAVAILABLE",
            "SERVICE_UNDER_MAINTENANCE",
            "UNAVAILABLE",
            "INTERNAL_ERROR",
            "UNKNOWN",
            "DATA_LOSS",
            "IO_ERROR",
            "DEADLINE_EXCEEDED",
            "DEPLOYMENT_TIMEOUT",
            "CANCELLED",
            "PARTIAL_DELETE",
        ],
        Class::Unavailable,
    ),
];

impl ApiError {
    /// What it means.
    pub fn class(&self) -> Class {
        match self.shape {
            Shape::LoginPage => return Class::NotAnApi,
            Shape::PrivateLink => return Class::Forbidden,
            // Whatever its status: the thing may have been made.
            Shape::Dump => return Class::Unavailable,
            // A page comes from something on the way, which knows nothing of the thing.
            Shape::Html if self.status == 404 => return Class::NotAnApi,
            _ if self.status >= 500 || matches!(self.status, 408 | 499) => {
                return Class::Unavailable;
            }
            _ => {}
        }
        let text = self.message.to_ascii_lowercase();
        if let Some(class) = by_text(&text) {
            return class;
        }
        let code = self.error_code.as_deref().unwrap_or("");
        if let Some((_, class)) = CODES.iter().find(|(codes, _)| codes.contains(&code)) {
            return match class {
                Class::OtherLimit if text.contains("token") => Class::TokenQuota,
                class => *class,
            };
        }
        match self.status {
            401 => Class::Unauthenticated,
            403 if text.contains("invalid access token") => Class::Unauthenticated,
            403 => Class::Forbidden,
            404 => Class::NotFound,
            409 | 412 => Class::Conflict,
            429 => Class::Throttled,
            _ if text.contains("already exists") || text.contains("duplicate") => Class::Conflict,
            _ => Class::Refused,
        }
    }
}

fn by_text(text: &str) -> Option<Class> {
    if let Some((_, checks)) = text.split_once("failed credentials validation checks") {
        let checks = checks.trim_start_matches([':', ' ']);
        let count = checks.split(',').filter(|it| !it.trim().is_empty()).count();
        return Some(Class::RoleLacksPermissions(count));
    }
    let about = |noun: &str, said: &[&str]| {
        text.contains(noun) && said.iter().any(|words| text.contains(words))
    };
    if about(
        "deployment name",
        &["taken", "already", "in use", "not available", "exists"],
    ) {
        return Some(Class::DeploymentNameTaken);
    }
    if about(
        "lifetime",
        &[
            "exceed", "maximum", "greater", "longer", "too long", "at most",
        ],
    ) {
        return Some(Class::LifetimeRefused);
    }
    let found = TEXTS.iter().find(|(words, _)| text.contains(words));
    found.map(|(_, class)| *class)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::databricks::error::Side;

    #[test]
    fn classes() {
        // status | code | message | class
        let table = "
            400 | MALFORMED_REQUEST | Failed credential validation checks: please | RoleNotAssumable
            400 | MALFORMED_REQUEST | Failed credentials validation checks: Delete Tags, Create VPC | RoleLacksPermissions(2)
            400 | MALFORMED_REQUEST | Failed credentials validation checks: 1,2,3,4,5,6,7,8,9,10,11 | RoleLacksPermissions(11)
            400 | MALFORMED_REQUEST | Failed storage configuration validation checks: List, Put -- Access Denied | StorageChecksFailed
            400 | INVALID_STATE | Storage configuration limit exceeded | StorageLimit
            400 | MALFORMED_REQUEST | Network n is used by another workspace 7. | NetworkUsed
            400 | MALFORMED_REQUEST | Subnet s is used by another network configuration. | SubnetUsed
            400 | MALFORMED_REQUEST | It cannot be used until a deployment name prefix is defined. | DeploymentNamePrefixMissing
            400 | MALFORMED_REQUEST | Deployment name acme-x is already taken | DeploymentNameTaken
            400 |  | Permission assignment APIs are not available for this workspace. | PrincipalNotYet
            400 |  | Permission assignments not supported for current workspace. | PrincipalNotYet
            404 |  | Principal 7 not in workspace 8 | PrincipalNotYet
            400 | INVALID_STATE | Unable to delete, Network is being used by active workspace 7 | InUse
            400 | INVALID_STATE | not now | InUse
            409 |  |  | Conflict
            409 | SCIM_409 | exists | Conflict
            400 | MALFORMED_REQUEST | credentials with name x already exists | Conflict
            400 | MALFORMED_REQUEST | Cannot parse request body | Refused
            404 | FEATURE_DISABLED | Tokens are disabled. | TokensDisabled
            404 | RESOURCE_DOES_NOT_EXIST | tokens tokens does not exist | TokenPermissionsMissing
            403 | PERMISSION_DENIED | User does not have permission to use tokens. | MayNotUseTokens
            400 | QUOTA_EXCEEDED | too many tokens | TokenQuota
            429 | QUOTA_EXCEEDED | The number of tokens exceeds 600 | TokenQuota
            400 | INVALID_PARAMETER_VALUE | lifetime_seconds exceeds the maximum | LifetimeRefused
            404 | RESOURCE_DOES_NOT_EXIST | x | NotFound
            404 |  | The account does not exist or the user does not belong to it | NotInAccount
            404 | ENDPOINT_NOT_FOUND | Endpoint not found for /x | Refused
            401 |  |  | Unauthenticated
            403 | 403 | Invalid access token. | Unauthenticated
            403 | 403 | Unauthorized network access | Forbidden
            429 |  |  | Throttled
            400 | TEMPORARILY_UNAVAILABLE |  | Unavailable
            500 | RESOURCE_ALREADY_EXISTS | already exists | Unavailable
            503 |  |  | Unavailable
            408 |  |  | Unavailable
            400 |  | There is no worker environment with id 3 | NotReady
            418 | NEW_CODE | new | Refused
        ";
        for row in table.trim().lines() {
            let cells: Vec<_> = row.split('|').map(str::trim).collect();
            let error = ApiError {
                side: Side::Account,
                status: cells[0].parse().unwrap(),
                error_code: (!cells[1].is_empty()).then(|| cells[1].to_owned()),
                message: cells[2].to_owned(),
                request_id: None,
                retry_after: None,
                shape: Shape::Coded,
            };
            assert_eq!(format!("{:?}", error.class()), cells[3], "{row}");
        }
    }
}
