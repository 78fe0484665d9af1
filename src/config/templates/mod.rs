//! `[templates.<name>]`: what requesters choose from.
//!
//! Every member of the section holds for all workspaces of the template, unless it is one of its `parameters`: then it
//! is what a request may set, and the section has its default. A template is checked as a whole: what it refers to
//! exists, what it says fits its compute mode ([`Settable`]), and what it demands of requests compiles ([`Demands`]).

mod azure;
mod checks;

use super::{Mistake, Mistakes, Source, source};
use crate::domain::cloud::{Cloud, ComputeMode};
use crate::domain::demands::{Demands, Wanted};
use crate::domain::local::TTL_SECONDS;
use crate::domain::marker::WORKSPACE_TAG;
use crate::domain::settable::{Settable, is_object, members, needless};
use crate::domain::spec::TokenFor;
use crate::domain::template::{Template, Templates, parse_reference};
use checks::{check_secret_path, check_tags};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

const DAY: u32 = 24 * 3600;

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
    resource_group: Option<String>,
    vnet_id: Option<String>,
    public_subnet: Option<String>,
    private_subnet: Option<String>,
    vnet_range: Option<String>,
    public_ip: Option<bool>,
    public_network_access: Option<bool>,
    back_end_private_link: Option<bool>,
    infrastructure_encryption: Option<bool>,
    managed_services_key: Option<String>,
    managed_disk_key: Option<String>,
    force_deletion: Option<bool>,
    token_for: Option<TokenFor>,
    token_lifetime_seconds: u32,
    secret_store: Option<String>,
    secret_path: String,
    reachable_from_here: bool,
    keep_failed_seconds: u32,
    create_deadline_seconds: u32,
    update_deadline_seconds: u32,
    delete_deadline_seconds: u32,
    description: String,
    name_pattern: Option<String>,
    required_tags: BTreeMap<String, String>,
    parameters: BTreeMap<String, Value>,
    deletion_protection: Option<bool>,
    ttl_seconds: Option<u32>,
    max_ttl_seconds: Option<u32>,
    expiry_grace_seconds: u32,
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
            resource_group: None,
            vnet_id: None,
            public_subnet: None,
            private_subnet: None,
            vnet_range: None,
            public_ip: None,
            public_network_access: None,
            back_end_private_link: None,
            infrastructure_encryption: None,
            managed_services_key: None,
            managed_disk_key: None,
            force_deletion: None,
            token_for: None,
            token_lifetime_seconds: 30 * DAY,
            secret_store: None,
            secret_path: "databricks/{team}/{name}".to_owned(),
            reachable_from_here: true,
            keep_failed_seconds: DAY,
            create_deadline_seconds: 7200,
            update_deadline_seconds: 3600,
            delete_deadline_seconds: 3600,
            description: String::new(),
            name_pattern: None,
            required_tags: BTreeMap::new(),
            parameters: BTreeMap::new(),
            deletion_protection: None,
            ttl_seconds: None,
            max_ttl_seconds: None,
            expiry_grace_seconds: DAY,
        }
    }
}

/// What a template may refer to.
pub(super) struct References<'r> {
    /// The cloud of each account, also of those that are not right in themselves; `None` if there is no such cloud.
    pub(super) accounts: &'r BTreeMap<String, Option<Cloud>>,
    pub(super) store_names: &'r [String],
}

pub(super) fn read(
    source: &Source,
    references: &References<'_>,
    mistakes: &mut Mistakes,
    warnings: &mut Vec<Mistake>,
) -> Templates {
    let mut templates = Templates::default();
    for section in source.names("templates", mistakes) {
        let key = format!("templates.{section}");
        let reference = parse_reference(&section);
        if reference.is_none() {
            mistakes.add(
                &key,
                "a name has 3 to 40 of a-z, 0-9 and `-`, begins with a letter and does not end in `-`; a version \
                 may follow, as in `sandbox@2`",
            );
        }
        let Some(raw) = source.section::<Raw>(&key, mistakes) else {
            continue;
        };
        warn(&raw, &key, warnings);
        let reader = Reader {
            key: &key,
            references,
            mistakes,
        };
        let (name, version) = reference.unwrap_or((&section, None));
        if let Some(template) = reader.template(raw, name, version.unwrap_or(1))
            && templates.insert(template).is_some()
        {
            mistakes.add(&key, format!("is the same as [templates.{name}]"));
        }
    }
    templates
}

/// The lifetime of a workspace whose request names none: the longest one, where there is a longest.
fn lifetime(raw: &Raw, key: &str, mistakes: &mut Mistakes) -> Option<u32> {
    for (member, seconds) in [
        ("ttl_seconds", raw.ttl_seconds),
        ("max_ttl_seconds", raw.max_ttl_seconds),
    ] {
        if let Some(seconds) = seconds {
            mistakes.range(format!("{key}.{member}"), seconds, TTL_SECONDS);
        }
    }
    if let (Some(ttl), Some(most)) = (raw.ttl_seconds, raw.max_ttl_seconds)
        && ttl > most
    {
        mistakes.add(
            format!("{key}.ttl_seconds"),
            format!("{ttl} is more than `max_ttl_seconds` ({most})"),
        );
    }
    mistakes.range(
        format!("{key}.expiry_grace_seconds"),
        raw.expiry_grace_seconds,
        0..=30 * DAY,
    );
    raw.ttl_seconds.or(raw.max_ttl_seconds)
}

fn warn(raw: &Raw, key: &str, warnings: &mut Vec<Mistake>) {
    if raw.token_for == Some(TokenFor::Provisioner) {
        warnings.push(Mistake::new(
            format!("{key}.token_for"),
            "`provisioner`: whoever reads the token administers the workspace",
        ));
    }
    for (name, own) in &raw.parameters {
        let narrowed = ["enum", "const", "pattern", "items", "contains", "not"];
        if is_object(name) && !narrowed.iter().any(|keyword| own.get(keyword).is_some()) {
            warnings.push(Mistake::new(
                format!("{key}.parameters.{name}"),
                "whoever may request can name any; an `enum` or a `pattern` says which",
            ));
        }
    }
}

impl Raw {
    fn settable(&self) -> Settable {
        Settable {
            region: self.region.clone(),
            tier: self.tier.clone(),
            credentials_id: self.credentials_id.clone(),
            role_arn: self.role_arn.clone(),
            storage_configuration_id: self.storage_configuration_id.clone(),
            bucket_name: self.bucket_name.clone(),
            network_id: self.network_id.clone(),
            vpc_id: self.vpc_id.clone(),
            subnet_ids: self.subnet_ids.clone(),
            security_group_ids: self.security_group_ids.clone(),
            resource_group: self.resource_group.clone(),
            vnet_id: self.vnet_id.clone(),
            public_subnet: self.public_subnet.clone(),
            private_subnet: self.private_subnet.clone(),
            vnet_range: self.vnet_range.clone(),
            token_lifetime_seconds: Some(self.token_lifetime_seconds),
            keep_failed_seconds: Some(self.keep_failed_seconds),
        }
    }
}

struct Reader<'r> {
    key: &'r str,
    references: &'r References<'r>,
    mistakes: &'r mut Mistakes,
}

impl Reader<'_> {
    fn add(&mut self, member: &str, why: impl Into<String>) {
        self.mistakes.add(format!("{}.{member}", self.key), why);
    }

    /// None only with a mistake.
    fn template(mut self, raw: Raw, name: &str, version: u32) -> Option<Template> {
        let account = self.named("account", "accounts", raw.account.clone());
        let secret_store = self.named("secret_store", "stores", raw.secret_store.clone());
        if let Err(why) = check_secret_path(&raw.secret_path) {
            self.add("secret_path", format!("`{}` {why}", raw.secret_path));
        }
        check_tags(&format!("{}.tags", self.key), &raw.tags, self.mistakes);
        self.required_tags(&raw);
        for (member, value) in [
            ("create_deadline_seconds", raw.create_deadline_seconds),
            ("update_deadline_seconds", raw.update_deadline_seconds),
            ("delete_deadline_seconds", raw.delete_deadline_seconds),
        ] {
            let key = format!("{}.{member}", self.key);
            self.mistakes.range(key, value, 60..=DAY);
        }
        let ttl_seconds = lifetime(&raw, self.key, self.mistakes);
        let cloud = match self.references.accounts.get(&account) {
            Some(Some(cloud)) => *cloud,
            // Told of the account: nothing else can be said.
            Some(None) => return None,
            None => Cloud::Aws,
        };
        let settable = raw.settable();
        let demands = self.demands(&raw, &settable, cloud);
        let token_for = self.token_for(&raw, cloud);
        let azure = azure::options(&raw, cloud, self.key, self.mistakes);
        Some(Template {
            name: name.to_owned(),
            version,
            description: raw.description,
            cloud,
            account,
            compute_mode: raw.compute_mode,
            settable,
            demands: demands?,
            tags: raw.tags,
            azure,
            token_for,
            secret_store,
            secret_path: raw.secret_path,
            reachable_from_here: raw.reachable_from_here,
            create_deadline_seconds: raw.create_deadline_seconds,
            update_deadline_seconds: raw.update_deadline_seconds,
            delete_deadline_seconds: raw.delete_deadline_seconds,
            ttl_seconds,
            max_ttl_seconds: raw.max_ttl_seconds,
            expiry_grace_seconds: raw.expiry_grace_seconds,
            deletion_protection: raw.deletion_protection,
        })
    }

    /// The name of something in another section.
    fn named(&mut self, member: &str, section: &str, given: Option<String>) -> String {
        let name = self
            .mistakes
            .required(format!("{}.{member}", self.key), given);
        let known = match section {
            "accounts" => self.references.accounts.contains_key(&name),
            _ => self.references.store_names.contains(&name),
        };
        if !name.is_empty() && !known {
            self.add(member, format!("there is no [{section}.{name}]"));
        }
        name
    }

    /// Whose token; the cloud's usual one if the template does not say.
    fn token_for(&mut self, raw: &Raw, cloud: Cloud) -> TokenFor {
        let possible = cloud.traits().token_for;
        let wanted = raw.token_for.unwrap_or(possible[0]);
        if !possible.contains(&wanted) {
            let why = format!(
                "on {} a token is always the provisioning principal's own: `provisioner`",
                cloud.as_str()
            );
            self.add("token_for", why);
        }
        wanted
    }

    fn required_tags(&mut self, raw: &Raw) {
        let tags = &raw.required_tags;
        let empty = tags
            .keys()
            .map(|tag| (tag.clone(), String::new()))
            .collect();
        check_tags(
            &format!("{}.required_tags", self.key),
            &empty,
            self.mistakes,
        );
        for tag in tags.keys() {
            let member = format!("required_tags.{tag}");
            if raw.tags.contains_key(tag) {
                self.add(
                    &member,
                    "is a tag of the template itself, which wins over a request's",
                );
            } else if tag.starts_with(WORKSPACE_TAG) && tag != WORKSPACE_TAG {
                self.add(
                    &member,
                    "begins as our own tags do, so no request can have it",
                );
            }
        }
    }

    /// What the template demands of requests. What is wrong without them and can be mended by one parameter is
    /// required of them.
    fn demands(&mut self, raw: &Raw, settable: &Settable, cloud: Cloud) -> Option<Demands> {
        let known = members().map(|(name, _)| name);
        let strange = |name: &&String| !known.contains(&name.as_str());
        let strangers: Vec<String> = raw.parameters.keys().filter(strange).cloned().collect();
        for name in &strangers {
            let why = format!(
                "{}: requests may set {}",
                source::unknown(name, &known),
                known.join(", ")
            );
            self.add(&format!("parameters.{name}"), why);
        }
        let mut required: Vec<String> = Vec::new();
        for wrong in settable.settle(cloud, raw.compute_mode).1 {
            let open = |name: &&str| raw.parameters.contains_key(*name) && !settable.has(name);
            match wrong.members().filter(open).collect::<Vec<_>>().as_slice() {
                [] => self.add(&wrong.member, wrong.why.clone()),
                [only] => required.push((*only).to_owned()),
                _ => {}
            }
        }
        for name in raw.parameters.keys() {
            if let Some(why) = needless(name, cloud, raw.compute_mode) {
                self.add(&format!("parameters.{name}"), why);
            }
        }
        if !strangers.is_empty() {
            return None;
        }
        let demands = Demands::compile(&Wanted {
            name_pattern: raw.name_pattern.as_deref(),
            required_tags: &raw.required_tags,
            parameters: &raw.parameters,
            defaults: settable,
            required: &required,
        });
        match demands {
            Ok(demands) => Some(demands),
            Err(mistakes) => {
                for (place, why) in mistakes {
                    self.add(&place, why);
                }
                None
            }
        }
    }
}
