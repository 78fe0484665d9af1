//! A template: the named section of the configuration that a request refers to. Requesters choose a template,
//! never an account.

use super::cloud::{Cloud, ComputeMode};
use super::spec::{
    CredentialsSource, NetworkSource, SecretTarget, Spec, StorageSource, TokenFor, TokenSpec,
};
use std::collections::BTreeMap;

/// A configured template, already checked by `config`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Its name, as requests say it.
    pub name: String,
    /// The configured account.
    pub account: String,
    /// The account's cloud.
    pub cloud: Cloud,
    /// Classic or serverless.
    pub compute_mode: ComputeMode,
    /// Region for every workspace of this template.
    pub region: String,
    /// Pricing tier, in Databricks' words.
    pub tier: Option<String>,
    /// See [`Spec::credentials`].
    pub credentials: Option<CredentialsSource>,
    /// See [`Spec::storage`].
    pub storage: Option<StorageSource>,
    /// See [`Spec::network`].
    pub network: Option<NetworkSource>,
    /// Tags every workspace gets; a request cannot override them.
    pub tags: BTreeMap<String, String>,
    /// Whose token.
    pub token_for: TokenFor,
    /// Token lifetime in seconds; default 30 days.
    pub token_lifetime_seconds: u32,
    /// Name of the secret store.
    pub secret_store: String,
    /// Path with the placeholders `{team}`, `{name}` and `{id}`.
    pub secret_path: String,
    /// See [`Spec::reachable_from_here`].
    pub reachable_from_here: bool,
    /// See [`Spec::keep_failed_seconds`].
    pub keep_failed_seconds: u32,
    /// See [`Spec::create_deadline_seconds`].
    pub create_deadline_seconds: u32,
    /// See [`Spec::delete_deadline_seconds`].
    pub delete_deadline_seconds: u32,
    /// Whether a new workspace is protected from deletion unless the request says otherwise.
    pub deletion_protection: bool,
}

/// What a request may choose.
#[derive(Debug, Clone, Default)]
pub struct Choices {
    /// Extra tags.
    pub tags: BTreeMap<String, String>,
    /// The subdomain.
    pub deployment_name: Option<String>,
}

impl Template {
    /// The spec of one workspace. The template's tags win over the request's.
    pub fn resolve(&self, choices: Choices, team: &str, name: &str, workspace_id: &str) -> Spec {
        let mut tags = choices.tags;
        tags.extend(self.tags.clone());
        Spec {
            template: self.name.clone(),
            account: self.account.clone(),
            cloud: self.cloud,
            compute_mode: self.compute_mode,
            region: self.region.clone(),
            tier: self.tier.clone(),
            deployment_name: choices.deployment_name,
            credentials: self.credentials.clone(),
            storage: self.storage.clone(),
            network: self.network.clone(),
            tags,
            token: TokenSpec {
                token_for: self.token_for,
                lifetime_seconds: self.token_lifetime_seconds,
            },
            secret: SecretTarget {
                store: self.secret_store.clone(),
                path: self
                    .secret_path
                    .replace("{team}", team)
                    .replace("{name}", name)
                    .replace("{id}", workspace_id),
            },
            reachable_from_here: self.reachable_from_here,
            keep_failed_seconds: self.keep_failed_seconds,
            create_deadline_seconds: self.create_deadline_seconds,
            delete_deadline_seconds: self.delete_deadline_seconds,
        }
    }
}
