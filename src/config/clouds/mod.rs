//! `[accounts.<name>]`: where workspaces are made: Databricks accounts on AWS, subscriptions on Azure. `cloud` decides
//! which other keys there are, and each cloud has a file with its own.

pub(super) mod aws;
pub(super) mod azure;

use super::shape::PlainHttp;
use super::{Mistakes, Source};
use crate::cloud::Settings;
use crate::domain::cloud::Cloud;
use figment::value::Value;
use std::collections::BTreeMap;

pub(super) fn read(
    source: &Source,
    plain: PlainHttp,
    mistakes: &mut Mistakes,
) -> BTreeMap<String, Settings> {
    let mut accounts: BTreeMap<String, Settings> = BTreeMap::new();
    for name in source.names("accounts", mistakes) {
        let key = format!("accounts.{name}");
        mistakes.name(&key, &name);
        let account = match cloud(source, &name) {
            Ok(Cloud::Aws) => aws::read(source, &key, plain, mistakes),
            Ok(Cloud::Azure) => azure::read(source, &key, plain, mistakes),
            Err(why) => {
                mistakes.add(format!("{key}.cloud"), why);
                None
            }
        };
        let Some(account) = account else { continue };
        let (member, id) = account.identity();
        let twin = accounts
            .iter()
            .find(|(_, other)| other.identity() == (member, id));
        if let (Some((twin, _)), false) = (twin, id.is_empty()) {
            // Two names for one account would share neither its rate limit nor its observation.
            mistakes.add(
                format!("{key}.{member}"),
                format!("is also accounts.{twin}'s"),
            );
        }
        accounts.insert(name, account);
    }
    accounts
}

/// The cloud that an account says it is on, right or not in all else.
pub(super) fn cloud(source: &Source, account: &str) -> Result<Cloud, String> {
    match source.value(&format!("accounts.{account}.cloud")) {
        None => Ok(Cloud::Aws),
        Some(Value::String(_, name)) => Cloud::named(name).ok_or_else(|| {
            let known = Cloud::ALL.map(Cloud::as_str).join(", ");
            format!("`{name}` is none of {known}")
        }),
        Some(_) => Err("must be text".to_owned()),
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
