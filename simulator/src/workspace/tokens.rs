//! Personal access tokens of the caller. A value is shown once; its SHA-256 is its id.

use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Visit;
use crate::account::life::Workspace;
use crate::answer::{Answer, Outcome};
use crate::clock::epoch_ms;
use crate::request::Request;
use crate::state::State;

const MOST_PER_PRINCIPAL: usize = 600;
const LONGEST_SECONDS: i64 = 730 * 86_400;

/// A personal access token.
#[derive(Clone, Debug)]
pub(crate) struct Pat {
    pub(crate) id: String,
    pub(crate) value: String,
    pub(crate) owner: i64,
    pub(crate) created_by: i64,
    pub(crate) created: i64,
    pub(crate) expires: i64,
    pub(crate) comment: String,
}

impl Pat {
    pub(crate) fn show(&self) -> Value {
        json!({
            "token_id": self.id,
            "creation_time": self.created,
            "expiry_time": self.expires,
            "comment": self.comment,
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    lifetime_seconds: Option<i64>,
    comment: Option<String>,
    #[serde(rename = "scopes")]
    _scopes: Option<Vec<String>>,
    #[serde(rename = "autoscope_enabled")]
    _autoscope_enabled: Option<bool>,
}

/// Hex of the SHA-256 of a value.
pub(crate) fn sha256(value: &str) -> String {
    Sha256::digest(value)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The owner of a PAT that has not expired.
pub(super) fn living(workspace: &mut Workspace, value: &str) -> Option<i64> {
    let now = epoch_ms();
    workspace.tokens.retain(|token| token.expires > now);
    workspace
        .tokens
        .iter()
        .find(|token| token.value == value)
        .map(|token| token.owner)
}

pub(crate) fn mint(state: &mut State, visit: &Visit, request: &Request) -> Outcome {
    let body: Body = request.json()?;
    check_may_use(
        visit.workspace(state),
        visit.caller.id,
        &visit.caller.application_id,
    )?;
    add(
        state,
        visit,
        visit.caller.id,
        body.lifetime_seconds,
        body.comment,
    )
}

/// CAN_USE on tokens: admins have it, others by a permission of their own or of group `users`.
pub(super) fn check_may_use(
    workspace: &Workspace,
    principal: i64,
    application_id: &str,
) -> Result<(), Answer> {
    let admin = workspace.assignments.get(&principal) == Some(&"ADMIN");
    let named = workspace.token_users.iter().any(|(kind, name)| {
        (kind == "service_principal_name" && name == application_id)
            || (kind == "group_name" && name == "users")
    });
    if admin || named {
        return Ok(());
    }
    Err(Answer::forbidden(
        "User does not have permission to use tokens.",
    ))
}

/// Makes a token of `owner` and answers it with its value.
pub(super) fn add(
    state: &mut State,
    visit: &Visit,
    owner: i64,
    lifetime: Option<i64>,
    comment: Option<String>,
) -> Outcome {
    let lifetime = lifetime.unwrap_or(LONGEST_SECONDS);
    if lifetime <= 0 {
        return Err(Answer::bad_value("lifetime_seconds must be positive."));
    }
    if lifetime > LONGEST_SECONDS {
        return Err(Answer::bad_value(
            "lifetime_seconds must not exceed 730 days.",
        ));
    }
    let mut value = format!("dapi{}", state.chance.hex(32));
    let workspace = visit.workspace(state);
    if workspace.azure.is_some() {
        value.push_str("-2");
    }
    let now = epoch_ms();
    workspace.tokens.retain(|token| token.expires > now);
    if workspace.tokens.iter().filter(|t| t.owner == owner).count() >= MOST_PER_PRINCIPAL {
        let words = "The user has reached the limit of 600 tokens.";
        return Err(Answer::error(400, "QUOTA_EXCEEDED", words));
    }
    let token = Pat {
        id: sha256(&value),
        value,
        owner,
        created_by: visit.caller.id,
        created: now,
        expires: now + lifetime * 1000,
        comment: comment.unwrap_or_default(),
    };
    let answer = json!({"token_value": token.value, "token_info": token.show()});
    workspace.tokens.push(token);
    state.count("tokens");
    Ok(Answer::ok(&answer))
}

pub(crate) fn list(state: &mut State, visit: &Visit) -> Outcome {
    let now = epoch_ms();
    let tokens = &mut visit.workspace(state).tokens;
    tokens.retain(|token| token.expires > now);
    let own = tokens.iter().filter(|token| token.owner == visit.caller.id);
    Ok(Answer::ok(
        &json!({"token_infos": own.map(Pat::show).collect::<Value>()}),
    ))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Revoke {
    token_id: String,
}

pub(crate) fn revoke(state: &mut State, visit: &Visit, request: &Request) -> Outcome {
    let body: Revoke = request.json()?;
    let caller = visit.caller.id;
    remove(visit.workspace(state), &body.token_id, |token| {
        token.owner == caller
    })
}

pub(super) fn remove(workspace: &mut Workspace, id: &str, may: impl Fn(&Pat) -> bool) -> Outcome {
    let before = workspace.tokens.len();
    workspace
        .tokens
        .retain(|token| token.id != id || !may(token));
    if workspace.tokens.len() == before {
        return Err(Answer::not_found(format!(
            "Token with id {id} does not exist."
        )));
    }
    Ok(Answer::ok(&json!({})))
}
