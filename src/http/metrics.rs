//! `GET /metrics`: the numbers of this process and of the database, for whoever runs the service. It needs no token, so it
//! may be moved to an address of its own; there it is all that a worker serves, beside `/livez`.

use super::problem::Problem;
use super::query::{NoQuery, Query};
use super::{Http, health};
use crate::metrics::{self, Gauge};
use crate::{queue, store};
use axum::Router;
use axum::extract::{FromRef, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sqlx::PgPool;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// Its path.
pub const PATH: &str = "/metrics";

/// What the database said is said again for this long, however often and by whomever it is asked.
const FRESH: Duration = Duration::from_secs(10);

/// A database that needs longer than this is left out.
const PATIENCE: Duration = Duration::from_secs(2);

type Seen = Option<(Instant, Vec<Gauge>)>;

/// What is needed to answer. Cheap to clone; clones share what they have seen.
#[derive(Clone)]
pub struct Scrape {
    db: PgPool,
    seen: Arc<Mutex<Seen>>,
}

impl Scrape {
    /// Nothing seen yet.
    pub fn new(db: PgPool) -> Self {
        Self {
            db,
            seen: Arc::default(),
        }
    }

    async fn text(&self) -> String {
        let mut gauges = self.looked_up().await;
        let pool = |state: &str, connections: usize| {
            (vec![("state", state.to_owned())], connections as f64)
        };
        let idle = self.db.num_idle();
        let all = usize::try_from(self.db.size()).unwrap_or(idle);
        gauges.push(Gauge {
            name: "database_connections",
            help: "Connections of this process to the database",
            series: vec![pool("idle", idle), pool("used", all.saturating_sub(idle))],
        });
        let most = f64::from(self.db.options().get_max_connections());
        gauges.push(Gauge::of(
            "database_connections_max",
            "Most connections of this process to the database",
            most,
        ));
        let version = super::version::Version::ours();
        gauges.push(Gauge {
            name: "build_info",
            help: "Always 1; what runs here",
            series: vec![(
                vec![
                    ("version", version.version),
                    ("commit", version.commit.unwrap_or_default()),
                ],
                1.0,
            )],
        });
        metrics::render(&gauges)
    }

    /// What the database says, or said a moment ago. Those who ask at the same time wait for one answer.
    async fn looked_up(&self) -> Vec<Gauge> {
        let mut seen = self.seen.lock().await;
        if let Some((at, gauges)) = &*seen
            && at.elapsed() < FRESH
        {
            return gauges.clone();
        }
        let looked = tokio::time::timeout(PATIENCE, look_up(&self.db)).await;
        let mut gauges = match looked {
            Ok(Ok(gauges)) => gauges,
            Ok(Err(error)) => {
                tracing::warn!(%error, "the database does not say how much there is");
                Vec::new()
            }
            Err(_) => Vec::new(),
        };
        let up = f64::from(u8::from(!gauges.is_empty()));
        gauges.push(Gauge::of(
            "database_up",
            "Whether the database answered",
            up,
        ));
        *seen = Some((Instant::now(), gauges.clone()));
        gauges
    }
}

async fn look_up(db: &PgPool) -> store::Result<Vec<Gauge>> {
    let mut db = db.acquire().await?;
    let counts = store::gauges::counts(&mut db).await?;
    let available = queue::gauges::available(&mut db).await?;
    let series = |table: &str, state: &'static str, sort: &'static str| {
        let rows = counts.iter().filter(|row| row.table == table);
        rows.map(|row| {
            let labels = vec![(state, row.state.clone()), (sort, row.sort.clone())];
            (labels, row.count as f64)
        })
        .collect()
    };
    Ok(vec![
        Gauge {
            name: "workspaces",
            help: "Workspaces that are not deleted",
            series: series("workspaces", "phase", "cloud"),
        },
        Gauge {
            name: "operations_in_progress",
            help: "Operations that have not ended",
            series: series("operations", "status", "kind"),
        },
        Gauge {
            name: "orphans",
            help: "Things outside with our marker that nobody owns",
            series: series("orphans", "kind", "account"),
        },
        Gauge::of(
            "jobs_available",
            "Jobs that are due and taken by nobody",
            available.jobs as f64,
        ),
        Gauge::of(
            "job_oldest_available_seconds",
            "For how long the oldest of them has been due",
            available.oldest_seconds,
        ),
    ])
}

impl FromRef<Http> for Scrape {
    fn from_ref(http: &Http) -> Self {
        http.scrape.clone()
    }
}

/// What a process serves at an address of its own, whether it has an API or not.
pub fn router(scrape: Scrape) -> Router {
    Router::new()
        .route(
            PATH,
            get(async |State(scrape): State<Scrape>| text(&scrape).await),
        )
        .route("/livez", get(async || health::alive()))
        .fallback(async || StatusCode::NOT_FOUND)
        .with_state(scrape)
}

async fn text(scrape: &Scrape) -> Response {
    let media_type = format!("{}; version=1.0.0; charset=utf-8", metrics::MEDIA_TYPE);
    ([(header::CONTENT_TYPE, media_type)], scrape.text().await).into_response()
}

/// Metrics
///
/// Numbers of this process and of the database in OpenMetrics text, as Prometheus scrapes them. Not here if they have an
/// address of their own.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "getMetrics",
    tag = "service",
    responses((
        status = 200,
        description = "The numbers",
        body = String,
        content_type = "application/openmetrics-text",
        example = json!("brickyard_jobs_available 0.0\n# EOF\n"),
    )),
)]
pub async fn get_metrics(
    State(http): State<Http>,
    Query(NoQuery): Query<NoQuery>,
) -> Result<Response, Problem> {
    if !http.settings.metrics {
        return Err(Problem::not_found("path")
            .hint("Metrics have an address of their own: `server.metrics_listen`."));
    }
    Ok(text(&http.scrape).await)
}
