//! PATCH of a workspace: repair of a failed one, change of a running one.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};

use super::life::Phase;
use super::networks;
use super::workspaces::{
    check_credentials, check_network, check_storage, check_tags, failure, find_mut, not_serverless,
};
use crate::answer::{Answer, Outcome};
use crate::request::Request;
use crate::state::State;

/// What a PATCH may change.
const CHANGEABLE: [&str; 8] = [
    "credentials_id",
    "storage_configuration_id",
    "network_id",
    "managed_services_customer_managed_key_id",
    "storage_customer_managed_key_id",
    "private_access_settings_id",
    "network_connectivity_config_id",
    "custom_tags",
];

/// What a PATCH may repeat, unchanged.
const REPEATABLE: [&str; 6] = [
    "aws_region",
    "workspace_name",
    "workspace_id",
    "account_id",
    "pricing_tier",
    "deployment_name",
];

/// What a serverless workspace does not have.
const NOT_SERVERLESS: [&str; 4] = [
    "credentials_id",
    "storage_configuration_id",
    "network_id",
    "storage_customer_managed_key_id",
];

pub(crate) fn update(state: &mut State, request: &Request, id: &str) -> Outcome {
    let body: Map<String, Value> = request.json()?;
    let now = state.now();
    let workspace = find_mut(state, id)?.clone();
    let shown = workspace.show(Duration::MAX);
    let known = |field: &str| CHANGEABLE.contains(&field) || REPEATABLE.contains(&field);
    if let Some(field) = body.keys().find(|field| !known(field)) {
        return Err(Answer::unparsable(format!("unknown field `{field}`")));
    }
    if let Some(field) = REPEATABLE
        .into_iter()
        .find(|f| body.get(*f).is_some_and(|value| *value != shown[*f]))
    {
        return Err(Answer::bad_value(format!("{field} cannot be updated.")));
    }
    if let Some(mask) = request.query("update_mask")
        && let Some(field) = mask.split(',').find(|field| !body.contains_key(*field))
    {
        return Err(Answer::bad_value(format!(
            "Update mask names '{field}', the body does not."
        )));
    }
    let changes: Map<String, Value> = body
        .into_iter()
        .filter(|(field, value)| CHANGEABLE.contains(&field.as_str()) && *value != shown[field])
        .collect();
    let failed = match workspace.phase {
        Phase::Failed(_) => true,
        Phase::Running => false,
        _ => {
            let (status, _) = workspace.status();
            let words = format!("Workspace {id} cannot be updated while it is {status}.");
            return Err(Answer::error(400, "INVALID_STATE", words));
        }
    };
    check(state, &changes, workspace.id, failed, &shown)?;
    let takes = Duration::from_millis(state.chance.between(300_000, 480_000));
    let strike = request.strike.as_ref();
    // A repair judges the network again, whether it is another one or not.
    let network = changes
        .get("network_id")
        .or(shown.get("network_id").filter(|_| failed));
    let broken = network.and_then(Value::as_str).and_then(|network| {
        networks::detach(&mut state.networks, workspace.id);
        networks::attach(&mut state.networks, network, workspace.id, strike)
    });
    let fails = failure(strike).or(broken);
    let deploys = changes
        .keys()
        .any(|f| f != "custom_tags" && f != "network_connectivity_config_id");
    let workspace = find_mut(state, id)?;
    let managed = !workspace.given.contains_key("network_id");
    for (field, value) in changes {
        // An empty map of tags is ignored.
        if field != "custom_tags" || value.as_object().is_some_and(|tags| !tags.is_empty()) {
            workspace.given.insert(field, value);
        }
    }
    if failed || (deploys && managed) {
        workspace.phase = Phase::Provisioning {
            until: now + takes,
            fails,
        };
    }
    Ok(Answer::ok(&workspace.show(now)))
}

fn check(
    state: &State,
    changes: &Map<String, Value>,
    workspace: i64,
    failed: bool,
    shown: &Value,
) -> Result<(), Answer> {
    let has_network = shown.get("network_id").is_some();
    let serverless = shown["compute_mode"] == "SERVERLESS";
    for (field, value) in changes {
        if serverless && NOT_SERVERLESS.contains(&field.as_str()) {
            return Err(not_serverless(field));
        }
        if field == "custom_tags" {
            let tags: BTreeMap<String, String> =
                serde_json::from_value(value.clone()).map_err(Answer::unparsable)?;
            check_tags(Some(&tags))?;
            continue;
        }
        let Some(id) = value.as_str() else {
            return Err(Answer::unparsable(format!("`{field}` is not a string")));
        };
        match field.as_str() {
            "credentials_id" => check_credentials(state, id)?,
            "storage_configuration_id" if failed => check_storage(state, id)?,
            "storage_configuration_id" => {
                return Err(Answer::bad_value(
                    "storage_configuration_id can only be updated on failed workspaces.",
                ));
            }
            "network_id" if failed || has_network => {
                check_network(state, id, Some(workspace))?;
            }
            "network_id" => {
                return Err(Answer::bad_value(
                    "A running workspace in a Databricks-managed VPC cannot get a network.",
                ));
            }
            _ => {}
        }
    }
    Ok(())
}
