//! The account API: the objects a workspace is built from, workspaces, service principals and who
//! may enter a workspace.
//!
//! One file per kind of object. All of them ask the same three questions first: is there a token,
//! is it an account token that still lives, is this the account. Everything is refused that the
//! vendor refuses; nothing here knows of faults, except that a workspace is told its fate at birth.

pub(crate) mod assignments;
pub(crate) mod credentials;
pub(crate) mod life;
pub(crate) mod networks;
pub(crate) mod service_principals;
pub(crate) mod storage;
pub(crate) mod update;
pub(crate) mod workspaces;

use serde_json::Value;

use crate::answer::{Answer, Outcome};
use crate::calls::Call;
use crate::oauth;
use crate::request::Request;
use crate::state::{Object, State};

/// Lets an account call act.
pub(crate) fn act(state: &mut State, request: &Request) -> Outcome {
    oauth::account_caller(state, request)?;
    if request.ids[0] != state.world.account_id {
        return Err(Answer::error(
            404,
            "NOT_FOUND",
            "The account does not exist or the user does not belong to this account",
        ));
    }
    let id = request.ids.get(1).map_or("", String::as_str);
    match request.call {
        Call::CreateCredentials => credentials::create(state, request),
        Call::ListCredentials => Ok(list(&state.credentials)),
        Call::GetCredentials => get(&state.credentials, id, "Credential"),
        Call::DeleteCredentials => credentials::delete(state, id),
        Call::CreateStorage => storage::create(state, request),
        Call::ListStorage => Ok(list(&state.storage)),
        Call::GetStorage => get(&state.storage, id, "Storage configuration"),
        Call::DeleteStorage => storage::delete(state, id),
        Call::CreateNetwork => networks::create(state, request),
        Call::ListNetworks => Ok(list(&state.networks)),
        Call::GetNetwork => get(&state.networks, id, "Network"),
        Call::DeleteNetwork => networks::delete(state, id),
        Call::CreateWorkspace => workspaces::create(state, request),
        Call::ListWorkspaces => Ok(workspaces::list(state)),
        Call::GetWorkspace => workspaces::get(state, id),
        Call::UpdateWorkspace => update::update(state, request, id),
        Call::DeleteWorkspace => workspaces::delete(state, id),
        Call::CreateServicePrincipal => service_principals::create(state, request),
        Call::ListServicePrincipals => service_principals::list(state, request),
        Call::GetServicePrincipal => service_principals::get(state, id),
        Call::DeleteServicePrincipal => service_principals::delete(state, id),
        Call::AssignPrincipal => assignments::put(state, request),
        Call::ListAssignments => assignments::list(state, id),
        _ => assignments::delete(state, request),
    }
}

fn list(objects: &[Object]) -> Answer {
    Answer::ok(&objects.iter().map(|o| o.body.clone()).collect::<Value>())
}

fn find<'a>(objects: &'a [Object], id: &str, kind: &str) -> Result<&'a Object, Answer> {
    objects
        .iter()
        .find(|object| object.id == id)
        .ok_or_else(|| Answer::not_found(format!("{kind} {id} does not exist.")))
}

fn get(objects: &[Object], id: &str, kind: &str) -> Outcome {
    find(objects, id, kind).map(|object| Answer::ok(&object.body))
}

/// Takes an object out of its list and answers it, as the vendor's DELETE does.
fn remove(objects: &mut Vec<Object>, id: &str, kind: &str) -> Outcome {
    let body = find(objects, id, kind)?.body.clone();
    objects.retain(|object| object.id != id);
    Ok(Answer::ok(&body))
}

/// Names are 4 to 256 characters.
fn check_name(field: &str, name: &str, most: usize, least: usize) -> Result<(), Answer> {
    if (least..=most).contains(&name.chars().count()) {
        Ok(())
    } else {
        let words = format!("{field} must have between {least} and {most} characters.");
        Err(Answer::bad_value(words))
    }
}

fn check_unique(objects: &[Object], kind: &str, name: &str) -> Result<(), Answer> {
    if objects.iter().any(|object| object.name == name) {
        let words = format!("{kind} with name {name} already exists.");
        return Err(Answer::error(409, "RESOURCE_ALREADY_EXISTS", words));
    }
    Ok(())
}

/// Ids are bare UUIDs; `<account>/<uuid>` is not.
fn check_uuid(field: &str, id: &str) -> Result<(), Answer> {
    match uuid::Uuid::try_parse(id) {
        Ok(_) if id.len() == 36 => Ok(()),
        _ => Err(Answer::malformed(format!("Invalid {field}: {id}"))),
    }
}
