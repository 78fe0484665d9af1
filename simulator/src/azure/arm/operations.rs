//! What takes a while: where a client asks how far it is. The end of an operation is fixed when it begins.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::error;
use crate::answer::{Answer, Outcome};
use crate::faults::{FaultKind, Strike};
use crate::request::Request;
use crate::state::State;

/// Why an operation failed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Failure {
    pub(crate) code: String,
    pub(crate) message: String,
}

impl Failure {
    pub(super) fn new(code: &str, message: impl Into<String>) -> Failure {
        Failure {
            code: code.to_owned(),
            message: message.into(),
        }
    }

    /// What a fault wants the operation to end with.
    pub(super) fn of(strike: Option<&Strike>) -> Option<Failure> {
        let strike = strike?;
        let (code, words) = match strike.kind() {
            FaultKind::WorkspaceFails => (
                "ApplianceProvisioningFailed",
                "The workspace's resources could not be deployed.",
            ),
            FaultKind::ArmFails => (
                "ResourceOperationFailure",
                "The resource operation completed with terminal provisioning state 'Failed'.",
            ),
            _ => return None,
        };
        Some(Failure::new(strike.code(code), strike.words(words)))
    }

    fn show(&self) -> Value {
        json!({"code": self.code, "message": self.message})
    }
}

/// Whose operation it is: providers answer in ways of their own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Provider {
    Databricks,
    Network,
    Resources,
}

/// One operation.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    /// Opaque.
    pub(crate) id: String,
    pub(crate) provider: Provider,
    /// The name of what it is about.
    pub(crate) subject: String,
    /// The id of what it is about; nothing, if it deletes it.
    pub(crate) resource: Option<String>,
    pub(crate) until: Duration,
    pub(crate) failure: Option<Failure>,
}

/// Begins an operation of Databricks' provider. The id holds what it is about, as the real one does.
pub(super) fn opaque(resource: &str, job: &str) -> String {
    URL_SAFE_NO_PAD.encode(json!({"applianceId": resource, "jobId": job}).to_string())
}

/// The URL of an operation, with the names of the host that was asked.
pub(super) fn url(request: &Request, group: &str, location: &str, operation: &Operation) -> String {
    let subscription = &request.ids[0];
    let path = match operation.provider {
        Provider::Databricks => format!(
            "/resourceGroups/{group}/providers/Microsoft.Databricks/locations/{location}/operationStatuses/"
        ),
        Provider::Network => {
            format!("/providers/Microsoft.Network/locations/{location}/operations/")
        }
        Provider::Resources => "/operationresults/".into(),
    };
    format!(
        "https://{}/subscriptions/{subscription}{path}{}?api-version={}",
        request.host_header,
        operation.id,
        request.query("api-version").unwrap_or_default()
    )
}

/// GET of an operation's URL.
pub(super) fn status(state: &mut State, request: &Request) -> Outcome {
    let now = state.now();
    let id = &request.ids[1];
    let mut operations = state.azure.arm.operations.iter().rev();
    let Some(operation) = operations.find(|it| it.id == *id) else {
        let words = "The operation was not found.";
        return Err(error(404, "OperationNotFound", words).by_mistake());
    };
    let results = request
        .path
        .to_ascii_lowercase()
        .contains("/operationresults/");
    if now < operation.until {
        return Ok(running(request, operation.provider, results));
    }
    if let Some(failure) = &operation.failure {
        let refused = json!({"error": failure.show()});
        let failed = json!({"status": "Failed", "error": failure.show()});
        return Ok(match results {
            true => Answer::json(409, &refused),
            false => Answer::ok(&failed),
        });
    }
    let resource = operation.resource.as_ref().filter(|_| results);
    let shown = resource.and_then(|id| {
        let ours = state.workspaces.iter();
        let mut workspaces = ours.filter_map(|it| Some((it, it.azure.as_ref()?)));
        workspaces
            .find(|(it, azure)| azure.id(&it.name) == *id)
            .map(|(it, _)| it.show(now))
            .or_else(|| super::networks::show(&state.azure.arm.networks, id))
    });
    Ok(match (shown, operation.provider) {
        (Some(body), _) => Answer::ok(&body),
        (None, Provider::Resources) => Answer::empty(200),
        (None, Provider::Network) if results => Answer::empty(204),
        _ => Answer::ok(&json!({"status": "Succeeded"})),
    })
}

fn running(request: &Request, provider: Provider, results: bool) -> Answer {
    let same = format!(
        "https://{}{}?api-version={}",
        request.host_header,
        request.path,
        request.query("api-version").unwrap_or_default()
    );
    match provider {
        Provider::Network if !results => {
            Answer::ok(&json!({"status": "InProgress"})).with("retry-after", "10")
        }
        Provider::Databricks => Answer::json(202, &json!({"status": "Accepted"}))
            .with("location", same)
            .with("retry-after", "15"),
        _ => Answer::empty(202)
            .with("location", same)
            .with("retry-after", "15"),
    }
}
