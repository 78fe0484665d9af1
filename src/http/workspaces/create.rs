//! `POST /workspaces`: ask for a workspace.

use super::choices::choices;
use crate::auth::{Teams, requestable_teams};
use crate::domain::problem::Code;
use crate::http::Http;
use crate::http::body::{Body, Json};
use crate::http::extract::Caller;
use crate::http::headers::idempotency_key;
use crate::http::operations::{Operation, get, view};
use crate::http::problem::{FieldCode, FieldError, Problem};
use crate::http::query::{NoQuery, Query};
use crate::http::{openapi, samples};
use crate::provisioning::request::{self, Asker, NewWorkspace};
use crate::store::idempotency;
use crate::store::operations::Operation as OperationRow;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jsonschema::Validator;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use utoipa::openapi::schema::{AdditionalProperties, Object, ObjectBuilder, Schema, Type};

/// What a caller asks for.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateWorkspace {
    /// Name of the workspace: unique in its team among those that are not deleted.
    #[schema(
        pattern = "^[a-z][a-z0-9-]{1,38}[a-z0-9]$",
        min_length = 3,
        max_length = 40
    )]
    pub name: String,
    /// Name of the template: it decides the account, the region, the network, the lifetime. `sandbox` is its newest
    /// version, `sandbox@3` its third.
    #[schema(min_length = 1, max_length = 100, pattern = "^[^\\x00-\\x1f]*$")]
    pub template: String,
    /// The team it is for. May be left out if the caller can request for exactly one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(
        pattern = "^[a-z][a-z0-9-]{1,38}[a-z0-9]$",
        min_length = 3,
        max_length = 40
    )]
    pub team: Option<String>,
    /// Tags at the vendor, at most 20; the template's tags win. On AWS they may take an hour to appear.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(schema_with = tags_schema, required = false)]
    pub tags: BTreeMap<String, String>,
    /// What the template leaves to requests; `GET /templates/{template}` has the JSON Schema.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schema(value_type = Object, required = false)]
    pub parameters: Map<String, Value>,
    /// The subdomain, if the account has a deployment name prefix; the vendor chooses one if it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(
        pattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$",
        min_length = 1,
        max_length = 64
    )]
    pub deployment_name: Option<String>,
    /// While true, the workspace cannot be deleted. The template decides if it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion_protection: Option<bool>,
}

/// `brickyard…` is how Brickyard marks its own.
fn tags_schema() -> Schema {
    let text = |pattern: &str| {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some(pattern))
    };
    let key: Object = text("^(?!brickyard)[^\\x00-\\x1f]*$")
        .min_length(Some(1))
        .max_length(Some(127))
        .build();
    let value: Object = text("^[^\\x00-\\x1f]*$").max_length(Some(255)).build();
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some(
            "Tags at the vendor, at most 20; the template's tags win. Keys must not begin with `brickyard`. On AWS \
             they may take an hour to appear.",
        ))
        .property_names(Some(Schema::Object(key)))
        .additional_properties(Some(AdditionalProperties::RefOr(Schema::Object(value).into())))
        .max_properties(Some(20))
        .into()
}

impl CreateWorkspace {
    /// The example that works as it stands in `brickyard dev`.
    pub fn sample() -> Self {
        Self {
            name: "analytics-dev".to_owned(),
            template: "sandbox".to_owned(),
            team: Some("data-platform".to_owned()),
            tags: [("cost-center".to_owned(), "4711".to_owned())].into(),
            parameters: Map::new(),
            deployment_name: None,
            deletion_protection: Some(false),
        }
    }
}

impl Body for CreateWorkspace {
    fn validator() -> Option<&'static Validator> {
        static VALIDATOR: LazyLock<Option<Validator>> =
            LazyLock::new(openapi::validator::<CreateWorkspace>);
        VALIDATOR.as_ref()
    }
}

/// Ask for a workspace
///
/// Everything that can be checked without waiting is checked before the answer. Then the request is written down
/// together with the work that follows from it, and answered; poll the operation (`Location`) until it is `done`.
/// With an `Idempotency-Key` the request can be repeated without asking twice: the answer is the same operation as it
/// is now, with `Idempotency-Replayed: true`. Keys are kept 7 days; a refused request does not use its key up.
#[utoipa::path(
    post,
    path = "/workspaces",
    operation_id = "createWorkspace",
    tag = "workspaces",
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, pattern = "^[!#-~]+$", description = "1 to 255 visible ASCII characters, quoted or not; a UUID is fine")),
    request_body(
        content = CreateWorkspace,
        description = "What is wanted",
        content_type = "application/json",
        example = json!(CreateWorkspace::sample()),
    ),
    responses((
        status = 202,
        description = "Accepted; the body is the operation that makes it",
        body = Operation,
        headers(
            ("Location" = String, description = "The operation to poll"),
            ("Operation-Location" = String, description = "The same"),
            ("Link" = String, description = "`rel=\"related\"`: the workspace"),
            ("Retry-After" = u64, description = "Seconds after which to ask; absent if a replayed operation has ended"),
            ("Idempotency-Replayed" = bool, description = "`true` if this request had been accepted before"),
        ),
        links(("operation" = (operation_id = "getOperation", parameters(("operation" = "$response.body#/id")), description = "Follow the operation"))),
        example = json!(samples::operation(&samples::queued())),
    )),
)]
pub async fn create_workspace(
    State(http): State<Http>,
    caller: Caller,
    Query(NoQuery): Query<NoQuery>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Json<CreateWorkspace>,
) -> Result<Response, Problem> {
    let key = idempotency_key(&headers)?;
    if key.is_none() && http.settings.require_idempotency_key {
        let detail = "The service is set to require an Idempotency-Key.";
        return Err(Problem::new(Code::IdempotencyKeyMissing, detail));
    }
    let wanted = body.value;
    let templates = Arc::clone(&http.templates.borrow());
    // Before anything is said about templates: callers without a role learn nothing of them.
    let team = team(&caller, wanted.team.clone())?;
    let (template, choices) = choices(&templates, &wanted)?;
    let fingerprint = Sha256::digest(format!(
        "{}\n{}",
        body.canonical,
        uri.query().unwrap_or_default()
    ));
    let asker = Asker {
        principal: &caller.principal.id,
        request_id: &caller.request_id.0,
        traceparent: caller.traceparent.as_deref(),
    };
    let new = NewWorkspace {
        name: &wanted.name,
        team: &team,
        template,
        choices,
        deletion_protection: wanted.deletion_protection,
        key: key.as_deref().map(|key| idempotency::Key {
            principal: &caller.principal.id,
            route: "POST /workspaces",
            key,
            fingerprint: fingerprint.as_slice(),
        }),
    };
    let accepted = request::create(&http.db, &asker, new).await?;
    let mut response = answer(&http, &accepted.operation).await?;
    if accepted.replayed {
        let name = HeaderName::from_static("idempotency-replayed");
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// The 202 of accepted work.
///
/// # Errors
/// The database.
pub async fn answer(http: &Http, row: &OperationRow) -> Result<Response, Problem> {
    let mut response = (StatusCode::ACCEPTED, get::answer(http, row).await?).into_response();
    if let Ok(location) = HeaderValue::from_str(&view::href(row)) {
        response.headers_mut().insert(
            HeaderName::from_static("operation-location"),
            location.clone(),
        );
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// The team asked for, or the only one the caller can ask for. A team that does not exist for the caller gets the
/// same answer as one the caller has the wrong role in.
fn team(caller: &Caller, asked: Option<String>) -> Result<String, Problem> {
    let forbidden = |team: &str| {
        Problem::new(
            Code::Forbidden,
            format!("You need the role `requester` in team `{team}`."),
        )
    };
    if let Some(team) = asked {
        caller.may(Some(&team), None, forbidden(&team))?;
        return Ok(team);
    }
    match requestable_teams(&caller.principal) {
        Teams::Only(teams) if teams.len() == 1 => Ok(teams.into_iter().collect()),
        Teams::Only(teams) if teams.is_empty() => Err(Problem::new(
            Code::Forbidden,
            "You need the role `requester` in a team.",
        )),
        teams => {
            let problem = Problem::new(Code::TeamRequired, "`team` is missing.").errors(vec![
                FieldError::pointer(
                    "/team",
                    FieldCode::Missing,
                    "you can request for several teams",
                ),
            ]);
            Err(match teams {
                Teams::All => problem,
                Teams::Only(teams) => {
                    let names: Vec<String> = teams.iter().map(|team| format!("`{team}`")).collect();
                    problem.hint(format!(
                        "You can request for {}: send one as `team`.",
                        names.join(", ")
                    ))
                }
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::name::NAME_PATTERN;
    use serde_json::{Value, json};

    fn pointers(body: &Value) -> Vec<String> {
        let validator = CreateWorkspace::validator().unwrap();
        validator
            .iter_errors(body)
            .map(|e| e.instance_path().to_string())
            .collect()
    }

    #[test]
    fn the_schema_is_the_rule() {
        let sample = serde_json::to_value(CreateWorkspace::sample()).unwrap();
        assert_eq!(pointers(&sample), Vec::<String>::new());
        assert_eq!(
            pointers(&json!({"name": "abc", "template": "t"})),
            Vec::<String>::new()
        );
        let with = |field: &str, value: Value| {
            let mut body = sample.clone();
            body[field] = value;
            body
        };
        let many: serde_json::Map<_, _> = (0..21).map(|n| (format!("k{n}"), json!("v"))).collect();
        for (field, bad) in [
            ("name", json!("Abc")),
            ("name", json!(7)),
            ("team", json!("a_b")),
            ("template", json!("")),
            ("tags", json!({"": "x"})),
            ("tags", json!({"brickyard": "x"})),
            ("tags", json!({"k": "v".repeat(256)})),
            ("tags", json!({"k": "a\u{0}b"})),
            ("tags", json!({"k".repeat(128): "v"})),
            ("tags", json!({"k": 1})),
            ("tags", Value::Object(many)),
            ("deployment_name", json!("-a")),
            ("deployment_name", json!("EMPTY")),
            ("deployment_name", json!("a".repeat(65))),
            ("deletion_protection", json!("yes")),
        ] {
            let found = pointers(&with(field, bad.clone()));
            assert!(
                !found.is_empty() && found[0].starts_with(&format!("/{field}")),
                "{field} {bad}: {found:?}"
            );
        }
        assert!(!pointers(&with("typo", json!(1))).is_empty());
        assert!(!pointers(&json!([])).is_empty());
        assert!(!pointers(&json!({})).is_empty());
    }

    #[test]
    fn the_documented_pattern_is_the_domains() {
        let schema =
            serde_json::to_value(<CreateWorkspace as utoipa::PartialSchema>::schema()).unwrap();
        assert_eq!(schema["properties"]["name"]["pattern"], NAME_PATTERN);
        assert_eq!(schema["properties"]["team"]["pattern"], NAME_PATTERN);
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(schema["required"], json!(["name", "template"]));
    }
}
