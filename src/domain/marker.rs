//! Markers: `<instance>-<workspace id>-<kind>-<generation>`, the value on an outside object by which we know it
//! as ours. Deterministic, so that an object whose creation was never answered can be found again.

use super::id::WorkspaceId;

/// Kinds of marked things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkerKind {
    /// Credentials configuration (its name).
    Credentials,
    /// Storage configuration (its name).
    Storage,
    /// Network configuration (its name).
    Network,
    /// Workspace (a tag).
    Workspace,
    /// Service principal (its display name).
    ServicePrincipal,
    /// PAT (its comment).
    Token,
}

/// Name of the upstream tag that carries a workspace's marker.
pub const WORKSPACE_TAG: &str = "brickyard";

/// The marker of one thing of one workspace. `generation` counts from 1 and rises when the thing is replaced.
pub fn marker(instance: &str, workspace: WorkspaceId, kind: MarkerKind, generation: u32) -> String {
    let kind = match kind {
        MarkerKind::Credentials => "credentials",
        MarkerKind::Storage => "storage",
        MarkerKind::Network => "network",
        MarkerKind::Workspace => "workspace",
        MarkerKind::ServicePrincipal => "principal",
        MarkerKind::Token => "token",
    };
    format!("{instance}-{workspace}-{kind}-{generation}")
}

/// The name a workspace gets upstream: our name and the last 8 characters of our id, because tags may appear
/// late and upstream names need not be unique.
pub fn upstream_name(name: &str, workspace: WorkspaceId) -> String {
    let id = workspace.to_string();
    format!("{name}-{}", &id[id.len() - 8..])
}
