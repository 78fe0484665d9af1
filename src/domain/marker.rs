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

impl MarkerKind {
    /// Every kind.
    const ALL: [Self; 6] = [
        Self::Credentials,
        Self::Storage,
        Self::Network,
        Self::Workspace,
        Self::ServicePrincipal,
        Self::Token,
    ];

    /// As it stands in markers, and in the table of orphans.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Credentials => "credentials",
            Self::Storage => "storage",
            Self::Network => "network",
            Self::Workspace => "workspace",
            Self::ServicePrincipal => "principal",
            Self::Token => "token",
        }
    }
}

/// Name of the upstream tag that carries a workspace's marker.
pub const WORKSPACE_TAG: &str = "brickyard";

/// The marker of one thing of one workspace. `generation` counts from 1 and rises when the thing is replaced.
pub fn marker(instance: &str, workspace: WorkspaceId, kind: MarkerKind, generation: u32) -> String {
    format!("{instance}-{workspace}-{}-{generation}", kind.as_str())
}

/// The workspace that a marker of this instance and kind names. Anything else is not ours: a marker of another
/// instance (one whose name begins like ours too), of another kind, or words that only look like one.
pub fn marked(instance: &str, kind: MarkerKind, text: &str) -> Option<WorkspaceId> {
    let rest = text.strip_prefix(instance)?.strip_prefix('-')?;
    let (workspace, rest) = rest.split_once('-')?;
    let (found, generation) = rest.split_once('-')?;
    let id = workspace.parse().ok()?;
    let generation = generation.parse().ok()?;
    // The text must be the one that we would write.
    let same = MarkerKind::ALL.iter().find(|it| it.as_str() == found) == Some(&kind)
        && marker(instance, id, kind, generation) == text;
    same.then_some(id)
}

/// The name a workspace gets upstream: our name and the last 8 characters of our id, because tags may appear
/// late and upstream names need not be unique.
pub fn upstream_name(name: &str, workspace: WorkspaceId) -> String {
    let id = workspace.to_string();
    format!("{name}-{}", &id[id.len() - 8..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_markers_are_read() {
        let id = WorkspaceId::new();
        for kind in MarkerKind::ALL {
            for instance in ["dev", "dev-east"] {
                let text = marker(instance, id, kind, 7);
                assert_eq!(marked(instance, kind, &text), Some(id));
                for other in ["de", "dev-", "prod", "dev-east-2"] {
                    assert_eq!(marked(other, kind, &text), None, "{other}: {text}");
                }
            }
            let text = marker("dev", id, kind, 1);
            assert_eq!(marked("dev-east", kind, &text), None);
            for other in MarkerKind::ALL.into_iter().filter(|it| *it != kind) {
                assert_eq!(marked("dev", other, &text), None, "{text}");
            }
        }
        let east = marker("dev-east", id, MarkerKind::Token, 1);
        assert_eq!(marked("dev", MarkerKind::Token, &east), None);
        for text in [
            String::new(),
            format!("dev-{id}"),
            format!("dev-{id}-token"),
            format!("dev-{id}-token-"),
            format!("dev-{id}-token-01"),
            format!("dev-{id}-token-+1"),
            format!("dev-{id}-token-1-copy"),
            format!("dev{id}-token-1"),
            format!(" dev-{id}-token-1"),
            "dev-ws_-token-1".to_owned(),
            "dev-ws_zzzzzzzzzzzzzzzzzzzzzzzzzz-token-1".to_owned(),
        ] {
            assert_eq!(marked("dev", MarkerKind::Token, &text), None, "{text}");
        }
    }
}
