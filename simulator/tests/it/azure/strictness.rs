//! What Resource Manager refuses, and remembers as the client's mistake.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Azure, workspace};
use crate::support::reply;

#[tokio::test]
async fn bodies_are_checked() {
    let azure = Azure::new().await;
    let good = azure.injected("team-a");
    let with = |path: &str, value: Value| {
        let mut body = good.clone();
        let (parent, name) = path.rsplit_once('/').unwrap();
        let parent = body.pointer_mut(parent).unwrap().as_object_mut().unwrap();
        match value {
            Value::Null => parent.remove(name),
            value => parent.insert(name.to_owned(), value),
        };
        body
    };
    let own = format!(
        "/subscriptions/{}/resourceGroups/workspaces",
        azure.world().subscription_id
    );
    let on = json!({"value": "Enabled"});
    let mut serverless = with("/properties/computeMode", json!("Serverless"));
    serverless["properties"]
        .as_object_mut()
        .unwrap()
        .remove("parameters");
    let wrong = [
        with("/colour", json!("blue")),
        with("/properties/colour", json!("blue")),
        with("/properties/parameters/colour", json!({"value": 1})),
        with("/location", Value::Null),
        with("/location", json!("the moon")),
        with("/sku", json!({"name": "Premium"})),
        with("/sku", json!({"name": "standard"})),
        with("/sku", Value::Null),
        with("/tags", json!({"a<b": "c"})),
        with("/properties/computeMode", Value::Null),
        with("/properties/computeMode", json!("Classic")),
        with("/properties/managedResourceGroupId", Value::Null),
        with("/properties/managedResourceGroupId", json!("mrg")),
        with("/properties/managedResourceGroupId", json!(own)),
        with("/properties/parameters/customPublicSubnetName", Value::Null),
        with(
            "/properties/parameters/customPublicSubnetName",
            json!({"value": "databricks-private"}),
        ),
        with(
            "/properties/parameters/vnetAddressPrefix",
            json!({"value": "10.139"}),
        ),
        with("/properties/parameters/resourceTags", json!({"value": {}})),
        with("/properties/publicNetworkAccess", json!("Disabled")),
        with("/properties/requiredNsgRules", json!("NoAzureServiceRules")),
        with("/properties/defaultStorageFirewall", json!("Enabled")),
        with("/properties/createdBy", json!({})),
        with(
            "/properties/enhancedSecurityCompliance",
            json!({"complianceSecurityProfile": on}),
        ),
        with(
            "/properties/encryption",
            json!({"entities": {"managedServices": {"keySource": "Default"}}}),
        ),
        serverless,
    ];
    for body in &wrong {
        let (status, code) = azure
            .refused(Method::PUT, &workspace("team-a"), body.clone())
            .await;
        assert_eq!(status, 400, "{code}: {body}");
        assert!(!code.is_empty());
    }
    assert_eq!(azure.mistakes(), wrong.len());
    for name in ["ab", "with.dot", "with%20space"] {
        let refused = azure
            .refused(Method::PUT, &workspace(name), good.clone())
            .await;
        assert_eq!(refused, (400, "InvalidResourceName".into()));
    }
    assert!(azure.simulator.inventory().is_empty());
    assert_eq!(azure.put(&workspace("team-a"), good).await.0, 201);
}

#[tokio::test]
async fn versions_queries_and_routes_are_checked() {
    let azure = Azure::new().await;
    let path = workspace("team-a");
    for (query, code) in [
        ("?api-version=2018-04-01", "NoRegisteredProviderFound"),
        (
            "?api-version=2026-01-01&colour=blue",
            "InvalidQueryParameter",
        ),
        ("?no-api-version=1", "MissingApiVersionParameter"),
    ] {
        let url = format!(
            "{}/subscriptions/{}{path}{query}",
            azure.world().arm_endpoint,
            azure.world().subscription_id
        );
        let (status, body) = azure.poll(&url).await;
        assert_eq!((status, &body["error"]["code"]), (400, &json!(code)));
    }
    let mut old = azure.body("team-a");
    let versioned = format!("{path}?api-version=2024-05-01");
    assert_eq!(
        azure.put(&versioned, old.clone()).await.0,
        400,
        "it does not know computeMode"
    );
    old["properties"]
        .as_object_mut()
        .unwrap()
        .remove("computeMode");
    assert_eq!(azure.put(&versioned, old).await.0, 201);
    assert_eq!(
        azure
            .get("/resourceGroups/workspaces?api-version=2020-01-01")
            .await
            .0,
        400
    );
    assert_eq!(
        azure
            .get("/providers/Microsoft.Compute/virtualMachines")
            .await
            .0,
        404
    );
    let patch = Some(json!({"sku": {"name": "premium"}}));
    let (status, _) = reply(azure.send(Method::PATCH, &path, patch).await).await;
    assert_eq!(status, 400);
    assert_eq!(azure.mistakes(), 7);
}

#[tokio::test]
async fn only_tls_with_a_token_gets_in() {
    let azure = Azure::new().await;
    let world = azure.world();
    let path = format!(
        "/subscriptions/{}/resourceGroups/workspaces?api-version=2025-04-01",
        world.subscription_id
    );
    let plain = format!("{}{path}", azure.simulator.world().account_host);
    assert_eq!(azure.poll(&plain).await.0, 403);
    let bare = azure
        .http
        .get(format!("{}{path}", world.arm_endpoint))
        .send()
        .await
        .unwrap();
    assert_eq!(bare.status(), 401);
    assert!(bare.headers().contains_key("www-authenticate"));
    let login = format!("{}{path}", world.authority_host);
    assert_eq!(azure.poll(&login).await.0, 404, "another service's host");
    assert_eq!(azure.mistakes(), 3);
    let port = world.arm_endpoint.rsplit(':').next().unwrap();
    assert_eq!(
        azure
            .poll(&format!("https://127.0.0.1:{port}{path}"))
            .await
            .0,
        200
    );
    let other = path.replace(
        &world.subscription_id,
        "00000000-0000-0000-0000-000000000000",
    );
    let (status, body) = azure.poll(&format!("{}{other}", world.arm_endpoint)).await;
    assert_eq!(
        (status, &body["error"]["code"]),
        (404, &json!("SubscriptionNotFound"))
    );
    assert_eq!(azure.mistakes(), 3);
}
