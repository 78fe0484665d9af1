//! Whether the subscription may use Databricks at all: the registration of its resource provider.

use std::time::Duration;

use serde_json::json;

use super::{Manager, error, same};
use crate::answer::{Answer, Outcome};
use crate::faults::FaultKind;
use crate::request::Request;
use crate::state::State;

const DATABRICKS: &str = "Microsoft.Databricks";

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Registration {
    Registered,
    NotRegistered,
    Registering { until: Duration },
}

impl Registration {
    pub(super) fn catch_up(&mut self, now: Duration) {
        if matches!(self, Registration::Registering { until } if now >= *until) {
            *self = Registration::Registered;
        }
    }

    fn name(self) -> &'static str {
        match self {
            Registration::Registered => "Registered",
            Registration::NotRegistered => "NotRegistered",
            Registration::Registering { .. } => "Registering",
        }
    }
}

/// The fault takes the registration away.
fn strike(manager: &mut Manager, request: &Request) {
    let kind = request.strike.as_ref().map(|strike| strike.kind());
    if kind == Some(FaultKind::ProviderNotRegistered)
        && manager.provider == Registration::Registered
    {
        manager.provider = Registration::NotRegistered;
    }
}

/// Refuses what needs the registration.
pub(super) fn check(manager: &mut Manager, request: &Request) -> Result<(), Answer> {
    strike(manager, request);
    if manager.provider == Registration::Registered {
        return Ok(());
    }
    let words = format!(
        "The subscription is not registered to use namespace '{DATABRICKS}'. See https://aka.ms/rps-not-found for how to \
         register subscriptions."
    );
    Err(error(409, "MissingSubscriptionRegistration", &words))
}

fn show(state: &State, request: &Request) -> Outcome {
    let space = &request.ids[1];
    let registration = if same(space, DATABRICKS) {
        state.azure.arm.provider
    } else if same(space, "Microsoft.Network") {
        Registration::Registered
    } else {
        let words = format!("The resource namespace '{space}' is invalid.");
        return Err(error(404, "InvalidResourceNamespace", &words).by_mistake());
    };
    Ok(Answer::ok(&json!({
        "id": format!("/subscriptions/{}/providers/{space}", request.ids[0]),
        "namespace": space,
        "registrationPolicy": "RegistrationRequired",
        "registrationState": registration.name(),
        "resourceTypes": [],
    })))
}

pub(super) fn get(state: &mut State, request: &Request) -> Outcome {
    if same(&request.ids[1], DATABRICKS) {
        strike(&mut state.azure.arm, request);
    }
    show(state, request)
}

pub(super) fn register(state: &mut State, request: &Request) -> Outcome {
    let until = state.now() + Duration::from_millis(state.chance.between(20_000, 40_000));
    let provider = &mut state.azure.arm.provider;
    if same(&request.ids[1], DATABRICKS) && *provider == Registration::NotRegistered {
        *provider = Registration::Registering { until };
    }
    show(state, request)
}
