//! What a workspace can be made of, and where its token goes: the variants of each row of the plan. The walkers walk
//! them, so that a step, a call, a row or a store added tomorrow is covered in all of them.

pub use super::outside::{Wire, behind, outside, sent, wires};

use super::account::Account;
use super::mortal::Mortal;
use super::stores::Store;
use super::{Builder, SPEED, TestApp, calm, simulate};
use brickyard::dev;
use brickyard::domain::cloud::{Cloud, ComputeMode};
use brickyard::provisioning::plan;
use brickyard::provisioning::step::{self, Kind, Step};
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
    /// Where its token goes.
    pub store: &'static Store,
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
const ON_AZURE: (Cloud, ComputeMode) = (Cloud::Azure, ComputeMode::Classic);

/// All of them. The first makes the most calls.
pub const ALL: [Variant; 8] = [
    Variant {
        name: "made network",
        row: CLASSIC,
        network: Network::Made,
        store: &Store::Vault,
    },
    Variant {
        name: "given network",
        row: CLASSIC,
        network: Network::Given,
        store: &Store::Aws,
    },
    Variant {
        name: "Databricks' VPC",
        row: CLASSIC,
        network: Network::Unnamed,
        store: &Store::Vault,
    },
    Variant {
        name: "serverless",
        row: (Cloud::Aws, ComputeMode::Serverless),
        network: Network::Unnamed,
        store: &Store::Vault,
    },
    Variant {
        name: "Azure, made network",
        row: ON_AZURE,
        network: Network::Made,
        store: &Store::Azure,
    },
    Variant {
        name: "Azure, given subnets",
        row: ON_AZURE,
        network: Network::Given,
        store: &Store::Azure,
    },
    Variant {
        name: "Azure, Databricks' network",
        row: ON_AZURE,
        network: Network::Unnamed,
        store: &Store::Azure,
    },
    Variant {
        name: "Azure, serverless",
        row: (Cloud::Azure, ComputeMode::Serverless),
        network: Network::Unnamed,
        store: &Store::Azure,
    },
];

/// Name of the network that somebody else has made.
const THEIRS: &str = "theirs";

impl Variant {
    /// Its steps, first to last.
    pub fn steps(&self) -> &'static [&'static dyn Step] {
        plan::steps(self.row.0, self.row.1)
    }

    /// These, and those of an update.
    pub fn all_steps(&self) -> impl Iterator<Item = &'static dyn Step> {
        self.steps().iter().chain(plan::UPDATE).copied()
    }

    /// The same, with its token in another store.
    pub fn delivering_to(self, store: &'static Store) -> Self {
        Self { store, ..self }
    }

    /// A world with a template of this variant.
    pub async fn start(&self, builder: Builder) -> TestApp {
        self.start_with(builder, str::to_owned).await
    }

    /// The same, where what fails is kept until it is retried or removed.
    pub async fn start_keeping(&self, builder: Builder) -> TestApp {
        self.start_with(builder, |objects| {
            objects.replace("keep_failed_seconds = 0", "keep_failed_seconds = 86400")
        })
        .await
    }

    async fn start_with(&self, builder: Builder, change: fn(&str) -> String) -> TestApp {
        let simulator = simulate(SPEED).await;
        calm(&simulator);
        let objects = change(dev::objects(self.row.0, self.row.1));
        // Once as Azure does it by default: it keeps something.
        let objects = match self.network {
            Network::Unnamed => objects.replace("force_deletion = true", ""),
            _ => objects,
        };
        let network = match (self.row.0, self.network) {
            (_, Network::Unnamed) => String::new(),
            (Cloud::Aws, Network::Made) => dev::VPC.to_owned(),
            (Cloud::Azure, Network::Made) => dev::VNET.to_owned(),
            (Cloud::Aws, Network::Given) => {
                let account = Account::open(&simulator).await;
                let body = json!({
                    "network_name": THEIRS, "vpc_id": "vpc-0123456789abcdef0",
                    "subnet_ids": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
                    "security_group_ids": ["sg-0123456789abcdef0"],
                });
                let made = account.create("networks", body).await;
                format!("network_id = {}", made["network_id"])
            }
            (Cloud::Azure, Network::Given) => {
                let azure = &simulator.world().azure;
                format!(
                    "vnet_id = {:?}\npublic_subnet = {:?}\nprivate_subnet = {:?}\n",
                    azure.vnet_id, azure.public_subnet, azure.private_subnet
                )
            }
        };
        Builder {
            template: format!("{objects}{network}"),
            simulator: Some(simulator),
            cloud: self.row.0,
            store: self.store.clone(),
            ..builder
        }
        .start()
        .await
    }
}

/// What was made in a world and is still there, somebody else's left out.
pub fn left(app: &TestApp) -> Inventory {
    let mut inventory = app.simulator.inventory();
    if app.cloud == Cloud::Azure && !app.template.contains("force_deletion = true") {
        // Unity Catalog's storage, which the removal tells of.
        inventory.resource_groups.clear();
    }
    inventory
        .networks
        .retain(|network| network.name != THEIRS || network.body["vpc_status"] != "UNATTACHED");
    inventory
}

/// What the life of a workspace consists of where nothing goes wrong.
pub struct Life {
    /// The calls that a create makes, in their order.
    pub there: Vec<Call>,
    /// The calls that an update makes, likewise.
    pub changed: Vec<Call>,
    /// The calls that a removal makes, likewise.
    pub back: Vec<Call>,
    /// How many objects of each kind are made.
    pub made: BTreeMap<String, u64>,
}

/// Sent by those who ask the API, and by the observer that the API does not wait for.
const CALLERS: [Call; 3] = [Call::Jwks, Call::IssuerDiscovery, Call::IssuerToken];

impl Life {
    /// Learned from one, with a worker that knows nothing yet.
    pub async fn of(variant: &Variant) -> Self {
        let builder = Builder {
            workers: 0,
            ..Builder::default()
        };
        let app = variant.start(builder).await;
        let since = |from: usize| -> Vec<Call> {
            let arrivals = app.simulator.arrivals();
            let calls = arrivals.iter().skip(from).map(|arrival| arrival.call);
            calls.filter(|call| !CALLERS.contains(call)).collect()
        };
        let begin = app.simulator.arrivals().len();
        let worker = Mortal::start(&app);
        app.ready("model").await;
        let there = since(begin);
        let middle = app.simulator.arrivals().len();
        app.tagged("model").await;
        let changed = since(middle);
        let middle = app.simulator.arrivals().len();
        app.removed("model").await;
        let life = Self {
            there,
            changed,
            back: since(middle),
            made: made(&app),
        };
        worker.stopped().await;
        app.finish().await;
        life
    }

    /// The calls of its parts.
    pub fn ways(&self) -> [&[Call]; 3] {
        [&self.there, &self.changed, &self.back]
    }

    /// All its calls.
    pub fn calls(&self) -> BTreeSet<Call> {
        self.ways().into_iter().flatten().copied().collect()
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

/// Each call of each life, in the first variant that makes it.
pub async fn calls() -> Vec<(Variant, Call)> {
    let lives = join_all(ALL.iter().map(Life::of)).await;
    let mut seen = BTreeSet::new();
    let cases = ALL.into_iter().zip(lives).flat_map(|(variant, life)| {
        let calls = life.calls().into_iter();
        calls.map(move |call| (variant, call))
    });
    cases.filter(|(_, call)| seen.insert(*call)).collect()
}

/// Each call that must not be repeated, likewise; the workspace's own in every variant, since that is where they
/// differ.
pub async fn unrepeatable() -> Vec<(Variant, Call)> {
    let is_one = |(variant, call): &(Variant, Call)| unrepeatable_of(variant).contains(call);
    let first: Vec<_> = calls().await.into_iter().filter(is_one).collect();
    let own = ALL.into_iter().map(|variant| {
        let behind = behind(variant.row.0, step::Call::CreateWorkspace);
        (variant, behind[0].0)
    });
    let more = own.filter(|(variant, call)| {
        let known = |it: &&(Variant, Call)| (it.0.name, it.1) == (variant.name, *call);
        first.iter().find(known).is_none()
    });
    first.iter().copied().chain(more).collect()
}

/// The simulator's calls behind those of this variant that must not be repeated.
pub fn unrepeatable_of(variant: &Variant) -> Vec<Call> {
    let steps = variant.steps().iter();
    let calls = steps.flat_map(|step| once(*step));
    let behind = calls.flat_map(|call| behind(variant.row.0, call));
    behind.map(|(call, _)| *call).collect()
}

/// The calls of a step that must not be repeated.
pub fn once(step: &dyn Step) -> Vec<step::Call> {
    let permitted = |call: &step::Call| matches!(call.kind(), Kind::Create | Kind::Mint);
    step.calls().iter().copied().filter(permitted).collect()
}
