//! What the workspaces of a template are made of: each object given by id, or made for every workspace.

use super::Raw;
use crate::config::Mistakes;
use crate::config::aws::{is_bucket, is_ec2_id, is_role_arn};
use crate::domain::cloud::ComputeMode;
use crate::domain::spec::{CredentialsSource, NetworkSource, StorageSource, Vpc};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// The objects. None only with a mistake, or where the workspace has none.
#[derive(Default)]
pub(super) struct Objects {
    pub(super) credentials: Option<CredentialsSource>,
    pub(super) storage: Option<StorageSource>,
    pub(super) network: Option<NetworkSource>,
}

pub(super) fn read(raw: &Raw, key: &str, mistakes: &mut Mistakes) -> Objects {
    match raw.compute_mode {
        ComputeMode::Classic => Objects {
            credentials: credentials(raw, key, mistakes),
            storage: storage(raw, key, mistakes),
            network: network(raw, key, mistakes),
        },
        ComputeMode::Serverless => {
            for (member, given) in given(raw) {
                if given {
                    mistakes.add(
                        format!("{key}.{member}"),
                        "a serverless workspace has none: its compute and storage are Databricks' own",
                    );
                }
            }
            Objects::default()
        }
    }
}

/// Every key of an object, and whether the template has it.
fn given(raw: &Raw) -> [(&'static str, bool); 8] {
    [
        ("credentials_id", raw.credentials_id.is_some()),
        ("role_arn", raw.role_arn.is_some()),
        (
            "storage_configuration_id",
            raw.storage_configuration_id.is_some(),
        ),
        ("bucket_name", raw.bucket_name.is_some()),
        ("network_id", raw.network_id.is_some()),
        ("vpc_id", raw.vpc_id.is_some()),
        ("subnet_ids", raw.subnet_ids.is_some()),
        ("security_group_ids", raw.security_group_ids.is_some()),
    ]
}

fn credentials(raw: &Raw, key: &str, mistakes: &mut Mistakes) -> Option<CredentialsSource> {
    match (raw.credentials_id.clone(), raw.role_arn.clone()) {
        (Some(id), None) => Some(CredentialsSource::Existing {
            credentials_id: mistakes.uuid(format!("{key}.credentials_id"), Some(id)),
        }),
        (None, Some(role_arn)) => {
            if !is_role_arn(&role_arn) {
                mistakes.add(
                    format!("{key}.role_arn"),
                    format!(
                        "`{role_arn}` is not a role such as arn:aws:iam::123456789012:role/name"
                    ),
                );
            }
            Some(CredentialsSource::Made { role_arn })
        }
        _ => {
            mistakes.add(
                format!("{key}.credentials_id"),
                "give exactly one of `credentials_id` and `role_arn`",
            );
            None
        }
    }
}

fn storage(raw: &Raw, key: &str, mistakes: &mut Mistakes) -> Option<StorageSource> {
    match (
        raw.storage_configuration_id.clone(),
        raw.bucket_name.clone(),
    ) {
        (Some(id), None) => Some(StorageSource::Existing {
            storage_configuration_id: mistakes
                .uuid(format!("{key}.storage_configuration_id"), Some(id)),
        }),
        (None, Some(bucket_name)) => {
            if !is_bucket(&bucket_name) {
                mistakes.add(
                    format!("{key}.bucket_name"),
                    format!(
                        "`{bucket_name}` is not a bucket's name: 3 to 63 of a-z, 0-9, `-` and `.`"
                    ),
                );
            }
            Some(StorageSource::Made { bucket_name })
        }
        _ => {
            mistakes.add(
                format!("{key}.storage_configuration_id"),
                "give exactly one of `storage_configuration_id` and `bucket_name`",
            );
            None
        }
    }
}

/// Neither an id nor a VPC is right too: then Databricks makes the VPC.
fn network(raw: &Raw, key: &str, mistakes: &mut Mistakes) -> Option<NetworkSource> {
    let vpc = raw.vpc_id.is_some() || raw.subnet_ids.is_some() || raw.security_group_ids.is_some();
    match (&raw.network_id, vpc) {
        (None, false) => None,
        (Some(id), false) => Some(NetworkSource::Existing {
            network_id: mistakes.uuid(format!("{key}.network_id"), Some(id.clone())),
        }),
        (None, true) => {
            let vpc_id = mistakes.required(format!("{key}.vpc_id"), raw.vpc_id.clone());
            if !vpc_id.is_empty() && !is_ec2_id(&vpc_id, "vpc") {
                mistakes.add(
                    format!("{key}.vpc_id"),
                    format!("`{vpc_id}` is not a VPC such as vpc-0123456789abcdef0"),
                );
            }
            let mut ids = |member: &str, list: &Option<Vec<String>>, prefix, number| {
                let key = format!("{key}.{member}");
                ec2_ids(&key, list.as_deref(), prefix, number, mistakes)
            };
            Some(NetworkSource::Made(Vpc {
                // Each in an availability zone of its own; no region has as many.
                subnet_ids: ids("subnet_ids", &raw.subnet_ids, "subnet", 2..=16),
                security_group_ids: ids("security_group_ids", &raw.security_group_ids, "sg", 1..=5),
                vpc_id,
            }))
        }
        (Some(_), true) => {
            mistakes.add(
                format!("{key}.network_id"),
                "give either `network_id`, or `vpc_id`, `subnet_ids` and `security_group_ids`",
            );
            None
        }
    }
}

/// A list of EC2's ids, none of them twice.
fn ec2_ids(
    key: &str,
    list: Option<&[String]>,
    prefix: &str,
    number: RangeInclusive<usize>,
    mistakes: &mut Mistakes,
) -> Vec<String> {
    let Some(list) = list else {
        mistakes.add(key, "is required");
        return Vec::new();
    };
    if !number.contains(&list.len()) {
        let (least, most) = number.into_inner();
        let count = list.len();
        mistakes.add(key, format!("has {count}, and must have {least} to {most}"));
    }
    let mut seen = BTreeSet::new();
    for (index, id) in list.iter().enumerate() {
        if !is_ec2_id(id, prefix) {
            mistakes.add(
                format!("{key}.{index}"),
                format!("`{id}` is not an id such as {prefix}-0123456789abcdef0"),
            );
        } else if !seen.insert(id) {
            mistakes.add(format!("{key}.{index}"), format!("`{id}` stands twice"));
        }
    }
    list.to_vec()
}
