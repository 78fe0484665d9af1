//! Properties over the plan: a step, a call, a fault added tomorrow is covered today.

use crate::support::{PATIENCE, TestApp};
use brickyard::provisioning::plan;
use brickyard::provisioning::step::{self, Step};
use futures_util::StreamExt;
use futures_util::future::join_all;
use serde_json::Value;
use simulator::{Call, Fault, FaultKind};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// Every step of every plan, once.
fn steps() -> Vec<&'static dyn Step> {
    let mut seen = BTreeSet::new();
    plan::ROWS
        .iter()
        .flat_map(|&(cloud, mode)| plan::steps(cloud, mode))
        .copied()
        .filter(|step| seen.insert(step.name()))
        .collect()
}

/// The simulator's calls behind a call that must not be repeated.
fn calls_behind(call: step::Call) -> (Call, &'static str) {
    match call {
        step::Call::CreateCredentials => (Call::CreateCredentials, "credentials"),
        step::Call::CreateStorage => (Call::CreateStorage, "storage_configurations"),
        step::Call::CreateWorkspace => (Call::CreateWorkspace, "workspaces"),
        step::Call::CreateServicePrincipal => (Call::CreateServicePrincipal, "service_principals"),
        step::Call::MintToken => (Call::MintTokenOnBehalf, "tokens"),
    }
}

/// Makes every second write of a checkpoint fail: what the step did is done, but nobody recorded it.
async fn lose_every_second_checkpoint(app: &TestApp) {
    for statement in [
        "create sequence checkpoints",
        "create function lose() returns trigger language plpgsql as $$
         begin
             if nextval('checkpoints') % 2 = 1 then raise exception 'checkpoint lost'; end if;
             return new;
         end $$",
        "create trigger lose before update on operations for each row
         when (new.steps is distinct from old.steps or new.memo is distinct from old.memo)
         execute function lose()",
    ] {
        sqlx::query(statement)
            .execute(&app.db)
            .await
            .expect("a trap");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_step_and_every_undo_run_twice_equals_once() {
    let app = TestApp::start().await;
    lose_every_second_checkpoint(&app).await;
    let workspace = app.ready("twice").await;
    assert_eq!(workspace["phase"], "ready");
    let inventory = app.simulator.inventory();
    for call in steps().iter().flat_map(|step| step.calls()) {
        let (_, kind) = calls_behind(*call);
        let made = inventory.created(kind);
        match call {
            // A lost token is revoked and minted again; the others are found by their marker.
            step::Call::MintToken => assert!((1..=2).contains(&made), "{made} tokens"),
            _ => assert_eq!(made, 1, "{kind}"),
        }
    }
    app.removed("twice").await;
    assert!(
        app.simulator.inventory().is_empty(),
        "{:#?}",
        app.simulator.inventory()
    );
    app.finish().await;
}

/// What makes a step fail for good.
fn fatal(step: &str) -> Fault {
    match step {
        "preflight" => Fault::new(FaultKind::Forbidden).on(Call::ListCredentials),
        "create_credentials" => Fault::new(FaultKind::Forbidden).on(Call::CreateCredentials),
        "create_storage" => Fault::new(FaultKind::Forbidden).on(Call::CreateStorage),
        "create_workspace" => Fault::new(FaultKind::Forbidden).on(Call::CreateWorkspace),
        "await_running" => Fault::new(FaultKind::WorkspaceFails),
        // Nothing refuses for good here: the name never comes, until the deadline.
        "await_reachable" => Fault::new(FaultKind::NotFound).on(Call::Dns).times(0),
        "create_service_principal" => {
            Fault::new(FaultKind::Forbidden).on(Call::CreateServicePrincipal)
        }
        "deliver_token" => Fault::new(FaultKind::OboForbidden),
        other => panic!("say here how {other} can fail for good"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn failing_at_every_step_unwinds_to_an_empty_world() {
    let names: Vec<&str> = steps().iter().map(|step| step.name()).collect();
    join_all(names.iter().map(|name| async move {
        let app = TestApp::start().await;
        app.fault(fatal(name));
        let create = app.create("doomed").await;
        if *name == "await_reachable" {
            step_is(&app, &create, name).await;
            app.advance(Duration::from_secs(7300)).await;
        }
        let done = app.done(&create).await;
        assert_eq!(done["status"], "failed", "{name}: {done:#}");
        let failed: Vec<&str> = done["steps"]
            .as_array()
            .expect("steps")
            .iter()
            .filter(|s| s["status"] == "failed")
            .filter_map(|s| s["name"].as_str())
            .collect();
        assert_eq!(failed, [*name], "the failing step is the one meant");
        for member in ["title", "detail", "hint", "fix_by", "code"] {
            let text = done["problem"][member].as_str().unwrap_or_default();
            assert!(
                !text.is_empty(),
                "{name} has no {member}: {:#}",
                done["problem"]
            );
        }
        app.simulator.clear_faults();
        let gone = app.phase(&create, "deleted").await;
        assert_eq!(gone["problem"]["code"], done["problem"]["code"]);
        assert!(
            app.simulator.inventory().is_empty(),
            "{name} leaves {:#?}",
            app.simulator.inventory()
        );
        app.finish().await;
    }))
    .await;
}

/// Waits until the operation is at this step.
async fn step_is(app: &TestApp, operation: &Value, name: &str) {
    let id = operation["id"].as_str().expect("an operation");
    let until = Instant::now() + PATIENCE;
    loop {
        let now = app.get(&format!("/operations/{id}")).await.body;
        if now["progress"]["step"] == name {
            return;
        }
        assert!(
            Instant::now() < until && now["done"] == false,
            "never came to {name}: {now:#}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Answers that leave open whether the call had its effect, although it had.
const LOST_AFTER_ACTING: [FaultKind; 3] = [
    FaultKind::AnswerLost,
    FaultKind::ErrorAfterActing,
    FaultKind::Truncated,
];

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_lost_at_any_create_makes_no_second() {
    let calls: Vec<step::Call> = steps()
        .iter()
        .flat_map(|step| step.calls())
        .copied()
        .collect();
    let cases = calls
        .iter()
        .flat_map(|call| LOST_AFTER_ACTING.iter().map(move |fault| (*call, *fault)))
        .flat_map(|(call, fault)| [(call, fault, false), (call, fault, true)]);
    join_all(cases.map(|(call, fault, deleted)| async move {
        let (behind, kind) = calls_behind(call);
        let app = TestApp::start().await;
        // Mints may be repeated, so the fault can strike twice in a row.
        let times = if call == step::Call::MintToken { 2 } else { 1 };
        app.fault(Fault::new(fault).on(behind).times(times));
        let case = format!("{fault:?} on {behind:?}, deleted meanwhile: {deleted}");
        let create = app.create("unlucky").await;
        if deleted {
            let until = Instant::now() + PATIENCE;
            while !app.simulator.arrivals().iter().any(|a| a.call == behind) {
                assert!(Instant::now() < until, "{case}: the call never came");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            app.removed("unlucky").await;
            assert!(
                app.simulator.inventory().is_empty(),
                "{case}: {:#?}",
                app.simulator.inventory()
            );
            assert!(
                app.simulator.inventory().created("workspaces") <= 1,
                "{case}"
            );
        } else {
            let done = app.done(&create).await;
            assert_eq!(done["status"], "succeeded", "{case}: {done:#}");
            if call != step::Call::MintToken {
                assert_eq!(app.simulator.inventory().created(kind), 1, "{case}");
            }
            app.removed("unlucky").await;
        }
        app.finish().await;
    }))
    .await;
}

/// Faults that pass: none may fail a request or double anything, wherever they strike.
const PASSING: [FaultKind; 11] = [
    FaultKind::RequestLost,
    FaultKind::AnswerLost,
    FaultKind::Throttled,
    FaultKind::Unavailable,
    FaultKind::ErrorBeforeActing,
    FaultKind::ErrorAfterActing,
    FaultKind::HtmlError,
    FaultKind::HtmlOk,
    FaultKind::RedirectToLogin,
    FaultKind::Truncated,
    FaultKind::Unauthorized,
];

/// The calls that a workspace's life consists of, learned from one.
async fn calls_of_a_life() -> BTreeSet<Call> {
    let app = TestApp::start().await;
    app.ready("model").await;
    app.removed("model").await;
    let calls = app
        .simulator
        .arrivals()
        .iter()
        .map(|arrival| arrival.call)
        .collect();
    app.finish().await;
    calls
}

#[tokio::test(flavor = "multi_thread")]
async fn no_passing_fault_at_any_call_fails_or_doubles_anything() {
    let callers = [
        Call::Jwks,
        Call::IssuerDiscovery,
        Call::IssuerToken,
        Call::Dns,
    ];
    let calls: Vec<Call> = calls_of_a_life()
        .await
        .into_iter()
        .filter(|call| !callers.contains(call))
        .collect();
    assert!(calls.len() >= 15, "a life has more calls than {calls:?}");
    let cases: Vec<(Call, FaultKind)> = calls
        .iter()
        .flat_map(|call| PASSING.iter().map(move |fault| (*call, *fault)))
        // A refused client secret does not pass by itself: it fails at once, and is explained.
        .filter(|case| *case != (Call::AccountToken, FaultKind::Unauthorized))
        .collect();
    // Some worlds at a time: two cores are enough for what mostly waits.
    futures_util::stream::iter(cases)
        .for_each_concurrent(32, |(call, fault)| async move {
            let app = TestApp::start().await;
            app.fault(Fault::new(fault).on(call));
            let case = format!("{fault:?} on {call:?}");
            let create = app.create("hardy").await;
            let done = app.done(&create).await;
            assert_eq!(done["status"], "succeeded", "{case}: {done:#}");
            for kind in [
                "credentials",
                "storage_configurations",
                "workspaces",
                "service_principals",
            ] {
                assert_eq!(app.simulator.inventory().created(kind), 1, "{case}: {kind}");
            }
            app.removed("hardy").await;
            assert!(
                app.simulator.inventory().is_empty(),
                "{case}: {:#?}",
                app.simulator.inventory()
            );
            app.finish().await;
        })
        .await;
}
