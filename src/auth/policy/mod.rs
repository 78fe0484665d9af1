//! Who may do what: five roles, one table, deny by default. Another team's things do not exist.
//! Pure: it knows roles, grants and actions, and neither routes nor the database.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The five roles.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Deserialize,
    Serialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads its team's things.
    Viewer,
    /// Reads and creates in its team; changes and deletes what it owns.
    Requester,
    /// Does everything in its team.
    Operator,
    /// Reads everything of all teams.
    Auditor,
    /// Does everything in all teams.
    Admin,
}

impl Role {
    /// Its name in configuration, answers and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Requester => "requester",
            Self::Operator => "operator",
            Self::Auditor => "auditor",
            Self::Admin => "admin",
        }
    }

    /// Whether it is held for all teams; the others are held for one.
    pub fn is_for_all_teams(self) -> bool {
        matches!(self, Self::Auditor | Self::Admin)
    }
}

/// A role held.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grant {
    /// The role.
    pub role: Role,
    /// The team; `None` for all teams, which only auditors and admins have.
    pub team: Option<String>,
}

impl Grant {
    /// Whether it says anything about `team`. A grant whose scope does not fit its role says nothing at all.
    fn covers(&self, team: &str) -> bool {
        match &self.team {
            None => self.role.is_for_all_teams(),
            Some(own) => !self.role.is_for_all_teams() && own == team,
        }
    }

    fn is_well_formed(&self) -> bool {
        self.role.is_for_all_teams() == self.team.is_none()
    }
}

/// Who is asking, from a verified token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// `oidc:<issuer's configured name>:<sub>`; what things are owned by and audited under.
    pub id: String,
    /// The issuer's configured name.
    pub issuer: String,
    /// `sub`.
    pub subject: String,
    /// Roles held.
    pub grants: Vec<Grant>,
    /// End of the token, seconds since the epoch.
    pub expires_at: i64,
}

/// Everything that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// See who one is here, and why. Needs a good token and no role.
    ReadOneself,
    /// See templates.
    ReadTemplates,
    /// List workspaces; the list holds visible teams only.
    ListWorkspaces,
    /// Read one workspace and its events.
    ReadWorkspace,
    /// Read and list operations.
    ReadOperations,
    /// Read where tokens lie; values are never shown to anyone.
    ReadTokens,
    /// Ask for a workspace.
    CreateWorkspace,
    /// Change a workspace.
    UpdateWorkspace,
    /// Delete a workspace.
    DeleteWorkspace,
    /// Repair, retry or cancel work on a workspace.
    RepairWorkspace,
}

impl Action {
    /// Every action, for tables and tests.
    pub const ALL: [Self; 10] = [
        Self::ReadOneself,
        Self::ReadTemplates,
        Self::ListWorkspaces,
        Self::ReadWorkspace,
        Self::ReadOperations,
        Self::ReadTokens,
        Self::CreateWorkspace,
        Self::UpdateWorkspace,
        Self::DeleteWorkspace,
        Self::RepairWorkspace,
    ];

    fn kind(self) -> Kind {
        match self {
            Self::ReadOneself => Kind::Oneself,
            Self::ReadTemplates
            | Self::ListWorkspaces
            | Self::ReadWorkspace
            | Self::ReadOperations
            | Self::ReadTokens => Kind::Read,
            Self::CreateWorkspace => Kind::Create,
            Self::UpdateWorkspace | Self::DeleteWorkspace | Self::RepairWorkspace => Kind::Change,
        }
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Oneself,
    Read,
    Create,
    Change,
}

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Go on.
    Allow,
    /// Return `403 Forbidden`: the thing may be seen, but not this done with it.
    Forbidden {
        /// The least role that would do.
        needs: Role,
    },
    /// Return `404 Not Found`: for this principal the thing does not exist.
    Hidden,
}

/// Decides. `team` is the team of the thing or the team asked for, `None` when no one team is meant (a list, the
/// templates); `owner` is the principal id a workspace belongs to.
pub fn decide(
    principal: &Principal,
    action: Action,
    team: Option<&str>,
    owner: Option<&str>,
) -> Decision {
    let kind = action.kind();
    if let Kind::Oneself = kind {
        return Decision::Allow;
    }
    let owns = owner == Some(principal.id.as_str());
    let roles: Vec<Role> = principal
        .grants
        .iter()
        .filter(|grant| match team {
            Some(team) => grant.covers(team),
            None => grant.is_well_formed(),
        })
        .map(|grant| grant.role)
        .collect();
    if roles.iter().any(|role| permits(*role, kind, owns)) {
        Decision::Allow
    } else if roles.is_empty() && team.is_some() {
        Decision::Hidden
    } else {
        Decision::Forbidden {
            needs: least(kind, owns),
        }
    }
}

/// The permission table.
fn permits(role: Role, kind: Kind, owns: bool) -> bool {
    match (role, kind) {
        (Role::Admin | Role::Operator, _) | (_, Kind::Oneself) => true,
        (Role::Auditor | Role::Viewer, kind) => matches!(kind, Kind::Read),
        (Role::Requester, Kind::Read | Kind::Create) => true,
        (Role::Requester, Kind::Change) => owns,
    }
}

fn least(kind: Kind, owns: bool) -> Role {
    [Role::Viewer, Role::Requester]
        .into_iter()
        .find(|role| permits(*role, kind, owns))
        .unwrap_or(Role::Operator)
}

/// Some teams, or all there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Teams {
    /// All.
    All,
    /// These; possibly none.
    Only(BTreeSet<String>),
}

impl Teams {
    /// Whether `team` is among them.
    pub fn contains(&self, team: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(teams) => teams.contains(team),
        }
    }
}

/// The teams whose things the principal may see: the predicate of every list.
pub fn visible_teams(principal: &Principal) -> Teams {
    teams(principal, Kind::Read)
}

/// The teams the principal may ask for workspaces for. With exactly one, a request may leave `team` out.
pub fn requestable_teams(principal: &Principal) -> Teams {
    teams(principal, Kind::Create)
}

fn teams(principal: &Principal, kind: Kind) -> Teams {
    let grants = || {
        principal
            .grants
            .iter()
            .filter(|grant| grant.is_well_formed() && permits(grant.role, kind, false))
    };
    if grants().any(|grant| grant.team.is_none()) {
        return Teams::All;
    }
    Teams::Only(grants().filter_map(|grant| grant.team.clone()).collect())
}

#[cfg(test)]
mod tests;
