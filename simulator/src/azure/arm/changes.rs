//! What a second PUT of a workspace may change.

use serde_json::{Map, Value};

use super::error;
use crate::answer::Answer;

/// Fixed at creation.
const FIXED: [&str; 2] = ["computeMode", "managedResourceGroupId"];

/// Parameters fixed at creation.
const FIXED_PARAMETERS: [&str; 8] = [
    "amlWorkspaceId",
    "customVirtualNetworkId",
    "customPublicSubnetName",
    "customPrivateSubnetName",
    "natGatewayName",
    "requireInfrastructureEncryption",
    "storageAccountName",
    "vnetAddressPrefix",
];

fn same(a: &Value, b: &Value) -> bool {
    match (a.as_str(), b.as_str()) {
        (Some(a), Some(b)) => a.eq_ignore_ascii_case(b),
        _ => a == b,
    }
}

/// Refuses a change of what cannot be changed; what is left out stays as it is.
pub(super) fn check(
    before: &Map<String, Value>,
    shown: &Value,
    after: &Map<String, Value>,
) -> Result<(), Answer> {
    let refuse = |name: &str| {
        let words = format!("Changing property '{name}' is not allowed.");
        Err(error(409, "PropertyChangeNotAllowed", &words).by_mistake())
    };
    for name in FIXED {
        let changed = match (before.get(name), after.get(name)) {
            (Some(before), Some(after)) => !same(before, after),
            (None, Some(after)) => *after != "Hybrid",
            _ => false,
        };
        if changed {
            return refuse(name);
        }
    }
    let parameters = after.get("parameters").and_then(Value::as_object);
    for name in FIXED_PARAMETERS {
        let Some(after) = parameters.and_then(|all| all.get(name)) else {
            continue;
        };
        let before = &shown["properties"]["parameters"][name]["value"];
        if !same(before, &after["value"]) {
            return refuse(name);
        }
    }
    Ok(())
}
