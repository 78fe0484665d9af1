//! `cloud = "azure"`.

#[cfg(feature = "azure")]
use super::check_template;
use crate::cloud::Settings;
#[cfg(feature = "azure")]
use crate::cloud::azure::Subscription;
#[cfg(feature = "azure")]
use crate::config::azure::{AzureIdentity, identity};
use crate::config::shape::PlainHttp;
#[cfg(feature = "azure")]
use crate::config::shape::is_host;
use crate::config::{Mistakes, Source};
use crate::domain::azure::EnvironmentName;
use secrecy::SecretString;
use serde::Deserialize;
use std::path::PathBuf;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Raw {
    #[serde(rename = "cloud")]
    _cloud: String,
    subscription_id: Option<String>,
    environment: EnvironmentName,
    authority_host: Option<String>,
    tenant_id: Option<String>,
    client_id: Option<String>,
    client_secret: Option<SecretString>,
    client_secret_file: Option<PathBuf>,
    federated_token_file: Option<PathBuf>,
    managed_identity: bool,
    arm_endpoint: Option<String>,
    workspace_domain: Option<String>,
    workspace_url_template: Option<String>,
    requests_per_second: u32,
}

impl Default for Raw {
    fn default() -> Self {
        Self {
            _cloud: String::new(),
            subscription_id: None,
            environment: EnvironmentName::default(),
            authority_host: None,
            tenant_id: None,
            client_id: None,
            client_secret: None,
            client_secret_file: None,
            federated_token_file: None,
            managed_identity: false,
            arm_endpoint: None,
            workspace_domain: None,
            workspace_url_template: None,
            // Azure refills what it lets a principal read by 25 a second, and what it lets it write by 10.
            requests_per_second: 8,
        }
    }
}

#[cfg(not(feature = "azure"))]
pub(super) fn read(
    _: &Source,
    key: &str,
    _: PlainHttp,
    mistakes: &mut Mistakes,
) -> Option<Settings> {
    let words = "this program was built without Azure (cargo feature `azure`)";
    mistakes.add(format!("{key}.cloud"), words);
    None
}

#[cfg(feature = "azure")]
pub(super) fn read(
    source: &Source,
    key: &str,
    plain: PlainHttp,
    mistakes: &mut Mistakes,
) -> Option<Settings> {
    let raw: Raw = source.section(key, mistakes)?;
    let given = AzureIdentity {
        environment: raw.environment,
        authority_host: raw.authority_host,
        tenant_id: raw.tenant_id,
        client_id: raw.client_id,
        client_secret: raw.client_secret,
        client_secret_file: raw.client_secret_file,
        federated_token_file: raw.federated_token_file,
        managed_identity: raw.managed_identity,
    };
    let (environment, identity) = identity(given, key, source, mistakes);
    let endpoint = raw.arm_endpoint.as_deref();
    let endpoint = endpoint.unwrap_or(environment.arm_endpoint);
    // Tokens of Entra ID go nowhere in the clear, not even to this machine.
    mistakes.url(format!("{key}.arm_endpoint"), endpoint, PlainHttp(false));
    let domain = raw.workspace_domain.as_deref();
    let domain = domain.unwrap_or(environment.workspace_domain);
    if !is_host(domain) {
        let words = format!("`{domain}` is not a domain");
        mistakes.add(format!("{key}.workspace_domain"), words);
    }
    if let Some(template) = &raw.workspace_url_template {
        let key = format!("{key}.workspace_url_template");
        check_template(&key, template, domain, plain, mistakes);
    }
    let rate = format!("{key}.requests_per_second");
    mistakes.range(rate, raw.requests_per_second, 1..=100);
    Some(Settings::Azure(Subscription {
        subscription_id: mistakes.uuid(format!("{key}.subscription_id"), raw.subscription_id),
        arm_endpoint: endpoint.trim_end_matches('/').to_owned(),
        arm_audience: match raw.arm_endpoint.is_some() {
            // An endpoint of one's own has its own audience.
            true => endpoint.trim_end_matches('/').to_owned(),
            false => environment.arm_audience.to_owned(),
        },
        identity,
        workspace_domain: domain.to_owned(),
        workspace_url_template: raw.workspace_url_template,
        requests_per_second: raw.requests_per_second,
    }))
}
