//! `cloud = "aws"`, or none.

use super::check_template;
use crate::cloud::Settings;
use crate::cloud::aws::Account;
use crate::config::shape::{PlainHttp, is_host};
use crate::config::{Mistakes, Source};
use secrecy::SecretString;
use serde::Deserialize;
use std::path::PathBuf;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Raw {
    #[serde(rename = "cloud")]
    _cloud: String,
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
            _cloud: String::new(),
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
    key: &str,
    plain: PlainHttp,
    mistakes: &mut Mistakes,
) -> Option<Settings> {
    let raw: Raw = source.section(key, mistakes)?;
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
    Some(Settings::Aws(Account {
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
    }))
}
