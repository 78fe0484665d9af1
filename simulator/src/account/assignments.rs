//! Who may enter a workspace.

use serde::Deserialize;
use serde_json::{Value, json};

use super::life::Workspace;
use super::workspaces::find_mut;
use crate::answer::{Answer, Outcome};
use crate::request::Request;
use crate::state::State;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    #[serde(default)]
    permissions: Vec<String>,
}

fn show(state: &State, principal: i64, level: &str) -> Value {
    let known = state.principal(principal);
    json!({
        "principal": {
            "principal_id": principal,
            "display_name": known.map(|p| p.display_name.clone()),
            "service_principal_name": known.map(|p| p.application_id.clone()),
        },
        "permissions": [level],
    })
}

/// Assignments exist once a workspace has run: before, the API is not there for it.
fn check_available(workspace: &Workspace) -> Result<(), Answer> {
    if workspace.is_reachable() {
        return Ok(());
    }
    let words = "Permission assignment APIs are not available for this workspace.";
    Err(Answer::error(400, "INVALID_STATE", words))
}

fn principal_id(state: &State, id: &str) -> Result<i64, Answer> {
    id.parse()
        .ok()
        .filter(|id| state.principal(*id).is_some())
        .ok_or_else(|| Answer::not_found(format!("Principal {id} does not exist.")))
}

pub(crate) fn put(state: &mut State, request: &Request) -> Outcome {
    let body: Body = request.json()?;
    let level = ["ADMIN", "USER"]
        .into_iter()
        .find(|l| body.permissions.iter().any(|p| p == l));
    check_available(find_mut(state, &request.ids[1])?)?;
    let principal = principal_id(state, &request.ids[2])?;
    let workspace = find_mut(state, &request.ids[1])?;
    let Some(level) = level else {
        // Empty or unknown levels remove.
        workspace.forget(principal);
        return Ok(Answer::ok(
            &json!({"principal": {"principal_id": principal}, "permissions": []}),
        ));
    };
    workspace.assignments.insert(principal, level);
    state.count("assignments");
    Ok(Answer::ok(&show(state, principal, level)))
}

pub(crate) fn list(state: &mut State, id: &str) -> Outcome {
    let workspace = find_mut(state, id)?;
    check_available(workspace)?;
    let assignments = workspace.assignments.clone();
    let all: Value = assignments
        .into_iter()
        .map(|(p, level)| show(state, p, level))
        .collect();
    Ok(Answer::ok(&json!({"permission_assignments": all})))
}

pub(crate) fn delete(state: &mut State, request: &Request) -> Outcome {
    check_available(find_mut(state, &request.ids[1])?)?;
    let principal = principal_id(state, &request.ids[2])?;
    let workspace = find_mut(state, &request.ids[1])?;
    if workspace.assignments.contains_key(&principal) {
        workspace.forget(principal);
        return Ok(Answer::ok(&json!({})));
    }
    let words = format!("Principal {principal} not in workspace {}", workspace.id);
    Err(Answer::not_found(words))
}
