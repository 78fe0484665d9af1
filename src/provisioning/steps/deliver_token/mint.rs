//! Mint, try, put: the minutes in which the value of a PAT exists in this process.

use super::store_wait;
use crate::cloud::{Failure, MintedToken, TokenOwner};
use crate::domain::external::ExternalWorkspace;
use crate::domain::problem::{Code, Explanation};
use crate::domain::spec::SecretTarget;
use crate::provisioning::Settings;
use crate::provisioning::context::{Effect, StepContext};
use crate::provisioning::once::Limit;
use crate::provisioning::step::{Call, Halt, Outcome};
use crate::secrets::{self, Metadata, SecretValue, StoreError, StoreFailure, Stored};
use crate::store::attempts::Outcome as Closed;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::time::Instant;

/// After this many, the wait for a store that does not take our tokens stays as it is: eight minutes where it refuses
/// us, one where it fails.
const MOST_DOUBLINGS: u32 = 5;

/// How long after its time limit a mint that came in time may still be tried and put into the store.
pub(super) fn delivery(settings: &Settings) -> Duration {
    settings.call_timeout * 2 + settings.store_retry
}

/// Permit, mint, try, put, metadata. The inner error is a wait, after the token was revoked.
pub(super) async fn mint_and_put(
    context: &mut StepContext<'_>,
    workspace: &ExternalWorkspace,
    owner: TokenOwner<'_>,
    target: &SecretTarget,
    stored: Option<Stored>,
    marker: &str,
    generation: u32,
) -> Result<Result<Metadata, Outcome>, Halt> {
    // Others wait until nothing of this can be delivered any more: neither database nor store may hold it up beyond that.
    let last = Instant::now() + delivery(context.settings);
    let limit = Limit::from_now(context.settings.call_timeout);
    let permit = context.permit(Call::MintToken, marker, limit.long).await?;
    let lifetime = context.workspace.spec.token.lifetime_seconds;
    let mint = context
        .provider
        .mint_token(workspace, owner, lifetime, marker);
    let minted = match limit.keep(mint).await {
        Ok(minted) => minted,
        Err(error) => {
            let closed = match error.failure {
                Failure::NotSent => Closed::NotSent,
                Failure::NotYet => Closed::NotYet,
                Failure::Throttled(_) => Closed::Throttled,
                Failure::Refused | Failure::NotFound | Failure::InUse => Closed::Refused,
                Failure::Unknown | Failure::Conflict => Closed::Unknown,
            };
            context.effect(Effect::Closed(permit, closed));
            return Err(error.into());
        }
    };
    if let Err(error) = context.provider.try_token(workspace, &minted.value).await {
        revoke(context, workspace, owner, permit, &minted).await;
        return Err(error.into());
    }
    context.still_ours_by(last).await?;
    match put(
        context, workspace, target, stored, &minted, generation, last,
    )
    .await?
    {
        Ok(metadata) => {
            context.effect(Effect::Closed(permit, Closed::Applied));
            Ok(Ok(metadata))
        }
        Err(error) => {
            // A successor may have found it delivered, and live on it.
            context.still_ours().await?;
            revoke(context, workspace, owner, permit, &minted).await;
            Ok(Err(undelivered(context, error)))
        }
    }
}

/// Remembered between two runs of the step.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Memo {
    /// Tokens that were minted and could not be stored.
    undelivered: u32,
}

/// Waits for the store, each time twice as long: whether it takes values shows, in some stores, only at a put, and each
/// put has its own token.
fn undelivered(context: &mut StepContext<'_>, error: StoreError) -> Outcome {
    let mut memo: Memo = context.memo();
    let times = 2_u32.pow(memo.undelivered.min(MOST_DOUBLINGS));
    memo.undelivered = memo.undelivered.saturating_add(1);
    context.set_memo(&memo);
    store_wait(error, times)
}

/// Revokes a token that could not be delivered. If that fails too, the attempt stays unknown: the next run finds the
/// token by its marker and revokes it before it mints again.
async fn revoke(
    context: &mut StepContext<'_>,
    workspace: &ExternalWorkspace,
    owner: TokenOwner<'_>,
    permit: uuid::Uuid,
    minted: &MintedToken,
) {
    let closed = match context
        .provider
        .revoke_token(workspace, owner, &minted.id)
        .await
    {
        Ok(()) => Closed::Absent,
        Err(error) => {
            tracing::warn!(%error, "a token that could not be delivered could not be revoked yet");
            Closed::Unknown
        }
    };
    context.effect(Effect::Closed(permit, closed));
}

/// Writes value and metadata, for at most `store_retry` in all. The inner error is the store's.
async fn put(
    context: &StepContext<'_>,
    workspace: &ExternalWorkspace,
    target: &SecretTarget,
    stored: Option<Stored>,
    minted: &MintedToken,
    generation: u32,
    last: Instant,
) -> Result<Result<Metadata, StoreError>, Halt> {
    let until = Instant::now() + context.settings.store_retry;
    let store = &context.store;
    let mut expected = stored.map(|s| s.expected);
    let mut pause = Duration::from_millis(100);
    let version = loop {
        let value = SecretValue {
            host: &workspace.url,
            token: &minted.value,
        };
        let put = store.put(&target.path, value, expected.as_ref());
        let error = match by(last, put).await {
            Ok(version) => break version,
            Err(error) => error,
        };
        if Instant::now() + pause >= until {
            return Ok(Err(error));
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(2));
        // The version moved: by our own lost answer or a replaced worker's write. If we still hold the lease after
        // reading it, ours is the only live token, and goes over whatever is there now.
        if matches!(error.failure, StoreFailure::Moved | StoreFailure::Unknown)
            && let Ok(now) = store.metadata(&target.path).await
        {
            expected = now.map(|s| s.expected);
        }
        // Also where nothing moved: the last look was up to `store_retry` ago.
        context.still_ours_by(last).await?;
    };
    let metadata = Metadata {
        token_id: minted.id.clone(),
        generation,
        version,
        expires_at: minted
            .expires_at_ms
            .and_then(DateTime::<Utc>::from_timestamp_millis),
        workspace: context.workspace.id.to_string(),
    };
    loop {
        // The store compares nothing here.
        context.still_ours_by(last).await?;
        match by(last, store.put_metadata(&target.path, &metadata)).await {
            Ok(()) => return Ok(Ok(metadata)),
            Err(error) if Instant::now() + pause >= until => return Ok(Err(error)),
            Err(_) => tokio::time::sleep(pause).await,
        }
        pause = (pause * 2).min(Duration::from_secs(2));
    }
}

/// Sends by then or not at all. The time is looked at first: a process that was frozen wakes with all its timers over.
async fn by<T>(
    last: Instant,
    call: impl Future<Output = secrets::Result<T>>,
) -> secrets::Result<T> {
    tokio::select! {
        biased;
        () = tokio::time::sleep_until(last) => {
            let detail = "the secret store did not answer in time";
            Err(StoreError {
                failure: StoreFailure::Unknown,
                explanation: Box::new(Explanation::new(Code::SecretStoreUnreachable, detail)),
            })
        }
        answer = call => answer,
    }
}
