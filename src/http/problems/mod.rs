//! `GET /problems` and `GET /problems/{code}`: what each problem code means. The `type` of every problem points here:
//! programs get JSON, people who click on it a page. No token is needed: the catalogue is the same for everybody.

mod page;

use super::extract::{Path, Segment};
use super::headers::prefers_html;
use super::problem::Problem;
use super::query::{NoQuery, Query};
use super::{Http, PublicUrl};
use crate::domain::problem::{Code, FixBy};
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// Paths of this resource.
pub const PATHS: [&str; 2] = ["/problems", "/problems/{code}"];

/// A problem code and what it means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ProblemKind {
    /// As `type` in a problem.
    #[serde(rename = "type")]
    #[schema(format = "uri-reference")]
    pub kind: String,
    /// The stable identifier.
    pub code: Code,
    /// One fixed sentence.
    pub title: String,
    /// The HTTP status it has, or would have, as an answer.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// Why it happens.
    pub cause: String,
    /// What to do about it, unless the case at hand knows better.
    pub hint: String,
    /// Who can remove the cause.
    pub fix_by: FixBy,
    /// Whether the same request may succeed later without changes.
    pub retryable: bool,
}

/// The catalogue of problem codes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ProblemKindPage {
    /// The codes: first those of answers, then those of operations.
    pub items: Vec<ProblemKind>,
    /// Always null: they fit on one page.
    pub next_cursor: Option<String>,
}

impl ProblemKind {
    fn of(code: Code, public_url: &PublicUrl) -> Self {
        Self {
            kind: public_url.problem_type(code),
            code,
            title: code.title().to_owned(),
            status: code.status(),
            cause: code.cause().to_owned(),
            hint: code.hint().to_owned(),
            fix_by: code.fix_by(),
            retryable: code.retryable(),
        }
    }
}

impl ProblemKindPage {
    fn of(codes: &[Code], public_url: &PublicUrl) -> Self {
        Self {
            items: codes
                .iter()
                .map(|code| ProblemKind::of(*code, public_url))
                .collect(),
            next_cursor: None,
        }
    }
}

impl Segment for Code {
    const NOUN: &'static str = "problem";
}

/// List the problem codes
///
/// Every code of this version: cause, hint, who can fix it, whether a retry helps. A browser gets a page.
#[utoipa::path(
    get,
    path = "/problems",
    operation_id = "listProblems",
    tag = "service",
    responses((
        status = 200,
        description = "The catalogue",
        content(
            (ProblemKindPage = "application/json", example = json!(ProblemKindPage::of(&[Code::NameTaken, Code::ElasticIpLimit], &PublicUrl::default()))),
            (String = "text/html", example = json!("<!doctype html>…")),
        ),
    )),
)]
pub async fn list_problems(
    State(http): State<Http>,
    headers: HeaderMap,
    Query(NoQuery): Query<NoQuery>,
) -> Response {
    if prefers_html(&headers) {
        return page::list();
    }
    Json(ProblemKindPage::of(Code::ALL, &http.settings.public_url)).into_response()
}

/// Read a problem code
///
/// What a code means; `type` of a problem is this address. A browser gets a page.
#[utoipa::path(
    get,
    path = "/problems/{code}",
    operation_id = "getProblem",
    tag = "service",
    params(("code" = String, Path, description = "A problem code", example = json!("name_taken"))),
    responses((
        status = 200,
        description = "What it means",
        content(
            (ProblemKind = "application/json", example = json!(ProblemKind::of(Code::NameTaken, &PublicUrl::default()))),
            (String = "text/html", example = json!("<!doctype html>…")),
        ),
    )),
)]
pub async fn get_problem(
    State(http): State<Http>,
    headers: HeaderMap,
    Path(code): Path<Code>,
    Query(NoQuery): Query<NoQuery>,
) -> Result<Response, Problem> {
    if prefers_html(&headers) {
        return Ok(page::one(code));
    }
    Ok(Json(ProblemKind::of(code, &http.settings.public_url)).into_response())
}
