//! Vault, as OpenBao answers.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Lab, Reply, reply};

async fn send(lab: &Lab, method: &str, path: &str, body: Value) -> Reply {
    let world = lab.simulator.world();
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let kind = if method == Method::PATCH {
        "application/merge-patch+json"
    } else {
        "application/json"
    };
    let request = lab
        .http
        .request(method, format!("{}/v1/{path}", world.vault_address));
    let request = request
        .header("x-vault-token", &world.vault_token)
        .header("content-type", kind);
    let request = if body.is_null() {
        request
    } else {
        request.body(body.to_string())
    };
    reply(request.send().await.unwrap()).await
}

#[tokio::test]
async fn versions_are_written_by_check_and_set() {
    let lab = Lab::new().await;
    let put = |cas: u64, token: &str| json!({"options": {"cas": cas}, "data": {"token": token}});
    assert_eq!(
        send(&lab, "POST", "secret/data/a/b", put(1, "x")).await.0,
        400
    );
    assert_eq!(
        send(&lab, "POST", "secret/data/a/b", put(0, "x")).await.1["data"]["version"],
        1
    );
    let (status, refused) = send(&lab, "POST", "secret/data/a/b", put(0, "x")).await;
    assert_eq!(status, 400);
    assert_eq!(
        refused["errors"][0],
        "check-and-set parameter did not match the current version"
    );
    assert_eq!(
        send(&lab, "PUT", "secret/data/a/b", put(1, "y")).await.1["data"]["version"],
        2
    );
    let (_, read) = send(&lab, "GET", "secret/data/a/b", Value::Null).await;
    assert_eq!(read["data"]["data"], json!({"token": "y"}));
    let (_, read) = send(&lab, "GET", "secret/data/a/b?version=1", Value::Null).await;
    assert_eq!(read["data"]["data"], json!({"token": "x"}));

    let tags = json!({"custom_metadata": {"a": "1", "b": "2"}});
    assert_eq!(send(&lab, "POST", "secret/metadata/a/b", tags).await.0, 204);
    let patch = json!({"custom_metadata": {"a": null, "c": "3"}});
    assert_eq!(
        send(&lab, "PATCH", "secret/metadata/a/b", patch.clone())
            .await
            .0,
        204
    );
    assert_eq!(
        send(&lab, "PATCH", "secret/metadata/none", patch).await.0,
        404
    );
    let (_, metadata) = send(&lab, "GET", "secret/metadata/a/b", Value::Null).await;
    assert_eq!(
        metadata["data"]["custom_metadata"],
        json!({"b": "2", "c": "3"})
    );
    assert_eq!(metadata["data"]["current_version"], 2);
    let long = json!({"custom_metadata": {"a": "x".repeat(513)}});
    assert_eq!(send(&lab, "POST", "secret/metadata/a/b", long).await.0, 400);

    assert_eq!(lab.simulator.inventory().secrets["a/b"].metadata["c"], "3");
    assert_eq!(
        send(&lab, "DELETE", "secret/data/a/b", Value::Null).await.0,
        204
    );
    let (status, gone) = send(&lab, "GET", "secret/data/a/b", Value::Null).await;
    assert_eq!((status, &gone["data"]["data"]), (404, &Value::Null));
    assert_eq!(
        send(&lab, "DELETE", "secret/metadata/a/b", Value::Null)
            .await
            .0,
        204
    );
    let (status, gone) = send(&lab, "GET", "secret/metadata/a/b", Value::Null).await;
    assert_eq!((status, gone), (404, json!({"errors": []})));
    assert!(lab.simulator.inventory().is_empty());
}

#[tokio::test]
async fn tokens_and_seals_are_respected() {
    let lab = Lab::new().await;
    let url = format!("{}/v1/secret/data/x", lab.simulator.world().vault_address);
    let wrong = lab.http.get(&url).header("x-vault-token", "wrong");
    assert_eq!(reply(wrong.send().await.unwrap()).await.0, 403);
    assert_eq!(reply(lab.http.get(&url).send().await.unwrap()).await.0, 403);
    assert_eq!(
        send(&lab, "GET", "auth/token/lookup-self", Value::Null)
            .await
            .0,
        200
    );
    let paths = json!({"paths": ["secret/data/x", "other/x"]});
    let (_, may) = send(&lab, "POST", "sys/capabilities-self", paths).await;
    assert_eq!(may["data"]["other/x"], json!(["deny"]));
    assert!(
        may["secret/data/x"]
            .as_array()
            .unwrap()
            .contains(&json!("create"))
    );
    assert_eq!(send(&lab, "GET", "sys/health", Value::Null).await.0, 200);
    lab.simulator.set_store_sealed(true);
    assert_eq!(send(&lab, "GET", "sys/health", Value::Null).await.0, 503);
    let (status, sealed) = send(&lab, "GET", "secret/data/x", Value::Null).await;
    assert_eq!(
        (status, sealed),
        (503, json!({"errors": ["Vault is sealed"]}))
    );
}
