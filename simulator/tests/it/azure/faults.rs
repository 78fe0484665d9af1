//! Faults in Azure: the general ones in its own shapes, over TLS too, and those it alone has.

use std::time::{Duration, Instant};

use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use simulator::{Call, Fault, FaultKind};

use super::{Azure, workspace};
use crate::support::{reply, text};

#[tokio::test]
async fn refusals_look_as_they_should() {
    use FaultKind as K;
    let azure = Azure::new().await;
    let path = workspace("team-a");
    let cases = [
        (K::Throttled, 429, "SubscriptionRequestsThrottled"),
        (K::ThrottledWithoutRetryAfter, 429, "after '1' seconds"),
        (K::ErrorBeforeActing, 500, "InternalServerError"),
        (K::Unavailable, 503, "ServiceUnavailable"),
        (K::Unauthorized, 401, "InvalidAuthenticationToken"),
        (K::Forbidden, 403, "AuthorizationFailed"),
        (K::NotFound, 404, "ResourceNotFound"),
        (K::EmptyConflict, 409, ""),
        (K::HtmlError, 502, "<pre>"),
        (K::ArmError, 409, "Conflict"),
        (
            K::ProviderNotRegistered,
            409,
            "MissingSubscriptionRegistration",
        ),
    ];
    for (kind, status, words) in cases {
        azure
            .simulator
            .fault(Fault::new(kind).on(Call::ArmCreateWorkspace));
        let response = azure
            .send(Method::PUT, &path, Some(azure.body("team-a")))
            .await;
        let retry_after = response.headers().contains_key("retry-after");
        assert_eq!(retry_after, kind == K::Throttled, "{kind}");
        let (got, body) = reply(response).await;
        assert_eq!(got, status, "{kind}: {body}");
        assert!(text(&body).contains(words), "{kind}: {body}");
    }
    assert!(azure.simulator.inventory().is_empty());
    let fault = Fault::new(K::ArmError)
        .code("RequestDisallowedByPolicy")
        .status(403)
        .message("No.");
    azure.simulator.fault(fault);
    let (status, body) = azure.put(&path, azure.body("team-a")).await;
    assert_eq!(status, 403);
    assert_eq!(
        body,
        json!({"error": {"code": "RequestDisallowedByPolicy", "message": "No."}})
    );
    for (fault, status, number) in [
        (Fault::new(K::EntraError).code("7000222"), 401, 7_000_222),
        (Fault::new(K::EntraError), 503, 90_033),
        (Fault::new(K::Throttled).on(Call::EntraToken), 429, 90_055),
    ] {
        azure.simulator.fault(fault);
        let (got, body) = azure.login(&[]).await;
        assert_eq!((got, &body["error_codes"][0]), (status, &json!(number)));
    }
    assert_eq!(azure.mistakes(), 0);
}

#[tokio::test]
async fn connections_are_cut_over_tls_as_elsewhere() {
    let azure = Azure::new().await;
    let fault = |kind| azure.simulator.fault(Fault::new(kind));
    let made = || azure.simulator.inventory().workspaces.len();
    let create = async |name: &str| {
        let request = azure.request(Method::PUT, &workspace(name));
        request.json(&azure.body(name)).send().await
    };
    fault(FaultKind::RequestLost);
    assert!(create("lost").await.is_err());
    assert_eq!(made(), 0);
    fault(FaultKind::AnswerLost);
    assert!(create("answer").await.is_err());
    assert_eq!(made(), 1);
    fault(FaultKind::Truncated);
    let response = create("cut").await.unwrap();
    assert_eq!(response.status(), 201);
    assert!(response.bytes().await.is_err());
    fault(FaultKind::ErrorAfterActing);
    assert_eq!(create("error").await.unwrap().status(), 500);
    assert_eq!(made(), 3);
    fault(FaultKind::Slow);
    let start = Instant::now();
    assert_eq!(create("slow").await.unwrap().status(), 201);
    assert!(start.elapsed() >= Duration::from_secs(1));
    fault(FaultKind::HoldRequest);
    let mut holds = azure.simulator.holds();
    let release = async {
        holds.wait_for(|times| *times == 1).await.unwrap();
        assert_eq!(made(), 4);
        azure.simulator.release();
    };
    let (held, ()) = tokio::join!(create("held"), release);
    assert_eq!((held.unwrap().status().as_u16(), made()), (201, 5));
}

async fn headers(azure: &Azure, kind: FaultKind) -> HeaderMap {
    let name = kind.name().replace('_', "-");
    azure.simulator.fault(Fault::new(kind).workspace(&name));
    let body = Some(azure.body(&name));
    let response = azure.send(Method::PUT, &workspace(&name), body).await;
    assert_eq!(response.status(), 201);
    response.headers().clone()
}

#[tokio::test]
async fn operations_are_told_in_other_ways() {
    let azure = Azure::new().await;
    let relative = headers(&azure, FaultKind::RelativeStatusUrl).await;
    let url = relative["azure-asyncoperation"].to_str().unwrap();
    assert!(url.starts_with("/subscriptions/"), "{url}");
    // They strike beside what else does.
    azure
        .simulator
        .fault(Fault::new(FaultKind::RetryAfterZero).workspace("throttled"));
    azure
        .simulator
        .fault(Fault::new(FaultKind::AnswerLost).workspace("throttled"));
    let lost = azure.request(Method::PUT, &workspace("throttled"));
    assert!(lost.json(&azure.body("throttled")).send().await.is_err());
    let zero = headers(&azure, FaultKind::RetryAfterZero).await;
    assert_eq!(zero["retry-after"], "0");
    let located = headers(&azure, FaultKind::LocationHeader).await;
    assert!(!located.contains_key("azure-asyncoperation"));
    let results = located["location"].to_str().unwrap().to_owned();
    assert!(results.contains("/operationResults/"));
    assert_eq!(azure.poll(&results).await.0, 202);
    azure
        .simulator
        .fault(Fault::new(FaultKind::PollWithoutRetryAfter));
    let poll = azure
        .http
        .get(&results)
        .bearer_auth(&azure.token)
        .send()
        .await
        .unwrap();
    assert!(!poll.headers().contains_key("retry-after"));
    azure.pass(180);
    let (status, body) = azure.poll(&results).await;
    assert_eq!(
        (status, &body["properties"]["provisioningState"]),
        (200, &json!("Succeeded"))
    );
    assert_eq!(azure.mistakes(), 0);
}

#[tokio::test]
async fn a_workspace_fails_for_the_reason_that_was_asked_for() {
    let azure = Azure::new().await;
    for (kind, code) in [
        (FaultKind::WorkspaceFails, "ApplianceProvisioningFailed"),
        (FaultKind::ArmFails, "QUOTA_EXCEEDED"),
    ] {
        let name = kind.name().replace('_', "-");
        let mut fault = Fault::new(kind).message("The quota is used up.");
        if kind == FaultKind::ArmFails {
            fault = fault.code(code);
        }
        azure.simulator.fault(fault);
        let body = Some(azure.body(&name));
        let response = azure.send(Method::PUT, &workspace(&name), body).await;
        let operation = response.headers()["azure-asyncoperation"]
            .to_str()
            .unwrap()
            .to_owned();
        azure.pass(180);
        let error = &azure.poll(&operation).await.1["error"];
        assert_eq!(
            *error,
            json!({"code": code, "message": "The quota is used up."})
        );
        let record = &azure.simulator.inventory().workspaces[0];
        assert_eq!(
            (record.status.as_str(), record.status_message.as_str()),
            ("FAILED", "The quota is used up.")
        );
        azure.delete(&workspace(&name)).await;
        azure.pass(60);
        assert!(
            azure.simulator.inventory().is_empty(),
            "what never ran leaves nothing"
        );
    }
    // A deletion that fails leaves the workspace.
    azure.made("stays", azure.body("stays")).await;
    azure
        .simulator
        .fault(Fault::new(FaultKind::ArmFails).on(Call::ArmDeleteWorkspace));
    azure.delete(&workspace("stays")).await;
    azure.pass(60);
    let (_, stays) = azure.get(&workspace("stays")).await;
    assert_eq!(stays["properties"]["provisioningState"], "Failed");
}

#[tokio::test]
async fn what_befalls_a_workspace_befalls_it_here_too() {
    let azure = Azure::new().await;
    azure
        .simulator
        .fault(Fault::new(FaultKind::SucceededWithoutUrl).seconds(200.0));
    let state = |body: &Value| body["properties"]["provisioningState"].clone();
    let early = azure.made("early", azure.body("early")).await;
    assert_eq!(state(&early), "Succeeded");
    assert_eq!(early["properties"].get("workspaceUrl"), None);
    azure.pass(200);
    let (_, later) = azure.get(&workspace("early")).await;
    assert!(later["properties"]["workspaceUrl"].is_string());

    azure
        .simulator
        .fault(Fault::new(FaultKind::GroupLingers).seconds(100.0));
    azure
        .delete(&format!("{}?forceDeletion=true", workspace("early")))
        .await;
    azure.pass(60);
    assert_eq!(azure.get(&workspace("early")).await.0, 404);
    assert_eq!(azure.simulator.inventory().resource_groups.len(), 1);
    azure.pass(100);
    assert!(azure.simulator.inventory().is_empty());

    azure
        .simulator
        .fault(Fault::new(FaultKind::TagsLate).seconds(300.0));
    azure.simulator.fault(Fault::new(FaultKind::AnswerLost));
    let lost = azure
        .request(Method::PUT, &workspace("late"))
        .json(&azure.body("late"));
    assert!(lost.send().await.is_err());
    azure.pass(180);
    assert_eq!(azure.get(&workspace("late")).await.1.get("tags"), None);
    azure.pass(120);
    assert_eq!(azure.get(&workspace("late")).await.1["tags"]["team"], "a");
}

#[tokio::test]
async fn the_provider_is_registered_on_demand() {
    let azure = Azure::new().await;
    azure
        .simulator
        .fault(Fault::new(FaultKind::ProviderNotRegistered));
    let provider = "/providers/Microsoft.Databricks";
    let state = async || azure.get(provider).await.1["registrationState"].clone();
    assert_eq!(state().await, "NotRegistered");
    let refused = azure
        .refused(Method::PUT, &workspace("team-a"), azure.body("team-a"))
        .await;
    assert_eq!(refused, (409, "MissingSubscriptionRegistration".into()));
    let (status, _) = reply(
        azure
            .send(Method::POST, &format!("{provider}/register"), None)
            .await,
    )
    .await;
    assert_eq!((status, state().await), (200, json!("Registering")));
    azure.pass(40);
    assert_eq!(state().await, "Registered");
    assert_eq!(
        azure
            .put(&workspace("team-a"), azure.body("team-a"))
            .await
            .0,
        201
    );
    assert_eq!(azure.mistakes(), 0);
}
