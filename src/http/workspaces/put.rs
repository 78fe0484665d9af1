//! `PUT /workspaces/{workspace}`: have a workspace of that name, as described. What pipelines use.

use super::wanted::CreateWorkspace;
use super::{IfMatch, ROUNDS, TeamQuery, Workspace, WorkspaceRef, choices, create, find, shown};
use crate::auth::Action;
use crate::domain::local::Change;
use crate::domain::name::NAME_PATTERN;
use crate::domain::pairs::Pairs;
use crate::domain::precondition::Precondition;
use crate::domain::problem::Code;
use crate::domain::wish;
use crate::http::body::{self, Body};
use crate::http::extract::{Caller, Path, Segment};
use crate::http::headers::precondition;
use crate::http::operations::Operation;
use crate::http::problem::{FieldCode, FieldError, Problem};
use crate::http::query::Query;
use crate::http::{Http, openapi, samples};
use crate::provisioning::request::{self, Changed, Existing, RequestError};
use crate::store::Teams;
use crate::store::workspaces::{self, Workspace as Row};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use jsonschema::Validator;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::convert::Infallible;
use std::str::FromStr;
use std::sync::LazyLock;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// What is wanted: [`CreateWorkspace`] without the name, which stands in the path.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PutWorkspace(Map<String, Value>);

impl PartialSchema for PutWorkspace {
    fn schema() -> RefOr<Schema> {
        let mut schema = CreateWorkspace::schema();
        if let RefOr::T(Schema::Object(object)) = &mut schema {
            object.properties.shift_remove("name");
            object.required.retain(|name| name != "name");
            object.description = Some("What is wanted; the name stands in the path.".to_owned());
        }
        schema
    }
}

impl ToSchema for PutWorkspace {
    fn name() -> Cow<'static, str> {
        "PutWorkspace".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        CreateWorkspace::schemas(schemas);
    }
}

impl Body for PutWorkspace {
    fn validator() -> Option<&'static Validator> {
        static VALIDATOR: LazyLock<Option<Validator>> =
            LazyLock::new(openapi::validator::<PutWorkspace>);
        VALIDATOR.as_ref()
    }
}

impl PutWorkspace {
    /// The example that works as it stands in `brickyard dev`.
    pub fn sample() -> Self {
        let sample = serde_json::to_value(CreateWorkspace::sample()).unwrap_or_default();
        let mut members = sample.as_object().cloned().unwrap_or_default();
        members.remove("name");
        Self(members)
    }

    fn named(mut self, name: &str) -> Result<CreateWorkspace, Problem> {
        self.0.insert("name".to_owned(), name.into());
        serde_json::from_value(self.0.into()).map_err(|_| Problem::internal())
    }
}

/// The segment as it came: what is no name is not absent here, it is a mistake.
#[derive(Debug)]
pub struct AnySegment(String);

impl FromStr for AnySegment {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl Segment for AnySegment {
    const NOUN: &'static str = "workspace";
}

/// Have a workspace
///
/// Makes the workspace if the team has none of that name; otherwise sees to it that it is as described. Safe to
/// repeat, also at the same time: there is one workspace, and everybody is told the same. No `Idempotency-Key` is
/// needed; one is ignored.
///
/// - **202**: an operation is on its way there: a new one, the one that was running, or one that continues one that
///   failed (`retry_of`). Poll it until it is `done`.
/// - **200**: it is there and ready.
///
/// What lives only here (`labels`, `owner`, `deletion_protection`, `ttl_seconds`) is changed at once, `tags` by an
/// operation once the workspace is ready; what is left out of these stays. Everything else must be what the workspace
/// was asked for with, word by word, else 422 `immutable_field`. What a template resolves to is not compared: `sandbox`
/// is content with whatever version of it the workspace was made from; a version that is named must be that one.
///
/// One that was ready and is no longer there is answered 422 with its `problem`: delete it first.
///
/// `If-None-Match: *` only makes, and is answered 412 if it is there. A workspace that is being removed is 409; once it
/// is gone, another one is made.
#[utoipa::path(
    put,
    path = "/workspaces/{workspace}",
    operation_id = "putWorkspace",
    tag = "workspaces",
    params(
        ("workspace" = String, Path, description = "Name of the workspace, or the id of one that is there", example = json!("analytics-dev")),
        TeamQuery,
        IfMatch,
        ("If-None-Match" = Option<String>, Header, description = "`*`: only if there is none"),
    ),
    request_body(
        content = PutWorkspace,
        description = "What is wanted",
        content_type = "application/json",
        example = json!(PutWorkspace::sample()),
    ),
    responses(
        (
            status = 200,
            description = "It is there, ready and as described",
            body = Workspace,
            headers(("ETag" = String, description = "Strong entity tag: the version, quoted")),
            example = json!(samples::workspace()),
        ),
        (
            status = 202,
            description = "On its way; the body is the operation to follow",
            body = Operation,
            headers(
                ("Location" = String, description = "The operation to poll"),
                ("Operation-Location" = String, description = "The same"),
                ("Link" = String, description = "`rel=\"related\"`: the workspace"),
                ("Retry-After" = u64, description = "Seconds after which to ask"),
            ),
            links(("operation" = (operation_id = "getOperation", parameters(("operation" = "$response.body#/id")), description = "Follow the operation"))),
            example = json!(samples::operation(&samples::queued())),
        ),
    ),
)]
pub async fn put_workspace(
    State(http): State<Http>,
    caller: Caller,
    Path(AnySegment(segment)): Path<AnySegment>,
    Query(query): Query<TeamQuery>,
    headers: HeaderMap,
    body: body::Json<PutWorkspace>,
) -> Result<Response, Problem> {
    let precondition = precondition(&headers)?;
    let reference: WorkspaceRef = segment.parse().map_err(|()| not_a_name())?;
    let name = match reference {
        WorkspaceRef::Id(_) => {
            let row = find(&http, &caller, &reference, &query).await?;
            let wanted = body.value.named(&row.name)?;
            return match adjust(&http, &caller, &row, &wanted, &precondition).await? {
                Some(answer) => Ok(answer),
                None => Err(Problem::not_found("workspace")),
            };
        }
        WorkspaceRef::Name(name) => name,
    };
    let mut wanted = body.value.named(&name)?;
    if query.team.is_some() && wanted.team.is_some() && query.team != wanted.team {
        return Err(create::invalid("/team", "is not the `team` of the query"));
    }
    let team = create::team(&caller, wanted.team.take().or(query.team))?;
    wanted.team = Some(team.clone());
    for _ in 0..ROUNDS {
        let found = {
            let mut db = http.db.acquire().await?;
            let teams = Teams::Only(vec![team.clone()]);
            workspaces::find_by_name(&mut db, &name, &teams).await?
        };
        if let Some(row) = found.first() {
            match adjust(&http, &caller, row, &wanted, &precondition).await? {
                Some(answer) => return Ok(answer),
                None => continue,
            }
        }
        if !precondition.holds(None) {
            return Err(Problem::version_mismatch(None));
        }
        match create::accept(&http, &caller, wanted.clone(), None).await {
            Ok(accepted) => return create::answer(&http, &accepted.operation).await,
            // Somebody was faster: it is there now.
            Err(problem) if problem.code() == Code::NameTaken => {}
            Err(problem) => return Err(problem),
        }
    }
    Err(Problem::unavailable("The name changes hands too often."))
}

/// Sees to it that a workspace that is there is as wanted. `None`: it has just gone or become another.
async fn adjust(
    http: &Http,
    caller: &Caller,
    row: &Row,
    wanted: &CreateWorkspace,
    precondition: &Precondition,
) -> Result<Option<Response>, Problem> {
    let hidden = Problem::not_found("workspace");
    let (team, owner) = (row.team.as_str(), row.local.owner.as_str());
    caller.may_do(Action::UpdateWorkspace, Some(team), Some(owner), hidden)?;
    if wanted.team.as_deref().is_some_and(|wanted| wanted != team) {
        return Err(create::invalid("/team", "is not the team of the workspace"));
    }
    if let Some(wanted) = &wanted.owner {
        create::check_owner(http, caller, team, wanted, owner)?;
    }
    let said = serde_json::to_value(wanted).map_err(|_| Problem::internal())?;
    let change = Change {
        owner: wanted.owner.clone(),
        labels: wanted.labels.clone().map(Pairs::Replace),
        deletion_protection: wanted.deletion_protection,
        ttl_seconds: wanted.ttl_seconds.map(Some),
        expires_at: None,
    };
    let existing = Existing {
        id: row.id,
        precondition,
        require_precondition: http.settings.require_if_match,
        now: http.clock.now(),
    };
    let wish = wish::wish(&said);
    let tags = wanted.tags.clone().map(Pairs::Replace);
    let tags = tags.map(|tags| choices::tags(&http.templates.borrow(), row, &tags));
    let tags = tags.transpose()?;
    let asker = caller.asker();
    match request::put(&http.db, &asker, &existing, &wish, &change, tags.as_ref()).await {
        Ok(Changed::Done(row)) => Ok(Some(shown(http, &row))),
        Ok(Changed::Working(operation)) => Ok(Some(create::answer(http, &operation).await?)),
        Err(RequestError::Gone | RequestError::Stale) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn not_a_name() -> Problem {
    let error = FieldError::parameter(
        "workspace",
        FieldCode::Invalid,
        format!("must be {NAME_PATTERN}"),
    );
    Problem::new(
        Code::InvalidParameter,
        "The path does not name a workspace.",
    )
    .errors(vec![error])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_is_posts_without_the_name() {
        let of = |schema: RefOr<Schema>| serde_json::to_value(schema).unwrap();
        let (mut post, put) = (of(CreateWorkspace::schema()), of(PutWorkspace::schema()));
        post["properties"].as_object_mut().unwrap().remove("name");
        assert_eq!(put["properties"], post["properties"]);
        assert_eq!(put["required"], serde_json::json!(["template"]));
        assert_eq!(put["additionalProperties"], false);
        let wanted = PutWorkspace::sample().named("analytics-dev").unwrap();
        assert_eq!(wanted.name, "analytics-dev");
    }
}
