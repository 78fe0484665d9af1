//! Properties over the plan: a step, a call, a fault added tomorrow is covered today.

use crate::support::variants::{self, Life};
use crate::support::{Builder, PATIENCE, TestApp};
use brickyard::domain::cloud::Cloud;
use brickyard::provisioning::plan;
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
        app.tagged("twice").await;
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
    fatal_on(Cloud::Aws, step)
}

/// The same on any cloud.
fn fatal_on(cloud: Cloud, step: &str) -> Fault {
    let forbidden = |call| Fault::new(FaultKind::Forbidden).on(call);
    // Azure's plain refusal may pass: a role that was granted a moment ago is not known everywhere.
    let by_policy = |call| {
        let fault = Fault::new(FaultKind::ArmError).code("RequestDisallowedByPolicy");
        fault.status(403).on(call)
    };
    match (cloud, step) {
        (Cloud::Aws, "preflight") => forbidden(Call::ListCredentials),
        (Cloud::Aws, "create_credentials") => forbidden(Call::CreateCredentials),
        (Cloud::Aws, "create_storage") => forbidden(Call::CreateStorage),
        (Cloud::Aws, "create_network") => forbidden(Call::CreateNetwork),
        (Cloud::Aws, "create_workspace") => forbidden(Call::CreateWorkspace),
        (Cloud::Aws, "create_service_principal") => forbidden(Call::CreateServicePrincipal),
        (Cloud::Aws, "deliver_token") => Fault::new(FaultKind::OboForbidden),
        (Cloud::Azure, "preflight") => forbidden(Call::ArmGetGroup),
        (Cloud::Azure, "create_network") => by_policy(Call::ArmPutNsg),
        (Cloud::Azure, "create_workspace") => by_policy(Call::ArmCreateWorkspace),
        (Cloud::Azure, "deliver_token") => Fault::new(FaultKind::TokenQuota).on(Call::MintToken),
        (_, "await_running") => Fault::new(FaultKind::WorkspaceFails),
        // Nothing but the deadline ends this wait. Azure's own hosts have names of the same server.
        (Cloud::Azure, "await_reachable") => {
            Fault::new(FaultKind::Unavailable).on(Call::Me).times(0)
        }
        (Cloud::Aws, "await_reachable") => Fault::new(FaultKind::NotFound).on(Call::Dns).times(0),
        (_, other) => panic!("say here how {other} can fail for good"),
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
            let can_fail = |name: &str| {
                fatal_on(variant.row.0, name)
                    .on
                    .is_none_or(|call| life.calls().contains(&call))
            };
            let names = variant.steps().iter().map(|step| step.name());
            names
                .filter(move |name| can_fail(name))
                .map(move |name| (variant, name))
        });
    worlds(cases, |(variant, name)| async move {
        let case = format!("{name}, {}", variant.name);
        let app = variant.start(Builder::default()).await;
        app.fault(fatal_on(variant.row.0, name));
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
