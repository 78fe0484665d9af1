//! How many there are, for the metrics: one statement, whose cost grows with what lives and not with what was.

use super::Result;
use sqlx::PgConnection;

/// How many things of one kind are in one state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// `workspaces`, `operations` or `orphans`.
    pub table: String,
    /// Phase or status; of orphans, the kind.
    pub state: String,
    /// Cloud or kind; of orphans, the account's configured name.
    pub sort: String,
    /// How many.
    pub count: i64,
}

/// The living workspaces by phase and cloud; the operations in progress by status and kind; the orphans by kind and
/// account. One that is being
/// cancelled counts as the delete that cancels it: both conditions are those of an index.
///
/// # Errors
/// [`super::StoreError`].
pub async fn counts(db: &mut PgConnection) -> Result<Vec<Count>> {
    Ok(sqlx::query_as!(
        Count,
        r#"select 'workspaces' as "table!", phase as "state!", cloud as "sort!", count(*) as "count!"
             from workspaces
            where phase <> 'deleted'
            group by phase, cloud
         union all
           select 'operations', status, kind, count(*)
             from operations
            where status in ('queued', 'running', 'needs_attention')
            group by status, kind
         union all
           select 'orphans', kind, account, count(*)
             from orphans
            group by kind, account"#
    )
    .fetch_all(db)
    .await?)
}
