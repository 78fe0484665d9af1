//! Accounts on Azure; below, templates.

mod templates;

use super::*;
use crate::azure::{Proof, Settings as Identity};
use crate::cloud::Settings as Account;
use crate::cloud::azure::Subscription;
use crate::domain::azure::{PUBLIC, US_GOVERNMENT};

const SECRET: &str = "client_id = \"00000000-0000-4000-8000-000000000007\"\n# One proof of it";

/// The example with other lines in a part of `[accounts.azure]`.
fn account(from: &str, to: &str) -> String {
    let (before, section) = EXAMPLE.split_once("[accounts.azure]").unwrap();
    let (section, after) = section.split_once("\n[").unwrap();
    assert!(section.contains(from), "{from}");
    let section = section.replacen(from, to, 1);
    format!("{before}[accounts.azure]{section}\n[{after}")
}

fn good(text: &str) -> Config {
    load_text(text, &[]).unwrap_or_else(|errors| panic!("{errors}"))
}

fn subscription(config: &Config) -> &Subscription {
    match &config.accounts["azure"] {
        Account::Azure(subscription) => subscription,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_examples_account_is_of_the_public_cloud() {
    let config = good(EXAMPLE);
    let found = subscription(&config);
    assert_eq!(
        found.subscription_id,
        "00000000-0000-4000-8000-000000000008"
    );
    assert_eq!(found.arm_endpoint, PUBLIC.arm_endpoint);
    assert_eq!(found.arm_audience, PUBLIC.arm_audience);
    assert_eq!(found.workspace_domain, PUBLIC.workspace_domain);
    assert_eq!(found.identity.authority_host, PUBLIC.authority_host);
    assert_eq!(found.requests_per_second, 8);
    assert!(
        matches!(&found.identity.proof, Proof::ClientSecret(it) if it.expose_secret() == "change-me")
    );
}

#[test]
fn another_cloud_brings_its_addresses_and_each_can_be_overridden() {
    let config = good(&account(
        "cloud = \"azure\"",
        "cloud = \"azure\"\nenvironment = \"us_government\"",
    ));
    let found = subscription(&config);
    assert_eq!(found.arm_endpoint, US_GOVERNMENT.arm_endpoint);
    assert_eq!(found.arm_audience, US_GOVERNMENT.arm_audience);
    assert_eq!(found.workspace_domain, US_GOVERNMENT.workspace_domain);
    assert_eq!(found.identity.authority_host, US_GOVERNMENT.authority_host);
    let lines = "cloud = \"azure\"\nauthority_host = \"https://login.stack.test\"\n\
                 arm_endpoint = \"https://arm.stack.test/\"\nworkspace_domain = \"ws.stack.test\"\n\
                 workspace_url_template = \"https://{deployment_name}.ws.stack.test:8443\"\nrequests_per_second = 20";
    let config = good(&account("cloud = \"azure\"", lines));
    let found = subscription(&config);
    // An endpoint of one's own has its own audience.
    assert_eq!(found.arm_endpoint, "https://arm.stack.test");
    assert_eq!(found.arm_audience, "https://arm.stack.test");
    assert_eq!(found.workspace_domain, "ws.stack.test");
    assert_eq!(found.identity.authority_host, "https://login.stack.test");
    assert_eq!(found.requests_per_second, 20);
    let variable = [("BRICKYARD_ACCOUNTS__AZURE__ENVIRONMENT", "us_government")];
    let config = load_text(EXAMPLE, &variable).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(
        subscription(&config).arm_endpoint,
        US_GOVERNMENT.arm_endpoint
    );
}

#[test]
fn each_proof_is_taken() {
    let with = |text: &str| subscription(&good(text)).identity.clone();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    std::fs::write(&path, "of a file\n").unwrap();
    let line = format!("client_secret_file = \"{}\"", path.display());
    let Identity { proof, .. } = with(&account("client_secret = \"change-me\"", &line));
    assert!(matches!(proof, Proof::ClientSecret(it) if it.expose_secret() == "of a file"));
    let line = "federated_token_file = \"/var/token\"";
    let Identity { proof, .. } = with(&account("client_secret = \"change-me\"", line));
    assert!(matches!(proof, Proof::Federated { .. }));
    let tenant = "tenant_id = \"example.onmicrosoft.com\"\n";
    let managed = account(tenant, "managed_identity = true\n");
    let managed = without_secret(&managed);
    let identity = with(&managed);
    assert!(matches!(identity.proof, Proof::Managed));
    assert!(identity.client_id.is_some());
    // The machine's own has no id.
    let own = managed.replacen(SECRET, "# One proof of it", 1);
    assert_eq!(with(&own).client_id, None);
    // Or what the platform says.
    let bare = without_secret(&account(tenant, "")).replacen(SECRET, "# One proof of it", 1);
    let id = "00000000-0000-4000-8000-000000000009";
    let platform = [
        ("AZURE_FEDERATED_TOKEN_FILE", "/var/token"),
        ("AZURE_TENANT_ID", id),
        ("AZURE_CLIENT_ID", id),
    ];
    let config = load_text(&bare, &platform).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(subscription(&config).identity.tenant_id, id);
    let found = mistakes(|_| bare.clone(), &[]);
    let expected = ["client_id", "client_secret", "tenant_id"]
        .map(|key| format!("accounts.azure.{key}: is required"));
    assert_eq!(found.len(), 3, "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(&expected), "{found}");
    }
}

/// Without the account's secret, which is the second of the file.
fn without_secret(text: &str) -> String {
    let (before, section) = text.split_once("[accounts.azure]").unwrap();
    let section = section.replacen("client_secret = \"change-me\"\n", "", 1);
    format!("{before}[accounts.azure]{section}")
}

#[test]
fn every_mistake_in_an_account_names_its_key() {
    let id = "subscription_id = \"00000000-0000-4000-8000-000000000008\"";
    let lines = |more: &str| account(id, &format!("{id}\n{more}"));
    let cases = [
        (account(id, ""), "subscription_id: is required"),
        (
            account(id, "subscription_id = \"main\""),
            "subscription_id: `main` is not a UUID",
        ),
        (
            lines("environment = \"germany\""),
            "environment: `germany` is none of public, us_government, china",
        ),
        (
            lines("authority_host = \"http://127.0.0.1:1\""),
            "authority_host: `http://127.0.0.1:1` must begin with https://",
        ),
        (
            lines("arm_endpoint = \"http://127.0.0.1:1\""),
            "arm_endpoint: `http://127.0.0.1:1` is plain http",
        ),
        (
            lines("workspace_domain = \"https://x\""),
            "workspace_domain: `https://x` is not a domain",
        ),
        (
            lines("workspace_url_template = \"https://{deployment_name}.evil.example\""),
            "workspace_url_template: its host must be `{deployment_name}.azuredatabricks.net`",
        ),
        (
            lines("requests_per_second = 101"),
            "requests_per_second: 101 is not between 1 and 100",
        ),
        (
            lines("federated_token_file = \"/var/token\""),
            "federated_token_file: give exactly one of",
        ),
        (
            lines("account_id = \"00000000-0000-4000-8000-000000000001\""),
            "account_id: is not a setting",
        ),
        (
            account("cloud = \"azure\"", "cloud = 7"),
            "cloud: must be text",
        ),
        (
            account("cloud = \"azure\"", "cloud = \"Azure\""),
            "cloud: `Azure` is none of aws, azure",
        ),
    ];
    for (text, expected) in cases {
        let found = one(text);
        let expected = format!("accounts.azure.{expected}");
        assert!(
            found.starts_with(&expected),
            "{found}\nexpected: {expected}"
        );
    }
}

#[test]
fn one_subscription_has_one_name() {
    let (_, section) = EXAMPLE.split_once("[accounts.azure]").unwrap();
    let (section, _) = section.split_once("\n[").unwrap();
    let twin = format!("{EXAMPLE}\n[accounts.twin]{section}");
    let found = one(twin.clone());
    assert_eq!(
        found,
        "accounts.twin.subscription_id: is also accounts.azure's"
    );
    // A Databricks account may have the same id: it is something else.
    let id = "subscription_id = \"00000000-0000-4000-8000-000000000008\"";
    good(&account(
        id,
        "subscription_id = \"00000000-0000-4000-8000-000000000001\"",
    ));
}
