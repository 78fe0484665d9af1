//! Azure: workspaces by Resource Manager, tokens of Entra ID, secrets in Key Vault; through the API, and against a
//! simulated Azure that refuses what Azure would.

mod identity;
mod life;
mod replacement;
mod trouble;

use crate::support::stores::Store;
use crate::support::{Builder, SPEED, TestApp, calm, simulate};
use brickyard::dev;
use brickyard::domain::cloud::{Cloud, ComputeMode};
use simulator::{Call, Simulator};

/// A simulated Azure that does not have us wait for real seconds.
async fn azure() -> Simulator {
    let simulator = simulate(SPEED).await;
    calm(&simulator);
    simulator
}

/// A world with workspaces on Azure, their secrets in Key Vault. `more` are lines of the template.
async fn start(compute_mode: ComputeMode, more: &str) -> TestApp {
    builder(azure().await, compute_mode, more).start().await
}

/// The same in a world that exists.
fn builder(simulator: Simulator, compute_mode: ComputeMode, more: &str) -> Builder {
    Builder {
        cloud: Cloud::Azure,
        simulator: Some(simulator),
        store: Store::Azure,
        template: format!("{}{more}", dev::objects(Cloud::Azure, compute_mode)),
        ..Builder::default()
    }
}

fn arrived(app: &TestApp, call: Call) -> usize {
    let arrivals = app.simulator.arrivals();
    arrivals.iter().filter(|it| it.call == call).count()
}
