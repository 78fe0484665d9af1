//! The bound of the requests: axum and the same SQL by the same functions, and nothing else. No token is checked, no
//! body validated, nothing logged, limited or explained.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use brickyard::dev::TEAM;
use brickyard::domain::id::WorkspaceId;
use brickyard::domain::template::Template;
use brickyard::provisioning::admission::{Admission, Limits};
use brickyard::provisioning::request::{self, Asker, NewWorkspace};
use brickyard::store::{Teams, operations, workspaces};
use serde_json::json;
use sqlx::PgPool;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;

#[derive(Clone)]
struct Bare {
    db: PgPool,
    template: Arc<Template>,
    admission: Arc<Admission>,
}

/// Serves it on a free port.
pub(crate) async fn serve(db: PgPool, template: Template) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new()
        .route("/workspaces", post(create))
        .route("/workspaces/{workspace}", get(read))
        .with_state(Bare {
            db,
            template: template.into(),
            // Nobody is refused here.
            admission: Arc::new(Admission::new(Limits {
                queued_per_account: u32::MAX,
                ..Limits::default()
            })),
        });
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// The body is the name.
async fn create(State(bare): State<Bare>, body: Bytes) -> Response {
    let asker = Asker {
        principal: "oidc:bench:requester@example.com",
        request_id: "req_bench",
        traceparent: None,
    };
    let choices = bare
        .template
        .choose(BTreeMap::new(), None, serde_json::Map::new())
        .unwrap();
    let new = NewWorkspace {
        name: std::str::from_utf8(&body).unwrap(),
        team: TEAM,
        template: &bare.template,
        choices,
        wish: json!({"template": bare.template.name}),
        owner: asker.principal,
        labels: BTreeMap::new(),
        deletion_protection: None,
        ttl_seconds: None,
        key: None,
    };
    let accepted = request::create(&bare.db, &asker, new, &bare.admission)
        .await
        .unwrap();
    let mut db = bare.db.acquire().await.unwrap();
    let ahead = operations::queued_before(&mut db, accepted.operation.id)
        .await
        .unwrap();
    (
        StatusCode::ACCEPTED,
        format!("{} {ahead}", accepted.operation.id),
    )
        .into_response()
}

async fn read(State(bare): State<Bare>, Path(id): Path<String>) -> Response {
    let id: WorkspaceId = id.parse().unwrap();
    let mut db = bare.db.acquire().await.unwrap();
    let row = workspaces::get(&mut db, id, &Teams::All)
        .await
        .unwrap()
        .unwrap();
    Json(row.spec).into_response()
}
