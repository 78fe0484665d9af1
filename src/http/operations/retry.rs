//! `POST /operations/{operation}/retry`: go on with what failed or stands.

use super::{Operation, check};
use crate::domain::id::OperationId;
use crate::http::Http;
use crate::http::extract::{Caller, Path};
use crate::http::problem::Problem;
use crate::http::query::{NoQuery, Query};
use crate::http::samples;
use crate::http::workspaces::create;
use crate::provisioning::request;
use axum::extract::State;
use axum::response::Response;

/// Go on with an operation
///
/// - A create that **failed** is continued from the failed step by a new operation (`retry_of`), with everything that
///   is there; the removal that was waiting for it is withdrawn.
/// - An operation that **needs attention** goes on itself, with a fresh deadline. Correct its cause first: `problem`
///   says what it is, `attention` what is left.
///
/// Everything else is 409: it has ended well, goes on by itself, or the removal of the workspace has begun. Idempotent:
/// until the new operation is done, asking again is answered with it.
#[utoipa::path(
    post,
    path = "/operations/{operation}/retry",
    operation_id = "retryOperation",
    tag = "operations",
    params(("operation" = String, Path, description = "Id of the operation (`op_…`)", example = json!(samples::OPERATION))),
    responses((
        status = 202,
        description = "Accepted; the body is the operation to follow: a new one, or the same",
        body = Operation,
        headers(
            ("Location" = String, description = "The operation to poll"),
            ("Operation-Location" = String, description = "The same"),
            ("Link" = String, description = "`rel=\"related\"`: the workspace"),
            ("Retry-After" = u64, description = "Seconds after which to ask"),
        ),
        links(("operation" = (operation_id = "getOperation", parameters(("operation" = "$response.body#/id")), description = "Follow the operation"))),
        example = json!(samples::operation(&samples::queued())),
    )),
)]
pub async fn retry_operation(
    State(http): State<Http>,
    caller: Caller,
    Path(id): Path<OperationId>,
    Query(NoQuery): Query<NoQuery>,
) -> Result<Response, Problem> {
    check(&http, &caller, id).await?;
    let operation = request::retry(&http.db, &caller.asker(), id).await?;
    create::answer(&http, &operation).await
}
