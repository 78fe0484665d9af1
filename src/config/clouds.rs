//! `[accounts.<name>]`: the Databricks accounts workspaces are made in.

use super::shape::{PlainHttp, is_host};
use super::{Mistakes, Source};
use crate::domain::cloud::Cloud;
use secrecy::SecretString;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// One account, as it is given: `app` makes a provider of it.
#[derive(Debug, Clone)]
pub struct AccountSettings {
    /// Its cloud.
    pub cloud: Cloud,
    /// Address of the account API, without a trailing slash.
    pub account_host: String,
    /// Databricks' account id (UUID).
    pub account_id: String,
    /// The provisioning service principal (UUID).
    pub client_id: String,
    /// Its OAuth secret.
    pub client_secret: SecretString,
    /// Domain below which every workspace's host must lie before a token is sent there.
    pub workspace_domain: String,
    /// Address of a workspace with `{deployment_name}`; `https://{deployment_name}.<workspace_domain>` if absent.
    pub workspace_url_template: Option<String>,
    /// Calls per second to the account API, of all processes together.
    pub requests_per_second: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Raw {
    cloud: Cloud,
    account_host: String,
    account_id: Option<String>,
    client_id: Option<String>,
    client_secret: Option<SecretString>,
    client_secret_file: Option<PathBuf>,
    workspace_domain: String,
    workspace_url_template: Option<String>,
    requests_per_second: u32,
}

impl Default for Raw {
    fn default() -> Self {
        Self {
            cloud: Cloud::Aws,
            account_host: "https://accounts.cloud.databricks.com".to_owned(),
            account_id: None,
            client_id: None,
            client_secret: None,
            client_secret_file: None,
            workspace_domain: "cloud.databricks.com".to_owned(),
            workspace_url_template: None,
            requests_per_second: 5,
        }
    }
}

pub(super) fn read(
    source: &Source,
    plain: PlainHttp,
    mistakes: &mut Mistakes,
) -> BTreeMap<String, AccountSettings> {
    let mut accounts: BTreeMap<String, AccountSettings> = BTreeMap::new();
    for name in source.names("accounts", mistakes) {
        let key = format!("accounts.{name}");
        mistakes.name(&key, &name);
        let Some(raw) = source.section(&key, mistakes) else {
            continue;
        };
        let account = account(raw, &key, plain, mistakes);
        let twin = accounts
            .iter()
            .find(|(_, other)| other.account_id == account.account_id);
        if let (Some((twin, _)), false) = (twin, account.account_id.is_empty()) {
            // Two names for one account would share neither its rate limit nor its observation.
            mistakes.add(
                format!("{key}.account_id"),
                format!("is also accounts.{twin}'s"),
            );
        }
        accounts.insert(name, account);
    }
    accounts
}

fn account(raw: Raw, key: &str, plain: PlainHttp, mistakes: &mut Mistakes) -> AccountSettings {
    mistakes.url(format!("{key}.account_host"), &raw.account_host, plain);
    if !is_host(&raw.workspace_domain) {
        mistakes.add(
            format!("{key}.workspace_domain"),
            format!("`{}` is not a domain", raw.workspace_domain),
        );
    }
    if let Some(template) = &raw.workspace_url_template {
        let key = format!("{key}.workspace_url_template");
        check_template(&key, template, &raw.workspace_domain, plain, mistakes);
    }
    mistakes.range(
        format!("{key}.requests_per_second"),
        raw.requests_per_second,
        1..=100,
    );
    AccountSettings {
        cloud: raw.cloud,
        account_host: raw.account_host.trim_end_matches('/').to_owned(),
        account_id: mistakes.uuid(format!("{key}.account_id"), raw.account_id),
        client_id: mistakes.uuid(format!("{key}.client_id"), raw.client_id),
        client_secret: mistakes.secret(
            &format!("{key}.client_secret"),
            raw.client_secret,
            raw.client_secret_file.as_deref(),
        ),
        workspace_domain: raw.workspace_domain,
        workspace_url_template: raw.workspace_url_template,
        requests_per_second: raw.requests_per_second,
    }
}

fn check_template(
    key: &str,
    template: &str,
    domain: &str,
    PlainHttp(plain): PlainHttp,
    mistakes: &mut Mistakes,
) {
    let (scheme, rest) = template.split_once("://").unwrap_or_default();
    let authority = rest.split('/').next().unwrap_or_default();
    let host = authority.split(':').next().unwrap_or_default();
    // Where the name leads is seen only when it is resolved: `outbound` lets plain http go to this machine alone.
    if scheme != "https" && !(scheme == "http" && plain) {
        mistakes.add(
            key,
            "must begin with https:// (http:// needs `outbound.allow_plain_http = true`)",
        );
    }
    let prefix = host
        .strip_suffix(domain)
        .and_then(|prefix| prefix.strip_suffix('.'));
    if prefix != Some("{deployment_name}") {
        mistakes.add(
            key,
            format!("its host must be `{{deployment_name}}.{domain}`"),
        );
    }
}
