//! What each value of an enum means, as the document says it. The generator keeps only the values.

use crate::domain::problem::Code;
use utoipa::openapi::schema::Schema;

/// Schema, value, meaning. A test asks for every value of every enum in the document.
const MEANINGS: &[(&str, &[(&str, &str)])] = &[
    (
        "Cloud",
        &[("aws", "Amazon Web Services"), ("azure", "Microsoft Azure")],
    ),
    (
        "ComputeMode",
        &[
            ("classic", "compute in the customer's cloud account"),
            ("serverless", "compute and storage in Databricks' own"),
        ],
    ),
    (
        "ConditionStatus",
        &[
            ("true", "observed to hold"),
            ("false", "observed not to hold"),
            ("unknown", "not observed"),
        ],
    ),
    (
        "ConditionType",
        &[
            (
                "PreflightPassed",
                "what the account can tell beforehand was checked",
            ),
            ("WorkspaceRunning", "Databricks says it runs"),
            (
                "EndpointReachable",
                "its name resolves and its API gave consecutive good answers",
            ),
            ("TokenDelivered", "a token lies in the secret store"),
            ("Ready", "everything the template requires is there"),
        ],
    ),
    (
        "FieldCode",
        &[
            ("unknown_field", "there is no such field or parameter"),
            ("immutable_field", "it exists, but cannot be changed"),
            ("missing", "it must be there"),
            ("repeated", "it may be there once"),
            ("invalid", "it may not be that"),
        ],
    ),
    (
        "FixBy",
        &[
            ("requester", "whoever sent the request"),
            ("operator", "whoever runs Brickyard"),
            (
                "cloud_admin",
                "whoever owns the cloud account's roles, buckets and networks",
            ),
            ("databricks", "the vendor"),
            ("nobody", "wait"),
        ],
    ),
    (
        "LeftKind",
        &[
            ("token", "a live personal access token"),
            ("service_principal", "the principal the token belongs to"),
            ("workspace", "the workspace"),
            ("network", "its network configuration"),
            ("storage_configuration", "its storage configuration"),
            ("credentials", "its credentials configuration"),
        ],
    ),
    (
        "OperationKind",
        &[
            ("create", "make a workspace, step by step"),
            ("update", "change its tags at the vendor, while it is used"),
            ("delete", "the steps of the create undone, last first"),
        ],
    ),
    (
        "OperationStatus",
        &[
            ("queued", "accepted, not begun"),
            ("running", "at least one step was begun"),
            ("cancelling", "asked to stop; the current call is awaited"),
            (
                "needs_attention",
                "cannot go on without a person; nothing was thrown away",
            ),
            ("succeeded", "ended well"),
            ("failed", "ended with a problem"),
            ("cancelled", "ended because somebody asked for it"),
        ],
    ),
    (
        "Phase",
        &[
            ("pending", "accepted, not begun"),
            ("provisioning", "being made"),
            ("ready", "usable"),
            ("updating", "usable, while its tags are changed"),
            ("deleting", "being removed"),
            ("deleted", "gone; readable by id"),
            (
                "failed",
                "could not be made; kept for a while, then removed",
            ),
        ],
    ),
    (
        "Role",
        &[
            ("viewer", "reads its team's things"),
            (
                "requester",
                "also creates in its team, and changes and deletes what it owns",
            ),
            ("operator", "does everything in its team"),
            ("auditor", "reads everything of all teams"),
            ("admin", "does everything in all teams"),
        ],
    ),
    (
        "StepStatus",
        &[
            ("pending", "not begun"),
            ("running", "begun, perhaps waiting"),
            ("succeeded", "done"),
            ("failed", "ended the operation"),
            ("skipped", "not needed"),
            ("undone", "its effect was removed"),
        ],
    ),
    (
        "WaitingFor",
        &[
            (
                "databricks",
                "Databricks is building, changing or removing something",
            ),
            (
                "secret_store",
                "the secret store is down, sealed or refuses us",
            ),
            ("throttling", "Databricks asked us to slow down"),
        ],
    ),
];

fn meaning(schema: &str, value: &str) -> Option<&'static str> {
    if schema == "Code" {
        return Code::ALL
            .iter()
            .find(|code| code.as_str() == value)
            .map(|code| code.title());
    }
    let (_, values) = MEANINGS.iter().find(|(name, _)| *name == schema)?;
    values
        .iter()
        .find(|(known, _)| *known == value)
        .map(|(_, meaning)| *meaning)
}

/// Adds the meanings of its values to an enum's description.
pub(super) fn describe(name: &str, schema: &mut Schema) {
    let Schema::Object(object) = schema else {
        return;
    };
    let Some(values) = &object.enum_values else {
        return;
    };
    let lines: Vec<String> = values
        .iter()
        .filter_map(serde_json::Value::as_str)
        .filter_map(|value| Some(format!("- `{value}`: {}", meaning(name, value)?)))
        .collect();
    let text = object.description.get_or_insert_default();
    text.push_str("\n\n");
    text.push_str(&lines.join("\n"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_has_a_meaning() {
        let document = serde_json::to_value(super::super::openapi::document()).unwrap();
        let mut enums = 0;
        for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
            for value in schema["enum"].as_array().into_iter().flatten() {
                assert!(
                    meaning(name, value.as_str().unwrap()).is_some(),
                    "{name} {value}"
                );
                enums += 1;
            }
        }
        assert!(enums > 40);
    }
}
