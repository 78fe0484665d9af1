//! From a seed to a list of actions.

use super::action::Action;
use super::place::{Calls, Place};
use super::world::{WORKERS, WORKSPACES};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use simulator::{Call, FaultKind};

/// What passes, and what a refusal looks like.
const FAULTS: [FaultKind; 12] = [
    FaultKind::RequestLost,
    FaultKind::AnswerLost,
    FaultKind::AnswerLost,
    FaultKind::ErrorBeforeActing,
    FaultKind::ErrorAfterActing,
    FaultKind::Truncated,
    FaultKind::Unavailable,
    FaultKind::HtmlError,
    FaultKind::HtmlOk,
    FaultKind::Unauthorized,
    FaultKind::Forbidden,
    FaultKind::EmptyConflict,
];

/// Calls whose answers all workers share.
const TOKENS: [Call; 3] = [Call::AccountToken, Call::WorkspaceToken, Call::EntraToken];

/// How far clocks jump, in seconds: beyond a probe, a call, a lease, the settle window, a workspace's making, what is
/// kept, a deadline.
const JUMPS: [u64; 12] = [1, 5, 21, 31, 31, 61, 121, 181, 300, 480, 700, 7300];

/// How a lease ends under its owner.
#[derive(Clone, Copy)]
enum Ended {
    Stolen,
    Out,
}

impl From<Ended> for Action {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Stolen => Self::Steal,
            Ended::Out => Self::Advance(31),
        }
    }
}

/// Answers that leave open whether there was an effect.
const LOST: [FaultKind; 4] = [
    FaultKind::AnswerLost,
    FaultKind::RequestLost,
    FaultKind::ErrorAfterActing,
    FaultKind::Truncated,
];

fn one<T: Copy>(chance: &mut StdRng, of: &[T]) -> T {
    of[chance.random_range(0..of.len())]
}

/// The list of a seed: always the same one.
pub fn actions(place: Place, seed: u64) -> Vec<Action> {
    let mut generator = Generator {
        chance: StdRng::seed_from_u64(seed),
        calls: place.calls(),
    };
    let length = generator.chance.random_range(12..48);
    let mut actions = vec![Action::Submit(generator.workspace())];
    while actions.len() < length {
        if generator.chance.random_bool(0.1) {
            actions.extend(generator.story());
        } else {
            actions.push(generator.action());
        }
    }
    actions
}

struct Generator {
    chance: StdRng,
    calls: Calls,
}

impl Generator {
    fn workspace(&mut self) -> usize {
        self.chance.random_range(0..WORKSPACES)
    }

    /// Several things that have to come one after the other to be any trouble: chance alone seldom puts them so.
    fn story(&mut self) -> Vec<Action> {
        let workspace = self.workspace();
        let worker = self.chance.random_range(0..WORKERS);
        let made = Action::Fault(
            one(&mut self.chance, &LOST),
            one(&mut self.chance, &self.calls.creates),
        );
        let mut story = match self.chance.random_range(0..8) {
            // Deleted while nobody knows whether something was made.
            0 => vec![
                made,
                Action::Submit(workspace),
                Action::Run(worker),
                Action::Delete(workspace),
            ],
            // Made, lost, and not in the list.
            1 => vec![
                Action::Fault(FaultKind::ListLag, self.calls.workspace),
                Action::Fault(FaultKind::AnswerLost, self.calls.workspace),
                Action::Submit(workspace),
            ],
            // A whole life, and the next one.
            2 => vec![
                Action::Submit(workspace),
                Action::Work,
                Action::Advance(480),
                Action::Work,
                Action::Delete(workspace),
                Action::Work,
                Action::Submit(workspace),
            ],
            // Replaced in the middle of something, and back when its successor is done.
            3 => vec![
                self.hold(),
                Action::Work,
                one(&mut self.chance, &[Ended::Stolen, Ended::Out]).into(),
                Action::Work,
                Action::Work,
                Action::Resume,
            ],
            // Another tag, and another, while the call for the first may still arrive.
            4 | 5 => vec![
                Action::Submit(workspace),
                Action::Work,
                Action::Advance(480),
                Action::Work,
                Action::Fault(
                    one(
                        &mut self.chance,
                        &[FaultKind::HoldRequest, FaultKind::AnswerLost],
                    ),
                    self.calls.update,
                ),
                Action::Tag(workspace),
                Action::Work,
                one(&mut self.chance, &[Ended::Stolen, Ended::Out]).into(),
                Action::Work,
                Action::Tag(workspace),
                Action::Work,
                Action::Resume,
            ],
            // Deleted in the middle of something.
            6 => vec![
                Action::Submit(workspace),
                self.hold(),
                Action::Work,
                Action::Delete(workspace),
                Action::Work,
                Action::Resume,
            ],
            // Told to wait, and asked for more.
            _ => vec![
                Action::Fault(
                    FaultKind::Throttled,
                    one(&mut self.chance, &self.calls.creates),
                ),
                Action::Submit(workspace),
                Action::Run(worker),
                Action::Delete(workspace),
            ],
        };
        story.push(Action::Work);
        story
    }

    fn action(&mut self) -> Action {
        let workspace = self.workspace();
        let worker = self.chance.random_range(0..WORKERS);
        match self.chance.random_range(0..100) {
            0..16 => Action::Run(worker),
            16..30 => Action::Work,
            30..40 => Action::Next,
            40..50 => Action::Advance(one(&mut self.chance, &JUMPS)),
            50..57 => Action::Submit(workspace),
            57..59 => Action::Repeat(workspace),
            59..62 => Action::Put(workspace),
            62..65 => Action::Tag(workspace),
            65..67 => Action::Delete(workspace),
            67..78 => self.fault(),
            78..86 => self.hold(),
            86..90 => Action::Resume,
            90..92 => Action::Restart(worker),
            92..95 => Action::Steal,
            95..96 => Action::Renew,
            96..97 => Action::Stop(worker),
            97..98 => Action::Seal,
            _ => Action::Unseal,
        }
    }

    fn call(&mut self) -> Call {
        if self.chance.random_bool(0.5) {
            one(&mut self.chance, &self.calls.creates)
        } else {
            one(&mut self.chance, &self.calls.others)
        }
    }

    fn fault(&mut self) -> Action {
        match self.chance.random_range(0..20) {
            0..5 => {
                let (kind, call) = one(&mut self.chance, &self.calls.fates);
                Action::Fault(kind, call)
            }
            // Told to wait, the client waits by a clock that cannot be jumped: this costs a second.
            5 => Action::Fault(FaultKind::Throttled, self.call()),
            _ => Action::Fault(one(&mut self.chance, &FAULTS), self.call()),
        }
    }

    fn hold(&mut self) -> Action {
        let kind = one(
            &mut self.chance,
            &[FaultKind::HoldRequest, FaultKind::HoldAnswer],
        );
        let mut call = self.call();
        // One frozen process does not keep others from fetching a token of their own; here they share the fetch.
        while TOKENS.contains(&call) {
            call = self.call();
        }
        Action::Fault(kind, call)
    }
}
