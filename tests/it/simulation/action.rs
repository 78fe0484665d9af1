//! What can happen, and its words: a list of actions is text that can be pasted into a regression test.

use simulator::{Call, FaultKind};
use std::fmt;
use std::str::FromStr;

/// One thing that happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// A client asks for a workspace under a new key.
    Submit(usize),
    /// The same client asks again, as if it had not heard the answer.
    Repeat(usize),
    /// Somebody says that it shall be there: one that failed is retried.
    Put(usize),
    /// Somebody wants another tag on it.
    Tag(usize),
    /// Somebody deletes it, which stops its create.
    Delete(usize),
    /// All clocks move on by so many seconds.
    Advance(u64),
    /// All clocks move on to when the next job is due.
    Next,
    /// A worker runs one job, if one is due.
    Run(usize),
    /// All workers run whatever is due, and time goes on a little meanwhile.
    Work,
    /// The next such call goes wrong. A held one freezes the worker that sends it.
    Fault(FaultKind, Call),
    /// Frozen workers hear their answer and go on, whoever has their job by now.
    Resume,
    /// A frozen worker's process is slow, not gone: its leases are extended.
    Renew,
    /// All leases end at once.
    Steal,
    /// A worker's process is killed and another one begins.
    Restart(usize),
    /// A worker's process is told to stop, and another one begins.
    Stop(usize),
    /// The secret store is sealed.
    Seal,
    /// It is unsealed.
    Unseal,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Submit(n) => write!(f, "submit {n}"),
            Self::Repeat(n) => write!(f, "repeat {n}"),
            Self::Put(n) => write!(f, "put {n}"),
            Self::Tag(n) => write!(f, "tag {n}"),
            Self::Delete(n) => write!(f, "delete {n}"),
            Self::Advance(seconds) => write!(f, "advance {seconds}"),
            Self::Next => write!(f, "next"),
            Self::Run(k) => write!(f, "run {k}"),
            Self::Work => write!(f, "work"),
            Self::Fault(kind, call) => write!(f, "{kind} {call}"),
            Self::Resume => write!(f, "resume"),
            Self::Renew => write!(f, "renew"),
            Self::Steal => write!(f, "steal"),
            Self::Restart(k) => write!(f, "restart {k}"),
            Self::Stop(k) => write!(f, "stop {k}"),
            Self::Seal => write!(f, "seal"),
            Self::Unseal => write!(f, "unseal"),
        }
    }
}

impl FromStr for Action {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (verb, object) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        let wrong = || format!("{text:?} is no action");
        let number = || object.parse().map_err(|_| wrong());
        Ok(match verb {
            "submit" => Self::Submit(number()?),
            "repeat" => Self::Repeat(number()?),
            "put" => Self::Put(number()?),
            "tag" => Self::Tag(number()?),
            "delete" => Self::Delete(number()?),
            "advance" => Self::Advance(object.parse().map_err(|_| wrong())?),
            "next" => Self::Next,
            "run" => Self::Run(number()?),
            "work" => Self::Work,
            "resume" => Self::Resume,
            "renew" => Self::Renew,
            "steal" => Self::Steal,
            "restart" => Self::Restart(number()?),
            "stop" => Self::Stop(number()?),
            "seal" => Self::Seal,
            "unseal" => Self::Unseal,
            _ => {
                let kind = FaultKind::ALL.iter().find(|it| it.name() == verb);
                let call = Call::ALL.iter().find(|it| it.name() == object);
                let (kind, call) = kind.zip(call).ok_or_else(wrong)?;
                Self::Fault(*kind, *call)
            }
        })
    }
}

/// A list as text.
pub fn told(actions: &[Action]) -> String {
    let words: Vec<String> = actions.iter().map(Action::to_string).collect();
    words.join("; ")
}

/// A list from its text.
pub fn read(text: &str) -> Vec<Action> {
    let actions = text.split(';').filter(|it| !it.trim().is_empty());
    let actions: Result<Vec<Action>, String> = actions.map(str::parse).collect();
    actions.unwrap_or_else(|error| panic!("{error}"))
}
