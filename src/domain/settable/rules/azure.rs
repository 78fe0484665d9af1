//! What a workspace on Azure is made of.

use super::Wrongs;
use crate::domain::arm::{ResourceId, VNET, VnetRange};
use crate::domain::azure::{is_resource_group, is_subnet};
use crate::domain::settable::Settable;
use crate::domain::spec::{NetworkSource, Range, Subnets};

impl Settable {
    pub(super) fn resource_group(&self, wrong: &mut Wrongs) -> String {
        match self.resource_group.as_deref() {
            None | Some("") => wrong.add("resource_group", "is required"),
            Some(group) => {
                let what = "the name of a resource group: up to 90 letters, digits and -._()";
                wrong.shape("resource_group", group, is_resource_group(group), what);
            }
        }
        self.resource_group.clone().unwrap_or_default()
    }

    /// Neither subnets nor a range is right too: then Databricks makes the network.
    pub(super) fn vnet(&self, wrong: &mut Wrongs) -> Option<NetworkSource> {
        let names = [&self.vnet_id, &self.public_subnet, &self.private_subnet];
        let given = names.iter().any(|it| it.is_some());
        match (&self.vnet_range, given) {
            (None, false) => None,
            (Some(range), false) => {
                let what = "a range of private addresses from /16 to /24, such as 10.139.0.0/16";
                wrong.shape("vnet_range", range, VnetRange::read(range).is_some(), what);
                Some(NetworkSource::Range(Range {
                    vnet_range: range.clone(),
                }))
            }
            (None, true) => Some(NetworkSource::Subnets(self.subnets(wrong))),
            (Some(_), true) => {
                let why =
                    "give either `vnet_range`, or `vnet_id`, `public_subnet` and `private_subnet`";
                wrong.add("vnet_range", why);
                None
            }
        }
    }

    fn subnets(&self, wrong: &mut Wrongs) -> Subnets {
        let vnet_id = match self.vnet_id.as_deref() {
            None | Some("") => {
                wrong.add("vnet_id", "is required");
                String::new()
            }
            Some(text) => match ResourceId::read(text, VNET) {
                Some(id) => id.to_string(),
                None => {
                    let what = "a network's id: /subscriptions/…/resourceGroups/…/providers/\
                                Microsoft.Network/virtualNetworks/…";
                    wrong.shape("vnet_id", text, false, what);
                    text.to_owned()
                }
            },
        };
        let mut name = |member: &str, given: &Option<String>| match given.as_deref() {
            None | Some("") => {
                wrong.add(member, "is required");
                String::new()
            }
            Some(text) => {
                wrong.shape(member, text, is_subnet(text), "a subnet's name");
                text.to_owned()
            }
        };
        let public_subnet = name("public_subnet", &self.public_subnet);
        let private_subnet = name("private_subnet", &self.private_subnet);
        if !public_subnet.is_empty() && public_subnet.eq_ignore_ascii_case(&private_subnet) {
            wrong.add("private_subnet", "must be another than `public_subnet`");
        }
        Subnets {
            vnet_id,
            public_subnet,
            private_subnet,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::cloud::{Cloud, ComputeMode};
    use crate::domain::settable::{Settled, Wrong};
    use serde_json::{Map, Value, json};

    const VNET_ID: &str = "/subscriptions/00000000-0000-4000-8000-00000000000A/resourceGroups/Net/providers/\
                           Microsoft.Network/virtualNetworks/Main";

    fn settable(more: Value) -> Settable {
        let mut members = json!({
            "region": "westeurope", "resource_group": "databricks",
            "token_lifetime_seconds": 3600, "keep_failed_seconds": 0,
        });
        let more: Map<String, Value> = more.as_object().unwrap().clone();
        members.as_object_mut().unwrap().extend(more);
        serde_json::from_value(members).unwrap()
    }

    fn settle(more: Value) -> (Settled, Vec<Wrong>) {
        settable(more).settle(Cloud::Azure, ComputeMode::Classic)
    }

    fn wrong(more: Value) -> Vec<String> {
        let (_, wrongs) = settle(more);
        wrongs.into_iter().map(|wrong| wrong.member).collect()
    }

    #[test]
    fn a_group_is_enough_and_is_needed() {
        let (settled, wrongs) = settle(json!({}));
        assert_eq!(wrongs, []);
        assert_eq!(settled.resource_group.as_deref(), Some("databricks"));
        assert_eq!(
            (settled.network, settled.credentials, settled.storage),
            (None, None, None)
        );
        for bad in [json!(null), json!(""), json!("a/b"), json!("ends.")] {
            assert_eq!(wrong(json!({"resource_group": bad})), ["resource_group"]);
        }
        assert_eq!(wrong(json!({"region": "us-west-2"})), ["region"]);
        assert_eq!(wrong(json!({"tier": "ENTERPRISE"})), ["tier"]);
    }

    #[test]
    fn subnets_or_a_range() {
        let all =
            json!({"vnet_id": VNET_ID, "public_subnet": "hosts", "private_subnet": "containers"});
        let (settled, wrongs) = settle(all.clone());
        assert_eq!(wrongs, []);
        let Some(NetworkSource::Subnets(subnets)) = settled.network else {
            panic!("{settled:?}");
        };
        // As everything else of Azure is compared.
        assert_eq!(
            Some(subnets.vnet_id),
            ResourceId::read(VNET_ID, VNET).map(|id| id.to_string())
        );
        for member in ["vnet_id", "public_subnet", "private_subnet"] {
            let mut others = all.clone();
            others.as_object_mut().unwrap().remove(member);
            assert_eq!(wrong(others), [member]);
        }
        let with = |member: &str, value: &str| {
            let mut others = all.clone();
            others[member] = value.into();
            wrong(others)
        };
        assert_eq!(with("vnet_id", "main"), ["vnet_id"]);
        assert_eq!(with("public_subnet", "a/b"), ["public_subnet"]);
        assert_eq!(with("private_subnet", "HOSTS"), ["private_subnet"]);
        assert_eq!(with("vnet_range", "10.0.0.0/16"), ["vnet_range"]);
        assert_eq!(wrong(json!({"vnet_range": "10.0.0.0/16"})), [""; 0]);
        assert_eq!(wrong(json!({"vnet_range": "10.0.0.0/8"})), ["vnet_range"]);
    }

    #[test]
    fn who_names_the_other_source_takes_it() {
        let range = settable(json!({"vnet_range": "10.0.0.0/16"}));
        let subnets = json!({"vnet_id": VNET_ID, "public_subnet": "a", "private_subnet": "b"});
        let merged = range.with(subnets.as_object().unwrap()).unwrap();
        assert!(merged.vnet_range.is_none() && merged.vnet_id.is_some());
        let range = json!({"vnet_range": "10.1.0.0/16"});
        let merged = merged.with(range.as_object().unwrap()).unwrap();
        assert!(merged.vnet_id.is_none() && merged.public_subnet.is_none());
        assert_eq!(merged.vnet_range.as_deref(), Some("10.1.0.0/16"));
    }

    #[test]
    fn what_is_of_another_cloud_or_mode_is_wrong() {
        let aws = json!({"role_arn": "x", "bucket_name": "x", "subnet_ids": ["x"]});
        assert_eq!(wrong(aws), ["bucket_name", "role_arn", "subnet_ids"]);
        let (settled, wrongs) = settable(json!({})).settle(Cloud::Azure, ComputeMode::Serverless);
        assert_eq!(
            (settled.resource_group.as_deref(), wrongs),
            (Some("databricks"), vec![])
        );
        let network = settable(json!({"vnet_range": "10.0.0.0/16"}));
        let (_, wrongs) = network.settle(Cloud::Azure, ComputeMode::Serverless);
        assert_eq!(wrongs.len(), 1);
        assert!(wrongs[0].why.starts_with("a serverless workspace has none"));
        let (_, wrongs) = network.settle(Cloud::Aws, ComputeMode::Classic);
        let of_azure = wrongs
            .iter()
            .filter(|wrong| wrong.why.starts_with("belongs to azure"));
        assert_eq!(of_azure.count(), 2, "{wrongs:?}");
    }
}
