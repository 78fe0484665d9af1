//! `create_storage`: the storage configuration, given by id or made from a bucket name.

use super::{needless, nothing_to_undo, ours};
use crate::domain::external::{ExternalObject, Origin};
use crate::domain::marker::MarkerKind;
use crate::domain::spec::StorageSource;
use crate::provisioning::context::StepContext;
use crate::provisioning::once::{Made, find_unrecorded, once};
use crate::provisioning::step::{Call, Halt, Outcome, Step};
use async_trait::async_trait;
use std::sync::Arc;

/// Makes the storage configuration, named by its marker.
pub struct CreateStorage;

#[async_trait]
impl Step for CreateStorage {
    fn name(&self) -> &'static str {
        "create_storage"
    }

    fn calls(&self) -> &'static [Call] {
        &[Call::FindStorage, Call::CreateStorage, Call::DeleteStorage]
    }

    async fn run(&self, context: &mut StepContext<'_>) -> Result<Outcome, Halt> {
        if context.external.storage_configuration.is_some() {
            return Ok(Outcome::Done("storage is there".into()));
        }
        let bucket_name = match context.workspace.spec.storage.clone() {
            None => return needless("storage configuration"),
            Some(StorageSource::Existing {
                storage_configuration_id,
            }) => {
                let message = format!("uses storage configuration {storage_configuration_id}");
                context.external.storage_configuration = Some(ExternalObject {
                    id: storage_configuration_id,
                    origin: Origin::Given,
                });
                return Ok(Outcome::Done(message));
            }
            Some(StorageSource::Made { bucket_name }) => bucket_name,
        };
        let name = context.marker(MarkerKind::Storage, 1);
        let (looking, sending) = (Arc::clone(&context.provider), Arc::clone(&context.provider));
        let look = async || {
            ours(
                looking.find_storage(&name).await?,
                "storage configuration",
                &bucket_name,
            )
        };
        let send = async || sending.create_storage(&name, &bucket_name).await;
        match once(context, Call::CreateStorage, &name, look, send).await? {
            Made::NotYet(outcome) => Ok(outcome),
            Made::Here(object) => {
                let message = format!("storage configuration {}", object.id);
                context.external.storage_configuration = Some(ExternalObject {
                    id: object.id,
                    origin: Origin::Made,
                });
                Ok(Outcome::Done(message))
            }
        }
    }

    async fn undo(&self, context: &mut StepContext<'_>) -> Result<Outcome, Halt> {
        let id = match context.external.storage_configuration.clone() {
            Some(ExternalObject {
                origin: Origin::Given,
                ..
            }) => {
                context.external.storage_configuration = None;
                return Ok(Outcome::Done("given storage configuration stays".into()));
            }
            Some(object) => object.id,
            None => {
                let name = context.marker(MarkerKind::Storage, 1);
                let provider = Arc::clone(&context.provider);
                let look = async || Ok(provider.find_storage(&name).await?);
                match find_unrecorded(context, Call::CreateStorage, look).await? {
                    Made::NotYet(outcome) => return Ok(outcome),
                    Made::Here(None) => return nothing_to_undo(),
                    Made::Here(Some(object)) => {
                        // Recorded before it is removed: the removal may fail, and nothing looks for it again.
                        context.external.storage_configuration = Some(ExternalObject {
                            id: object.id.clone(),
                            origin: Origin::Made,
                        });
                        object.id
                    }
                }
            }
        };
        context.provider.delete_storage(&id).await?;
        context.external.storage_configuration = None;
        Ok(Outcome::Done(format!("storage configuration {id} removed")))
    }
}
