//! What the vendor refuses is refused, and remembered.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Lab, credentials, network, reply, storage, text};

#[tokio::test]
async fn bodies_are_checked() {
    let lab = Lab::new().await;
    lab.credentials("taken").await;
    lab.storage("taken").await;
    lab.network("taken").await;
    let base = lab.workspace_body("base").await;
    let with = |mut body: Value, key: &str, value: Value| {
        body[key] = value;
        body
    };
    let without = |mut body: Value, key: &str| {
        body.as_object_mut().unwrap().remove(key);
        body
    };
    let c = credentials;
    let (s, n) = (storage("stor"), network("netw"));
    let unknown_id = "6f1ecb6a-9a5d-4b3a-9b0e-3d9e5a0f0000";
    let cases = [
        (
            "credentials",
            with(c("more"), "extra", 1.into()),
            400,
            "Cannot parse request body",
        ),
        (
            "credentials",
            without(c("more"), "aws_credentials"),
            400,
            "Cannot parse request body",
        ),
        ("credentials", c("abc"), 400, "between 4 and 256"),
        ("credentials", c(&"x".repeat(257)), 400, "between 4 and 256"),
        ("credentials", c("taken"), 409, "RESOURCE_ALREADY_EXISTS"),
        (
            "storage-configurations",
            with(s.clone(), "x", 1.into()),
            400,
            "Cannot parse",
        ),
        (
            "storage-configurations",
            with(s.clone(), "root_bucket_info", json!({"bucket_name": "UP"})),
            400,
            "bucket",
        ),
        (
            "storage-configurations",
            storage("taken"),
            409,
            "RESOURCE_ALREADY_EXISTS",
        ),
        (
            "networks",
            with(n.clone(), "subnet_ids", json!(["subnet-1"])),
            400,
            "two subnet",
        ),
        (
            "networks",
            with(n.clone(), "security_group_ids", json!([])),
            400,
            "one and five",
        ),
        (
            "networks",
            with(n.clone(), "subnet_ids", json!(["subnet-1", "subnet-1"])),
            400,
            "named twice",
        ),
        (
            "networks",
            with(n.clone(), "subnet_ids", json!(["subnet-1", "sg-2"])),
            400,
            "Invalid id",
        ),
        (
            "networks",
            with(
                n.clone(),
                "subnet_ids",
                json!(["subnet-1", "subnet-taken-2"]),
            ),
            400,
            "Subnet subnet-taken-2 is used by another network configuration.",
        ),
        (
            "networks",
            with(n.clone(), "security_group_ids", json!(["sg-taken"])),
            400,
            "Security group sg-taken is used by another network configuration.",
        ),
        (
            "networks",
            with(n.clone(), "network_name", "taken".into()),
            409,
            "RESOURCE_ALREADY_EXISTS",
        ),
        (
            "networks",
            with(n.clone(), "network_name", "net".into()),
            400,
            "between 4 and 256",
        ),
        (
            "networks",
            with(n.clone(), "vpc_endpoints", json!({"rest_api": ["e-1"]})),
            404,
            "VPC endpoint e-1",
        ),
        (
            "networks",
            with(n.clone(), "gcp_network_info", json!({})),
            400,
            "Cannot parse",
        ),
        (
            "networks",
            without(n.clone(), "security_group_ids"),
            400,
            "Cannot parse",
        ),
        ("networks", with(n, "vpc_id", "1".into()), 400, "vpc_id"),
        (
            "workspaces",
            with(base.clone(), "nonsense", 1.into()),
            400,
            "unknown field `nonsense`",
        ),
        (
            "workspaces",
            without(base.clone(), "workspace_name"),
            400,
            "missing field",
        ),
        (
            "workspaces",
            without(base.clone(), "credentials_id"),
            400,
            "credentials_id is required",
        ),
        (
            "workspaces",
            with(base.clone(), "workspace_name", "x".repeat(101).into()),
            400,
            "between 1 and 100",
        ),
        (
            "workspaces",
            with(base.clone(), "credentials_id", unknown_id.into()),
            404,
            "does not exist",
        ),
        (
            "workspaces",
            with(
                base.clone(),
                "credentials_id",
                format!("a/{unknown_id}").into(),
            ),
            400,
            "Invalid credentialsId",
        ),
        (
            "workspaces",
            with(base.clone(), "pricing_tier", "GOLD".into()),
            400,
            "Cannot parse",
        ),
        (
            "workspaces",
            with(base.clone(), "compute_mode", "SERVERLESS".into()),
            400,
            "serverless",
        ),
        (
            "workspaces",
            with(base.clone(), "custom_tags", json!({"": "x"})),
            400,
            "tag",
        ),
        (
            "workspaces",
            with(base.clone(), "aws_region", "mars".into()),
            400,
            "region",
        ),
        (
            "scim/v2/ServicePrincipals",
            json!({"displayName": "x", "nope": 1}),
            400,
            "nope",
        ),
        ("scim/v2/ServicePrincipals", json!({}), 400, "displayName"),
    ];
    let before = lab.simulator.inventory().ever_created;
    for (path, body, status, words) in cases {
        let (got, answer) = lab.post(path, body.clone()).await;
        assert_eq!(got, status, "{path} {body}: {answer}");
        assert!(text(&answer).contains(words), "{path} {body}: {answer}");
    }
    assert_eq!(
        lab.simulator.inventory().ever_created,
        before,
        "nothing was made"
    );
    assert!(!lab.simulator.unexpected().is_empty());
}

#[tokio::test]
async fn unparsable_bodies_are_answered_as_text() {
    let lab = Lab::new().await;
    let request = lab
        .request(Method::POST, "credentials")
        .header("content-type", "application/json");
    let response = request.body("{").send().await.unwrap();
    assert_eq!(
        response.headers()["content-type"],
        "text/plain; charset=utf-8"
    );
    let (status, words) = reply(response).await;
    assert_eq!(status, 400);
    assert!(text(&words).starts_with("MALFORMED_REQUEST: Cannot parse request body: "));
    let untyped = lab
        .request(Method::POST, "credentials")
        .body(credentials("plain").to_string());
    assert_eq!(
        reply(untyped.send().await.unwrap()).await.0,
        400,
        "the content type is missing"
    );
}

#[tokio::test]
async fn tokens_hosts_routes_and_queries_are_checked() {
    let lab = Lab::new().await;
    let url = lab.account_url("workspaces");
    let status =
        async |request: reqwest::RequestBuilder| request.send().await.unwrap().status().as_u16();
    assert_eq!(status(lab.http.get(&url)).await, 401, "no token");
    assert_eq!(
        status(lab.http.get(&url).bearer_auth("x")).await,
        401,
        "a foreign token"
    );
    assert_eq!(
        lab.get("workspaces?page=2").await.0,
        400,
        "an unknown query"
    );
    assert_eq!(lab.get("wrkspaces").await.0, 404, "no such route");
    assert_eq!(
        lab.simulator.unexpected().len(),
        3,
        "a foreign token is no mistake of form"
    );

    let host = &lab.simulator.world().account_host;
    let other = format!("{host}/api/2.0/accounts/00000000-0000-4000-8000-000000000000/workspaces");
    assert_eq!(
        status(lab.http.get(other).bearer_auth(&lab.token)).await,
        404,
        "another account"
    );
    let (id, deployment) = lab.workspace("young").await;
    let me = lab.http.get(format!("{host}/api/2.0/preview/scim/v2/Me"));
    let me = me
        .header("host", format!("{deployment}.x.test"))
        .bearer_auth(&lab.token);
    assert_eq!(status(me).await, 503, "it does not run yet");
    let _ = id;
    let site = lab.running("grown").await;
    assert_eq!(site.me(&lab.token).await.0, 401, "a token of the account");
    let other = lab.running("other").await;
    assert_eq!(
        other.me(&site.token).await.0,
        401,
        "a token of another workspace"
    );
    assert_eq!(site.me(&site.token).await.0, 200);
    let account = lab.http.get(&url).bearer_auth(&site.token);
    assert_eq!(
        status(account).await,
        401,
        "a workspace's token at the account"
    );
}

#[tokio::test]
async fn oauth_is_checked() {
    let lab = Lab::new().await;
    let world = lab.simulator.world();
    let url = lab.account_token_url();
    let form = [("grant_type", "client_credentials"), ("scope", "all-apis")];
    let ask = async |secret: &str, form: &[(&str, &str)]| {
        let request = lab
            .http
            .post(&url)
            .basic_auth(&world.client_id, Some(secret));
        reply(request.form(form).send().await.unwrap()).await
    };
    let (status, body) = ask("wrong", &form).await;
    assert_eq!((status, &body["error"]), (401, &json!("invalid_client")));
    assert_eq!(
        ask(&world.client_secret, &form[..1]).await.1["error"],
        "invalid_scope"
    );
    assert_eq!(
        ask(&world.client_secret, &form[1..]).await.1["error"],
        "unsupported_grant_type"
    );
    assert_eq!(ask(&world.client_secret, &form).await.1["expires_in"], 3600);
    let (status, page) = lab.oauth(&url.replace(&world.account_id, "other")).await;
    assert_eq!(status, 200);
    assert!(
        text(&page).contains("<html>"),
        "a wrong account answers a page"
    );
}
