//! The API of one workspace, served at its own host once it runs.
//!
//! Callers come with an OAuth token of this very workspace or with one of its PATs. A token of the
//! account, or of another workspace, opens nothing here.

mod azure;
pub(crate) mod permissions;
pub(crate) mod scim;
pub(crate) mod token_management;
pub(crate) mod tokens;

use serde_json::json;

use crate::account::life::Workspace;
use crate::answer::{Answer, Outcome};
use crate::calls::Call;
use crate::faults::strike::{invalid_access_token, no_webapps};
use crate::oauth;
use crate::request::{Host, Request};
use crate::state::{Principal, State};

/// Who calls which workspace.
pub(crate) struct Visit {
    /// Place of the workspace in the state.
    pub(crate) at: usize,
    pub(crate) caller: Principal,
    pub(crate) admin: bool,
}

impl Visit {
    pub(crate) fn workspace<'a>(&self, state: &'a mut State) -> &'a mut Workspace {
        &mut state.workspaces[self.at]
    }

    fn must_be_admin(&self) -> Result<(), Answer> {
        if self.admin {
            return Ok(());
        }
        Err(Answer::forbidden("Only workspace admins may use this API."))
    }
}

/// Lets a workspace call act.
pub(crate) fn act(state: &mut State, request: &Request) -> Outcome {
    let visit = visit(state, request)?;
    match request.call {
        Call::Me => Ok(scim::me(&visit)),
        Call::MintToken => tokens::mint(state, &visit, request),
        Call::ListTokens => tokens::list(state, &visit),
        Call::RevokeToken => tokens::revoke(state, &visit, request),
        Call::SparkVersions => Ok(Answer::ok(&json!({
            "versions": [{"key": "16.4.x-scala2.12", "name": "16.4 LTS (Scala 2.12)"}],
        }))),
        call => {
            visit.must_be_admin()?;
            match call {
                Call::MintTokenOnBehalf => token_management::mint(state, &visit, request),
                Call::ListTokensAsAdmin => token_management::list(state, &visit, request),
                Call::GetTokenAsAdmin => token_management::get(state, &visit, request),
                Call::RevokeTokenAsAdmin => token_management::revoke(state, &visit, request),
                Call::TokenPermissions => permissions::patch(state, &visit, request),
                _ => Ok(permissions::get(state, &visit)),
            }
        }
    }
}

fn visit(state: &mut State, request: &Request) -> Result<Visit, Answer> {
    let Host::Workspace(deployment) = &request.host else {
        return Err(no_webapps());
    };
    let at = state
        .workspaces
        .iter()
        .position(|w| w.deployment_name == *deployment && w.is_reachable())
        .ok_or_else(no_webapps)?;
    if state.workspaces[at].azure.is_some() {
        return azure::visit(state, request, at);
    }
    let Some(bearer) = request.bearer() else {
        return Err(Answer::unauthenticated("Credential was not sent.").by_mistake());
    };
    let caller = if bearer.starts_with("dapi") {
        let token = tokens::living(&mut state.workspaces[at], bearer);
        token.ok_or_else(invalid_access_token)?
    } else {
        match oauth::token(state, request) {
            Some(token) if token.workspace == Some(state.workspaces[at].id) => {
                state.provisioner().id
            }
            _ => {
                return Err(Answer::unauthenticated(
                    "Credential was not sent or was of an unsupported type for this API.",
                ));
            }
        }
    };
    let Some(caller) = state.principal(caller).cloned() else {
        return Err(invalid_access_token());
    };
    let Some(level) = state.workspaces[at].assignments.get(&caller.id) else {
        return Err(Answer::forbidden(format!(
            "Unauthorized access to Org: {}",
            state.workspaces[at].id
        )));
    };
    Ok(Visit {
        at,
        caller,
        admin: *level == "ADMIN",
    })
}
