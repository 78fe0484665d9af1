//! Entra ID: who gets a token, who does not, and what a token is for.

use reqwest::Method;
use serde_json::json;
use simulator::{Call, Fault, FaultKind};

use super::{Azure, DATABRICKS, workspace};
use crate::support::reply;

/// Fields of a login.
type Fields = [(&'static str, &'static str)];

const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

#[tokio::test]
async fn refusals_have_numbers() {
    let azure = Azure::new().await;
    let cases: &[(&Fields, u16, i64)] = &[
        (&[("client_secret", "wrong")], 401, 7_000_215),
        (
            &[("client_id", "00000000-0000-0000-0000-000000000000")],
            400,
            700_016,
        ),
        (
            &[
                ("client_secret", ""),
                ("client_assertion", "a.b.c"),
                ("client_assertion_type", ASSERTION),
            ],
            401,
            50_027,
        ),
    ];
    for (fields, status, number) in cases {
        let (got, body) = azure.login(fields).await;
        assert_eq!(
            (got, &body["error_codes"]),
            (*status, &json!([number])),
            "{body}"
        );
        let words = body["error_description"].as_str().unwrap();
        assert!(words.starts_with(&format!("AADSTS{number}: ")) && words.contains("Trace ID: "));
    }
    assert_eq!(azure.mistakes(), 0);
    let mistakes: &[(&Fields, i64)] = &[
        (
            &[(
                "scope",
                "https://management.azure.com/.default https://vault.azure.net/.default",
            )],
            700_022,
        ),
        (&[("scope", "https://management.azure.com")], 70_011),
        (&[("scope", "https://elsewhere.test/.default")], 500_011),
        (&[("grant_type", "password")], 70_003),
        (&[("client_secret", "")], 7_000_218),
        (&[("colour", "blue")], 900_144),
    ];
    for (fields, number) in mistakes {
        assert_eq!(azure.login(fields).await.1["error_codes"], json!([number]));
    }
    assert_eq!(azure.mistakes(), mistakes.len());
    let url = azure
        .token_url()
        .replace(&azure.world().tenant_id, "elsewhere.test");
    let form = [("grant_type", "client_credentials")];
    let (_, body) = reply(azure.http.post(url).form(&form).send().await.unwrap()).await;
    assert_eq!(body["error_codes"], json!([90_002]));
}

#[tokio::test]
async fn tokens_come_by_many_ways() {
    let azure = Azure::new().await;
    let world = azure.world();
    let federated = [
        ("client_secret", ""),
        ("client_assertion", &world.federated_token),
        ("client_assertion_type", ASSERTION),
    ];
    assert_eq!(azure.login(&federated).await.0, 200);
    for resource in [
        &world.arm_endpoint,
        "https://management.azure.brickyard.test/",
        "https://management.core.windows.net/",
        "https://vault.azure.net",
        "https://vault.azure.brickyard.test",
        DATABRICKS,
    ] {
        azure.token_for(resource).await;
    }
    let url = azure.token_url().replace("/v2.0", "");
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", &world.client_id),
        ("client_secret", &world.client_secret),
        ("resource", "https://management.core.windows.net/"),
    ];
    let (_, v1) = reply(azure.http.post(url).form(&form).send().await.unwrap()).await;
    assert_eq!(v1["expires_in"], "3599");
    let machine = format!("{}/metadata/identity/oauth2/token", world.imds_endpoint);
    let query = [("api-version", "2018-02-01"), ("resource", DATABRICKS)];
    let machine = azure
        .http
        .get(machine)
        .query(&query)
        .header("Metadata", "true");
    let (_, machine) = reply(machine.send().await.unwrap()).await;
    assert_eq!(machine["expires_in"], "3599");
    let query = [("api-version", "2019-08-01"), ("resource", DATABRICKS)];
    let service = azure.http.get(&world.identity_endpoint).query(&query);
    let service = service.header("X-IDENTITY-HEADER", &world.identity_header);
    let (_, service) = reply(service.send().await.unwrap()).await;
    assert!(
        service["expires_on"]
            .as_str()
            .unwrap()
            .parse::<i64>()
            .is_ok()
    );
    for path in [
        format!("/{}/v2.0/.well-known/openid-configuration", world.tenant_id),
        "/common/discovery/instance?api-version=1.1&authorization_endpoint=x".to_owned(),
    ] {
        let url = format!("{}{path}", world.authority_host);
        assert_eq!(azure.http.get(url).send().await.unwrap().status(), 200);
    }
    assert_eq!(azure.mistakes(), 0, "{:?}", azure.simulator.unexpected());
    let bare = format!("{}/metadata/identity/oauth2/token", world.imds_endpoint);
    assert_eq!(azure.http.get(bare).send().await.unwrap().status(), 400);
    assert_eq!(azure.mistakes(), 1);
}

#[tokio::test]
async fn a_token_is_for_one_audience_and_ends() {
    let mut azure = Azure::new().await;
    let made = azure.made("team-a", azure.body("team-a")).await;
    azure.simulator.fault(
        Fault::new(FaultKind::ShortTokens)
            .on(Call::EntraToken)
            .seconds(20.0),
    );
    let short = azure.token_for(DATABRICKS).await;
    let me = azure
        .site(Method::GET, &made, "preview/scim/v2/Me")
        .bearer_auth(short);
    let me = me.header("X-Databricks-Azure-SP-Management-Token", &azure.token);
    let me = me.header(
        "X-Databricks-Azure-Workspace-Resource-Id",
        made["id"].as_str().unwrap(),
    );
    let (status, page) = reply(me.send().await.unwrap()).await;
    assert_eq!(status, 403, "it ends too soon");
    assert!(page.as_str().unwrap().starts_with("<html>"));
    azure.simulator.clear_faults();
    azure.simulator.fault(
        Fault::new(FaultKind::ShortTokens)
            .on(Call::EntraToken)
            .seconds(0.0),
    );
    azure.token = azure.token_for("https://management.azure.com").await;
    let (status, body) = azure.get(&workspace("team-a")).await;
    assert_eq!(
        (status, &body["error"]["code"]),
        (401, &json!("ExpiredAuthenticationToken"))
    );
    assert_eq!(azure.mistakes(), 0);
    azure.simulator.clear_faults();
    azure.token = azure.token_for(DATABRICKS).await;
    assert_eq!(
        azure.get(&workspace("team-a")).await.1["error"]["code"],
        "InvalidAuthenticationToken"
    );
    assert_eq!(azure.mistakes(), 1);
}
