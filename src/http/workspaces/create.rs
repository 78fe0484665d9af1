//! `POST /workspaces`: ask for a workspace.

use super::choices::choices;
use super::wanted::CreateWorkspace;
use crate::auth::{Action, Teams, requestable_teams};
use crate::domain::local::too_long;
use crate::domain::problem::Code;
use crate::domain::wish;
use crate::http::Http;
use crate::http::body::Json;
use crate::http::extract::Caller;
use crate::http::headers::idempotency_key;
use crate::http::operations::{Operation, get, view};
use crate::http::problem::{FieldCode, FieldError, Problem};
use crate::http::query::{NoQuery, Query};
use crate::http::samples;
use crate::provisioning::request::{self, Accepted, NewWorkspace};
use crate::store::idempotency;
use crate::store::operations::Operation as OperationRow;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Ask for a workspace
///
/// Everything that can be checked without waiting is checked before the answer. Then the request is written down
/// together with the work that follows from it, and answered; poll the operation (`Location`) until it is `done`.
/// With an `Idempotency-Key` the request can be repeated without asking twice: the answer is the same operation as it
/// is now, with `Idempotency-Replayed: true`. Keys are kept 7 days; a refused request does not use its key up.
#[utoipa::path(
    post,
    path = "/workspaces",
    operation_id = "createWorkspace",
    tag = "workspaces",
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, pattern = "^[!#-~]+$", description = "1 to 255 visible ASCII characters, quoted or not; a UUID is fine")),
    request_body(
        content = CreateWorkspace,
        description = "What is wanted",
        content_type = "application/json",
        example = json!(CreateWorkspace::sample()),
    ),
    responses((
        status = 202,
        description = "Accepted; the body is the operation that makes it",
        body = Operation,
        headers(
            ("Location" = String, description = "The operation to poll"),
            ("Operation-Location" = String, description = "The same"),
            ("Link" = String, description = "`rel=\"related\"`: the workspace"),
            ("Retry-After" = u64, description = "Seconds after which to ask; absent if a replayed operation has ended"),
            ("Idempotency-Replayed" = bool, description = "`true` if this request had been accepted before"),
        ),
        links(("operation" = (operation_id = "getOperation", parameters(("operation" = "$response.body#/id")), description = "Follow the operation"))),
        example = json!(samples::operation(&samples::queued())),
    )),
)]
pub async fn create_workspace(
    State(http): State<Http>,
    caller: Caller,
    Query(NoQuery): Query<NoQuery>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Json<CreateWorkspace>,
) -> Result<Response, Problem> {
    let key = idempotency_key(&headers)?;
    if key.is_none() && http.settings.require_idempotency_key {
        let detail = "The service is set to require an Idempotency-Key.";
        return Err(Problem::new(Code::IdempotencyKeyMissing, detail));
    }
    let fingerprint = Sha256::digest(format!(
        "{}\n{}",
        body.canonical,
        uri.query().unwrap_or_default()
    ));
    let key = key.as_deref().map(|key| idempotency::Key {
        principal: &caller.principal.id,
        route: "POST /workspaces",
        key,
        fingerprint: fingerprint.as_slice(),
    });
    let accepted = accept(&http, &caller, body.value, key).await?;
    let mut response = answer(&http, &accepted.operation).await?;
    if accepted.replayed {
        let name = HeaderName::from_static("idempotency-replayed");
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// Checks all that needs no network, and accepts.
///
/// # Errors
/// Whatever is wrong with the request; [`Code::NameTaken`]; the database.
pub async fn accept(
    http: &Http,
    caller: &Caller,
    wanted: CreateWorkspace,
    key: Option<idempotency::Key<'_>>,
) -> Result<Accepted, Problem> {
    let said = serde_json::to_value(&wanted).map_err(|_| Problem::internal())?;
    let templates = Arc::clone(&http.templates.borrow());
    // Before anything is said about templates: callers without a role learn nothing of them.
    let team = team(caller, wanted.team.clone())?;
    let (template, choices) = choices(&templates, &wanted)?;
    let ttl_seconds = wanted.ttl_seconds;
    if let Some((pointer, why)) =
        ttl_seconds.and_then(|ttl| too_long(ttl, template.max_ttl_seconds))
    {
        return Err(invalid(pointer, &why));
    }
    let principal = caller.principal.id.as_str();
    let owner = wanted.owner.as_deref().unwrap_or(principal);
    check_owner(http, caller, &team, owner, principal)?;
    let new = NewWorkspace {
        name: &wanted.name,
        team: &team,
        template,
        choices,
        wish: wish::wish(&said),
        owner,
        labels: wanted.labels.unwrap_or_default(),
        deletion_protection: wanted.deletion_protection,
        ttl_seconds,
        key,
    };
    Ok(request::create(&http.db, &caller.asker(), new, &http.admission).await?)
}

/// Whether a workspace of `present` may be given to `owner`: only an operator gives it away, and only to a principal
/// that can exist.
///
/// # Errors
/// [`Code::Forbidden`], [`Code::ValidationFailed`].
pub fn check_owner(
    http: &Http,
    caller: &Caller,
    team: &str,
    owner: &str,
    present: &str,
) -> Result<(), Problem> {
    if owner == present {
        return Ok(());
    }
    let hidden = Problem::not_found("workspace");
    caller.may_do(Action::UpdateWorkspace, Some(team), None, hidden)?;
    let issuer = owner.split(':').nth(1).unwrap_or_default();
    if http.verifier.trusts(issuer) {
        return Ok(());
    }
    Err(invalid("/owner", "no issuer of that name is trusted"))
}

/// The 202 of accepted work.
///
/// # Errors
/// The database.
pub async fn answer(http: &Http, row: &OperationRow) -> Result<Response, Problem> {
    let mut response = (StatusCode::ACCEPTED, get::answer(http, row).await?).into_response();
    if let Ok(location) = HeaderValue::from_str(&view::href(row)) {
        response.headers_mut().insert(
            HeaderName::from_static("operation-location"),
            location.clone(),
        );
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

pub(super) fn invalid(pointer: &str, detail: &str) -> Problem {
    Problem::new(Code::ValidationFailed, "1 field is not valid.").errors(vec![FieldError::pointer(
        pointer,
        FieldCode::Invalid,
        detail,
    )])
}

/// The team asked for, or the only one the caller can ask for. A team that does not exist for the caller gets the
/// same answer as one the caller has the wrong role in.
pub(super) fn team(caller: &Caller, asked: Option<String>) -> Result<String, Problem> {
    let forbidden = |team: &str| {
        Problem::new(
            Code::Forbidden,
            format!("You need the role `requester` in team `{team}`."),
        )
    };
    if let Some(team) = asked {
        caller.may_do(Action::CreateWorkspace, Some(&team), None, forbidden(&team))?;
        return Ok(team);
    }
    match requestable_teams(&caller.principal) {
        Teams::Only(teams) if teams.len() == 1 => Ok(teams.into_iter().collect()),
        Teams::Only(teams) if teams.is_empty() => Err(Problem::new(
            Code::Forbidden,
            "You need the role `requester` in a team.",
        )),
        teams => {
            let problem = Problem::new(Code::TeamRequired, "`team` is missing.").errors(vec![
                FieldError::pointer(
                    "/team",
                    FieldCode::Missing,
                    "you can request for several teams",
                ),
            ]);
            Err(match teams {
                Teams::All => problem,
                Teams::Only(teams) => {
                    let names: Vec<String> = teams.iter().map(|team| format!("`{team}`")).collect();
                    problem.hint(format!(
                        "You can request for {}: send one as `team`.",
                        names.join(", ")
                    ))
                }
            })
        }
    }
}
