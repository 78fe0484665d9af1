//! The life of a workspace: accepted, polled, entered, deleted.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Azure, DATABRICKS, workspace};
use crate::support::reply;

#[tokio::test]
async fn a_workspace_is_made_entered_and_deleted() {
    let azure = Azure::new().await;
    let path = workspace("team-a");
    assert_eq!(azure.get(&path).await.0, 404);
    let body = Some(azure.injected("team-a"));
    let response = azure.send(Method::PUT, &path, body).await;
    assert_eq!(response.status(), 201);
    assert_eq!(response.headers()["retry-after"], "15");
    let operation = response.headers()["azure-asyncoperation"].to_str().unwrap();
    let operation = operation.to_owned();
    let (_, created) = reply(response).await;
    let properties = &created["properties"];
    assert_eq!(properties["provisioningState"], "Accepted");
    for absent in ["workspaceUrl", "workspaceId", "parameters"] {
        assert_eq!(properties.get(absent), None, "{absent}");
    }
    assert_eq!(
        azure.poll(&operation).await,
        (202, json!({"status": "Accepted"}))
    );
    azure.pass(20);
    let (_, creating) = azure.get(&path).await;
    assert_eq!(creating["properties"]["provisioningState"], "Creating");
    azure.pass(160);
    assert_eq!(
        azure.poll(&operation).await,
        (200, json!({"status": "Succeeded"}))
    );
    let (_, made) = azure.get(&path.to_uppercase()).await;
    let properties = &made["properties"];
    assert_eq!(properties["provisioningState"], "Succeeded");
    let id = properties["workspaceId"].as_str().unwrap();
    let url = properties["workspaceUrl"].as_str().unwrap();
    assert!(
        url.starts_with(&format!("adb-{id}.")) && url.ends_with(".azuredatabricks.brickyard.test")
    );
    let name = &properties["parameters"]["customPublicSubnetName"];
    assert_eq!(
        *name,
        json!({"type": "String", "value": "databricks-public"})
    );
    let managed = azure.get("/resourceGroups/mrg-team-a/resources").await.1;
    assert_eq!(managed["value"].as_array().unwrap().len(), 2);

    enter(&azure, &made).await;

    let response = azure
        .send(Method::DELETE, &format!("{path}?forceDeletion=true"), None)
        .await;
    assert_eq!(response.status(), 202);
    let place = response.headers()["location"].to_str().unwrap().to_owned();
    assert_eq!(azure.poll(&place).await.0, 202);
    assert_eq!(
        azure.get(&path).await.1["properties"]["provisioningState"],
        "Deleting"
    );
    azure.pass(60);
    assert_eq!(azure.poll(&place).await.0, 200);
    assert_eq!(azure.get(&path).await.0, 404);
    assert_eq!(azure.delete(&path).await.0, 204);
    assert_eq!(azure.get("/resourceGroups/mrg-team-a").await.0, 404);
    let inventory = azure.simulator.inventory();
    assert!(inventory.is_empty(), "{inventory:?}");
    assert_eq!(inventory.created("workspaces"), 1);
    assert_eq!(azure.mistakes(), 0, "{:?}", azure.simulator.unexpected());
}

/// A principal proves itself once; then it is an admin.
async fn enter(azure: &Azure, made: &Value) {
    let token = azure.token_for(DATABRICKS).await;
    let me = || {
        azure
            .site(Method::GET, made, "preview/scim/v2/Me")
            .bearer_auth(&token)
    };
    let (status, page) = reply(me().send().await.unwrap()).await;
    assert_eq!(status, 403);
    assert!(page.as_str().unwrap().contains("User not authorized"));
    let proven = |id: &str| {
        let request = me().header("X-Databricks-Azure-SP-Management-Token", &azure.token);
        request.header("X-Databricks-Azure-Workspace-Resource-Id", id)
    };
    assert_eq!(
        proven("/subscriptions/x").send().await.unwrap().status(),
        403
    );
    let id = made["id"].as_str().unwrap();
    assert_eq!(proven(id).send().await.unwrap().status(), 200);
    let (status, user) = reply(me().send().await.unwrap()).await;
    assert_eq!(
        (status, &user["userName"]),
        (200, &json!(azure.world().client_id))
    );
    let mint = azure
        .site(Method::POST, made, "token/create")
        .bearer_auth(&token);
    let mint = mint.json(&json!({"lifetime_seconds": 600, "comment": "ours"}));
    let (_, minted) = reply(mint.send().await.unwrap()).await;
    let pat = minted["token_value"].as_str().unwrap();
    assert!(
        pat.starts_with("dapi") && pat.ends_with("-2") && pat.len() == 38,
        "{pat}"
    );
    let mine = azure
        .site(Method::GET, made, "preview/scim/v2/Me")
        .bearer_auth(pat);
    assert_eq!(mine.send().await.unwrap().status(), 200);
    let inventory = azure.simulator.inventory();
    assert_eq!(inventory.tokens.len(), 1);
    assert_eq!(inventory.workspaces[0].resource_id.as_deref(), Some(id));
    assert_eq!(inventory.workspaces[0].status, "RUNNING");
    assert_eq!(inventory.workspaces[0].tags["team"], "a");
    let wrong = azure
        .site(Method::GET, made, "preview/scim/v2/Me")
        .bearer_auth("eyJ0.x.y");
    assert_eq!(wrong.send().await.unwrap().status(), 403);
}

#[tokio::test]
async fn the_managed_group_survives_a_gentle_deletion() {
    let azure = Azure::new().await;
    azure.made("team-a", azure.body("team-a")).await;
    azure.delete(&workspace("team-a")).await;
    azure.pass(60);
    assert_eq!(azure.get(&workspace("team-a")).await.0, 404);
    let (_, left) = azure.get("/resourceGroups/mrg-team-a/resources").await;
    assert_eq!(left["value"].as_array().unwrap().len(), 2);
    assert!(!azure.simulator.inventory().is_empty());
    // It is in the way of the next one of that name.
    let next = azure.made("team-a", azure.body("team-a")).await;
    assert_eq!(next["properties"]["provisioningState"], "Failed");
    let again = azure
        .refused(Method::PUT, &workspace("team-a"), azure.body("team-a"))
        .await;
    assert_eq!(again, (409, "Conflict".into()));
    azure.delete(&workspace("team-a")).await;
    assert_eq!(azure.delete("/resourceGroups/mrg-team-a").await.0, 202);
    azure.pass(60);
    assert!(azure.simulator.inventory().is_empty());
    // A serverless one has none.
    let serverless = json!({
        "location": "westeurope",
        "sku": {"name": "premium"},
        "properties": {"computeMode": "Serverless"},
    });
    let made = azure.made("less", serverless).await;
    assert_eq!(made["properties"].get("parameters"), None);
    azure.delete(&workspace("less")).await;
    azure.pass(60);
    assert!(azure.simulator.inventory().is_empty());
}

#[tokio::test]
async fn a_second_put_updates_and_does_not_hurry() {
    let azure = Azure::new().await;
    let path = workspace("team-a");
    azure.put(&path, azure.body("team-a")).await;
    let early = azure
        .refused(Method::PUT, &path, azure.body("team-a"))
        .await;
    assert_eq!(early, (409, "Conflict".into()));
    assert_eq!(azure.delete(&path).await.0, 409);
    azure.pass(180);
    let mut body = azure.body("team-a");
    body["tags"] = json!({"team": "b"});
    let (status, updating) = azure.put(&path, body.clone()).await;
    assert_eq!(
        (status, &updating["properties"]["provisioningState"]),
        (200, &json!("Updating"))
    );
    azure.pass(20);
    assert_eq!(azure.get(&path).await.1["tags"], json!({"team": "b"}));
    let patch = Some(json!({"tags": {"team": "c"}}));
    let patched = azure.send(Method::PATCH, &path, patch.clone()).await;
    assert_eq!(patched.status(), 202);
    assert!(patched.headers().contains_key("azure-asyncoperation"));
    assert_eq!(reply(patched).await.1["tags"], json!({"team": "c"}));
    let busy = azure.send(Method::PATCH, &path, patch).await;
    assert_eq!(busy.status(), 409);
    azure.pass(20);
    assert_eq!(azure.mistakes(), 0);
    body["properties"]["managedResourceGroupId"] = format!(
        "/subscriptions/{}/resourceGroups/other",
        azure.world().subscription_id
    )
    .into();
    let changed = azure.refused(Method::PUT, &path, body).await;
    assert_eq!(changed, (409, "PropertyChangeNotAllowed".into()));
    assert_eq!(azure.mistakes(), 1);
}

#[tokio::test]
async fn lists_have_pages() {
    let azure = Azure::new().await;
    azure.put(&workspace("first"), azure.body("first")).await;
    azure.simulator.copy_newest_workspace(44);
    let mut seen = 0;
    let (_, mut page) = azure
        .get("/providers/Microsoft.Databricks/workspaces")
        .await;
    loop {
        seen += page["value"].as_array().unwrap().len();
        let Some(next) = page["nextLink"].as_str() else {
            break;
        };
        page = azure.poll(next).await.1;
    }
    assert_eq!(seen, 45);
    let group = "/resourceGroups/network/providers/Microsoft.Databricks/workspaces";
    assert_eq!(azure.get(group).await.1, json!({"value": []}));
    let nowhere = "/resourceGroups/nowhere/providers/Microsoft.Databricks/workspaces";
    assert_eq!(
        azure.get(nowhere).await.1["error"]["code"],
        "ResourceGroupNotFound"
    );
    assert_eq!(azure.mistakes(), 0);
}
