//! A subscription on Azure, asked live.

use super::World;
use brickyard::dev;
use brickyard::domain::cloud::{Cloud, ComputeMode};
use simulator::{Call, Fault, FaultKind};

/// A template in subnets that somebody else has made.
fn configuration(world: &World) -> String {
    let known = world.simulator.world();
    let azure = &known.azure;
    let objects = format!(
        "{}vnet_id = {:?}\npublic_subnet = {:?}\nprivate_subnet = {:?}\n",
        dev::objects(Cloud::Azure, ComputeMode::Classic),
        azure.vnet_id,
        azure.public_subnet,
        azure.private_subnet
    );
    dev::configuration_on(Cloud::Azure, known, &world.database, &objects, "")
}

/// In the account, which stands before the store that has the same identity.
fn swap_first(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from} in {text}");
    text.replacen(from, to, 1)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_subscription_passes() {
    let world = World::new().await;
    let before = serde_json::to_value(world.simulator.inventory()).expect("JSON");
    let told = world.check(&configuration(&world)).await;
    assert_eq!(told.code, Some(0), "{}", told.text);
    let account = told.one("accounts.main");
    assert_eq!(
        account,
        ("pass", "answers us; 0 workspaces"),
        "{}",
        told.text
    );
    for member in [
        "resource_group",
        "public_subnet",
        "private_subnet",
        "secret_path",
    ] {
        let verdict = told.one(&format!("templates.sandbox.{member}")).0;
        // Whether a path may be written, a key vault says only when it is.
        let expected = if member == "secret_path" {
            "unknown"
        } else {
            "pass"
        };
        assert_eq!(verdict, expected, "{member}: {}", told.text);
    }
    let network: Vec<&str> = told
        .of("templates.sandbox.vnet_id")
        .iter()
        .map(|it| it.0)
        .collect();
    assert_eq!(network, ["pass", "pass"], "there, and free: {}", told.text);
    assert_eq!(told.one("templates.sandbox.region").0, "unknown");
    let after = serde_json::to_value(world.simulator.inventory()).expect("JSON");
    assert_eq!(before, after, "it only looks");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_likely_setting_is_named() {
    let world = World::new().await;
    let good = configuration(&world);
    let azure = world.simulator.world().azure.clone();
    let id = "00000000-0000-4000-8000-00000000dead";
    let cases = [
        (
            azure.client_secret.as_str(),
            "another",
            "accounts.main.client_secret",
        ),
        (azure.client_id.as_str(), id, "accounts.main.client_id"),
        (azure.tenant_id.as_str(), id, "accounts.main.tenant_id"),
        (
            azure.subscription_id.as_str(),
            id,
            "accounts.main.subscription_id",
        ),
        (
            azure.arm_endpoint.as_str(),
            "https://127.0.0.1:9",
            "accounts.main.arm_endpoint",
        ),
        (
            azure.authority_host.as_str(),
            "https://127.0.0.1:9",
            "accounts.main.authority_host",
        ),
        (
            "resource_group = \"workspaces\"",
            "resource_group = \"elsewhere\"",
            "templates.sandbox.resource_group",
        ),
        (
            &format!("public_subnet = {:?}", azure.public_subnet),
            "public_subnet = \"elsewhere\"",
            "templates.sandbox.public_subnet",
        ),
    ];
    for (from, to, key) in cases {
        let told = world.check(&swap_first(&good, from, to)).await;
        assert_eq!(
            (told.failed(), told.code),
            (vec![key], Some(1)),
            "{}",
            told.text
        );
    }
    // An identity without a role.
    world.simulator.fault(
        Fault::new(FaultKind::Forbidden)
            .on(Call::ArmListWorkspaces)
            .times(0),
    );
    let told = world.check(&good).await;
    assert_eq!(told.failed(), ["accounts.main.client_id"], "{}", told.text);
    world.end().await;
}
