//! `create_service_principal`: the identity the PAT belongs to, made for this workspace, a user of it, and allowed
//! to own tokens.

use super::{made, nothing_to_undo};
use crate::cloud::ServicePrincipal;
use crate::domain::external::ExternalServicePrincipal;
use crate::domain::marker::MarkerKind;
use crate::domain::spec::TokenFor;
use crate::provisioning::context::StepContext;
use crate::provisioning::once::{Made, find_unrecorded, once};
use crate::provisioning::step::{Call, Halt, Outcome, Step};
use async_trait::async_trait;
use std::sync::Arc;

/// Makes the service principal, named by its marker, and gives it its place in the workspace.
pub struct CreateServicePrincipal;

#[async_trait]
impl Step for CreateServicePrincipal {
    fn name(&self) -> &'static str {
        "create_service_principal"
    }

    fn calls(&self) -> &'static [Call] {
        &[
            Call::FindServicePrincipal,
            Call::CreateServicePrincipal,
            Call::AssignServicePrincipal,
            Call::AllowTokens,
            Call::DeleteServicePrincipal,
        ]
    }

    async fn run(&self, context: &mut StepContext<'_>) -> Result<Outcome, Halt> {
        if !context.workspace.spec.reachable_from_here {
            return Ok(Outcome::Skipped(
                "no token without a way to the workspace".into(),
            ));
        }
        if context.workspace.spec.token.token_for == TokenFor::Provisioner {
            return Ok(Outcome::Skipped(
                "the template asks for the provisioner's own token".into(),
            ));
        }
        let workspace = made(&context.external)?.clone();
        let Some(principal) = context.external.service_principal.clone() else {
            let name = context.marker(MarkerKind::ServicePrincipal, 1);
            let (looking, sending) = (Arc::clone(&context.provider), Arc::clone(&context.provider));
            let look = async || Ok(looking.find_service_principal(&name).await?);
            let send = async || sending.create_service_principal(&name).await;
            return match once(context, Call::CreateServicePrincipal, &name, look, send).await? {
                Made::NotYet(outcome) => Ok(outcome),
                Made::Here(principal) => {
                    let message = format!("service principal {}", principal.application_id);
                    context.external.service_principal = Some(ExternalServicePrincipal {
                        id: principal.id,
                        application_id: principal.application_id,
                    });
                    Ok(Outcome::Again(message))
                }
            };
        };
        let principal = ServicePrincipal {
            id: principal.id,
            application_id: principal.application_id,
        };
        // Both set a state and may be repeated; right after creation both are refused for a while.
        context
            .provider
            .assign_service_principal(&workspace, &principal)
            .await?;
        context
            .provider
            .allow_tokens(&workspace, &principal)
            .await?;
        Ok(Outcome::Done(format!(
            "service principal {} may use the workspace",
            principal.application_id
        )))
    }

    async fn undo(&self, context: &mut StepContext<'_>) -> Result<Outcome, Halt> {
        let id = match context.external.service_principal.clone() {
            Some(principal) => principal.id,
            None => {
                let name = context.marker(MarkerKind::ServicePrincipal, 1);
                let provider = Arc::clone(&context.provider);
                let look = async || Ok(provider.find_service_principal(&name).await?);
                match find_unrecorded(context, Call::CreateServicePrincipal, look).await? {
                    Made::NotYet(outcome) => return Ok(outcome),
                    Made::Here(None) => return nothing_to_undo(),
                    Made::Here(Some(principal)) => {
                        // Recorded before it is removed: the removal may fail, and nothing looks for it again.
                        context.external.service_principal = Some(ExternalServicePrincipal {
                            id: principal.id.clone(),
                            application_id: principal.application_id,
                        });
                        principal.id
                    }
                }
            }
        };
        context.provider.delete_service_principal(&id).await?;
        context.external.service_principal = None;
        Ok(Outcome::Done(format!("service principal {id} removed")))
    }
}
