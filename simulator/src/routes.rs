//! The map of the outside world: method, host and path to [`Call`], and call to the room that acts.

use axum::http::Method;

use crate::answer::{Answer, Outcome};
use crate::calls::Call;
use crate::request::{Host, Request};
use crate::state::State;
use crate::{account, aws, azure, login, oauth, oidc, vault, workspace};

/// Names the call and takes the variable parts out of the path. The first id of an account route is
/// the account.
pub(crate) fn route(host: &Host, method: &Method, path: &[&str]) -> (Call, Vec<String>) {
    let found = match host {
        Host::Home => home(method.as_str(), path),
        Host::Entra | Host::Arm | Host::KeyVault => None,
        Host::Workspace(_) => workspace_host(method.as_str(), path),
    };
    match found {
        None if !matches!(host, Host::Workspace(_)) => azure::route(host, method.as_str(), path),
        Some((call, ids)) => (call, ids.into_iter().map(str::to_owned).collect()),
        None => (Call::Unknown, Vec::new()),
    }
}

fn home<'a>(method: &str, path: &[&'a str]) -> Option<(Call, Vec<&'a str>)> {
    let found = match (method, path) {
        ("POST", ["oidc", "accounts", account, "v1", "token"]) => {
            (Call::AccountToken, vec![*account])
        }
        ("GET", [".well-known", "databricks-config"]) => (Call::Discovery, vec![]),
        ("GET", ["oidc", "accounts", account, ".well-known", document])
            if is_discovery(document) =>
        {
            (Call::Discovery, vec![*account])
        }
        ("GET", ["login"]) => (Call::LoginPage, vec![]),
        ("GET", ["issuer", ".well-known", "openid-configuration"]) => {
            (Call::IssuerDiscovery, vec![])
        }
        ("GET", ["issuer", "jwks"]) => (Call::Jwks, vec![]),
        ("GET", ["issuer", "authorize"]) => (Call::IssuerAuthorize, vec![]),
        ("OPTIONS", ["issuer", "token"]) => (Call::IssuerPreflight, vec![]),
        ("POST", ["issuer", "token"]) => (Call::IssuerToken, vec![]),
        (_, ["v1", rest @ ..]) => return vault::route(method, rest),
        (_, ["api", "2.0", "accounts", account, rest @ ..]) => {
            let (call, mut ids) = account_api(method, rest)?;
            ids.insert(0, account);
            (call, ids)
        }
        _ => return None,
    };
    Some(found)
}

fn is_discovery(document: &str) -> bool {
    document == "oauth-authorization-server" || document == "openid-configuration"
}

fn account_api<'a>(method: &str, path: &[&'a str]) -> Option<(Call, Vec<&'a str>)> {
    let found = match (method, path) {
        ("POST", ["credentials"]) => (Call::CreateCredentials, vec![]),
        ("GET", ["credentials"]) => (Call::ListCredentials, vec![]),
        ("GET", ["credentials", id]) => (Call::GetCredentials, vec![*id]),
        ("DELETE", ["credentials", id]) => (Call::DeleteCredentials, vec![*id]),
        ("POST", ["storage-configurations"]) => (Call::CreateStorage, vec![]),
        ("GET", ["storage-configurations"]) => (Call::ListStorage, vec![]),
        ("GET", ["storage-configurations", id]) => (Call::GetStorage, vec![*id]),
        ("DELETE", ["storage-configurations", id]) => (Call::DeleteStorage, vec![*id]),
        ("POST", ["networks"]) => (Call::CreateNetwork, vec![]),
        ("GET", ["networks"]) => (Call::ListNetworks, vec![]),
        ("GET", ["networks", id]) => (Call::GetNetwork, vec![*id]),
        ("DELETE", ["networks", id]) => (Call::DeleteNetwork, vec![*id]),
        ("POST", ["workspaces"]) => (Call::CreateWorkspace, vec![]),
        ("GET", ["workspaces"]) => (Call::ListWorkspaces, vec![]),
        ("GET", ["workspaces", id]) => (Call::GetWorkspace, vec![*id]),
        ("PATCH", ["workspaces", id]) => (Call::UpdateWorkspace, vec![*id]),
        ("DELETE", ["workspaces", id]) => (Call::DeleteWorkspace, vec![*id]),
        ("GET", ["workspaces", id, "permissionassignments"]) => (Call::ListAssignments, vec![*id]),
        (
            "PUT",
            [
                "workspaces",
                id,
                "permissionassignments",
                "principals",
                principal,
            ],
        ) => (Call::AssignPrincipal, vec![*id, *principal]),
        (
            "DELETE",
            [
                "workspaces",
                id,
                "permissionassignments",
                "principals",
                principal,
            ],
        ) => (Call::UnassignPrincipal, vec![*id, *principal]),
        ("POST", ["scim", "v2", "ServicePrincipals"]) => (Call::CreateServicePrincipal, vec![]),
        ("GET", ["scim", "v2", "ServicePrincipals"]) => (Call::ListServicePrincipals, vec![]),
        ("GET", ["scim", "v2", "ServicePrincipals", id]) => (Call::GetServicePrincipal, vec![*id]),
        ("DELETE", ["scim", "v2", "ServicePrincipals", id]) => {
            (Call::DeleteServicePrincipal, vec![*id])
        }
        _ => return None,
    };
    Some(found)
}

fn workspace_host<'a>(method: &str, path: &[&'a str]) -> Option<(Call, Vec<&'a str>)> {
    let found = match (method, path) {
        ("POST", ["oidc", "v1", "token"]) => (Call::WorkspaceToken, vec![]),
        ("GET", [".well-known", "databricks-config"]) => (Call::Discovery, vec![]),
        ("GET", ["oidc", ".well-known", document]) if is_discovery(document) => {
            (Call::Discovery, vec![*document])
        }
        ("GET", ["login" | "login.html"]) => (Call::LoginPage, vec![]),
        (
            "GET",
            ["api", "2.0", "preview", "scim", "v2", "Me"] | ["api", "2.0", "scim", "v2", "Me"],
        ) => (Call::Me, vec![]),
        ("GET", ["api", "2.0", "permissions", "authorization", "tokens"]) => {
            (Call::GetTokenPermissions, vec![])
        }
        ("PATCH", ["api", "2.0", "permissions", "authorization", "tokens"]) => {
            (Call::TokenPermissions, vec![])
        }
        ("POST", ["api", "2.0", "token", "create"]) => (Call::MintToken, vec![]),
        ("GET", ["api", "2.0", "token", "list"]) => (Call::ListTokens, vec![]),
        ("POST", ["api", "2.0", "token", "delete"]) => (Call::RevokeToken, vec![]),
        ("POST", ["api", "2.0", "token-management", "on-behalf-of", "tokens"]) => {
            (Call::MintTokenOnBehalf, vec![])
        }
        ("GET", ["api", "2.0", "token-management", "tokens"]) => (Call::ListTokensAsAdmin, vec![]),
        ("GET", ["api", "2.0", "token-management", "tokens", id]) => {
            (Call::GetTokenAsAdmin, vec![*id])
        }
        ("DELETE", ["api", "2.0", "token-management", "tokens", id]) => {
            (Call::RevokeTokenAsAdmin, vec![*id])
        }
        ("GET", ["api", "2.0" | "2.1", "clusters", "spark-versions"]) => {
            (Call::SparkVersions, vec![])
        }
        _ => return None,
    };
    Some(found)
}

/// Query parameters a call knows; others are refused.
fn known_query(call: Call) -> &'static [&'static str] {
    match call {
        Call::UpdateWorkspace => &["update_mask"],
        Call::ListServicePrincipals => &[
            "filter",
            "startIndex",
            "count",
            "attributes",
            "excludedAttributes",
            "sortBy",
            "sortOrder",
        ],
        Call::GetServicePrincipal | Call::Me => &["attributes", "excludedAttributes"],
        Call::ListTokensAsAdmin => &["created_by_id", "created_by_username"],
        Call::IssuerAuthorize => &[
            "response_type",
            "client_id",
            "redirect_uri",
            "scope",
            "state",
            "nonce",
            "code_challenge",
            "code_challenge_method",
            "login_hint",
        ],
        Call::LoginPage => &["account_id", "next_url", "error"],
        Call::StoreHealth => &["standbyok", "perfstandbyok", "sealedcode", "uninitcode"],
        Call::StoreGet => &["version"],
        Call::StoreMetadataGet => &["list"],
        _ => &[],
    }
}

/// Lets a call act on the world.
pub(crate) fn act(state: &mut State, request: &Request) -> Answer {
    if azure::plays(request) {
        return azure::act(state, request).unwrap_or_else(|refusal| refusal);
    }
    let known = known_query(request.call);
    if let Some((name, _)) = request
        .query
        .iter()
        .find(|(name, _)| !known.contains(&name.as_str()))
        && request.call != Call::Unknown
    {
        return Answer::bad_value(format!("Unknown query parameter '{name}'.")).by_mistake();
    }
    dispatch(state, request).unwrap_or_else(|refusal| refusal)
}

fn dispatch(state: &mut State, request: &Request) -> Outcome {
    match request.call {
        Call::LoginPage => Ok(Answer::login_page()),
        Call::IssuerDiscovery => Ok(oidc::discovery(state)),
        Call::Jwks => Ok(oidc::jwks(state)),
        Call::IssuerAuthorize => login::authorize(state, request),
        Call::IssuerPreflight => login::preflight(state, request),
        Call::IssuerToken => oidc::token(state, request),
        Call::Discovery => oauth::discovery(state, request),
        Call::AccountToken => oauth::account_token(state, request),
        Call::WorkspaceToken => oauth::workspace_token(state, request),
        call if call.is_account() => account::act(state, request),
        call if call.is_workspace() => workspace::act(state, request),
        call if call.is_store() && aws::operation(request).is_some() => aws::act(state, request),
        call if call.is_store() => vault::act(state, request),
        _ if request.path.starts_with("/v1/") => {
            Ok(Answer::json(404, &serde_json::json!({"errors": []})).by_mistake())
        }
        _ => {
            let words = format!("Endpoint not found for {} {}", request.method, request.path);
            Ok(Answer::error(404, "ENDPOINT_NOT_FOUND", words).by_mistake())
        }
    }
}
