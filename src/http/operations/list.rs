//! `GET /operations`.

use super::view::{Beside, Operation};
use crate::domain::id::WorkspaceId;
use crate::domain::operation::{OperationKind, OperationStatus};
use crate::http::Http;
use crate::http::extract::Caller;
use crate::http::page::{List, PageQuery, next_page};
use crate::http::problem::Problem;
use crate::http::query::{FromQuery, Params, Query};
use crate::http::samples;
use crate::store::operations::{self, Filter};
use axum::Json;
use axum::extract::{OriginalUri, State};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::IntoParams;

/// Filters of the list. They combine with AND; the values of one filter with OR.
#[derive(Debug, Default, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListOperations {
    /// Any of these; repeated or separated by commas.
    #[param(required = false, nullable = false)]
    pub status: Vec<OperationStatus>,
    /// Any of these; repeated or separated by commas.
    #[param(required = false, nullable = false)]
    pub kind: Vec<OperationKind>,
    /// Operations on this workspace, by id.
    #[param(required = false, value_type = String, pattern = "^ws_[0-7][0-9a-hjkmnp-tv-z]{25}$", nullable = false)]
    pub workspace: Option<WorkspaceId>,
    /// Principals who asked; repeated.
    #[param(
        required = false,
        nullable = false,
        pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*$"
    )]
    pub requested_by: Vec<String>,
    /// Only those that have ended, or only those that have not.
    #[param(required = false, nullable = false)]
    pub done: Option<bool>,
}

/// The query of the list.
#[derive(Debug)]
pub struct OperationsQuery {
    filters: ListOperations,
    page: PageQuery,
}

impl FromQuery for OperationsQuery {
    fn from_query(params: &mut Params) -> Self {
        Self {
            filters: ListOperations {
                status: params.words("status"),
                kind: params.words("kind"),
                workspace: params.parsed("workspace", "the id of a workspace"),
                requested_by: params.all("requested_by"),
                done: params.parsed("done", "`true` or `false`"),
            },
            page: PageQuery::from_query(params),
        }
    }
}

/// One page of operations.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct OperationPage {
    /// The operations.
    pub items: Vec<Operation>,
    /// Send it as `cursor` for the next page; null on the last one.
    pub next_cursor: Option<String>,
}

/// List operations
///
/// The operations on the workspaces of the caller's teams, newest first. `queue` is always null here.
#[utoipa::path(
    get,
    path = "/operations",
    operation_id = "listOperations",
    tag = "operations",
    params(ListOperations, PageQuery),
    responses((
        status = 200,
        description = "One page",
        body = OperationPage,
        headers(("Link" = String, description = "`rel=\"next\"`: the next page, if there is one")),
        example = json!(OperationPage { items: vec![samples::operation(&samples::running())], next_cursor: None }),
    )),
)]
pub async fn list_operations(
    State(http): State<Http>,
    caller: Caller,
    OriginalUri(uri): OriginalUri,
    Query(query): Query<OperationsQuery>,
) -> Result<Response, Problem> {
    caller.may(None, None, Problem::not_found("operation"))?;
    let OperationsQuery { filters, page } = query;
    let now = http.clock.now();
    let list = List {
        route: "operations",
        filters: format!("{filters:?}"),
        now,
    };
    let filter = Filter {
        status: filters
            .status
            .iter()
            .map(|status| status.as_str().to_owned())
            .collect(),
        kind: filters
            .kind
            .iter()
            .map(|kind| kind.as_str().to_owned())
            .collect(),
        workspace: filters.workspace,
        requested_by: filters.requested_by,
        done: filters.done,
    };
    let rows = page.rows(&list)?;
    let mut found = {
        let mut db = http.db.acquire().await?;
        operations::list(&mut db, &caller.teams(), &filter, &rows).await?
    };
    let next_cursor = page.cut(&list, &mut found, |row| row.id.uuid());
    let headers = next_page(&uri, next_cursor.as_deref());
    let items = found
        .iter()
        .map(|row| Operation::of(row, &Beside::default(), now, &http.settings.public_url))
        .collect();
    Ok((headers, Json(OperationPage { items, next_cursor })).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::query::{documented, read};

    #[test]
    fn what_is_documented_is_read() {
        let parameters = [
            ListOperations::into_params(|| None),
            PageQuery::into_params(|| None),
        ];
        assert_eq!(documented(&parameters.concat()), read::<OperationsQuery>());
    }
}
