//! Tokens of everybody, for workspace admins, and minting on behalf of a service principal.

use serde::Deserialize;
use serde_json::{Value, json};

use super::Visit;
use super::tokens::{self, Pat};
use crate::answer::{Answer, Outcome};
use crate::clock::epoch_ms;
use crate::request::Request;
use crate::state::State;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    application_id: String,
    lifetime_seconds: Option<i64>,
    comment: Option<String>,
    #[serde(rename = "scopes")]
    _scopes: Option<Vec<String>>,
    #[serde(rename = "autoscope_enabled")]
    _autoscope_enabled: Option<bool>,
}

pub(crate) fn mint(state: &mut State, visit: &Visit, request: &Request) -> Outcome {
    let body: Body = request.json()?;
    let known = state
        .principals
        .iter()
        .find(|p| p.application_id == body.application_id);
    let inside = known
        .map(|principal| principal.id)
        .filter(|id| state.workspaces[visit.at].assignments.contains_key(id));
    let Some(owner) = inside else {
        let words = format!(
            "Service principal {} is not in this workspace.",
            body.application_id
        );
        return Err(Answer::not_found(words));
    };
    tokens::check_may_use(visit.workspace(state), owner, &body.application_id)?;
    tokens::add(state, visit, owner, body.lifetime_seconds, body.comment)
}

fn show(state: &State, workspace: i64, token: &Pat) -> Value {
    let mut body = token.show();
    body["owner_id"] = token.owner.into();
    body["created_by_id"] = token.created_by.into();
    body["workspace_id"] = workspace.into();
    if let Some(creator) = state.principal(token.created_by) {
        body["created_by_username"] = creator.application_id.clone().into();
    }
    body
}

pub(crate) fn list(state: &mut State, visit: &Visit, request: &Request) -> Outcome {
    let now = epoch_ms();
    visit
        .workspace(state)
        .tokens
        .retain(|token| token.expires > now);
    let workspace = &state.workspaces[visit.at];
    let all: Value = workspace
        .tokens
        .iter()
        .filter(|t| {
            request
                .query("created_by_id")
                .is_none_or(|id| id == t.created_by.to_string())
        })
        .map(|t| show(state, workspace.id, t))
        .filter(|t| {
            request
                .query("created_by_username")
                .is_none_or(|name| t["created_by_username"] == name)
        })
        .collect();
    Ok(Answer::ok(&json!({"token_infos": all})))
}

pub(crate) fn get(state: &mut State, visit: &Visit, request: &Request) -> Outcome {
    let workspace = &state.workspaces[visit.at];
    let id = &request.ids[0];
    let token = workspace.tokens.iter().find(|token| token.id == *id);
    let token =
        token.ok_or_else(|| Answer::not_found(format!("Token with id {id} does not exist.")))?;
    Ok(Answer::ok(
        &json!({"token_info": show(state, workspace.id, token)}),
    ))
}

pub(crate) fn revoke(state: &mut State, visit: &Visit, request: &Request) -> Outcome {
    tokens::remove(visit.workspace(state), &request.ids[0], |_| true)
}
