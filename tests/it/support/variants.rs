//! What a workspace can be made of: the variants of each row of the plan. The walkers walk them, so that a step, a
//! call or a row added tomorrow is covered in all of them.

use super::account::Account;
use super::mortal::Mortal;
use super::{Builder, SPEED, TestApp, simulate};
use brickyard::dev;
use brickyard::domain::cloud::{Cloud, ComputeMode};
use brickyard::provisioning::plan;
use brickyard::provisioning::step::{self, Kind, Step};
use futures_util::future::join_all;
use serde_json::json;
use simulator::{Call, FaultKind, Inventory};
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
        let objects = change(match self.row.1 {
            ComputeMode::Classic => dev::OBJECTS,
            ComputeMode::Serverless => dev::SERVERLESS,
        });
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
    /// The calls that a create makes, in their order.
    pub there: Vec<Call>,
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
        app.removed("model").await;
        let life = Self {
            there,
            back: since(middle),
            made: made(&app),
        };
        worker.stopped().await;
        app.finish().await;
        life
    }

    /// All its calls.
    pub fn calls(&self) -> BTreeSet<Call> {
        self.there.iter().chain(&self.back).copied().collect()
    }
}

/// A call of the simulator that a call of a step consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wire {
    /// The call.
    pub call: Call,
    /// Which is meant of several: the first after this.
    pub after: Option<Call>,
    /// It is sent before this, or it is another step's.
    pub before: Option<Call>,
}

impl Wire {
    /// Whether it can be struck so: a question to DNS has no status, and what answers 204 has no body to lose.
    pub fn can_meet(&self, fault: FaultKind) -> bool {
        match self.call {
            Call::Dns => matches!(fault, FaultKind::RequestLost | FaultKind::Unavailable),
            Call::StoreMetadataPut | Call::StoreDelete | Call::DeleteServicePrincipal => {
                fault != FaultKind::Truncated
            }
            // The first look finds nothing, and an error is no worse than that.
            Call::GetWorkspace if self.after.is_some() => fault != FaultKind::ErrorAfterActing,
            Call::StoreMetadataGet => fault != FaultKind::ErrorAfterActing,
            _ => true,
        }
    }

    /// Whether it is among these calls.
    pub fn is_in(&self, calls: &[Call]) -> bool {
        let place = |call| calls.iter().position(|it| *it == call);
        let begin = self.after.map_or(Some(0), place);
        let end = self.before.map_or(Some(calls.len()), place);
        begin
            .zip(end)
            .is_some_and(|(begin, end)| begin < end && calls[begin..end].contains(&self.call))
    }
}

/// What a call of a step consists of, outside.
pub fn wires(step: &str, call: step::Call) -> Vec<Wire> {
    use step::Call as C;
    let calls: &[Call] = match call {
        C::Preflight => &[
            Call::AccountToken,
            Call::ListCredentials,
            Call::ListNetworks,
            Call::GetNetwork,
        ],
        C::FindCredentials => &[Call::ListCredentials],
        C::CreateCredentials => &[Call::CreateCredentials],
        C::DeleteCredentials => &[Call::DeleteCredentials],
        C::FindStorage => &[Call::ListStorage],
        C::CreateStorage => &[Call::CreateStorage],
        C::DeleteStorage => &[Call::DeleteStorage],
        C::FindNetwork => &[Call::ListNetworks],
        C::CreateNetwork => &[Call::CreateNetwork],
        C::ReportNetwork => &[Call::GetNetwork],
        C::DeleteNetwork => &[Call::DeleteNetwork],
        C::ListWorkspaces => &[Call::ListWorkspaces],
        C::GetWorkspace => &[Call::GetWorkspace],
        C::CreateWorkspace => &[Call::CreateWorkspace],
        C::DeleteWorkspace => &[Call::DeleteWorkspace],
        C::FindServicePrincipal => &[Call::ListServicePrincipals],
        C::CreateServicePrincipal => &[Call::CreateServicePrincipal],
        C::AssignServicePrincipal => &[Call::AssignPrincipal],
        C::AllowTokens => &[Call::TokenPermissions],
        C::DeleteServicePrincipal => &[Call::DeleteServicePrincipal],
        C::Probe => &[Call::Dns, Call::Discovery, Call::WorkspaceToken, Call::Me],
        C::ListTokens => &[Call::ListTokensAsAdmin],
        C::MintToken => &[Call::MintTokenOnBehalf],
        C::TryToken => &[Call::Me],
        C::RevokeToken => &[Call::RevokeTokenAsAdmin],
        C::CheckStore => &[Call::StoreCapabilities],
        C::ReadMetadata => &[Call::StoreMetadataGet],
        C::PutSecret => &[Call::StorePut],
        C::PutMetadata => &[Call::StoreMetadataPut],
        C::DeleteSecret => &[Call::StoreDelete],
    };
    let (after, before) = match (step, call) {
        ("preflight", _) => (None, Some(Call::CreateWorkspace)),
        (_, C::ReportNetwork) => (Some(Call::CreateWorkspace), None),
        (_, C::TryToken) => (Some(Call::MintTokenOnBehalf), None),
        // Asked first whether there are tokens to revoke, later whether it is gone.
        ("create_workspace", C::GetWorkspace) => (Some(Call::DeleteWorkspace), None),
        (_, C::GetWorkspace) => (None, Some(Call::DeleteWorkspace)),
        _ => (None, None),
    };
    let calls = calls.iter();
    calls
        .map(|&call| Wire {
            call,
            after,
            before,
        })
        .collect()
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
        other => panic!("{} makes nothing", other.as_str()),
    }
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
pub async fn unrepeatable() -> Vec<(Variant, step::Call)> {
    let calls = calls().await;
    let others = ALL.into_iter().skip(1);
    let own = others.map(|variant| (variant, Call::CreateWorkspace));
    let permitted = |variant: &Variant, call: Call| {
        let steps = variant.steps().iter();
        let mut all = steps.flat_map(|step| once(*step));
        all.find(|it| behind(*it).0 == call)
    };
    let cases = calls.into_iter().chain(own);
    cases
        .filter_map(|(variant, call)| Some((variant, permitted(&variant, call)?)))
        .collect()
}

/// The simulator's calls behind those of this variant that must not be repeated.
pub fn unrepeatable_of(variant: &Variant) -> Vec<Call> {
    let steps = variant.steps().iter();
    let calls = steps.flat_map(|step| once(*step));
    calls.map(|call| behind(call).0).collect()
}

/// The calls of a step that must not be repeated.
pub fn once(step: &dyn Step) -> Vec<step::Call> {
    let permitted = |call: &step::Call| matches!(call.kind(), Kind::Create | Kind::Mint);
    step.calls().iter().copied().filter(permitted).collect()
}
