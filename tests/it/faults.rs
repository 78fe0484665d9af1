//! Properties over the plan: a step, a call, a fault added tomorrow is covered today.

use crate::support::variants::{self, Life};
use crate::support::{Builder, PATIENCE, TestApp};
use brickyard::provisioning::plan;
use brickyard::provisioning::step;
use futures_util::StreamExt;
use futures_util::future::join_all;
use serde_json::Value;
use simulator::{Call, Fault, FaultKind};
use std::time::{Duration, Instant};

#[test]
fn every_row_of_the_plan_has_its_variant() {
    for row in plan::ROWS {
        let walked = variants::ALL.iter().any(|variant| variant.row == *row);
        assert!(walked, "say in support::variants how to make {row:?}");
    }
}

/// Some worlds at a time: two cores are enough for what mostly waits.
async fn worlds<Case, Played: Future<Output = ()>>(
    cases: impl Iterator<Item = Case>,
    play: impl FnMut(Case) -> Played,
) {
    futures_util::stream::iter(cases)
        .for_each_concurrent(12, play)
        .await;
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
    join_all(variants::ALL.iter().map(|variant| async move {
        let life = Life::of(variant).await;
        let app = variant.start(Builder::default()).await;
        lose_every_second_checkpoint(&app).await;
        let workspace = app.ready("twice").await;
        assert_eq!(workspace["phase"], "ready");
        assert_eq!(variants::made(&app), life.made, "{}", variant.name);
        // A lost token is revoked and minted again; the others are found by their marker.
        let tokens = app.simulator.inventory().created("tokens");
        assert!((1..=2).contains(&tokens), "{tokens} tokens");
        app.removed("twice").await;
        let left = variants::left(&app);
        assert!(left.is_empty(), "{}: {left:#?}", variant.name);
        app.finish().await;
    }))
    .await;
}

/// What makes a step fail for good.
pub fn fatal(step: &str) -> Fault {
    match step {
        "preflight" => Fault::new(FaultKind::Forbidden).on(Call::ListCredentials),
        "create_credentials" => Fault::new(FaultKind::Forbidden).on(Call::CreateCredentials),
        "create_storage" => Fault::new(FaultKind::Forbidden).on(Call::CreateStorage),
        "create_network" => Fault::new(FaultKind::Forbidden).on(Call::CreateNetwork),
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
    let lives = join_all(variants::ALL.iter().map(Life::of)).await;
    let cases = variants::ALL
        .iter()
        .zip(&lives)
        .flat_map(|(variant, life)| {
            // A step that makes no call in this variant cannot fail in it.
            let can_fail =
                |name: &str| fatal(name).on.is_none_or(|call| life.calls.contains(&call));
            let names = variant.steps().iter().map(|step| step.name());
            names
                .filter(move |name| can_fail(name))
                .map(move |name| (variant, name))
        });
    worlds(cases, |(variant, name)| async move {
        let case = format!("{name}, {}", variant.name);
        let app = variant.start(Builder::default()).await;
        app.fault(fatal(name));
        let create = app.create("doomed").await;
        if name == "await_reachable" {
            step_is(&app, &create, name).await;
            app.advance(Duration::from_secs(7300)).await;
        }
        let done = app.done(&create).await;
        assert_eq!(done["status"], "failed", "{case}: {done:#}");
        let failed: Vec<&str> = done["steps"]
            .as_array()
            .expect("steps")
            .iter()
            .filter(|s| s["status"] == "failed")
            .filter_map(|s| s["name"].as_str())
            .collect();
        assert_eq!(failed, [name], "the failing step is the one meant");
        for member in ["title", "detail", "hint", "fix_by", "code"] {
            let text = done["problem"][member].as_str().unwrap_or_default();
            assert!(
                !text.is_empty(),
                "{case} has no {member}: {:#}",
                done["problem"]
            );
        }
        app.simulator.clear_faults();
        let gone = app.phase(&create, "deleted").await;
        assert_eq!(gone["problem"]["code"], done["problem"]["code"]);
        let left = variants::left(&app);
        assert!(left.is_empty(), "{case} leaves {left:#?}");
        app.finish().await;
    })
    .await;
}

/// Waits until the operation is at this step.
pub async fn step_is(app: &TestApp, operation: &Value, name: &str) {
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
pub const LOST_AFTER_ACTING: [FaultKind; 3] = [
    FaultKind::AnswerLost,
    FaultKind::ErrorAfterActing,
    FaultKind::Truncated,
];

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_lost_at_any_create_makes_no_second() {
    let lives = variants::unrepeatable().await;
    let cases = lives
        .iter()
        .flat_map(|case| LOST_AFTER_ACTING.iter().map(move |fault| (*case, *fault)))
        .flat_map(|(case, fault)| [(case, fault, false), (case, fault, true)]);
    worlds(cases, |((variant, call), fault, deleted)| async move {
        let (behind, kind) = variants::behind(call);
        let app = variant.start(Builder::default()).await;
        // Mints may be repeated, so the fault can strike twice in a row.
        let times = if call == step::Call::MintToken { 2 } else { 1 };
        app.fault(Fault::new(fault).on(behind).times(times));
        let case = format!(
            "{fault:?} on {behind:?}, {}, deleted meanwhile: {deleted}",
            variant.name
        );
        let create = app.create("unlucky").await;
        if deleted {
            // What was never answered is found, and its removal fails once, too.
            if let Some(removal) = removal_of(call) {
                app.fault(Fault::new(FaultKind::Unavailable).on(removal));
            }
            let until = Instant::now() + PATIENCE;
            while !app.simulator.arrivals().iter().any(|a| a.call == behind) {
                assert!(Instant::now() < until, "{case}: the call never came");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            app.removed("unlucky").await;
            let left = variants::left(&app);
            assert!(left.is_empty(), "{case}: {left:#?}");
            let workspaces = app.simulator.inventory().created("workspaces");
            assert!(workspaces <= 1, "{case}");
        } else {
            let done = app.done(&create).await;
            assert_eq!(done["status"], "succeeded", "{case}: {done:#}");
            if call != step::Call::MintToken {
                assert_eq!(app.simulator.inventory().created(kind), 1, "{case}");
            }
            app.removed("unlucky").await;
        }
        app.finish().await;
    })
    .await;
}

/// How the simulator calls the removal of what a call has made.
fn removal_of(call: step::Call) -> Option<Call> {
    match call {
        step::Call::CreateCredentials => Some(Call::DeleteCredentials),
        step::Call::CreateStorage => Some(Call::DeleteStorage),
        step::Call::CreateNetwork => Some(Call::DeleteNetwork),
        step::Call::CreateWorkspace => Some(Call::DeleteWorkspace),
        step::Call::CreateServicePrincipal => Some(Call::DeleteServicePrincipal),
        // A PAT goes with its workspace if not before.
        step::Call::MintToken => None,
    }
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

#[tokio::test(flavor = "multi_thread")]
async fn no_passing_fault_at_any_call_fails_or_doubles_anything() {
    let callers = [
        Call::Jwks,
        Call::IssuerDiscovery,
        Call::IssuerToken,
        Call::Dns,
    ];
    let mut calls = variants::calls().await;
    calls.retain(|(_, call)| !callers.contains(call));
    assert!(calls.len() >= 20, "lives have more calls than {calls:?}");
    let cases = calls
        .iter()
        .flat_map(|case| PASSING.iter().map(move |fault| (*case, *fault)))
        // A refused client secret does not pass by itself: it fails at once, and is explained.
        .filter(|((_, call), fault)| {
            (*call, *fault) != (Call::AccountToken, FaultKind::Unauthorized)
        });
    worlds(cases, |((variant, call), fault)| async move {
        let app = variant.start(Builder::default()).await;
        app.fault(Fault::new(fault).on(call));
        let case = format!("{fault:?} on {call:?}, {}", variant.name);
        let create = app.create("hardy").await;
        let done = app.done(&create).await;
        assert_eq!(done["status"], "succeeded", "{case}: {done:#}");
        for (kind, made) in variants::made(&app) {
            assert_eq!(made, 1, "{case}: {kind}");
        }
        app.removed("hardy").await;
        let left = variants::left(&app);
        assert!(left.is_empty(), "{case}: {left:#?}");
        app.finish().await;
    })
    .await;
}
