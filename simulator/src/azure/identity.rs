//! The application as a managed identity: a machine's metadata service and an app service's endpoint, over plain HTTP.

use chrono::Utc;
use serde_json::json;

use super::entra::{Audience, grant};
use super::unknown_query;
use crate::answer::{Answer, Outcome};
use crate::calls::Call;
use crate::request::Request;
use crate::state::State;

pub(super) fn route(method: &str, path: &[&str]) -> Option<(Call, Vec<String>)> {
    let ours = method == "GET"
        && matches!(
            path,
            ["metadata", "identity", "oauth2", "token"] | ["msi", "token"]
        );
    ours.then_some((Call::ManagedIdentityToken, Vec::new()))
}

fn refuse(status: u16, error: &str, words: &str) -> Answer {
    let body = json!({"error": error, "error_description": words});
    Answer::json(status, &body).by_mistake()
}

pub(super) fn token(state: &mut State, request: &Request) -> Outcome {
    let world = &state.world.azure;
    let machine = request.path.starts_with("/metadata/");
    let version = if machine {
        if request.header("metadata") != Some("true") {
            let words = "Required metadata header not specified";
            return Err(refuse(400, "bad_request_102", words));
        }
        "2018-02-01"
    } else {
        if request.header("x-identity-header") != Some(&world.identity_header) {
            let words = "The X-IDENTITY-HEADER is missing or wrong";
            return Err(refuse(401, "unauthorized_client", words));
        }
        "2019-08-01"
    };
    let known = [
        "api-version",
        "resource",
        "client_id",
        "object_id",
        "principal_id",
    ];
    if let Some(name) = unknown_query(request, &known) {
        let words = format!("The query parameter '{name}' is not known");
        return Err(refuse(400, "invalid_request", &words));
    }
    if request.query("api-version") != Some(version) {
        let words = format!("The api-version is not {version}");
        return Err(refuse(400, "bad_request_101", &words));
    }
    let given = |name: &str, value: &str| request.query(name).is_none_or(|it| it == value);
    let object = &world.object_id;
    if !given("client_id", &world.client_id)
        || !given("object_id", object)
        || !given("principal_id", object)
    {
        let body = json!({"error": "invalid_request", "error_description": "Identity not found"});
        return Err(Answer::json(400, &body));
    }
    let resource = request.query("resource").unwrap_or_default().to_owned();
    let Some(audience) = Audience::of(world, &resource) else {
        let words = format!("The resource '{resource}' was not found in the tenant");
        return Err(refuse(400, "invalid_resource", &words));
    };
    let client = world.client_id.clone();
    let (token, seconds) = grant(state, request, audience);
    let now = Utc::now().timestamp();
    let until = now + i64::try_from(seconds).unwrap_or_default();
    let mut body = json!({
        "access_token": token,
        "client_id": client,
        "expires_on": until.to_string(),
        "resource": resource,
        "token_type": "Bearer",
    });
    if machine {
        body["refresh_token"] = "".into();
        body["expires_in"] = seconds.to_string().into();
        body["not_before"] = now.to_string().into();
    }
    Ok(Answer::ok(&body))
}
