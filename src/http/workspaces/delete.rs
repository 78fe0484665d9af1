//! `DELETE /workspaces/{workspace}`: remove it here and upstream.

use super::{IfMatch, TeamQuery, WorkspaceRef, create, find};
use crate::auth::{Grant, Role};
use crate::domain::problem::Code;
use crate::http::Http;
use crate::http::extract::{Caller, Path};
use crate::http::headers::precondition;
use crate::http::operations::Operation;
use crate::http::problem::Problem;
use crate::http::query::{FromQuery, Params, Query};
use crate::http::samples;
use crate::provisioning::request::{self, Deletion};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

/// How it is deleted.
#[derive(Debug, Default, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DeleteQuery {
    /// `forget` drops our record and leaves everything outside alone: for what cannot be removed from here. Takes the
    /// role `admin`; the audit keeps what is left behind.
    #[param(required = false, nullable = false, pattern = "^forget$")]
    pub mode: Option<String>,
}

/// The query of a deletion.
#[derive(Debug)]
pub struct DeletionQuery {
    team: TeamQuery,
    forget: bool,
}

impl FromQuery for DeletionQuery {
    fn from_query(params: &mut Params) -> Self {
        Self {
            team: TeamQuery::from_query(params),
            forget: params.parsed::<Forget>("mode", "`forget`").is_some(),
        }
    }
}

/// The one word of `mode`.
struct Forget;

impl std::str::FromStr for Forget {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        (text == "forget").then_some(Self).ok_or(())
    }
}

/// Delete a workspace
///
/// Legal in every phase and idempotent: a create that is under way is stopped and undone, and a second request gets
/// the same operation. Its name is free again when the operation has succeeded. An `Idempotency-Key` is ignored.
/// `If-Match` is never required here, and once the removal was asked for it is not looked at any more.
#[utoipa::path(
    delete,
    path = "/workspaces/{workspace}",
    operation_id = "deleteWorkspace",
    tag = "workspaces",
    params(
        ("workspace" = String, Path, description = "Id (`ws_…`) or name of the workspace", example = json!("analytics-dev")),
        TeamQuery,
        DeleteQuery,
        IfMatch,
    ),
    responses(
        (
            status = 202,
            description = "Accepted; the body is the operation that removes it",
            body = Operation,
            headers(
                ("Location" = String, description = "The operation to poll"),
                ("Operation-Location" = String, description = "The same"),
                ("Link" = String, description = "`rel=\"related\"`: the workspace"),
                ("Retry-After" = u64, description = "Seconds after which to ask"),
            ),
            links(("operation" = (operation_id = "getOperation", parameters(("operation" = "$response.body#/id")), description = "Follow the operation"))),
            example = json!(samples::operation(&samples::deleting())),
        ),
        (status = 204, description = "There is nothing left to delete, or it was forgotten"),
    ),
)]
pub async fn delete_workspace(
    State(http): State<Http>,
    caller: Caller,
    Path(reference): Path<WorkspaceRef>,
    Query(query): Query<DeletionQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let precondition = precondition(&headers)?;
    let row = find(&http, &caller, &reference, &query.team).await?;
    if query.forget {
        let admin = |grant: &Grant| grant.role == Role::Admin && grant.team.is_none();
        if !caller.principal.grants.iter().any(admin) {
            let detail = "You need the role `admin` to have a workspace forgotten.";
            return Err(Problem::new(Code::Forbidden, detail));
        }
        request::forget(&http.db, &caller.asker(), row.id, &precondition).await?;
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    match request::delete(&http.db, &caller.asker(), row.id, &precondition).await? {
        Deletion::Accepted(operation) => create::answer(&http, &operation).await,
        Deletion::AlreadyGone => Ok(StatusCode::NO_CONTENT.into_response()),
    }
}
