//! While work is under way, nothing that somebody owns is taken for an orphan, whatever answers are lost.

use super::known;
use crate::support::variants::{self, Variant};
use crate::support::{Builder, TestApp};
use futures_util::future::join_all;
use simulator::{Fault, FaultKind};
use std::time::Duration;

/// Sweeps without pause, and removes what it finds at once.
fn greedy() -> Builder {
    Builder {
        workers: 2,
        tune: |app| {
            app.provisioning.sweep.every = Duration::from_millis(150);
            app.provisioning.sweep.delete = true;
            app.provisioning.sweep.delete_after = Duration::ZERO;
        },
        ..Builder::default()
    }
}

async fn nothing_was_taken_for_an_orphan(app: &TestApp, case: &str) {
    let told = app.audited("orphan.").await;
    assert!(told.is_empty(), "{case}: {told:?}");
    assert!(known(app).await.is_empty(), "{case}");
    let lost = app.audited("workspace.lost").await;
    assert!(lost.is_empty(), "{case}: {lost:?}");
}

async fn passes(app: &TestApp) -> i64 {
    sqlx::query_scalar("select max(lease_epoch) from jobs where kind = 'sweep' and key = 'main'")
        .fetch_one(&app.db)
        .await
        .expect("a count")
}

async fn lives(variant: Variant, kind: FaultKind) {
    let case = format!("{kind:?}, {}", variant.name);
    let app = variant.start(greedy()).await;
    for call in variants::unrepeatable_of(&variant) {
        app.fault(Fault::new(kind).on(call).times(1));
    }
    let create = app.create("in-flight").await;
    let done = app.done(&create).await;
    assert_eq!(done["status"], "succeeded", "{case}: {done:#}");
    nothing_was_taken_for_an_orphan(&app, &case).await;
    app.removed("in-flight").await;
    let begun = passes(&app).await;
    super::until("it sweeps what is left", async || {
        passes(&app).await > begun + 1
    })
    .await;
    nothing_was_taken_for_an_orphan(&app, &case).await;
    assert!(variants::left(&app).is_empty(), "{case}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn creates_whose_answers_are_lost() {
    for kind in [FaultKind::AnswerLost, FaultKind::ErrorAfterActing] {
        join_all(variants::ALL.map(|variant| lives(variant, kind))).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_deleted_in_the_middle() {
    let app = greedy().start().await;
    for call in variants::unrepeatable_of(&variants::ALL[2]) {
        app.fault(Fault::new(FaultKind::AnswerLost).on(call).times(4));
    }
    let names: Vec<String> = (0..12).map(|n| format!("crowd-{n}")).collect();
    let creates = join_all(names.iter().map(|name| app.create(name))).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    for name in names.iter().step_by(2) {
        let answer = app.delete(&format!("/workspaces/{name}")).await;
        assert_eq!(answer.status, 202, "{}", answer.text);
    }
    for (n, create) in creates.iter().enumerate() {
        let phase = if n % 2 == 0 { "deleted" } else { "ready" };
        app.phase(create, phase).await;
    }
    let begun = passes(&app).await;
    super::until("it sweeps what is left", async || {
        passes(&app).await > begun + 1
    })
    .await;
    nothing_was_taken_for_an_orphan(&app, "many").await;
    assert!(begun > 3, "it has swept meanwhile: {begun}");
    app.finish().await;
}
