//! `create_credentials`: the credentials configuration, given by id or made from a role ARN.

use super::{needless, nothing_to_undo, ours};
use crate::cloud::ObjectKind;
use crate::domain::external::{ExternalObject, Origin};
use crate::domain::marker::MarkerKind;
use crate::domain::spec::CredentialsSource;
use crate::provisioning::context::StepContext;
use crate::provisioning::once::{Made, find_unrecorded, once};
use crate::provisioning::step::{Call, Halt, Outcome, Step};
use async_trait::async_trait;
use std::sync::Arc;

/// Makes the credentials configuration, named by its marker.
pub struct CreateCredentials;

const KIND: ObjectKind = ObjectKind::Credentials;

#[async_trait]
impl Step for CreateCredentials {
    fn name(&self) -> &'static str {
        "create_credentials"
    }

    fn calls(&self) -> &'static [Call] {
        &[
            Call::FindCredentials,
            Call::CreateCredentials,
            Call::DeleteCredentials,
        ]
    }

    async fn run(&self, context: &mut StepContext<'_>) -> Result<Outcome, Halt> {
        if context.external.credentials.is_some() {
            return Ok(Outcome::Done("credentials are there".into()));
        }
        let role_arn = match context.workspace.spec.credentials.clone() {
            None => return needless("credentials"),
            Some(CredentialsSource::Existing { credentials_id }) => {
                let message = format!("uses credentials {credentials_id}");
                context.external.credentials = Some(ExternalObject {
                    id: credentials_id,
                    origin: Origin::Given,
                });
                return Ok(Outcome::Done(message));
            }
            Some(CredentialsSource::Made { role_arn }) => role_arn,
        };
        let name = context.marker(MarkerKind::Credentials, 1);
        let spec = context.workspace.spec.clone();
        let (looking, sending) = (Arc::clone(&context.provider), Arc::clone(&context.provider));
        let look = async || {
            ours(
                looking.find_object(KIND, &name, &spec).await?,
                KIND,
                &role_arn,
            )
        };
        let send = async || sending.create_object(KIND, &name, &spec).await;
        match once(context, Call::CreateCredentials, &name, look, send).await? {
            Made::NotYet(outcome) => Ok(outcome),
            Made::Here(object) => {
                let message = format!("credentials {}", object.id);
                context.external.credentials = Some(ExternalObject {
                    id: object.id,
                    origin: Origin::Made,
                });
                Ok(Outcome::Done(message))
            }
        }
    }

    async fn undo(&self, context: &mut StepContext<'_>) -> Result<Outcome, Halt> {
        let id = match context.external.credentials.clone() {
            Some(ExternalObject {
                origin: Origin::Given,
                ..
            }) => {
                context.external.credentials = None;
                return Ok(Outcome::Done("given credentials stay".into()));
            }
            Some(object) => object.id,
            None => {
                let name = context.marker(MarkerKind::Credentials, 1);
                let spec = context.workspace.spec.clone();
                let provider = Arc::clone(&context.provider);
                let look = async || Ok(provider.find_object(KIND, &name, &spec).await?);
                match find_unrecorded(context, Call::CreateCredentials, look).await? {
                    Made::NotYet(outcome) => return Ok(outcome),
                    Made::Here(None) => return nothing_to_undo(),
                    Made::Here(Some(object)) => {
                        // Recorded before it is removed: the removal may fail, and nothing looks for it again.
                        context.external.credentials = Some(ExternalObject {
                            id: object.id.clone(),
                            origin: Origin::Made,
                        });
                        object.id
                    }
                }
            }
        };
        context.provider.delete_object(KIND, &id).await?;
        context.external.credentials = None;
        Ok(Outcome::Done(format!("credentials {id} removed")))
    }
}
