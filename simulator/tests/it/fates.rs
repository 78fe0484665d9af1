//! Fates: what befalls workspaces, tokens and objects after a call was taken.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use simulator::{Fault, FaultKind};

use crate::support::{Lab, text};

#[tokio::test]
async fn workspaces_lag_and_flap() {
    let lab = Lab::new().await;
    let (id, _) = lab.workspace("fault-list-lag-x1").await;
    assert_eq!(lab.get(&format!("workspaces/{id}")).await.0, 200);
    assert_eq!(lab.get("workspaces").await.1, json!([]));
    lab.simulator.advance(Duration::from_secs(30));
    assert_eq!(lab.get("workspaces").await.1.as_array().unwrap().len(), 1);

    let (id, _) = lab.workspace("fault-tags-late-x1").await;
    let path = format!("workspaces/{id}");
    assert_eq!(lab.get(&path).await.1.get("custom_tags"), None);
    assert_eq!(lab.simulator.inventory().workspaces[1].tags["team"], "a");
    lab.simulator.advance(Duration::from_secs(600));
    assert_eq!(lab.get(&path).await.1["custom_tags"]["team"], "a");

    let site = lab.running("fault-api-flaps-x1").await;
    let mut seen = Vec::new();
    for _ in 0..7 {
        seen.push(site.me(&site.token).await.0);
    }
    assert_eq!(seen, [503, 400, 200, 503, 400, 200, 200]);
}

#[tokio::test]
async fn workspaces_do_not_let_in_at_first() {
    let lab = Lab::new().await;
    lab.simulator
        .fault(Fault::new(FaultKind::PrincipalNotAssigned).workspace("new"));
    let (id, deployment) = lab.workspace("new-team").await;
    lab.simulator.advance(Duration::from_secs(480));
    let site = crate::support::Site {
        lab: &lab,
        id,
        deployment,
        token: String::new(),
    };
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(site.oauth().await.0);
    }
    assert_eq!(seen, [401, 401, 401, 200]);

    let (principal, _) = lab.principal("somebody").await;
    lab.simulator.fault(Fault::new(FaultKind::AssignmentLate));
    for status in [400, 400, 400, 200] {
        assert_eq!(site.assign(principal, "USER").await.0, status);
    }
}

#[tokio::test]
async fn minting_is_refused_in_its_ways() {
    use FaultKind as K;
    let lab = Lab::new().await;
    let site = lab.running("team").await;
    let obo = "token-management/on-behalf-of/tokens";
    let body = json!({"application_id": "x"});
    for (kind, path, status, words) in [
        (
            K::TokensDisabled,
            "token/create",
            404,
            "Tokens are disabled.",
        ),
        (K::TokenQuota, "token/create", 400, "QUOTA_EXCEEDED"),
        (K::OboForbidden, obo, 403, "PERMISSION_DENIED"),
    ] {
        lab.simulator.fault(Fault::new(kind));
        let body = if path == obo { body.clone() } else { json!({}) };
        let (got, answer) = site.post(path, body).await;
        assert_eq!(got, status, "{kind}");
        assert!(text(&answer).contains(words), "{kind}: {answer}");
    }
    lab.simulator.fault(Fault::new(K::TokenPermissionsMissing));
    let list = Some(json!({"access_control_list": []}));
    let path = "permissions/authorization/tokens";
    let (status, answer) = site.send(&site.token, Method::PATCH, path, list).await;
    assert_eq!(
        (status, &answer["message"]),
        (404, &json!("tokens tokens does not exist"))
    );

    lab.simulator.fault(Fault::new(K::ShortTokens).seconds(1.0));
    let (_, short) = site.oauth().await;
    assert_eq!(short["expires_in"], 1);
    let token = short["access_token"].as_str().unwrap();
    assert_eq!(site.me(token).await.0, 200);
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(site.me(token).await.0, 401);
}

#[tokio::test]
async fn objects_stay_in_use_for_a_while() {
    let lab = Lab::new().await;
    let network = lab.network("busy").await;
    lab.simulator
        .fault(Fault::new(FaultKind::DeleteInUse).seconds(60.0));
    let path = format!("networks/{network}");
    assert_eq!(lab.delete(&path).await, (409, json!("")));
    let credentials = lab.credentials("some").await;
    let (status, words) = lab.delete(&format!("credentials/{credentials}")).await;
    assert_eq!(status, 400);
    assert!(text(&words).starts_with("INVALID_STATE: "));
    lab.simulator.advance(Duration::from_secs(60));
    assert_eq!(lab.delete(&path).await.0, 200);
}
