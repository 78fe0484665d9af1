//! `/livez` and `/readyz`. They need no token and say nothing about tenants.

use super::Http;
use super::problem::Problem;
use super::query::{FromQuery, NoQuery, Params, Query};
use crate::store::schema;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use std::time::Duration;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

/// A database that needs longer than this is not ready.
const PATIENCE: Duration = Duration::from_secs(2);

/// How the process is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Health {
    /// `ok`.
    pub status: String,
    /// What was looked at; empty unless `verbose`.
    pub checks: Vec<Check>,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Check {
    /// `process`, `database` or `migrations`.
    pub name: String,
    /// Whether it is as it should be.
    pub ok: bool,
    /// A sentence about it.
    pub detail: String,
}

/// How much to say.
#[derive(Debug, Default, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ReadyQuery {
    /// List what was looked at. `?verbose` alone is enough.
    #[param(required = false, schema_with = verbose_schema)]
    pub verbose: bool,
}

fn verbose_schema() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(["true", "false", ""]))
        .build()
}

impl FromQuery for ReadyQuery {
    fn from_query(params: &mut Params) -> Self {
        let verbose = match params.one("verbose").as_deref() {
            None | Some("false") => false,
            Some("" | "true") => true,
            Some(_) => {
                params.wrong("verbose", "must be `true` or `false`");
                false
            }
        };
        Self { verbose }
    }
}

impl Health {
    fn ok(checks: Vec<Check>) -> Self {
        Self {
            status: "ok".to_owned(),
            checks,
        }
    }

    /// The example of the document.
    pub fn sample() -> Self {
        Self::ok(vec![
            Check::of("process", true, "Takes requests."),
            Check::of("database", true, "Answers."),
            Check::of("migrations", true, "All are applied."),
        ])
    }
}

impl Check {
    fn of(name: &str, ok: bool, detail: &str) -> Self {
        Self {
            name: name.to_owned(),
            ok,
            detail: detail.to_owned(),
        }
    }
}

/// Is the process alive
///
/// 200 as long as the process answers. Restart it when it does not.
#[utoipa::path(
    get,
    path = "/livez",
    operation_id = "getLiveness",
    tag = "service",
    responses((status = 200, description = "It is", body = Health, example = json!(Health::ok(Vec::new())))),
)]
pub async fn livez(Query(NoQuery): Query<NoQuery>) -> Json<Health> {
    alive()
}

/// The answer of `/livez`, wherever it is asked.
pub fn alive() -> Json<Health> {
    Json(Health::ok(Vec::new()))
}

/// Can the process take requests
///
/// 200 when the database answers and has this version's schema, else 503; 503 also from the moment the process begins
/// to stop. An outage upstream does not matter here: requests are accepted all the same.
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "getReadiness",
    tag = "service",
    params(ReadyQuery),
    responses((status = 200, description = "It can", body = Health, example = json!(Health::sample()))),
)]
pub async fn readyz(
    State(http): State<Http>,
    Query(query): Query<ReadyQuery>,
) -> Result<Json<Health>, Problem> {
    let checks = checks(&http).await;
    let red: Vec<&Check> = checks.iter().filter(|check| !check.ok).collect();
    if red.is_empty() {
        return Ok(Json(Health::ok(if query.verbose {
            checks
        } else {
            Vec::new()
        })));
    }
    let detail = if query.verbose {
        red.iter()
            .map(|check| format!("{}: {}", check.name, check.detail))
            .collect::<Vec<_>>()
            .join(" ")
    } else {
        "Not ready.".to_owned()
    };
    Err(Problem::unavailable(detail))
}

async fn checks(http: &Http) -> Vec<Check> {
    let process = if http.shutdown.is_cancelled() {
        Check::of("process", false, "Is stopping.")
    } else {
        Check::of("process", true, "Takes requests.")
    };
    let look = tokio::time::timeout(PATIENCE, schema::is_current(&http.db));
    let (database, migrations) = match look.await {
        Ok(Ok(current)) => (true, Some(current)),
        Ok(Err(error)) => {
            tracing::warn!(%error, "the database does not answer as it should");
            (false, None)
        }
        Err(_) => (false, None),
    };
    vec![
        process,
        Check::of(
            "database",
            database,
            if database {
                "Answers."
            } else {
                "Does not answer."
            },
        ),
        match migrations {
            Some(true) => Check::of("migrations", true, "All are applied."),
            Some(false) => Check::of(
                "migrations",
                false,
                "Some are missing: run `brickyard migrate`.",
            ),
            None => Check::of("migrations", false, "Unknown."),
        },
    ]
}
