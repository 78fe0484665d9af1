//! What exists out there, for tests that ask whether anything was leaked or lost.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::azure::arm::groups::Origin;
use crate::azure::arm::networks::{self, Kind};
use crate::state::{Object, State};
use crate::workspace::tokens::sha256;

/// Everything that exists, as of now.
#[derive(Clone, Debug, Serialize)]
pub struct Inventory {
    /// Credentials.
    pub credentials: Vec<ObjectRecord>,
    /// Storage configurations.
    pub storage_configurations: Vec<ObjectRecord>,
    /// Networks; Azure's virtual networks too, by their resource ids, but for the one that was there before.
    pub networks: Vec<ObjectRecord>,
    /// Azure's network security groups, likewise.
    pub security_groups: Vec<ObjectRecord>,
    /// Azure's resource groups, those that workspaces manage too, but for the two that were there before.
    pub resource_groups: Vec<ObjectRecord>,
    /// Workspaces, those that are being removed too.
    pub workspaces: Vec<WorkspaceRecord>,
    /// Service principals, without the provisioning one.
    pub service_principals: Vec<PrincipalRecord>,
    /// Who may enter a workspace, without the provisioning principal's own right.
    pub assignments: Vec<AssignmentRecord>,
    /// Personal access tokens that have not expired.
    pub tokens: Vec<TokenRecord>,
    /// How many of each kind were ever made: `credentials`, `storage_configurations`, `networks`,
    /// `workspaces`, `service_principals`, `assignments`, `tokens`, `secret_versions`, `security_groups`,
    /// `resource_groups` (by clients).
    pub ever_created: BTreeMap<String, u64>,
    /// Vault, by path below `secret`, AWS and Key Vault, by name.
    pub secrets: BTreeMap<String, SecretRecord>,
    /// Names of secrets of Key Vault that are deleted and can be recovered.
    pub deleted_secrets: Vec<String>,
}

impl Inventory {
    /// Whether nothing is left: no object of the account, no network, no group of Azure,
    /// no token, no secret but deleted ones.
    pub fn is_empty(&self) -> bool {
        self.credentials.is_empty()
            && self.storage_configurations.is_empty()
            && self.networks.is_empty()
            && self.security_groups.is_empty()
            && self.resource_groups.is_empty()
            && self.workspaces.is_empty()
            && self.service_principals.is_empty()
            && self.tokens.is_empty()
            && self.secrets.is_empty()
    }

    /// How many of a kind were ever made.
    pub fn created(&self, kind: &str) -> u64 {
        self.ever_created.get(kind).copied().unwrap_or(0)
    }
}

/// An object of the account.
#[derive(Clone, Debug, Serialize)]
pub struct ObjectRecord {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What GET answers.
    pub body: Value,
}

/// A workspace.
#[derive(Clone, Debug, Serialize)]
pub struct WorkspaceRecord {
    /// Its id.
    pub id: i64,
    /// Its upstream name.
    pub name: String,
    /// The first label of its host; on Azure, the first two.
    pub deployment_name: String,
    /// Simulated time from its creation to its first RUNNING.
    pub ran_after: Option<Duration>,
    /// As the API says it.
    pub status: String,
    /// As the API says it.
    pub status_message: String,
    /// Its tags, those too that the API does not show yet.
    pub tags: BTreeMap<String, String>,
    /// Its credentials.
    pub credentials_id: Option<String>,
    /// Its storage configuration.
    pub storage_configuration_id: Option<String>,
    /// Its network.
    pub network_id: Option<String>,
    /// Who holds CAN_USE on its tokens.
    pub token_users: Vec<String>,
    /// Its id as a resource of Azure, if it is there.
    pub resource_id: Option<String>,
    /// What GET answers.
    pub body: Value,
}

/// A service principal.
#[derive(Clone, Debug, Serialize)]
pub struct PrincipalRecord {
    /// Its numeric id.
    pub id: i64,
    /// Its application id.
    pub application_id: String,
    /// Its name.
    pub display_name: String,
}

/// A principal's right in a workspace.
#[derive(Clone, Debug, Serialize)]
pub struct AssignmentRecord {
    /// The workspace.
    pub workspace_id: i64,
    /// The principal.
    pub principal_id: i64,
    /// `USER` or `ADMIN`.
    pub permission: String,
}

/// A personal access token.
#[derive(Clone, Debug, Serialize)]
pub struct TokenRecord {
    /// Its id.
    pub id: String,
    /// Whose it is: a principal's id.
    pub owner: i64,
    /// Its workspace.
    pub workspace_id: i64,
    /// Its comment.
    pub comment: String,
    /// When it was made, epoch milliseconds.
    pub created: i64,
    /// When it expires, epoch milliseconds.
    pub expiry: i64,
    /// The value (over HTTP: its SHA-256).
    pub value: String,
}

/// A secret.
#[derive(Clone, Debug, Serialize)]
pub struct SecretRecord {
    /// Its custom metadata; for AWS and Azure, its tags.
    pub metadata: BTreeMap<String, String>,
    /// The current version, as the store calls it.
    pub current: Option<String>,
    /// Its versions, the current one last; deleted ones have no data. AWS' and Azure's text is shown as the JSON object it is, or as
    /// `text`.
    pub versions: BTreeMap<u64, Option<Map<String, Value>>>,
}

fn objects(objects: &[Object]) -> Vec<ObjectRecord> {
    objects
        .iter()
        .map(|o| ObjectRecord {
            id: o.id.clone(),
            name: o.name.clone(),
            body: o.body.clone(),
        })
        .collect()
}

/// Azure's, that clients made.
fn items(state: &State, kind: Kind) -> impl Iterator<Item = ObjectRecord> {
    let all = &state.azure.arm.networks;
    let made = all.iter().filter(move |it| it.kind == kind && !it.premade);
    made.map(|it| ObjectRecord {
        id: it.id.clone(),
        name: it.name.clone(),
        body: networks::show(all, &it.id).unwrap_or_default(),
    })
}

fn groups(state: &State) -> Vec<ObjectRecord> {
    let subscription = &state.world.azure.subscription_id;
    let all = state.azure.arm.groups.iter();
    all.filter(|it| it.origin != Origin::World)
        .map(|it| ObjectRecord {
            id: it.id(subscription),
            name: it.name.clone(),
            body: it.show(subscription),
        })
        .collect()
}

pub(crate) fn take(state: &State) -> Inventory {
    let now = state.now();
    let real = crate::clock::epoch_ms();
    let ours = [state.provisioner().id, state.azure.principal.id];
    let workspaces = state.workspaces.iter().map(|w| {
        let text = |key: &str| w.given.get(key).and_then(Value::as_str).map(str::to_owned);
        let (status, status_message) = w.status();
        let tags = w.given.get("custom_tags").cloned().unwrap_or_default();
        WorkspaceRecord {
            id: w.id,
            name: w.name.clone(),
            deployment_name: w.deployment_name.clone(),
            ran_after: w.ran_since.map(|since| since - w.asked_at),
            status: status.to_owned(),
            status_message,
            tags: serde_json::from_value(tags).unwrap_or_default(),
            credentials_id: text("credentials_id"),
            storage_configuration_id: text("storage_configuration_id"),
            network_id: text("network_id"),
            token_users: w.token_users.iter().map(|(_, name)| name.clone()).collect(),
            resource_id: w.azure.as_ref().map(|azure| azure.id(&w.name)),
            body: w.show(now),
        }
    });
    let tokens = state
        .workspaces
        .iter()
        .flat_map(|w| w.tokens.iter().map(move |t| (w.id, t)));
    let assignments = state.workspaces.iter().flat_map(|w| {
        w.assignments
            .iter()
            .map(move |(p, level)| (w.id, *p, level))
    });
    let vault = || state.azure.vault.secrets.values();
    Inventory {
        credentials: objects(&state.credentials),
        storage_configurations: objects(&state.storage),
        networks: objects(&state.networks)
            .into_iter()
            .chain(items(state, Kind::Vnet))
            .collect(),
        security_groups: items(state, Kind::Nsg).collect(),
        resource_groups: groups(state),
        workspaces: workspaces.collect(),
        service_principals: state
            .principals
            .iter()
            .skip(1)
            .map(|p| PrincipalRecord {
                id: p.id,
                application_id: p.application_id.clone(),
                display_name: p.display_name.clone(),
            })
            .collect(),
        assignments: assignments
            .filter(|(_, principal, _)| !ours.contains(principal))
            .map(|(workspace_id, principal_id, level)| AssignmentRecord {
                workspace_id,
                principal_id,
                permission: (*level).to_owned(),
            })
            .collect(),
        tokens: tokens
            .filter(|(_, token)| token.expires > real)
            .map(|(workspace_id, t)| TokenRecord {
                id: t.id.clone(),
                owner: t.owner,
                workspace_id,
                comment: t.comment.clone(),
                created: t.created,
                expiry: t.expires,
                value: t.value.clone(),
            })
            .collect(),
        ever_created: state
            .ever_created
            .iter()
            .map(|(k, n)| ((*k).to_owned(), *n))
            .collect(),
        secrets: state
            .vault
            .secrets
            .iter()
            .map(|(path, secret)| {
                let versions = secret
                    .versions
                    .iter()
                    .map(|(n, v)| (*n, v.data.clone()))
                    .collect();
                (
                    path.clone(),
                    SecretRecord {
                        metadata: secret.custom.clone(),
                        current: secret.versions.keys().last().map(u64::to_string),
                        versions,
                    },
                )
            })
            .chain(
                state
                    .aws
                    .secrets
                    .iter()
                    .map(|(name, secret)| (name.clone(), of_aws(secret))),
            )
            .chain(vault().filter(|it| !it.is_deleted()).map(of_azure))
            .collect(),
        deleted_secrets: vault()
            .filter(|it| it.is_deleted())
            .map(|it| it.name.clone())
            .collect(),
    }
}

/// A text as the JSON object it is, or as `text`.
fn data(text: &str) -> Map<String, Value> {
    match serde_json::from_str(text) {
        Ok(Value::Object(data)) => data,
        _ => Map::from_iter([("text".to_owned(), Value::from(text))]),
    }
}

fn of_azure(secret: &crate::azure::key_vault::Secret) -> (String, SecretRecord) {
    let versions = secret.versions.iter().map(|it| Some(data(&it.value)));
    let current = secret.versions.last();
    let record = SecretRecord {
        metadata: current.map_or_else(BTreeMap::new, |it| it.tags.clone()),
        current: current.map(|it| it.id.clone()),
        versions: (1..).zip(versions).collect(),
    };
    (secret.name.clone(), record)
}

fn of_aws(secret: &crate::aws::Secret) -> SecretRecord {
    let mut versions: Vec<_> = secret.versions.iter().collect();
    // Stable: the others stay in the order they came in.
    versions.sort_by_key(|version| version.is_current());
    let current = versions.last().filter(|version| version.is_current());
    let current = current.map(|version| version.id.clone());
    let versions = versions
        .iter()
        .map(|version| secret.deleted.is_none().then(|| data(&version.value)));
    SecretRecord {
        metadata: secret.tags.clone(),
        current,
        versions: (1..).zip(versions).collect(),
    }
}

/// The inventory without values: tokens as their SHA-256, secrets as those of their fields.
pub(crate) fn redacted(mut inventory: Inventory) -> Inventory {
    for token in &mut inventory.tokens {
        token.value = sha256(&token.value);
    }
    for secret in inventory.secrets.values_mut() {
        for value in secret
            .versions
            .values_mut()
            .flatten()
            .flat_map(|data| data.values_mut())
        {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            *value = sha256(&text).into();
        }
    }
    inventory
}
