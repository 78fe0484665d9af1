//! Properties of a retry, over the plan: whatever step failed, whatever is lost or dies then, what is there is used
//! and nothing is made twice.

use crate::faults::{LOST_AFTER_ACTING, fatal, step_is};
use crate::support::process::Process;
use crate::support::variants;
use crate::support::{Builder, PATIENCE, TestApp};
use brickyard::dev;
use brickyard::domain::cloud::Cloud;
use brickyard::provisioning::step::{self, Step};
use futures_util::StreamExt;
use serde_json::{Value, json};
use simulator::{Call, Fault, FaultKind};
use std::time::{Duration, Instant};

/// The steps of the variant that makes the most calls.
fn steps() -> &'static [&'static dyn Step] {
    variants::ALL[0].steps()
}

async fn keeping(workers: usize) -> TestApp {
    let kept = dev::OBJECTS.replace("keep_failed_seconds = 0", "keep_failed_seconds = 86400");
    let template = format!("{kept}{}", dev::VPC);
    let builder = Builder {
        workers,
        template,
        ..Builder::default()
    };
    builder.start().await
}

/// Has the create fail at this step; the operation.
async fn failed_at(app: &TestApp, step: &str) -> Value {
    app.fault(fatal(step));
    let create = app.create("again").await;
    if step == "await_reachable" {
        step_is(app, &create, step).await;
        app.advance(Duration::from_secs(7300)).await;
    }
    let done = app.done(&create).await;
    assert_eq!(done["status"], "failed", "{step}: {done:#}");
    app.phase(&create, "failed").await;
    app.simulator.clear_faults();
    done
}

async fn retried(app: &TestApp, failed: &Value) -> Value {
    let answer = app
        .put("/workspaces/again", &json!({"template": "sandbox"}))
        .await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    assert_eq!(answer.body["retry_of"], failed["id"]);
    answer.body
}

/// Two cores are enough for what mostly waits, but not for all worlds at once.
async fn some_at_a_time(worlds: impl Iterator<Item = impl Future<Output = ()>>) {
    futures_util::stream::iter(worlds)
        .for_each_concurrent(6, |world| world)
        .await;
}

/// One of everything; of workspaces two where the first was given up by the vendor and is gone.
fn made_once(app: &TestApp, replaced: bool, case: &str) {
    let inventory = app.simulator.inventory();
    for kind in [
        "credentials",
        "storage_configurations",
        "networks",
        "service_principals",
    ] {
        assert_eq!(inventory.created(kind), 1, "{case}: {kind}");
    }
    let workspaces = if replaced { 2 } else { 1 };
    assert_eq!(inventory.created("workspaces"), workspaces, "{case}");
    assert_eq!(inventory.workspaces.len(), 1, "{case}: {inventory:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_step_failed_the_retry_finishes() {
    let names: Vec<&str> = steps().iter().map(|step| step.name()).collect();
    some_at_a_time(names.iter().map(|name| async move {
        let app = keeping(1).await;
        let failed = failed_at(&app, name).await;
        let retry = retried(&app, &failed).await;
        for step in retry["steps"].as_array().expect("steps") {
            let before = failed["steps"]
                .as_array()
                .expect("steps")
                .iter()
                .find(|old| old["name"] == step["name"])
                .expect("the same plan");
            if step["status"] == "succeeded" {
                assert_eq!(step, before, "{name}: shown as it went");
            }
        }
        let done = app.done(&retry).await;
        assert_eq!(done["status"], "succeeded", "{name}: {done:#}");
        made_once(&app, *name == "await_running", name);
        app.removed("again").await;
        assert!(app.simulator.inventory().is_empty(), "{name}");
        app.finish().await;
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_lost_in_a_retry_makes_no_second() {
    let calls = steps()
        .iter()
        .flat_map(|step| variants::once(*step))
        .collect::<Vec<step::Call>>();
    let cases = calls
        .iter()
        .flat_map(|call| LOST_AFTER_ACTING.iter().map(move |fault| (*call, *fault)))
        // From the beginning, and after the vendor gave the first workspace up.
        .flat_map(|(call, fault)| [(call, fault, "preflight"), (call, fault, "await_running")]);
    some_at_a_time(cases.map(|(call, fault, step)| async move {
        let app = keeping(1).await;
        let failed = failed_at(&app, step).await;
        let behind = variants::behind(Cloud::Aws, call)[0].0;
        app.fault(Fault::new(fault).on(behind));
        let retry = retried(&app, &failed).await;
        let case = format!("{fault:?} on {behind:?} after {step}");
        let done = app.done(&retry).await;
        assert_eq!(done["status"], "succeeded", "{case}: {done:#}");
        made_once(&app, step == "await_running", &case);
        app.removed("again").await;
        app.finish().await;
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_outlives_its_worker() {
    let calls = [
        (Call::CreateCredentials, "preflight"),
        (Call::CreateWorkspace, "preflight"),
        (Call::DeleteWorkspace, "await_running"),
        (Call::CreateWorkspace, "await_running"),
        (Call::MintTokenOnBehalf, "preflight"),
        (Call::StorePut, "deliver_token"),
    ];
    let cases = calls.iter().flat_map(|(call, step)| {
        [FaultKind::HoldRequest, FaultKind::HoldAnswer].map(|hold| (*call, *step, hold))
    });
    some_at_a_time(cases.map(|(call, step, hold)| async move {
        let mut app = keeping(1).await;
        let failed = failed_at(&app, step).await;
        app.stop_workers().await;
        let before = app.simulator.arrivals().len();
        app.fault(Fault::new(hold).on(call));
        let mut victim = Process::worker(&app);
        let retry = retried(&app, &failed).await;
        let case = format!("{hold:?} on {call:?} after {step}");
        let until = Instant::now() + PATIENCE;
        while !app.simulator.arrivals()[before..]
            .iter()
            .any(|a| a.call == call)
        {
            assert!(Instant::now() < until, "{case}: the call never came");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // What is held acts before its answer is held.
        tokio::time::sleep(Duration::from_millis(100)).await;
        victim.kill();
        app.simulator.release();
        app.start_worker();
        let done = app.done(&retry).await;
        assert_eq!(done["status"], "succeeded", "{case}: {done:#}");
        made_once(&app, step == "await_running", &case);
        app.removed("again").await;
        assert!(app.simulator.inventory().is_empty(), "{case}");
        app.finish().await;
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_that_fails_is_kept_and_retried_again() {
    let app = keeping(1).await;
    let first = failed_at(&app, "create_storage").await;
    app.fault(fatal("create_workspace"));
    let second = retried(&app, &first).await;
    let second = app.done(&second).await;
    assert_eq!(second["status"], "failed", "{second:#}");
    app.phase(&second, "failed").await;
    app.simulator.clear_faults();
    let third = retried(&app, &second).await;
    // Deleted meanwhile, it is undone like any other.
    let removal = app.delete("/workspaces/again").await.body;
    assert_eq!(app.done(&removal).await["status"], "succeeded");
    app.done(&third).await;
    assert!(app.simulator.inventory().is_empty());
    app.finish().await;
}
