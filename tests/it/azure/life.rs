//! What a workspace on Azure lives through where nothing goes wrong.

use super::{arrived, azure, builder, start};
use brickyard::dev;
use brickyard::domain::cloud::ComputeMode;
use serde_json::{Value, json};
use simulator::Call;

/// The parameters Azure was asked with, as it shows them.
fn parameter(body: &Value, name: &str) -> Value {
    body["properties"]["parameters"][name]["value"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_request_to_the_vault() {
    let app = start(ComputeMode::Classic, "").await;
    let ready = app.ready("first").await;
    assert_eq!(ready["spec"]["cloud"], "azure");
    let inventory = app.simulator.inventory();
    let [made] = inventory.workspaces.as_slice() else {
        panic!("{:#?}", inventory.workspaces);
    };
    let external = &ready["external"];
    assert_eq!(external["workspace_id"], made.id.to_string());
    let url = external["workspace_url"].as_str().expect("an address");
    assert!(url.contains(&format!("://adb-{}.", made.id)), "{url}");
    assert_eq!(external["workspace_status"], "RUNNING");
    assert_eq!(made.body["sku"]["name"], "premium");
    assert_eq!(made.body["properties"]["computeMode"], "Hybrid");
    assert_eq!(parameter(&made.body, "enableNoPublicIp"), true);
    let [token] = inventory.tokens.as_slice() else {
        panic!("one token: {:#?}", inventory.tokens);
    };
    let delivered = app.delivered();
    let values: Vec<_> = delivered.values().flatten().collect();
    assert_eq!(values, [&token.value], "the vault holds the live token");
    let tokens = app.get("/workspaces/first/tokens").await.body;
    assert_eq!(tokens["items"][0]["secret"]["store"], "main");
    assert_eq!(tokens["items"][0]["principal"], "provisioner");
    let done = app.removed("first").await;
    assert!(app.simulator.inventory().is_empty(), "{done:#}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_of_ones_own() {
    let app = start(ComputeMode::Classic, dev::VNET).await;
    app.ready("networked").await;
    let inventory = app.simulator.inventory();
    let ([network], [group]) = (
        inventory.networks.as_slice(),
        inventory.security_groups.as_slice(),
    ) else {
        panic!("{inventory:#?}");
    };
    let body = &inventory.workspaces[0].body;
    let used = parameter(body, "customVirtualNetworkId");
    assert!(
        used.as_str()
            .is_some_and(|it| it.eq_ignore_ascii_case(&network.id)),
        "{used}"
    );
    let subnets = network.body["properties"]["subnets"].as_array();
    let subnets = subnets.expect("subnets");
    assert_eq!(subnets.len(), 2);
    for subnet in subnets {
        let properties = &subnet["properties"];
        assert_eq!(
            properties["delegations"][0]["properties"]["serviceName"],
            "Microsoft.Databricks/workspaces"
        );
        let guarded = properties["networkSecurityGroup"]["id"].as_str();
        assert!(guarded.is_some_and(|it| it.eq_ignore_ascii_case(&group.id)));
    }
    app.removed("networked").await;
    let left = app.simulator.inventory();
    assert!(left.is_empty(), "{left:#?}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn given_subnets() {
    let simulator = azure().await;
    let world = &simulator.world().azure;
    let given = format!(
        "vnet_id = {:?}\npublic_subnet = {:?}\nprivate_subnet = {:?}\n",
        world.vnet_id, world.public_subnet, world.private_subnet
    );
    let (vnet, public) = (world.vnet_id.clone(), world.public_subnet.clone());
    let app = builder(simulator, ComputeMode::Classic, &given)
        .start()
        .await;
    let ready = app.ready("guest").await;
    let network = ready["external"]["network_id"].as_str().expect("a network");
    assert!(network.eq_ignore_ascii_case(&vnet), "{network}");
    let body = app.simulator.inventory().workspaces[0].body.clone();
    assert_eq!(parameter(&body, "customPublicSubnetName"), public);
    // Subnets serve one workspace.
    let second = app.create("second").await;
    let second = app.done(&second).await;
    assert_eq!(second["problem"]["code"], "network_in_use", "{second:#}");
    assert_eq!(arrived(&app, Call::ArmCreateWorkspace), 1);
    app.phase(&second, "deleted").await;
    app.removed("guest").await;
    assert!(app.simulator.inventory().is_empty());
    assert_eq!(arrived(&app, Call::ArmDeleteVnet), 0);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn serverless() {
    let app = start(ComputeMode::Serverless, "").await;
    let ready = app.ready("nothing-of-ours").await;
    assert_eq!(ready["spec"]["compute_mode"], "serverless");
    let body = app.simulator.inventory().workspaces[0].body.clone();
    assert_eq!(body["properties"]["computeMode"], "Serverless");
    assert_eq!(body["properties"]["managedResourceGroupId"], Value::Null);
    app.removed("nothing-of-ours").await;
    assert!(app.simulator.inventory().is_empty());
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subdomain_cannot_be_chosen() {
    let app = start(ComputeMode::Serverless, "").await;
    let body = json!({"name": "named", "template": "sandbox", "deployment_name": "mine"});
    let answer = app.post("/workspaces", &body).await;
    assert_eq!(answer.status, 422, "{}", answer.text);
    assert_eq!(answer.body["errors"][0]["pointer"], "/deployment_name");
    app.finish().await;
}
