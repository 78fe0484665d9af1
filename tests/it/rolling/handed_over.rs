//! What the version before has begun on its own schema, this one ends after migrating.

use super::{create, migrate, previous, remove, started, succeeded};
use crate::support::previous::Previous;
use crate::support::process::PRESENT;
use crate::support::{Builder, PATIENCE, TestApp, database, variants};
use brickyard::dev;
use brickyard::store::schema;
use futures_util::StreamExt;
use simulator::{Call, Fault, FaultKind};
use sqlx::PgPool;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

/// A call of each step that makes a workspace. What waits for Databricks sends none that could be held.
const THERE: [(&str, Option<Call>); 10] = [
    ("preflight", Some(Call::ListCredentials)),
    ("create_credentials", Some(Call::CreateCredentials)),
    ("create_storage", Some(Call::CreateStorage)),
    ("create_network", Some(Call::CreateNetwork)),
    ("create_workspace", Some(Call::CreateWorkspace)),
    ("await_running", None),
    ("await_reachable", Some(Call::Me)),
    (
        "create_service_principal",
        Some(Call::CreateServicePrincipal),
    ),
    ("deliver_token", Some(Call::MintTokenOnBehalf)),
    ("deliver_token", Some(Call::StorePut)),
];

/// A call of each step that has something to undo.
const BACK: [(&str, Option<Call>); 6] = [
    ("deliver_token", Some(Call::StoreDelete)),
    (
        "create_service_principal",
        Some(Call::DeleteServicePrincipal),
    ),
    ("create_workspace", Some(Call::DeleteWorkspace)),
    ("create_network", Some(Call::DeleteNetwork)),
    ("create_storage", Some(Call::DeleteStorage)),
    ("create_credentials", Some(Call::DeleteCredentials)),
];

/// The world stands still: nothing begins to run before the test says so.
const STILL: f64 = 1.0;

/// Waits until the operation has come to this step, and the call of it is held.
async fn stands(app: &TestApp, kind: &str, step: &str, call: Option<Call>) {
    let until = Instant::now() + PATIENCE;
    loop {
        let at: Option<String> =
            sqlx::query_scalar("select plan[position + 1] from operations where kind = $1")
                .bind(kind)
                .fetch_optional(&app.db)
                .await
                .expect("the database answers")
                .flatten();
        let arrivals = app.simulator.arrivals();
        let held = |call: Call| {
            let mut of_it = arrivals.iter().filter(|it| it.call == call);
            of_it.any(|it| it.fault.is_some())
        };
        if at.as_deref() == Some(step) && call.is_none_or(held) {
            // What is held acts before its answer is held.
            return tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert!(Instant::now() < until, "not in {step} but in {at:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The steps of all plans.
async fn plan(db: &PgPool) -> BTreeSet<String> {
    let steps = sqlx::query_scalar("select distinct unnest(plan) from operations");
    let steps: Vec<String> = steps.fetch_all(db).await.expect("the database answers");
    steps.into_iter().collect()
}

async fn one(previous: &Previous, kind: &str, step: &str, call: Option<Call>, hold: FaultKind) {
    let case = format!("{kind} in {step}, {call:?}, {hold}");
    let mut app = Builder {
        workers: 0,
        speed: match call {
            Some(_) => crate::support::SPEED,
            None => STILL,
        },
        template: format!("{}{}", dev::OBJECTS, dev::VPC),
        database_url: Some(database::empty().await),
        ..Builder::default()
    }
    .start()
    .await;
    assert_eq!(migrate(&app, &previous.program).await, Some(0), "{case}");
    let (mut process, url) = started(&app, &previous.program).await;
    if kind == "delete" {
        let made = create(&app, &url, "handed-over").await;
        succeeded(&app, &url, &made).await;
    }
    if let Some(call) = call {
        app.fault(Fault::new(hold).on(call));
    }
    let operation = match kind {
        "create" => create(&app, &url, "handed-over").await,
        _ => remove(&app, &url, "handed-over").await,
    };
    stands(&app, kind, step, call).await;
    // One is killed, the other is told to end; neither hears what came of its call.
    if hold == FaultKind::HoldAnswer {
        process.kill();
        sqlx::query("update jobs set lease_expires_at = clock() where lease_owner is not null")
            .execute(&app.db)
            .await
            .expect("nobody waits for the lease");
    } else {
        process.signal("TERM");
        assert_eq!(process.ended(PATIENCE).await, Some(0), "{case}");
    }
    let held = THERE.iter().map(|(step, _)| (*step).to_owned());
    assert_eq!(plan(&app.db).await, held.collect(), "{case}: a step is new");
    let current = schema::is_current(&app.db).await;
    assert!(!current.expect("it answers"), "the schema has not changed");

    assert_eq!(migrate(&app, Path::new(PRESENT)).await, Some(0), "{case}");
    app.simulator.release();
    app.start_worker();
    app.simulator.advance(Duration::from_secs(600));
    let done = app.done(&operation).await;
    assert_eq!(done["status"], "succeeded", "{case}: {done:#}");
    for (kind, made) in variants::made(&app) {
        assert_eq!(made, 1, "{case}: {kind}");
    }
    if kind == "create" {
        app.removed("handed-over").await;
    }
    let left = variants::left(&app);
    assert!(left.is_empty(), "{case}: {left:#?}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_version_before_has_begun_is_ended_by_this_one() {
    let Some(previous) = previous("what_the_version_before_has_begun_is_ended_by_this_one") else {
        return;
    };
    let there = THERE.map(|(step, call)| ("create", step, call));
    let back = BACK.map(|(step, call)| ("delete", step, call));
    let cases = there
        .into_iter()
        .chain(back)
        .flat_map(|(kind, step, call)| {
            [FaultKind::HoldRequest, FaultKind::HoldAnswer].map(|hold| (kind, step, call, hold))
        });
    futures_util::stream::iter(cases)
        .for_each_concurrent(16, |(kind, step, call, hold)| {
            one(&previous, kind, step, call, hold)
        })
        .await;
}

/// It does not know updates: they wait until it is gone.
#[tokio::test(flavor = "multi_thread")]
async fn an_update_waits_for_the_end_of_the_version_before() {
    let Some(previous) = previous("an_update_waits_for_the_end_of_the_version_before") else {
        return;
    };
    let mut app = TestApp::start().await;
    app.ready("handed-over").await;
    app.stop_workers().await;
    let (mut process, _) = started(&app, &previous.program).await;
    let update = app.tag("handed-over").await;
    let until = Instant::now() + PATIENCE;
    let tries = "select coalesce(max(attempts), 0) from jobs where kind = 'operation'";
    while sqlx::query_scalar::<_, i32>(tries)
        .fetch_one(&app.db)
        .await
        .expect("the database answers")
        < 3
    {
        assert!(Instant::now() < until, "it never came for it");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    app.start_worker();
    process.signal("TERM");
    assert_eq!(process.ended(PATIENCE).await, Some(0));
    let done = app.done(&update).await;
    assert_eq!(done["status"], "succeeded", "{done:#}");
    app.removed("handed-over").await;
    app.finish().await;
}
