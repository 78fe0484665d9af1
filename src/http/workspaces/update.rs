//! `PATCH /workspaces/{workspace}`: change what lives only here, and the tags at the vendor.

use super::create::{check_owner, invalid};
use super::wanted::{CreateWorkspace, TAG, TEXT, pairs, seconds};
use super::{IfMatch, ROUNDS, TeamQuery, Workspace, WorkspaceRef, choices, create, find, shown};
use crate::domain::local::Change;
use crate::domain::pairs::Pairs;
use crate::http::body::{self, Body};
use crate::http::extract::{Caller, Path};
use crate::http::headers::precondition;
use crate::http::operations::Operation;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::{Http, openapi, samples};
use crate::provisioning::request::{self, Changed, Existing, RequestError};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use chrono::{DateTime, Utc};
use jsonschema::Validator;
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use utoipa::PartialSchema;
use utoipa::openapi::schema::{Schema, SchemaType, Type};

/// What of a workspace shall be different, as a merge patch (RFC 7396): what is left out stays, null removes.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PatchWorkspace {
    /// The principal it belongs to; an operator may give it to another.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(
        nullable = false,
        pattern = "^oidc:[^:\\x00-\\x20\\x7f]+:[^\\x00-\\x1f\\x7f-\\x9f]+$",
        max_length = 320
    )]
    pub owner: Option<String>,
    /// Labels to set; null removes a label, or all of them.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    #[schema(schema_with = labels_schema, required = false)]
    pub labels: Option<Option<BTreeMap<String, Option<String>>>>,
    /// Tags at the vendor to set; null removes a tag, or all of them.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    #[schema(schema_with = tags_schema, required = false)]
    pub tags: Option<Option<BTreeMap<String, Option<String>>>>,
    /// While true, it cannot be deleted and does not expire. Without protection an expired workspace has the whole grace
    /// before it again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub deletion_protection: Option<bool>,
    /// The lifetime, counted from now if it is ready, else from ready; null: for ever. Limited by the template.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present_seconds"
    )]
    #[schema(value_type = Option<u32>, minimum = 60, maximum = 315_360_000)]
    pub ttl_seconds: Option<Option<u32>>,
    /// When its life ends; null: never. Not together with `ttl_seconds`.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    #[schema(value_type = Option<String>, format = "date-time", pattern = "^\\d{4}-\\d\\d-\\d\\d[Tt]\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?([Zz]|[+-]\\d\\d:\\d\\d)$")]
    pub expires_at: Option<Option<String>>,
}

/// Tells null from absent.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(from).map(Some)
}

fn present_seconds<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<u32>>, D::Error> {
    seconds(from).map(Some)
}

fn labels_schema() -> Schema {
    patch_schema(TEXT, "Labels to set; null removes a label, or all of them.")
}

fn tags_schema() -> Schema {
    let description = "Tags at the vendor to set; null removes a tag, or all of them. Those of the template, and those that \
                       others have put there, stay. There may be 20 afterwards. On AWS they may take an hour to appear.";
    patch_schema(TAG, description)
}

fn patch_schema(keys: &str, description: &str) -> Schema {
    pairs(keys, SchemaType::from_iter([Type::String, Type::Null]))
        .schema_type(SchemaType::from_iter([Type::Object, Type::Null]))
        .description(Some(description))
        .into()
}

impl PatchWorkspace {
    /// The example.
    pub fn sample() -> Self {
        let labels = [
            ("purpose".to_owned(), Some("churn-model".to_owned())),
            ("obsolete".to_owned(), None),
        ];
        Self {
            labels: Some(Some(labels.into())),
            ttl_seconds: Some(Some(604_800)),
            ..Self::default()
        }
    }

    fn change(self) -> Result<Change, Problem> {
        let time = |text: String| {
            DateTime::parse_from_rfc3339(&text)
                .map(|time| time.with_timezone(&Utc))
                .map_err(|_| invalid("/expires_at", "there is no such time"))
        };
        Ok(Change {
            owner: self.owner,
            labels: self.labels.map(Pairs::patch),
            deletion_protection: self.deletion_protection,
            ttl_seconds: self.ttl_seconds,
            expires_at: match self.expires_at {
                None => None,
                Some(text) => Some(text.map(time).transpose()?),
            },
        })
    }
}

impl Body for PatchWorkspace {
    const MEDIA_TYPES: &'static [&'static str] =
        &["application/merge-patch+json", "application/json"];

    /// Whatever a workspace shows or is asked for with.
    fn immutable() -> &'static BTreeSet<String> {
        static NAMES: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
            [Workspace::schema(), CreateWorkspace::schema()]
                .iter()
                .filter_map(|schema| serde_json::to_value(schema).ok())
                .filter_map(|schema| schema["properties"].as_object().cloned())
                .flat_map(|properties| properties.into_iter().map(|(name, _)| name))
                .collect()
        });
        &NAMES
    }

    fn validator() -> Option<&'static Validator> {
        static VALIDATOR: LazyLock<Option<Validator>> =
            LazyLock::new(openapi::validator::<PatchWorkspace>);
        VALIDATOR.as_ref()
    }
}

/// Change a workspace
///
/// What lives only here is changed at once: owner, labels, protection, the end of its life. Tags at the vendor are changed
/// by an operation, while the workspace is used. Nothing happens, and the version stays, if nothing differs. Everything
/// else cannot be changed.
///
/// - **200**: it is as described.
/// - **202**: an operation changes its tags: a new one; the one that was running, or stood, or one that continues one that
///   failed (`retry_of`). Poll it until it is `done`. If it fails, the workspace is as usable as before, and its `problem`
///   says what was wrong.
///
/// Tags can be changed once the workspace is ready, and one operation at a time: until then it is 409
/// `operation_in_progress`. They are checked like those of a new workspace.
#[utoipa::path(
    patch,
    path = "/workspaces/{workspace}",
    operation_id = "updateWorkspace",
    tag = "workspaces",
    params(
        ("workspace" = String, Path, description = "Id (`ws_…`) or name of the workspace", example = json!("analytics-dev")),
        TeamQuery,
        IfMatch,
    ),
    request_body(
        description = "What shall be different",
        content(
            (PatchWorkspace = "application/merge-patch+json", example = json!(PatchWorkspace::sample())),
            (PatchWorkspace = "application/json", example = json!(PatchWorkspace::sample())),
        ),
    ),
    responses(
        (
            status = 200,
            description = "The workspace as it is now",
            body = Workspace,
            headers(("ETag" = String, description = "Strong entity tag: the version, quoted")),
            example = json!(samples::workspace()),
        ),
        (
            status = 202,
            description = "Its tags are being changed; the body is the operation to follow",
            body = Operation,
            headers(
                ("Location" = String, description = "The operation to poll"),
                ("Operation-Location" = String, description = "The same"),
                ("Link" = String, description = "`rel=\"related\"`: the workspace"),
                ("Retry-After" = u64, description = "Seconds after which to ask"),
            ),
            links(("operation" = (operation_id = "getOperation", parameters(("operation" = "$response.body#/id")), description = "Follow the operation"))),
            example = json!(samples::operation(&samples::updating())),
        ),
    ),
)]
pub async fn update_workspace(
    State(http): State<Http>,
    caller: Caller,
    Path(reference): Path<WorkspaceRef>,
    Query(query): Query<TeamQuery>,
    headers: HeaderMap,
    body: body::Json<PatchWorkspace>,
) -> Result<Response, Problem> {
    let precondition = precondition(&headers)?;
    let retagged = body.value.tags.clone().map(Pairs::patch);
    let change = body.value.change()?;
    for _ in 0..ROUNDS {
        let row = find(&http, &caller, &reference, &query).await?;
        if let Some(owner) = &change.owner {
            check_owner(&http, &caller, &row.team, owner, &row.local.owner)?;
        }
        let existing = Existing {
            id: row.id,
            precondition: &precondition,
            require_precondition: http.settings.require_if_match,
            now: http.clock.now(),
        };
        let tags = retagged.as_ref();
        let tags = tags.map(|tags| choices::tags(&http.templates.borrow(), &row, tags));
        let tags = tags.transpose()?;
        let asker = caller.asker();
        match request::change(&http.db, &asker, &existing, &change, tags.as_ref()).await {
            Ok(Changed::Done(row)) => return Ok(shown(&http, &row)),
            Ok(Changed::Working(operation)) => return create::answer(&http, &operation).await,
            Err(RequestError::Stale) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(RequestError::Stale.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pointers(body: &serde_json::Value) -> Vec<String> {
        let validator = PatchWorkspace::validator().unwrap();
        validator
            .iter_errors(body)
            .map(|e| e.instance_path().to_string())
            .collect()
    }

    #[test]
    fn null_is_not_absent() {
        let read = |body| -> PatchWorkspace { serde_json::from_value(body).unwrap() };
        let absent = read(json!({}));
        assert!(
            absent.labels.is_none() && absent.ttl_seconds.is_none() && absent.expires_at.is_none()
        );
        let null = read(json!({"labels": null, "ttl_seconds": null, "expires_at": null}));
        assert_eq!(null.labels, Some(None));
        assert_eq!(
            (null.ttl_seconds, null.expires_at),
            (Some(None), Some(None))
        );
    }

    #[test]
    fn the_schema_is_the_rule() {
        let sample = serde_json::to_value(PatchWorkspace::sample()).unwrap();
        for good in [
            sample,
            json!({}),
            json!({"labels": null, "tags": null, "ttl_seconds": null, "expires_at": null}),
            json!({"tags": {"a": "b", "c": null}}),
            json!({"expires_at": "2026-11-22T09:00:00.5+01:00", "owner": "oidc:corp:repo:acme/x:ref:y"}),
        ] {
            assert_eq!(pointers(&good), Vec::<String>::new(), "{good}");
        }
        for (field, bad) in [
            ("owner", json!(null)),
            ("owner", json!("ada")),
            ("labels", json!({"": "x"})),
            ("labels", json!({"k": 1})),
            ("labels", json!([])),
            ("tags", json!({"brickyard": "x"})),
            ("tags", json!({"k": 1})),
            ("tags", json!("k")),
            ("deletion_protection", json!(null)),
            ("ttl_seconds", json!(0)),
            ("ttl_seconds", json!(1.5)),
            ("expires_at", json!("tomorrow")),
            ("expires_at", json!(1_795_338_012)),
        ] {
            let found = pointers(&json!({field: bad}));
            assert!(
                found.iter().any(|at| at.starts_with(&format!("/{field}"))),
                "{field} {bad}: {found:?}"
            );
        }
        let never = PatchWorkspace {
            expires_at: Some(Some("2026-13-01T00:00:00Z".to_owned())),
            ..PatchWorkspace::default()
        };
        assert!(never.change().is_err());
    }

    #[test]
    fn what_exists_is_told_from_what_does_not() {
        let known = PatchWorkspace::immutable();
        for name in ["id", "name", "team", "phase", "spec", "template", "version"] {
            assert!(known.contains(name), "{name}");
        }
        assert!(!known.contains("typo"));
    }
}
