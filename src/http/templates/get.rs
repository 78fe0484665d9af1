//! `GET /templates/{template}`.

use super::{TemplateRef, TemplateView, current, find};
use crate::http::Http;
use crate::http::extract::{Caller, Path};
use crate::http::problem::Problem;
use crate::http::query::{NoQuery, Query};
use crate::http::samples;
use axum::Json;
use axum::extract::State;

/// Read a template
///
/// `sandbox` is its newest version, `sandbox@3` its third.
#[utoipa::path(
    get,
    path = "/templates/{template}",
    operation_id = "getTemplate",
    tag = "templates",
    params(("template" = String, Path, description = "Name of the template, and `@` with a version if it is not the newest", example = json!("sandbox"))),
    responses((
        status = 200,
        description = "The template",
        body = TemplateView,
        example = json!(samples::template_view()),
    )),
)]
pub async fn get_template(
    State(http): State<Http>,
    caller: Caller,
    Path(reference): Path<TemplateRef>,
    Query(NoQuery): Query<NoQuery>,
) -> Result<Json<TemplateView>, Problem> {
    let templates = current(&http);
    let template = find(&caller, &templates, &reference)?;
    let versions = templates.versions(&template.name);
    Ok(Json(TemplateView::of(template, versions)))
}
