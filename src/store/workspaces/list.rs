//! Lists of workspaces.

use super::{Row, Workspace};
use crate::store::{Page, Result, Teams};
use chrono::{DateTime, Utc};
use sqlx::{PgConnection, Postgres, QueryBuilder};

/// Filters of the list. Empty vectors do not filter; values of one filter are alternatives.
#[derive(Debug, Clone, Default)]
#[expect(
    missing_docs,
    reason = "named like the query parameters they come from"
)]
pub struct Filter {
    pub phase: Vec<String>,
    pub team: Vec<String>,
    pub owner: Vec<String>,
    pub cloud: Vec<String>,
    pub region: Vec<String>,
    pub template: Vec<String>,
    pub name_prefix: Option<String>,
    /// `(key, value)` pairs that must all be among the spec's tags.
    pub tags: Vec<(String, String)>,
    /// `(key, value)` pairs that must all be among the labels.
    pub labels: Vec<(String, String)>,
    /// Those that have an end, and before this.
    pub expires_before: Option<DateTime<Utc>>,
    pub created_after: Option<DateTime<Utc>>,
    pub created_before: Option<DateTime<Utc>>,
    pub updated_after: Option<DateTime<Utc>>,
}

/// One page of workspaces. Deleted ones are left out unless `phase=deleted` is asked for.
///
/// # Errors
/// [`crate::store::StoreError`].
pub async fn list(
    db: &mut PgConnection,
    teams: &Teams,
    filter: &Filter,
    page: &Page,
) -> Result<Vec<Workspace>> {
    let mut query: QueryBuilder<Postgres> = QueryBuilder::new(
        "select id, name, team, owner, spec, wish, external, workspace_status,
                workspace_status_message, conditions, phase, problem, labels, deletion_protection, ttl_seconds,
                expires_at, last_operation, active_operation, version, created_at, updated_at, deleted_at
           from workspaces
          where ",
    );
    crate::store::push_teams(&mut query, teams);
    let columns = [
        ("phase", &filter.phase),
        ("team", &filter.team),
        ("owner", &filter.owner),
        ("cloud", &filter.cloud),
        ("region", &filter.region),
    ];
    crate::store::push_alternatives(&mut query, &columns);
    if !filter.template.is_empty() {
        // A name alone means all its versions.
        let templates = &filter.template;
        query
            .push(" and (template = any(")
            .push_bind(templates.clone())
            .push(") or split_part(template, '@', 1) = any(")
            .push_bind(templates.clone())
            .push("))");
    }
    if filter.phase.is_empty() {
        query.push(" and phase <> 'deleted'");
    }
    if let Some(prefix) = &filter.name_prefix {
        query
            .push(" and starts_with(name, ")
            .push_bind(prefix.clone())
            .push(")");
    }
    for (column, pairs) in [
        (" and spec -> 'tags' ->> ", &filter.tags),
        (" and labels ->> ", &filter.labels),
    ] {
        for (key, value) in pairs {
            query
                .push(column)
                .push_bind(key.clone())
                .push(" = ")
                .push_bind(value.clone());
        }
    }
    for (comparison, at) in [
        (" and created_at > ", filter.created_after),
        (" and created_at < ", filter.created_before),
        (" and updated_at > ", filter.updated_after),
        (" and expires_at < ", filter.expires_before),
    ] {
        if let Some(at) = at {
            query.push(comparison).push_bind(at);
        }
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
