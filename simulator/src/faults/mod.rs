//! Named failures: what can go wrong out there, on which call, for which workspace, how often.
//!
//! A [`Fault`] is armed by a test, by the admin route, by a file, or by a *marker*: a workspace whose
//! name begins with `fault-<kind>` (as in `fault-workspace-fails-x1y2`) arms that fault for itself.
//! The first armed fault that fits a request strikes it; what befalls the workspace it makes may do so
//! beside it, and so may what only changes how an answer is told. [`catalogue`] lists the kinds with their
//! natural calls. How a fault looks on the wire is in `strike`, and in `azure` where Azure is called; faults
//! that change the life of a workspace are read where workspaces are created. This room refuses to know
//! requests or routes.

mod armed;
mod azure;
mod kinds;
pub(crate) mod strike;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(crate) use armed::Faults;
pub use kinds::FaultKind;

use crate::calls::Call;

/// One armed failure.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What goes wrong.
    pub fault: FaultKind,
    /// On which call; without it, on the kind's natural calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<Call>,
    /// Only for workspaces (or objects) whose upstream name starts with this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// Only once a call of this kind has arrived since it was armed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Call>,
    /// Let this many fitting calls pass first.
    #[serde(default)]
    pub skip: u32,
    /// Strike this many times, 0 for ever; without it, the kind's own number (mostly 1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// The vendor's words, instead of the kind's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// `Retry-After` of `throttled` and `unavailable`; `throttled` sends 1 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_seconds: Option<u64>,
    /// How long: the delay of `slow` (real), `dns_late`, `list_lag`, `tags_late`, `network_lingers`,
    /// `succeeded_without_url`, `group_lingers`, `recover_late` (simulated), the
    /// life of `short_tokens` (real); for others: strike for this long (simulated) from the first
    /// strike on, instead of counting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// Status of `error_before_acting`, `error_after_acting` and `arm_error`, instead of the kind's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Azure's error code of `arm_error`, `arm_fails` and `workspace_fails`; the AADSTS number of `entra_error`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

impl Fault {
    /// A fault of this kind on its natural calls, as often as the kind says.
    pub fn new(kind: FaultKind) -> Fault {
        Fault {
            fault: kind,
            on: None,
            workspace: None,
            after: None,
            skip: 0,
            times: None,
            message: None,
            retry_after_seconds: None,
            seconds: None,
            status: None,
            code: None,
        }
    }

    /// Only on this call.
    pub fn on(mut self, call: Call) -> Fault {
        self.on = Some(call);
        self
    }

    /// Only for workspaces whose upstream name starts so.
    pub fn workspace(mut self, prefix: impl Into<String>) -> Fault {
        self.workspace = Some(prefix.into());
        self
    }

    /// Only once this call has arrived.
    pub fn after(mut self, call: Call) -> Fault {
        self.after = Some(call);
        self
    }

    /// Let so many pass first.
    pub fn skip(mut self, skip: u32) -> Fault {
        self.skip = skip;
        self
    }

    /// Strike so often; 0 for ever.
    pub fn times(mut self, times: u32) -> Fault {
        self.times = Some(times);
        self
    }

    /// For so long.
    pub fn seconds(mut self, seconds: f64) -> Fault {
        self.seconds = Some(seconds);
        self
    }

    /// In these words.
    pub fn message(mut self, message: impl Into<String>) -> Fault {
        self.message = Some(message.into());
        self
    }

    /// With this status.
    pub fn status(mut self, status: u16) -> Fault {
        self.status = Some(status);
        self
    }

    /// With this code.
    pub fn code(mut self, code: impl Into<String>) -> Fault {
        self.code = Some(code.into());
        self
    }

    fn fits(&self, call: Call, subjects: &[String]) -> bool {
        let on = match self.on {
            Some(on) => on == call,
            None => self.fault.strikes_naturally(call),
        };
        on && match &self.workspace {
            Some(prefix) => subjects.iter().any(|s| s.starts_with(prefix.as_str())),
            None => true,
        }
    }

    fn duration(&self) -> Duration {
        Duration::from_secs_f64(
            self.seconds
                .or(self.fault.seconds())
                .unwrap_or(0.0)
                .clamp(0.0, 1e9),
        )
    }
}

/// A fault that struck: the fault, and how often it had struck before.
#[derive(Clone, Debug)]
pub(crate) struct Strike {
    pub(crate) fault: Fault,
    pub(crate) nth: u32,
}

impl Strike {
    pub(crate) fn kind(&self) -> FaultKind {
        self.fault.fault
    }

    pub(crate) fn duration(&self) -> Duration {
        self.fault.duration()
    }

    pub(crate) fn words<'a>(&'a self, default: &'a str) -> &'a str {
        self.fault.message.as_deref().unwrap_or(default)
    }

    pub(crate) fn code<'a>(&'a self, default: &'a str) -> &'a str {
        self.fault.code.as_deref().unwrap_or(default)
    }
}

/// Every kind with its line, natural calls, number of strikes and duration.
pub fn catalogue() -> Value {
    FaultKind::ALL
        .iter()
        .map(|kind| {
            let on: Vec<_> = Call::ALL
                .iter()
                .filter(|c| kind.strikes_naturally(**c))
                .map(|c| c.name())
                .collect();
            json!({
                "fault": kind.name(),
                "about": kind.about(),
                "natural_calls": on,
                "times": kind.times(),
                "seconds": kind.seconds(),
                "marker": kind.marker(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_natural_calls() {
        for kind in FaultKind::ALL {
            assert!(
                Call::ALL.iter().any(|c| kind.strikes_naturally(*c)),
                "{kind}"
            );
            assert_eq!(FaultKind::marked_by(&kind.marker()), Some(*kind));
        }
    }
}
