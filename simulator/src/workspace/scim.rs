//! Who am I.

use serde_json::json;

use super::Visit;
use crate::answer::Answer;

/// GET scim/v2/Me
pub(crate) fn me(visit: &Visit) -> Answer {
    let mut groups = vec![json!({"display": "users", "type": "direct", "value": "1"})];
    if visit.admin {
        groups.push(json!({"display": "admins", "type": "direct", "value": "2"}));
    }
    let mut answer = Answer::ok(&json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "id": visit.caller.id.to_string(),
        "userName": visit.caller.application_id,
        "displayName": visit.caller.display_name,
        "active": true,
        "emails": [],
        "groups": groups,
    }));
    answer.content_type = Some("application/scim+json; charset=utf-8");
    answer
}
