//! The image and the tour, as far as they can be checked without an engine of containers.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use brickyard::cloud;
use brickyard::config::{self, Config};
use brickyard::secrets::{self, vault};
use secrecy::ExposeSecret;
use simulator::Simulator;
use std::collections::BTreeSet;

fn file(path: &str) -> String {
    let path = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn tour() -> Config {
    let variable = "BRICKYARD_DATABASE__URL".to_owned();
    let url = "postgres://brickyard:tour-only@postgres/brickyard".to_owned();
    config::parse(
        "the tour",
        &file("docker/brickyard.toml"),
        [(variable, url)].into_iter(),
    )
    .unwrap_or_else(|errors| panic!("{errors}"))
}

/// What stands behind an option in the command of a service.
fn option<'a>(compose: &'a str, name: &str) -> &'a str {
    let (_, rest) = compose
        .split_once(&format!("\"{name}\", \""))
        .expect("the option");
    rest.split('"').next().expect("its value")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tours_configuration_fits_its_world() {
    let (config, compose) = (tour(), file("docker-compose.yml"));
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
    // The same seed as the simulator's of the tour: its default.
    let simulator = Simulator::start(simulator::Settings::default())
        .await
        .expect("it starts");
    let world = simulator.world();
    let cloud::Settings::Aws(account) = &config.accounts["main"] else {
        panic!("the tour is on AWS");
    };
    assert_eq!(account.account_id, world.account_id);
    assert_eq!(account.client_id, world.client_id);
    assert_eq!(account.client_secret.expose_secret(), world.client_secret);
    assert_eq!(config.issuers[0].audience, world.audience);
    let (listen, dns) = (option(&compose, "--listen"), option(&compose, "--dns"));
    assert_eq!(account.account_host, format!("http://{listen}"));
    assert_eq!(config.issuers[0].issuer, format!("http://{listen}/issuer"));
    assert_eq!(
        config.outbound.dns_servers,
        [dns.parse().expect("an address")]
    );
    let theirs = world
        .workspace_url_template
        .rsplit_once(':')
        .expect("a port")
        .0;
    let port = listen.rsplit(':').next().expect("a port");
    assert_eq!(
        account.workspace_url_template,
        Some(format!("{theirs}:{port}"))
    );
    simulator.stop().await;
    let secrets::Settings::Vault(vault::Settings {
        address,
        auth: vault::Auth::Token(token),
        ..
    }) = &config.stores["main"]
    else {
        panic!("the tour's store is OpenBao");
    };
    for (option, value) in [
        (
            "-dev-listen-address=",
            address.trim_start_matches("http://"),
        ),
        ("-dev-root-token-id=", token.expose_secret()),
    ] {
        assert!(
            compose.contains(&format!("{option}{value}\n")),
            "{option}{value}"
        );
    }
}

/// What curl sends with several `-d` is a form: the issuer has to make claims of it.
#[tokio::test(flavor = "multi_thread")]
async fn the_tours_first_call_gets_an_operators_token() {
    let compose = file("docker-compose.yml");
    let (_, rest) = compose.split_once("/issuer/token").expect("the call");
    let (call, _) = rest.split_once(" | ").expect("its end");
    let fields: Vec<_> = call
        .split("-d ")
        .skip(1)
        .map(|field| field.trim().trim_matches('\''))
        .collect();
    let simulator = Simulator::start(simulator::Settings::default())
        .await
        .expect("it starts");
    let answer = reqwest::Client::new()
        .post(format!("{}/token", simulator.world().issuer))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(fields.join("&"))
        .send()
        .await
        .expect("an answer");
    let answer: serde_json::Value = answer.json().await.expect("JSON");
    let token = answer["access_token"].as_str().expect("a token");
    let claims = token.split('.').nth(1).expect("claims");
    let claims = URL_SAFE_NO_PAD.decode(claims).expect("base64url");
    let claims: serde_json::Value = serde_json::from_slice(&claims).expect("JSON");
    assert_eq!(claims["sub"], "operator@example.com");
    assert_eq!(claims["groups"], serde_json::json!(["operators"]));
    simulator.stop().await;
}

#[test]
fn the_image_has_every_feature_but_the_simulated_world() {
    let manifest = file("Cargo.toml");
    let list = |line: &str| -> BTreeSet<String> {
        let words = line.split(['"', ',', ' ']).filter(|word| !word.is_empty());
        words.map(str::to_owned).collect()
    };
    let defaults = manifest
        .lines()
        .find_map(|line| line.strip_prefix("default = ["));
    let mut wanted = list(defaults.expect("default features").trim_end_matches(']'));
    assert!(wanted.remove("dev"), "the simulated world is a feature");
    let dockerfile = file("Dockerfile");
    let built = dockerfile
        .lines()
        .find_map(|line| line.strip_prefix("ARG FEATURES="));
    assert_eq!(list(built.expect("features")), wanted);
}

#[test]
fn lint_looks_at_what_the_image_is_built_of() {
    let (dockerfile, makefile) = (file("Dockerfile"), file("Makefile"));
    let built = dockerfile
        .lines()
        .find_map(|line| line.strip_prefix("ARG FEATURES="))
        .expect("features");
    let mut lines = makefile.lines();
    let linted = lines
        .find_map(|line| line.trim().strip_prefix("for features in "))
        .expect("sets of features");
    let mut linted = linted.trim_end_matches("; do \\").split(' ');
    let built = built.trim_matches('"');
    assert!(linted.any(|set| set.trim_matches('"') == built), "{built}");
}

#[test]
fn the_build_gets_what_it_reads_and_nothing_else() {
    let ignored = file(".dockerignore");
    let sent: BTreeSet<&str> = ignored
        .lines()
        .filter_map(|line| line.strip_prefix('!'))
        .collect();
    let wanted = [
        "Cargo.toml",
        "Cargo.lock",
        ".sqlx",
        "migrations",
        "src",
        "simulator",
    ];
    assert_eq!(sent, wanted.into());
    assert!(ignored.lines().any(|line| line == "*"));
}
