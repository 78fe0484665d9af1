//! `check-config --live`: what the outside says of the configuration, asked by the real binary.

mod azure;
mod platform;

use crate::support::account::Account;
use crate::support::stores::Store;
use crate::support::{SPEED, database, simulate};
use brickyard::dev;
use serde_json::{Value, json};
use simulator::{Fault, FaultKind, Simulator};
use std::process::{Command, Stdio};

/// A world with objects that the template names by id.
struct World {
    simulator: Simulator,
    database: String,
    objects: String,
}

/// What the command printed, and how it ended.
struct Told {
    code: Option<i32>,
    text: String,
}

impl Told {
    /// The verdict and the message of a key.
    fn of(&self, key: &str) -> Vec<(&str, &str)> {
        let lines = self.text.lines().filter_map(|line| {
            let (verdict, rest) = line.trim_start().split_once("  ")?;
            let (found, message) = rest.trim_start().split_once("  ")?;
            (found == key).then_some((verdict, message.trim_start()))
        });
        lines.collect()
    }

    /// The one finding of a key.
    fn one(&self, key: &str) -> (&str, &str) {
        match self.of(key).as_slice() {
            [one] => *one,
            other => panic!("{key}: {other:?} in\n{}", self.text),
        }
    }

    fn failed(&self) -> Vec<&str> {
        let lines = self.text.lines().filter_map(|line| {
            let rest = line.strip_prefix("  fail ")?.trim_start();
            rest.split_once("  ").map(|(key, _)| key)
        });
        lines.collect()
    }
}

impl World {
    async fn new() -> Self {
        let simulator = simulate(SPEED).await;
        let account = Account::open(&simulator).await;
        let role = "arn:aws:iam::111122223333:role/theirs";
        let credentials = json!({"credentials_name": "theirs", "aws_credentials": {"sts_role": {"role_arn": role}}});
        let storage = json!({"storage_configuration_name": "theirs", "root_bucket_info": {"bucket_name": "theirs-root"}});
        let credentials = account.create("credentials", credentials).await;
        let storage = account.create("storage-configurations", storage).await;
        let objects = format!(
            "credentials_id = {}\nstorage_configuration_id = {}",
            credentials["credentials_id"], storage["storage_configuration_id"]
        );
        Self {
            simulator,
            database: database::fresh().await,
            objects,
        }
    }

    fn configuration(&self) -> String {
        dev::configuration(self.simulator.world(), &self.database, &self.objects, "")
    }

    /// Runs the command on a configuration; whatever it prints has no secret.
    async fn check(&self, configuration: &str) -> Told {
        self.check_where(configuration, &[]).await
    }

    /// The same on a platform that sets variables.
    async fn check_where(&self, configuration: &str, platform: &[(&str, &str)]) -> Told {
        let platform: Vec<(String, String)> = platform
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), configuration).expect("it can be written");
        let path = file.path().display().to_string();
        let run = move || {
            Command::new(env!("CARGO_BIN_EXE_brickyard"))
                .args(["check-config", "--live", "--config", &path])
                .env_remove("DATABASE_URL")
                .envs(platform)
                .stdin(Stdio::null())
                .output()
                .expect("it runs")
        };
        let output = tokio::task::spawn_blocking(run).await.expect("it ends");
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        let world = self.simulator.world();
        for secret in [
            &world.client_secret,
            &world.azure.client_secret,
            &world.vault_token,
            &self.database,
        ] {
            assert!(!text.contains(secret.as_str()), "a secret in {text}");
        }
        Told {
            code: output.status.code(),
            text,
        }
    }

    async fn end(self) {
        self.simulator.stop().await;
        database::discard(&self.database).await;
    }
}

fn swap(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from} in {text}");
    text.replace(from, to)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_configuration_passes_and_changes_nothing() {
    let world = World::new().await;
    let before: Value = serde_json::to_value(world.simulator.inventory()).expect("JSON");
    let told = world.check(&world.configuration()).await;
    assert_eq!(told.code, Some(0), "{}", told.text);
    assert_eq!(told.failed(), [""; 0]);
    // The tests' own role may do everything.
    let database: Vec<&str> = told.of("database.url").iter().map(|(v, _)| *v).collect();
    assert_eq!(database, ["pass", "warn"], "{}", told.text);
    for key in [
        "accounts.main",
        "issuers.corp.jwks_url",
        "templates.sandbox.credentials_id",
        "templates.sandbox.storage_configuration_id",
        "templates.sandbox.secret_path",
    ] {
        assert_eq!(told.one(key).0, "pass", "{key}: {}", told.text);
    }
    // Nobody can say yet, and that is not a pass.
    assert_eq!(told.one("templates.sandbox.region").0, "unknown");
    let after: Value = serde_json::to_value(world.simulator.inventory()).expect("JSON");
    assert_eq!(before, after);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_store_is_asked() {
    let world = World::new().await;
    for store in Store::all() {
        let there = store.in_configuration(&world.configuration(), world.simulator.world());
        let told = world.check(&there).await;
        assert_eq!(told.code, Some(0), "{store:?}: {}", told.text);
        // AWS and Azure do not say without a put.
        let verdict = match store {
            Store::Aws | Store::Azure => "unknown",
            _ => "pass",
        };
        let said = told.one("templates.sandbox.secret_path").0;
        assert_eq!(said, verdict, "{store:?}: {}", told.text);
        if let Store::AgeFile(folder) = &store {
            let left = std::fs::read_dir(folder.path()).expect("a directory");
            assert_eq!(left.count(), 0, "it only looks");
        }
    }
    assert!(world.simulator.inventory().secrets.is_empty());
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_work_is_told_by_its_key() {
    let world = World::new().await;
    let good = world.configuration();
    let known = world.simulator.world().clone();
    let nowhere = "http://127.0.0.1:9";
    let id = "00000000-0000-4000-8000-00000000dead";
    let line = |member: &str| {
        let line = world.objects.lines().find(|line| line.starts_with(member));
        line.expect("a line").to_owned()
    };
    let cases = [
        (
            swap(
                &good,
                &line("credentials_id"),
                &format!("credentials_id = \"{id}\""),
            ),
            "templates.sandbox.credentials_id",
            "does not exist",
        ),
        (
            swap(
                &good,
                &line("storage_configuration_id"),
                &format!("storage_configuration_id = \"{id}\""),
            ),
            "templates.sandbox.storage_configuration_id",
            "does not exist",
        ),
        (
            swap(&good, &known.client_secret, "dose-of-somebody-else"),
            "accounts.main.client_secret",
            "Client authentication failed",
        ),
        (
            swap(&good, &known.account_id, id),
            "accounts.main.account_id",
            "",
        ),
        (
            swap(
                &good,
                &format!("account_host = \"{}\"", known.account_host),
                &format!("account_host = \"{nowhere}\""),
            ),
            "accounts.main.account_host",
            "refused",
        ),
        (
            swap(
                &good,
                &format!("address = \"{}\"", known.vault_address),
                &format!("address = \"{nowhere}\""),
            ),
            "stores.main",
            "refused",
        ),
        (
            swap(&good, &known.vault_token, "hvs.another"),
            "templates.sandbox.secret_path",
            "permission denied",
        ),
        (
            swap(
                &good,
                &format!("jwks_url = \"{}\"", known.jwks_uri),
                &format!("jwks_url = \"{nowhere}/jwks\""),
            ),
            "issuers.corp.jwks_url",
            "refused",
        ),
        (
            swap(&good, &format!("jwks_url = \"{}\"", known.jwks_uri), "")
                .replace(&known.issuer, &format!("{}/other", known.issuer)),
            "issuers.corp.issuer",
            "status 404",
        ),
        (
            swap(
                &good,
                &world.database,
                "postgres://nobody@127.0.0.1:9/nothing",
            ),
            "database.url",
            "refused",
        ),
    ];
    for (configuration, key, words) in cases {
        let told = world.check(&configuration).await;
        assert_eq!(told.failed(), [key], "{}", told.text);
        assert_eq!(told.code, Some(1), "{key}");
        assert!(told.one(key).1.contains(words), "{}", told.text);
        if key.starts_with("accounts.") {
            // What could not be asked for is not shown as good.
            assert_eq!(told.one("templates.sandbox").0, "unknown", "{}", told.text);
        }
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_held_back_or_odd() {
    let world = World::new().await;
    let good = world.configuration();
    let from = |fault: Fault| {
        world.simulator.clear_faults();
        world.simulator.fault(fault);
    };

    // A principal that is no account admin.
    from(
        Fault::new(FaultKind::Forbidden)
            .on(simulator::Call::ListWorkspaces)
            .times(0),
    );
    let told = world.check(&good).await;
    assert_eq!(
        (told.failed(), told.code),
        (vec!["accounts.main.client_id"], Some(1))
    );

    // A store that is sealed is no matter of a template's path.
    from(Fault::new(FaultKind::StoreSealed).times(0));
    let told = world.check(&good).await;
    assert_eq!((told.failed(), told.code), (vec!["stores.main"], Some(1)));

    // A throttled call is sent again.
    from(Fault::new(FaultKind::Throttled).times(2));
    let told = world.check(&good).await;
    assert_eq!(
        (told.failed(), told.code),
        (vec![], Some(0)),
        "{}",
        told.text
    );

    // An account that is down while the templates are looked up tells nothing about them.
    from(
        Fault::new(FaultKind::Unavailable)
            .on(simulator::Call::GetCredentials)
            .times(0),
    );
    let told = world.check(&good).await;
    assert_eq!(
        (told.failed(), told.code),
        (vec![], Some(0)),
        "{}",
        told.text
    );
    assert_eq!(told.one("templates.sandbox.credentials_id").0, "unknown");

    world.simulator.clear_faults();
    let odd = swap(&good, "region = \"us-west-2\"", "region = \"us-west-9\"");
    let told = world.check(&odd).await;
    assert_eq!(
        (told.one("templates.sandbox.region").0, told.code),
        ("warn", Some(0))
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_are_told_before_anybody_is_asked() {
    let world = World::new().await;
    let asked = world.simulator.arrivals().len();
    let wrong = swap(
        &world.configuration(),
        "region = \"us-west-2\"",
        "region = \"west\"",
    );
    let told = world.check(&wrong).await;
    assert_eq!(told.code, Some(2));
    assert!(
        told.text.contains("templates.sandbox.region"),
        "{}",
        told.text
    );
    assert_eq!(world.simulator.arrivals().len(), asked);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_is_looked_at_by_its_key() {
    let mut world = World::new().await;
    let objects = world.objects.clone();
    let missing = "00000000-0000-4000-8000-00000000dead";
    world.objects = format!("{objects}\nnetwork_id = \"{missing}\"");
    let told = world.check(&world.configuration()).await;
    assert_eq!(
        told.failed(),
        ["templates.sandbox.network_id"],
        "{}",
        told.text
    );

    // Subnets that are taken, perhaps for a workspace of this template, are no mistake.
    world.objects = format!("{objects}{}", dev::VPC);
    let told = world.check(&world.configuration()).await;
    assert_eq!(told.one("templates.sandbox.subnet_ids").0, "pass");
    let account = Account::open(&world.simulator).await;
    let body = json!({
        "network_name": "theirs", "vpc_id": "vpc-1", "security_group_ids": ["sg-1"],
        "subnet_ids": ["subnet-0a1b2c3d4e5f60718", "subnet-1"],
    });
    account.create("networks", body).await;
    let told = world.check(&world.configuration()).await;
    let (verdict, message) = told.one("templates.sandbox.subnet_ids");
    assert_eq!((verdict, told.code), ("warn", Some(0)), "{}", told.text);
    assert!(
        message.contains("subnet-0a1b2c3d4e5f60718 belongs to"),
        "{message}"
    );
    world.end().await;
}
