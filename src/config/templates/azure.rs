//! The members that only templates of Azure accounts have, and that no request sets.

use super::Raw;
use crate::config::Mistakes;
use crate::domain::arm::is_key;
use crate::domain::cloud::{Cloud, ComputeMode};
use crate::domain::spec::AzureSpec;

/// What they say; on another cloud they must say nothing. The resource group is left open: a request may name it.
pub(super) fn options(
    raw: &Raw,
    cloud: Cloud,
    key: &str,
    mistakes: &mut Mistakes,
) -> Option<AzureSpec> {
    let classic_only = [
        ("public_ip", raw.public_ip.is_some()),
        ("back_end_private_link", raw.back_end_private_link.is_some()),
        (
            "infrastructure_encryption",
            raw.infrastructure_encryption.is_some(),
        ),
        ("managed_disk_key", raw.managed_disk_key.is_some()),
    ];
    let any_mode = [
        ("public_network_access", raw.public_network_access.is_some()),
        ("managed_services_key", raw.managed_services_key.is_some()),
        ("force_deletion", raw.force_deletion.is_some()),
    ];
    let mut refuse = |member: &str, why: String| mistakes.add(format!("{key}.{member}"), why);
    if cloud != Cloud::Azure {
        for (member, _) in classic_only.iter().chain(&any_mode).filter(|it| it.1) {
            let why = format!("belongs to azure, and the account is on {}", cloud.as_str());
            refuse(member, why);
        }
        return None;
    }
    if raw.compute_mode == ComputeMode::Serverless {
        for (member, _) in classic_only.iter().filter(|it| it.1) {
            refuse(member, "a serverless workspace has none".to_owned());
        }
    }
    let public = raw.public_network_access.unwrap_or(true);
    let back_end = raw.back_end_private_link.unwrap_or_default();
    if !public && !back_end && raw.compute_mode == ComputeMode::Classic {
        let why =
            "`false` needs `back_end_private_link = true`: Azure takes one only with the other";
        refuse("public_network_access", why.to_owned());
    }
    for (member, key) in [
        ("managed_services_key", &raw.managed_services_key),
        ("managed_disk_key", &raw.managed_disk_key),
    ] {
        if let Some(key) = key.as_deref().filter(|it| !is_key(it)) {
            let why = format!("`{key}` is not `https://<vault>/keys/<name>/<version>`");
            refuse(member, why);
        }
    }
    Some(AzureSpec {
        resource_group: String::new(),
        public_ip: raw.public_ip.unwrap_or_default(),
        public_network_access: public,
        back_end_private_link: back_end,
        infrastructure_encryption: raw.infrastructure_encryption.unwrap_or_default(),
        managed_services_key: raw.managed_services_key.clone(),
        managed_disk_key: raw.managed_disk_key.clone(),
        force_deletion: raw.force_deletion.unwrap_or_default(),
    })
}
