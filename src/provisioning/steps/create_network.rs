//! `create_network`: the network, given by id or made. Without either, Databricks makes one together with the workspace.

use super::{nothing_to_undo, ours};
use crate::cloud::{ConfigurationObject, Failure, ObjectKind, Progress, Provider};
use crate::domain::external::{ExternalObject, Origin, last_part};
use crate::domain::marker::MarkerKind;
use crate::domain::operation::WaitingFor;
use crate::domain::spec::Spec;
use crate::provisioning::context::StepContext;
use crate::provisioning::once::{Made, find_unrecorded, once};
use crate::provisioning::step::{Call, Halt, Outcome, Step};
use async_trait::async_trait;
use std::sync::Arc;

const KIND: ObjectKind = ObjectKind::Network;

/// Makes the network, named by its marker.
pub struct CreateNetwork;

/// Who can look for it, by which name, as part of what.
fn seen_by(context: &StepContext<'_>) -> (Arc<dyn Provider>, String, Spec) {
    (
        Arc::clone(&context.provider),
        context.marker(MarkerKind::Network, 1),
        context.workspace.spec.clone(),
    )
}

/// Whether what was made can be used.
fn built(context: &mut StepContext<'_>, object: &ConfigurationObject) -> Outcome {
    let building = object.progress != Progress::There;
    context.external.network_unfinished = building;
    if building {
        let message = format!("network {} is being built", last_part(&object.id));
        return Outcome::wait(context.settings.look_gap, message);
    }
    Outcome::Done(format!("network {}", last_part(&object.id)))
}

#[async_trait]
impl Step for CreateNetwork {
    fn name(&self) -> &'static str {
        "create_network"
    }

    fn calls(&self) -> &'static [Call] {
        &[Call::FindNetwork, Call::CreateNetwork, Call::DeleteNetwork]
    }

    async fn run(&self, context: &mut StepContext<'_>) -> Result<Outcome, Halt> {
        let (provider, name, spec) = seen_by(context);
        if context.external.network.is_some() && !context.external.network_unfinished {
            return Ok(Outcome::Done("the network is there".into()));
        }
        let content = match &spec.network {
            None => return Ok(Outcome::Skipped("Databricks makes the network".into())),
            Some(source) => match source.given() {
                Some(id) => {
                    let message = format!("uses network {}", last_part(id));
                    context.external.network = Some(ExternalObject {
                        id: id.to_owned(),
                        origin: Origin::Given,
                    });
                    return Ok(Outcome::Done(message));
                }
                None => source.to_string(),
            },
        };
        // One that lacks a part is made again: that adds the part, and takes nothing away.
        let look = async || {
            let found = provider.find_object(KIND, &name, &spec).await?;
            let found = found.filter(|it| it.progress != Progress::Partial);
            ours(found, KIND, &content)
        };
        let send = async || provider.create_object(KIND, &name, &spec).await;
        match once(context, Call::CreateNetwork, &name, look, send).await? {
            Made::NotYet(outcome) => Ok(outcome),
            Made::Here(object) => {
                context.external.network = Some(ExternalObject {
                    id: object.id.clone(),
                    origin: Origin::Made,
                });
                Ok(built(context, &object))
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
            Some(object) => {
                if context.external.network_unfinished {
                    // More of it may be on its way.
                    let (provider, name, spec) = seen_by(context);
                    let look = async || {
                        let found = provider.find_object(KIND, &name, &spec).await?;
                        Ok(found.filter(|it| it.progress != Progress::Partial))
                    };
                    if let Made::NotYet(outcome) =
                        find_unrecorded(context, Call::CreateNetwork, look).await?
                    {
                        return Ok(outcome);
                    }
                }
                object.id
            }
            None => {
                let (provider, name, spec) = seen_by(context);
                let look = async || Ok(provider.find_object(KIND, &name, &spec).await?);
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
        match context.provider.delete_object(KIND, &id).await {
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
        context.external.network_unfinished = false;
        Ok(Outcome::Done(format!("network {} removed", last_part(&id))))
    }
}
