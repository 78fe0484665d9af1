//! From a seed to a list of actions.

use super::action::Action;
use super::world::{WORKERS, WORKSPACES};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use simulator::{Call, FaultKind};

/// Calls that make something, and are struck most.
const CREATES: [Call; 8] = [
    Call::CreateCredentials,
    Call::CreateStorage,
    Call::CreateNetwork,
    Call::CreateWorkspace,
    Call::CreateServicePrincipal,
    Call::MintTokenOnBehalf,
    Call::StorePut,
    Call::StoreMetadataPut,
];

/// The other calls of a workspace's life.
const OTHERS: [Call; 22] = [
    Call::ListCredentials,
    Call::ListStorage,
    Call::ListNetworks,
    Call::GetNetwork,
    Call::ListWorkspaces,
    Call::GetWorkspace,
    Call::ListServicePrincipals,
    Call::AssignPrincipal,
    Call::TokenPermissions,
    Call::ListTokensAsAdmin,
    Call::Me,
    Call::StoreCapabilities,
    Call::StoreMetadataGet,
    Call::StoreDelete,
    Call::RevokeTokenAsAdmin,
    Call::DeleteServicePrincipal,
    Call::DeleteWorkspace,
    Call::DeleteNetwork,
    Call::DeleteStorage,
    Call::DeleteCredentials,
    Call::AccountToken,
    Call::WorkspaceToken,
];

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

/// What befalls the workspace itself.
const FATES: [FaultKind; 6] = [
    FaultKind::WorkspaceFails,
    FaultKind::ListLag,
    FaultKind::TagsLate,
    FaultKind::DnsLate,
    FaultKind::NetworkLingers,
    FaultKind::IamNotPropagated,
];

/// How far clocks jump, in seconds: beyond a probe, a call, a lease, the settle window, a workspace's making, what is
/// kept, a deadline.
const JUMPS: [u64; 12] = [1, 5, 21, 31, 31, 61, 121, 181, 300, 480, 700, 7300];

/// The list of a seed: always the same one.
pub fn actions(seed: u64) -> Vec<Action> {
    let mut chance = StdRng::seed_from_u64(seed);
    let length = chance.random_range(12..48);
    let mut actions = vec![Action::Submit(chance.random_range(0..WORKSPACES))];
    while actions.len() < length {
        if chance.random_bool(0.1) {
            actions.extend(story(&mut chance));
        } else {
            actions.push(action(&mut chance));
        }
    }
    actions
}

/// Several things that have to come one after the other to be any trouble: chance alone seldom puts them so.
fn story(chance: &mut StdRng) -> Vec<Action> {
    let workspace = chance.random_range(0..WORKSPACES);
    let worker = chance.random_range(0..WORKERS);
    let made = Action::Fault(one(chance, &LOST), one(chance, &CREATES));
    let mut story = match chance.random_range(0..6) {
        // Deleted while nobody knows whether something was made.
        0 => vec![
            made,
            Action::Submit(workspace),
            Action::Run(worker),
            Action::Delete(workspace),
        ],
        // Made, lost, and not in the list.
        1 => vec![
            Action::Fault(FaultKind::ListLag, Call::CreateWorkspace),
            Action::Fault(FaultKind::AnswerLost, Call::CreateWorkspace),
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
            hold(chance),
            Action::Work,
            one(chance, &[Ended::Stolen, Ended::Out]).into(),
            Action::Work,
            Action::Work,
            Action::Resume,
        ],
        // Deleted in the middle of something.
        4 => vec![
            Action::Submit(workspace),
            hold(chance),
            Action::Work,
            Action::Delete(workspace),
            Action::Work,
            Action::Resume,
        ],
        // Told to wait, and asked for more.
        _ => vec![
            Action::Fault(FaultKind::Throttled, one(chance, &CREATES)),
            Action::Submit(workspace),
            Action::Run(worker),
            Action::Delete(workspace),
        ],
    };
    story.push(Action::Work);
    story
}

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

fn action(chance: &mut StdRng) -> Action {
    let workspace = chance.random_range(0..WORKSPACES);
    let worker = chance.random_range(0..WORKERS);
    match chance.random_range(0..100) {
        0..16 => Action::Run(worker),
        16..30 => Action::Work,
        30..40 => Action::Next,
        40..50 => Action::Advance(one(chance, &JUMPS)),
        50..57 => Action::Submit(workspace),
        57..59 => Action::Repeat(workspace),
        59..62 => Action::Put(workspace),
        62..67 => Action::Delete(workspace),
        67..78 => fault(chance),
        78..86 => hold(chance),
        86..90 => Action::Resume,
        90..92 => Action::Restart(worker),
        92..95 => Action::Steal,
        95..96 => Action::Renew,
        96..97 => Action::Stop(worker),
        97..98 => Action::Seal,
        _ => Action::Unseal,
    }
}

fn call(chance: &mut StdRng) -> Call {
    if chance.random_bool(0.5) {
        one(chance, &CREATES)
    } else {
        one(chance, &OTHERS)
    }
}

fn fault(chance: &mut StdRng) -> Action {
    match chance.random_range(0..20) {
        0..5 => Action::Fault(one(chance, &FATES), Call::CreateWorkspace),
        // Told to wait, the client waits by a clock that cannot be jumped: this costs a second.
        5 => Action::Fault(FaultKind::Throttled, call(chance)),
        _ => Action::Fault(one(chance, &FAULTS), call(chance)),
    }
}

fn hold(chance: &mut StdRng) -> Action {
    let kind = one(chance, &[FaultKind::HoldRequest, FaultKind::HoldAnswer]);
    let mut call = call(chance);
    // One frozen process does not keep others from fetching a token of their own; here they share the fetch.
    while [Call::AccountToken, Call::WorkspaceToken].contains(&call) {
        call = self::call(chance);
    }
    Action::Fault(kind, call)
}
