//! Service principals of the account, by SCIM.

use serde_json::{Map, Value, json};

use crate::answer::{Answer, Outcome};
use crate::request::Request;
use crate::state::{Principal, State};

const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:ServicePrincipal";
const KNOWN: [&str; 9] = [
    "schemas",
    "displayName",
    "active",
    "entitlements",
    "roles",
    "groups",
    "externalId",
    "applicationId",
    "id",
];

fn scim(status: u16, body: &Value) -> Answer {
    let mut answer = Answer::json(status, body);
    answer.content_type = Some("application/scim+json; charset=utf-8");
    answer
}

fn show(principal: &Principal) -> Value {
    let mut body = principal.extra.clone();
    body.insert("schemas".into(), json!([SCHEMA]));
    body.insert("id".into(), principal.id.to_string().into());
    body.insert(
        "applicationId".into(),
        principal.application_id.clone().into(),
    );
    body.insert("displayName".into(), principal.display_name.clone().into());
    body.entry("active").or_insert(true.into());
    Value::Object(body)
}

pub(crate) fn create(state: &mut State, request: &Request) -> Outcome {
    let syntax = |words: String| Answer::scim(400, words, Some("invalidSyntax")).by_mistake();
    let mut body: Map<String, Value> = request
        .json()
        .map_err(|_| syntax("Request is unparsable.".into()))?;
    if let Some(field) = body.keys().find(|key| !KNOWN.contains(&key.as_str())) {
        return Err(syntax(format!("Unknown attribute {field}.")));
    }
    if let Some(schemas) = body.get("schemas")
        && !schemas
            .as_array()
            .is_some_and(|list| list.iter().any(|s| s == SCHEMA))
    {
        return Err(syntax(
            "The schema of service principals is missing.".into(),
        ));
    }
    if body.contains_key("applicationId") {
        let words = "applicationId cannot be given on AWS.";
        return Err(Answer::scim(400, words, Some("invalidValue")));
    }
    let Some(Value::String(display_name)) = body.remove("displayName") else {
        return Err(Answer::scim(
            400,
            "displayName is required.",
            Some("invalidValue"),
        ));
    };
    for key in ["schemas", "id"] {
        body.remove(key);
    }
    let principal = Principal {
        id: state.chance.principal_id(),
        application_id: state.chance.uuid(),
        display_name,
        extra: body,
    };
    let answer = show(&principal);
    state.principals.push(principal);
    state.count("service_principals");
    Ok(scim(201, &answer))
}

pub(crate) fn list(state: &State, request: &Request) -> Outcome {
    let (field, wanted) = match request.query("filter") {
        None => ("", String::new()),
        Some(filter) => parse_filter(filter).ok_or_else(|| {
            Answer::scim(
                400,
                format!("Unsupported filter: {filter}"),
                Some("invalidFilter"),
            )
        })?,
    };
    let number = |name| request.query(name).and_then(|n| n.parse::<usize>().ok());
    let start = number("startIndex").unwrap_or(1).max(1);
    let all: Vec<Value> = state
        .principals
        .iter()
        .filter(|p| match field {
            "displayname" => p.display_name.eq_ignore_ascii_case(&wanted),
            "applicationid" => p.application_id == wanted,
            "id" => p.id.to_string() == wanted,
            _ => true,
        })
        .map(show)
        .collect();
    let count = number("count").unwrap_or(10_000);
    let page: Vec<Value> = all.iter().skip(start - 1).take(count).cloned().collect();
    Ok(scim(
        200,
        &json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
            "totalResults": all.len(),
            "startIndex": start,
            "itemsPerPage": page.len(),
            "Resources": page,
        }),
    ))
}

/// `field eq "value"`; no other operator is needed.
fn parse_filter(filter: &str) -> Option<(&'static str, String)> {
    let mut words = filter.trim().splitn(3, ' ');
    let field = words.next()?.to_ascii_lowercase();
    let field = ["displayname", "applicationid", "id"]
        .into_iter()
        .find(|known| *known == field)?;
    if !words.next()?.eq_ignore_ascii_case("eq") {
        return None;
    }
    let quoted = words.next()?.trim().strip_prefix('"')?.strip_suffix('"')?;
    Some((field, quoted.replace("\\\"", "\"")))
}

fn find(state: &State, id: &str) -> Result<usize, Answer> {
    state
        .principals
        .iter()
        .position(|p| p.id.to_string() == id)
        .ok_or_else(|| Answer::scim(404, format!("Service principal {id} not found."), None))
}

pub(crate) fn get(state: &State, id: &str) -> Outcome {
    Ok(scim(200, &show(&state.principals[find(state, id)?])))
}

pub(crate) fn delete(state: &mut State, id: &str) -> Outcome {
    let at = find(state, id)?;
    if at == 0 {
        return Err(Answer::scim(403, "A principal cannot delete itself.", None));
    }
    let principal = state.principals.remove(at).id;
    for workspace in &mut state.workspaces {
        workspace.forget(principal);
    }
    Ok(Answer::empty(204))
}

#[cfg(test)]
mod tests {
    use super::parse_filter;

    #[test]
    fn filters_are_equalities_of_known_fields() {
        assert_eq!(
            parse_filter("displayName eq \"a b\""),
            Some(("displayname", "a b".to_owned()))
        );
        assert_eq!(parse_filter("displayName sw \"a\""), None);
        assert_eq!(parse_filter("userName eq \"a\""), None);
        assert_eq!(parse_filter("displayName eq a"), None);
    }
}
