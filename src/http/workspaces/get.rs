//! `GET /workspaces/{workspace}`: one primary-key select, or a 304.

use super::{TeamQuery, Workspace, WorkspaceRef, find, shown, tagged};
use crate::http::Http;
use crate::http::extract::{Caller, Path};
use crate::http::headers::precondition;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::samples;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;

/// Read a workspace
///
/// By id or by name. A deleted workspace stays readable by id. Send the `ETag` back as `If-None-Match` and polling is
/// cheap: 304 without a body until something changes.
#[utoipa::path(
    get,
    path = "/workspaces/{workspace}",
    operation_id = "getWorkspace",
    tag = "workspaces",
    params(
        ("workspace" = String, Path, description = "Id (`ws_…`) or name of the workspace", example = json!("analytics-dev")),
        TeamQuery,
        ("If-None-Match" = Option<String>, Header, description = "Entity tags the caller has, such as `\"9\"`"),
    ),
    responses(
        (
            status = 200,
            description = "The workspace",
            body = Workspace,
            headers(("ETag" = String, description = "Strong entity tag: the version, quoted")),
            links(
                ("lastOperation" = (operation_id = "getOperation", parameters(("operation" = "$response.body#/last_operation")), description = "The newest operation on it")),
                ("tokens" = (operation_id = "listTokens", parameters(("workspace" = "$response.body#/id")), description = "Where its tokens lie")),
            ),
            example = json!(samples::workspace()),
        ),
        (
            status = 304,
            description = "Nothing changed since the version named by `If-None-Match`",
            headers(("ETag" = String, description = "Strong entity tag: the version, quoted")),
        ),
    ),
)]
pub async fn get_workspace(
    State(http): State<Http>,
    caller: Caller,
    Path(reference): Path<WorkspaceRef>,
    Query(query): Query<TeamQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let precondition = precondition(&headers)?;
    let row = find(&http, &caller, &reference, &query).await?;
    let mut response = if precondition.has(row.version) {
        tagged(&row, StatusCode::NOT_MODIFIED)
    } else {
        shown(&http, &row)
    };
    response.headers_mut().insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, no-cache"),
    );
    Ok(response)
}
