//! `GET /workspaces`.

use super::Workspace;
use crate::domain::cloud::Cloud;
use crate::domain::phase::Phase;
use crate::http::Http;
use crate::http::extract::Caller;
use crate::http::page::{List, PageQuery, next_page};
use crate::http::problem::Problem;
use crate::http::query::{FromQuery, Params, Query};
use crate::http::samples;
use crate::store::workspaces::{self, Filter};
use axum::Json;
use axum::extract::{OriginalUri, State};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::IntoParams;

/// Filters of the list. They combine with AND; the values of one filter with OR, except tags and labels,
/// which must all be there.
#[derive(Debug, Default, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListWorkspaces {
    /// Any of these; repeated or separated by commas. Deleted ones are left out unless asked for.
    #[param(required = false, nullable = false)]
    pub phase: Vec<Phase>,
    /// Any of these teams; repeated or separated by commas.
    #[param(
        required = false,
        nullable = false,
        pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*$"
    )]
    pub team: Vec<String>,
    /// Any of these principals; repeated.
    #[param(
        required = false,
        nullable = false,
        pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*$"
    )]
    pub owner: Vec<String>,
    /// Any of these clouds; repeated or separated by commas.
    #[param(required = false, nullable = false)]
    pub cloud: Vec<Cloud>,
    /// Any of these regions; repeated or separated by commas.
    #[param(
        required = false,
        nullable = false,
        pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*$"
    )]
    pub region: Vec<String>,
    /// Any of these templates; repeated or separated by commas. A name without a version means all its versions.
    #[param(
        required = false,
        nullable = false,
        pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*$"
    )]
    pub template: Vec<String>,
    /// How the name begins.
    #[param(
        required = false,
        nullable = false,
        pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*$"
    )]
    pub name_prefix: Option<String>,
    /// `key:value`; repeated, and all must be there.
    #[param(
        required = false,
        nullable = false,
        pattern = "^[^:\\x00-\\x1f\\x7f-\\x9f]+:[^\\x00-\\x1f\\x7f-\\x9f]*$"
    )]
    pub tag: Vec<String>,
    /// `key:value`; repeated, and all must be there.
    #[param(
        required = false,
        nullable = false,
        pattern = "^[^:\\x00-\\x1f\\x7f-\\x9f]+:[^\\x00-\\x1f\\x7f-\\x9f]*$"
    )]
    pub label: Vec<String>,
    /// Asked for after this.
    #[param(required = false, nullable = false)]
    pub created_after: Option<DateTime<Utc>>,
    /// Asked for before this.
    #[param(required = false, nullable = false)]
    pub created_before: Option<DateTime<Utc>>,
    /// Changed after this.
    #[param(required = false, nullable = false)]
    pub updated_after: Option<DateTime<Utc>>,
    /// Those whose life ends, and before this.
    #[param(required = false, nullable = false)]
    pub expires_before: Option<DateTime<Utc>>,
}

/// The query of the list.
#[derive(Debug)]
pub struct WorkspacesQuery {
    filters: ListWorkspaces,
    page: PageQuery,
}

impl FromQuery for WorkspacesQuery {
    fn from_query(params: &mut Params) -> Self {
        let mut pairs = |name| {
            let pairs = params.all(name);
            if pairs.iter().any(|text| pair(text).is_none()) {
                params.wrong(name, "must be `key:value`");
            }
            pairs
        };
        let (tag, label) = (pairs("tag"), pairs("label"));
        Self {
            filters: ListWorkspaces {
                phase: params.words("phase"),
                team: params.list("team"),
                owner: params.all("owner"),
                cloud: params.words("cloud"),
                region: params.list("region"),
                template: params.list("template"),
                name_prefix: params.one("name_prefix"),
                tag,
                label,
                created_after: params.time("created_after"),
                created_before: params.time("created_before"),
                updated_after: params.time("updated_after"),
                expires_before: params.time("expires_before"),
            },
            page: PageQuery::from_query(params),
        }
    }
}

fn pair(text: &str) -> Option<(String, String)> {
    let (key, value) = text.split_once(':').filter(|(key, _)| !key.is_empty())?;
    Some((key.to_owned(), value.to_owned()))
}

/// One page of workspaces.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct WorkspacePage {
    /// The workspaces.
    pub items: Vec<Workspace>,
    /// Send it as `cursor` for the next page; null on the last one.
    pub next_cursor: Option<String>,
}

/// List workspaces
///
/// The workspaces of the caller's teams, newest first.
#[utoipa::path(
    get,
    path = "/workspaces",
    operation_id = "listWorkspaces",
    tag = "workspaces",
    params(ListWorkspaces, PageQuery),
    responses((
        status = 200,
        description = "One page",
        body = WorkspacePage,
        headers(("Link" = String, description = "`rel=\"next\"`: the next page, if there is one")),
        example = json!(WorkspacePage { items: vec![samples::workspace()], next_cursor: None }),
    )),
)]
pub async fn list_workspaces(
    State(http): State<Http>,
    caller: Caller,
    OriginalUri(uri): OriginalUri,
    Query(query): Query<WorkspacesQuery>,
) -> Result<Response, Problem> {
    caller.may(None, None, Problem::not_found("workspace"))?;
    let WorkspacesQuery { filters, page } = query;
    let list = List {
        route: "workspaces",
        filters: format!("{filters:?}"),
        now: http.clock.now(),
    };
    let filter = Filter {
        phase: filters
            .phase
            .iter()
            .map(|phase| phase.as_str().to_owned())
            .collect(),
        team: filters.team,
        owner: filters.owner,
        cloud: filters
            .cloud
            .iter()
            .map(|cloud| cloud.as_str().to_owned())
            .collect(),
        region: filters.region,
        template: filters.template,
        name_prefix: filters.name_prefix,
        tags: filters.tag.iter().filter_map(|tag| pair(tag)).collect(),
        labels: filters.label.iter().filter_map(|l| pair(l)).collect(),
        expires_before: filters.expires_before,
        created_after: filters.created_after,
        created_before: filters.created_before,
        updated_after: filters.updated_after,
    };
    let rows = page.rows(&list)?;
    let mut found = {
        let mut db = http.db.acquire().await?;
        workspaces::list(&mut db, &caller.teams(), &filter, &rows).await?
    };
    let next_cursor = page.cut(&list, &mut found, |row| row.id.uuid());
    let headers = next_page(&uri, next_cursor.as_deref());
    let items = found
        .iter()
        .map(|row| Workspace::of(row, &http.settings.public_url))
        .collect();
    Ok((headers, Json(WorkspacePage { items, next_cursor })).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::query::{documented, read};

    #[test]
    fn what_is_documented_is_read() {
        let parameters = [
            ListWorkspaces::into_params(|| None),
            PageQuery::into_params(|| None),
        ];
        assert_eq!(documented(&parameters.concat()), read::<WorkspacesQuery>());
    }

    #[test]
    fn a_filter_by_tag_or_label_is_a_pair() {
        assert_eq!(pair("a:b:c"), Some(("a".to_owned(), "b:c".to_owned())));
        assert_eq!(pair("a:"), Some(("a".to_owned(), String::new())));
        assert_eq!((pair("a"), pair(":b")), (None, None));
    }
}
