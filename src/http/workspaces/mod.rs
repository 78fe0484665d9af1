//! Workspaces: one endpoint, one file. This one holds what they share: the path segment, the lookup, the answer.
//! A workspace of a team the caller has nothing to do with is answered like one that never existed.

pub mod choices;
pub mod create;
pub mod delete;
pub mod get;
pub mod list;
pub mod put;
pub mod tokens;
pub mod update;
pub mod wanted;

use super::extract::{Caller, Segment};
use super::operations::view::millis;
use super::problem::{Document, Problem};
use super::query::{FromQuery, Params};
use super::{Http, PublicUrl, headers};
use crate::domain::cloud::{Cloud, ComputeMode};
use crate::domain::condition::Condition;
use crate::domain::external::ExternalWorkspace;
use crate::domain::id::WorkspaceId;
use crate::domain::name::is_name;
use crate::domain::phase::Phase;
use crate::domain::problem::Code;
use crate::store::workspaces::{self, Workspace as Row};
use crate::store::{self};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::str::FromStr;

/// How often what a request is about may change under our eyes.
const ROUNDS: usize = 5;

/// What a path calls a workspace: its id, or its name among the caller's teams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorkspaceRef {
    /// `ws_…`.
    Id(WorkspaceId),
    /// A name; it has no `_`.
    Name(String),
}

impl FromStr for WorkspaceRef {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if let Ok(id) = text.parse() {
            return Ok(Self::Id(id));
        }
        if is_name(text) {
            Ok(Self::Name(text.to_owned()))
        } else {
            Err(())
        }
    }
}

impl Segment for WorkspaceRef {
    const NOUN: &'static str = "workspace";
}

/// Says which workspace of that name is meant.
#[derive(Debug, Default, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TeamQuery {
    /// The workspace's team, where several of the caller's teams have one of that name.
    #[param(
        required = false,
        nullable = false,
        pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*$"
    )]
    pub team: Option<String>,
}

impl FromQuery for TeamQuery {
    fn from_query(params: &mut Params) -> Self {
        Self {
            team: params.one("team"),
        }
    }
}

/// What a write demands of the version it meets.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(
    dead_code,
    reason = "for the document; `headers::precondition` reads it"
)]
pub struct IfMatch {
    /// The `ETag` of the version that is meant; another one is answered 412.
    #[param(rename = "If-Match", required = false, nullable = false)]
    if_match: Option<String>,
}

/// The answer that carries a workspace, with its entity tag.
fn shown(http: &Http, row: &Row) -> Response {
    let body = Workspace::of(row, &http.settings.public_url);
    tagged(row, axum::Json(body))
}

/// An answer about this version of a workspace.
fn tagged(row: &Row, answer: impl IntoResponse) -> Response {
    let mut response = answer.into_response();
    let etag = headers::etag(row.version);
    response.headers_mut().insert(header::ETAG, etag);
    response
}

/// The workspace that is meant, if it exists for the caller and the caller may do what the route does.
///
/// # Errors
/// [`Code::NotFound`], [`Code::AmbiguousName`], [`Code::Forbidden`], or the database.
pub async fn find(
    http: &Http,
    caller: &Caller,
    reference: &WorkspaceRef,
    query: &TeamQuery,
) -> Result<Row, Problem> {
    let hidden = || Problem::not_found("workspace");
    let teams = match (caller.teams(), &query.team) {
        (visible, None) => visible,
        (store::Teams::All, Some(team)) => store::Teams::Only(vec![team.clone()]),
        (store::Teams::Only(visible), Some(team)) if visible.contains(team) => {
            store::Teams::Only(vec![team.clone()])
        }
        (store::Teams::Only(_), Some(_)) => return Err(hidden()),
    };
    let mut found = {
        let mut db = http.db.acquire().await?;
        match reference {
            WorkspaceRef::Id(id) => workspaces::get(&mut db, *id, &teams)
                .await?
                .into_iter()
                .collect(),
            WorkspaceRef::Name(name) => workspaces::find_by_name(&mut db, name, &teams).await?,
        }
    };
    if found.len() > 1 {
        return Err(Problem::new(
            Code::AmbiguousName,
            format!("{} workspaces have that name.", found.len()),
        )
        .ids(found.iter().map(|row| row.id.to_string()).collect()));
    }
    let row = found.pop().ok_or_else(hidden)?;
    caller.may(Some(&row.team), Some(&row.local.owner), hidden())?;
    Ok(row)
}

/// A Databricks workspace that was asked for.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Workspace {
    /// `ws_…`.
    #[schema(pattern = "^ws_[0-7][0-9a-hjkmnp-tv-z]{25}$")]
    pub id: String,
    /// Its name; unique in its team among those that are not deleted.
    pub name: String,
    /// The team it belongs to.
    pub team: String,
    /// The principal it belongs to.
    pub owner: String,
    /// One word for people. Programs should read `conditions`. New values may be added.
    pub phase: Phase,
    /// What it shall be.
    pub spec: SpecView,
    /// What the vendor calls it.
    pub external: External,
    /// Where its token is delivered. The value is never shown here; `tokens_href` has the version.
    pub secret: SecretPlace,
    /// Observed facts. New types may be added.
    pub conditions: Vec<Condition>,
    /// Labels. They stay here; `spec.tags` go upstream.
    pub labels: BTreeMap<String, String>,
    /// While true, it cannot be deleted and does not expire.
    pub deletion_protection: bool,
    /// Its lifetime, counted from ready; null: for ever.
    pub ttl_seconds: Option<u32>,
    /// When its life ends; it is deleted a while later. Null until it is ready, and for ever.
    pub expires_at: Option<DateTime<Utc>>,
    /// The operation that is not finished.
    pub active_operation: Option<String>,
    /// The newest operation on it.
    pub last_operation: String,
    /// Why it is not as it should be; null when it is.
    pub problem: Option<Document>,
    /// Rises with every visible change; the number in `ETag`.
    #[schema(minimum = 1)]
    pub version: i64,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When something visible last changed.
    pub updated_at: DateTime<Utc>,
    /// When the last thing outside was gone.
    pub deleted_at: Option<DateTime<Utc>>,
    /// Where to read it again.
    #[schema(format = "uri-reference")]
    pub href: String,
    /// Where its tokens are listed.
    #[schema(format = "uri-reference")]
    pub tokens_href: String,
    /// Where its newest operation is read.
    #[schema(format = "uri-reference")]
    pub last_operation_href: String,
}

/// What a workspace shall be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = Spec)]
pub struct SpecView {
    /// The template it was made from, with its version.
    pub template: String,
    /// What the request chose of it.
    #[schema(value_type = Object)]
    pub parameters: Map<String, Value>,
    /// The cloud.
    pub cloud: Cloud,
    /// Where compute runs.
    pub compute_mode: ComputeMode,
    /// The cloud's region, in the cloud's words.
    pub region: String,
    /// Pricing tier, in Databricks' words; null: the account's plan.
    pub tier: Option<String>,
    /// The subdomain asked for; null: the vendor chooses.
    pub deployment_name: Option<String>,
    /// Tags at the vendor.
    pub tags: BTreeMap<String, String>,
}

/// What the vendor calls a workspace. Values are the vendor's, untouched; null until known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct External {
    /// Configured name of the account it is made in.
    pub account: String,
    /// Databricks' id: a 64-bit number, as a string.
    pub workspace_id: Option<String>,
    /// Databricks' id of its network configuration; null also where Databricks makes the VPC.
    pub network_id: Option<String>,
    /// Its address.
    #[schema(format = "uri")]
    pub workspace_url: Option<String>,
    /// Its subdomain.
    pub deployment_name: Option<String>,
    /// Databricks' status of it.
    pub workspace_status: Option<String>,
    /// Databricks' sentence about that.
    pub workspace_status_message: Option<String>,
}

/// A place in a secret store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct SecretPlace {
    /// Configured name of the store.
    pub store: String,
    /// Path inside it; stable over rotations.
    pub path: String,
}

impl Workspace {
    /// The answer for a row.
    pub fn of(row: &Row, public_url: &PublicUrl) -> Self {
        let (spec, made) = (&row.spec, row.external.workspace.as_ref());
        let told = |text: fn(&ExternalWorkspace) -> &String| {
            made.map(text).filter(|it| !it.is_empty()).cloned()
        };
        let href = href(row.id);
        let problem = row
            .problem
            .as_ref()
            .map(|problem| Document::stored(problem, public_url, href.clone(), None));
        Self {
            id: row.id.to_string(),
            name: row.name.clone(),
            team: row.team.clone(),
            owner: row.local.owner.clone(),
            phase: row.phase,
            spec: SpecView {
                template: spec.template.clone(),
                parameters: spec.parameters.clone(),
                cloud: spec.cloud,
                compute_mode: spec.compute_mode,
                region: spec.region.clone(),
                tier: spec.tier.clone(),
                deployment_name: spec.deployment_name.clone(),
                tags: spec.tags.clone(),
            },
            external: External {
                account: spec.account.clone(),
                workspace_id: made
                    .and_then(ExternalWorkspace::number)
                    .map(|number| number.to_string()),
                network_id: row.external.network.as_ref().map(|it| it.id.clone()),
                workspace_url: told(|made| &made.url),
                deployment_name: told(|made| &made.deployment_name),
                workspace_status: row.workspace_status.clone().filter(|_| made.is_some()),
                workspace_status_message: row
                    .workspace_status_message
                    .clone()
                    .filter(|_| made.is_some()),
            },
            secret: SecretPlace {
                store: spec.secret.store.clone(),
                path: spec.secret.path.clone(),
            },
            conditions: row
                .conditions
                .iter()
                .map(|c| Condition {
                    last_transition_at: millis(c.last_transition_at),
                    ..c.clone()
                })
                .collect(),
            labels: row.local.labels.clone(),
            deletion_protection: row.local.deletion_protection,
            ttl_seconds: row.local.ttl_seconds,
            expires_at: row.local.expires_at.map(millis),
            active_operation: row.active_operation.map(|id| id.to_string()),
            last_operation: row.last_operation.to_string(),
            problem,
            version: row.version,
            created_at: millis(row.created_at),
            updated_at: millis(row.updated_at),
            deleted_at: row.deleted_at.map(millis),
            tokens_href: format!("{href}/tokens"),
            last_operation_href: format!("/operations/{}", row.last_operation),
            href,
        }
    }
}

/// Where a workspace is read.
pub fn href(id: WorkspaceId) -> String {
    format!("/workspaces/{id}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::samples;

    #[test]
    fn a_path_segment_is_an_id_or_a_name() {
        assert!(matches!(
            samples::WORKSPACE.parse(),
            Ok(WorkspaceRef::Id(_))
        ));
        assert_eq!(
            "analytics-dev".parse(),
            Ok(WorkspaceRef::Name("analytics-dev".to_owned()))
        );
        for bad in [
            "",
            "ws_",
            "op_01kan4v7p9fr9tq5mh2d6xwc8j",
            "Analytics",
            "a b",
            "ws_zzzzzzzzzzzzzzzzzzzzzzzzzz",
        ] {
            assert!(bad.parse::<WorkspaceRef>().is_err(), "{bad}");
        }
    }

    #[test]
    fn numbers_of_the_vendor_are_strings_and_nothing_secret_is_there() {
        let json = serde_json::to_value(samples::workspace()).unwrap();
        assert_eq!(json["external"]["workspace_id"], "7405601234567890");
        assert_eq!(json["external"]["account"], "main");
        assert_eq!(json["created_at"], "2026-11-22T09:00:12.345Z");
        assert!(json["problem"].is_null() && json["active_operation"].is_null());
        let mut row = samples::ready();
        row.external.workspace = None;
        let json = serde_json::to_value(Workspace::of(&row, &PublicUrl::default())).unwrap();
        assert!(
            json["external"]
                .as_object()
                .unwrap()
                .contains_key("workspace_url")
        );
        assert!(json["external"]["workspace_url"].is_null());
    }
}
