//! Storage configurations: a name and a root bucket.

use serde::Deserialize;
use serde_json::json;

use super::{check_name, check_unique, credentials::is_role, remove};
use crate::answer::{Answer, Outcome};
use crate::clock::epoch_ms;
use crate::request::Request;
use crate::state::{Object, State};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    storage_configuration_name: String,
    root_bucket_info: RootBucket,
    role_arn: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RootBucket {
    bucket_name: String,
}

pub(crate) fn create(state: &mut State, request: &Request) -> Outcome {
    let body: Body = request.json()?;
    let name = body.storage_configuration_name;
    check_name("storage_configuration_name", &name, 256, 4)?;
    let bucket = body.root_bucket_info.bucket_name;
    if !is_bucket(&bucket) {
        return Err(Answer::malformed(format!("Invalid bucket_name: {bucket}")));
    }
    if let Some(arn) = body.role_arn.as_deref().filter(|arn| !is_role(arn)) {
        return Err(Answer::malformed(format!("Invalid role_arn: {arn}")));
    }
    check_unique(&state.storage, "Storage configuration", &name)?;
    let id = state.chance.uuid();
    let mut answer = json!({
        "storage_configuration_id": id,
        "account_id": state.world.account_id,
        "storage_configuration_name": name,
        "root_bucket_info": {"bucket_name": bucket},
        "creation_time": epoch_ms(),
    });
    if let Some(arn) = body.role_arn {
        answer["role_arn"] = arn.into();
    }
    state.storage.push(Object {
        id,
        name,
        body: answer.clone(),
    });
    state.count("storage_configurations");
    Ok(Answer::json(201, &answer))
}

/// `^[0-9a-z][-0-9a-z.]{1,61}[0-9a-z]$`
fn is_bucket(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_digit() || b.is_ascii_lowercase();
    let bytes = name.as_bytes();
    (3..=63).contains(&bytes.len())
        && plain(bytes[0])
        && plain(bytes[bytes.len() - 1])
        && bytes.iter().all(|b| plain(*b) || matches!(b, b'-' | b'.'))
}

pub(crate) fn delete(state: &mut State, id: &str) -> Outcome {
    if let Some(workspace) = state
        .workspaces
        .iter()
        .find(|w| w.uses("storage_configuration_id", id))
    {
        return Err(Answer::text(
            400,
            "INVALID_STATE",
            format!(
                "Unable to delete, Storage configuration is being used by active workspace {}",
                workspace.id
            ),
        ));
    }
    remove(&mut state.storage, id, "Storage configuration")
}
