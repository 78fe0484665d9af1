//! What goes wrong in Azure, and what is said and done about it.

use super::{arrived, azure, builder, start};
use brickyard::domain::cloud::ComputeMode;
use simulator::{Call, Fault, FaultKind};

/// A code that Azure answers a PUT with, its status, and our word for it.
const REFUSED: [(&str, u16, &str); 15] = [
    ("InvalidRequestContent", 400, "upstream_rejected"),
    ("LocationRequired", 400, "upstream_rejected"),
    ("NoRegisteredProviderFound", 400, "upstream_rejected"),
    (
        "InvalidAuthenticationTokenTenant",
        401,
        "upstream_unauthenticated",
    ),
    ("LinkedAuthorizationFailed", 403, "upstream_forbidden"),
    ("RequestDisallowedByPolicy", 403, "azure_policy_denied"),
    (
        "DenyAssignmentAuthorizationFailed",
        403,
        "upstream_forbidden",
    ),
    ("ResourceGroupNotFound", 404, "configuration_missing"),
    ("SubscriptionNotFound", 404, "configuration_missing"),
    ("InvalidResourceLocation", 409, "name_conflict"),
    ("ScopeLocked", 409, "azure_locked"),
    ("PropertyChangeNotAllowed", 409, "name_conflict"),
    ("ResourceQuotaExceeded", 409, "azure_quota"),
    ("SkuNotAvailable", 409, "azure_quota"),
    ("RegionDoesNotAllowProvisioning", 409, "azure_quota"),
];

/// A code and words that an accepted deployment fails with, and our word for it.
const FAILED: [(&str, &str, &str); 8] = [
    (
        "ApplianceProvisioningFailed",
        "Resource group 'x' could not be found.",
        "azure_deployment_failed",
    ),
    (
        "ApplianceProvisioningFailed",
        "The role assignment already exists.",
        "azure_deployment_failed",
    ),
    (
        "ApplianceProvisioningFailed",
        "The resource group 'x' already exists.",
        "name_conflict",
    ),
    (
        "SubnetIsNotWithinVnetError",
        "Subnet '<null>' is not in the range.",
        "configuration_missing",
    ),
    (
        "ConflictWithNetworkIntentPolicy",
        "Another policy is there.",
        "network_in_use",
    ),
    (
        "RESOURCE_DOES_NOT_EXIST",
        "No such application.",
        "azure_principal_unknown",
    ),
    ("QUOTA_EXCEEDED", "Too many principals.", "azure_quota"),
    ("SomethingNew", "Nobody knows.", "workspace_failed"),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_code_is_explained() {
    let app = start(ComputeMode::Classic, "").await;
    let refused = REFUSED.map(|(code, status, word)| {
        let fault = Fault::new(FaultKind::ArmError).code(code).status(status);
        (fault.on(Call::ArmCreateWorkspace), code, word)
    });
    let failed = FAILED.map(|(code, words, word)| {
        let fault = Fault::new(FaultKind::ArmFails).code(code).message(words);
        // What may pass is tried three times.
        let passes = ["azure_deployment_failed", "azure_principal_unknown"].contains(&word);
        (fault.times(if passes { 3 } else { 1 }), code, word)
    });
    for (number, (fault, code, word)) in refused.into_iter().chain(failed).enumerate() {
        app.fault(fault);
        let create = app.create(&format!("trouble-{number}")).await;
        let done = app.done(&create).await;
        let problem = &done["problem"];
        assert_eq!(problem["code"], word, "{code}: {done:#}");
        assert_eq!(problem["upstream"]["error_code"], code, "{done:#}");
        assert!(problem["hint"].is_string() && problem["fix_by"].is_string());
        app.phase(&create, "deleted").await;
    }
    let left = app.simulator.inventory();
    assert!(left.is_empty(), "{left:#?}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttle_is_waited_out() {
    let app = start(ComputeMode::Serverless, "").await;
    for call in [
        Call::ArmGetGroup,
        Call::ArmCreateWorkspace,
        Call::ArmListWorkspaces,
        Call::MintToken,
    ] {
        app.fault(Fault::new(FaultKind::Throttled).on(call));
    }
    app.fault(Fault::new(FaultKind::ThrottledWithoutRetryAfter).on(Call::ArmGetWorkspace));
    let create = app.create("patient").await;
    let done = app.done(&create).await;
    assert_eq!(done["status"], "succeeded", "{done:#}");
    assert_eq!(app.simulator.inventory().created("workspaces"), 1);
    app.removed("patient").await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn success_without_an_address_is_waited_for() {
    let app = start(ComputeMode::Classic, "").await;
    app.fault(Fault::new(FaultKind::SucceededWithoutUrl).seconds(600.0));
    let ready = app.ready("late").await;
    assert!(ready["external"]["workspace_url"].is_string());
    app.removed("late").await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_azure_tells_of_its_progress_is_understood() {
    for manner in [
        FaultKind::RelativeStatusUrl,
        FaultKind::LocationHeader,
        FaultKind::PollWithoutRetryAfter,
    ] {
        let app = start(ComputeMode::Classic, "").await;
        app.fault(Fault::new(manner).times(0));
        app.fault(
            Fault::new(FaultKind::ArmFails)
                .code("QUOTA_EXCEEDED")
                .message("Full."),
        );
        let create = app.create("told").await;
        let done = app.done(&create).await;
        assert_eq!(done["problem"]["code"], "azure_quota", "{manner}: {done:#}");
        app.phase(&create, "deleted").await;
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_that_does_not_know_databricks_is_made_to() {
    let app = start(ComputeMode::Serverless, "").await;
    app.fault(Fault::new(FaultKind::ProviderNotRegistered));
    app.ready("pioneer").await;
    assert_eq!(arrived(&app, Call::ArmRegisterProvider), 1);
    assert_eq!(app.simulator.inventory().created("workspaces"), 1);
    app.removed("pioneer").await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_that_azure_gives_up_is_asked_for_again() {
    let app = start(ComputeMode::Classic, "").await;
    app.ready("stubborn").await;
    app.fault(Fault::new(FaultKind::ArmFails).on(Call::ArmDeleteWorkspace));
    app.removed("stubborn").await;
    assert_eq!(arrived(&app, Call::ArmDeleteWorkspace), 2);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_azure_keeps_is_told() {
    let mut by_default = builder(azure().await, ComputeMode::Classic, "");
    by_default.template = by_default.template.replace("force_deletion = true", "");
    let app = by_default.start().await;
    app.ready("keeper").await;
    let done = app.removed("keeper").await;
    let steps = done["steps"].as_array().expect("steps");
    let step = steps.iter().find(|it| it["name"] == "create_workspace");
    let message = step.expect("it was undone")["message"].as_str();
    let message = message.expect("a message");
    assert!(message.contains("Azure keeps resource group"), "{message}");
    let groups = app.simulator.inventory().resource_groups;
    assert_eq!(groups.len(), 1, "{groups:#?}");
    assert!(message.contains(&groups[0].name), "{message}");
    app.abandon("Azure keeps the storage of the catalogue")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_given_network_is_looked_at_before_anything_is_made() {
    for (subnet, word) in [
        ("plain", "subnet_not_delegated"),
        ("no-such-subnet", "configuration_missing"),
    ] {
        let simulator = azure().await;
        let world = &simulator.world().azure;
        let given = format!(
            "vnet_id = {:?}\npublic_subnet = {:?}\nprivate_subnet = {subnet:?}\n",
            world.vnet_id, world.public_subnet
        );
        let app = builder(simulator, ComputeMode::Classic, &given)
            .start()
            .await;
        let create = app.create("checked").await;
        let done = app.done(&create).await;
        assert_eq!(done["problem"]["code"], word, "{done:#}");
        assert_eq!(arrived(&app, Call::ArmCreateWorkspace), 0);
        app.phase(&create, "deleted").await;
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_policies_and_quotas_forbid_is_told_before_anything_is_made() {
    let app = start(ComputeMode::Classic, "").await;
    for (kind, word, says) in [
        (
            FaultKind::PolicyDenies,
            "azure_policy_denied",
            "policyAssignments/no-databricks",
        ),
        (
            FaultKind::NetworkQuotaReached,
            "azure_quota",
            "virtual networks in",
        ),
    ] {
        app.fault(Fault::new(kind));
        let create = app.create("forbidden").await;
        let done = app.done(&create).await;
        assert_eq!(done["problem"]["code"], word, "{done:#}");
        let detail = done["problem"]["detail"].as_str().expect("a detail");
        assert!(detail.contains(says), "{detail}");
        app.phase(&create, "deleted").await;
    }
    assert_eq!(arrived(&app, Call::ArmCreateWorkspace), 0);
    // Who may not ask finds out when the workspace is asked for.
    for call in [Call::ArmCheckPolicies, Call::ArmListNetworkUsages] {
        app.fault(Fault::new(FaultKind::Forbidden).on(call));
    }
    app.ready("unasked").await;
    app.removed("unasked").await;
    app.finish().await;
}
