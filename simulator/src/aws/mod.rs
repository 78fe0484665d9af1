//! AWS Secrets Manager, over its JSON 1.1 protocol: the operations that write, none that reads a value.
//!
//! One access key of one region opens everything; every request must be signed with it. What the real service refuses
//! is refused here in its words; moto, which is laxer, answers the same to the same contract.

mod secrets;
mod signature;

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::answer::{Answer, Outcome};
use crate::calls::Call;
use crate::request::{Host, Request};
use crate::state::State;

pub(crate) use secrets::Secret;

/// What Secrets Manager holds.
#[derive(Default)]
pub(crate) struct SecretsManager {
    pub(crate) secrets: BTreeMap<String, Secret>,
}

/// What `X-Amz-Target` begins with.
const SERVICE: &str = "secretsmanager.";

/// The operation a request names, if it is one for Secrets Manager.
pub(crate) fn operation(request: &Request) -> Option<&str> {
    let here = request.host == Host::Home && request.method == "POST" && request.path == "/";
    let target = request.header("x-amz-target").filter(|_| here)?;
    target.strip_prefix(SERVICE)
}

/// The call and, as ids, the parts of the secret's name.
pub(crate) fn route(operation: &str, body: &[u8]) -> (Call, Vec<String>) {
    let call = match operation {
        "CreateSecret" | "PutSecretValue" => Call::StorePut,
        "UpdateSecretVersionStage" => Call::StoreStage,
        "DescribeSecret" => Call::StoreMetadataGet,
        "TagResource" => Call::StoreMetadataPut,
        "DeleteSecret" => Call::StoreDelete,
        "RestoreSecret" => Call::StoreRestore,
        _ => Call::Unknown,
    };
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let name = body.get("SecretId").or(body.get("Name"));
    let name = name.and_then(Value::as_str).unwrap_or_default();
    (call, name.split('/').map(str::to_owned).collect())
}

/// Lets an operation act.
pub(crate) fn act(state: &mut State, request: &Request) -> Outcome {
    if !request.is("application/x-amz-json-1.1") {
        let words = "The content type is not application/x-amz-json-1.1.";
        return Err(error(400, "SerializationException", words).by_mistake());
    }
    signature::check(&state.world, request)?;
    let secrets = &mut state.aws.secrets;
    match operation(request).unwrap_or_default() {
        "CreateSecret" => {
            let made = secrets::create(secrets, parse(request)?)?;
            state.count("secret_versions");
            Ok(made)
        }
        "PutSecretValue" => {
            let put = secrets::put(secrets, parse(request)?)?;
            state.count("secret_versions");
            Ok(put)
        }
        "UpdateSecretVersionStage" => secrets::stage(secrets, parse(request)?),
        "DescribeSecret" => secrets::describe(secrets, parse(request)?),
        "TagResource" => secrets::tag(secrets, parse(request)?),
        "DeleteSecret" => secrets::delete(secrets, parse(request)?),
        _ => secrets::restore(secrets, parse(request)?),
    }
}

fn parse<T: DeserializeOwned>(request: &Request) -> Result<T, Answer> {
    serde_json::from_slice(&request.body).map_err(|error| {
        self::error(400, "SerializationException", &error.to_string()).by_mistake()
    })
}

/// An error as AWS answers it.
pub(crate) fn error(status: u16, code: &str, words: &str) -> Answer {
    answer(status, &json!({"__type": code, "Message": words}))
}

fn ok(body: &Value) -> Answer {
    answer(200, body)
}

fn answer(status: u16, body: &Value) -> Answer {
    let mut answer = Answer::json(status, body);
    answer.content_type = Some("application/x-amz-json-1.1");
    answer.with("x-amzn-requestid", uuid::Uuid::new_v4().to_string())
}
