//! What a workspace can be made of: the variants of each row of the plan. The walkers walk them, so that a step, a
//! call or a row added tomorrow is covered in all of them.

use super::account::Account;
use super::{Builder, SPEED, TestApp, simulate};
use brickyard::dev;
use brickyard::domain::cloud::{Cloud, ComputeMode};
use brickyard::provisioning::plan;
use brickyard::provisioning::step::{self, Step};
use futures_util::future::join_all;
use serde_json::json;
use simulator::{Call, Inventory};
use std::collections::{BTreeMap, BTreeSet};

/// One way to make a workspace.
#[derive(Debug, Clone, Copy)]
pub struct Variant {
    /// For messages.
    pub name: &'static str,
    /// Its row of the plan.
    pub row: (Cloud, ComputeMode),
    network: Network,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Network {
    /// None is named.
    Unnamed,
    /// Given by id, made by somebody else.
    Given,
    /// Made from a VPC.
    Made,
}

const CLASSIC: (Cloud, ComputeMode) = (Cloud::Aws, ComputeMode::Classic);

/// All of them. The first makes the most calls.
pub const ALL: [Variant; 4] = [
    Variant {
        name: "made network",
        row: CLASSIC,
        network: Network::Made,
    },
    Variant {
        name: "given network",
        row: CLASSIC,
        network: Network::Given,
    },
    Variant {
        name: "Databricks' VPC",
        row: CLASSIC,
        network: Network::Unnamed,
    },
    Variant {
        name: "serverless",
        row: (Cloud::Aws, ComputeMode::Serverless),
        network: Network::Unnamed,
    },
];

/// Name of the network that somebody else has made.
const THEIRS: &str = "theirs";

impl Variant {
    /// Its steps, first to last.
    pub fn steps(&self) -> &'static [&'static dyn Step] {
        plan::steps(self.row.0, self.row.1)
    }

    /// A world with a template of this variant.
    pub async fn start(&self, builder: Builder) -> TestApp {
        let simulator = simulate(SPEED).await;
        let objects = match self.row.1 {
            ComputeMode::Classic => dev::OBJECTS,
            ComputeMode::Serverless => dev::SERVERLESS,
        };
        let network = match self.network {
            Network::Unnamed => String::new(),
            Network::Made => dev::VPC.to_owned(),
            Network::Given => {
                let account = Account::open(&simulator).await;
                let body = json!({
                    "network_name": THEIRS, "vpc_id": "vpc-0123456789abcdef0",
                    "subnet_ids": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
                    "security_group_ids": ["sg-0123456789abcdef0"],
                });
                let made = account.create("networks", body).await;
                format!("network_id = {}", made["network_id"])
            }
        };
        Builder {
            template: format!("{objects}{network}"),
            simulator: Some(simulator),
            ..builder
        }
        .start()
        .await
    }
}

/// What was made in a world and is still there, somebody else's left out.
pub fn left(app: &TestApp) -> Inventory {
    let mut inventory = app.simulator.inventory();
    inventory
        .networks
        .retain(|network| network.name != THEIRS || network.body["vpc_status"] != "UNATTACHED");
    inventory
}

/// What the life of a workspace consists of where nothing goes wrong.
pub struct Life {
    /// The calls that arrive.
    pub calls: BTreeSet<Call>,
    /// How many objects of each kind are made.
    pub made: BTreeMap<String, u64>,
}

impl Life {
    /// Learned from one.
    pub async fn of(variant: &Variant) -> Self {
        let app = variant.start(Builder::default()).await;
        let before = app.simulator.arrivals().len();
        app.ready("model").await;
        app.removed("model").await;
        let arrivals = app.simulator.arrivals();
        let own = arrivals.iter().skip(before);
        let life = Self {
            calls: own.map(|arrival| arrival.call).collect(),
            made: made(&app),
        };
        app.finish().await;
        life
    }
}

/// How many objects of each kind a world has ever seen made. Tokens and secrets may be made again.
pub fn made(app: &TestApp) -> BTreeMap<String, u64> {
    let mut made = app.simulator.inventory().ever_created;
    for repeatable in ["tokens", "secret_versions", "assignments"] {
        made.remove(repeatable);
    }
    made
}

/// The simulator's call behind a call that must not be repeated, and the kind of what it makes.
pub fn behind(call: step::Call) -> (Call, &'static str) {
    match call {
        step::Call::CreateCredentials => (Call::CreateCredentials, "credentials"),
        step::Call::CreateStorage => (Call::CreateStorage, "storage_configurations"),
        step::Call::CreateNetwork => (Call::CreateNetwork, "networks"),
        step::Call::CreateWorkspace => (Call::CreateWorkspace, "workspaces"),
        step::Call::CreateServicePrincipal => (Call::CreateServicePrincipal, "service_principals"),
        step::Call::MintToken => (Call::MintTokenOnBehalf, "tokens"),
    }
}

/// Each call of each life, in the first variant that makes it.
pub async fn calls() -> Vec<(Variant, Call)> {
    let lives = join_all(ALL.iter().map(Life::of)).await;
    let mut seen = BTreeSet::new();
    let cases = ALL.into_iter().zip(lives).flat_map(|(variant, life)| {
        let calls = life.calls.into_iter();
        calls.map(move |call| (variant, call))
    });
    cases.filter(|(_, call)| seen.insert(*call)).collect()
}

/// Each call that must not be repeated, likewise; the workspace's own in every variant, since that is where they
/// differ.
pub async fn unrepeatable() -> Vec<(Variant, step::Call)> {
    let calls = calls().await;
    let others = ALL.into_iter().skip(1);
    let own = others.map(|variant| (variant, Call::CreateWorkspace));
    let permitted = |variant: &Variant, call: Call| {
        let steps = variant.steps().iter();
        let mut all = steps.flat_map(|step| step.calls());
        all.find(|it| behind(**it).0 == call).copied()
    };
    let cases = calls.into_iter().chain(own);
    cases
        .filter_map(|(variant, call)| Some((variant, permitted(&variant, call)?)))
        .collect()
}

/// The simulator's calls behind those of this variant that must not be repeated.
pub fn unrepeatable_of(variant: &Variant) -> Vec<Call> {
    let steps = variant.steps().iter();
    let calls = steps.flat_map(|step| step.calls());
    calls.map(|call| behind(*call).0).collect()
}
