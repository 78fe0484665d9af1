//! `[templates.<name>]`: what requesters choose from. Here are the rules for all clouds; what a workspace is made of
//! stands in [`objects`].
//!
//! A template is checked as a whole: what it refers to exists, and what it says fits its compute mode.

mod objects;

use super::aws::is_region;
use super::clouds::AccountSettings;
use super::secrets::is_path;
use super::{Mistake, Mistakes, Source};
use crate::domain::cloud::{Cloud, ComputeMode};
use crate::domain::marker::WORKSPACE_TAG;
use crate::domain::spec::TokenFor;
use crate::domain::template::Template;
use objects::Objects;
use serde::Deserialize;
use std::collections::BTreeMap;

const DAY: u32 = 24 * 3600;
/// Two years: the longest lifetime Databricks gives a token.
const MAX_TOKEN_LIFETIME_SECONDS: u32 = 63_072_000;
const TIERS: [&str; 3] = ["STANDARD", "PREMIUM", "ENTERPRISE"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Raw {
    account: Option<String>,
    compute_mode: ComputeMode,
    region: Option<String>,
    tier: Option<String>,
    credentials_id: Option<String>,
    role_arn: Option<String>,
    storage_configuration_id: Option<String>,
    bucket_name: Option<String>,
    network_id: Option<String>,
    vpc_id: Option<String>,
    subnet_ids: Option<Vec<String>>,
    security_group_ids: Option<Vec<String>>,
    tags: BTreeMap<String, String>,
    token_for: TokenFor,
    token_lifetime_seconds: u32,
    secret_store: Option<String>,
    secret_path: String,
    reachable_from_here: bool,
    keep_failed_seconds: u32,
    create_deadline_seconds: u32,
    delete_deadline_seconds: u32,
    deletion_protection: bool,
}

impl Default for Raw {
    fn default() -> Self {
        Self {
            account: None,
            compute_mode: ComputeMode::Classic,
            region: None,
            tier: None,
            credentials_id: None,
            role_arn: None,
            storage_configuration_id: None,
            bucket_name: None,
            network_id: None,
            vpc_id: None,
            subnet_ids: None,
            security_group_ids: None,
            tags: BTreeMap::new(),
            token_for: TokenFor::ServicePrincipal,
            token_lifetime_seconds: 30 * DAY,
            secret_store: None,
            secret_path: "databricks/{team}/{name}".to_owned(),
            reachable_from_here: true,
            keep_failed_seconds: DAY,
            create_deadline_seconds: 7200,
            delete_deadline_seconds: 3600,
            deletion_protection: true,
        }
    }
}

/// What a template may refer to.
pub(super) struct References<'r> {
    /// Names, also of those that are not right in themselves.
    pub(super) account_names: &'r [String],
    pub(super) store_names: &'r [String],
    pub(super) accounts: &'r BTreeMap<String, AccountSettings>,
}

pub(super) fn read(
    source: &Source,
    references: &References<'_>,
    mistakes: &mut Mistakes,
    warnings: &mut Vec<Mistake>,
) -> BTreeMap<String, Template> {
    let mut templates = BTreeMap::new();
    for name in source.names("templates", mistakes) {
        let key = format!("templates.{name}");
        mistakes.name(&key, &name);
        let Some(raw) = source.section::<Raw>(&key, mistakes) else {
            continue;
        };
        if raw.token_for == TokenFor::Provisioner {
            warnings.push(Mistake::new(
                format!("{key}.token_for"),
                "`provisioner`: whoever reads the token administers the workspace",
            ));
        }
        let template = template(&name, raw, &key, references, mistakes);
        templates.insert(name, template);
    }
    templates
}

fn template(
    name: &str,
    raw: Raw,
    key: &str,
    references: &References<'_>,
    mistakes: &mut Mistakes,
) -> Template {
    let at = |member: &str| format!("{key}.{member}");
    let known = |text: &str, names: &[String]| text.is_empty() || names.iter().any(|n| n == text);

    let account = mistakes.required(at("account"), raw.account.clone());
    if !known(&account, references.account_names) {
        mistakes.add(at("account"), format!("there is no [accounts.{account}]"));
    }
    let secret_store = mistakes.required(at("secret_store"), raw.secret_store.clone());
    if !known(&secret_store, references.store_names) {
        mistakes.add(
            at("secret_store"),
            format!("there is no [stores.{secret_store}]"),
        );
    }
    let region = mistakes.required(at("region"), raw.region.clone());
    if !region.is_empty() && !is_region(&region) {
        mistakes.add(
            at("region"),
            format!("`{region}` is not a region such as us-west-2"),
        );
    }
    if let Some(tier) = raw.tier.as_deref().filter(|tier| !TIERS.contains(tier)) {
        mistakes.add(
            at("tier"),
            format!("`{tier}` is none of {}", TIERS.join(", ")),
        );
    }
    if let Err(why) = check_secret_path(&raw.secret_path) {
        mistakes.add(at("secret_path"), format!("`{}` {why}", raw.secret_path));
    }
    check_tags(&at("tags"), &raw.tags, mistakes);
    let longest = 1..=MAX_TOKEN_LIFETIME_SECONDS;
    mistakes.range(
        at("token_lifetime_seconds"),
        raw.token_lifetime_seconds,
        longest,
    );
    mistakes.range(
        at("keep_failed_seconds"),
        raw.keep_failed_seconds,
        0..=30 * DAY,
    );
    mistakes.range(
        at("create_deadline_seconds"),
        raw.create_deadline_seconds,
        60..=DAY,
    );
    mistakes.range(
        at("delete_deadline_seconds"),
        raw.delete_deadline_seconds,
        60..=DAY,
    );
    let Objects {
        credentials,
        storage,
        network,
    } = objects::read(&raw, key, mistakes);
    Template {
        name: name.to_owned(),
        cloud: references
            .accounts
            .get(&account)
            .map_or(Cloud::Aws, |account| account.cloud),
        account,
        compute_mode: raw.compute_mode,
        region,
        tier: raw.tier,
        credentials,
        storage,
        network,
        tags: raw.tags,
        token_for: raw.token_for,
        token_lifetime_seconds: raw.token_lifetime_seconds,
        secret_store,
        secret_path: raw.secret_path,
        reachable_from_here: raw.reachable_from_here,
        keep_failed_seconds: raw.keep_failed_seconds,
        create_deadline_seconds: raw.create_deadline_seconds,
        delete_deadline_seconds: raw.delete_deadline_seconds,
        deletion_protection: raw.deletion_protection,
    }
}

fn check_tags(key: &str, tags: &BTreeMap<String, String>, mistakes: &mut Mistakes) {
    if tags.len() > 20 {
        mistakes.add(key, format!("{} tags are more than 20", tags.len()));
    }
    for (name, value) in tags {
        if name == WORKSPACE_TAG {
            mistakes.add(
                format!("{key}.{name}"),
                "is the tag that carries the marker",
            );
        }
        if !(1..=127).contains(&name.chars().count()) || value.chars().count() > 255 {
            mistakes.add(
                format!("{key}.{name}"),
                "a key has 1 to 127 characters and a value at most 255",
            );
        }
    }
}

/// `{id}`, or both `{team}` and `{name}`, make the path one workspace's own.
fn check_secret_path(path: &str) -> Result<(), &'static str> {
    let (id, team, name) = ("{id}", "{team}", "{name}");
    let filled = path.replace(id, "x").replace(team, "x").replace(name, "x");
    if filled.contains(['{', '}']) {
        return Err("has a placeholder that is none of {team}, {name}, {id}");
    }
    if !is_path(&filled) {
        return Err("is not a path of letters, digits, `-`, `_`, `.` and single slashes");
    }
    // Next to each other, two of them could spell the same path for two workspaces.
    if path.contains("}{") {
        return Err("needs something between two placeholders");
    }
    let own_segment = |placeholder: &str| path.split('/').any(|segment| segment == placeholder);
    if path.contains(id) || (own_segment(team) && path.contains(name)) {
        return Ok(());
    }
    if own_segment(name) && path.contains(team) {
        return Ok(());
    }
    Err("must contain {id}, or both {team} and {name} in segments of their own")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_paths() {
        for good in [
            "databricks/{team}/{name}",
            "{id}",
            "databricks/{team}/ws-{name}",
            "databricks/{team}-{id}",
            "{team}/{name}/pat",
        ] {
            assert_eq!(check_secret_path(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "databricks/{name}",
            "databricks/{team}",
            // a-b/c and a/b-c would meet
            "databricks/{team}-{name}",
            "databricks/{team}{id}",
            "databricks/{workspace}/{id}",
            "databricks/{id",
            "/{id}",
            "{id}/",
            "a//{id}",
            "../{id}",
            "a b/{id}",
        ] {
            assert!(check_secret_path(bad).is_err(), "{bad}");
        }
    }
}
