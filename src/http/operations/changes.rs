//! Waking those that wait: one listening connection per process, one broadcast to its long polls.

use crate::domain::id::OperationId;
use crate::provisioning::OPERATIONS_CHANNEL;
use crate::queue::listen::listen;
use sqlx::PgPool;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

/// Says which operation changed. A waiter that misses something looks again after two seconds anyway.
#[derive(Debug, Clone)]
pub struct Changes {
    /// `None`: something may have changed, nobody knows what.
    sender: broadcast::Sender<Option<OperationId>>,
}

impl Default for Changes {
    fn default() -> Self {
        Self {
            sender: broadcast::Sender::new(1024),
        }
    }
}

impl Changes {
    /// Listens to the database until `shutdown`.
    pub async fn listen(self, db: PgPool, shutdown: CancellationToken) {
        listen(
            db,
            OPERATIONS_CHANNEL,
            |payload| self.tell(payload),
            shutdown,
        )
        .await;
    }

    /// Passes a notification on.
    pub fn tell(&self, payload: &str) {
        let id = uuid::Uuid::parse_str(payload)
            .ok()
            .map(OperationId::from_uuid);
        // An error means that nobody waits.
        let _ = self.sender.send(id);
    }

    /// Registers interest; to be done before the first look.
    pub fn subscribe(&self) -> Subscription {
        Subscription {
            receiver: self.sender.subscribe(),
        }
    }
}

/// A registered interest.
#[derive(Debug)]
pub struct Subscription {
    receiver: broadcast::Receiver<Option<OperationId>>,
}

impl Subscription {
    /// Returns when this operation may have changed.
    pub async fn changed(&mut self, operation: OperationId) {
        loop {
            match self.receiver.recv().await {
                Ok(Some(id)) if id != operation => {}
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => return,
                // The sender lives as long as the state; without it, the poll is the net.
                Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn only_the_operation_meant_wakes() {
        let changes = Changes::default();
        let (mine, other) = (OperationId::new(), OperationId::new());
        let mut subscription = changes.subscribe();
        changes.tell(&other.uuid().to_string());
        let soon = Duration::from_millis(20);
        assert!(
            tokio::time::timeout(soon, subscription.changed(mine))
                .await
                .is_err()
        );
        changes.tell(&mine.uuid().to_string());
        assert!(
            tokio::time::timeout(soon, subscription.changed(mine))
                .await
                .is_ok()
        );
        changes.tell("");
        assert!(
            tokio::time::timeout(soon, subscription.changed(mine))
                .await
                .is_ok()
        );
    }
}
