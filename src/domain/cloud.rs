//! Clouds and compute modes: two of the three coordinates of the plan table; and what tells the clouds apart where
//! wishes are checked.

use super::aws::is_region;
use super::azure::is_location;
use super::spec::TokenFor;
use serde::{Deserialize, Serialize};

/// The cloud a workspace lives in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cloud {
    /// Amazon Web Services, through the Databricks Account API.
    Aws,
    /// Microsoft Azure, through Azure Resource Manager.
    Azure,
}

/// Databricks' compute mode of a workspace.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ComputeMode {
    /// Compute in the customer's cloud account (`HYBRID` on the wire).
    #[default]
    Classic,
    /// Compute and storage in Databricks' own (`SERVERLESS` on the wire).
    Serverless,
}

/// What of a wish is different from cloud to cloud.
#[derive(Debug)]
pub struct Traits {
    /// The name used in our API, logs and database.
    pub name: &'static str,
    /// Whether a text is shaped like one of its regions.
    pub is_region: fn(&str) -> bool,
    /// One of them, for messages.
    pub a_region: &'static str,
    /// Where Databricks is, as far as it is known here.
    pub regions: &'static [&'static str],
    /// What it means that an account answers us.
    pub admits: &'static str,
    /// The pricing tiers, in Databricks' words.
    pub tiers: &'static [&'static str],
    /// The members of a template that only this cloud has.
    pub members: &'static [&'static str],
    /// Those of them that a serverless workspace has too.
    pub serverless: &'static [&'static str],
    /// Whose token there can be; the first is the usual one.
    pub token_for: &'static [TokenFor],
    /// Whether a subdomain can be asked for.
    pub deployment_names: bool,
    /// Whether there is one workspace of a name, and its tags show at once.
    pub unique_names: bool,
}

static AWS: Traits = Traits {
    name: "aws",
    is_region,
    a_region: "us-west-2",
    regions: &[
        "ap-northeast-1",
        "ap-northeast-2",
        "ap-south-1",
        "ap-southeast-1",
        "ap-southeast-2",
        "ap-southeast-3",
        "ca-central-1",
        "eu-central-1",
        "eu-west-1",
        "eu-west-2",
        "eu-west-3",
        "sa-east-1",
        "us-east-1",
        "us-east-2",
        "us-gov-west-1",
        "us-west-1",
        "us-west-2",
    ],
    admits: "answers us as an account admin",
    tiers: &["STANDARD", "PREMIUM", "ENTERPRISE"],
    members: &[
        "credentials_id",
        "role_arn",
        "storage_configuration_id",
        "bucket_name",
        "network_id",
        "vpc_id",
        "subnet_ids",
        "security_group_ids",
    ],
    serverless: &[],
    token_for: &[TokenFor::ServicePrincipal, TokenFor::Provisioner],
    deployment_names: true,
    unique_names: false,
};

static AZURE: Traits = Traits {
    name: "azure",
    is_region: is_location,
    a_region: "westeurope",
    regions: &[
        "australiacentral",
        "australiacentral2",
        "australiaeast",
        "australiasoutheast",
        "brazilsouth",
        "canadacentral",
        "canadaeast",
        "centralindia",
        "centralus",
        "chinaeast2",
        "chinaeast3",
        "chinanorth2",
        "chinanorth3",
        "eastasia",
        "eastus",
        "eastus2",
        "francecentral",
        "germanywestcentral",
        "italynorth",
        "japaneast",
        "japanwest",
        "koreacentral",
        "mexicocentral",
        "northcentralus",
        "northeurope",
        "norwayeast",
        "qatarcentral",
        "southafricanorth",
        "southcentralus",
        "southeastasia",
        "southindia",
        "spaincentral",
        "swedencentral",
        "switzerlandnorth",
        "switzerlandwest",
        "uaenorth",
        "uksouth",
        "ukwest",
        "usgovarizona",
        "usgovvirginia",
        "westcentralus",
        "westeurope",
        "westindia",
        "westus",
        "westus2",
        "westus3",
    ],
    admits: "answers us",
    // Azure makes no standard workspaces any more.
    tiers: &["PREMIUM"],
    members: &[
        "resource_group",
        "vnet_id",
        "public_subnet",
        "private_subnet",
        "vnet_range",
    ],
    serverless: &["resource_group"],
    // Minting on behalf of somebody else is AWS' alone.
    token_for: &[TokenFor::Provisioner],
    deployment_names: false,
    unique_names: true,
};

impl Cloud {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Aws, Self::Azure];

    /// What is different here.
    pub fn traits(self) -> &'static Traits {
        match self {
            Self::Aws => &AWS,
            Self::Azure => &AZURE,
        }
    }

    /// The name used in our API, logs and database.
    pub fn as_str(self) -> &'static str {
        self.traits().name
    }

    /// The cloud of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cloud| cloud.as_str() == name)
    }

    /// The cloud that alone has this member of a template, if one has.
    pub fn of_member(member: &str) -> Option<Self> {
        let owns = |cloud: &Self| cloud.traits().members.contains(&member);
        Self::ALL.into_iter().find(owns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_read_as_they_are_written() {
        for cloud in Cloud::ALL {
            assert_eq!(Cloud::named(cloud.as_str()), Some(cloud));
            assert_eq!(serde_json::to_value(cloud).unwrap(), cloud.as_str());
        }
        assert_eq!(Cloud::named("gcp"), None);
    }

    #[test]
    fn each_cloud_is_right_in_itself() {
        for cloud in Cloud::ALL {
            let traits = cloud.traits();
            let fit = |region: &&str| (traits.is_region)(region);
            assert!(traits.regions.iter().all(fit), "{cloud:?}");
            assert!(traits.regions.is_sorted() && traits.regions.contains(&traits.a_region));
            for member in traits.serverless {
                assert!(traits.members.contains(member), "{member}");
            }
            assert!(!traits.token_for.is_empty() && !traits.tiers.is_empty());
        }
    }

    #[test]
    fn no_member_and_no_region_is_of_two_clouds() {
        let all = |of: fn(&Traits) -> &'static [&'static str]| {
            let all: Vec<&str> = Cloud::ALL
                .iter()
                .flat_map(|it| of(it.traits()))
                .copied()
                .collect();
            let distinct: BTreeSet<&str> = all.iter().copied().collect();
            assert_eq!(distinct.len(), all.len());
            all
        };
        all(|traits| traits.regions);
        for member in all(|traits| traits.members) {
            let cloud = Cloud::of_member(member).unwrap();
            assert!(cloud.traits().members.contains(&member), "{member}");
        }
        assert_eq!(Cloud::of_member("region"), None);
    }
}
