//! The simulator's own routes below `/_simulator/`: look at the world, and make trouble.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::answer::{Answer, Outcome};
use crate::faults::{Fault, catalogue};
use crate::inventory;
use crate::request::Request;
use crate::server::Core;

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    Many(Vec<Fault>),
    One(Box<Fault>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    seconds: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Store {
    sealed: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Account {
    deployment_prefix: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rotate {
    #[serde(default)]
    keep: bool,
}

/// Answers an admin request.
pub(crate) fn answer(core: &Core, request: &Request) -> Answer {
    act(core, request).unwrap_or_else(|refusal| refusal)
}

fn parse<T: serde::de::DeserializeOwned>(request: &Request) -> Result<T, Answer> {
    serde_json::from_slice(&request.body).map_err(Answer::unparsable)
}

fn act(core: &Core, request: &Request) -> Outcome {
    let route = request.path.trim_start_matches("/_simulator/");
    let mut state = core.state();
    Ok(match (request.method.as_str(), route) {
        ("GET", "world") => Answer::ok(&json!(state.world)),
        ("GET", "faults") => Answer::ok(&state.faults.describe()),
        ("GET", "faults/catalogue") => Answer::ok(&catalogue()),
        ("POST", "faults") => {
            let faults = match parse(request)? {
                OneOrMany::Many(faults) => faults,
                OneOrMany::One(fault) => vec![*fault],
            };
            for fault in faults {
                state.faults.arm(fault);
            }
            Answer::json(201, &state.faults.describe())
        }
        ("DELETE", "faults") => {
            state.faults.clear();
            Answer::empty(204)
        }
        ("GET", "arrivals") => Answer::ok(&json!(state.arrivals)),
        ("GET", "unexpected") => {
            let mistakes: Vec<_> = state.arrivals.iter().filter(|a| a.mistake).collect();
            Answer::ok(&json!(mistakes))
        }
        ("GET", "inventory") => Answer::ok(&json!(inventory::redacted(inventory::take(&state)))),
        ("POST", "advance") => {
            let Advance { seconds } = parse(request)?;
            state
                .clock
                .advance(Duration::from_secs_f64(seconds.clamp(0.0, 1e9)));
            Answer::ok(&json!({"now_seconds": state.now().as_secs_f64()}))
        }
        ("POST", "release") => {
            core.release();
            Answer::empty(204)
        }
        ("POST", "store") => {
            let Store { sealed } = parse(request)?;
            state.vault.sealed = sealed;
            Answer::empty(204)
        }
        ("POST", "account") => {
            let Account { deployment_prefix } = parse(request)?;
            state.deployment_prefix = deployment_prefix;
            Answer::empty(204)
        }
        ("POST", "issuer/rotate") => {
            let Rotate { keep } = if request.body.is_empty() {
                Rotate { keep: false }
            } else {
                parse(request)?
            };
            state.issuer.rotate(keep);
            Answer::empty(204)
        }
        ("POST", "issuer/login") => {
            state.logins.register(parse(request)?);
            Answer::empty(204)
        }
        _ => Answer::json(404, &Value::from("no such admin route")),
    })
}
