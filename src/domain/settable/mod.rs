//! What of a template may be left to requests: a closed list of members, their JSON Schemas, and the rules they keep,
//! whoever gave them (`rules`). What the configuration says and what a request says are checked by the same function.

mod rules;

pub use rules::needless;

use super::cloud::Cloud;
use super::spec::{CredentialsSource, NetworkSource, StorageSource};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// Two years: the longest lifetime Databricks gives a token.
const TOKEN_LIFETIME_SECONDS: RangeInclusive<u32> = 1..=63_072_000;
/// At most a month.
const KEEP_FAILED_SECONDS: RangeInclusive<u32> = 0..=30 * 24 * 3600;
/// Each in an availability zone of its own; no region has as many.
const SUBNETS: RangeInclusive<usize> = 2..=16;
const SECURITY_GROUPS: RangeInclusive<usize> = 1..=5;

/// Two sources of one thing, only one of which can be.
const SOURCES: [(&[&str], &[&str]); 4] = [
    (&["credentials_id"], &["role_arn"]),
    (&["storage_configuration_id"], &["bucket_name"]),
    (
        &["network_id"],
        &["vpc_id", "subnet_ids", "security_group_ids"],
    ),
    (
        &["vnet_id", "public_subnet", "private_subnet"],
        &["vnet_range"],
    ),
];

/// The members, as far as they are given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(missing_docs, reason = "described in their schemas")]
pub struct Settable {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_configuration_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpc_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnet_ids: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security_group_ids: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_group: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vnet_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_subnet: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_subnet: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vnet_range: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_lifetime_seconds: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_failed_seconds: Option<u32>,
}

/// The JSON Schema of each member: every value that can ever be right.
#[rustfmt::skip]
pub fn members() -> [(&'static str, Value); 17] {
    let id = |what: &str| json!({"type": "string", "format": "uuid", "description": format!("Databricks' id of an existing {what}.")});
    let ids = |what: &str, number: RangeInclusive<usize>| json!({
        "type": "array", "items": {"type": "string"}, "uniqueItems": true,
        "minItems": number.start(), "maxItems": number.end(), "description": format!("AWS' ids of the {what}."),
    });
    let seconds = |what: &str, limits: RangeInclusive<u32>| json!({
        "type": "integer", "minimum": limits.start(), "maximum": limits.end(), "description": what,
    });
    let text = |what: &str| json!({"type": "string", "description": what});
    [
        ("region", text("The cloud's region, in the cloud's words.")),
        ("tier", json!({"type": "string", "enum": tiers(), "description": "Pricing tier, in Databricks' words."})),
        ("credentials_id", id("credentials configuration")),
        ("role_arn", text("ARN of the IAM role to make credentials from.")),
        ("storage_configuration_id", id("storage configuration")),
        ("bucket_name", text("Name of the S3 bucket to make a storage configuration from.")),
        ("network_id", id("network configuration that no workspace uses")),
        ("vpc_id", text("AWS' id of the VPC to make a network configuration from.")),
        ("subnet_ids", ids("subnets, each in another availability zone", SUBNETS)),
        ("security_group_ids", ids("security groups", SECURITY_GROUPS)),
        ("resource_group", text("Azure resource group that the workspace is made in.")),
        ("vnet_id", text("Resource id of an existing Azure virtual network.")),
        ("public_subnet", text("Its subnet for the hosts of clusters, delegated to Databricks.")),
        ("private_subnet", text("Its subnet for their containers, delegated to Databricks.")),
        ("vnet_range", text("Addresses to make an Azure virtual network of, such as 10.139.0.0/16.")),
        ("token_lifetime_seconds", seconds("How long the token lives.", TOKEN_LIFETIME_SECONDS)),
        ("keep_failed_seconds", seconds("How long the workspace is kept for repair if it fails.", KEEP_FAILED_SECONDS)),
    ]
}

/// Members whose values are names of things in the cloud account: callers are not shown what they are by default.
pub fn is_object(member: &str) -> bool {
    Cloud::of_member(member).is_some()
}

/// Every tier of every cloud.
fn tiers() -> BTreeSet<&'static str> {
    let tiers = Cloud::ALL.into_iter().map(|cloud| cloud.traits().tiers);
    tiers.flatten().copied().collect()
}

/// What comes of the members; whole if nothing is wrong with them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "named like the members of a spec")]
pub struct Settled {
    pub region: String,
    pub tier: Option<String>,
    pub credentials: Option<CredentialsSource>,
    pub storage: Option<StorageSource>,
    pub network: Option<NetworkSource>,
    pub resource_group: Option<String>,
    pub token_lifetime_seconds: u32,
    pub keep_failed_seconds: u32,
}

/// A member that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// The member; an element of a list as `subnet_ids.1`.
    pub member: String,
    /// Other members that could mend it if they were given.
    pub or: &'static [&'static str],
    /// Why.
    pub why: String,
}

impl Wrong {
    /// The members that could mend it, the wrong one first.
    pub fn members(&self) -> impl Iterator<Item = &str> {
        let member = self.member.split('.').next().unwrap_or_default();
        std::iter::once(member).chain(self.or.iter().copied())
    }
}

impl Settable {
    /// Whether a member is given.
    pub fn has(&self, member: &str) -> bool {
        self.given().contains_key(member)
    }

    /// The members that are given.
    pub fn given(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(members)) => members,
            _ => Map::new(),
        }
    }

    /// These members with others over them; who names another source of a thing takes it instead of the one that was
    /// there. What has the wrong type is wrong.
    ///
    /// # Errors
    /// Each member that cannot be read.
    pub fn with(&self, others: &Map<String, Value>) -> Result<Self, Vec<Wrong>> {
        let mut members = self.given();
        let mut wrongs = Vec::new();
        for (name, value) in others {
            let alone: Map<_, _> = [(name.clone(), value.clone())].into_iter().collect();
            if serde_json::from_value::<Self>(alone.into()).is_err() {
                wrongs.push(Wrong {
                    member: name.clone(),
                    or: &[],
                    why: "cannot be that".to_owned(),
                });
            }
            members.insert(name.clone(), value.clone());
        }
        for (one, other) in SOURCES {
            let named = |members: &[&str]| members.iter().any(|it| others.contains_key(*it));
            match (named(one), named(other)) {
                (true, false) => members.retain(|name, _| !other.contains(&name.as_str())),
                (false, true) => members.retain(|name, _| !one.contains(&name.as_str())),
                _ => {}
            }
        }
        match serde_json::from_value(members.into()) {
            Ok(merged) if wrongs.is_empty() => Ok(merged),
            _ => Err(wrongs),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_has_a_schema_that_what_is_right_fits() {
        let all = Settable {
            region: Some("us-west-2".to_owned()),
            tier: Some("PREMIUM".to_owned()),
            credentials_id: Some("00000000-0000-4000-8000-000000000003".to_owned()),
            role_arn: Some("arn:aws:iam::123456789012:role/databricks".to_owned()),
            storage_configuration_id: Some("00000000-0000-4000-8000-000000000004".to_owned()),
            bucket_name: Some("root".to_owned()),
            network_id: Some("00000000-0000-4000-8000-000000000005".to_owned()),
            vpc_id: Some("vpc-12345678".to_owned()),
            subnet_ids: Some(vec![
                "subnet-12345678".to_owned(),
                "subnet-87654321".to_owned(),
            ]),
            security_group_ids: Some(vec!["sg-12345678".to_owned()]),
            resource_group: Some("workspaces".to_owned()),
            vnet_id: Some("/subscriptions/s/…".to_owned()),
            public_subnet: Some("host".to_owned()),
            private_subnet: Some("container".to_owned()),
            vnet_range: Some("10.139.0.0/16".to_owned()),
            token_lifetime_seconds: Some(3600),
            keep_failed_seconds: Some(0),
        };
        let given = all.given();
        assert_eq!(given.len(), members().len());
        for (name, schema) in members() {
            let validator = jsonschema::validator_for(&schema).unwrap();
            assert!(validator.is_valid(&given[name]), "{name}");
            assert!(!validator.is_valid(&json!({})), "{name}");
            assert!(schema["description"].is_string(), "{name}");
        }
        assert_eq!(Settable::default().with(&given).unwrap(), all);
    }

    #[test]
    fn what_has_the_wrong_type_is_wrong_and_nothing_panics() {
        for (name, _) in members() {
            for value in [
                json!(null),
                json!({}),
                json!(-1),
                json!(1.5),
                json!(1e300),
                json!([1]),
            ] {
                let others: Map<_, _> = [(name.to_owned(), value.clone())].into_iter().collect();
                match Settable::default().with(&others) {
                    Err(wrongs) => assert_eq!(wrongs[0].member, name),
                    // Not given.
                    Ok(merged) => assert!(value.is_null() && !merged.has(name), "{name} {value}"),
                }
            }
        }
    }
}
