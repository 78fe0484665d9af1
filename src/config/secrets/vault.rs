//! `type = "vault"`: Vault or OpenBao, key-value engine of version 2.

use super::is_path;
use crate::config::shape::PlainHttp;
use crate::config::{Mistakes, Source};
use crate::secrets::Settings;
use crate::secrets::vault::{self, Auth};
use secrecy::SecretString;
use serde::Deserialize;
use std::path::PathBuf;

/// Where Kubernetes puts the token of a pod's service account.
const JWT_FILE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Default)]
#[serde(rename_all = "snake_case")]
enum Method {
    #[default]
    Token,
    Approle,
    Kubernetes,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Raw {
    #[serde(rename = "type")]
    _kind: String,
    address: Option<String>,
    auth: Method,
    auth_mount: Option<String>,
    token: Option<SecretString>,
    token_file: Option<PathBuf>,
    role_id: Option<String>,
    secret_id: Option<SecretString>,
    secret_id_file: Option<PathBuf>,
    role: Option<String>,
    jwt_file: Option<PathBuf>,
    mount: Option<String>,
    namespace: Option<String>,
}

pub(super) fn read(
    source: &Source,
    key: &str,
    plain: PlainHttp,
    mistakes: &mut Mistakes,
) -> Option<Settings> {
    let raw: Raw = source.section(key, mistakes)?;
    check_method(&raw, key, mistakes);
    let address = mistakes.required(format!("{key}.address"), raw.address.clone());
    if !address.is_empty() {
        mistakes.url(format!("{key}.address"), &address, plain);
    }
    let mount = raw.mount.clone().unwrap_or_else(|| "secret".to_owned());
    mount_path(&mount, "mount", key, mistakes);
    if let Some(namespace) = raw.namespace.as_deref().map(|n| n.trim_end_matches('/'))
        && !is_path(namespace)
    {
        mistakes.add(
            format!("{key}.namespace"),
            format!("`{namespace}` is not a namespace"),
        );
    }
    Some(Settings::Vault(vault::Settings {
        address: address.trim_end_matches('/').to_owned(),
        namespace: raw.namespace.clone(),
        auth: auth(raw, key, mistakes),
        mount,
    }))
}

fn auth(raw: Raw, key: &str, mistakes: &mut Mistakes) -> Auth {
    let mut mount = |usual: &str| {
        let mount = raw.auth_mount.clone().unwrap_or_else(|| usual.to_owned());
        mount_path(&mount, "auth_mount", key, mistakes);
        mount
    };
    match raw.auth {
        Method::Token => Auth::Token(mistakes.secret(
            &format!("{key}.token"),
            raw.token,
            raw.token_file.as_deref(),
        )),
        Method::Approle => Auth::AppRole {
            mount: mount("approle"),
            role_id: mistakes.required(format!("{key}.role_id"), raw.role_id),
            secret_id: mistakes.secret(
                &format!("{key}.secret_id"),
                raw.secret_id,
                raw.secret_id_file.as_deref(),
            ),
        },
        Method::Kubernetes => Auth::Kubernetes {
            mount: mount("kubernetes"),
            role: mistakes.required(format!("{key}.role"), raw.role),
            jwt_file: raw.jwt_file.unwrap_or_else(|| JWT_FILE.into()),
        },
    }
}

/// A setting of another way to log in would be without effect.
fn check_method(raw: &Raw, key: &str, mistakes: &mut Mistakes) {
    let (approle, kubernetes) = (Method::Approle, Method::Kubernetes);
    for (setting, given, method, name) in [
        ("token", raw.token.is_some(), Method::Token, "token"),
        (
            "token_file",
            raw.token_file.is_some(),
            Method::Token,
            "token",
        ),
        ("role_id", raw.role_id.is_some(), approle, "approle"),
        ("secret_id", raw.secret_id.is_some(), approle, "approle"),
        (
            "secret_id_file",
            raw.secret_id_file.is_some(),
            approle,
            "approle",
        ),
        ("role", raw.role.is_some(), kubernetes, "kubernetes"),
        ("jwt_file", raw.jwt_file.is_some(), kubernetes, "kubernetes"),
    ] {
        if given && raw.auth != method {
            let words = format!("has an effect only with `auth = \"{name}\"`");
            mistakes.add(format!("{key}.{setting}"), words);
        }
    }
    if raw.auth == Method::Token && raw.auth_mount.is_some() {
        let words = "has no effect with `auth = \"token\"`";
        mistakes.add(format!("{key}.auth_mount"), words);
    }
}

fn mount_path(mount: &str, setting: &str, key: &str, mistakes: &mut Mistakes) {
    if !is_path(mount) {
        let words = format!("`{mount}` is not a mount path such as `secret`");
        mistakes.add(format!("{key}.{setting}"), words);
    }
}
