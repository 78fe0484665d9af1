//! The audit, read from its beginning: what must have become of every workspace and operation, by its rows alone.
//!
//! *Pending* and *provisioning* are one here, *queued* and *running* too: what tells them apart is not always a row of
//! its own.

use super::Evidence;
use super::facts::{called, public, text};
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Cancelling,
    Parked,
    Succeeded,
    Failed,
    Cancelled,
}

impl State {
    fn of(status: &str) -> Self {
        match status {
            "queued" | "running" => Self::Open,
            "cancelling" => Self::Cancelling,
            "needs_attention" => Self::Parked,
            "succeeded" => Self::Succeeded,
            "failed" => Self::Failed,
            _ => Self::Cancelled,
        }
    }

    fn is_done(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

#[derive(Debug)]
struct Operation<'a> {
    workspace: &'a str,
    kind: &'a str,
    state: State,
    position: usize,
    /// A removal that waits for the end of what is kept, and has not begun as far as the audit tells.
    waits: bool,
}

#[derive(Debug)]
struct Workspace<'a> {
    phase: &'static str,
    active: Option<&'a str>,
    /// What was last written of what lives only here.
    local: BTreeMap<&'a str, &'a Value>,
}

#[derive(Default)]
struct Replay<'a> {
    plans: BTreeMap<&'a str, Vec<&'a str>>,
    operations: BTreeMap<&'a str, Operation<'a>>,
    workspaces: BTreeMap<&'a str, Workspace<'a>>,
}

/// I7: each row follows legally from those before it, and together they give what is there now.
pub(super) fn the_audit_gives_the_present(evidence: &Evidence) -> Vec<String> {
    let facts = &evidence.facts;
    let mut replay = Replay::default();
    for row in facts.rows("operations") {
        let plan = row["plan"].as_array().into_iter().flatten();
        let plan = plan.filter_map(Value::as_str).collect();
        replay.plans.insert(text(row, "id"), plan);
    }
    let mut found = Vec::new();
    let purged = facts.purged();
    for row in facts.rows("audit") {
        let about = ["workspace_id", "operation_id"].map(|column| text(row, column));
        // What was changed is told of whatever operation was the last.
        let told = match text(row, "action") {
            "workspace.changed" => &about[..1],
            _ => &about[..],
        };
        if told.iter().any(|id| purged.contains(id)) {
            continue;
        }
        if let Err(words) = replay.row(row) {
            found.push(format!(
                "audit {}: {} of operation {}: {words}",
                row["seq"],
                text(row, "action"),
                text(row, "operation_id"),
            ));
        }
    }
    found.extend(
        facts
            .rows("operations")
            .iter()
            .filter_map(|row| replay.operation_differs(row)),
    );
    found.extend(
        facts
            .rows("workspaces")
            .iter()
            .filter_map(|row| replay.workspace_differs(row)),
    );
    found
}

fn must(holds: bool, words: &str) -> Result<(), String> {
    holds.then_some(()).ok_or_else(|| words.to_owned())
}

impl<'a> Replay<'a> {
    fn row(&mut self, row: &'a Value) -> Result<(), String> {
        let (id, operation) = (text(row, "workspace_id"), text(row, "operation_id"));
        match text(row, "action") {
            "operation.accepted" => return self.accepted(row, id, operation),
            "workspace.changed" => return self.changed(row, id),
            "workspace.forgotten" => return self.forgotten(id),
            "workspace.lost" => return self.becomes(id, "ready", "failed"),
            "workspace.recovered" => return self.becomes(id, "failed", "ready"),
            action if !action.starts_with("operation.") && !action.starts_with("step.") => {
                return must(
                    !action.starts_with("workspace."),
                    "nobody knows this action",
                );
            }
            _ => {}
        }
        let plan = self.plans.get(operation).cloned().unwrap_or_default();
        let Some(it) = self.operations.get_mut(operation) else {
            return Err("it was never accepted".to_owned());
        };
        let workspace = self.workspaces.get_mut(id).ok_or("of no workspace")?;
        must(it.workspace == id, "of another workspace")?;
        let removes = it.kind == "delete";
        let under_way = match it.kind {
            "create" => "making",
            "update" => "updating",
            _ => "deleting",
        };
        let action = text(row, "action");
        if ["operation.resumed", "operation.cancelled"].contains(&action) {
            if action == "operation.resumed" {
                must(it.state == State::Parked || it.waits, "it did not wait")?;
                it.state = State::Open;
                if removes {
                    workspace.phase = "deleting";
                }
            } else {
                // A worker ends what somebody asked it to; who withdraws or forgets something ends it himself.
                let asked = it.state == State::Cancelling || text(row, "actor") != "worker";
                must(asked && !it.state.is_done(), "nobody asked for it")?;
                it.state = State::Cancelled;
                if workspace.active == Some(operation) {
                    workspace.active = None;
                }
            }
            it.waits = false;
            return Ok(());
        }
        if action == "operation.job_restored" {
            return must(!it.state.is_done(), "it had ended");
        }
        if action == "operation.asked_to_cancel" {
            must(!it.state.is_done(), "it had ended")?;
            it.state = State::Cancelling;
            return Ok(());
        }
        must(it.state == State::Open, "it was not under way")?;
        if action == "operation.begun" {
            it.waits = false;
            if !removes {
                workspace.phase = under_way;
            }
            return Ok(());
        }
        let step = row["detail"]["step"].as_str();
        must(
            step == plan.get(it.position).copied(),
            "that was not its step",
        )?;
        let last = it.position + 1 == plan.len();
        it.waits = false;
        workspace.phase = under_way;
        match action {
            "step.waiting" => {}
            "step.retried" => {
                // From an earlier one, if that is whose work has failed.
                if let Some(from) = row["detail"]["from"].as_str() {
                    let at = plan.iter().position(|step| *step == from);
                    let at = at.filter(|at| *at <= it.position && !removes);
                    it.position = at.ok_or("from a step that it had not come to")?;
                }
            }
            "step.succeeded" | "step.undone" | "step.skipped" => {
                must(!last, "the last step ends the operation")?;
                must(
                    action == "step.skipped" || (action == "step.undone") == removes,
                    "in the other direction",
                )?;
                it.position += 1;
            }
            "operation.succeeded" => {
                must(last, "steps were left")?;
                it.position += 1;
                it.state = State::Succeeded;
                workspace.phase = if removes { "deleted" } else { "ready" };
                workspace.active = None;
            }
            "operation.failed" => {
                must(!removes, "a removal does not fail, it is parked")?;
                it.state = State::Failed;
                // What could not be changed is as it was.
                workspace.phase = match it.kind {
                    "update" => "ready",
                    _ => "failed",
                };
                workspace.active = None;
            }
            "operation.parked" => it.state = State::Parked,
            _ => return Err("nobody knows this action".to_owned()),
        }
        Ok(())
    }

    fn accepted(&mut self, row: &'a Value, id: &'a str, operation: &'a str) -> Result<(), String> {
        must(!self.operations.contains_key(operation), "twice")?;
        let kind = text(&row["detail"], "kind");
        let from = row["detail"]["from"].as_str();
        let plan = self.plans.get(operation).ok_or("it is not there")?;
        let position = from.and_then(|from| plan.iter().position(|step| *step == from));
        let waits = text(row, "actor") == "system:failed-create";
        match (kind, self.workspaces.get_mut(id)) {
            ("create", None) => {
                let new = Workspace {
                    phase: "making",
                    active: Some(operation),
                    local: BTreeMap::new(),
                };
                self.workspaces.insert(id, new);
            }
            ("create", Some(workspace)) => {
                must(
                    workspace.phase == "failed" && workspace.active.is_none(),
                    "it had not failed",
                )?;
                (workspace.phase, workspace.active) = ("making", Some(operation));
            }
            ("update", Some(workspace)) => {
                must(
                    workspace.phase == "ready" && workspace.active.is_none(),
                    "it was not at rest",
                )?;
                (workspace.phase, workspace.active) = ("updating", Some(operation));
            }
            ("delete", Some(workspace)) => {
                must(
                    !["deleting", "deleted"].contains(&workspace.phase),
                    "a second removal",
                )?;
                let open = self.operations.values_mut();
                for open in open.filter(|it| it.workspace == id && !it.state.is_done()) {
                    open.state = State::Cancelling;
                }
                workspace.active = Some(operation);
                must(!waits || workspace.phase == "failed", "nothing had failed")?;
                if !waits {
                    workspace.phase = "deleting";
                }
            }
            _ => return Err(format!("a {kind} out of nowhere")),
        }
        let new = Operation {
            workspace: id,
            kind,
            state: State::Open,
            position: position.unwrap_or(0),
            waits,
        };
        self.operations.insert(operation, new);
        Ok(())
    }

    fn changed(&mut self, row: &'a Value, id: &str) -> Result<(), String> {
        let workspace = self.workspaces.get_mut(id).ok_or("of no workspace")?;
        must(
            !["deleting", "deleted"].contains(&workspace.phase),
            "it was on its way out",
        )?;
        let changed = row["detail"]["changed"].as_object().ok_or("of what?")?;
        for (member, change) in changed {
            let before = workspace.local.insert(member, &change["to"]);
            // Times are written by the work as well.
            let follows = member == "expires_at" || before.is_none_or(|it| *it == change["from"]);
            must(follows, &format!("{member} was something else"))?;
        }
        Ok(())
    }

    /// What the sweep sees of a workspace that nobody works on.
    fn becomes(&mut self, id: &str, from: &str, to: &'static str) -> Result<(), String> {
        let workspace = self.workspaces.get_mut(id).ok_or("of no workspace")?;
        must(workspace.active.is_none(), "somebody works on it")?;
        must(workspace.phase == from, "it was not so")?;
        workspace.phase = to;
        Ok(())
    }

    fn forgotten(&mut self, id: &str) -> Result<(), String> {
        let workspace = self.workspaces.get_mut(id).ok_or("of no workspace")?;
        (workspace.phase, workspace.active) = ("deleted", None);
        let open = self.operations.values_mut();
        for open in open.filter(|it| it.workspace == id && !it.state.is_done()) {
            open.state = State::Cancelled;
        }
        Ok(())
    }

    fn operation_differs(&self, row: &Value) -> Option<String> {
        let name = format!("operation {}", public("op", text(row, "id")));
        let Some(told) = self.operations.get(text(row, "id")) else {
            return Some(format!("{name} is there, and the audit does not know it"));
        };
        let position = row["position"]
            .as_u64()
            .and_then(|it| usize::try_from(it).ok());
        let status = text(row, "status");
        (told.state != State::of(status) || Some(told.position) != position).then(|| {
            format!(
                "{name} is {status} at step {position:?}; by the audit it is {:?} at {}",
                told.state, told.position
            )
        })
    }

    fn workspace_differs(&self, row: &Value) -> Option<String> {
        let Some(told) = self.workspaces.get(text(row, "id")) else {
            return Some(format!(
                "{} is there, and the audit does not know it",
                called(row)
            ));
        };
        let phase = match text(row, "phase") {
            "pending" | "provisioning" => "making",
            phase => phase,
        };
        let waits = told
            .active
            .and_then(|active| self.operations.get(active))
            .is_some_and(|it| it.waits);
        let fits = phase == told.phase || waits && phase == "deleting";
        if !fits || row["active_operation"].as_str() != told.active {
            return Some(format!(
                "{} is in the hands of {}; by the audit it is {} in those of {:?}",
                called(row),
                row["active_operation"],
                told.phase,
                told.active
            ));
        }
        let members = told
            .local
            .iter()
            .filter(|(member, _)| **member != "expires_at");
        let now = |member: &str| match member {
            "tags" => &row["spec"]["tags"],
            member => &row[member],
        };
        let mut wrong = members.filter(|(member, value)| now(member) != **value);
        let (member, value) = wrong.next()?;
        Some(format!("{}: {member} was last set to {value}", called(row)))
    }
}
