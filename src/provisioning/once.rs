//! A call that must not be repeated: look, permit, send, and if the answer is lost, look for the marker until it is
//! certain that nothing was made.

use super::context::{Effect, StepContext};
use super::step::{Call, Halt, Outcome};
use crate::cloud::{CloudError, Failure};
use crate::domain::operation::WaitingFor;
use crate::domain::problem::{Code, Explanation};
use crate::store::attempts::{Outcome as Closed, Unresolved};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::time::Instant;

/// What came of it.
pub enum Made<T> {
    /// It exists: just made, or found by its marker.
    Here(T),
    /// Not known, or not possible, yet.
    NotYet(Outcome),
}

/// What is remembered between two tries.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Memo {
    /// Since when the vendor has been giving an answer that is known to pass.
    not_yet_since: Option<DateTime<Utc>>,
    /// The vendor said it conflicts with something; if nothing of ours is found, that is final.
    conflict: Option<Explanation>,
}

/// Makes a thing at most once. `look` finds it by its marker (and refuses what has the marker's name but is not
/// ours); `send` makes it.
///
/// # Errors
/// Whatever the calls say, classified; [`Halt::Fenced`] and [`Halt::Cancelled`] from the permit.
pub async fn once<T, Look, Looking, Send, Sending>(
    context: &mut StepContext<'_>,
    call: Call,
    marker: &str,
    look: Look,
    send: Send,
) -> Result<Made<T>, Halt>
where
    Look: FnOnce() -> Looking,
    Looking: Future<Output = Result<Option<T>, Halt>>,
    Send: FnOnce() -> Sending,
    Sending: Future<Output = Result<T, CloudError>>,
{
    let mut memo: Memo = context.memo();
    let unresolved = context.unresolved(call).await?;
    if let Some(found) = look().await? {
        if let Some(attempt) = unresolved {
            context.effect(Effect::Closed(attempt.id, Closed::Adopted));
        }
        return Ok(Made::Here(found));
    }
    if let Some(attempt) = unresolved {
        if let Some(wait) = unsettled(&attempt, context.settings.settle) {
            return Ok(Made::NotYet(Outcome::wait(
                wait,
                format!(
                    "an earlier {} was never answered; looking for what it may have made",
                    call.as_str()
                ),
            )));
        }
        context.effect(Effect::Closed(attempt.id, Closed::Absent));
        if let Some(explanation) = memo.conflict.take() {
            return Err(Halt::permanent(explanation));
        }
        // The checkpoint records that nothing was made before a new permit is asked for.
        return Ok(Made::NotYet(Outcome::Again(
            "nothing was made; asking again".into(),
        )));
    }
    let limit = Limit::from_now(context.settings.create_timeout);
    let permit = context.permit(call, marker, limit.long).await?;
    let error = match limit.keep(send()).await {
        Ok(made) => {
            context.effect(Effect::Closed(permit, Closed::Applied));
            return Ok(Made::Here(made));
        }
        Err(error) => error,
    };
    context.effect(Effect::Closed(permit, closed(error.failure)));
    match error.failure {
        Failure::NotYet => {
            let now = context.clock.now();
            let since = *memo.not_yet_since.get_or_insert(now);
            context.set_memo(&memo);
            let waited = (now - since).to_std().unwrap_or_default();
            if waited >= context.settings.not_yet_budget {
                return Err(Halt::permanent(*error.explanation));
            }
            let delay = context.settings.look_gap.max(waited / 4);
            Ok(Made::NotYet(Outcome::wait_because(
                delay,
                WaitingFor::Databricks,
                *error.explanation,
            )))
        }
        Failure::Unknown | Failure::Conflict => {
            memo.conflict =
                (error.failure == Failure::Conflict).then(|| (*error.explanation).clone());
            context.set_memo(&memo);
            Ok(Made::NotYet(Outcome::wait_because(
                Duration::from_secs(1).min(context.settings.look_gap),
                WaitingFor::Databricks,
                *error.explanation,
            )))
        }
        _ => Err(error.into()),
    }
}

/// What is known of a call that had a permit and failed.
pub fn closed(failure: Failure) -> Closed {
    match failure {
        Failure::NotSent => Closed::NotSent,
        Failure::Throttled(_) => Closed::Throttled,
        Failure::Refused | Failure::NotFound | Failure::InUse => Closed::Refused,
        Failure::NotYet => Closed::NotYet,
        Failure::Unknown | Failure::Conflict => Closed::Unknown,
    }
}

/// The time that a permit gives to its call.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    /// How much of it there is.
    pub long: Duration,
    until: Instant,
}

impl Limit {
    /// It runs from now: taken before the permit is asked for, it is over before the permit's deadline is, however
    /// long the database takes.
    pub fn from_now(long: Duration) -> Self {
        let until = Instant::now() + long;
        Self { long, until }
    }

    /// Sends within it, whatever the client's own limits are. It is looked at before anything is sent: a process that
    /// was frozen wakes with all its timers over, and what it was about to send then is sent by a successor already.
    ///
    /// # Errors
    /// Whatever the call says; unknown if the time is over.
    pub async fn keep<T>(
        self,
        call: impl Future<Output = Result<T, CloudError>>,
    ) -> Result<T, CloudError> {
        tokio::select! {
            biased;
            () = tokio::time::sleep_until(self.until) => {
                let detail = format!("no answer within {} s", self.long.as_secs_f64());
                let code = Code::UpstreamUnavailable;
                Err(CloudError::new(Failure::Unknown, code, detail, None))
            }
            answer = call => answer,
        }
    }
}

/// For the undo of a create whose result was never recorded: finds what may have been made, or waits until it is
/// certain that nothing was. `None` means there is nothing.
///
/// # Errors
/// Whatever the calls say.
pub async fn find_unrecorded<T, Look, Looking>(
    context: &mut StepContext<'_>,
    call: Call,
    look: Look,
) -> Result<Made<Option<T>>, Halt>
where
    Look: FnOnce() -> Looking,
    Looking: Future<Output = Result<Option<T>, Halt>>,
{
    let Some(attempt) = context.unresolved(call).await? else {
        return Ok(Made::Here(None));
    };
    if let Some(found) = look().await? {
        context.effect(Effect::Closed(attempt.id, Closed::Adopted));
        return Ok(Made::Here(Some(found)));
    }
    if let Some(wait) = unsettled(&attempt, context.settings.settle) {
        return Ok(Made::NotYet(Outcome::wait(
            wait,
            format!(
                "a {} was never answered; waiting until it is certain that it made nothing",
                call.as_str()
            ),
        )));
    }
    context.effect(Effect::Closed(attempt.id, Closed::Absent));
    Ok(Made::Here(None))
}

/// How long to wait before the next look; `None` once an absence is proof. Absence in a list proves nothing before
/// the sender has given up and the settle window has passed.
fn unsettled(attempt: &Unresolved, settle: Duration) -> Option<Duration> {
    let remaining = settle.as_secs_f64() - attempt.overdue_seconds;
    if remaining <= 0.0 {
        return None;
    }
    // 5, 15, 30 s … as design and reference say, scaled with the window; never past its end.
    let gap = settle.as_secs_f64() / 24.0
        * if attempt.overdue_seconds < 0.0 {
            1.0
        } else {
            3.0
        };
    Some(Duration::from_secs_f64(gap.min(remaining).max(0.05)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(overdue_seconds: f64) -> Unresolved {
        Unresolved {
            id: uuid::Uuid::nil(),
            overdue_seconds,
        }
    }

    /// The thread stands still as it does under SIGSTOP: when it goes on, every timer is over.
    #[tokio::test]
    #[expect(clippy::disallowed_methods, reason = "that is the freeze")]
    async fn what_was_not_sent_before_a_freeze_is_not_sent_after_it() {
        let limit = Limit::from_now(Duration::from_millis(200));
        let mut sent = false;
        let call = async {
            // It waits for its turn, or for a connection.
            tokio::time::sleep(Duration::from_millis(50)).await;
            sent = true;
            Ok(())
        };
        let frozen = async {
            tokio::task::yield_now().await;
            std::thread::sleep(Duration::from_millis(400));
        };
        let (answer, ()) = tokio::join!(limit.keep(call), frozen);
        assert_eq!(answer.map_err(|it| it.failure), Err(Failure::Unknown));
        assert!(!sent);
    }

    #[test]
    fn absence_is_proof_only_after_deadline_and_settle_window() {
        let settle = Duration::from_secs(120);
        for waiting in [-60.0, 0.0, 119.9] {
            assert!(unsettled(&attempt(waiting), settle).is_some(), "{waiting}");
        }
        assert_eq!(unsettled(&attempt(120.0), settle), None);
        assert_eq!(unsettled(&attempt(1e9), settle), None);
    }
}
