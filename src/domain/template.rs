//! A template: the named and numbered section of the configuration that a request refers to. Requesters choose a
//! template, never an account; what else they may choose, the template says.

use super::cloud::{Cloud, ComputeMode};
use super::demands::Demands;
use super::name::is_name;
use super::settable::{Settable, Settled, Wrong};
use super::spec::{AzureSpec, SecretTarget, Spec, TokenFor, TokenSpec};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// A configured template, already checked by `config`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Its name, as requests say it.
    pub name: String,
    /// Its version, from 1.
    pub version: u32,
    /// What it is for, in the words of whoever configured it.
    pub description: String,
    /// The configured account.
    pub account: String,
    /// The account's cloud.
    pub cloud: Cloud,
    /// Classic or serverless.
    pub compute_mode: ComputeMode,
    /// What requests may be allowed to set: its value, unless a request says otherwise.
    pub settable: Settable,
    /// What it demands of a request.
    pub demands: Demands,
    /// Tags every workspace gets; a request cannot override them.
    pub tags: BTreeMap<String, String>,
    /// What a workspace on Azure has besides; its resource group is one of `settable`.
    pub azure: Option<AzureSpec>,
    /// Whose token.
    pub token_for: TokenFor,
    /// Name of the secret store.
    pub secret_store: String,
    /// Path with the placeholders `{team}`, `{name}` and `{id}`.
    pub secret_path: String,
    /// See [`Spec::reachable_from_here`].
    pub reachable_from_here: bool,
    /// See [`Spec::create_deadline_seconds`].
    pub create_deadline_seconds: u32,
    /// See [`Spec::update_deadline_seconds`].
    pub update_deadline_seconds: u32,
    /// See [`Spec::delete_deadline_seconds`].
    pub delete_deadline_seconds: u32,
    /// Lifetime of a workspace whose request names none; `None`: for ever.
    pub ttl_seconds: Option<u32>,
    /// See [`Spec::max_ttl_seconds`].
    pub max_ttl_seconds: Option<u32>,
    /// See [`Spec::expiry_grace_seconds`].
    pub expiry_grace_seconds: u32,
    /// Whether a new workspace is protected from deletion unless the request says otherwise; `None`: if it has no
    /// lifetime.
    pub deletion_protection: Option<bool>,
}

/// What a request chose, checked by [`Template::choose`].
#[derive(Debug, Clone)]
pub struct Choices {
    tags: BTreeMap<String, String>,
    deployment_name: Option<String>,
    parameters: Map<String, Value>,
    settled: Settled,
}

impl Template {
    /// What is stored and shown: `sandbox@3`.
    pub fn reference(&self) -> String {
        format!("{}@{}", self.name, self.version)
    }

    /// The section of the configuration it stands in.
    pub fn section(&self) -> String {
        match self.version {
            1 => self.name.clone(),
            _ => self.reference(),
        }
    }

    /// Checks what a request says, its parameters by the rules the configuration keeps too. That they fit the
    /// template's [`Demands`] was checked before.
    ///
    /// # Errors
    /// Every parameter that breaks a rule.
    pub fn choose(
        &self,
        tags: BTreeMap<String, String>,
        deployment_name: Option<String>,
        parameters: Map<String, Value>,
    ) -> Result<Choices, Vec<Wrong>> {
        let (settled, wrongs) = self
            .settable
            .with(&parameters)?
            .settle(self.cloud, self.compute_mode);
        if !wrongs.is_empty() {
            return Err(wrongs);
        }
        Ok(Choices {
            tags,
            deployment_name,
            parameters,
            settled,
        })
    }

    /// All tags of a workspace for which these were asked for: the template's win.
    pub fn tags_for(&self, asked: BTreeMap<String, String>) -> BTreeMap<String, String> {
        let mut tags = asked;
        tags.extend(self.tags.clone());
        tags
    }

    /// The spec of one workspace.
    pub fn resolve(&self, choices: Choices, team: &str, name: &str, workspace_id: &str) -> Spec {
        let Settled {
            region,
            tier,
            credentials,
            storage,
            network,
            resource_group,
            token_lifetime_seconds,
            keep_failed_seconds,
        } = choices.settled;
        Spec {
            template: self.reference(),
            parameters: choices.parameters,
            account: self.account.clone(),
            cloud: self.cloud,
            compute_mode: self.compute_mode,
            region,
            tier,
            deployment_name: choices.deployment_name,
            credentials,
            storage,
            network,
            azure: azure(self.azure.clone(), resource_group),
            tags: self.tags_for(choices.tags),
            removed_tags: BTreeSet::new(),
            token: TokenSpec {
                token_for: self.token_for,
                lifetime_seconds: token_lifetime_seconds,
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
            keep_failed_seconds,
            create_deadline_seconds: self.create_deadline_seconds,
            update_deadline_seconds: self.update_deadline_seconds,
            delete_deadline_seconds: self.delete_deadline_seconds,
            max_ttl_seconds: self.max_ttl_seconds,
            expiry_grace_seconds: self.expiry_grace_seconds,
        }
    }

    /// The spec as far as the template alone decides it, for a workspace that nobody asks for.
    pub fn outline(&self, team: &str, name: &str, workspace_id: &str) -> Spec {
        let choices = Choices {
            tags: BTreeMap::new(),
            deployment_name: None,
            parameters: Map::new(),
            settled: self.settable.settle(self.cloud, self.compute_mode).0,
        };
        self.resolve(choices, team, name, workspace_id)
    }
}

fn azure(options: Option<AzureSpec>, resource_group: Option<String>) -> Option<AzureSpec> {
    Some(AzureSpec {
        resource_group: resource_group?,
        ..options?
    })
}

/// `sandbox@3` as name and version; a name alone has none.
pub fn parse_reference(text: &str) -> Option<(&str, Option<u32>)> {
    let (name, version) = match text.split_once('@') {
        None => (text, None),
        // One way to write each number.
        Some((name, digits)) => {
            let version = digits.parse().ok().filter(|version| *version > 0)?;
            (digits == u32::to_string(&version)).then_some((name, Some(version)))?
        }
    };
    is_name(name).then_some((name, version))
}

/// The configured templates; versions of one name stand side by side.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Templates(BTreeMap<String, BTreeMap<u32, Template>>);

impl Templates {
    /// Adds one; the one that was there under its name and version.
    pub fn insert(&mut self, template: Template) -> Option<Template> {
        let versions = self.0.entry(template.name.clone()).or_default();
        versions.insert(template.version, template)
    }

    /// The template of that reference; a name alone means its newest version.
    pub fn find(&self, reference: &str) -> Option<&Template> {
        let (name, version) = parse_reference(reference)?;
        let versions = self.0.get(name)?;
        match version {
            Some(version) => versions.get(&version),
            None => versions.values().next_back(),
        }
    }

    /// The newest version of each, by name.
    pub fn newest(&self) -> impl Iterator<Item = &Template> {
        self.0
            .values()
            .filter_map(|versions| versions.values().next_back())
    }

    /// All versions of all, by name and version.
    pub fn all(&self) -> impl Iterator<Item = &Template> {
        self.0.values().flat_map(BTreeMap::values)
    }

    /// The versions of a name, oldest first.
    pub fn versions(&self, name: &str) -> Vec<u32> {
        let versions = self.0.get(name).map(|versions| versions.keys().copied());
        versions.into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references() {
        assert_eq!(parse_reference("sandbox"), Some(("sandbox", None)));
        assert_eq!(parse_reference("sandbox@12"), Some(("sandbox", Some(12))));
        for bad in [
            "",
            "@",
            "@1",
            "sandbox@",
            "sandbox@0",
            "sandbox@01",
            "sandbox@+1",
            "sandbox@-1",
            "sandbox@1@2",
            "sandbox@1.0",
            "sandbox@4294967296",
            "Sandbox@1",
            "s@1",
            "sandbox @1",
        ] {
            assert_eq!(parse_reference(bad), None, "{bad}");
        }
    }
}
