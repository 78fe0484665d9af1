//! What is said of wrong secret stores.

use super::*;

/// One edit, one mistake, by its key.
#[test]
fn every_mistake_in_a_store_names_its_key() {
    let swap = |from: &str, to: &str| {
        assert!(EXAMPLE.contains(from), "{from}");
        EXAMPLE.replacen(from, to, 1)
    };
    let cases = [
        (
            swap("type = \"vault\"", "type = \"keepass\""),
            "stores.vault.type: `keepass` is none of vault, aws_secrets_manager, azure_key_vault, age_file",
        ),
        (
            swap("type = \"vault\"", "type = 7"),
            "stores.vault.type: must be text",
        ),
        (
            add("stores.vault", "regoin = \"us-west-2\""),
            "stores.vault.regoin: is not a setting",
        ),
        (
            add("stores.vault", "auth = \"ldap\""),
            "stores.vault.auth: `ldap` is none of token, approle, kubernetes",
        ),
        (
            swap("token = \"change-me\"", "auth = \"kubernetes\""),
            "stores.vault.role: is required",
        ),
        (
            swap(
                "token = \"change-me\"",
                "auth = \"approle\"\nrole_id = \"r\"",
            ),
            "stores.vault.secret_id: is required (or `stores.vault.secret_id_file`)",
        ),
        (
            swap(
                "token = \"change-me\"",
                "auth = \"approle\"\nsecret_id = \"s\"",
            ),
            "stores.vault.role_id: is required",
        ),
        (
            swap(
                "token = \"change-me\"",
                "auth = \"kubernetes\"\nrole = \"r\"\nauth_mount = \"a//b\"",
            ),
            "stores.vault.auth_mount: `a//b` is not a mount path",
        ),
        (
            add("stores.vault", "role = \"r\""),
            "stores.vault.role: has an effect only with `auth = \"kubernetes\"`",
        ),
        (
            add("stores.vault", "secret_id = \"s\""),
            "stores.vault.secret_id: has an effect only with `auth = \"approle\"`",
        ),
        (
            add("stores.vault", "auth_mount = \"x\""),
            "stores.vault.auth_mount: has no effect with `auth = \"token\"`",
        ),
        (
            swap(
                "type = \"aws_secrets_manager\"\n# Required.\nregion = \"us-east-1\"",
                "type = \"aws_secrets_manager\"",
            ),
            "stores.aws.region: is required",
        ),
        (
            swap(
                "type = \"aws_secrets_manager\"\n# Required.\nregion = \"us-east-1\"",
                "type = \"aws_secrets_manager\"\nregion = \"Oregon\"",
            ),
            "stores.aws.region: `Oregon` is not a region",
        ),
        (
            add("stores.aws", "address = \"https://x\""),
            "stores.aws.address: is not a setting",
        ),
        (
            add("stores.aws", "endpoint_url = \"http://10.0.0.1\""),
            "stores.aws.endpoint_url: `http://10.0.0.1` is plain http",
        ),
        (
            add("stores.aws", "access_key_id = \"AKIA\""),
            "stores.aws.secret_access_key: is required (or `stores.aws.secret_access_key_file`)",
        ),
        (
            add("stores.aws", "secret_access_key = \"x\""),
            "stores.aws.access_key_id: is required",
        ),
        (
            add("stores.aws", "kms_key_id = \"my key\""),
            "stores.aws.kms_key_id: is not a key's id",
        ),
        (
            add("stores.aws", "prefix = \"../up/\""),
            "stores.aws.prefix: `../up/` must be",
        ),
        (
            add("stores.aws", "recovery_window_days = 3"),
            "stores.aws.recovery_window_days: 3 is not between 7 and 30",
        ),
        (
            swap("vault_url = \"https://example.vault.azure.net\"", ""),
            "stores.azure.vault_url: is required",
        ),
        (
            swap("https://example.vault", "http://example.vault"),
            "stores.azure.vault_url: `http://example.vault.azure.net` is not a vault's address",
        ),
        (
            add("stores.azure", "prefix = \"/up\""),
            "stores.azure.prefix: `/up` must be",
        ),
        (
            add("stores.azure", "environment = \"germany\""),
            "stores.azure.environment: `germany` is none of public, us_government, china",
        ),
        (
            add("stores.azure", "managed_identity = true")
                .replace("tenant_id = \"00000000-0000-4000-8000-000000000006\"", ""),
            "stores.azure.managed_identity: give exactly one of",
        ),
        (
            add("stores.azure", "regoin = \"x\""),
            "stores.azure.regoin: is not a setting",
        ),
        (
            swap("directory = \"/var/lib/brickyard/secrets\"", ""),
            "stores.laptop.directory: is required",
        ),
        (
            swap("directory = \"/var/lib", "directory = \"var/lib"),
            "stores.laptop.directory: `var/lib/brickyard/secrets` must begin with a slash",
        ),
        (
            swap("recipient = \"age1", "recipient = \"AGE-SECRET-KEY-1"),
            "stores.laptop.recipient: is not an age public key",
        ),
        (
            add("stores.laptop", "format = \"yaml\""),
            "stores.laptop.format: `yaml` is none of token, json",
        ),
        (
            swap("type = \"vault\"", ""),
            "stores.vault.type: is required",
        ),
        (
            swap("address = \"https://vault.example.com:8200\"", ""),
            "stores.vault.address: is required",
        ),
        (
            add("stores.vault", "mount = \"/secret/\""),
            "stores.vault.mount: ",
        ),
    ];
    for (text, expected) in cases {
        let found = one(text);
        assert!(found.starts_with(expected), "{found}\nexpected: {expected}");
    }
}

#[test]
fn an_identity_given_as_a_recipient_is_not_repeated() {
    let identity = "AGE-SECRET-KEY-1CANARY";
    let recipient = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
    assert!(EXAMPLE.contains(recipient));
    assert!(!one(EXAMPLE.replace(recipient, identity)).contains("CANARY"));
}

#[test]
fn each_way_to_log_in_is_read() {
    let with = |lines: &str| {
        let text = EXAMPLE.replace("token = \"change-me\"", lines);
        let config = load_text(&text, &[]).unwrap_or_else(|errors| panic!("{errors}"));
        match config.stores.into_iter().find(|(name, _)| name == "vault") {
            Some((_, Settings::Vault(vault))) => vault.auth,
            other => panic!("{other:?}"),
        }
    };
    let approle = with("auth = \"approle\"\nrole_id = \"r\"\nsecret_id = \"s\"");
    assert!(matches!(approle, Auth::AppRole { mount, .. } if mount == "approle"));
    let kubernetes = with("auth = \"kubernetes\"\nrole = \"r\"\nauth_mount = \"clusters/a\"");
    let Auth::Kubernetes {
        mount, jwt_file, ..
    } = kubernetes
    else {
        panic!("{kubernetes:?}");
    };
    assert_eq!(mount, "clusters/a");
    assert!(jwt_file.ends_with("serviceaccount/token"));
}
