//! The numbers of the tests.

use brickyard::app::App;
use std::time::Duration;

/// The same numbers in the same relations, small enough for a test.
pub fn quicken(app: &mut App) {
    app.drain = Duration::ZERO;
    // Tests ask as fast as they can; the one about the limit sets its own.
    app.http.limits.requests_per_minute = 1_000_000;
    app.queue.poll_every = Duration::from_millis(500);
    app.queue.renew_every = Duration::from_millis(500);
    app.queue.lease = Duration::from_secs(3);
    app.queue.grace = Duration::from_secs(5);
    let p = &mut app.provisioning;
    p.create_timeout = Duration::from_secs(2);
    p.call_timeout = Duration::from_secs(2);
    p.settle = Duration::from_secs(2);
    p.not_yet_budget = Duration::from_secs(20);
    p.record_within = app.queue.lease;
    p.store_retry = Duration::from_millis(600);
    p.observe_fast = Duration::from_millis(50);
    p.observe_slow = Duration::from_millis(100);
    p.observe_fast_after = Duration::ZERO;
    p.probe_gap = Duration::from_millis(20);
    p.look_gap = Duration::from_millis(100);
    p.seal_every = Duration::from_millis(500);
    // Only when a test says so, however far it moves the clock.
    p.sweep.every = Duration::from_secs(100 * 365 * 24 * 3600);
}
