//! `type = "azure_key_vault"`.

use crate::config::{Mistakes, Source};
use crate::domain::azure::EnvironmentName;
use crate::secrets::Settings;
use secrecy::SecretString;
use serde::Deserialize;
use std::path::PathBuf;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Raw {
    #[serde(rename = "type")]
    _kind: String,
    vault_url: Option<String>,
    prefix: String,
    purge: bool,
    environment: EnvironmentName,
    authority_host: Option<String>,
    tenant_id: Option<String>,
    client_id: Option<String>,
    client_secret: Option<SecretString>,
    client_secret_file: Option<PathBuf>,
    federated_token_file: Option<PathBuf>,
    managed_identity: bool,
}

#[cfg(not(feature = "azure"))]
pub(super) fn read(_: &Source, key: &str, mistakes: &mut Mistakes) -> Option<Settings> {
    let words = "this program was built without Azure (cargo feature `azure`)";
    mistakes.add(format!("{key}.type"), words);
    None
}

#[cfg(feature = "azure")]
pub(super) fn read(source: &Source, key: &str, mistakes: &mut Mistakes) -> Option<Settings> {
    let raw: Raw = source.section(key, mistakes)?;
    let vault_url = mistakes.required(format!("{key}.vault_url"), raw.vault_url);
    if !vault_url.is_empty() && !crate::domain::azure::is_vault_url(&vault_url) {
        let words = format!(
            "`{vault_url}` is not a vault's address such as `https://name.vault.azure.net`"
        );
        mistakes.add(format!("{key}.vault_url"), words);
    }
    super::check_prefix(&raw.prefix, key, mistakes);
    let given = crate::config::azure::AzureIdentity {
        environment: raw.environment,
        authority_host: raw.authority_host,
        tenant_id: raw.tenant_id,
        client_id: raw.client_id,
        client_secret: raw.client_secret,
        client_secret_file: raw.client_secret_file,
        federated_token_file: raw.federated_token_file,
        managed_identity: raw.managed_identity,
    };
    let (_, identity) = crate::config::azure::identity(given, key, source, mistakes);
    Some(Settings::AzureKeyVault(
        crate::secrets::azure_key_vault::Settings {
            vault_url,
            prefix: raw.prefix,
            purge: raw.purge,
            identity,
        },
    ))
}
