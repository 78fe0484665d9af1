//! What is said of wrong configurations.

use super::*;

/// One edit, one mistake, by its key.
#[test]
fn every_mistake_names_its_key() {
    let swap = |from: &str, to: &str| {
        assert!(EXAMPLE.contains(from), "{from}");
        EXAMPLE.replacen(from, to, 1)
    };
    let cases = [
        (swap("instance = \"example\"", ""), "instance: is required"),
        (
            swap("instance = \"example\"", "instance = 7"),
            "instance: must be text",
        ),
        (
            swap("instance = \"example\"", "instance = \"Prod_1\""),
            "instance: `Prod_1`",
        ),
        (
            swap("instance = \"example\"", "instance = \"a-very-long-name\""),
            "instance: `a-very",
        ),
        (
            swap("[server]", "[servers]"),
            "servers: is not a setting; did you mean `server`?",
        ),
        (
            add("server", "listn = \"x\""),
            "server.listn: is not a setting; did you mean `listen`?",
        ),
        (add("server", "listen = \"8080\""), "server.listen: `8080`"),
        (
            add("traces", "sample_ratio = 1.5"),
            "traces.sample_ratio: 1.5 is not between 0 and 1",
        ),
        (
            add("traces", "endpoint = \"http://collector.example.com\""),
            "traces.endpoint: ",
        ),
        (
            add("server", "metrics_listen = \"here\""),
            "server.metrics_listen: `here`",
        ),
        (
            add("server", "metrics_listen = \"127.0.0.1:8080\""),
            "server.metrics_listen: 127.0.0.1:8080 is where the API listens",
        ),
        (
            add("server", "docs = \"yes\""),
            "server.docs: must be true or false, not text",
        ),
        (
            add("server", "max_body_bytes = 1"),
            "server.max_body_bytes: 1 is not between",
        ),
        (
            add("server", "max_body_bytes = -1"),
            "server.max_body_bytes: ",
        ),
        (
            add("server", "public_url = \"http://brickyard.example.com\""),
            "server.public_url: `http",
        ),
        (
            add("server", "public_url = \"https://example.com/brickyard/\""),
            "server.public_url: `https://example.com/brickyard/` has a path",
        ),
        (
            swap("url = \"postgres://", "url = \"mysql://"),
            "database.url: must begin with postgres://",
        ),
        (
            add("database", "max_connections = 0"),
            "database.max_connections: 0",
        ),
        (
            add("log", "format = \"yaml\""),
            "log.format: `yaml` is none of json, pretty, auto",
        ),
        (
            add("log", "filter = \"brickyard=loud\""),
            "log.filter: `brickyard=loud`",
        ),
        (
            add("outbound", "dns_servers = [\"dns.example.com\"]"),
            "outbound.dns_servers: `dns",
        ),
        (
            add("outbound", "dns_servers = [\"1.1.1.1\", \"1.1.1.1:53\"]"),
            "outbound.dns_servers: `1.1.1.1:53` stands twice",
        ),
        (
            swap("issuer = \"https://login.example.com/\"", ""),
            "issuers.company.issuer: is required",
        ),
        (
            swap(
                "issuer = \"https://login.example.com/\"",
                "issuer = \"http://login.example.com/\"",
            ),
            "issuers.company.issuer: `http",
        ),
        (
            swap(
                "issuer = \"https://login.example.com/\"",
                "issuer = \"https://token.actions.githubusercontent.com\"",
            ),
            "issuers.github.issuer: is also issuers.company's",
        ),
        (
            add("issuers.company", "algorithms = [\"HS256\"]"),
            "issuers.company.algorithms.0: `HS256` is none of RS256",
        ),
        (
            add("issuers.company", "algorithms = []"),
            "issuers.company.algorithms: is empty",
        ),
        (
            add("issuers.company", "max_lifetime_seconds = 86401"),
            "issuers.company.max_lifetime_seconds: 86401",
        ),
        (
            add("issuers.github", "max_lifetime_seconds = 3601"),
            "issuers.github.max_lifetime_seconds: 3601",
        ),
        (
            add("issuers.company", "denied_subjects = [\"eve\", \" \"]"),
            "issuers.company.denied_subjects: holds an empty text",
        ),
        (
            add("issuers.company", "jwks_url = \"ftp://x\""),
            "issuers.company.jwks_url: `ftp",
        ),
        (
            swap("role = \"admin\"", "role = \"admin\"\nteam = \"blue\""),
            "issuers.company.rules.0.team: `admin` is a role for all teams",
        ),
        (
            swap("role = \"admin\"", "role = \"root\""),
            "issuers.company.rules.0.role: `root` is none of viewer",
        ),
        (
            swap("role = \"admin\"", "role = \"admin\"\nteams = \"blue\""),
            "issuers.company.rules.0.teams: is not a setting; did you mean `team`?",
        ),
        (
            swap("team = \"analytics\"", ""),
            "issuers.company.rules.1.team: `requester` needs either",
        ),
        (
            swap("team = \"analytics\"", "team = \"An Alytics\""),
            "issuers.company.rules.1.team: `An Alytics`",
        ),
        (
            swap("claims = { groups = \"platform-admins\" }", ""),
            "issuers.company.rules.0.claims: is required",
        ),
        (
            swap("groups = \"platform-admins\"", "groups = \"platform-*\""),
            "issuers.company.rules.0.claims.groups: \"platform-*\": `*`",
        ),
        (
            swap("groups = \"platform-admins\"", "groups = []"),
            "issuers.company.rules.0.claims.groups: is empty",
        ),
        (
            swap("groups = \"platform-admins\"", "groups = 1.5"),
            "issuers.company.rules.0.claims.groups: 1.5",
        ),
        (
            swap("groups = \"platform-admins\"", "actor = \"ada\""),
            "issuers.company.rules.0.claims: must not match on the actor",
        ),
        (
            swap(
                "ref = \"refs/heads/main\", environment = \"production\"",
                "event_name = \"push\"",
            ),
            "issuers.github.rules.0.claims: a CI job gets",
        ),
        (
            swap("refs/heads/main", "refs/heads/*"),
            "issuers.github.rules.0.claims.ref: \"refs/heads/*\": a wildcard",
        ),
        (
            swap(
                "account_id = \"00000000-0000-4000-8000-000000000001\"",
                "account_id = \"1\"",
            ),
            "accounts.main.account_id: `1` is not a UUID",
        ),
        (
            add("accounts.main", "cloud = \"gcp\""),
            "accounts.main.cloud: `gcp` is none of aws, azure",
        ),
        (
            add("accounts.main", "account_host = \"http://127.0.0.1:1\""),
            "accounts.main.account_host: `http",
        ),
        (
            add("accounts.main", "workspace_domain = \"https://x\""),
            "accounts.main.workspace_domain: ",
        ),
        (
            add(
                "accounts.main",
                "workspace_url_template = \"https://{deployment_name}.evil.example\"",
            ),
            "accounts.main.workspace_url_template: its host",
        ),
        (
            add(
                "accounts.main",
                "workspace_url_template = \"http://{deployment_name}.cloud.databricks.com\"",
            ),
            "accounts.main.workspace_url_template: must begin",
        ),
        (
            add("accounts.main", "requests_per_second = 0"),
            "accounts.main.requests_per_second: 0",
        ),
        (
            swap("client_secret = \"change-me\"", "client_secret = \"\""),
            "accounts.main.client_secret: is empty",
        ),
        (
            swap("account = \"main\"", "account = \"other\""),
            "templates.sandbox.account: there is no [accounts.other]",
        ),
        (
            swap("secret_store = \"vault\"", "secret_store = \"other\""),
            "templates.sandbox.secret_store: there is no [stores.other]",
        ),
        (
            swap("region = \"us-west-2\"", "region = \"us-wset\""),
            "templates.sandbox.region: `us-wset`",
        ),
        (
            add("templates.sandbox", "regoin = \"us-west-2\""),
            "templates.sandbox.regoin: is not a setting; did you mean `region`?",
        ),
        (
            add("templates.sandbox", "tier = \"gold\""),
            "templates.sandbox.tier: `gold`",
        ),
        (
            swap("role_arn = \"arn:aws:iam", "role_arn = \"arn:aws:s3"),
            "templates.sandbox.role_arn: ",
        ),
        (
            swap(
                "role_arn = \"arn:aws:iam::123456789012:role/databricks\"",
                "",
            ),
            "templates.sandbox.credentials_id: give exactly one",
        ),
        (
            add(
                "templates.sandbox",
                "credentials_id = \"00000000-0000-4000-8000-000000000003\"",
            ),
            "templates.sandbox.credentials_id: give exactly one",
        ),
        (
            swap(
                "bucket_name = \"example-databricks-root\"",
                "bucket_name = \"Root\"",
            ),
            "templates.sandbox.bucket_name: `Root`",
        ),
        (
            swap(
                "bucket_name = \"example-databricks-root\"",
                "storage_configuration_id = \"x\"",
            ),
            "templates.sandbox.storage_configuration_id: `x` is not a UUID",
        ),
        (
            swap("bucket_name = \"example-databricks-root\"", ""),
            "templates.sandbox.storage_configuration_id: give exactly one",
        ),
        (
            add("templates.sandbox", "token_lifetime_seconds = 0"),
            "templates.sandbox.token_lifetime_seconds: 0",
        ),
        (
            add("templates.sandbox", "token_lifetime_seconds = 63072001"),
            "templates.sandbox.token_lifetime_seconds: 63072001",
        ),
        (
            add("templates.sandbox", "secret_path = \"pats/{name}\""),
            "templates.sandbox.secret_path: `pats/{name}` must contain",
        ),
        (
            add("templates.sandbox", "tags = { brickyard = \"x\" }"),
            "templates.sandbox.tags.brickyard: is the tag",
        ),
        (
            swap("[templates.sandbox]", "[templates.Sand_box]"),
            "templates.Sand_box: a name has",
        ),
        (
            add("worker", "renew_seconds = 11"),
            "worker.renew_seconds: 11 is more than a third",
        ),
        (
            add("worker", "observe_fast_seconds = 20"),
            "worker.observe_fast_seconds: 20 is more",
        ),
        (
            add(
                "worker",
                "call_timeout_seconds = 61\nshutdown_grace_seconds = 61",
            ),
            "worker.call_timeout_seconds: 61 is more",
        ),
        (
            add("worker", "shutdown_grace_seconds = 10"),
            "worker.shutdown_grace_seconds: 10 is less",
        ),
        (add("worker", "slots = 0"), "worker.slots: 0"),
        (
            add("sweep", "delete = \"yes\""),
            "sweep.delete: must be true or false, not text",
        ),
        (add("sweep", "every_seconds = 1"), "sweep.every_seconds: 1"),
        (
            add("sweep", "delete_after_seconds = 60"),
            "sweep.delete_after_seconds: 60 is not between 3600",
        ),
        (
            add("sweep", "keep_deleted_seconds = 604800"),
            "sweep.keep_deleted_seconds: 604800 is not between 691200",
        ),
        (
            add("sweep", "keep_operations_seconds = 604800"),
            "sweep.keep_operations_seconds: 604800 is not between 691200",
        ),
    ];
    for (text, expected) in cases {
        let found = one(text);
        assert!(found.starts_with(expected), "{found}\nexpected: {expected}");
    }
    let broken = mistakes(|text| text.replace("[worker]", "[worker"), &[]);
    assert!(broken[0].starts_with("test.toml: line "), "{broken:?}");
}

#[test]
fn all_sections_are_told_together_in_one_block() {
    let text = "instance = \"x\"\n[server]\nlisten = \"x\"\n[database]\nurl = 7\n[accounts.main]\nclient_secret = \"s\"\n\
                [templates.sandbox]\naccount = \"other\"\nregion = \"us-wset\"\nregoin = 1\n[templates.second]\nregion = \"x\"\n";
    let errors = load_text(text, &[("BRICKYARD_WORKER__SLOTS", "many")]).unwrap_err();
    let keys: Vec<&str> = errors.mistakes.iter().map(|m| m.key.as_str()).collect();
    let expected = [
        "accounts.main.account_id",
        "accounts.main.client_id",
        "database.url",
        "instance",
        "server.listen",
        "templates.sandbox.account",
        "templates.sandbox.credentials_id",
        "templates.sandbox.region",
        "templates.sandbox.regoin",
        "templates.sandbox.secret_store",
        "templates.sandbox.storage_configuration_id",
        "templates.second.account",
        "templates.second.credentials_id",
        "templates.second.region",
        "templates.second.secret_store",
        "templates.second.storage_configuration_id",
        "worker.slots",
    ];
    assert_eq!(keys, expected);
    let told = errors.to_string();
    assert!(
        told.starts_with("17 mistakes in the configuration (test.toml)\n"),
        "{told}"
    );
    assert!(told.contains("(from BRICKYARD_WORKER__SLOTS)"), "{told}");
    let column = |key: &str| {
        let line = told.lines().find(|line| line.contains(key)).unwrap();
        line.len()
            - line
                .trim_start()
                .split_once("  ")
                .unwrap()
                .1
                .trim_start()
                .len()
    };
    assert_eq!(
        column("instance "),
        column("templates.second.storage_configuration_id")
    );
}
