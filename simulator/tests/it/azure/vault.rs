//! The key vault: versions, what stands beside them, deleting and recovering.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use simulator::{Call, Fault, FaultKind};

use super::Azure;
use crate::support::{Reply, reply};

struct Vault {
    azure: Azure,
    token: String,
}

impl Vault {
    async fn new() -> Vault {
        let azure = Azure::new().await;
        let token = azure.token_for("https://vault.azure.net").await;
        Vault { azure, token }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let vault = &self.azure.world().vault_url;
        let url = format!("{vault}/{path}?api-version=7.4&{query}");
        self.azure
            .http
            .request(method, url)
            .bearer_auth(&self.token)
    }

    async fn send(&self, method: Method, path: &str, body: Value) -> Reply {
        let request = self.request(method, path);
        let request = match body {
            Value::Null => request,
            body => request.json(&body),
        };
        reply(request.send().await.unwrap()).await
    }

    async fn put(&self, name: &str, value: &str) -> Reply {
        let body = json!({"value": value, "tags": {"token_id": value}});
        self.send(Method::PUT, &format!("secrets/{name}"), body)
            .await
    }

    async fn get(&self, path: &str) -> Reply {
        self.send(Method::GET, path, Value::Null).await
    }

    /// Status and inner code of a refusal.
    async fn refused(&self, method: Method, path: &str, body: Value) -> (u16, String) {
        let (status, body) = self.send(method, path, body).await;
        let error = &body["error"];
        let code = error["innererror"]["code"]
            .as_str()
            .or(error["code"].as_str());
        (status, code.unwrap_or_default().to_owned())
    }
}

#[tokio::test]
async fn versions_are_set_listed_and_updated() {
    let vault = Vault::new().await;
    let (status, first) = vault.put("ws1-pat", "one").await;
    assert_eq!(status, 200, "{first}");
    assert_eq!(first["attributes"]["recoverableDays"], 90);
    let id = first["id"].as_str().unwrap();
    let version = id.rsplit('/').next().unwrap();
    assert_eq!(version.len(), 32);
    vault.put("WS1-pat", "two").await;
    assert_eq!(vault.get("secrets/ws1-pat").await.1["value"], "two");
    assert_eq!(
        vault.get(&format!("secrets/ws1-pat/{version}")).await.1["value"],
        "one"
    );
    let tags = json!({"tags": {"token_id": "three"}, "attributes": {"exp": 1_900_000_000}});
    let (_, patched) = vault.send(Method::PATCH, "secrets/ws1-pat", tags).await;
    assert_eq!(
        (&patched["tags"]["token_id"], patched.get("value")),
        (&json!("three"), None)
    );
    let (_, versions) = vault.get("secrets/ws1-pat/versions").await;
    assert_eq!(versions["value"].as_array().unwrap().len(), 2);
    for number in 0..30 {
        vault.put(&format!("other-{number}"), "x").await;
    }
    let (_, page) = vault.get("secrets?maxresults=20").await;
    let next = page["nextLink"].as_str().unwrap();
    let rest = vault
        .azure
        .http
        .get(next)
        .bearer_auth(&vault.token)
        .send()
        .await
        .unwrap();
    let (_, rest) = reply(rest).await;
    assert_eq!(
        (rest["value"].as_array().unwrap().len(), &rest["nextLink"]),
        (11, &Value::Null)
    );
    let inventory = vault.azure.simulator.inventory();
    assert_eq!(inventory.created("secret_versions"), 32);
    let secret = &inventory.secrets["ws1-pat"];
    assert_eq!(secret.versions[&2].as_ref().unwrap()["text"], "two");
    assert_eq!(secret.metadata["token_id"], "three");
    assert_eq!(vault.azure.mistakes(), 0);
}

#[tokio::test]
async fn a_deleted_secret_is_in_the_way_until_it_is_recovered_or_purged() {
    let vault = Vault::new().await;
    vault.put("pat", "one").await;
    let (_, deleted) = vault.send(Method::DELETE, "secrets/pat", Value::Null).await;
    assert!(
        deleted["recoveryId"]
            .as_str()
            .unwrap()
            .ends_with("/deletedsecrets/pat")
    );
    assert_eq!(vault.get("deletedsecrets/pat").await.0, 404);
    let put = || vault.refused(Method::PUT, "secrets/pat", json!({"value": "two"}));
    assert_eq!(put().await, (409, "ObjectIsBeingDeleted".into()));
    vault.azure.pass(5);
    assert_eq!(vault.get("deletedsecrets/pat").await.0, 200);
    assert_eq!(
        vault.get("deletedsecrets").await.1["value"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(put().await, (409, "ObjectIsDeletedButRecoverable".into()));
    assert_eq!(
        vault.get("secrets/pat").await.1["error"]["code"],
        "SecretNotFound"
    );
    let inventory = vault.azure.simulator.inventory();
    assert!(inventory.is_empty() && inventory.deleted_secrets == ["pat"]);
    let fault = Fault::new(FaultKind::RecoverLate).seconds(20.0);
    vault.azure.simulator.fault(fault);
    let recover = "deletedsecrets/pat/recover";
    assert_eq!(vault.send(Method::POST, recover, Value::Null).await.0, 200);
    assert_eq!(vault.get("secrets/pat").await.0, 404);
    vault.azure.pass(10);
    assert_eq!(
        vault.get("secrets/pat").await.0,
        200,
        "it reads before it writes"
    );
    assert_eq!(put().await, (409, "ObjectIsBeingRecovered".into()));
    vault.azure.pass(10);
    assert_eq!(vault.put("pat", "two").await.0, 200);
    vault.send(Method::DELETE, "secrets/pat", Value::Null).await;
    vault.azure.pass(5);
    assert_eq!(
        vault
            .send(Method::DELETE, "deletedsecrets/pat", Value::Null)
            .await
            .0,
        204
    );
    assert_eq!(vault.put("pat", "three").await.0, 200);
    assert_eq!(vault.azure.mistakes(), 0);
}

#[tokio::test]
async fn a_call_without_a_token_is_told_where_to_get_one() {
    let vault = Vault::new().await;
    let world = vault.azure.world();
    let ask = async |base: &str| {
        let url = format!("{base}/secrets/pat?api-version=7.4");
        let response = vault.azure.http.put(url).send().await.unwrap();
        assert_eq!(response.status(), 401);
        response.headers()["www-authenticate"]
            .to_str()
            .unwrap()
            .to_owned()
    };
    let by_name = ask(&world.vault_url).await;
    let tenant = format!(
        "authorization=\"{}/{}\"",
        world.authority_host, world.tenant_id
    );
    assert!(by_name.contains(&tenant), "{by_name}");
    assert!(by_name.contains("resource=\"https://vault.azure.brickyard.test\""));
    let port = world.vault_url.rsplit(':').next().unwrap();
    let by_path = ask(&format!("https://127.0.0.1:{port}")).await;
    assert!(by_path.contains("resource=\"https://vault.azure.net\""));
    assert_eq!(vault.azure.mistakes(), 0, "clients begin like this");
}

#[tokio::test]
async fn what_is_wrong_is_refused_and_remembered() {
    let vault = Vault::new().await;
    let url = format!("{}/secrets/pat", vault.azure.world().vault_url);
    let bare = vault.azure.http.get(url).bearer_auth(&vault.token);
    assert_eq!(bare.send().await.unwrap().status(), 400, "no version");
    let long = "x".repeat(26_000);
    let many: Value = (0..16)
        .map(|n| (n.to_string(), json!("")))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let wrong = [
        ("secrets/with_underscore", json!({"value": "x"})),
        ("secrets/pat", json!({"value": "x", "colour": "blue"})),
        ("secrets/pat", json!({"tags": {}})),
        ("secrets/pat", json!({"value": long})),
        ("secrets/pat", json!({"value": "x", "tags": many})),
        (
            "secrets/pat",
            json!({"value": "x", "attributes": {"created": 1}}),
        ),
        (
            "secrets/pat",
            json!({"value": "x", "attributes": {"exp": 1_900_000_000_000_i64}}),
        ),
        ("secrets/pat?colour=blue", json!({"value": "x"})),
    ];
    for (path, body) in &wrong {
        let refused = vault.refused(Method::PUT, path, body.clone()).await;
        assert_eq!(refused, (400, "BadParameter".into()), "{path} {body}");
    }
    assert_eq!(vault.get("secrets?maxresults=26").await.0, 400);
    assert_eq!(vault.azure.mistakes(), wrong.len() + 2);
    assert!(vault.azure.simulator.inventory().is_empty());
}

#[tokio::test]
async fn faults_answer_as_the_vault_does() {
    let vault = Vault::new().await;
    let fault = |kind| {
        vault
            .azure
            .simulator
            .fault(Fault::new(kind).on(Call::StorePut))
    };
    for (kind, status, code) in [
        (FaultKind::StoreDenied, 403, "ForbiddenByRbac"),
        (FaultKind::StoreSealed, 503, "ServiceUnavailable"),
        (FaultKind::Throttled, 429, "Throttled"),
        (FaultKind::ErrorBeforeActing, 500, "InternalServerError"),
        (FaultKind::Unauthorized, 401, "Unauthorized"),
    ] {
        fault(kind);
        let refused = vault
            .refused(Method::PUT, "secrets/pat", json!({"value": "x"}))
            .await;
        assert_eq!(refused, (status, code.into()), "{kind}");
    }
    fault(FaultKind::AnswerLost);
    let lost = vault
        .request(Method::PUT, "secrets/pat")
        .json(&json!({"value": "x"}));
    assert!(lost.send().await.is_err());
    assert_eq!(
        vault.azure.simulator.inventory().created("secret_versions"),
        1
    );
}
