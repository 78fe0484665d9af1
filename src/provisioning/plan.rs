//! The plan: which steps, in which order. One function, one table; deleting is the same table read backwards.

use super::step::Step;
use super::steps::{
    AwaitReachable, AwaitRunning, CreateCredentials, CreateNetwork, CreateServicePrincipal,
    CreateStorage, CreateWorkspace, DeliverToken, Preflight, UpdateWorkspace,
};
use crate::domain::cloud::{Cloud, ComputeMode};

/// The steps that make a workspace, first to last. Undone in the opposite order.
pub fn steps(cloud: Cloud, compute_mode: ComputeMode) -> &'static [&'static dyn Step] {
    match (cloud, compute_mode) {
        (Cloud::Aws, ComputeMode::Classic) => &[
            &Preflight,
            &CreateCredentials,
            &CreateStorage,
            &CreateNetwork,
            &CreateWorkspace,
            &AwaitRunning,
            &AwaitReachable,
            &CreateServicePrincipal,
            &DeliverToken,
        ],
        (Cloud::Aws, ComputeMode::Serverless) => &[
            &Preflight,
            &CreateWorkspace,
            &AwaitRunning,
            &AwaitReachable,
            &CreateServicePrincipal,
            &DeliverToken,
        ],
        (Cloud::Azure, ComputeMode::Classic) => &[
            &Preflight,
            &CreateNetwork,
            &CreateWorkspace,
            &AwaitRunning,
            &AwaitReachable,
            &DeliverToken,
        ],
        (Cloud::Azure, ComputeMode::Serverless) => &[
            &Preflight,
            &CreateWorkspace,
            &AwaitRunning,
            &AwaitReachable,
            &DeliverToken,
        ],
    }
}

/// The steps that change one that is there: what can be changed is the same everywhere.
pub const UPDATE: &[&dyn Step] = &[&UpdateWorkspace];

/// Every row of the table: what tests walk.
pub const ROWS: &[(Cloud, ComputeMode)] = &[
    (Cloud::Aws, ComputeMode::Classic),
    (Cloud::Aws, ComputeMode::Serverless),
    (Cloud::Azure, ComputeMode::Classic),
    (Cloud::Azure, ComputeMode::Serverless),
];

/// The step of that name, if this version knows it.
pub fn find(name: &str) -> Option<&'static dyn Step> {
    ROWS.iter()
        .flat_map(|&(cloud, compute_mode)| steps(cloud, compute_mode))
        .chain(UPDATE)
        .copied()
        .find(|step| step.name() == name)
}

/// The index of the step to begin again with when the one at this position has failed: itself, or the earlier one whose
/// work it watched.
pub fn again_from(plan: &[String], position: usize) -> usize {
    let named = plan.get(position).and_then(|name| find(name));
    named
        .map(|step| step.retried_from())
        .and_then(|from| plan.iter().position(|name| name == from))
        .unwrap_or(position)
        .min(position)
}
