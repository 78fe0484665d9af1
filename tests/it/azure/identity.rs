//! Who we are in Azure, and how tokens of Entra ID are kept.

use super::{arrived, azure, builder, start};
use crate::support::{Builder, TestApp};
use brickyard::domain::cloud::ComputeMode;
use simulator::{Call, Fault, FaultKind};

/// A ready workspace, and nothing left of it.
async fn works(app: TestApp) {
    app.ready("proved").await;
    app.removed("proved").await;
    assert!(app.simulator.inventory().is_empty());
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_proof_lets_us_in() {
    // By the secret.
    works(start(ComputeMode::Serverless, "").await).await;
    // By a token of another issuer.
    let simulator = azure().await;
    let world = simulator.world().azure.clone();
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), &world.federated_token).expect("it can be written");
    let proof = format!("federated_token_file = {:?}", file.path());
    let secret = format!("client_secret = {:?}", world.client_secret);
    let app = Builder {
        rewrite: Some(Box::new(move |text| text.replace(&secret, &proof))),
        ..builder(simulator, ComputeMode::Serverless, "")
    };
    works(app.start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_token_is_renewed_and_a_refused_one_replaced_once() {
    let simulator = azure().await;
    simulator.fault(
        Fault::new(FaultKind::ShortTokens)
            .on(Call::EntraToken)
            .seconds(2.0)
            .times(0),
    );
    // Databricks refuses a token in its last half minute, so only Resource Manager is asked here.
    let more = "reachable_from_here = false\n";
    let app = builder(simulator, ComputeMode::Serverless, more)
        .start()
        .await;
    app.ready("short").await;
    let before = arrived(&app, Call::EntraToken);
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    app.removed("short").await;
    let after = arrived(&app, Call::EntraToken);
    assert!(after > before, "{before} tokens, and {after} later");
    app.finish().await;

    let app = start(ComputeMode::Serverless, "").await;
    app.fault(Fault::new(FaultKind::Unauthorized).on(Call::ArmCreateWorkspace));
    app.ready("refused").await;
    assert_eq!(arrived(&app, Call::ArmCreateWorkspace), 2, "sent once more");
    app.removed("refused").await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_entra_refuses_is_explained() {
    let app = start(ComputeMode::Serverless, "").await;
    app.fault(
        Fault::new(FaultKind::EntraError)
            .code("7000222")
            .on(Call::EntraToken)
            .times(0),
    );
    let create = app.create("expired").await;
    let done = app.done(&create).await;
    assert_eq!(
        done["problem"]["code"], "azure_identity_refused",
        "{done:#}"
    );
    let hint = done["problem"]["hint"].as_str().expect("a hint");
    assert!(hint.contains("secret"), "{hint}");
    app.simulator.clear_fault(FaultKind::EntraError);
    app.phase(&create, "deleted").await;
    app.finish().await;
}
