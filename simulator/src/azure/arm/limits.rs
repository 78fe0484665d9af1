//! What limits what can be made: what policies say of a resource before it is made, and how much of its network quotas a
//! subscription uses.

use serde::Deserialize;
use serde_json::{Value, json};

use super::body::Body;
use super::networks::Kind;
use super::{error, invalid, parse, rules, same};
use crate::answer::{Answer, Outcome};
use crate::faults::FaultKind;
use crate::request::Request;
use crate::state::State;

/// Most virtual networks, and most network security groups, of a region.
const MOST: usize = 1000;

const WORKSPACE: &str = "Microsoft.Databricks/workspaces";

/// The assignment of the policy that denies workspaces.
fn assignment(subscription: &str) -> String {
    format!(
        "/subscriptions/{subscription}/providers/Microsoft.Authorization/policyAssignments/no-databricks"
    )
}

fn is_struck(request: &Request, kind: FaultKind) -> bool {
    let strike = request.strike.as_ref();
    strike.is_some_and(|strike| strike.kind() == kind)
}

/// Refuses a workspace that a policy denies.
pub(super) fn denied(request: &Request) -> Result<(), Answer> {
    if !is_struck(request, FaultKind::PolicyDenies) {
        return Ok(());
    }
    let words = format!(
        "Resource '{}' was disallowed by policy. Policy identifiers: '{}'.",
        request.ids[2],
        assignment(&request.ids[0])
    );
    Err(error(403, "RequestDisallowedByPolicy", &words))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Question {
    resource_details: Details,
    #[serde(default, rename = "pendingFields")]
    _pending_fields: Vec<Pending>,
    #[serde(default, rename = "includeAuditEffect")]
    _include_audit_effect: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Details {
    resource_content: Value,
    api_version: String,
    #[serde(rename = "scope")]
    _scope: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pending {
    #[serde(rename = "field")]
    _field: String,
    #[serde(default, rename = "values")]
    _values: Vec<String>,
}

/// What policies would say. The content is checked as the PUT of it would be.
pub(super) fn policies(state: &State, request: &Request) -> Outcome {
    let question: Question = parse(request)?;
    let mut content = question.resource_details.resource_content;
    let (subscription, group) = (&request.ids[0], &request.ids[1]);
    let fields = content.as_object_mut();
    let fields = fields.ok_or_else(|| invalid("resourceContent is no resource."))?;
    let kind = fields.remove("type").unwrap_or_default();
    if !kind.as_str().is_some_and(|kind| same(kind, WORKSPACE)) {
        return Err(invalid("Only workspaces are known here."));
    }
    if let Some(name) = fields.remove("name") {
        rules::check_name(name.as_str().unwrap_or_default())?;
    }
    let body: Body = serde_json::from_value(content).map_err(|why| invalid(why.to_string()))?;
    rules::check_location(body.location.as_deref())?;
    let version = &question.resource_details.api_version;
    rules::check(version, subscription, group, &body)?;
    super::groups::find(&state.azure.arm.groups, group)?;
    let evaluations = match is_struck(request, FaultKind::PolicyDenies) {
        true => json!([{
            "policyInfo": {
                "policyDefinitionId": "/providers/Microsoft.Authorization/policyDefinitions/not-allowed",
                "policyAssignmentId": assignment(subscription),
            },
            "evaluationResult": "NonCompliant",
            "evaluationDetails": {"evaluatedExpressions": []},
            "effectDetails": {"policyEffect": "Deny"},
        }]),
        false => json!([]),
    };
    Ok(Answer::ok(&json!({
        "fieldRestrictions": [],
        "contentEvaluationResult": {"policyEvaluations": evaluations},
    })))
}

/// How much is used, of what there is here.
pub(super) fn usages(state: &State, request: &Request) -> Outcome {
    let location = rules::check_location(Some(&request.ids[1]))?;
    let reached = is_struck(request, FaultKind::NetworkQuotaReached);
    let usage = |kind, name: &str, words: &str| {
        let networks = state.azure.arm.networks.iter();
        let used = networks.filter(|it| it.kind == kind && it.location == location);
        let used = used.count();
        let limit = if reached { used } else { MOST };
        json!({
            "id": format!("{}/{name}", request.path),
            "name": {"value": name, "localizedValue": words},
            "currentValue": used,
            "limit": limit,
            "unit": "Count",
        })
    };
    Ok(Answer::ok(&json!({"value": [
        usage(Kind::Vnet, "VirtualNetworks", "Virtual Networks"),
        usage(Kind::Nsg, "NetworkSecurityGroups", "Network Security Groups"),
    ]})))
}
