//! `GET /templates`.

use super::{TemplateView, current};
use crate::http::Http;
use crate::http::extract::Caller;
use crate::http::problem::Problem;
use crate::http::query::{NoQuery, Query};
use crate::http::samples;
use axum::Json;
use axum::extract::State;
use serde::Serialize;

/// All templates.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct TemplatePage {
    /// The newest version of each, by name.
    pub items: Vec<TemplateView>,
    /// Always null: there is one page.
    pub next_cursor: Option<String>,
}

/// List templates
///
/// What can be asked for: the newest version of each template. The list is short and comes as one page.
#[utoipa::path(
    get,
    path = "/templates",
    operation_id = "listTemplates",
    tag = "templates",
    responses((
        status = 200,
        description = "All of them",
        body = TemplatePage,
        example = json!(TemplatePage { items: samples::template_view().into_iter().collect(), next_cursor: None }),
    )),
)]
pub async fn list_templates(
    State(http): State<Http>,
    caller: Caller,
    Query(NoQuery): Query<NoQuery>,
) -> Result<Json<TemplatePage>, Problem> {
    caller.may(None, None, Problem::not_found("template"))?;
    let templates = current(&http);
    let items = templates.newest();
    let items = items.map(|it| TemplateView::of(it, templates.versions(&it.name)));
    Ok(Json(TemplatePage {
        items: items.collect(),
        next_cursor: None,
    }))
}
