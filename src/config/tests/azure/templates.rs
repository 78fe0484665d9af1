//! Templates of an account on Azure.

use super::*;
use crate::domain::spec::{AzureSpec, NetworkSource, Spec, TokenFor};
use serde_json::json;

const VNET: &str = "/subscriptions/00000000-0000-4000-8000-000000000008/resourceGroups/Net/providers/\
                    Microsoft.Network/virtualNetworks/Main";

fn template(lines: &str) -> String {
    add("templates.sandbox-azure", lines)
}

fn spec(text: &str) -> Spec {
    let config = good(text);
    let template = config.templates.find("sandbox-azure").unwrap();
    template.outline("team", "name", "id")
}

fn azure(text: &str) -> AzureSpec {
    spec(text).azure.unwrap()
}

fn swap(from: &str, to: &str) -> String {
    assert!(EXAMPLE.contains(from), "{from}");
    EXAMPLE.replacen(from, to, 1)
}

#[test]
fn a_template_is_made_of_its_own_members() {
    let spec = spec(EXAMPLE);
    assert_eq!(spec.region, "westeurope");
    assert_eq!(spec.token.token_for, TokenFor::Provisioner);
    assert_eq!(spec.tier, None);
    assert!(spec.credentials.is_none() && spec.storage.is_none() && spec.network.is_none());
    let plain = AzureSpec {
        resource_group: "databricks".to_owned(),
        public_ip: false,
        public_network_access: true,
        back_end_private_link: false,
        infrastructure_encryption: false,
        managed_services_key: None,
        managed_disk_key: None,
        force_deletion: false,
    };
    assert_eq!(spec.azure, Some(plain));
    let key = "https://kv1.vault.azure.net/keys/cmk/01";
    let all = azure(&template(&format!(
        "public_ip = true\npublic_network_access = false\nback_end_private_link = true\n\
         infrastructure_encryption = true\nmanaged_services_key = \"{key}\"\nmanaged_disk_key = \"{key}\"\n\
         force_deletion = true\nreachable_from_here = false"
    )));
    assert!(all.public_ip && !all.public_network_access && all.back_end_private_link);
    assert!(all.infrastructure_encryption && all.force_deletion);
    assert_eq!(all.managed_services_key.as_deref(), Some(key));
    assert_eq!(all.managed_disk_key.as_deref(), Some(key));
}

#[test]
fn a_network_is_subnets_or_a_range() {
    let subnets =
        format!("vnet_id = \"{VNET}\"\npublic_subnet = \"hosts\"\nprivate_subnet = \"containers\"");
    let Some(NetworkSource::Subnets(found)) = spec(&template(&subnets)).network else {
        panic!("no subnets");
    };
    // One spelling of what compares without regard to case.
    assert_eq!(
        found.vnet_id,
        VNET.replace("Net/", "net/")
            .replace("Main", "main")
            .replace("Microsoft.network", "Microsoft.Network")
    );
    let Some(NetworkSource::Range(found)) =
        spec(&template("vnet_range = \"10.139.0.0/16\"")).network
    else {
        panic!("no range");
    };
    assert_eq!(found.vnet_range, "10.139.0.0/16");
}

#[test]
fn every_mistake_in_a_template_names_its_key() {
    let subnets = |id: &str, public: &str, private: &str| {
        let lines = [
            ("vnet_id", id),
            ("public_subnet", public),
            ("private_subnet", private),
        ];
        let lines = lines.iter().filter(|it| !it.1.is_empty());
        let lines: Vec<_> = lines
            .map(|(key, value)| format!("{key} = \"{value}\""))
            .collect();
        template(&lines.join("\n"))
    };
    let cases = [
        (
            swap("resource_group = \"databricks\"", ""),
            "resource_group: is required",
        ),
        (
            swap(
                "resource_group = \"databricks\"",
                "resource_group = \"a/b\"",
            ),
            "resource_group: `a/b` is not the name of a resource group",
        ),
        (
            swap("region = \"westeurope\"", "region = \"West Europe\""),
            "region: `West Europe` is not a region such as westeurope",
        ),
        (
            swap("region = \"westeurope\"", "region = \"eu-central-1\""),
            "region: `eu-central-1` is not a region such as westeurope",
        ),
        (
            template("tier = \"STANDARD\""),
            "tier: `STANDARD` is none of PREMIUM",
        ),
        (
            template("token_for = \"service_principal\""),
            "token_for: on azure a token is always the provisioning principal's own",
        ),
        (subnets(VNET, "", "b"), "public_subnet: is required"),
        (subnets(VNET, "a", ""), "private_subnet: is required"),
        (subnets("", "a", "b"), "vnet_id: is required"),
        (
            subnets("main", "a", "b"),
            "vnet_id: `main` is not a network's id",
        ),
        (
            subnets(VNET, "a/b", "b"),
            "public_subnet: `a/b` is not a subnet's name",
        ),
        (
            subnets(VNET, "a", "A"),
            "private_subnet: must be another than `public_subnet`",
        ),
        (
            template(&format!(
                "vnet_range = \"10.139.0.0/16\"\nvnet_id = \"{VNET}\"\npublic_subnet = \"a\"\nprivate_subnet = \"b\""
            )),
            "vnet_range: give either `vnet_range`, or `vnet_id`,",
        ),
        (
            template("vnet_range = \"8.8.0.0/16\""),
            "vnet_range: `8.8.0.0/16` is not a range of private addresses",
        ),
        (
            template("public_network_access = false"),
            "public_network_access: `false` needs `back_end_private_link = true`",
        ),
        (
            template("managed_disk_key = \"cmk\""),
            "managed_disk_key: `cmk` is not `https://<vault>/keys/<name>/<version>`",
        ),
        (
            template("managed_services_key = \"https://kv1.vault.azure.net/keys/cmk\""),
            "managed_services_key: `https://kv1.vault.azure.net/keys/cmk` is not",
        ),
        (
            template("force_deletion = 1"),
            "force_deletion: must be true or false",
        ),
        // What belongs to the other cloud.
        (
            template("bucket_name = \"root\""),
            "bucket_name: belongs to aws, and the account is on azure",
        ),
        (
            template("parameters.vpc_id = { enum = [\"vpc-12345678\"] }"),
            "parameters.vpc_id: belongs to aws, and the account is on azure",
        ),
    ];
    for (text, expected) in cases {
        let found = one(text);
        let expected = format!("templates.sandbox-azure.{expected}");
        assert!(
            found.starts_with(&expected),
            "{found}\nexpected: {expected}"
        );
    }
    for line in [
        "resource_group = \"databricks\"",
        "vnet_range = \"10.139.0.0/16\"",
        "public_ip = true",
        "public_network_access = true",
        "back_end_private_link = true",
        "infrastructure_encryption = true",
        "managed_services_key = \"https://kv1.vault.azure.net/keys/cmk/01\"",
        "managed_disk_key = \"https://kv1.vault.azure.net/keys/cmk/01\"",
        "force_deletion = true",
    ] {
        let member = line.split(' ').next().unwrap();
        let found = one(add("templates.sandbox", line));
        let expected =
            format!("templates.sandbox.{member}: belongs to azure, and the account is on aws");
        assert_eq!(found, expected);
    }
}

#[test]
fn a_serverless_workspace_has_a_resource_group_and_no_network() {
    let serverless = "compute_mode = \"serverless\"\npublic_network_access = false\nreachable_from_here = false\n\
                      force_deletion = true\nmanaged_services_key = \"https://kv1.vault.azure.net/keys/cmk/01\"";
    let found = spec(&template(serverless));
    assert!(found.network.is_none());
    assert_eq!(found.azure.unwrap().resource_group, "databricks");
    for line in [
        "vnet_range = \"10.139.0.0/16\"",
        "public_ip = true",
        "back_end_private_link = true",
        "infrastructure_encryption = true",
        "managed_disk_key = \"https://kv1.vault.azure.net/keys/cmk/01\"",
    ] {
        let member = line.split(' ').next().unwrap();
        let found = one(template(&format!("compute_mode = \"serverless\"\n{line}")));
        let expected = format!("templates.sandbox-azure.{member}: a serverless workspace has none");
        assert!(found.starts_with(&expected), "{found}");
    }
    let without = template("compute_mode = \"serverless\"").replacen(
        "resource_group = \"databricks\"",
        "",
        1,
    );
    assert_eq!(
        one(without),
        "templates.sandbox-azure.resource_group: is required"
    );
}

#[test]
fn a_resource_group_may_be_left_to_requests() {
    let text = swap(
        "resource_group = \"databricks\"",
        "parameters.resource_group = { enum = [\"blue\", \"green\"] }",
    );
    let config = good(&text);
    let template = config.templates.find("sandbox-azure").unwrap().clone();
    let schema = &template.demands.schema()["properties"]["parameters"];
    assert_eq!(schema["required"], json!(["resource_group"]));
    let parameters = json!({"resource_group": "green"});
    let choices = template.choose(
        Default::default(),
        None,
        parameters.as_object().unwrap().clone(),
    );
    let spec = template.resolve(choices.unwrap(), "team", "name", "id");
    assert_eq!(spec.azure.unwrap().resource_group, "green");
    // As its own default it is one a request may leave out.
    let text = template_with_default();
    let config = good(&text);
    let schema = &config
        .templates
        .find("sandbox-azure")
        .unwrap()
        .demands
        .schema()["properties"]["parameters"];
    assert_eq!(schema["required"], json!([]));
}

fn template_with_default() -> String {
    template("parameters.resource_group = { pattern = \"^d\" }")
}
