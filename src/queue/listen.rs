//! Being told: a connection of its own that listens for notifications.

use sqlx::PgPool;
use sqlx::postgres::PgListener;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Calls `on_notification` with each payload on `channel`, and with an empty one after every (re)connection, since
/// what was said in between is lost. Ends with `shutdown`.
pub async fn listen(
    db: PgPool,
    channel: &'static str,
    on_notification: impl Fn(&str),
    shutdown: CancellationToken,
) {
    while !shutdown.is_cancelled() {
        let mut listener = match connect(&db, channel).await {
            Ok(listener) => listener,
            Err(error) => {
                tracing::warn!(%error, channel, "cannot listen for notifications; polling meanwhile");
                tokio::select! {
                    () = shutdown.cancelled() => return,
                    () = tokio::time::sleep(Duration::from_secs(1)) => continue,
                }
            }
        };
        // Interest is registered before the first look, so that nothing in between is missed.
        on_notification("");
        loop {
            let next = tokio::select! {
                () = shutdown.cancelled() => return,
                next = listener.try_recv() => next,
            };
            match next {
                Ok(Some(notification)) => on_notification(notification.payload()),
                Ok(None) | Err(_) => break,
            }
        }
    }
}

async fn connect(db: &PgPool, channel: &str) -> sqlx::Result<PgListener> {
    let mut listener = PgListener::connect_with(db).await?;
    listener.listen(channel).await?;
    Ok(listener)
}
