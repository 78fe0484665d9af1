//! The armed faults: which of them strikes a call, and how often it still will.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Fault, FaultKind, Strike};
use crate::calls::Call;

#[derive(Debug)]
struct Armed {
    fault: Fault,
    /// What it comes after has arrived.
    open: bool,
    passed: u32,
    struck: u32,
    until: Option<Duration>,
}

impl Armed {
    fn strike(&mut self, call: Call, subjects: &[String], now: Duration) -> Option<Strike> {
        if !self.open || !self.fault.fits(call, subjects) {
            return None;
        }
        let timed = self.fault.seconds.is_some() && !self.fault.fault.owns_seconds();
        let times = self.fault.times.unwrap_or(self.fault.fault.times());
        let spent = match (timed, self.until) {
            (true, Some(until)) => now >= until,
            (true, None) => false,
            (false, _) => times != 0 && self.struck >= times,
        };
        if spent {
            return None;
        }
        if self.passed < self.fault.skip {
            self.passed += 1;
            return None;
        }
        if timed && self.until.is_none() {
            self.until = Some(now + self.fault.duration());
        }
        self.struck += 1;
        Some(Strike {
            fault: self.fault.clone(),
            nth: self.struck - 1,
        })
    }
}

/// The armed faults.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    armed: Vec<Armed>,
    marked: std::collections::HashSet<String>,
}

impl Faults {
    pub(crate) fn arm(&mut self, fault: Fault) {
        self.armed.push(Armed {
            open: fault.after.is_none(),
            fault,
            passed: 0,
            struck: 0,
            until: None,
        });
    }

    pub(crate) fn clear(&mut self) {
        self.armed.clear();
    }

    pub(crate) fn disarm(&mut self, kind: FaultKind) {
        self.armed.retain(|armed| armed.fault.fault != kind);
    }

    /// Arms the fault a workspace asks for in its own name, once per name.
    pub(crate) fn arm_marked(&mut self, workspace: &str) {
        if let Some(kind) = FaultKind::marked_by(workspace)
            && self.marked.insert(workspace.to_owned())
        {
            self.arm(Fault::new(kind).workspace(workspace));
        }
    }

    /// The fault that strikes this call, if any: of those that befall what is made, or of the others.
    pub(crate) fn strike(
        &mut self,
        call: Call,
        subjects: &[String],
        now: Duration,
        fate: bool,
    ) -> Option<Strike> {
        let strike = self.first(call, subjects, now, fate);
        // The others come second: what waits for this call is not struck in it.
        if !fate {
            for armed in &mut self.armed {
                armed.open |= armed.fault.after == Some(call);
            }
        }
        strike
    }

    fn first(
        &mut self,
        call: Call,
        subjects: &[String],
        now: Duration,
        fate: bool,
    ) -> Option<Strike> {
        self.armed
            .iter_mut()
            .filter(|armed| !armed.fault.fault.is_manner() && armed.fault.fault.is_fate() == fate)
            .find_map(|armed| armed.strike(call, subjects, now))
    }

    /// All the ways in which the answer to this call is going to be told otherwise.
    pub(crate) fn manners(
        &mut self,
        call: Call,
        subjects: &[String],
        now: Duration,
    ) -> Vec<FaultKind> {
        self.armed
            .iter_mut()
            .filter(|armed| armed.fault.fault.is_manner())
            .filter_map(|armed| armed.strike(call, subjects, now))
            .map(|strike| strike.kind())
            .collect()
    }

    /// The armed faults with their counters, for the admin route.
    pub(crate) fn describe(&self) -> Value {
        self.armed
            .iter()
            .map(|a| json!({"fault": a.fault, "passed": a.passed, "struck": a.struck}))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skip_times_and_workspace_are_kept() {
        let mut faults = Faults::default();
        faults.arm(
            Fault::new(FaultKind::AnswerLost)
                .workspace("a-")
                .skip(1)
                .times(2),
        );
        let now = Duration::ZERO;
        let mut hit = |name: &str| {
            faults
                .strike(Call::CreateWorkspace, &[name.to_owned()], now, false)
                .is_some()
        };
        assert!(!hit("b-1"), "another workspace");
        assert!(!hit("a-1"), "skipped");
        assert!(hit("a-1") && hit("a-2"));
        assert!(!hit("a-1"), "spent");
    }

    #[test]
    fn what_comes_after_a_call_waits_for_it() {
        let mut faults = Faults::default();
        faults.arm(
            Fault::new(FaultKind::AnswerLost)
                .on(Call::ListWorkspaces)
                .after(Call::CreateWorkspace),
        );
        let mut hit = |call| faults.strike(call, &[], Duration::ZERO, false).is_some();
        assert!(!hit(Call::ListWorkspaces), "too early");
        assert!(!hit(Call::CreateWorkspace), "the call itself");
        assert!(hit(Call::ListWorkspaces));
    }

    #[test]
    fn seconds_strike_for_a_while() {
        let mut faults = Faults::default();
        faults.arm(Fault::new(FaultKind::StoreSealed).seconds(10.0));
        let mut hit = |at| {
            faults
                .strike(Call::StorePut, &[], Duration::from_secs(at), false)
                .is_some()
        };
        assert!(hit(100) && hit(105) && !hit(110));
    }

    #[test]
    fn a_name_arms_its_fault_once() {
        let mut faults = Faults::default();
        faults.arm_marked("fault-answer-lost-x1y2");
        faults.arm_marked("fault-answer-lost-x1y2");
        faults.arm_marked("fault-unheard-of-x1y2");
        assert_eq!(faults.armed.len(), 1);
    }
}
