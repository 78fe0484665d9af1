//! From the plan to the cells: each call that a step declares, in the first variant that makes it, on the way there, when
//! it is changed and on the way back. A call to the secret store is walked at every store.

use super::exceptions::EXCEPTIONS;
use super::table::{Outcome, Row, TABLE, Trouble, outcome};
use crate::support::variants::{self, Life, Variant, Wire};
use brickyard::provisioning::plan;
use brickyard::provisioning::step::{Call, Step};
use simulator::Call as Outside;
use tokio::sync::OnceCell;

/// On which way a call is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    There,
    Changed,
    Back,
}

impl Way {
    pub fn word(self) -> &'static str {
        match self {
            Self::There => "there",
            Self::Changed => "changed",
            Self::Back => "back",
        }
    }
}

/// One call and what befalls it.
#[derive(Debug, Clone)]
pub struct Cell {
    pub variant: Variant,
    pub step: &'static str,
    pub call: Call,
    pub wire: Wire,
    pub way: Way,
    pub trouble: Trouble,
    pub outcome: Outcome,
    /// Where the step looks for what came of the call.
    pub lookup: Option<Outside>,
    /// The last call of a create.
    pub last: Outside,
}

impl Cell {
    pub fn words(&self) -> String {
        format!(
            "{}{} of {} ({}) on the way {}: {} → {} [{}, {}]",
            self.wire.call,
            self.wire
                .after
                .map(|it| format!(" after {it}"))
                .unwrap_or_default(),
            self.step,
            Row::of(self.call).title(),
            self.way.word(),
            self.trouble.title(),
            self.outcome.word(),
            self.variant.name,
            self.variant.store.name(),
        )
    }
}

/// What a call of a step has to come to, exceptions included.
fn required(
    variant: &Variant,
    step: &str,
    call: Call,
    wire: Outside,
    way: Way,
    trouble: Trouble,
) -> Outcome {
    let exception = EXCEPTIONS.iter().find(|it| {
        (it.step, it.call, it.way) == (step, wire, way)
            && it.is_at(variant)
            && it.troubles.contains(&trouble)
    });
    exception.map_or_else(|| outcome(Row::of(call), trouble), |it| it.outcome)
}

/// The lives of all variants, learned once per run.
pub async fn lives() -> &'static [(Variant, Life)] {
    static LIVES: OnceCell<Vec<(Variant, Life)>> = OnceCell::const_new();
    LIVES
        .get_or_init(|| async {
            let mut lives = Vec::new();
            for variant in variants::ALL {
                lives.push((variant, Life::of(&variant).await));
            }
            lives
        })
        .await
}

/// The ways on which a step is gone, and the calls made on them.
fn ways<'l>(step: &dyn Step, life: &'l Life) -> Vec<(Way, &'l [Outside])> {
    let updates = plan::UPDATE.iter().any(|it| it.name() == step.name());
    match updates {
        true => vec![(Way::Changed, &life.changed)],
        false => vec![(Way::There, &life.there), (Way::Back, &life.back)],
    }
}

/// All cells of a row.
pub async fn of(row: Row) -> Vec<Cell> {
    let mut cells: Vec<Cell> = Vec::new();
    for (variant, life) in lives().await {
        let last = *life.there.last().expect("a create makes calls");
        for step in variant.all_steps() {
            let looks = step.calls().iter().filter(|it| Row::of(**it) == Row::Wait);
            let mut looks = looks.flat_map(|it| variants::wires(variant, step.name(), *it));
            let looks = looks.next().map(|wire| wire.call);
            for call in step.calls().iter().filter(|call| Row::of(**call) == row) {
                let lookup = match call {
                    Call::RevokeToken => variants::wires(variant, step.name(), Call::ListTokens)
                        .first()
                        .map(|wire| wire.call),
                    Call::PutSecret | Call::PutMetadata | Call::DeleteSecret => {
                        Some(Outside::StoreMetadataGet)
                    }
                    _ if row == Row::Create => looks,
                    _ => None,
                };
                for wire in variants::wires(variant, step.name(), *call) {
                    // It looks at what it removes before and after.
                    let lookup = match wire.call {
                        Outside::ArmDeleteVnet => Some(Outside::ArmGetVnet),
                        Outside::ArmDeleteNsg => Some(Outside::ArmGetNsg),
                        _ => lookup,
                    };
                    for (way, calls) in ways(step, life) {
                        let is_walked = |it: &Cell| {
                            (it.step, it.wire, it.way) == (step.name(), wire, way)
                                && (!call.is_store()
                                    || it.variant.store.name() == variant.store.name())
                        };
                        // The one that differs in every variant is walked in all of them.
                        let walked = *call != Call::CreateWorkspace && cells.iter().any(is_walked);
                        if !wire.is_in(calls) || walked {
                            continue;
                        }
                        for (trouble, _) in TABLE {
                            let outcome =
                                required(variant, step.name(), *call, wire.call, way, trouble);
                            if outcome != Outcome::Never
                                && wire.can_meet(trouble.fault(), variant.store)
                            {
                                cells.push(Cell {
                                    variant: *variant,
                                    step: step.name(),
                                    call: *call,
                                    wire,
                                    way,
                                    trouble,
                                    outcome,
                                    lookup,
                                    last,
                                });
                            }
                        }
                    }
                }
            }
        }
    }
    cells
}
