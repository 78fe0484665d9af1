//! `[sweep]`: how often the sweep looks around, what it may remove, and what is kept how long.

use super::{Mistakes, Source};
use crate::provisioning::sweep::Settings;
use serde::Deserialize;
use std::time::Duration;

const DAY: u32 = 24 * 3600;

/// Settings of the sweep.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SweepSettings {
    /// Between two passes.
    pub every_seconds: u32,
    /// Whether orphans are removed.
    pub delete: bool,
    /// How long an orphan must have been known before it is.
    pub delete_after_seconds: u32,
    /// How long deleted workspaces are kept.
    pub keep_deleted_seconds: u32,
    /// How long finished operations of living workspaces are kept.
    pub keep_operations_seconds: u32,
}

impl Default for SweepSettings {
    fn default() -> Self {
        Self {
            every_seconds: 600,
            delete: false,
            delete_after_seconds: DAY,
            keep_deleted_seconds: 90 * DAY,
            keep_operations_seconds: 90 * DAY,
        }
    }
}

impl SweepSettings {
    /// As the work takes them.
    pub fn settings(&self) -> Settings {
        let seconds = |n: u32| Duration::from_secs(n.into());
        Settings {
            every: seconds(self.every_seconds),
            delete: self.delete,
            delete_after: seconds(self.delete_after_seconds),
            keep_deleted: seconds(self.keep_deleted_seconds),
            keep_operations: seconds(self.keep_operations_seconds),
        }
    }
}

pub(super) fn read(source: &Source, mistakes: &mut Mistakes) -> Option<SweepSettings> {
    let sweep: SweepSettings = source.section("sweep", mistakes)?;
    let years = 10 * 365 * DAY;
    for (key, value, from, to) in [
        ("every_seconds", sweep.every_seconds, 10, DAY),
        // Lists may lag for hours, and people need time to look.
        (
            "delete_after_seconds",
            sweep.delete_after_seconds,
            3600,
            years,
        ),
        // An idempotency key points to its operation for 7 days.
        (
            "keep_deleted_seconds",
            sweep.keep_deleted_seconds,
            8 * DAY,
            years,
        ),
        (
            "keep_operations_seconds",
            sweep.keep_operations_seconds,
            8 * DAY,
            years,
        ),
    ] {
        mistakes.range(format!("sweep.{key}"), value, from..=to);
    }
    Some(sweep)
}
