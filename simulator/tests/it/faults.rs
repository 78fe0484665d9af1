//! What faults do to calls, as a client sees it.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;
use simulator::{Call, Fault, FaultKind};

use crate::support::{Lab, credentials, reply, text};

/// Kinds that answer POST credentials with something of their own and make nothing.
#[tokio::test]
async fn refusals_look_as_they_should() {
    use FaultKind as K;
    let lab = Lab::new().await;
    let cases = [
        (K::Throttled, 429, "REQUEST_LIMIT_EXCEEDED"),
        (K::ErrorBeforeActing, 500, "INTERNAL_ERROR"),
        (K::Unavailable, 503, "TEMPORARILY_UNAVAILABLE"),
        (K::TextError, 400, "INVALID_STATE: "),
        (
            K::MessageOnlyError,
            400,
            "{\"message\":\"MALFORMED_REQUEST: ",
        ),
        (K::EmptyConflict, 409, ""),
        (K::HtmlError, 502, "<pre>"),
        (K::HtmlOk, 200, "login-page"),
        (K::RedirectToLogin, 303, ""),
        (K::NumericError, 403, "\"error_code\":403"),
        (K::Unauthorized, 401, "UNAUTHENTICATED"),
        (K::Forbidden, 403, "PERMISSION_DENIED"),
        (K::NotFound, 404, "RESOURCE_DOES_NOT_EXIST"),
        (
            K::IamNotPropagated,
            400,
            "Failed credential validation checks",
        ),
    ];
    for (kind, status, words) in cases {
        lab.simulator
            .fault(Fault::new(kind).on(Call::CreateCredentials));
        let (got, body) = lab.post("credentials", credentials("name")).await;
        assert_eq!(got, status, "{kind}: {body}");
        assert!(text(&body).contains(words), "{kind}: {body}");
        let arrival = lab.simulator.arrivals().pop().unwrap();
        assert_eq!((arrival.fault, arrival.status), (Some(kind), Some(status)));
    }
    assert!(lab.simulator.inventory().is_empty());
    assert_eq!(lab.simulator.unexpected().len(), 0);
    lab.credentials("name").await;
}

#[tokio::test]
async fn parameters_are_used() {
    let lab = Lab::new().await;
    let mut throttled = Fault::new(FaultKind::Throttled)
        .message("slow down")
        .times(0);
    throttled.retry_after_seconds = Some(7);
    lab.simulator.fault(throttled);
    for _ in 0..3 {
        let response = lab.request(Method::GET, "workspaces").send().await.unwrap();
        assert_eq!(response.headers()["retry-after"], "7");
        assert!(response.text().await.unwrap().contains("slow down"));
    }
    lab.simulator.clear_faults();
    let on = Fault::new(FaultKind::ErrorBeforeActing)
        .on(Call::ListNetworks)
        .skip(1)
        .status(504);
    lab.simulator.fault(on);
    let seen = [
        lab.get("networks").await.0,
        lab.get("networks").await.0,
        lab.get("networks").await.0,
    ];
    assert_eq!(seen, [200, 504, 200]);
}

#[tokio::test]
async fn answers_are_lost_cut_and_replaced_after_the_effect() {
    let lab = Lab::new().await;
    let create = async |name: &str| {
        let request = lab
            .request(Method::POST, "credentials")
            .json(&credentials(name));
        request.send().await
    };
    let fault = |kind| {
        lab.simulator
            .fault(Fault::new(kind).on(Call::CreateCredentials))
    };
    let made = || lab.simulator.inventory().credentials.len();

    fault(FaultKind::RequestLost);
    assert!(create("lost").await.is_err());
    assert_eq!(made(), 0);
    fault(FaultKind::AnswerLost);
    assert!(create("answer").await.is_err());
    assert_eq!(made(), 1);
    assert_eq!(lab.simulator.arrivals().pop().unwrap().status, None);
    fault(FaultKind::Truncated);
    let response = create("cut in half").await.unwrap();
    assert_eq!(response.status(), 201);
    assert!(response.bytes().await.is_err());
    assert_eq!(made(), 2);
    fault(FaultKind::ErrorAfterActing);
    assert_eq!(create("error").await.unwrap().status(), 500);
    assert_eq!(made(), 3);
    fault(FaultKind::Slow);
    let start = Instant::now();
    assert_eq!(create("slow").await.unwrap().status(), 201);
    assert!(start.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn the_log_tells_what_acted_when_and_about_what() {
    let lab = Lab::new().await;
    let create = async |name: &str| {
        let request = lab.request(Method::POST, "credentials");
        let _ = request.json(&credentials(name)).send().await;
        lab.simulator.arrivals().pop().unwrap()
    };
    let fault = |kind| {
        lab.simulator
            .fault(Fault::new(kind).on(Call::CreateCredentials))
    };
    fault(FaultKind::Throttled);
    let held_back = create("first").await;
    assert_eq!(held_back.object.as_deref(), Some("first"));
    assert_eq!((held_back.acted, held_back.retry_after), (false, Some(1)));
    assert!(held_back.until.is_some_and(|until| until >= held_back.at));
    lab.simulator.advance(Duration::from_secs(60));
    fault(FaultKind::AnswerLost);
    let lost = create("second").await;
    assert_eq!((lost.acted, lost.until, lost.status), (true, None, None));
    assert!(lost.at >= held_back.at + 60_000, "jumps count");
    // A fault of another kind is not disarmed with it.
    fault(FaultKind::HoldRequest);
    fault(FaultKind::RequestLost);
    lab.simulator.clear_fault(FaultKind::HoldRequest);
    assert!(!create("third").await.acted);
    let id = lab.simulator.inventory().credentials[0].id.clone();
    lab.delete(&format!("credentials/{id}")).await;
    let removal = lab.simulator.arrivals().pop().unwrap();
    assert_eq!(removal.object.as_deref(), Some("second"), "told by its id");
    assert!(removal.acted && *lab.simulator.holds().borrow() == 0);
}

#[tokio::test]
async fn the_answer_about_a_workspace_that_is_listed_late_can_be_lost() {
    let lab = Lab::new().await;
    let body = lab.workspace_body("late-and-lost").await;
    for kind in [FaultKind::ListLag, FaultKind::AnswerLost] {
        lab.simulator
            .fault(Fault::new(kind).on(Call::CreateWorkspace));
    }
    let create = lab.request(Method::POST, "workspaces").json(&body);
    assert!(create.send().await.is_err());
    assert_eq!(lab.simulator.inventory().workspaces.len(), 1);
    assert_eq!(lab.get("workspaces").await.1, json!([]));
    lab.simulator.advance(Duration::from_secs(31));
    let listed = lab.get("workspaces").await.1;
    assert_eq!(listed.as_array().map(Vec::len), Some(1), "{listed}");
}

#[tokio::test]
async fn what_is_held_is_released_or_goes_with_its_client() {
    let lab = Lab::new().await;
    let arrived = async |count: usize| {
        while lab.simulator.arrivals().len() < count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let made = || lab.simulator.inventory().credentials.len();
    for (kind, while_held) in [(FaultKind::HoldRequest, 0), (FaultKind::HoldAnswer, 2)] {
        let before = made();
        lab.simulator
            .fault(Fault::new(kind).on(Call::CreateCredentials).times(2));
        let seen = lab.simulator.arrivals().len();
        let name = format!("patient {kind}");
        let request = lab
            .request(Method::POST, "credentials")
            .json(&credentials(&name));
        let held = tokio::spawn(request.send());
        let name = format!("impatient {kind}");
        let request = lab
            .request(Method::POST, "credentials")
            .json(&credentials(&name));
        let gone = request.timeout(Duration::from_millis(200)).send();
        assert!(gone.await.unwrap_err().is_timeout());
        arrived(seen + 2).await;
        assert_eq!(made(), before + while_held, "{kind}");
        assert!(!held.is_finished());
        // The closing of the impatient one's connection takes a moment.
        tokio::time::sleep(Duration::from_millis(50)).await;
        lab.simulator.release();
        assert_eq!(held.await.unwrap().unwrap().status(), 201);
        let extra = usize::from(kind == FaultKind::HoldRequest);
        assert_eq!(
            made(),
            before + while_held + extra,
            "{kind}: one request went with its client"
        );
    }
}

#[tokio::test]
async fn the_store_fails_in_its_ways_for_one_workspace() {
    let lab = Lab::new().await;
    lab.workspace("fault-store-sealed-x1y2").await;
    lab.workspace("fault-store-denied-x1y2").await;
    lab.workspace("fault-store-down-x1y2").await;
    let world = lab.simulator.world();
    let put = async |path: &str| {
        let request = lab
            .http
            .post(format!("{}/v1/secret/data/{path}", world.vault_address));
        let request = request.header("x-vault-token", &world.vault_token);
        request.json(&json!({"data": {"token": "x"}})).send().await
    };
    assert_eq!(put("team/another").await.unwrap().status(), 200);
    assert_eq!(put("team/fault-store-sealed").await.unwrap().status(), 503);
    assert_eq!(
        put("team/fault-store-denied-x1y2/pat")
            .await
            .unwrap()
            .status(),
        403
    );
    assert!(put("team/fault-store-down").await.is_err());
    assert_eq!(
        put("team/fault-store-down").await.unwrap().status(),
        200,
        "once"
    );
}

#[tokio::test]
async fn trouble_is_made_over_http_too() {
    let lab = Lab::new().await;
    let url = |path: &str| format!("{}/_simulator/{path}", lab.simulator.world().account_host);
    let get = async |path: &str| reply(lab.http.get(url(path)).send().await.unwrap()).await.1;
    let post = async |path: &str, body: serde_json::Value| {
        lab.http
            .post(url(path))
            .json(&body)
            .send()
            .await
            .unwrap()
            .status()
            .as_u16()
    };
    let catalogue = get("faults/catalogue").await;
    assert_eq!(catalogue.as_array().unwrap().len(), FaultKind::ALL.len());
    assert_eq!(post("faults", json!({"fault": "no_such_thing"})).await, 400);
    assert_eq!(
        post(
            "faults",
            json!({"fault": "unavailable", "on": "list_networks"})
        )
        .await,
        201
    );
    assert_eq!(lab.get("networks").await.0, 503);
    assert_eq!(get("faults").await[0]["struck"], 1);
    lab.http.delete(url("faults")).send().await.unwrap();
    assert_eq!(get("faults").await, json!([]));

    let site = lab.running("team").await;
    let (_, minted) = site.post("token/create", json!({})).await;
    let value = minted["token_value"].as_str().unwrap();
    let inventory = get("inventory").await;
    assert!(
        !inventory.to_string().contains(value),
        "values are not told"
    );
    assert_eq!(
        inventory["tokens"][0]["value"],
        minted["token_info"]["token_id"]
    );
    assert_eq!(inventory["workspaces"][0]["status"], "RUNNING");
    let path = format!("workspaces/{}", site.id);
    lab.delete(&path).await;
    assert_eq!(post("advance", json!({"seconds": 60})).await, 200);
    assert_eq!(get("inventory").await["workspaces"], json!([]));
    let arrivals = get("arrivals").await;
    assert!(
        !arrivals.to_string().contains(&lab.token),
        "no secret is logged"
    );
    assert_eq!(
        get("world").await["account_id"],
        lab.simulator.world().account_id
    );
    assert_eq!(post("release", json!({})).await, 204);
}
