//! Things with our marker that nobody owns.

use super::{DAY, HOUR, account, arrived, id, known, plant, second, there, told, until};
use crate::databricks;
use crate::support::{Builder, TestApp};
use brickyard::cloud::{ObjectKind, Provider};
use brickyard::domain::id::WorkspaceId;
use simulator::{Call, Fault, FaultKind};
use std::collections::BTreeSet;
use std::slice::from_ref;
use std::time::Duration;

fn removing() -> Builder {
    Builder {
        tune: |app| app.provisioning.sweep.delete = true,
        ..Builder::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_is_reported_once_and_left_alone() {
    let mut app = TestApp::start().await;
    app.ready("bystander").await;
    let ours = plant(&app, "dev", WorkspaceId::new(), 1).await;
    plant(&app, "dev-east", WorkspaceId::new(), 2).await;
    plant(&app, "de", WorkspaceId::new(), 3).await;
    account(&app)
        .create_object(
            ObjectKind::Credentials,
            "dev-somebody-elses",
            &databricks::spec(),
        )
        .await
        .expect("credentials");
    let before = there(&app.simulator.inventory());
    app.sweep().await;
    let found = told(&app, "orphan.found").await;
    assert_eq!(found.len(), 5, "{found:?}");
    assert_eq!(found.iter().cloned().collect::<BTreeSet<_>>(), ours);
    let metrics = app.send("GET", "/metrics", &[], None).await.text;
    for (kind, _) in &ours {
        let line = format!("brickyard_orphans{{kind=\"{kind}\",account=\"main\"}} 1.0\n");
        assert!(metrics.contains(&line), "{line}");
    }
    let age = "select extract(epoch from last_seen_at - first_seen_at)::float8 from orphans";
    for _ in 0..2 {
        app.advance(40 * HOUR).await;
        // A process that was started anew knows them.
        app.stop_workers().await;
        app.start_worker();
        app.sweep().await;
        assert_eq!(told(&app, "orphan.found").await.len(), 5);
        assert_eq!(known(&app).await, ours);
    }
    let ages: Vec<f64> = sqlx::query_scalar(age)
        .fetch_all(&app.db)
        .await
        .expect("ages");
    assert!(ages.iter().all(|age| *age >= 80.0 * 3600.0), "{ages:?}");
    assert_eq!(there(&app.simulator.inventory()), before);
    assert_eq!(arrived(&app, Call::DeleteWorkspace), 0);
    // Somebody removes one by hand.
    let principal = ours.iter().find(|(kind, _)| kind == "principal");
    let principal = principal.expect("one of each").clone();
    account(&app)
        .delete_service_principal(&principal.1)
        .await
        .expect("removed");
    app.sweep().await;
    assert_eq!(told(&app, "orphan.gone").await, from_ref(&principal));
    assert!(!known(&app).await.contains(&principal));
    app.abandon("what was planted stays").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn removed_where_the_operator_says_so_after_a_day_and_in_order() {
    let app = removing().start().await;
    app.ready("bystander").await;
    let ours = plant(&app, "dev", WorkspaceId::new(), 1).await;
    app.sweep().await;
    let theirs = plant(&app, "dev-east", WorkspaceId::new(), 2).await;
    let before = there(&app.simulator.inventory());
    app.advance(23 * HOUR).await;
    app.sweep().await;
    assert_eq!(known(&app).await, ours);
    assert_eq!(there(&app.simulator.inventory()), before);
    app.advance(HOUR).await;
    // One that could not be removed has its turn again.
    app.fault(Fault::new(FaultKind::Unavailable).on(Call::DeleteServicePrincipal));
    app.sweep().await;
    assert!(!known(&app).await.is_empty());
    until("its parts are free", async || {
        app.sweep().await;
        known(&app).await.is_empty()
    })
    .await;
    let removed: BTreeSet<_> = told(&app, "orphan.removed").await.into_iter().collect();
    assert_eq!(removed, ours);
    assert_eq!(
        told(&app, "orphan.removal_asked").await.len(),
        5,
        "once each"
    );
    assert_eq!(told(&app, "orphan.found").await.len(), 5);
    let expected: BTreeSet<_> = before.difference(&ours).cloned().collect();
    until("the workspace is gone", async || {
        there(&app.simulator.inventory()) == expected
    })
    .await;
    assert!(theirs.is_subset(&there(&app.simulator.inventory())));
    let first = |call: Call| {
        let arrivals = app.simulator.arrivals();
        arrivals.iter().position(|it| it.call == call)
    };
    let workspace = first(Call::DeleteWorkspace).expect("asked for");
    for call in [
        Call::DeleteNetwork,
        Call::DeleteStorage,
        Call::DeleteCredentials,
    ] {
        assert!(first(call).expect("asked for") > workspace, "{call:?}");
    }
    assert_eq!(
        app.get("/workspaces/bystander").await.body["phase"],
        "ready"
    );
    app.abandon("another instance's things stay").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_second_workspace_is_reported_and_the_first_is_left_alone() {
    let app = removing().start().await;
    let ready = app.ready("doubled").await;
    app.sweep().await;
    assert_eq!(known(&app).await, BTreeSet::new());
    let late = second(&app, id(&ready)).await.to_string();
    app.planted(&late);
    app.sweep().await;
    let late = ("workspace".to_owned(), late);
    assert_eq!(told(&app, "orphan.found").await, from_ref(&late));
    app.advance(DAY).await;
    app.sweep().await;
    assert_eq!(told(&app, "orphan.removed").await, [late]);
    until("only the first is left", async || {
        app.simulator.inventory().workspaces.len() == 1
    })
    .await;
    app.sweep().await;
    let now = app.get("/workspaces/doubled").await.body;
    assert_eq!(
        (&now["phase"], &now["problem"]),
        (&"ready".into(), &().into())
    );
    app.removed("doubled").await;
    assert!(app.simulator.inventory().is_empty());
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_made_after_the_workspace_was_deleted_is_found_once_lists_have_settled() {
    let app = Builder {
        tune: |app| app.provisioning.settle = Duration::from_secs(60),
        ..Builder::default()
    }
    .start()
    .await;
    let ready = app.ready("left-behind").await;
    app.removed("left-behind").await;
    let ours = plant(&app, "dev", id(&ready), 1).await;
    app.sweep().await;
    assert_eq!(known(&app).await, BTreeSet::new(), "lists may lag");
    app.advance(HOUR).await;
    app.sweep().await;
    assert_eq!(known(&app).await, ours);
    // The audit of the workspace says so too.
    let rows: i64 = sqlx::query_scalar(
        "select count(*) from audit where action = 'orphan.found' and workspace_id = $1 and team = 'data-platform'",
    )
    .bind(id(&ready).uuid())
    .fetch_one(&app.db)
    .await
    .expect("a count");
    assert_eq!(rows, 5);
    app.abandon("what was planted stays").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_forgotten_workspace_left_behind_is_not_ours_any_more() {
    let app = Builder {
        tune: |app| {
            app.provisioning.sweep.delete = true;
            app.provisioning.sweep.delete_after = Duration::ZERO;
        },
        ..Builder::default()
    }
    .start()
    .await;
    app.ready("let-go").await;
    let before = there(&app.simulator.inventory());
    let forgotten = forget(&app, "let-go").await;
    assert_eq!(forgotten, 204);
    app.advance(90 * HOUR).await;
    app.sweep().await;
    app.sweep().await;
    assert_eq!(known(&app).await, BTreeSet::new());
    assert_eq!(there(&app.simulator.inventory()), before);
    app.abandon("what was let go stays").await;
}

/// Forgets a workspace, as an admin.
async fn forget(app: &TestApp, name: &str) -> u16 {
    let bearer = app.bearer("admin");
    let path = format!("/workspaces/{name}?mode=forget");
    let headers = [("authorization", bearer.as_str())];
    app.send("DELETE", &path, &headers, None).await.status
}
