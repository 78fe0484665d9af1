//! `POST /operations/{operation}/cancel`: stop a create.

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

/// Stop a create
///
/// It is `cancelling` until the step it is in has come to a point where nothing can be lost: a call that is on its way
/// is awaited, and one that was never answered is looked for. Then it is `cancelled`, and its `problem` names the
/// operation that removes what was made, last first; nothing of it is left, and the name is free again. Idempotent.
///
/// | the create is | what cancelling does |
/// | --- | --- |
/// | `queued` | nothing was made, and nothing will be |
/// | in a step that checks or waits (`preflight`, `await_running`, `await_reachable`) | it stops at once; a workspace that Databricks is building is removed while it is being built |
/// | in a step that makes something (`create_credentials`, `create_storage`, `create_network`, `create_workspace`, `create_service_principal`) | what the call makes is written down, then removed |
/// | in `deliver_token` | a token that was minted is revoked, and its secret removed from the store |
/// | `needs_attention` | it is given up, and what is there is removed |
/// | done | 409 `not_cancellable`: remove the workspace with DELETE |
///
/// A removal cannot be cancelled. `deletion_protection` does not hold a cancel up: what was never ready protects
/// nothing.
#[utoipa::path(
    post,
    path = "/operations/{operation}/cancel",
    operation_id = "cancelOperation",
    tag = "operations",
    params(("operation" = String, Path, description = "Id of the operation (`op_…`)", example = json!(samples::OPERATION))),
    responses((
        status = 202,
        description = "It is stopping; the body is the operation itself",
        body = Operation,
        headers(
            ("Location" = String, description = "The operation to poll"),
            ("Operation-Location" = String, description = "The same"),
            ("Link" = String, description = "`rel=\"related\"`: the workspace"),
            ("Retry-After" = u64, description = "Seconds after which to ask"),
        ),
        links(("operation" = (operation_id = "getOperation", parameters(("operation" = "$response.body#/id")), description = "Follow the operation"))),
        example = json!(samples::operation(&samples::cancelling())),
    )),
)]
pub async fn cancel_operation(
    State(http): State<Http>,
    caller: Caller,
    Path(id): Path<OperationId>,
    Query(NoQuery): Query<NoQuery>,
) -> Result<Response, Problem> {
    check(&http, &caller, id).await?;
    let operation = request::cancel(&http.db, &caller.asker(), id).await?;
    create::answer(&http, &operation).await
}
