//! The one HTTP door: every request is logged, struck by a fault or not, let act, and answered.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::connect_info::ConnectInfo;
use axum::http::Response;
use tokio::sync::watch;

use crate::admin;
use crate::answer::Answer;
use crate::arrivals::Arrival;
use crate::aws;
use crate::calls::Call;
use crate::faults::FaultKind;
use crate::faults::strike::{Effect, effect};
use crate::request::{Host, Request};
use crate::routes;
use crate::state::State;
use crate::wire::{Knife, Wires};

const BODY_LIMIT: usize = 4 << 20;

/// The shared heart of a simulator.
pub(crate) struct Core {
    state: Mutex<State>,
    released: watch::Sender<u64>,
    /// How many calls have come to be held.
    holds: watch::Sender<u64>,
}

impl Core {
    pub(crate) fn new(state: State) -> Arc<Core> {
        Arc::new(Core {
            state: Mutex::new(state),
            released: watch::Sender::new(0),
            holds: watch::Sender::new(0),
        })
    }

    /// The world as of now.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.catch_up();
        state
    }

    pub(crate) fn release(&self) {
        self.released.send_modify(|times| *times += 1);
    }

    pub(crate) fn holds(&self) -> watch::Receiver<u64> {
        self.holds.subscribe()
    }

    /// Waits for the first release after this one.
    async fn held(&self, since: u64) {
        self.holds.send_modify(|times| *times += 1);
        // Nobody drops the sender while a request is served.
        let _ = self
            .released
            .subscribe()
            .wait_for(|times| *times > since)
            .await;
    }

    pub(crate) fn log(
        &self,
        state: &mut State,
        call: Call,
        (workspace, object): (Option<String>, Option<String>),
        method: String,
        path: String,
        fault: Option<FaultKind>,
    ) -> u64 {
        let sequence = state.arrivals.len() as u64 + 1;
        let at = stamp(state);
        state.arrivals.push(Arrival {
            sequence,
            at,
            until: None,
            call,
            workspace,
            object,
            method,
            path,
            status: None,
            acted: false,
            retry_after: None,
            fault,
            mistake: false,
        });
        sequence
    }

    fn answered(&self, sequence: u64, answer: &Answer) {
        // As it was when it acted: nothing needs to catch up for the log.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = stamp(&state);
        if let Some(arrival) = state.arrivals.get_mut(sequence as usize - 1) {
            arrival.status = Some(answer.status);
            arrival.mistake = answer.mistake;
            arrival.until = Some(now);
            arrival.retry_after = answer.retry_after();
        }
    }

    fn act(&self, request: &Request, sequence: u64) -> Answer {
        let mut state = self.state();
        let answer = routes::act(&mut state, request);
        if let Some(arrival) = state.arrivals.get_mut(sequence as usize - 1) {
            arrival.acted = answer.status < 400;
        }
        answer
    }
}

fn stamp(state: &State) -> u64 {
    u64::try_from(state.clock.stamp().as_millis()).unwrap_or(u64::MAX)
}

/// Serves until the task ends.
pub(crate) async fn serve(core: Arc<Core>, wires: Wires) {
    let app = Router::new().fallback(
        move |ConnectInfo(knife): ConnectInfo<Knife>, request: axum::extract::Request| {
            let core = core.clone();
            async move { answer(&core, &knife, request).await }
        },
    );
    let service = app.into_make_service_with_connect_info::<Knife>();
    if let Err(error) = axum::serve(wires, service).await {
        tracing::error!(%error, "the simulator's server ended");
    }
}

async fn answer(core: &Core, knife: &Knife, request: axum::extract::Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, BODY_LIMIT).await else {
        return Answer::unparsable("the body is too large or broke off").into_response();
    };
    let request = Request::new(parts.method, &parts.uri, parts.headers, body, knife.secure);
    if request.host == Host::Home && request.path.starts_with("/_simulator/") {
        return admin::answer(core, &request).into_response();
    }
    through_faults(core, knife, request).await.into_response()
}

async fn through_faults(core: &Core, knife: &Knife, mut request: Request) -> Answer {
    // Read before the arrival is logged: who sees the arrival can release it.
    let since = *core.released.borrow();
    let (sequence, effect, delay) = arrive(core, &mut request);
    let answer = match effect {
        None | Some(Effect::Within) => core.act(&request, sequence),
        Some(Effect::Instead(answer)) => answer,
        Some(Effect::After(instead)) => {
            let answer = core.act(&request, sequence);
            if answer.status < 400 { instead } else { answer }
        }
        Some(Effect::CutBefore) => {
            knife.cut();
            return Answer::empty(503);
        }
        Some(Effect::CutAfter) => {
            core.act(&request, sequence);
            knife.cut();
            return Answer::empty(503);
        }
        Some(Effect::Halve) => {
            let answer = core.act(&request, sequence);
            knife.halve();
            answer
        }
        Some(Effect::HoldBefore) => {
            core.held(since).await;
            // A client that went away just before the release is noticed now, and takes its request
            // with it: this future is dropped.
            tokio::time::sleep(Duration::from_millis(20)).await;
            core.act(&request, sequence)
        }
        Some(Effect::HoldAfter) => {
            let answer = core.act(&request, sequence);
            core.held(since).await;
            answer
        }
        Some(Effect::Late) => {
            tokio::time::sleep(delay).await;
            core.act(&request, sequence)
        }
    };
    core.answered(sequence, &answer);
    answer
}

/// Logs the request and finds the fault that strikes it.
fn arrive(core: &Core, request: &mut Request) -> (u64, Option<Effect>, Duration) {
    let mut state = core.state();
    let (workspace, subjects) = state.subjects(request);
    if matches!(
        request.call,
        Call::CreateWorkspace | Call::ArmCreateWorkspace
    ) && let Some(name) = &workspace
    {
        state.faults.arm_marked(name);
    }
    let now = state.now();
    let fate = state.faults.strike(request.call, &subjects, now, true);
    let strike = state.faults.strike(request.call, &subjects, now, false);
    let strike = strike.or_else(|| fate.clone());
    let effect = strike.as_ref().map(|s| effect(s, request, &state.world));
    let delay = strike.as_ref().map_or(Duration::ZERO, |s| s.duration());
    let fault = strike.as_ref().map(|s| s.kind());
    request.manners = state.faults.manners(request.call, &subjects, now);
    let fault = fault.or(request.manners.first().copied());
    request.strike = fate.or(strike);
    let path = match &request.host {
        Host::Home | Host::Entra | Host::Arm | Host::KeyVault => match aws::operation(request) {
            Some(operation) => format!("/{operation}"),
            None => request.path.clone(),
        },
        Host::Workspace(deployment) => format!("{deployment}{}", request.path),
    };
    let method = request.method.to_string();
    let names = (workspace, state.object(request));
    let sequence = core.log(&mut state, request.call, names, method, path, fault);
    (sequence, effect, delay)
}
