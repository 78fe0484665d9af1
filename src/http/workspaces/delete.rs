//! `DELETE /workspaces/{workspace}`: remove it here and upstream.

use super::{TeamQuery, WorkspaceRef, create, find};
use crate::http::Http;
use crate::http::extract::{Caller, Path};
use crate::http::operations::Operation;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::samples;
use crate::provisioning::request::{self, Asker, Deletion};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// Delete a workspace
///
/// Legal in every phase and idempotent: a create that is under way is stopped and undone, and a second request gets
/// the same operation. Its name is free again when the operation has succeeded. An `Idempotency-Key` is ignored.
#[utoipa::path(
    delete,
    path = "/workspaces/{workspace}",
    operation_id = "deleteWorkspace",
    tag = "workspaces",
    params(
        ("workspace" = String, Path, description = "Id (`ws_…`) or name of the workspace", example = json!("analytics-dev")),
        TeamQuery,
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
        (status = 204, description = "There is nothing left to delete"),
    ),
)]
pub async fn delete_workspace(
    State(http): State<Http>,
    caller: Caller,
    Path(reference): Path<WorkspaceRef>,
    Query(query): Query<TeamQuery>,
) -> Result<Response, Problem> {
    let row = find(&http, &caller, &reference, &query).await?;
    let asker = Asker {
        principal: &caller.principal.id,
        request_id: &caller.request_id.0,
        traceparent: caller.traceparent.as_deref(),
    };
    match request::delete(&http.db, &asker, &row).await? {
        Deletion::Accepted(operation) => create::answer(&http, &operation).await,
        Deletion::AlreadyGone => Ok(StatusCode::NO_CONTENT.into_response()),
    }
}
