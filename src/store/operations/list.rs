//! Lists of operations, and their order in the queue.

use super::{Operation, Row};
use crate::domain::id::{OperationId, WorkspaceId};
use crate::store::{Page, Result, Teams};
use sqlx::{PgConnection, Postgres, QueryBuilder};

/// Filters of the list. Empty vectors do not filter; values of one filter are alternatives.
#[derive(Debug, Clone, Default)]
#[expect(
    missing_docs,
    reason = "named like the query parameters they come from"
)]
pub struct Filter {
    pub status: Vec<String>,
    pub kind: Vec<String>,
    pub workspace: Option<WorkspaceId>,
    pub requested_by: Vec<String>,
    pub done: Option<bool>,
}

/// One page of operations.
///
/// # Errors
/// [`crate::store::StoreError`].
pub async fn list(
    db: &mut PgConnection,
    teams: &Teams,
    filter: &Filter,
    page: &Page,
) -> Result<Vec<Operation>> {
    // The select stands inside, so that the page's conditions need no table names.
    let mut query: QueryBuilder<Postgres> = QueryBuilder::new(
        "select * from (
         select o.id, o.workspace_id, w.name as workspace_name, o.team, o.kind, o.status, o.plan, o.position,
                o.steps, o.memo, o.waiting_for, o.message, o.warnings, o.problem, o.requested_by, o.request_id, o.traceparent,
                o.retry_of, o.not_before, o.deadline_at, o.created_at, o.started_at, o.finished_at
           from operations o
           join workspaces w on w.id = o.workspace_id) operations
          where ",
    );
    crate::store::push_teams(&mut query, teams);
    let columns = [
        ("status", &filter.status),
        ("kind", &filter.kind),
        ("requested_by", &filter.requested_by),
    ];
    crate::store::push_alternatives(&mut query, &columns);
    if let Some(workspace) = filter.workspace {
        query
            .push(" and workspace_id = ")
            .push_bind(workspace.uuid());
    }
    if let Some(done) = filter.done {
        query
            .push(" and (status in ('succeeded', 'failed', 'cancelled')) = ")
            .push_bind(done);
    }
    crate::store::push_page(&mut query, page);
    query
        .build_query_as::<Row>()
        .fetch_all(db)
        .await?
        .into_iter()
        .map(Row::read)
        .collect()
}

/// How many operations of each account wait to be begun, by its configured name.
///
/// # Errors
/// [`crate::store::StoreError`].
pub async fn queued_by_account(db: &mut PgConnection) -> Result<Vec<(String, i64)>> {
    let rows = sqlx::query!(
        r#"select w.account,
                  count(*) as "queued!"
             from operations o
             join workspaces w on w.id = o.workspace_id
            where o.status = 'queued'
              and (o.not_before is null or o.not_before <= clock())
            group by w.account"#
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.account, row.queued))
        .collect())
}

/// No place in the queue is counted further than this: in a long queue everybody who asks would count all of it.
const MOST_AHEAD: i64 = 1000;

/// How many operations would be begun before this one, counted up to a thousand; 0 when it is next.
///
/// # Errors
/// [`crate::store::StoreError`].
pub async fn queued_before(db: &mut PgConnection, id: OperationId) -> Result<i64> {
    let row = sqlx::query!(
        r#"select count(*) as "ahead!"
             from (select
                     from operations
                    where status = 'queued'
                      and (not_before is null or not_before <= clock())
                      and id < $1
                    limit $2) as earlier"#,
        id.uuid(),
        MOST_AHEAD
    )
    .fetch_one(db)
    .await?;
    Ok(row.ahead)
}
