//! Networks, security groups and resource groups; workspaces in them.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Azure, workspace};

const GROUP: &str = "/resourceGroups/team-a";

fn nsg(name: &str) -> String {
    format!("{GROUP}/providers/Microsoft.Network/networkSecurityGroups/{name}")
}

fn vnet(name: &str) -> String {
    format!("{GROUP}/providers/Microsoft.Network/virtualNetworks/{name}")
}

fn subnet(name: &str, prefix: &str, group: &Value) -> Value {
    json!({"name": name, "properties": {
        "addressPrefix": prefix,
        "networkSecurityGroup": {"id": group["id"]},
        "delegations": [{"name": "dbx", "properties": {"serviceName": "Microsoft.Databricks/workspaces"}}],
    }})
}

fn body(subnets: &[Value]) -> Value {
    json!({"location": "westeurope", "properties": {
        "addressSpace": {"addressPrefixes": ["10.179.0.0/16"]},
        "subnets": subnets,
    }})
}

/// A group with a security group and a network of two subnets for Databricks.
async fn built(azure: &Azure) -> (Value, Value) {
    let location = json!({"location": "westeurope"});
    assert_eq!(azure.put(GROUP, location.clone()).await.0, 201);
    assert_eq!(azure.put(&nsg("rules"), location).await.0, 201);
    azure.pass(10);
    let (_, group) = azure.get(&nsg("rules")).await;
    let subnets = [
        subnet("host", "10.179.0.0/18", &group),
        subnet("container", "10.179.64.0/18", &group),
    ];
    let (status, network) = azure.put(&vnet("v1"), body(&subnets)).await;
    assert_eq!(status, 201, "{network}");
    azure.pass(10);
    (group, azure.get(&vnet("v1")).await.1)
}

fn inside(azure: &Azure, name: &str, network: &Value, subnets: [&str; 2]) -> Value {
    let mut body = azure.body(name);
    body["properties"]["parameters"] = json!({
        "customVirtualNetworkId": {"value": network["id"]},
        "customPublicSubnetName": {"value": subnets[0]},
        "customPrivateSubnetName": {"value": subnets[1]},
    });
    body
}

#[tokio::test]
async fn a_network_is_built_used_and_removed_in_order() {
    let azure = Azure::new().await;
    let (group, network) = built(&azure).await;
    assert_eq!(group["properties"]["provisioningState"], "Succeeded");
    let subnets = &network["properties"]["subnets"];
    assert!(
        subnets[0]["id"]
            .as_str()
            .unwrap()
            .ends_with("/subnets/host")
    );
    let made = azure
        .made(
            "inside",
            inside(&azure, "inside", &network, ["host", "container"]),
        )
        .await;
    assert_eq!(
        made["properties"]["provisioningState"], "Succeeded",
        "{made}"
    );

    let code = |reply: (u16, Value)| {
        (
            reply.0,
            reply.1["error"]["code"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        )
    };
    let in_use = code(azure.delete(&vnet("v1")).await);
    assert_eq!(in_use, (400, "InUseSubnetCannotBeDeleted".into()));
    let without = azure.refused(Method::PUT, &vnet("v1"), body(&[])).await;
    assert_eq!(without, (400, "InUseSubnetCannotBeDeleted".into()));
    let in_use = code(azure.delete(&nsg("rules")).await);
    assert_eq!(
        in_use,
        (400, "InUseNetworkSecurityGroupCannotBeDeleted".into())
    );
    let second = azure
        .made(
            "second",
            inside(&azure, "second", &network, ["host", "container"]),
        )
        .await;
    assert_eq!(second["properties"]["provisioningState"], "Failed");
    let locked = code(azure.delete("/resourceGroups/mrg-inside").await);
    assert_eq!(locked, (403, "DenyAssignmentAuthorizationFailed".into()));

    for name in ["inside", "second"] {
        azure
            .delete(&format!("{}?forceDeletion=true", workspace(name)))
            .await;
    }
    azure.pass(60);
    let response = azure.send(Method::DELETE, &vnet("v1"), None).await;
    assert_eq!(response.status(), 202);
    let operation = response.headers()["azure-asyncoperation"]
        .to_str()
        .unwrap()
        .to_owned();
    assert_eq!(azure.poll(&operation).await.1["status"], "InProgress");
    azure.pass(10);
    assert_eq!(azure.poll(&operation).await.1["status"], "Succeeded");
    assert_eq!(azure.delete(&vnet("v1")).await.0, 204);
    assert_eq!(azure.delete(GROUP).await.0, 202);
    azure.pass(30);
    assert_eq!(azure.get(GROUP).await.0, 404);
    let inventory = azure.simulator.inventory();
    assert!(inventory.is_empty(), "{inventory:?}");
    assert_eq!(
        (
            inventory.created("networks"),
            inventory.created("security_groups")
        ),
        (1, 1)
    );
    assert_eq!(azure.mistakes(), 0, "{:?}", azure.simulator.unexpected());
}

#[tokio::test]
async fn a_bad_network_fails_the_workspace_not_the_request() {
    let azure = Azure::new().await;
    let shared = json!({"id": azure.world().vnet_id});
    let nowhere = json!({"id": azure.world().vnet_id.replace("shared", "nowhere")});
    for (network, subnets, code) in [
        (
            &shared,
            ["databricks-public", "missing"],
            "SubnetIsNotWithinVnetError",
        ),
        (
            &shared,
            ["databricks-public", "plain"],
            "SubnetMissingRequiredDelegation",
        ),
        (
            &nowhere,
            ["databricks-public", "databricks-private"],
            "InvalidResourceReference",
        ),
    ] {
        let name = code.to_lowercase();
        let body = Some(inside(&azure, &name, network, subnets));
        let response = azure.send(Method::PUT, &workspace(&name), body).await;
        assert_eq!(response.status(), 201);
        let operation = response.headers()["azure-asyncoperation"]
            .to_str()
            .unwrap()
            .to_owned();
        azure.pass(180);
        let (status, answer) = azure.poll(&operation).await;
        assert_eq!((status, &answer["status"]), (200, &json!("Failed")));
        assert_eq!(answer["error"]["code"], code);
        let (_, failed) = azure.get(&workspace(&name)).await;
        assert_eq!(failed["properties"].get("workspaceUrl"), None);
    }
    assert_eq!(azure.mistakes(), 0);
}

#[tokio::test]
async fn what_is_wrong_is_refused_and_remembered() {
    let azure = Azure::new().await;
    let (group, _) = built(&azure).await;
    let cases = [
        (
            body(&[subnet("a", "10.179.0.1/18", &group)]),
            "InvalidAddressPrefixFormat",
        ),
        (
            body(&[subnet("a", "10.180.0.0/18", &group)]),
            "NetcfgInvalidSubnet",
        ),
        (
            body(&[
                subnet("a", "10.179.0.0/18", &group),
                subnet("b", "10.179.32.0/19", &group),
            ]),
            "NetcfgSubnetRangesOverlap",
        ),
        (json!({"location": "westeurope"}), "InvalidRequestContent"),
        (
            json!({"location": "the moon", "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/8"]}}}),
            "LocationNotAvailableForResourceType",
        ),
    ];
    for (body, code) in &cases {
        let refused = azure.refused(Method::PUT, &vnet("v2"), body.clone()).await;
        assert_eq!(refused, (400, (*code).into()), "{body}");
    }
    let foreign = "/resourceGroups/network/providers/Microsoft.Network/virtualNetworks/shared";
    let refused = azure.refused(Method::PUT, foreign, body(&[])).await;
    assert_eq!(refused, (403, "AuthorizationFailed".into()));
    assert_eq!(azure.delete("/resourceGroups/network").await.0, 409);
    assert_eq!(azure.mistakes(), cases.len() + 2);
    // These two need no mistake.
    let gone = body(&[subnet("a", "10.179.0.0/18", &json!({"id": "/nowhere"}))]);
    let refused = azure.refused(Method::PUT, &vnet("v2"), gone).await;
    assert_eq!(refused, (400, "InvalidResourceReference".into()));
    azure.put(&vnet("v2"), body(&[])).await;
    let busy = azure.refused(Method::PUT, &vnet("v2"), body(&[])).await;
    assert_eq!(busy, (429, "RetryableError".into()));
    assert_eq!(azure.mistakes(), cases.len() + 2);
    for listed in [
        vnet(""),
        "/providers/Microsoft.Network/virtualNetworks".into(),
    ] {
        let (_, all) = azure.get(listed.trim_end_matches('/')).await;
        assert!(all["value"].as_array().unwrap().len() >= 2, "{all}");
    }
}
