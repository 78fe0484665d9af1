//! `brickyard dev`: the whole product inside the simulator's world, with a throwaway database, on the loopback.
//!
//! It is composed of the same parts as production, through the same configuration; only the numbers are smaller,
//! because the simulated cloud is faster.

mod place;

use crate::app::App;
use crate::cli::Dev;
use crate::config;
use crate::domain::cloud::{Cloud, ComputeMode};
use anyhow::Context;
use place::Place;
use serde_json::{Map, Value, json};
use simulator::postgres::Postgres;
use simulator::{LoginClient, Simulator, World};
use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// The team of the callers of this world.
pub const TEAM: &str = "data-platform";

/// The template of this world.
pub const TEMPLATE: &str = "sandbox";

const BYO_NETWORK: &str = "byo-network";

const SERVERLESS_TEMPLATE: &str = "serverless";

/// The repository whose pipelines may ask for workspaces.
pub const REPOSITORY: &str = "acme/data-platform";

/// Port that is taken if it is free.
const USUAL_PORT: u16 = 8080;

/// How long the tokens of this world last.
const TOKEN_HOURS: i64 = 12;

/// What a template of this world is made of, unless something else is asked for.
pub const OBJECTS: &str = r#"
role_arn = "arn:aws:iam::111122223333:role/databricks-cross-account"
bucket_name = "acme-databricks-root"
keep_failed_seconds = 0
deletion_protection = false
description = "For trying things out: everything is simulated."
parameters.region = { enum = ["us-west-2", "us-east-1", "eu-west-1", "eu-central-1"] }
parameters.token_lifetime_seconds = { minimum = 3600, maximum = 2592000 }
"#;

/// The same without anything in the AWS account.
pub const SERVERLESS: &str = r#"
compute_mode = "serverless"
keep_failed_seconds = 0
deletion_protection = false
"#;

/// [`OBJECTS`] on Azure.
const AZURE_OBJECTS: &str = r#"
resource_group = "workspaces"
force_deletion = true
keep_failed_seconds = 0
deletion_protection = false
description = "For trying things out: everything is simulated."
parameters.token_lifetime_seconds = { minimum = 3600, maximum = 2592000 }
"#;

/// The same without anything in the Azure subscription.
const AZURE_SERVERLESS: &str = r#"
resource_group = "workspaces"
compute_mode = "serverless"
keep_failed_seconds = 0
deletion_protection = false
"#;

/// What a template of this world is made of, on each cloud and in each mode.
pub fn objects(cloud: Cloud, compute_mode: ComputeMode) -> &'static str {
    match (cloud, compute_mode) {
        (Cloud::Aws, ComputeMode::Classic) => OBJECTS,
        (Cloud::Aws, ComputeMode::Serverless) => SERVERLESS,
        (Cloud::Azure, ComputeMode::Classic) => AZURE_OBJECTS,
        (Cloud::Azure, ComputeMode::Serverless) => AZURE_SERVERLESS,
    }
}

/// A network made for each workspace on Azure, as a line for a template.
pub const VNET: &str = "vnet_range = \"10.139.0.0/16\"\n";

/// A network of one's own, as lines for a template.
pub const VPC: &str = r#"
vpc_id = "vpc-0a1b2c3d4e5f60718"
subnet_ids = ["subnet-0a1b2c3d4e5f60718", "subnet-0a1b2c3d4e5f60719"]
security_group_ids = ["sg-0a1b2c3d4e5f60718"]
"#;

/// Lets people log in on the documentation page; a line of this world's issuer.
pub const LOGIN: &str = "docs_client_id = \"brickyard-docs\"\n";

/// The roles of this world's callers, one person each.
const ROLES: [&str; 5] = ["viewer", "requester", "operator", "auditor", "admin"];

/// What the tokens of a role's person say.
fn person(role: &str) -> Value {
    json!({"sub": format!("{role}@example.com"), "groups": [format!("{role}s")]})
}

/// Registers the documentation page at `api` with the issuer, and who may log in there: a person of each role.
pub fn register_login(simulator: &Simulator, api: &str) {
    simulator.register_login(LoginClient {
        client_id: "brickyard-docs".to_owned(),
        redirect_uri: format!("{api}/docs/oauth2-redirect.html"),
        people: ROLES.map(person).to_vec(),
    });
}

/// Runs until `shutdown`.
///
/// # Errors
/// When something of the world cannot be started.
pub async fn run(arguments: &Dev, shutdown: CancellationToken) -> anyhow::Result<()> {
    let (database, _postgres) = match &arguments.database_url {
        Some(url) => (url.clone(), None),
        None => {
            let postgres = Postgres::start().await.context("starting Postgres")?;
            (postgres.url().to_owned(), Some(postgres))
        }
    };
    let settings = simulator::Settings {
        speed: f64::from(arguments.speed),
        ..Default::default()
    };
    let simulator = Simulator::start(settings)
        .await
        .context("starting the simulator")?;
    let (objects, more) = match arguments.cloud {
        Cloud::Aws => (OBJECTS.to_owned(), more_templates()),
        Cloud::Azure => (format!("{AZURE_OBJECTS}{VNET}"), String::new()),
    };
    let more = format!("{LOGIN}{more}");
    let facts = simulator.world();
    let text = configuration_on(arguments.cloud, facts, &database, &objects, &more);
    let mut config = config::parse("brickyard dev", &text, std::iter::empty())?;
    let listener = listen().await?;
    let api = format!("http://{}", listener.local_addr()?);
    register_login(&simulator, &api);
    let now = crate::clock::Clock::system().now().timestamp();
    let token = |role: &str| {
        let mut claims = person(role);
        claims["iat"] = now.into();
        claims["exp"] = (now + TOKEN_HOURS * 3600).into();
        simulator.mint_jwt(claims)
    };
    config.server.docs_token = Some(token("operator").into());
    let mut app = App::new(config)?;
    quicken(&mut app, f64::from(arguments.speed));
    app.await_database(&shutdown).await;
    crate::store::schema::migrate(&app.db)
        .await
        .context("migrating the database")?;
    let facts = json!({
        "api": api,
        "docs": format!("{api}/docs"),
        "openapi": format!("{api}/openapi.json"),
        "database": database,
        "cloud": arguments.cloud.as_str(),
        "team": TEAM,
        "template": TEMPLATE,
        "more_templates": match arguments.cloud {
            Cloud::Aws => [BYO_NETWORK, SERVERLESS_TEMPLATE].as_slice(),
            Cloud::Azure => &[],
        },
        "tokens": ROLES.map(|role| (role.to_owned(), token(role).into())).into_iter().collect::<Map<_, _>>(),
        "simulator": world(simulator.world())?,
    });
    let serving = app.serve(listener, shutdown.clone());
    let working = app.work(shutdown.clone());
    let telling = async {
        let mut out = std::io::stdout().lock();
        if arguments.json {
            writeln!(out, "{facts}")
        } else {
            out.write_all(block(&facts, arguments.speed).as_bytes())
        }?;
        out.flush()
    };
    let (served, (), told) = tokio::join!(serving, working, telling);
    told.context("printing the addresses")?;
    simulator.stop().await;
    served
}

/// The configuration of this world, with workspaces on AWS. `objects` are lines of the template `sandbox`; `more` is
/// appended, to the issuer if it begins with lines of one.
pub fn configuration(world: &World, database_url: &str, objects: &str, more: &str) -> String {
    configuration_on(Cloud::Aws, world, database_url, objects, more)
}

/// The same with workspaces on some cloud, and the secret store that goes with it.
pub fn configuration_on(
    cloud: Cloud,
    world: &World,
    database_url: &str,
    objects: &str,
    more: &str,
) -> String {
    let place = Place::on(cloud, world);
    format!(
        r#"instance = "dev"

[server]
listen = "127.0.0.1:0"

[database]
url = "{database_url}"

[outbound]
dns_servers = ["{dns}"]
allow_plain_http = true
{outbound}

[accounts.main]
{account}

[stores.main]
{store}

[templates.{TEMPLATE}]
account = "main"
region = "{region}"
secret_store = "main"
secret_path = "databricks/{{team}}/{{name}}"
{objects}

[issuers.corp]
issuer = "{issuer}"
audience = "{audience}"
jwks_url = "{jwks}"
rules = [
    {{ claims = {{ groups = "viewers" }}, team = "{TEAM}", role = "viewer" }},
    {{ claims = {{ groups = "requesters" }}, team = "{TEAM}", role = "requester" }},
    {{ claims = {{ groups = "operators" }}, team = "{TEAM}", role = "operator" }},
    {{ claims = {{ groups = "auditors" }}, role = "auditor" }},
    {{ claims = {{ groups = "admins" }}, role = "admin" }},
    {{ claims = {{ repository = "{REPOSITORY}", ref = "refs/heads/main" }}, team = "{TEAM}", role = "requester" }},
    {{ claims = {{ groups = "other-requesters" }}, team = "other-team", role = "requester" }},
]

{more}
"#,
        dns = world.dns,
        outbound = place.outbound,
        account = place.account,
        store = place.store,
        region = place.region,
        issuer = world.issuer,
        audience = world.audience,
        jwks = world.jwks_uri,
    )
}

/// What else can be asked for in this world: a network of one's own, and nothing at all.
fn more_templates() -> String {
    let head = "account = \"main\"\nregion = \"us-west-2\"\nsecret_store = \"main\"";
    format!(
        "[templates.{BYO_NETWORK}]\n{head}\n{OBJECTS}{VPC}\n[templates.{SERVERLESS_TEMPLATE}]\n{head}\n{SERVERLESS}"
    )
}

/// What takes the vendor minutes takes this world seconds: looks and ticks shrink with it.
fn quicken(app: &mut App, speed: f64) {
    let shrink = |duration: Duration| {
        duration
            .div_f64(speed.max(1.0))
            .max(Duration::from_millis(100))
    };
    app.drain = Duration::ZERO;
    let p = &mut app.provisioning;
    p.observe_fast = shrink(p.observe_fast).max(Duration::from_millis(250));
    p.observe_slow = shrink(p.observe_slow).max(Duration::from_millis(250));
    p.observe_fast_after = shrink(p.observe_fast_after);
    p.look_gap = shrink(p.look_gap);
    p.settle = p.settle.div_f64(speed.clamp(1.0, 20.0));
}

/// The usual port if it is free, else any.
async fn listen() -> anyhow::Result<TcpListener> {
    let on = |port| TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], port)));
    match on(USUAL_PORT).await {
        Ok(listener) => Ok(listener),
        Err(_) => on(0).await.context("listening on the loopback"),
    }
}

/// The simulator's own facts, with the address of its admin routes.
fn world(world: &World) -> anyhow::Result<Value> {
    let mut facts = serde_json::to_value(world)?;
    facts["admin"] = format!("{}/_simulator", world.account_host).into();
    Ok(facts)
}

/// The same facts for people.
fn block(facts: &Value, speed: u32) -> String {
    let text = |pointer: &str| {
        facts
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    format!(
        r#"
Brickyard is up, in a simulated world that runs {speed} times as fast. Ctrl-C stops all of it.

  API          {api}
  Swagger UI   {docs}   (already authorised)
  database     {database}
  secrets      {secrets}
  simulator    {admin}/faults/catalogue

export BRICKYARD_URL={api}
export BRICKYARD_TOKEN={token}

Try, in another terminal with the two lines above:

  curl -sS "$BRICKYARD_URL/workspaces" -H "Authorization: Bearer $BRICKYARD_TOKEN" \
       -H 'Content-Type: application/json' -d '{{"name": "my-first", "template": "{TEMPLATE}"}}'
  curl -sS "$BRICKYARD_URL/workspaces/my-first" -H "Authorization: Bearer $BRICKYARD_TOKEN"
  curl -sS "$BRICKYARD_URL/workspaces/my-first/tokens" -H "Authorization: Bearer $BRICKYARD_TOKEN"

{more}
"#,
        more = match text("/cloud") {
            "azure" => String::new(),
            _ => format!(
                "More templates: {BYO_NETWORK} (a VPC of your own; one workspace at a time) and {SERVERLESS_TEMPLATE} \
                 (nothing in AWS).\n"
            ),
        },
        api = text("/api"),
        docs = text("/docs"),
        database = text("/database"),
        secrets = match text("/cloud") {
            "azure" => format!("{}   (Azure Key Vault)", text("/simulator/azure/vault_url")),
            _ => format!(
                "{}   (Vault KV v2, token {})",
                text("/simulator/vault_address"),
                text("/simulator/vault_token")
            ),
        },
        admin = text("/simulator/admin"),
        token = text("/tokens/operator"),
    )
}
