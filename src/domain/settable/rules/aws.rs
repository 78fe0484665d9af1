//! What a workspace on AWS is made of.

use super::Wrongs;
use crate::domain::aws::{is_bucket, is_ec2_id, is_role_arn};
use crate::domain::settable::{SECURITY_GROUPS, SUBNETS, Settable};
use crate::domain::spec::{CredentialsSource, NetworkSource, StorageSource, Vpc};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

impl Settable {
    pub(super) fn credentials(&self, wrong: &mut Wrongs) -> Option<CredentialsSource> {
        match (&self.credentials_id, &self.role_arn) {
            (Some(id), None) => Some(CredentialsSource::Existing {
                credentials_id: wrong.uuid("credentials_id", id),
            }),
            (None, Some(role_arn)) => {
                let what = "a role such as arn:aws:iam::123456789012:role/name";
                wrong.shape("role_arn", role_arn, is_role_arn(role_arn), what);
                Some(CredentialsSource::Made {
                    role_arn: role_arn.clone(),
                })
            }
            (id, _) => {
                let why = "give exactly one of `credentials_id` and `role_arn`";
                let or: &[_] = if id.is_none() { &["role_arn"] } else { &[] };
                wrong.or("credentials_id", or, why);
                None
            }
        }
    }

    pub(super) fn storage(&self, wrong: &mut Wrongs) -> Option<StorageSource> {
        match (&self.storage_configuration_id, &self.bucket_name) {
            (Some(id), None) => Some(StorageSource::Existing {
                storage_configuration_id: wrong.uuid("storage_configuration_id", id),
            }),
            (None, Some(bucket_name)) => {
                let what = "a bucket's name: 3 to 63 of a-z, 0-9, `-` and `.`";
                wrong.shape("bucket_name", bucket_name, is_bucket(bucket_name), what);
                Some(StorageSource::Made {
                    bucket_name: bucket_name.clone(),
                })
            }
            (id, _) => {
                let why = "give exactly one of `storage_configuration_id` and `bucket_name`";
                let or: &[_] = if id.is_none() { &["bucket_name"] } else { &[] };
                wrong.or("storage_configuration_id", or, why);
                None
            }
        }
    }

    /// Neither an id nor a VPC is right too: then Databricks makes the VPC.
    pub(super) fn vpc(&self, wrong: &mut Wrongs) -> Option<NetworkSource> {
        let (subnets, groups) = (&self.subnet_ids, &self.security_group_ids);
        let vpc = self.vpc_id.is_some() || subnets.is_some() || groups.is_some();
        match (&self.network_id, vpc) {
            (None, false) => None,
            (Some(id), false) => Some(NetworkSource::Existing {
                network_id: wrong.uuid("network_id", id),
            }),
            (None, true) => {
                match self.vpc_id.as_deref() {
                    None | Some("") => wrong.add("vpc_id", "is required"),
                    Some(id) => {
                        let what = "a VPC such as vpc-0123456789abcdef0";
                        wrong.shape("vpc_id", id, is_ec2_id(id, "vpc"), what);
                    }
                }
                Some(NetworkSource::Made(Vpc {
                    vpc_id: self.vpc_id.clone().unwrap_or_default(),
                    subnet_ids: ec2_ids("subnet_ids", subnets, "subnet", SUBNETS, wrong),
                    security_group_ids: ec2_ids(
                        "security_group_ids",
                        groups,
                        "sg",
                        SECURITY_GROUPS,
                        wrong,
                    ),
                }))
            }
            (Some(_), true) => {
                let why =
                    "give either `network_id`, or `vpc_id`, `subnet_ids` and `security_group_ids`";
                wrong.add("network_id", why);
                None
            }
        }
    }
}

/// A list of EC2's ids, none of them twice.
fn ec2_ids(
    member: &str,
    list: &Option<Vec<String>>,
    prefix: &str,
    number: RangeInclusive<usize>,
    wrong: &mut Wrongs,
) -> Vec<String> {
    let Some(list) = list else {
        wrong.add(member, "is required");
        return Vec::new();
    };
    if !number.contains(&list.len()) {
        let (least, most) = number.into_inner();
        let count = list.len();
        wrong.add(
            member,
            format!("has {count}, and must have {least} to {most}"),
        );
    }
    let mut seen = BTreeSet::new();
    for (index, id) in list.iter().enumerate() {
        let place = format!("{member}.{index}");
        if !is_ec2_id(id, prefix) {
            wrong.add(
                place,
                format!("`{id}` is not an id such as {prefix}-0123456789abcdef0"),
            );
        } else if !seen.insert(id) {
            wrong.add(place, format!("`{id}` stands twice"));
        }
    }
    list.clone()
}
