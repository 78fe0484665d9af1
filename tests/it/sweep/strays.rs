//! PATs with our marker that are not the delivered one.

use super::{account, arrived, id, known, told};
use crate::support::{Builder, TestApp};
use brickyard::cloud::{Provider, ServicePrincipal, TokenOwner};
use brickyard::domain::external::{ExternalWorkspace, UpstreamId};
use brickyard::domain::id::WorkspaceId;
use brickyard::domain::marker::{MarkerKind, marker};
use serde_json::Value;
use simulator::{Call, Fault, FaultKind};
use std::collections::BTreeSet;
use std::slice::from_ref;
use std::time::Duration;

/// Mints a token of the workspace's service principal, as a late packet of ours would; its id.
async fn mint(app: &TestApp, workspace: &Value, comment: &str) -> String {
    let external = &workspace["external"];
    let text = |name: &str| external[name].as_str().expect("a text").to_owned();
    let at = ExternalWorkspace {
        id: UpstreamId::read(&text("workspace_id")),
        number: None,
        deployment_name: text("deployment_name"),
        url: text("workspace_url"),
        progress_url: None,
    };
    let principal = app.simulator.inventory().service_principals[0].clone();
    let principal = ServicePrincipal {
        id: principal.id.to_string(),
        application_id: principal.application_id,
    };
    let owner = TokenOwner::ServicePrincipal(&principal);
    let minted = account(app).mint_token(&at, owner, 3600, comment).await;
    minted.unwrap_or_else(|error| panic!("{error}")).id
}

fn live(app: &TestApp) -> BTreeSet<String> {
    let tokens = app.simulator.inventory().tokens;
    tokens.into_iter().map(|token| token.id).collect()
}

/// A settle window that no test is slow enough to wait out.
fn patient() -> Builder {
    Builder {
        tune: |app| app.provisioning.settle = Duration::from_secs(300),
        ..Builder::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stray_is_revoked_and_told_and_nothing_else_is() {
    let app = patient().start().await;
    let ready = app.ready("tidy").await;
    let delivered = live(&app);
    assert_eq!(delivered.len(), 1);
    let named = marker("dev", id(&ready), MarkerKind::Token, 1);
    let stray = mint(&app, &ready, &named).await;
    let mut others = BTreeSet::new();
    for comment in [
        marker("dev-east", id(&ready), MarkerKind::Token, 1),
        marker("dev", WorkspaceId::new(), MarkerKind::Token, 1),
        format!("{named}-mine"),
        String::new(),
    ] {
        others.insert(mint(&app, &ready, &comment).await);
    }
    app.sweep().await;
    assert!(
        live(&app).contains(&stray),
        "a mint may still be on its way"
    );
    assert_eq!(arrived(&app, Call::RevokeTokenAsAdmin), 0);
    app.advance(Duration::from_secs(400)).await;
    // A revocation that fails keeps it in the table, and in the metric.
    app.fault(Fault::new(FaultKind::Unavailable).on(Call::RevokeTokenAsAdmin));
    app.sweep().await;
    let stray = ("token".to_owned(), stray);
    assert_eq!(known(&app).await, [stray.clone()].into());
    let metrics = app.send("GET", "/metrics", &[], None).await.text;
    assert!(
        metrics.contains("brickyard_orphans{kind=\"token\",account=\"main\"} 1.0\n"),
        "{metrics}"
    );
    app.sweep().await;
    assert_eq!(known(&app).await, BTreeSet::new());
    let expected: BTreeSet<String> = delivered.union(&others).cloned().collect();
    assert_eq!(live(&app), expected);
    app.sweep().await;
    for action in ["orphan.found", "orphan.removal_asked", "orphan.removed"] {
        assert_eq!(told(&app, action).await, from_ref(&stray), "{action}");
    }
    assert_eq!(live(&app), expected);
    app.abandon("the others' tokens stay").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stray_that_ended_with_its_workspace_is_no_longer_known() {
    let app = patient().start().await;
    let ready = app.ready("short-lived").await;
    mint(
        &app,
        &ready,
        &marker("dev", id(&ready), MarkerKind::Token, 1),
    )
    .await;
    app.advance(Duration::from_secs(400)).await;
    app.fault(Fault::new(FaultKind::Unavailable).on(Call::RevokeTokenAsAdmin));
    app.sweep().await;
    assert_eq!(known(&app).await.len(), 1);
    app.removed("short-lived").await;
    app.sweep().await;
    assert_eq!(known(&app).await, BTreeSet::new());
    assert_eq!(told(&app, "orphan.gone").await.len(), 1);
    app.finish().await;
}
