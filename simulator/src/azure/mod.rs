//! Azure: who one is (`entra`, `identity`), what there is (`arm`: workspaces, networks, groups), and where secrets lie
//! (`key_vault`).
//!
//! All of it is served over TLS, at names of its own or, for clients that cannot resolve them, by path at the loopback; only
//! a managed identity's token is asked for over plain HTTP. Tokens are for one audience each. The workspaces stand among
//! the others ([`crate::account::life`]), so that what befalls those befalls these; what Azure knows of them beside that is
//! a [`Resource`].

pub(crate) mod arm;
mod entra;
mod identity;
pub(crate) mod key_vault;
mod refusals;
mod world;

use std::time::Duration;

use crate::account::life::Workspace;
use crate::answer::Outcome;
use crate::calls::Call;
use crate::request::{Host, Request};
use crate::state::{Principal, State};

pub(crate) use arm::resource::{Resource, deployment_name};
pub(crate) use entra::{Audience, Standing};
pub(crate) use refusals::error as entra_error;
pub use world::AzureWorld;
use world::{VAULT, ZONE};

/// What there is in Azure, but for the workspaces.
pub(crate) struct Azure {
    /// The application's principal in workspaces.
    pub(crate) principal: Principal,
    tokens: Vec<entra::Token>,
    pub(crate) arm: arm::Manager,
    pub(crate) vault: key_vault::KeyVault,
}

impl Azure {
    pub(crate) fn new(world: &AzureWorld) -> Azure {
        Azure {
            principal: Principal {
                id: 8_000_000_000_000_001,
                application_id: world.client_id.clone(),
                display_name: "provisioning".into(),
                extra: serde_json::Map::new(),
            },
            tokens: Vec::new(),
            arm: arm::Manager::new(world),
            vault: key_vault::KeyVault::default(),
        }
    }

    /// Lets happen what was due, and what follows from workspaces that are gone.
    pub(crate) fn catch_up(&mut self, now: Duration, gone: &[Workspace]) {
        self.arm.catch_up(now, gone);
        self.vault.catch_up(now);
    }
}

/// Which of Azure's own hosts a name is.
pub(crate) fn host(name: &str) -> Option<Host> {
    let name = name.to_ascii_lowercase();
    match name.strip_suffix(ZONE)?.strip_suffix('.')? {
        "login" => Some(Host::Entra),
        "management" => Some(Host::Arm),
        vault if vault.strip_suffix(".vault") == Some(VAULT) => Some(Host::KeyVault),
        _ => None,
    }
}

/// The first two labels of an Azure workspace's name.
pub(crate) fn deployment(name: &str) -> Option<&str> {
    let (first, rest) = name.split_once('.')?;
    let number = rest.split('.').next()?;
    let ours = first.get(..4)?.eq_ignore_ascii_case("adb-")
        && !number.is_empty()
        && number.bytes().all(|b| b.is_ascii_digit());
    ours.then(|| &name[..first.len() + 1 + number.len()])
}

/// Names the call, at one of Azure's hosts or by path alone.
pub(crate) fn route(host: &Host, method: &str, path: &[&str]) -> (Call, Vec<String>) {
    let here = |it: Host| *host == it || *host == Host::Home;
    let found = (here(Host::Entra).then(|| entra::route(method, path)))
        .flatten()
        .or_else(|| here(Host::Arm).then(|| arm::route(method, path)).flatten())
        .or_else(|| {
            here(Host::KeyVault)
                .then(|| key_vault::route(method, path))
                .flatten()
        })
        .or_else(|| {
            here(Host::Home)
                .then(|| identity::route(method, path))
                .flatten()
        });
    found.unwrap_or((Call::Unknown, Vec::new()))
}

/// Whether Azure answers this request.
pub(crate) fn plays(request: &Request) -> bool {
    matches!(request.host, Host::Entra | Host::Arm | Host::KeyVault)
        || is_entra(request)
        || request.call.is_arm()
        || is_key_vault(request)
}

/// Whether a request is for a token, or for the way to one.
pub(crate) fn is_entra(request: &Request) -> bool {
    request.host == Host::Entra
        || (Call::EntraToken..=Call::ManagedIdentityToken).contains(&request.call)
}

/// Whether a request is for Resource Manager.
pub(crate) fn is_arm(request: &Request) -> bool {
    request.host == Host::Arm || request.call.is_arm()
}

/// Whether a request is for the key vault.
pub(crate) fn is_key_vault(request: &Request) -> bool {
    let first = request.path.split('/').nth(1).unwrap_or_default();
    request.host == Host::KeyVault
        || (request.call.is_store()
            && request.host == Host::Home
            && ["secrets", "deletedsecrets"].contains(&first))
}

/// What a request is about: a workspace, a network, a group, a secret, and other names for it.
pub(crate) fn subjects(state: &State, request: &Request) -> Vec<String> {
    if request.call.is_arm() {
        arm::subject(state, request).into_iter().collect()
    } else if is_key_vault(request) {
        key_vault::subjects(request)
    } else {
        Vec::new()
    }
}

/// Lets a call act.
pub(crate) fn act(state: &mut State, request: &Request) -> Outcome {
    if request.call == Call::ManagedIdentityToken {
        identity::token(state, request)
    } else if is_entra(request) {
        entra::act(state, request)
    } else if is_key_vault(request) {
        key_vault::act(state, request)
    } else {
        arm::act(state, request)
    }
}

/// The first query parameter that is not known.
fn unknown_query<'a>(request: &'a Request, known: &[&str]) -> Option<&'a str> {
    let mut names = request.query.iter().map(|(name, _)| name.as_str());
    names.find(|name| !known.contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_known_by_name() {
        assert_eq!(host("login.azure.brickyard.test"), Some(Host::Entra));
        assert_eq!(
            host("KV-brickyard.vault.azure.brickyard.test"),
            Some(Host::KeyVault)
        );
        assert_eq!(host("other.vault.azure.brickyard.test"), None);
        assert_eq!(deployment("adb-1.2.x.test"), Some("adb-1.2"));
        assert_eq!(deployment("adb-1.x.test"), None);
        assert_eq!(deployment("dbc-1.2.x.test"), None);
    }
}
