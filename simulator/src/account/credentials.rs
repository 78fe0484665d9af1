//! Credentials: a name and a cross-account role.

use serde::Deserialize;
use serde_json::json;

use super::{check_name, check_unique, remove};
use crate::answer::{Answer, Outcome};
use crate::clock::epoch_ms;
use crate::request::Request;
use crate::state::{Object, State};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    credentials_name: String,
    aws_credentials: AwsCredentials,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AwsCredentials {
    sts_role: StsRole,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StsRole {
    role_arn: String,
}

pub(crate) fn create(state: &mut State, request: &Request) -> Outcome {
    let body: Body = request.json()?;
    check_name("credentials_name", &body.credentials_name, 256, 4)?;
    let arn = body.aws_credentials.sts_role.role_arn;
    if !is_role(&arn) {
        return Err(Answer::malformed(format!("Invalid role_arn: {arn}")));
    }
    check_unique(&state.credentials, "Credential", &body.credentials_name)?;
    let id = state.chance.uuid();
    let account = &state.world.account_id;
    let answer = json!({
        "credentials_id": id,
        "account_id": account,
        "credentials_name": body.credentials_name,
        "creation_time": epoch_ms(),
        "aws_credentials": {"sts_role": {"role_arn": arn, "external_id": account}},
    });
    state.credentials.push(Object {
        id,
        name: body.credentials_name,
        body: answer.clone(),
    });
    state.count("credentials");
    Ok(Answer::json(201, &answer))
}

/// `arn:<partition>:iam::<12 digits>:role/<name>`.
pub(super) fn is_role(arn: &str) -> bool {
    let mut parts = arn.splitn(6, ':');
    let mut next = || parts.next().unwrap_or_default();
    let partition_is_known = next() == "arn" && next().starts_with("aws");
    let service_is_iam = next() == "iam" && next().is_empty();
    let account = next();
    let account_is_aws = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
    let name = next().strip_prefix("role/").unwrap_or_default();
    partition_is_known && service_is_iam && account_is_aws && !name.is_empty()
}

pub(crate) fn delete(state: &mut State, id: &str) -> Outcome {
    if let Some(workspace) = state
        .workspaces
        .iter()
        .find(|w| w.uses("credentials_id", id))
    {
        return Err(Answer::text(
            400,
            "INVALID_STATE",
            format!(
                "Unable to delete, Credential is being used by active workspace {}",
                workspace.id
            ),
        ));
    }
    remove(&mut state.credentials, id, "Credential")
}

#[cfg(test)]
mod tests {
    use super::is_role;

    #[test]
    fn role_arns_are_checked() {
        assert!(is_role("arn:aws:iam::111122223333:role/x"));
        assert!(is_role("arn:aws-us-gov:iam::111122223333:role/path/x"));
        for wrong in [
            "",
            "x",
            "arn:aws:iam::1:role/x",
            "arn:aws:iam::111122223333:user/x",
        ] {
            assert!(!is_role(wrong), "{wrong}");
        }
    }
}
