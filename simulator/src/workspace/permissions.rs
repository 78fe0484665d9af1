//! Who may use tokens in a workspace.

use serde::Deserialize;
use serde_json::{Value, json};

use super::Visit;
use crate::answer::{Answer, Outcome};
use crate::request::Request;
use crate::state::State;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    access_control_list: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    user_name: Option<String>,
    group_name: Option<String>,
    service_principal_name: Option<String>,
    permission_level: Level,
}

#[derive(Deserialize)]
enum Level {
    #[serde(rename = "CAN_USE")]
    CanUse,
}

pub(crate) fn get(state: &mut State, visit: &Visit) -> Answer {
    let level = |inherited: bool| json!([{"permission_level": "CAN_USE", "inherited": inherited}]);
    let mut list = vec![json!({"group_name": "admins", "all_permissions": level(true)})];
    list.extend(
        visit
            .workspace(state)
            .token_users
            .iter()
            .map(|(kind, name)| {
                let mut entry = json!({"all_permissions": level(false)});
                entry[kind.as_str()] = name.clone().into();
                entry
            }),
    );
    Answer::ok(&json!({
        "object_id": "/authorization/tokens",
        "object_type": "tokens",
        "access_control_list": Value::Array(list),
    }))
}

/// PATCH adds; nobody loses anything.
pub(crate) fn patch(state: &mut State, visit: &Visit, request: &Request) -> Outcome {
    let body: Body = request.json()?;
    let mut added = Vec::new();
    for entry in body.access_control_list {
        let Level::CanUse = entry.permission_level;
        let names = [
            ("user_name", entry.user_name),
            ("group_name", entry.group_name),
            ("service_principal_name", entry.service_principal_name),
        ];
        let mut given: Vec<_> = names
            .into_iter()
            .filter_map(|(kind, name)| Some((kind.to_owned(), name?)))
            .collect();
        let Some(only) = given.pop().filter(|_| given.is_empty()) else {
            return Err(Answer::bad_value("Each entry names exactly one principal."));
        };
        check_exists(state, visit, &only)?;
        added.push(only);
    }
    let users = &mut visit.workspace(state).token_users;
    for entry in added {
        if !users.contains(&entry) {
            users.push(entry);
        }
    }
    Ok(get(state, visit))
}

fn check_exists(
    state: &State,
    visit: &Visit,
    (kind, name): &(String, String),
) -> Result<(), Answer> {
    let workspace = &state.workspaces[visit.at];
    let exists = match kind.as_str() {
        "group_name" => name == "users" || name == "admins",
        "service_principal_name" => state
            .principals
            .iter()
            .any(|p| p.application_id == *name && workspace.assignments.contains_key(&p.id)),
        _ => false,
    };
    if exists {
        return Ok(());
    }
    Err(Answer::not_found(format!(
        "Principal {name} does not exist in this workspace."
    )))
}
