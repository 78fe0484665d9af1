//! The account API's happy path and its states.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::support::{Lab, network, reply};

#[tokio::test]
async fn a_workspace_provisions_runs_and_goes() {
    let lab = Lab::new().await;
    let mut body = lab.workspace_body("team-a").await;
    let network = lab.network("team-a").await;
    body["network_id"] = network.clone().into();
    let (status, workspace) = lab.post("workspaces", body).await;
    assert_eq!(status, 201);
    assert_eq!(workspace["workspace_status"], "PROVISIONING");
    assert!(workspace["workspace_id"].as_i64().unwrap() > 1 << 32);
    let deployment = workspace["deployment_name"].as_str().unwrap();
    assert!(
        deployment.starts_with("dbc-") && deployment.len() == 17,
        "{deployment}"
    );
    let path = format!("workspaces/{}", workspace["workspace_id"]);

    lab.simulator.advance(Duration::from_secs(290));
    assert_eq!(lab.get(&path).await.1["workspace_status"], "PROVISIONING");
    lab.simulator.advance(Duration::from_secs(190));
    let (_, running) = lab.get(&path).await;
    assert_eq!(running["workspace_status"], "RUNNING");
    assert_eq!(running["custom_tags"], json!({"team": "a"}));
    assert_eq!(lab.get("workspaces").await.1, json!([running]));
    let (_, attached) = lab.get(&format!("networks/{network}")).await;
    assert_eq!(attached["workspace_id"], workspace["workspace_id"]);

    let in_use = lab.delete(&format!("networks/{network}")).await;
    assert_eq!(in_use.0, 400);
    assert!(
        in_use
            .1
            .as_str()
            .unwrap()
            .starts_with("INVALID_STATE: Unable to delete, Network")
    );
    assert_eq!(lab.delete(&path).await.0, 200);
    assert_eq!(lab.get(&path).await.1["workspace_status"], "CANCELLING");
    assert_eq!(lab.delete(&path).await.0, 404, "a second delete");
    lab.simulator.advance(Duration::from_secs(8));
    assert_eq!(lab.get(&path).await.0, 404);
    assert_eq!(lab.delete(&format!("networks/{network}")).await.0, 200);
    for kind in ["credentials", "storage-configurations"] {
        let (_, all) = lab.get(kind).await;
        let id = all[0].as_object().unwrap();
        let id = id
            .iter()
            .find(|(k, _)| k.ends_with("_id") && *k != "account_id")
            .unwrap()
            .1;
        assert_eq!(
            lab.delete(&format!("{kind}/{}", id.as_str().unwrap()))
                .await
                .0,
            200
        );
    }
    let inventory = lab.simulator.inventory();
    assert!(inventory.is_empty(), "{inventory:?}");
    assert_eq!(inventory.created("workspaces"), 1);
    assert_eq!(lab.simulator.unexpected().len(), 0);
}

#[tokio::test]
async fn a_failed_workspace_is_repaired_by_patch() {
    let lab = Lab::new().await;
    let (id, _) = lab.workspace("fault-workspace-fails-x1y2").await;
    let path = format!("workspaces/{id}");
    lab.simulator.advance(Duration::from_secs(480));
    let (_, failed) = lab.get(&path).await;
    assert_eq!(failed["workspace_status"], "FAILED");
    assert_eq!(
        failed["workspace_status_message"],
        "The maximum number of addresses has been reached."
    );
    let network = lab.network("repair").await;
    let patch = lab.request(Method::PATCH, &format!("{path}?update_mask=network_id"));
    let (status, body) = reply(
        patch
            .json(&json!({"network_id": network}))
            .send()
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(
        (status, &body["workspace_status"]),
        (200, &json!("PROVISIONING"))
    );
    let again = lab
        .request(Method::PATCH, &path)
        .json(&json!({"custom_tags": {"a": "b"}}));
    assert_eq!(
        reply(again.send().await.unwrap()).await.1["error_code"],
        "INVALID_STATE"
    );
    lab.simulator.advance(Duration::from_secs(480));
    assert_eq!(lab.get(&path).await.1["workspace_status"], "RUNNING");
    let tags = lab
        .request(Method::PATCH, &path)
        .json(&json!({"custom_tags": {"a": "b"}}));
    let (_, body) = reply(tags.send().await.unwrap()).await;
    assert_eq!(body["workspace_status"], "RUNNING");
    assert_eq!(body["custom_tags"], json!({"a": "b"}));
}

#[tokio::test]
async fn deployment_names_need_a_prefix() {
    let lab = Lab::new().await;
    let mut body = lab.workspace_body("named").await;
    body["deployment_name"] = "Team-A".into();
    let (status, words) = lab.post("workspaces", body.clone()).await;
    assert_eq!(status, 400);
    assert!(
        words
            .as_str()
            .unwrap()
            .contains("until a deployment name prefix is defined")
    );
    lab.simulator.set_deployment_prefix(Some("acme".into()));
    let (_, workspace) = lab.post("workspaces", body.clone()).await;
    assert_eq!(workspace["deployment_name"], "acme-team-a");
    assert_eq!(lab.post("workspaces", body).await.0, 400, "taken");
}

#[tokio::test]
async fn a_network_is_for_one_workspace() {
    let lab = Lab::new().await;
    let id = lab.network("shared").await;
    let mut body = lab.workspace_body("one").await;
    body["network_id"] = id.clone().into();
    let (_, first) = lab.post("workspaces", body.clone()).await;
    let (status, words) = lab.post("workspaces", body).await;
    let expected = format!(
        "MALFORMED_REQUEST: Network {id} is used by another workspace {}.",
        first["workspace_id"]
    );
    assert_eq!((status, words.as_str()), (400, Some(expected.as_str())));
    assert_eq!(
        lab.post("networks", network("shared")).await.0,
        400,
        "its subnets are taken"
    );
}

#[tokio::test]
async fn two_workspaces_may_have_one_name() {
    let lab = Lab::new().await;
    let body = lab.workspace_body("twin").await;
    for _ in 0..2 {
        assert_eq!(lab.post("workspaces", body.clone()).await.0, 201);
    }
    assert_eq!(lab.simulator.inventory().workspaces.len(), 2);
}

#[tokio::test]
async fn service_principals_are_found_by_name_and_assigned() {
    let lab = Lab::new().await;
    let (id, application) = lab.principal("spoken for").await;
    let url = lab.request(Method::GET, "scim/v2/ServicePrincipals");
    let query = [("filter", "displayName eq \"spoken for\"")];
    let (_, found) = reply(url.query(&query).send().await.unwrap()).await;
    assert_eq!(found["totalResults"], 1);
    assert_eq!(found["Resources"][0]["applicationId"], application);

    let (early, _) = lab.workspace("early").await;
    let path = format!("workspaces/{early}/permissionassignments");
    assert_eq!(lab.get(&path).await.0, 400, "not before it runs");
    let site = lab.running("team").await;
    assert_eq!(site.assign(1, "USER").await.0, 404, "no such principal");
    assert_eq!(site.assign(id, "USER").await.0, 200);
    assert_eq!(lab.simulator.inventory().assignments.len(), 1);
    let path = format!("workspaces/{}/permissionassignments", site.id);
    let (_, list) = lab.get(&path).await;
    assert_eq!(list["permission_assignments"].as_array().unwrap().len(), 2);
    let one = format!("{path}/principals/{id}");
    assert_eq!(lab.delete(&one).await.0, 200);
    assert_eq!(lab.delete(&one).await.0, 404);
    let path = format!("scim/v2/ServicePrincipals/{id}");
    assert_eq!(lab.delete(&path).await.0, 204);
    assert_eq!(lab.delete(&path).await.0, 404);
}
