//! A workspace that Azure could not build is removed, and another one asked for: without anybody's doing where its reason
//! is known to pass, by a retry where it is not.

use super::{arrived, azure, builder, start};
use crate::support::TestApp;
use crate::support::steering::ask;
use brickyard::domain::cloud::ComputeMode;
use serde_json::Value;
use simulator::{Call, Fault, FaultKind};

const PASSES: [(&str, &str); 3] = [
    (
        "ApplianceProvisioningFailed",
        "Resource group 'x' could not be found.",
    ),
    (
        "ApplianceProvisioningFailed",
        "The role assignment already exists.",
    ),
    ("RESOURCE_DOES_NOT_EXIST", "No such application."),
];

fn fails() -> Fault {
    let (code, words) = PASSES[1];
    Fault::new(FaultKind::ArmFails).code(code).message(words)
}

/// There is the second one alone, under a name of its own; then nothing.
async fn replaced(app: &TestApp, name: &str) {
    let inventory = app.simulator.inventory();
    let [made] = inventory.workspaces.as_slice() else {
        panic!("{:#?}", inventory.workspaces);
    };
    assert!(made.name.ends_with("-2"), "{}", made.name);
    app.removed(name).await;
    let left = app.simulator.inventory();
    assert!(left.is_empty(), "{left:#?}");
}

fn step<'o>(operation: &'o Value, name: &str) -> &'o Value {
    let mut steps = operation["steps"].as_array().expect("steps").iter();
    steps.find(|it| it["name"] == name).expect("the step")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_passes_is_replaced_without_being_asked_for() {
    let app = start(ComputeMode::Classic, "").await;
    for (number, (code, words)) in PASSES.into_iter().enumerate() {
        let name = format!("patient-{number}");
        app.fault(Fault::new(FaultKind::ArmFails).code(code).message(words));
        let done = app.done(&app.create(&name).await).await;
        assert_eq!(done["status"], "succeeded", "{words}: {done:#}");
        assert_eq!(step(&done, "create_workspace")["attempt"], 2, "{done:#}");
        let told: i64 = sqlx::query_scalar(
            "select count(*) from audit where action = 'step.retried' and position($1 in detail ->> 'message') > 0",
        )
        .bind(words)
        .fetch_one(&app.db)
        .await
        .expect("the database answers");
        assert_eq!(told, 1, "{words}");
        replaced(&app, &name).await;
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_befalls_a_replacement_there_is_one_workspace() {
    let troubles = [
        FaultKind::AnswerLost,
        FaultKind::RequestLost,
        FaultKind::ErrorAfterActing,
        FaultKind::Throttled,
        FaultKind::Unavailable,
        FaultKind::HtmlError,
    ];
    let app = start(ComputeMode::Serverless, "").await;
    for (number, trouble) in troubles.into_iter().enumerate() {
        let name = format!("struck-{number}");
        app.fault(fails());
        app.fault(Fault::new(trouble).on(Call::ArmDeleteWorkspace));
        let second = Fault::new(trouble).on(Call::ArmCreateWorkspace);
        app.fault(second.after(Call::ArmDeleteWorkspace));
        let done = app.done(&app.create(&name).await).await;
        assert_eq!(done["status"], "succeeded", "{trouble}: {done:#}");
        replaced(&app, &name).await;
        app.simulator.clear_faults();
        app.fault(Fault::new(FaultKind::RetryAfterZero).times(0));
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_three_times_is_explained() {
    let app = start(ComputeMode::Serverless, "").await;
    app.fault(fails().times(3));
    let create = app.create("hopeless").await;
    let done = app.done(&create).await;
    assert_eq!(done["status"], "failed", "{done:#}");
    assert_eq!(done["problem"]["code"], "azure_deployment_failed");
    app.phase(&create, "deleted").await;
    assert_eq!(app.simulator.inventory().created("workspaces"), 3);
    assert!(app.simulator.inventory().is_empty());
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replacement_can_be_cancelled() {
    let app = start(ComputeMode::Serverless, "").await;
    app.fault(fails());
    app.fault(Fault::new(FaultKind::HoldAnswer).on(Call::ArmDeleteWorkspace));
    let create = app.create("unwanted").await;
    while arrived(&app, Call::ArmDeleteWorkspace) == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert_eq!(ask(&app, &create, "cancel").await.status, 202);
    app.simulator.release();
    assert_eq!(app.done(&create).await["status"], "cancelled");
    app.phase(&create, "deleted").await;
    assert_eq!(app.simulator.inventory().created("workspaces"), 1);
    assert!(app.simulator.inventory().is_empty());
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reason_that_was_lost_is_said_to_be() {
    let app = start(ComputeMode::Serverless, "").await;
    app.fault(Fault::new(FaultKind::AnswerLost).on(Call::ArmCreateWorkspace));
    app.fault(fails());
    let create = app.create("unheard").await;
    let done = app.done(&create).await;
    let problem = &done["problem"];
    assert_eq!(problem["code"], "workspace_failed", "{done:#}");
    let hint = problem["hint"].as_str().expect("a hint");
    assert!(hint.contains("activity log"), "{hint}");
    app.phase(&create, "deleted").await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_pass_is_replaced_by_a_retry() {
    let mut kept = builder(azure().await, ComputeMode::Classic, "");
    kept.template = kept
        .template
        .replace("keep_failed_seconds = 0", "keep_failed_seconds = 86400");
    let app = kept.start().await;
    let fails = Fault::new(FaultKind::ArmFails);
    app.fault(fails.code("ApplianceProvisioningFailed"));
    let create = app.create("second-try").await;
    let failed = app.done(&create).await;
    assert_eq!(failed["status"], "failed", "{failed:#}");
    app.phase(&create, "failed").await;
    let retry = ask(&app, &failed, "retry").await;
    assert_eq!(retry.status, 202, "{}", retry.text);
    let done = app.done(&retry.body).await;
    assert_eq!(done["status"], "succeeded", "{done:#}");
    assert_eq!(app.simulator.inventory().created("workspaces"), 2);
    replaced(&app, "second-try").await;
    app.finish().await;
}
