//! Whatever goes wrong is explained in one form: a problem document for every route and every status it documents.
//! What a document must look like is held in `support::conformity`, for every answer of every test.

mod catalogue;
mod edges;
mod prober;

use crate::support::conformity::{self, Route};
use crate::support::{Builder, TestApp};
use brickyard::domain::id::{OperationId, WorkspaceId};
use futures_util::future::join_all;
use prober::Prober;
use serde_json::json;
use std::time::Duration;

/// What is documented because every route or every route of its kind may answer it, and cannot be had from outside
/// on these. Whoever may see a workspace in its team may read it; what answers from memory cannot fail.
const NOT_TO_BE_HAD: &[(&str, &str, &[u16])] = &[
    ("GET", "/workspaces/{workspace}", &[403]),
    ("GET", "/workspaces/{workspace}/tokens", &[403]),
    // With a setting only: see `versions`.
    ("PUT", "/workspaces/{workspace}", &[428]),
    ("PATCH", "/workspaces/{workspace}", &[428]),
    ("GET", "/livez", &[500, 503]),
    ("GET", "/openapi.json", &[500, 503]),
    ("GET", "/readyz", &[500]),
    ("GET", "/version", &[500, 503]),
    ("GET", "/metrics", &[404, 500, 503]),
    ("GET", "/problems", &[500, 503]),
    ("GET", "/templates", &[500, 503]),
    ("GET", "/templates/{template}", &[500, 503]),
    ("GET", "/templates/{template}/schema", &[500, 503]),
    ("GET", "/problems/{code}", &[500, 503]),
    ("GET", WHOAMI, &[500, 503]),
];

/// Answered from the token alone, to everybody who is somebody.
const WHOAMI: &str = "/whoami";

/// A world in which nobody works, and bodies have to hurry.
async fn world() -> TestApp {
    let builder = Builder {
        workers: 0,
        tune: |app| {
            app.http.limits.body_read = Duration::from_millis(200);
            app.http.limits.requests_per_minute = 1500;
        },
        ..Builder::default()
    };
    builder.start().await
}

const JSON: (&str, &str) = ("content-type", "application/json");

/// A body that is right for a route, if it takes one.
fn body_of(route: &Route, team: Option<&str>) -> Option<String> {
    let mut body = json!({"name": "kept", "template": "sandbox", "deletion_protection": true});
    if let Some(team) = team {
        body["team"] = team.into();
    }
    match route.method.as_str() {
        "POST" if route.path == "/workspaces" => {}
        "PUT" => {
            body.as_object_mut().expect("an object").remove("name");
        }
        "PATCH" => body = json!({"labels": {}}),
        _ => return None,
    }
    Some(body.to_string())
}

/// An address of a route that exists: `twin` is in two teams, `kept` is protected.
fn existing(route: &Route, workspace: &str, operation: &str) -> String {
    route
        .path
        .replace("{workspace}", workspace)
        .replace("{operation}", operation)
        .replace("{code}", "name_taken")
        .replace("{template}", "sandbox")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_documented_problem_of_every_route() {
    let app = world().await;
    let operation = app.create("twin").await;
    let operation = operation["id"].as_str().expect("an id");
    let admin = app.bearer("admin");
    let headers = [("authorization", admin.as_str()), JSON];
    let twin = json!({"name": "twin", "template": "sandbox", "team": "other-team"}).to_string();
    assert_eq!(
        app.send("POST", "/workspaces", &headers, Some(&twin))
            .await
            .status,
        202
    );
    let kept = json!({"name": "kept", "template": "sandbox", "deletion_protection": true});
    assert_eq!(app.post("/workspaces", &kept).await.status, 202);
    app.create("leaving").await;
    let removal = app.delete("/workspaces/leaving").await;
    assert_eq!(removal.status, 202);
    let removal = removal.body["id"].as_str().expect("an id");

    let routes = conformity::routes();
    let mut probe = Prober::new(&app);
    let (long_query, long_header) = (format!("?x={}", "a".repeat(8200)), "a".repeat(9000));
    for route in &routes {
        let role = Some("requester");
        let there = existing(route, "kept", operation);
        let unknown = format!("{there}?nonsense=1");
        let sent = body_of(route, None);
        let body = sent.clone().unwrap_or_default();
        let json: &[(&str, &str)] = if sent.is_some() { &[JSON] } else { &[] };
        probe
            .expect(
                (400, "invalid_parameter"),
                route,
                &unknown,
                role,
                json,
                &body,
            )
            .await;
        probe
            .expect(
                (406, "not_acceptable"),
                route,
                &there,
                role,
                &[("accept", "image/png")],
                "",
            )
            .await;
        probe
            .expect(
                (413, "body_too_large"),
                route,
                &there,
                role,
                &[("content-length", "65537")],
                "",
            )
            .await;
        probe
            .expect(
                (414, "uri_too_long"),
                route,
                &format!("{there}{long_query}"),
                role,
                &[],
                "",
            )
            .await;
        probe
            .expect(
                (431, "headers_too_large"),
                route,
                &there,
                role,
                &[("x-long", &long_header)],
                "",
            )
            .await;
        if !route.is_public() {
            probe
                .expect((401, "unauthenticated"), route, &there, None, json, &body)
                .await;
            let guest = probe.ask(route, &there, Some("guest"), json, &body).await;
            let told = if route.path == WHOAMI {
                200..=200
            } else {
                403..=404
            };
            assert!(told.contains(&guest.status), "{}", guest.text);
        }
        if route.takes_an_id() {
            let (w, o) = (
                WorkspaceId::new().to_string(),
                OperationId::new().to_string(),
            );
            probe
                .expect(
                    (404, "not_found"),
                    route,
                    &existing(route, &w, &o)
                        .replace("sandbox", "absent")
                        .replace("name_taken", "no_such_code"),
                    role,
                    json,
                    &body,
                )
                .await;
        }
        if route.path.contains("{workspace}") {
            let both = existing(route, "twin", operation);
            // What may have to be made needs its team before anything is looked for.
            let told = if route.method == "PUT" {
                (422, "team_required")
            } else {
                (409, "ambiguous_name")
            };
            probe
                .expect(told, route, &both, Some("admin"), json, &body)
                .await;
        }
        if route.statuses().contains(&412) {
            let mut headers = json.to_vec();
            headers.push(("if-match", "\"0\""));
            let mismatch = (412, "version_mismatch");
            probe
                .expect(mismatch, route, &there, role, &headers, &body)
                .await;
        }
        if ["PUT", "PATCH"].contains(&route.method.as_str()) {
            let leaving = existing(route, "leaving", operation);
            let plain = r#"{"template": "sandbox"}"#;
            let body = if route.method == "PUT" { plain } else { &body };
            let told = (409, "operation_in_progress");
            probe.expect(told, route, &leaving, role, json, body).await;
            let told = (403, "forbidden");
            probe
                .expect(told, route, &there, Some("viewer"), json, body)
                .await;
        }
        if route.method == "DELETE" {
            probe
                .expect((403, "forbidden"), route, &there, Some("viewer"), &[], "")
                .await;
            probe
                .expect(
                    (409, "deletion_protected"),
                    route,
                    &there,
                    Some("operator"),
                    &[],
                    "",
                )
                .await;
        }
        if route.method == "POST" && route.path == "/workspaces" {
            probe
                .expect((409, "name_taken"), route, &there, role, json, &body)
                .await;
        }
        if route.method == "POST" && route.path.contains("{operation}") {
            let told = match route.path.ends_with("/cancel") {
                true => (409, "not_cancellable"),
                false => (409, "not_retryable"),
            };
            let removal = existing(route, "leaving", removal);
            probe.expect(told, route, &removal, role, &[], "").await;
            let told = (403, "forbidden");
            probe
                .expect(told, route, &there, Some("viewer"), &[], "")
                .await;
        }
        if sent.is_some() {
            probe
                .expect(
                    (415, "unsupported_media_type"),
                    route,
                    &there,
                    role,
                    &[("content-type", "text/plain")],
                    &body,
                )
                .await;
            probe
                .expect((422, "validation_failed"), route, &there, role, json, "[]")
                .await;
            let slow = [JSON, ("content-length", "100")];
            probe
                .expect((408, "request_timeout"), route, &there, role, &slow, "{")
                .await;
        }
    }
    // A defect of ours is not explained, whatever it is.
    for table in ["workspaces", "operations"] {
        let statement = sqlx::AssertSqlSafe(format!("alter table {table} rename to {table}_away"));
        sqlx::query(statement)
            .execute(&app.db)
            .await
            .expect("it can be renamed");
    }
    let reads = |route: &&Route| !route.is_public() && !route.is_from_memory();
    for route in routes.iter().filter(reads) {
        let there = existing(route, "kept", operation);
        let sent = body_of(route, Some("other-team"));
        let json: &[_] = if sent.is_some() { &[JSON] } else { &[] };
        let (told, body) = ((500, "internal"), sent.unwrap_or_default());
        probe
            .expect(told, route, &there, Some("admin"), json, &body)
            .await;
    }
    app.app.db.close().await;
    for route in &routes {
        let there = existing(route, "kept", operation);
        let sent = body_of(route, None);
        let json: &[_] = if sent.is_some() { &[JSON] } else { &[] };
        let answer = probe
            .ask(
                route,
                &there,
                Some("requester"),
                json,
                &sent.unwrap_or_default(),
            )
            .await;
        let lives = route.is_from_memory();
        assert_eq!(
            answer.status,
            if lives { 200 } else { 503 },
            "{route:?}: {}",
            answer.text
        );
    }
    // Somebody's loop went wild; everybody else is served.
    let wild = app.bearer("auditor");
    let headers = [("authorization", wild.as_str())];
    while app
        .send("GET", "/workspaces?limit=x", &headers, None)
        .await
        .status
        != 429
    {}
    for route in routes
        .iter()
        .filter(|route| route.statuses().contains(&429))
    {
        let there = existing(route, "kept", operation);
        // The bucket fills again meanwhile; on a busy machine faster than one request after the other empties it.
        let mut refused = probe.ask(route, &there, Some("auditor"), &[], "").await;
        for _ in 0..100 {
            if refused.status == 429 {
                break;
            }
            let more = (0..10).map(|_| app.send("GET", "/workspaces?limit=x", &headers, None));
            join_all(more).await;
            refused = probe.ask(route, &there, Some("auditor"), &[], "").await;
        }
        assert_eq!(
            refused.body["code"], "rate_limited",
            "{route:?}: {}",
            refused.text
        );
        assert!(
            refused.headers["ratelimit"].contains("r=0;"),
            "{:?}",
            refused.headers
        );
        let other = probe.ask(route, &there, Some("viewer"), &[], "").await;
        assert_ne!(other.status, 429, "{route:?}");
    }
    let mut missing = Vec::new();
    for route in &routes {
        let never = NOT_TO_BE_HAD
            .iter()
            .find(|(m, p, _)| (*m, *p) == (&route.method, &route.path));
        let never = never.map_or(&[][..], |(.., statuses)| statuses);
        for status in route.statuses().into_iter().filter(|status| *status >= 400) {
            let seen = probe.seen[route].contains(&status);
            assert!(
                !(seen && never.contains(&status)),
                "{route:?} {status} can be had"
            );
            if !seen && !never.contains(&status) {
                missing.push(format!("{} {} {status}", route.method, route.path));
            }
        }
    }
    assert!(
        missing.is_empty(),
        "documented, but never seen: {missing:#?}"
    );
    app.abandon("its tables are gone").await;
}
