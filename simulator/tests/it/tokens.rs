//! PATs: minting, on behalf, listing, revoking, permissions, quota.

use reqwest::Method;
use serde_json::json;

use crate::support::Lab;

#[tokio::test]
async fn a_pat_lives_until_it_is_revoked() {
    let lab = Lab::new().await;
    let site = lab.running("team").await;
    let (status, minted) = site
        .post(
            "token/create",
            json!({"lifetime_seconds": 60, "comment": "mine"}),
        )
        .await;
    assert_eq!(status, 200);
    let value = minted["token_value"].as_str().unwrap();
    let id = minted["token_info"]["token_id"].as_str().unwrap();
    assert!(value.starts_with("dapi") && value.len() == 36 && id.len() == 64);
    assert_eq!(site.me(value).await.0, 200);
    assert_eq!(
        site.get("token/list").await.1["token_infos"][0]["comment"],
        "mine"
    );
    let (_, all) = site.get("token-management/tokens").await;
    assert_eq!(all["token_infos"][0]["token_id"], id);
    assert_eq!(
        site.post("token/delete", json!({"token_id": id})).await.0,
        200
    );
    assert_eq!(
        site.post("token/delete", json!({"token_id": id})).await.0,
        404
    );
    let (status, refused) = site.me(value).await;
    assert_eq!((status, &refused["error_code"]), (403, &json!(403)));

    for seconds in [0, -1, 730 * 86_400 + 1] {
        assert_eq!(
            site.post("token/create", json!({"lifetime_seconds": seconds}))
                .await
                .0,
            400
        );
    }
    site.post("token/create", json!({"lifetime_seconds": 1}))
        .await;
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    assert_eq!(
        site.get("token/list").await.1["token_infos"],
        json!([]),
        "expired"
    );
    assert!(lab.simulator.inventory().tokens.is_empty());
}

#[tokio::test]
async fn on_behalf_needs_membership_and_permission() {
    let lab = Lab::new().await;
    let site = lab.running("team").await;
    let (principal, application) = lab.principal("team principal").await;
    let path = "token-management/on-behalf-of/tokens";
    let body = json!({"application_id": application, "lifetime_seconds": 60, "comment": "m"});
    assert_eq!(
        site.post(path, body.clone()).await.0,
        404,
        "not in the workspace"
    );
    site.assign(principal, "USER").await;
    assert_eq!(site.post(path, body.clone()).await.0, 403, "no permission");
    let permission = json!({"access_control_list": [
        {"service_principal_name": application, "permission_level": "CAN_USE"}
    ]});
    let permissions = "permissions/authorization/tokens";
    let (status, _) = site
        .send(&site.token, Method::PATCH, permissions, Some(permission))
        .await;
    assert_eq!(status, 200);
    let (status, minted) = site.post(path, body).await;
    assert_eq!(status, 200, "{minted}");
    let value = minted["token_value"].as_str().unwrap();
    assert_eq!(site.me(value).await.1["userName"], application);
    let (status, _) = site
        .send(value, Method::GET, "token-management/tokens", None)
        .await;
    assert_eq!(status, 403, "it is no admin");
    let record = &lab.simulator.inventory().tokens[0];
    assert_eq!((record.owner, record.workspace_id), (principal, site.id));
    let (_, list) = site
        .get(&format!(
            "token-management/tokens?created_by_id={principal}"
        ))
        .await;
    assert_eq!(list["token_infos"], json!([]), "the provisioner created it");
    let one = format!("token-management/tokens/{}", record.id);
    assert_eq!(site.get(&one).await.1["token_info"]["owner_id"], principal);
    assert_eq!(
        site.send(&site.token, Method::DELETE, &one, None).await.0,
        200
    );
    assert_eq!(site.get(&one).await.0, 404);
}

#[tokio::test]
async fn pats_die_with_their_principal_and_their_workspace() {
    let lab = Lab::new().await;
    let site = lab.running("team").await;
    let (principal, application) = lab.principal("admin").await;
    site.assign(principal, "ADMIN").await;
    let body = json!({"application_id": application});
    site.post("token-management/on-behalf-of/tokens", body)
        .await;
    site.post("token/create", json!({})).await;
    assert_eq!(lab.simulator.inventory().tokens.len(), 2);
    lab.delete(&format!("scim/v2/ServicePrincipals/{principal}"))
        .await;
    assert_eq!(lab.simulator.inventory().tokens.len(), 1);
    lab.delete(&format!("workspaces/{}", site.id)).await;
    assert_eq!(lab.simulator.inventory().tokens.len(), 0);
}

#[tokio::test]
async fn there_are_at_most_600() {
    let lab = Lab::new().await;
    let site = lab.running("team").await;
    for _ in 0..600 {
        assert_eq!(site.post("token/create", json!({})).await.0, 200);
    }
    assert_eq!(
        site.post("token/create", json!({})).await.1["error_code"],
        "QUOTA_EXCEEDED"
    );
}
