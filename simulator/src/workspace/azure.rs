//! Who calls a workspace on Azure: with a PAT, or with an Entra token for Databricks. A principal that is no member yet
//! becomes an admin by proving that the workspace's resource is its own to administer.

use super::{Visit, tokens};
use crate::answer::Answer;
use crate::azure::{Audience, Standing};
use crate::faults::strike::invalid_access_token;
use crate::request::Request;
use crate::state::State;

/// A token that ends so soon is not accepted any more.
const LEAST_MS: i64 = 30_000;

fn page(title: &str) -> Answer {
    Answer::html(
        403,
        &format!(
            "<html><head><title>{title}</title></head><body><h2>HTTP ERROR 403</h2>\
             <p>Problem accessing the workspace. Reason: <pre>{title}</pre></p></body></html>"
        ),
    )
}

pub(super) fn visit(state: &mut State, request: &Request, at: usize) -> Result<Visit, Answer> {
    let Some(bearer) = request.bearer() else {
        return Err(Answer::unauthenticated("Credential was not sent.").by_mistake());
    };
    let ours = state.azure.principal.id;
    let caller = if bearer.starts_with("dapi") {
        let token = tokens::living(&mut state.workspaces[at], bearer);
        token.ok_or_else(invalid_access_token)?
    } else {
        match Standing::of(state, bearer, Audience::Databricks) {
            Standing::Good(left) if left > LEAST_MS => ours,
            Standing::Good(_) | Standing::Expired => return Err(page("Invalid access token")),
            Standing::Foreign => return Err(invalid_access_token().by_mistake()),
            Standing::Unknown => return Err(invalid_access_token()),
        }
    };
    let member = state.workspaces[at].assignments.contains_key(&caller);
    let enters = member || (caller == ours && administers(state, request, at));
    if !enters {
        return Err(page("User not authorized"));
    }
    let workspace = &mut state.workspaces[at];
    let level = *workspace.assignments.entry(caller).or_insert("ADMIN");
    let caller = state.principal(caller).cloned();
    Ok(Visit {
        at,
        caller: caller.ok_or_else(invalid_access_token)?,
        admin: level == "ADMIN",
    })
}

/// Whether the request carries what proves a role on the resource.
fn administers(state: &State, request: &Request, at: usize) -> bool {
    let proof = request.header("x-databricks-azure-sp-management-token");
    let resource = request.header("x-databricks-azure-workspace-resource-id");
    let workspace = &state.workspaces[at];
    let id = workspace.azure.as_ref().map(|it| it.id(&workspace.name));
    let proven = proof.map(|token| Standing::of(state, token, Audience::Arm));
    matches!(proven, Some(Standing::Good(_)))
        && resource
            .zip(id)
            .is_some_and(|(given, id)| given.eq_ignore_ascii_case(&id))
}
