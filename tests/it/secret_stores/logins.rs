//! Logging in to Vault: AppRole and Kubernetes, against the simulator and OpenBao; what happens when a login ends.

use super::servers::Server;
use super::vault::{inside, vault};
use super::{arrived, contract, simulator, value};
use axum::Router;
use axum::routing::post;
use brickyard::outbound::Verb;
use brickyard::secrets::vault::Auth;
use brickyard::secrets::{SecretStore, StoreFailure};
use serde_json::{Value, json};
use simulator::{Call, Fault, FaultKind, Simulator};
use std::path::Path;
use std::time::Duration;

fn approle(role_id: &str, secret_id: &str) -> Auth {
    Auth::AppRole {
        mount: "approle".to_owned(),
        role_id: role_id.to_owned(),
        secret_id: secret_id.to_owned().into(),
    }
}

fn kubernetes(role: &str, jwt_file: &Path) -> Auth {
    Auth::Kubernetes {
        mount: "kubernetes".to_owned(),
        role: role.to_owned(),
        jwt_file: jwt_file.to_owned(),
    }
}

fn approle_of(simulator: &Simulator) -> Auth {
    let world = simulator.world();
    approle(&world.vault_role_id, &world.vault_secret_id)
}

#[tokio::test]
async fn the_simulator_lets_in_who_may() {
    let simulator = simulator().await;
    let world = simulator.world();
    let folder = tempfile::tempdir().unwrap();
    let (jwt, strangers) = (folder.path().join("jwt"), folder.path().join("stranger"));
    std::fs::write(&jwt, format!("{}\n", world.vault_kubernetes_jwt)).unwrap();
    std::fs::write(&strangers, "stranger").unwrap();
    let role = &world.vault_kubernetes_role;
    for auth in [approle_of(&simulator), kubernetes(role, &jwt)] {
        let logins = arrived(&simulator, Call::StoreLogin);
        contract::keeps(&vault(&world.vault_address, auth)).await;
        assert_eq!(arrived(&simulator, Call::StoreLogin), logins + 1);
    }
    for auth in [
        approle(&world.vault_role_id, "stranger"),
        kubernetes("another", &jwt),
        kubernetes(role, &strangers),
        kubernetes(role, &folder.path().join("not-there")),
    ] {
        contract::knows_strangers(&vault(&world.vault_address, auth)).await;
    }
    let unexpected = simulator.unexpected();
    assert!(unexpected.is_empty(), "{unexpected:?}");
}

#[tokio::test]
async fn many_calls_share_one_login() {
    let simulator = simulator().await;
    let store = vault(&simulator.world().vault_address, approle_of(&simulator));
    simulator.fault(
        Fault::new(FaultKind::Slow)
            .on(Call::StoreLogin)
            .seconds(0.3),
    );
    let checks = (0..20).map(|_| store.check("a/b"));
    for checked in futures_util::future::join_all(checks).await {
        checked.unwrap();
    }
    assert_eq!(arrived(&simulator, Call::StoreLogin), 1);
}

#[tokio::test]
async fn a_login_is_done_again_before_it_ends() {
    let simulator = simulator().await;
    let store = vault(&simulator.world().vault_address, approle_of(&simulator));
    let short = Fault::new(FaultKind::ShortTokens).on(Call::StoreLogin);
    simulator.fault(short.seconds(3.0));
    let refused = || {
        let arrivals = simulator.arrivals();
        arrivals.iter().filter(|it| it.status == Some(403)).count()
    };
    store.check("a/b").await.unwrap();
    tokio::time::sleep(Duration::from_millis(2100)).await;
    // A server that is down for a moment does not matter while the last login is good.
    simulator.fault(
        Fault::new(FaultKind::StoreSealed)
            .on(Call::StoreLogin)
            .times(1),
    );
    simulator.clear_faults();
    simulator.fault(
        Fault::new(FaultKind::StoreSealed)
            .on(Call::StoreLogin)
            .times(1),
    );
    store.check("a/b").await.unwrap();
    assert_eq!((arrived(&simulator, Call::StoreLogin), refused()), (2, 0));
    // It is over now, and nobody had renewed it: refused once, or renewed first, but never failed.
    tokio::time::sleep(Duration::from_millis(1200)).await;
    store.check("a/b").await.unwrap();
    assert_eq!(arrived(&simulator, Call::StoreLogin), 3);
    assert!(refused() <= 1);
}

#[tokio::test]
async fn a_refused_token_is_replaced_once_and_never_in_a_loop() {
    let simulator = simulator().await;
    let store = vault(&simulator.world().vault_address, approle_of(&simulator));
    store.check("a/b").await.unwrap();
    // A login made a moment ago is not what is refused.
    simulator.fault(
        Fault::new(FaultKind::StoreDenied)
            .on(Call::StorePut)
            .times(1),
    );
    let error = store.put("a/b", value(), None).await.unwrap_err();
    assert_eq!(error.failure, StoreFailure::Denied);
    assert_eq!(arrived(&simulator, Call::StoreLogin), 1);

    tokio::time::sleep(Duration::from_millis(1100)).await;
    simulator.fault(
        Fault::new(FaultKind::StoreDenied)
            .on(Call::StorePut)
            .times(1),
    );
    store.put("a/b", value(), None).await.unwrap();
    assert_eq!(arrived(&simulator, Call::StoreLogin), 2);

    tokio::time::sleep(Duration::from_millis(1100)).await;
    let puts = arrived(&simulator, Call::StorePut);
    simulator.fault(
        Fault::new(FaultKind::StoreDenied)
            .on(Call::StorePut)
            .times(0),
    );
    let error = store.put("a/c", value(), None).await.unwrap_err();
    assert_eq!(error.failure, StoreFailure::Denied);
    assert_eq!(arrived(&simulator, Call::StoreLogin), 3);
    assert_eq!(arrived(&simulator, Call::StorePut), puts + 2);
}

/// What a service may do at its store, and no more: it cannot read a value.
const POLICY: &str = r#"
path "secret/data/*" { capabilities = ["create", "update"] }
path "secret/metadata/*" { capabilities = ["create", "read", "update", "delete"] }
"#;

async fn write_policy(server: &Server, namespace: &str) {
    let path = format!("v1/{namespace}sys/policies/acl/brickyard");
    server
        .call(Verb::Put, &path, json!({"policy": POLICY}))
        .await;
}

#[tokio::test]
async fn a_real_openbao_lets_an_approle_in() {
    let server = Server::openbao().await;
    server
        .call(Verb::Post, "v1/sys/namespaces/team", json!({}))
        .await;
    let engine = json!({"type": "kv", "options": {"version": "2"}});
    server
        .call(Verb::Post, "v1/team/sys/mounts/secret", engine)
        .await;
    for namespace in ["", "team/"] {
        write_policy(&server, namespace).await;
        let at = |path: &str| format!("v1/{namespace}{path}");
        let method = json!({"type": "approle"});
        server
            .call(Verb::Post, &at("sys/auth/approle"), method)
            .await;
        let role = at("auth/approle/role/brickyard");
        let rights = json!({"token_policies": "brickyard", "token_ttl": "3s"});
        server.call(Verb::Post, &role, rights).await;
        let id = server
            .call(Verb::Get, &format!("{role}/role-id"), Value::Null)
            .await;
        let secret = server
            .call(Verb::Post, &format!("{role}/secret-id"), json!({}))
            .await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let auth = approle(
            &text(&id["data"]["role_id"]),
            &text(&secret["data"]["secret_id"]),
        );
        let store = inside(&server.address, auth, Some(namespace));
        contract::keeps(&store).await;
        // The login has ended by then.
        tokio::time::sleep(Duration::from_secs(4)).await;
        contract::lets_one_win(&store).await;
        let stranger = approle(&text(&id["data"]["role_id"]), "stranger");
        contract::knows_strangers(&inside(&server.address, stranger, Some(namespace))).await;
    }
}

/// Answers what an API server answers about the token `good`: whose it is.
async fn token_review() -> String {
    let review = |body: String| async move {
        let asked: Value = serde_json::from_str(&body).unwrap();
        let status = if asked["spec"]["token"] == jwt() {
            json!({
                "authenticated": true,
                "user": {
                    "username": "system:serviceaccount:platform:brickyard",
                    "uid": "5f0c1a4e-0000-4000-8000-51a01a70f000",
                    "groups": ["system:serviceaccounts"],
                },
                "audiences": ["https://kubernetes.default.svc"],
            })
        } else {
            json!({"authenticated": false, "error": "unknown token"})
        };
        let answer = json!({
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "metadata": {}, "spec": asked["spec"],
            "status": status,
        });
        (axum::http::StatusCode::CREATED, axum::Json(answer))
    };
    let path = "/apis/authentication.k8s.io/v1/tokenreviews";
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let app = Router::new().route(path, post(review));
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// A service account's token, of which OpenBao reads the claims before it asks for a review.
fn jwt() -> String {
    use base64::Engine;
    let part =
        |value: Value| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({
        "iss": "https://kubernetes.default.svc",
        "sub": "system:serviceaccount:platform:brickyard",
        "aud": ["https://kubernetes.default.svc"],
        "iat": 1_700_000_000_u64,
        "nbf": 1_700_000_000_u64,
        "exp": 4_102_444_800_u64,
        "kubernetes.io": {
            "namespace": "platform",
            "serviceaccount": {"name": "brickyard", "uid": "5f0c1a4e-0000-4000-8000-51a01a70f000"},
        },
    });
    let head = json!({"alg": "RS256", "typ": "JWT"});
    format!("{}.{}.{}", part(head), part(claims), "c2lnbmF0dXJl")
}

/// OpenBao wants a certificate authority for the API server, though this one is asked without TLS. Nobody has its key.
const CA: &str = "-----BEGIN CERTIFICATE-----
MIHgMIGToAMCAQICAQEwBQYDK2VwMBkxFzAVBgNVBAMMDmEgQ0Egb2Ygbm9ib2R5
MCAXDTI2MDEwMTAwMDAwMFoYDzIxMjYwMTAxMDAwMDAwWjAZMRcwFQYDVQQDDA5h
IENBIG9mIG5vYm9keTAqMAUGAytlcAMhALuRZy3N6ub2U2LQwi9yLixY9UGkB2hw
wGBvAXUBh7QDMAUGAytlcANBAF78cuZBr8Adr4kmPt7fBsGKr9jEGziHrsk3J/to
jx+fSbuywgSBdmIVeihYBiLYFnMbvOvPXiBSzJO4BF/z4wI=
-----END CERTIFICATE-----";

#[tokio::test]
async fn a_real_openbao_lets_a_service_account_in() {
    let server = Server::openbao().await;
    write_policy(&server, "").await;
    let method = json!({"type": "kubernetes"});
    server
        .call(Verb::Post, "v1/sys/auth/kubernetes", method)
        .await;
    let reviewer = json!({
        "kubernetes_host": token_review().await, "disable_local_ca_jwt": true, "kubernetes_ca_cert": CA,
        "token_reviewer_jwt": jwt(),
    });
    server
        .call(Verb::Post, "v1/auth/kubernetes/config", reviewer)
        .await;
    let role = json!({
        "bound_service_account_names": "brickyard", "bound_service_account_namespaces": "platform",
        "token_policies": "brickyard",
    });
    server
        .call(Verb::Post, "v1/auth/kubernetes/role/brickyard", role)
        .await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), jwt()).unwrap();
    let store = vault(&server.address, kubernetes("brickyard", file.path()));
    contract::keeps(&store).await;
    let other = vault(&server.address, kubernetes("another", file.path()));
    contract::knows_strangers(&other).await;
    // Kubernetes replaces the file: the next login reads it anew.
    std::fs::write(file.path(), "stranger").unwrap();
    let late = vault(&server.address, kubernetes("brickyard", file.path()));
    assert!(late.check("a/b").await.is_err());
    std::fs::write(file.path(), jwt()).unwrap();
    late.check("a/b").await.unwrap();
}
