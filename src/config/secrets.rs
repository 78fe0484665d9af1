//! `[stores.<name>]`: the secret stores that tokens are delivered to.

use super::shape::PlainHttp;
use super::{Mistakes, Source};
use secrecy::SecretString;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// One secret store. Stands here until the room `secrets` has its own settings.
#[derive(Debug, Clone)]
pub enum StoreSettings {
    /// Vault or OpenBao, key-value engine of version 2.
    Vault {
        /// Its address, without a trailing slash.
        address: String,
        /// A token that may write below the mount.
        token: SecretString,
        /// Where the engine is mounted.
        mount: String,
        /// `X-Vault-Namespace`.
        namespace: Option<String>,
    },
}

#[derive(Deserialize, Clone, Copy, Default)]
#[serde(rename_all = "snake_case")]
enum Kind {
    #[default]
    Vault,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Raw {
    #[serde(rename = "type")]
    kind: Option<Kind>,
    address: Option<String>,
    token: Option<SecretString>,
    token_file: Option<PathBuf>,
    mount: Option<String>,
    namespace: Option<String>,
}

pub(super) fn read(
    source: &Source,
    plain: PlainHttp,
    mistakes: &mut Mistakes,
) -> BTreeMap<String, StoreSettings> {
    let mut stores = BTreeMap::new();
    for name in source.names("stores", mistakes) {
        let key = format!("stores.{name}");
        mistakes.name(&key, &name);
        let Some(raw) = source.section::<Raw>(&key, mistakes) else {
            continue;
        };
        if raw.kind.is_none() {
            mistakes.add(format!("{key}.type"), "is required: `vault`");
        }
        let store = match raw.kind.unwrap_or_default() {
            Kind::Vault => vault(raw, &key, plain, mistakes),
        };
        stores.insert(name, store);
    }
    stores
}

fn vault(raw: Raw, key: &str, plain: PlainHttp, mistakes: &mut Mistakes) -> StoreSettings {
    let address = mistakes.required(format!("{key}.address"), raw.address);
    if !address.is_empty() {
        mistakes.url(format!("{key}.address"), &address, plain);
    }
    let mount = raw.mount.unwrap_or_else(|| "secret".to_owned());
    if !is_path(&mount) {
        mistakes.add(
            format!("{key}.mount"),
            format!("`{mount}` is not a mount path such as `secret`"),
        );
    }
    if let Some(namespace) = raw.namespace.as_deref().map(|n| n.trim_end_matches('/'))
        && !is_path(namespace)
    {
        mistakes.add(
            format!("{key}.namespace"),
            format!("`{namespace}` is not a namespace"),
        );
    }
    StoreSettings::Vault {
        address: address.trim_end_matches('/').to_owned(),
        token: mistakes.secret(
            &format!("{key}.token"),
            raw.token,
            raw.token_file.as_deref(),
        ),
        mount,
        namespace: raw.namespace,
    }
}

/// Segments of letters, digits, `-`, `_` and `.` with single slashes between them, none of them `.` or `..`.
pub(super) fn is_path(path: &str) -> bool {
    path.split('/').all(|segment| {
        !segment.is_empty()
            && segment != "."
            && segment != ".."
            && segment
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    })
}
