//! `deliver_token`: mint the PAT and put it into the secret store, in one step. The value exists in this step's
//! memory and in the store, nowhere else; lost between the two, it is revoked by its marker and minted again.

mod mint;

use super::{made, nothing_to_undo, token_owner};
use crate::cloud::{CloudError, Failure, ListedToken, Provider, ServicePrincipal};
use crate::domain::condition::{ConditionStatus, ConditionType};
use crate::domain::external::ExternalToken;
use crate::domain::marker::MarkerKind;
use crate::domain::operation::WaitingFor;
use crate::domain::problem::{Code, Explanation};
use crate::domain::spec::{SecretTarget, TokenFor};
use crate::provisioning::context::{Effect, StepContext, TokenDelivered};
use crate::provisioning::step::{Call, Halt, Outcome, Step};
use crate::secrets::{Metadata, StoreError, StoreFailure, Stored};
use crate::store::attempts::Outcome as Closed;
use async_trait::async_trait;
use mint::{delivery, mint_and_put};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Mints and delivers.
pub struct DeliverToken;

/// Undo tries to revoke tokens this often before it leaves them to the workspace's own removal.
const REVOKE_TRIES: u32 = 5;

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct UndoMemo {
    /// The secret is gone from the store.
    secret_gone: bool,
    /// Tries to revoke that failed.
    tries: u32,
}

#[async_trait]
impl Step for DeliverToken {
    fn name(&self) -> &'static str {
        "deliver_token"
    }

    fn calls(&self) -> &'static [Call] {
        &[
            Call::CheckStore,
            Call::ReadMetadata,
            Call::ListTokens,
            Call::MintToken,
            Call::TryToken,
            Call::PutSecret,
            Call::PutMetadata,
            Call::GetWorkspace,
            Call::RevokeToken,
            Call::DeleteSecret,
        ]
    }

    async fn run(&self, context: &mut StepContext<'_>) -> Result<Outcome, Halt> {
        if !context.workspace.spec.reachable_from_here {
            let message = "no token: the workspace cannot be reached from here";
            context.warnings.push(message.into());
            context.set_condition(
                ConditionType::TokenDelivered,
                ConditionStatus::False,
                "NotReachable",
                message,
            );
            return Ok(Outcome::Skipped(message.into()));
        }
        let workspace = made(&context.external)?.clone();
        let target = context.workspace.spec.secret.clone();
        let principal = principal(context);
        let Some(owner) = token_owner(principal.as_ref(), context.workspace.spec.token.token_for)
        else {
            return Err(Halt::permanent(Explanation::new(
                Code::Internal,
                "there is no principal to mint for",
            )));
        };
        let generation = 1;
        let marker = context.marker(MarkerKind::Token, generation);

        // Nothing is minted for a store that would not take it.
        let stored = match look_at_store(context, &target).await? {
            Ok(stored) => stored,
            Err(outcome) => return Ok(outcome),
        };
        let unresolved = context.unresolved(Call::MintToken).await?;
        // A mint may still be on its way; a token made after the list below would be missed. And what was minted in time
        // may be on its way to the store: one that does not compare would take it after ours.
        let late = match context.store.compares() {
            true => 0.0,
            false => delivery(context.settings).as_secs_f64(),
        };
        if let Some(attempt) = &unresolved
            && attempt.overdue_seconds < late
        {
            let wait = Duration::from_secs_f64(late - attempt.overdue_seconds + 0.05)
                .min(context.settings.call_timeout);
            return Ok(Outcome::wait(
                wait,
                "an earlier mint was never answered; waiting until nothing of it can arrive any more",
            ));
        }
        let listed = context.provider.list_tokens(&workspace, owner).await?;
        let ours: Vec<&ListedToken> = listed
            .iter()
            .filter(|token| token.comment == marker)
            .collect();
        let delivered = stored
            .as_ref()
            .and_then(|s| delivered(s, context, generation, &ours));
        let strays: Vec<&ListedToken> = ours
            .into_iter()
            .filter(|token| delivered.as_ref().is_none_or(|d| d.token_id != token.id))
            .collect();
        if !strays.is_empty() {
            // What was listed while the lease held is no successor's.
            context.still_ours().await?;
        }
        for stray in strays {
            context
                .provider
                .revoke_token(&workspace, owner, &stray.id)
                .await?;
        }
        if let Some(attempt) = unresolved {
            let closed = if delivered.is_some() {
                Closed::Adopted
            } else {
                Closed::Absent
            };
            context.effect(Effect::Closed(attempt.id, closed));
            if delivered.is_none() {
                return Ok(Outcome::Again(
                    "a lost token was revoked; minting another".into(),
                ));
            }
        }
        let metadata = match delivered {
            Some(metadata) => metadata,
            None => match mint_and_put(
                context, &workspace, owner, &target, stored, &marker, generation,
            )
            .await?
            {
                Ok(metadata) => metadata,
                Err(outcome) => return Ok(outcome),
            },
        };
        record(context, principal.as_ref(), metadata, &target);
        Ok(Outcome::Done(format!("{} {}", target.store, target.path)))
    }

    async fn undo(&self, context: &mut StepContext<'_>) -> Result<Outcome, Halt> {
        if context.external.token.is_none() && !context.may_have_made(Call::MintToken).await? {
            return nothing_to_undo();
        }
        let unresolved = context.unresolved(Call::MintToken).await?;
        // What was minted in time is tried and put afterwards; a secret that is put after it was removed would stay.
        let delivery = delivery(context.settings);
        if let Some(attempt) = &unresolved
            && attempt.overdue_seconds < delivery.as_secs_f64()
        {
            let left = delivery.as_secs_f64() - attempt.overdue_seconds;
            let wait = Duration::from_secs_f64(left + 0.05);
            return Ok(Outcome::wait(
                wait,
                "a mint was never answered; waiting until nothing of it can be delivered any more",
            ));
        }
        let mut memo: UndoMemo = context.memo();
        if !memo.secret_gone {
            let target = context.workspace.spec.secret.clone();
            match remove_secret(context, &target).await? {
                Ok(()) => memo.secret_gone = true,
                Err(error) => return Ok(store_wait(error, 1)),
            }
            context.set_memo(&memo);
            context.set_condition(
                ConditionType::TokenDelivered,
                ConditionStatus::False,
                "Removed",
                "",
            );
            return Ok(Outcome::Again("secret removed from the store".into()));
        }
        if let Some(attempt) = unresolved {
            context.effect(Effect::Closed(attempt.id, Closed::Absent));
        }
        let message = match revoke_all(context).await {
            Ok(count) => format!("secret removed, {count} tokens revoked"),
            // Being told to wait is no failed try.
            Err(error) if matches!(error.failure, Failure::Throttled(_)) => {
                return Err(error.into());
            }
            // The tokens die with the workspace, which is removed next: it must not live on because of them.
            Err(error) if memo.tries + 1 >= REVOKE_TRIES => {
                tracing::warn!(%error, "tokens could not be revoked; they end with the workspace");
                "secret removed; tokens end with the workspace".into()
            }
            Err(error) => {
                memo.tries += 1;
                context.set_memo(&memo);
                let delay = context.settings.probe_gap * 2_u32.pow(memo.tries);
                return Ok(Outcome::wait_because(
                    delay,
                    WaitingFor::Databricks,
                    *error.explanation,
                ));
            }
        };
        context.effect(Effect::TokensRevoked);
        context.external.token = None;
        Ok(Outcome::Done(message))
    }
}

fn principal(context: &StepContext<'_>) -> Option<ServicePrincipal> {
    context
        .external
        .service_principal
        .as_ref()
        .map(|p| ServicePrincipal {
            id: p.id.clone(),
            application_id: p.application_id.clone(),
        })
}

/// Checks the store and reads what it knows about the path. The inner error is a wait.
async fn look_at_store(
    context: &StepContext<'_>,
    target: &SecretTarget,
) -> Result<Result<Option<Stored>, Outcome>, Halt> {
    let looked = async {
        context.store.check(&target.path).await?;
        context.store.metadata(&target.path).await
    };
    let stored = match looked.await {
        Ok(stored) => stored,
        Err(error) => return Ok(Err(store_wait(error, 1))),
    };
    // A live secret that we cannot have written belongs to somebody else.
    let foreign = stored.as_ref().is_some_and(|s| {
        s.current.is_some()
            && s.metadata
                .as_ref()
                .is_none_or(|m| m.workspace != context.workspace.id.to_string())
    });
    if foreign && !context.may_have_made(Call::MintToken).await? {
        return Err(Halt::permanent(Explanation::new(
            Code::SecretPathTaken,
            format!(
                "{} in {} holds a secret that is not this workspace's",
                target.path, target.store
            ),
        )));
    }
    Ok(Ok(stored))
}

/// What the store says was delivered: only if it speaks of this workspace, this generation and the store's current
/// version, and the vendor lists the token as live.
fn delivered(
    stored: &Stored,
    context: &StepContext<'_>,
    generation: u32,
    live: &[&ListedToken],
) -> Option<Metadata> {
    let metadata = stored.metadata.as_ref()?;
    let believed = metadata.workspace == context.workspace.id.to_string()
        && metadata.generation == generation
        && stored.current.as_ref() == Some(&metadata.version)
        && live.iter().any(|token| token.id == metadata.token_id);
    believed.then(|| metadata.clone())
}

fn record(
    context: &mut StepContext<'_>,
    principal: Option<&ServicePrincipal>,
    metadata: Metadata,
    target: &SecretTarget,
) {
    let whose = match context.workspace.spec.token.token_for {
        TokenFor::Provisioner => "provisioner".to_owned(),
        TokenFor::ServicePrincipal => {
            format!(
                "service_principal:{}",
                principal.map_or("", |p| p.application_id.as_str())
            )
        }
    };
    context.external.token = Some(ExternalToken {
        id: metadata.token_id.clone(),
        generation: metadata.generation,
    });
    let message = format!(
        "version {} of {} in {}",
        metadata.version.0, target.path, target.store
    );
    context.set_condition(
        ConditionType::TokenDelivered,
        ConditionStatus::True,
        "Delivered",
        &message,
    );
    let store_kind = context.store.kind();
    context.effect(Effect::TokenDelivered(TokenDelivered {
        principal: whose,
        generation: metadata.generation,
        external_id: metadata.token_id,
        store_kind,
        version: metadata.version.0,
        expires_at: metadata.expires_at,
    }));
}

/// A store that fails is waited for, so many times the usual while: an outage delays a request, it does not fail it
/// before its deadline.
fn store_wait(error: StoreError, times: u32) -> Outcome {
    let delay = match error.failure {
        StoreFailure::Unavailable | StoreFailure::Unknown | StoreFailure::Moved => {
            Duration::from_secs(2)
        }
        StoreFailure::Denied => Duration::from_secs(15),
    };
    Outcome::wait_because(delay * times, WaitingFor::SecretStore, *error.explanation)
}

/// Removes the secret if it is ours, or can only be ours. The inner error is the store's.
async fn remove_secret(
    context: &StepContext<'_>,
    target: &SecretTarget,
) -> Result<Result<(), StoreError>, Halt> {
    let stored = match context.store.metadata(&target.path).await {
        Ok(Some(stored)) => stored,
        // What a put of ours began to bring back is asked to be removed all the same: then the store says that it comes.
        Ok(None) if context.store.restores() => {
            context.still_ours().await?;
            return Ok(context.store.delete(&target.path).await);
        }
        Ok(None) => return Ok(Ok(())),
        Err(error) => return Ok(Err(error)),
    };
    let ours = context.workspace.id.to_string();
    let other = stored
        .metadata
        .map(|m| m.workspace)
        .filter(|it| *it != ours);
    // A store may bring back, for us to write over it, what a workspace of that name before ours had left.
    if let Some(other) = other
        && !context.is_deleted(&other).await?
    {
        return Ok(Ok(()));
    }
    // Without the lease what lies there may be the next workspace's of that name by now.
    context.still_ours().await?;
    Ok(context.store.delete(&target.path).await)
}

/// Revokes every token with our marker. A workspace that is gone has none.
async fn revoke_all(context: &StepContext<'_>) -> Result<usize, CloudError> {
    let (Some(workspace), principal) = (context.external.workspace.clone(), principal(context))
    else {
        return Ok(0);
    };
    let Some(owner) = token_owner(principal.as_ref(), context.workspace.spec.token.token_for)
    else {
        return Ok(0);
    };
    let provider: &dyn Provider = &*context.provider;
    if provider.get_workspace(&workspace.id).await?.is_none() {
        return Ok(0);
    }
    let marker = context.marker(MarkerKind::Token, 1);
    let mut count = 0;
    for token in provider
        .list_tokens(&workspace, owner)
        .await?
        .iter()
        .filter(|t| t.comment == marker)
    {
        provider.revoke_token(&workspace, owner, &token.id).await?;
        count += 1;
    }
    Ok(count)
}
