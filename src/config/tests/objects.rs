//! What a template's workspaces are made of: a network of one's own, or nothing at all.

use super::*;
use crate::domain::cloud::ComputeMode;
use crate::domain::spec::NetworkSource;

#[test]
fn every_mistake_in_a_network_names_its_key() {
    let cases = [
        (
            add("templates.sandbox", "network_id = \"x\""),
            "templates.sandbox.network_id: `x` is not a UUID",
        ),
        (
            vpc("vpc_id = \"vpc-1\"", "", ""),
            "templates.sandbox.vpc_id: `vpc-1` is not a VPC",
        ),
        (vpc(" ", "", ""), "templates.sandbox.vpc_id: is required"),
        (
            vpc("", " ", ""),
            "templates.sandbox.subnet_ids: is required",
        ),
        (
            vpc("", "subnet_ids = [\"subnet-0123456789abcdef0\"]", ""),
            "templates.sandbox.subnet_ids: has 1, and must have 2 to 16",
        ),
        (
            vpc(
                "",
                "subnet_ids = [\"subnet-12345678\", \"sg-12345678\"]",
                "",
            ),
            "templates.sandbox.subnet_ids.1: `sg-12345678` is not an id such as subnet-",
        ),
        (
            vpc(
                "",
                "subnet_ids = [\"subnet-12345678\", \"subnet-12345678\"]",
                "",
            ),
            "templates.sandbox.subnet_ids.1: `subnet-12345678` stands twice",
        ),
        (
            vpc("", "subnet_ids = \"subnet-12345678\"", ""),
            "templates.sandbox.subnet_ids: must be",
        ),
        (
            vpc("", "", " "),
            "templates.sandbox.security_group_ids: is required",
        ),
        (
            vpc("", "", "security_group_ids = []"),
            "templates.sandbox.security_group_ids: has 0, and must have 1 to 5",
        ),
        (
            vpc(
                "network_id = \"00000000-0000-4000-8000-000000000005\"",
                "",
                "",
            ),
            "templates.sandbox.network_id: give either `network_id`, or `vpc_id`,",
        ),
        (
            add("templates.sandbox", "compute_mode = \"hybrid\""),
            "templates.sandbox.compute_mode: `hybrid` is none of classic, serverless",
        ),
    ];
    for (text, expected) in cases {
        let found = one(text);
        assert!(found.starts_with(expected), "{found}\nexpected: {expected}");
    }
}

/// The example with a VPC, of which one line is another; empty: the right one.
fn vpc(vpc: &str, subnets: &str, groups: &str) -> String {
    let lines = [
        (vpc, "vpc_id = \"vpc-0123456789abcdef0\""),
        (
            subnets,
            "subnet_ids = [\"subnet-0123456789abcdef0\", \"subnet-12345678\"]",
        ),
        (groups, "security_group_ids = [\"sg-0123456789abcdef0\"]"),
    ];
    let lines = lines.map(|(other, right)| if other.is_empty() { right } else { other });
    add("templates.sandbox", &lines.join("\n"))
}

#[test]
fn a_vpc_or_nothing_serverless() {
    let made = load_text(&vpc("", "", ""), &[]).unwrap_or_else(|errors| panic!("{errors}"));
    let sandbox = made.templates.find("sandbox").unwrap();
    let Some(NetworkSource::Made(vpc)) = sandbox.outline("t", "n", "i").network else {
        panic!("{sandbox:?}");
    };
    assert_eq!(vpc.vpc_id, "vpc-0123456789abcdef0");
    assert_eq!(vpc.subnet_ids.len(), 2);

    let serverless = "\n[templates.light]\naccount = \"main\"\ncompute_mode = \"serverless\"\n\
                      region = \"us-west-2\"\nsecret_store = \"vault\"\n";
    let config = load_text(&format!("{EXAMPLE}{serverless}"), &[]);
    let config = config.unwrap_or_else(|errors| panic!("{errors}"));
    let light = config.templates.find("light").unwrap();
    let light = light.outline("t", "n", "i");
    assert_eq!(light.compute_mode, ComputeMode::Serverless);
    assert!(light.credentials.is_none() && light.storage.is_none() && light.network.is_none());

    // What it cannot have is refused key by key.
    let given = "credentials_id = \"x\"\nrole_arn = \"x\"\nstorage_configuration_id = \"x\"\nbucket_name = \"x\"\n\
                 network_id = \"x\"\nvpc_id = \"x\"\nsubnet_ids = []\nsecurity_group_ids = []\n";
    let found = mistakes(|text| format!("{text}{serverless}{given}"), &[]);
    assert_eq!(found.len(), 8, "{found:#?}");
    for mistake in found {
        assert!(mistake.starts_with("templates.light."), "{mistake}");
        assert!(
            mistake.contains("a serverless workspace has none"),
            "{mistake}"
        );
    }
}
