//! Deleted secrets: kept, recovered, purged.

use std::time::Duration;

use chrono::Utc;
use serde_json::Value;

use super::life::{Phase, Secret};
use super::{not_found, page};
use crate::answer::{Answer, Outcome};
use crate::faults::FaultKind;
use crate::request::Request;
use crate::state::State;

fn find<'s>(state: &'s mut State, request: &Request) -> Result<&'s mut Secret, Answer> {
    let name = &request.ids[0];
    let secrets = &mut state.azure.vault.secrets;
    let found = secrets.get_mut(&name.to_ascii_lowercase());
    found.ok_or_else(|| not_found(name))
}

/// DELETE of a secret with all its versions.
pub(super) fn delete(state: &mut State, request: &Request) -> Outcome {
    let now = state.now();
    let settles = Duration::from_millis(state.chance.between(2_000, 5_000));
    let url = state.world.azure.vault_url.clone();
    let secret = find(state, request)?;
    if secret.is_deleted() {
        return Err(not_found(&request.ids[0]));
    }
    secret.may_change(now)?;
    secret.phase = Phase::Deleted {
        at: Utc::now().timestamp(),
        settled: now + settles,
    };
    Ok(Answer::ok(&secret.show_deleted(&url, false)))
}

pub(super) fn get(state: &mut State, request: &Request) -> Outcome {
    let now = state.now();
    let url = state.world.azure.vault_url.clone();
    let secret = find(state, request)?;
    // Until it has settled, nothing is known of it here either.
    match secret.phase {
        Phase::Deleted { settled, .. } if now >= settled => {
            Ok(Answer::ok(&secret.show_deleted(&url, false)))
        }
        _ => Err(not_found(&request.ids[0])),
    }
}

pub(super) fn list(state: &mut State, request: &Request) -> Outcome {
    let now = state.now();
    let url = &state.world.azure.vault_url;
    let secrets = state.azure.vault.secrets.values();
    let all: Vec<Value> = secrets
        .filter(|it| it.is_recoverable(now).is_ok())
        .map(|it| it.show_deleted(url, true))
        .collect();
    page(request, &all)
}

/// POST recover: it is accepted at once and takes a while.
pub(super) fn recover(state: &mut State, request: &Request) -> Outcome {
    let now = state.now();
    let strike = request.strike.as_ref();
    let takes = match strike.filter(|it| it.kind() == FaultKind::RecoverLate) {
        Some(strike) => strike.duration(),
        None => Duration::from_millis(state.chance.between(3_000, 8_000)),
    };
    let url = state.world.azure.vault_url.clone();
    let secret = find(state, request)?;
    secret.is_recoverable(now)?;
    secret.phase = Phase::Recovering {
        readable: now + takes / 2,
        until: now + takes,
    };
    let version = secret.current();
    let shown = version.map_or(Value::Null, |version| secret.show(&url, version));
    Ok(Answer::ok(&shown))
}

/// DELETE of a deleted secret: nothing is left.
pub(super) fn purge(state: &mut State, request: &Request) -> Outcome {
    let now = state.now();
    find(state, request)?.is_recoverable(now)?;
    let name = request.ids[0].to_ascii_lowercase();
    state.azure.vault.secrets.remove(&name);
    Ok(Answer::empty(204))
}
