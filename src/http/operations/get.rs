//! `GET /operations/{operation}`: read, or wait for the next change.

use super::view::{self, Beside, Operation};
use crate::domain::id::OperationId;
use crate::domain::operation::OperationStatus;
use crate::http::Http;
use crate::http::extract::{Caller, Path};
use crate::http::headers;
use crate::http::problem::Problem;
use crate::http::query::{NoQuery, Query};
use crate::http::samples;
use crate::store::operations::{self, Operation as Row};
use crate::store::{Teams, workspaces};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use std::time::Duration;

/// How often a long poll looks when nothing wakes it.
const POLL: Duration = Duration::from_secs(2);

/// Read an operation
///
/// Answers 200 in every state, failed included: the HTTP exchange worked. With `Prefer: wait=N` the answer is held
/// until something changes, the operation ends, or N seconds (at most 60) have passed.
#[utoipa::path(
    get,
    path = "/operations/{operation}",
    operation_id = "getOperation",
    tag = "operations",
    params(
        ("operation" = String, Path, description = "Id of the operation (`op_…`)", example = json!(samples::OPERATION)),
        ("Prefer" = Option<String>, Header, description = "`wait=N`: hold the answer until something changes, at most N seconds, at most 60. Anything else is ignored.", example = json!("wait=20")),
    ),
    responses((
        status = 200,
        description = "The operation as it is now",
        body = Operation,
        headers(
            ("Retry-After" = u64, description = "Seconds after which to ask again; only while it is not done"),
            ("Link" = String, description = "`rel=\"related\"`: its workspace"),
            ("Preference-Applied" = String, description = "`wait=N`, if the preference was honoured"),
        ),
        links(("workspace" = (operation_id = "getWorkspace", parameters(("workspace" = "$response.body#/target/id")), description = "The workspace it works on"))),
        examples(
            ("running" = (summary = "Databricks is building the workspace", value = json!(samples::operation(&samples::running())))),
            ("failed" = (summary = "It failed, and says why", value = json!(samples::operation(&samples::failed())))),
        ),
    )),
)]
pub async fn get_operation(
    State(http): State<Http>,
    caller: Caller,
    Path(id): Path<OperationId>,
    Query(NoQuery): Query<NoQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let wait = headers::wait(&headers);
    let row = match wait {
        None => read(&http, &caller, id).await?,
        Some(wait) => poll(&http, &caller, id, wait).await?,
    };
    let mut response = answer(&http, &row).await?.into_response();
    if let Some(wait) = wait
        && let Ok(applied) = HeaderValue::from_str(&format!("wait={}", wait.as_secs()))
    {
        response.headers_mut().insert("preference-applied", applied);
    }
    Ok(response)
}

/// The operation with its place in the queue, or what is left of it where it stands, and the headers that belong to it.
pub async fn answer(http: &Http, row: &Row) -> Result<(HeaderMap, Json<Operation>), Problem> {
    let now = http.clock.now();
    let due =
        row.status == OperationStatus::Queued && row.not_before.is_none_or(|begin| begin <= now);
    let mut beside = Beside::default();
    if due {
        let mut db = http.db.acquire().await?;
        beside.ahead = Some(operations::queued_before(&mut db, row.id).await?);
    }
    if row.status == OperationStatus::NeedsAttention {
        let mut db = http.db.acquire().await?;
        let workspace = workspaces::get(&mut db, row.workspace_id, &Teams::All).await?;
        beside.external = workspace.map(|workspace| workspace.external);
    }
    Ok((
        view::headers(row, beside.ahead, now),
        Json(Operation::of(row, &beside, now, &http.settings.public_url)),
    ))
}

async fn read(http: &Http, caller: &Caller, id: OperationId) -> Result<Row, Problem> {
    let mut db = http.db.acquire().await?;
    operations::get(&mut db, id, &caller.teams())
        .await?
        .ok_or_else(|| Problem::not_found("operation"))
}

async fn poll(
    http: &Http,
    caller: &Caller,
    id: OperationId,
    wait: Duration,
) -> Result<Row, Problem> {
    // Interest first, then the first look: a change in between wakes us.
    let mut changes = http.changes.subscribe();
    let first = read(http, caller, id).await?;
    let mut row = first.clone();
    let end = tokio::time::sleep(wait);
    tokio::pin!(end);
    while !row.status.is_done() && same(&first, &row) {
        let over = tokio::select! {
            () = &mut end => true,
            () = http.shutdown.cancelled() => true,
            () = changes.changed(id) => false,
            () = tokio::time::sleep(POLL) => false,
        };
        row = read(http, caller, id).await?;
        if over {
            break;
        }
    }
    Ok(row)
}

/// Whether a caller would see no difference, apart from what time itself changes.
fn same(a: &Row, b: &Row) -> bool {
    a.status == b.status
        && a.position == b.position
        && a.steps == b.steps
        && a.waiting_for == b.waiting_for
        && a.message == b.message
        && a.warnings == b.warnings
        && a.problem == b.problem
        && a.not_before == b.not_before
        && a.deadline_at == b.deadline_at
}
