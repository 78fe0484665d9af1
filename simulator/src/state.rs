//! Everything that exists out there, in one place, behind one lock.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::account::life::Workspace;
use crate::arrivals::Arrival;
use crate::aws::SecretsManager;
use crate::azure::{self, Azure};
use crate::calls::Call;
use crate::chance::Chance;
use crate::clock::Clock;
use crate::faults::Faults;
use crate::login::Logins;
use crate::oauth::OauthToken;
use crate::oidc::Issuer;
use crate::request::{Host, Request};
use crate::vault::Vault;
use crate::world::World;

/// What bodies call the name of what they make.
const NAMES: [&str; 5] = [
    "workspace_name",
    "credentials_name",
    "storage_configuration_name",
    "network_name",
    "displayName",
];

/// A service principal of the account.
#[derive(Clone, Debug)]
pub(crate) struct Principal {
    pub(crate) id: i64,
    pub(crate) application_id: String,
    pub(crate) display_name: String,
    /// What else the client sent, answered as it was.
    pub(crate) extra: Map<String, Value>,
}

/// An object of the account with an id and a name, kept as the JSON that is answered.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) body: Value,
}

/// The state of the world.
pub(crate) struct State {
    pub(crate) clock: Clock,
    pub(crate) chance: Chance,
    pub(crate) world: World,
    pub(crate) faults: Faults,
    pub(crate) arrivals: Vec<Arrival>,
    pub(crate) deployment_prefix: Option<String>,
    pub(crate) oauth_tokens: Vec<OauthToken>,
    pub(crate) credentials: Vec<Object>,
    pub(crate) storage: Vec<Object>,
    pub(crate) networks: Vec<Object>,
    pub(crate) workspaces: Vec<Workspace>,
    /// Workspaces that are gone, and until when their networks stay attached to them.
    pub(crate) lingering: Vec<(i64, Duration)>,
    /// The first is the provisioning principal.
    pub(crate) principals: Vec<Principal>,
    pub(crate) ever_created: BTreeMap<&'static str, u64>,
    pub(crate) issuer: Issuer,
    pub(crate) logins: Logins,
    pub(crate) vault: Vault,
    pub(crate) aws: SecretsManager,
    pub(crate) azure: Azure,
}

impl State {
    pub(crate) fn new(world: World, clock: Clock, mut chance: Chance) -> State {
        let provisioner = Principal {
            id: chance.principal_id(),
            application_id: world.client_id.clone(),
            display_name: "provisioning".into(),
            extra: Map::new(),
        };
        State {
            issuer: Issuer::new(),
            logins: Logins::default(),
            vault: Vault::default(),
            aws: SecretsManager::default(),
            azure: Azure::new(&world.azure),
            clock,
            chance,
            world,
            faults: Faults::default(),
            arrivals: Vec::new(),
            deployment_prefix: None,
            oauth_tokens: Vec::new(),
            credentials: Vec::new(),
            storage: Vec::new(),
            networks: Vec::new(),
            workspaces: Vec::new(),
            lingering: Vec::new(),
            principals: vec![provisioner],
            ever_created: BTreeMap::new(),
        }
    }

    /// Lets everything happen that was due until now.
    pub(crate) fn catch_up(&mut self) {
        let now = self.clock.now();
        for workspace in &mut self.workspaces {
            workspace.catch_up(now);
        }
        let gone: Vec<_> = self.workspaces.extract_if(.., |w| w.is_gone()).collect();
        self.azure.catch_up(now, &gone);
        let gone = gone.into_iter();
        self.lingering
            .extend(gone.map(|w| (w.id, now + w.network_lingers)));
        for (workspace, _) in self.lingering.extract_if(.., |(_, until)| now >= *until) {
            crate::account::networks::detach(&mut self.networks, workspace);
        }
    }

    pub(crate) fn now(&self) -> Duration {
        self.clock.now()
    }

    pub(crate) fn count(&mut self, kind: &'static str) {
        *self.ever_created.entry(kind).or_default() += 1;
    }

    pub(crate) fn provisioner(&self) -> &Principal {
        &self.principals[0]
    }

    pub(crate) fn principal(&self, id: i64) -> Option<&Principal> {
        let mut all = self.principals.iter().chain([&self.azure.principal]);
        all.find(|principal| principal.id == id)
    }

    pub(crate) fn workspace_at(&self, deployment: &str) -> Option<&Workspace> {
        self.workspaces
            .iter()
            .find(|w| w.deployment_name == deployment)
    }

    /// The name of the object a request makes, or speaks of by its id: a token's comment, a workspace's name, a secret's
    /// path.
    pub(crate) fn object(&self, request: &Request) -> Option<String> {
        if azure::plays(request) {
            return azure::subjects(self, request).into_iter().next();
        }
        if request.call.is_store() {
            let path = request.ids.join("/");
            return Some(path).filter(|path| !path.is_empty());
        }
        let body = serde_json::from_slice::<Value>(&request.body).unwrap_or_default();
        let given = NAMES
            .iter()
            .chain(&["comment"])
            .find_map(|key| body.get(*key)?.as_str());
        let id = request.ids.last().map(String::as_str);
        let objects = [&self.credentials, &self.storage, &self.networks];
        let mut named = objects.into_iter().flatten();
        let by_id = |id: &str| {
            let object = named.find(|it| it.id == id).map(|it| it.name.clone());
            let principal = self.principals.iter().find(|it| it.id.to_string() == id);
            let workspace = self.workspaces.iter().find(|it| it.id.to_string() == id);
            object
                .or_else(|| principal.map(|it| it.display_name.clone()))
                .or_else(|| workspace.map(|it| it.name.clone()))
        };
        given.map(str::to_owned).or_else(|| id.and_then(by_id))
    }

    /// The upstream name of the workspace a request concerns, and further names it mentions.
    pub(crate) fn subjects(&self, request: &Request) -> (Option<String>, Vec<String>) {
        let mut names = Vec::new();
        if let Host::Workspace(deployment) = &request.host {
            names.push(deployment.clone());
        } else if azure::plays(request) {
            names.extend(azure::subjects(self, request));
        } else {
            names.extend(
                request
                    .ids
                    .iter()
                    .skip(usize::from(request.call.is_account()))
                    .cloned(),
            );
        }
        if let Ok(Value::Object(body)) = serde_json::from_slice::<Value>(&request.body) {
            names.extend(
                NAMES
                    .iter()
                    .chain(&["deployment_name"])
                    .filter_map(|k| body.get(*k)?.as_str())
                    .map(str::to_owned),
            );
        }
        let objects = [&self.credentials, &self.storage, &self.networks];
        let mentioned: Vec<String> = objects
            .into_iter()
            .flatten()
            .filter(|o| names.contains(&o.id))
            .map(|o| o.name.clone())
            .chain(
                self.principals
                    .iter()
                    .filter(|p| names.contains(&p.id.to_string()))
                    .map(|p| p.display_name.clone()),
            )
            .collect();
        names.extend(mentioned);
        if matches!(
            request.call,
            Call::CreateWorkspace | Call::ArmCreateWorkspace
        ) {
            let name = names.first().cloned();
            return (name, names);
        }
        let path = names.join("/");
        let meant = self
            .workspaces
            .iter()
            .find(|w| names.iter().any(|name| w.is_meant_by(name)));
        let workspace = meant
            .or_else(|| self.workspaces.iter().find(|w| w.may_be_meant_by(&path)))
            .map(|w| w.name.clone());
        names.extend(workspace.clone());
        (workspace, names)
    }
}
