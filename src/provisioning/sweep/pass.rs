//! One pass over one account: the looks, and what every part of it needs.

use super::{SYSTEM, drift, orphans, strays};
use crate::cloud::{ListedObject, ObjectKind, Provider, UpstreamWorkspace};
use crate::domain::id::WorkspaceId;
use crate::domain::marker::{MarkerKind, WORKSPACE_TAG, marked};
use crate::provisioning::Provisioning;
use crate::provisioning::step::Halt;
use crate::queue::{Job, lease};
use crate::store::audit;
use crate::store::orphans::Thing;
use sqlx::{PgConnection, Postgres, Transaction};
use tokio_util::sync::CancellationToken;

/// One pass.
pub(super) struct Pass<'a> {
    pub(super) provisioning: &'a Provisioning,
    pub(super) provider: &'a dyn Provider,
    pub(super) job: &'a Job,
    pub(super) shutdown: &'a CancellationToken,
}

/// What an account can hold that carries a marker, in the order in which it can be removed: what uses others first.
pub(super) const KINDS: [MarkerKind; 5] = [
    MarkerKind::Workspace,
    MarkerKind::Network,
    MarkerKind::Storage,
    MarkerKind::Credentials,
    MarkerKind::ServicePrincipal,
];

impl Pass<'_> {
    /// Looks at everything and acts on it.
    pub(super) async fn run(&self) -> Result<(), Halt> {
        let workspaces = self.provider.list_workspaces().await?;
        let mut seen = self.of_workspaces(&workspaces);
        for kind in &KINDS[1..] {
            seen.extend(self.things(*kind).await?);
        }
        orphans::report(self, &seen).await?;
        if self.provisioning.settings.sweep.delete {
            orphans::remove(self).await?;
        }
        drift::sweep(self, &workspaces).await?;
        strays::sweep(self).await
    }

    /// The configured name of the account.
    pub(super) fn account(&self) -> &str {
        &self.job.key
    }

    /// A look at everything of a kind that carries our marker.
    pub(super) async fn things(&self, kind: MarkerKind) -> Result<Vec<Thing>, Halt> {
        let listed = match kind {
            MarkerKind::Workspace => {
                let workspaces = self.provider.list_workspaces().await?;
                return Ok(self.of_workspaces(&workspaces));
            }
            MarkerKind::Network => ObjectKind::Network,
            MarkerKind::Storage => ObjectKind::Storage,
            MarkerKind::Credentials => ObjectKind::Credentials,
            MarkerKind::ServicePrincipal => {
                let principals = self.provider.list_service_principals().await?;
                return Ok(self.marked(kind, principals));
            }
            // They are in workspaces, not in the account.
            MarkerKind::Token => return Ok(Vec::new()),
        };
        let objects = self.provider.list_objects(listed).await?;
        Ok(self.marked(kind, objects))
    }

    /// Those whose name is a marker of ours.
    fn marked(&self, kind: MarkerKind, objects: Vec<ListedObject>) -> Vec<Thing> {
        let things = objects.into_iter();
        things
            .filter_map(|object| self.thing(kind, object.id, object.name))
            .collect()
    }

    /// Those that are being removed already are left out.
    fn of_workspaces(&self, workspaces: &[UpstreamWorkspace]) -> Vec<Thing> {
        let staying = workspaces
            .iter()
            .filter(|workspace| !leaves(&workspace.status));
        staying
            .filter_map(|workspace| {
                let marker = workspace.tags.get(WORKSPACE_TAG)?.clone();
                self.thing(MarkerKind::Workspace, workspace.at.id.to_string(), marker)
            })
            .collect()
    }

    fn thing(&self, kind: MarkerKind, id: String, marker: String) -> Option<Thing> {
        let workspace = marked(&self.provisioning.settings.instance, kind, &marker)?;
        Some(Thing {
            kind: kind.as_str(),
            id,
            marker,
            workspace,
        })
    }

    /// A transaction under the lease.
    pub(super) async fn begin(&self) -> Result<Transaction<'static, Postgres>, Halt> {
        let mut transaction = self.provisioning.db.begin().await?;
        self.hold(&mut transaction).await?;
        Ok(transaction)
    }

    /// Makes sure that the lease holds until the transaction ends.
    pub(super) async fn hold(&self, db: &mut PgConnection) -> Result<(), Halt> {
        if lease::hold(db, self.job).await? {
            Ok(())
        } else {
            Err(Halt::Fenced)
        }
    }

    /// Stops here if the process is to end: the next pass begins anew.
    pub(super) fn go_on(&self) -> Result<(), Halt> {
        if self.shutdown.is_cancelled() {
            Err(Halt::Cancelled)
        } else {
            Ok(())
        }
    }

    /// An audit row.
    pub(super) async fn note(
        &self,
        db: &mut PgConnection,
        action: &str,
        workspace: WorkspaceId,
        detail: serde_json::Value,
    ) -> Result<(), Halt> {
        let note = audit::Note {
            actor: SYSTEM,
            action,
            workspace,
            operation: None,
            epoch: self.job.epoch,
            detail,
        };
        Ok(audit::note(db, &note).await?)
    }
}

/// Whether Databricks is removing a workspace of this status.
pub(super) fn leaves(status: &str) -> bool {
    matches!(status, "CANCELLING" | "CANCELLED")
}
