//! Whole configurations: the example, overriding, and every mistake by its key.

use super::*;
use crate::secrets::Settings;
use crate::secrets::vault::Auth;
use secrecy::ExposeSecret;
use std::collections::BTreeSet;

const EXAMPLE: &str = include_str!("../../../brickyard.example.toml");

#[cfg(feature = "azure")]
mod azure;
mod every_mistake;
mod login;
mod objects;
mod readme;
mod stores;
mod templates;

type Variables<'v> = &'v [(&'v str, &'v str)];

fn load_text(text: &str, env: Variables<'_>) -> Result<Config, ConfigErrors> {
    let env = env
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    parse("test.toml", text, env)
}

/// The mistakes of the example after an edit, as `key: message`.
fn mistakes(edit: impl Fn(String) -> String, env: Variables<'_>) -> Vec<String> {
    match load_text(&edit(EXAMPLE.to_owned()), env) {
        Ok(_) => Vec::new(),
        Err(errors) => errors
            .mistakes
            .iter()
            .map(|m| format!("{}: {}", m.key, m.message))
            .collect(),
    }
}

/// Puts a line below a section's header.
fn add(section: &str, line: &str) -> String {
    let header = format!("[{section}]\n");
    assert!(EXAMPLE.contains(&header), "{section}");
    EXAMPLE.replace(&header, &format!("{header}{line}\n"))
}

fn one(text: String) -> String {
    let found = mistakes(|_| text.clone(), &[]);
    assert_eq!(found.len(), 1, "{found:#?}\n{text}");
    found.into_iter().next().unwrap()
}

fn vault_token(config: &Config) -> &str {
    match &config.stores["vault"] {
        Settings::Vault(vault) => match &vault.auth {
            Auth::Token(token) => token.expose_secret(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_example_is_right() {
    let config = load_text(EXAMPLE, &[]).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(config.instance, "example");
    assert_eq!(config.warnings, []);
    assert_eq!(config.issuers.len(), 2);
    let sandbox = config.templates.find("sandbox").unwrap();
    assert_eq!(sandbox.settable.token_lifetime_seconds, Some(2_592_000));
    assert!(summary(&config).contains("templates  sandbox@1, sandbox-azure@1"));
}

#[test]
fn the_example_shows_every_setting_in_its_section() {
    let mut shown = BTreeSet::new();
    let mut section = String::new();
    for line in EXAMPLE.lines() {
        if let Some(header) = line.strip_prefix('[') {
            let header = header.trim_matches(['[', ']']);
            let mut parts: Vec<&str> = header.split('.').collect();
            if parts.len() > 1 {
                parts[1] = "*";
            }
            section = parts.join(".") + ".";
        } else if let Some((key, _)) = line.trim_start_matches("# ").split_once(" = ")
            && !key.contains(' ')
        {
            shown.insert(format!("{section}{key}"));
        }
    }
    // the rules are tables of their own
    shown.insert("issuers.*.rules".to_owned());
    let known: BTreeSet<String> = known_keys().into_iter().collect();
    assert!(known.len() > 60, "{known:?}");
    assert_eq!(
        known.difference(&shown).collect::<Vec<_>>(),
        [] as [&String; 0],
        "not in the example"
    );
    assert_eq!(
        shown.difference(&known).collect::<Vec<_>>(),
        [] as [&String; 0],
        "not known to the code"
    );
}

#[test]
fn the_example_tells_the_defaults() {
    // With every commented line that is no alternative switched on, nothing changes.
    let alternatives = [
        "public_url",
        "metrics_listen",
        "endpoint",
        "url_file",
        "dns_servers",
        "ca_file",
        "jwks_url",
        "authorized_parties",
        "docs_client_id",
        "docs_scopes",
        "token_types",
        "denied_subjects",
        "denied_tokens",
        "denied_keys",
        "team_claim",
        "client_secret_file",
        "workspace_url_template",
        "token_file",
        "role_id",
        "secret_id",
        "secret_id_file",
        "role",
        "jwt_file",
        "auth_mount",
        "namespace",
        "endpoint_url",
        "access_key_id",
        "secret_access_key",
        "secret_access_key_file",
        "kms_key_id",
        "recovery_window_days",
        "authority_host",
        "federated_token_file",
        "vnet_id",
        "public_subnet",
        "private_subnet",
        "vnet_range",
        "managed_services_key",
        "managed_disk_key",
        "tier",
        "credentials_id",
        "storage_configuration_id",
        "network_id",
        "vpc_id",
        "subnet_ids",
        "security_group_ids",
        "tags",
        "description",
        "name_pattern",
        "required_tags",
        "parameters",
        "ttl_seconds",
        "max_ttl_seconds",
        "deletion_protection",
    ];
    let switched: String = EXAMPLE
        .lines()
        .map(
            |line| match line.strip_prefix("# ").and_then(|l| l.split_once(" = ")) {
                Some((key, _)) if !key.contains(' ') && !alternatives.contains(&key) => &line[2..],
                _ => line,
            },
        )
        .map(|line| format!("{line}\n"))
        .collect();
    let plain = load_text(EXAMPLE, &[]).unwrap();
    let switched = load_text(&switched, &[]).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(format!("{plain:?}"), format!("{switched:?}"));
}

#[test]
fn the_environment_wins() {
    let config = load_text(
        EXAMPLE,
        &[
            ("BRICKYARD_INSTANCE", "prod"),
            ("BRICKYARD_SERVER__LISTEN", "0.0.0.0:9000"),
            ("BRICKYARD_SERVER__PUBLIC_URL", ""),
            ("BRICKYARD_DATABASE__MAX_CONNECTIONS", "42"),
            ("BRICKYARD_OUTBOUND__DNS_SERVERS", "[\"10.1.1.1\"]"),
            ("BRICKYARD_WORKER__SLOTS", "3"),
            ("BRICKYARD_TEMPLATES__SANDBOX__REGION", "eu-central-1"),
            ("BRICKYARD_CONFIG", "elsewhere.toml"),
            ("PATH", "/bin"),
        ],
    )
    .unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(config.instance, "prod");
    assert_eq!(config.server.listen.port(), 9000);
    assert_eq!(config.database.max_connections, 42);
    assert_eq!(config.outbound.dns_servers[0].to_string(), "10.1.1.1:53");
    assert_eq!(config.worker.slots, 3);
    let sandbox = config.templates.find("sandbox").unwrap();
    assert_eq!(sandbox.settable.region.as_deref(), Some("eu-central-1"));
    assert_eq!(config.warnings, []);
}

#[test]
fn text_that_looks_like_something_else_stays_text() {
    for raw in [
        "0123", "12345", "true", "1e5", "[abc]", "[1,2]", "{a=1}", "1.50", "a,b", "a}b", "{x",
        "it's", "a=b", "x\"y", "0x10", "-5", "null",
    ] {
        let config = load_text(EXAMPLE, &[("BRICKYARD_STORES__VAULT__TOKEN", raw)])
            .unwrap_or_else(|errors| panic!("{errors}"));
        assert_eq!(vault_token(&config), raw);
    }
}

#[test]
fn a_neighbours_variables_are_only_a_warning() {
    let env: Variables<'_> = &[
        ("BRICKYARD_PORT", "tcp://10.0.0.1:80"),
        ("BRICKYARD_SERVICE_HOST", "10.0.0.1"),
    ];
    assert_eq!(load_text(EXAMPLE, env).unwrap().warnings.len(), 2);
}

#[test]
fn secrets_do_not_print() {
    let secrets = ["canary-db", "canary-client", "canary-store", "canary-aws"];
    let text = EXAMPLE
        .replace("brickyard:change-me@", "brickyard:canary-db@")
        .replace(
            "client_secret = \"change-me\"",
            "client_secret = \"canary-client\"",
        )
        .replace("token = \"change-me\"", "token = \"canary-store\"")
        .replace(
            "region = \"us-east-1\"",
            "region = \"us-east-1\"\naccess_key_id = \"AKIA\"\nsecret_access_key = \"canary-aws\"",
        );
    assert!(text.contains("canary-aws"));
    let config = load_text(&text, &[]).unwrap();
    let url = config.database.url.expose_secret();
    assert!(url.contains("canary-db"), "the test replaces something");
    let debug = format!("{config:?}{config:#?}{}", summary(&config));
    // and in mistakes: a secret of the wrong type, on a line that is not TOML, in a wrong address
    let broken = [
        text.replace("\"canary-client\"", "[\"canary-client\"]"),
        text.replace("\"canary-store\"", "\"canary-store"),
        text.replace("postgres://", "mysql://"),
        text.replace("\"canary-store\"", "\"canary-store\\n\\u0000\""),
    ];
    let mut told = debug;
    for text in broken {
        let errors = load_text(&text, &[]).unwrap_err();
        told.push_str(&format!("{errors}{errors:?}"));
    }
    let env = load_text(
        &text,
        &[(
            "BRICKYARD_ACCOUNTS__MAIN__REQUESTS_PER_SECOND",
            "canary-client",
        )],
    );
    told.push_str(&env.unwrap_err().to_string());
    for secret in secrets {
        assert!(!told.contains(secret), "{secret} in {told}");
    }
}

#[test]
fn secrets_from_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, "  from-file\n").unwrap();
    let file = path.display().to_string();
    let without = EXAMPLE.replace("token = \"change-me\"\n", "");
    let with = |extra: &str| {
        without.replace(
            "type = \"vault\"\n",
            &format!("type = \"vault\"\n{extra}\n"),
        )
    };
    let config = load_text(&with(&format!("token_file = \"{file}\"")), &[]).unwrap();
    assert_eq!(vault_token(&config), "from-file");

    let variable = [("BRICKYARD_STORES__VAULT__TOKEN_FILE", file.as_str())];
    assert!(load_text(&without, &variable).is_ok());
    let both = mistakes(|text| text, &variable);
    assert!(
        both[0].starts_with("stores.vault.token: is given twice"),
        "{both:?}"
    );
    assert!(one(with("")).starts_with("stores.vault.token: is required"));
    std::fs::write(&path, "\n").unwrap();
    assert!(
        one(with(&format!("token_file = \"{file}\""))).starts_with("stores.vault.token: is empty")
    );
    let absent = one(with("token_file = \"/does/not/exist\""));
    assert!(
        absent.starts_with("stores.vault.token_file: /does/not/exist: "),
        "{absent}"
    );
}

#[test]
fn warnings_are_not_mistakes() {
    let text = add("templates.sandbox", "token_for = \"provisioner\"");
    let config = load_text(&text, &[]).unwrap();
    assert_eq!(config.warnings.len(), 1);
    assert_eq!(config.warnings[0].key, "templates.sandbox.token_for");
    assert!(summary(&config).contains("warnings\n  templates.sandbox.token_for"));
}

#[test]
fn plain_http_only_where_it_is_allowed() {
    let local = EXAMPLE.replace("https://vault.example.com:8200", "http://127.0.0.1:8200");
    assert!(one(local.clone()).starts_with("stores.vault.address: "));
    let variable: Variables<'_> = &[("BRICKYARD_OUTBOUND__ALLOW_PLAIN_HTTP", "true")];
    assert_eq!(mistakes(|_| local.clone(), variable), [] as [String; 0]);
    let remote = EXAMPLE.replace("https://vault.example.com:8200", "http://10.0.0.1:8200");
    assert_eq!(mistakes(|_| remote.clone(), variable).len(), 1);
}

#[test]
fn a_file_that_is_not_there() {
    let errors = load(Some(Path::new("/does/not/exist.toml")), std::iter::empty()).unwrap_err();
    assert_eq!(errors.mistakes.len(), 1);
    assert!(errors.to_string().contains("/does/not/exist.toml"));
}
