//! `create_network`: the network configuration, given by id or made from a VPC. Without either, Databricks makes the
//! VPC together with the workspace.

use super::{nothing_to_undo, ours};
use crate::cloud::Failure;
use crate::domain::external::{ExternalObject, Origin};
use crate::domain::marker::MarkerKind;
use crate::domain::operation::WaitingFor;
use crate::domain::spec::NetworkSource;
use crate::provisioning::context::StepContext;
use crate::provisioning::once::{Made, find_unrecorded, once};
use crate::provisioning::step::{Call, Halt, Outcome, Step};
use async_trait::async_trait;
use std::sync::Arc;

/// Makes the network configuration, named by its marker.
pub struct CreateNetwork;

#[async_trait]
impl Step for CreateNetwork {
    fn name(&self) -> &'static str {
        "create_network"
    }

    fn calls(&self) -> &'static [Call] {
        &[Call::FindNetwork, Call::CreateNetwork, Call::DeleteNetwork]
    }

    async fn run(&self, context: &mut StepContext<'_>) -> Result<Outcome, Halt> {
        if context.external.network.is_some() {
            return Ok(Outcome::Done("the network is there".into()));
        }
        let vpc = match context.workspace.spec.network.clone() {
            None => return Ok(Outcome::Skipped("Databricks makes the VPC".into())),
            Some(NetworkSource::Existing { network_id }) => {
                let message = format!("uses network {network_id}");
                context.external.network = Some(ExternalObject {
                    id: network_id,
                    origin: Origin::Given,
                });
                return Ok(Outcome::Done(message));
            }
            Some(NetworkSource::Made(vpc)) => vpc,
        };
        let name = context.marker(MarkerKind::Network, 1);
        let content = vpc.to_string();
        let (looking, sending) = (Arc::clone(&context.provider), Arc::clone(&context.provider));
        let look = async || {
            ours(
                looking.find_network(&name).await?,
                "network configuration",
                &content,
            )
        };
        let send = async || sending.create_network(&name, &vpc).await;
        match once(context, Call::CreateNetwork, &name, look, send).await? {
            Made::NotYet(outcome) => Ok(outcome),
            Made::Here(object) => {
                let message = format!("network {}", object.id);
                context.external.network = Some(ExternalObject {
                    id: object.id,
                    origin: Origin::Made,
                });
                Ok(Outcome::Done(message))
            }
        }
    }

    async fn undo(&self, context: &mut StepContext<'_>) -> Result<Outcome, Halt> {
        let id = match context.external.network.clone() {
            Some(ExternalObject {
                origin: Origin::Given,
                ..
            }) => {
                context.external.network = None;
                return Ok(Outcome::Done("the given network stays".into()));
            }
            Some(object) => object.id,
            None => {
                let name = context.marker(MarkerKind::Network, 1);
                let provider = Arc::clone(&context.provider);
                let look = async || Ok(provider.find_network(&name).await?);
                match find_unrecorded(context, Call::CreateNetwork, look).await? {
                    Made::NotYet(outcome) => return Ok(outcome),
                    Made::Here(None) => return nothing_to_undo(),
                    Made::Here(Some(object)) => {
                        // Recorded before it is removed: the removal may fail, and nothing looks for it again.
                        context.external.network = Some(ExternalObject {
                            id: object.id.clone(),
                            origin: Origin::Made,
                        });
                        object.id
                    }
                }
            }
        };
        match context.provider.delete_network(&id).await {
            // The vendor lets go of a network some time after its workspace is gone.
            Err(error) if error.failure == Failure::InUse => {
                return Ok(Outcome::wait_because(
                    context.settings.look_gap,
                    WaitingFor::Databricks,
                    *error.explanation,
                ));
            }
            deleted => deleted?,
        }
        context.external.network = None;
        Ok(Outcome::Done(format!("network {id} removed")))
    }
}
