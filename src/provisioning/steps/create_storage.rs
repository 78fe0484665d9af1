//! `create_storage`: the storage configuration, given by id or made from a bucket name.

use super::{needless, nothing_to_undo, ours};
use crate::cloud::ObjectKind;
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

const KIND: ObjectKind = ObjectKind::Storage;

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
        let spec = context.workspace.spec.clone();
        let (looking, sending) = (Arc::clone(&context.provider), Arc::clone(&context.provider));
        let look = async || {
            ours(
                looking.find_object(KIND, &name, &spec).await?,
                KIND,
                &bucket_name,
            )
        };
        let send = async || sending.create_object(KIND, &name, &spec).await;
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
                let spec = context.workspace.spec.clone();
                let provider = Arc::clone(&context.provider);
                let look = async || Ok(provider.find_object(KIND, &name, &spec).await?);
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
        context.provider.delete_object(KIND, &id).await?;
        context.external.storage_configuration = None;
        Ok(Outcome::Done(format!("storage configuration {id} removed")))
    }
}
