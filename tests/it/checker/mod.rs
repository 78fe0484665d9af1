//! The invariants, checked from outside. This room trusts nothing in `src/` and imports nothing from it: it reads the
//! database over a read-only connection in SQL of its own ([`facts`]), what the simulator holds and what arrived
//! there, and what the clients remember ([`history`]). One function per invariant, named after what it says. What the
//! clouds call their things, and what makes and removes them, stands in [`kinds`]: no invariant asks for the cloud.
//!
//! | invariant | where |
//! | --- | --- |
//! | I1 one workspace per request, I2 nothing without an owner, I13 deletes in legal order, I17 tags as they shall be | `outside` |
//! | I3 one live token, I4 the store holds it | `tokens` |
//! | I5 no secret outside the store | `secrecy` |
//! | I6 what was accepted ends or is parked, I15 who has stopped holds nothing | `work` |
//! | I7 the audit, replayed, gives the present | `replay` |
//! | I8 epochs never fall | `epochs` |
//! | I9 creates do not meet, I12 who is told to wait waits | `calls` |
//! | I11 one key, one answer, I14 teams do not see each other | `clients` |
//!
//! I10 and I16 speak of quotas and webhooks, which do not exist yet. The audit's hash chain, the other half of I7, is
//! verified where it is made. `seeded` breaks each invariant on purpose: a checker that sees nothing fails there.

mod calls;
mod clients;
mod epochs;
pub mod facts;
pub mod history;
mod kinds;
mod outside;
mod replay;
mod secrecy;
mod seeded;
mod tokens;
mod work;

use facts::Facts;
use history::History;
use simulator::{Arrival, Inventory};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// Everything there is to judge by.
pub struct Evidence {
    /// What the database says.
    pub facts: Facts,
    /// What exists outside.
    pub inventory: Inventory,
    /// What lies in encrypted files, as whoever may decrypt them reads it: the token, by path.
    pub files: BTreeMap<String, Option<String>>,
    /// What arrived outside, oldest first.
    pub arrivals: Vec<Arrival>,
    /// What the clients remember.
    pub history: History,
    /// What holds in this world.
    pub terms: Terms,
}

/// The numbers and names of a world.
#[derive(Debug, Clone)]
pub struct Terms {
    /// First part of every marker.
    pub instance: String,
    /// How long a list must stay empty before a create may be sent again.
    pub settle: Duration,
    /// A mint call gives up after this.
    pub call_timeout: Duration,
    /// Calls per second and host, where one process does all the work: pauses and buckets are its memory's.
    pub one_process: Option<u32>,
    /// What must stay secret, besides the tokens.
    pub secrets: Vec<String>,
}

/// An invariant that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Its number.
    pub invariant: &'static str,
    /// Which workspace, which operation, by what evidence.
    pub words: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.invariant, self.words)
    }
}

type Check = fn(&Evidence) -> Vec<String>;

const CHECKS: [(&str, Check); 15] = [
    ("I1", outside::one_workspace_per_request),
    ("I2", outside::nothing_without_an_owner),
    ("I3", tokens::one_live_token),
    ("I4", tokens::the_store_holds_it),
    ("I5", secrecy::no_secret_outside_the_store),
    ("I6", work::what_was_accepted_ends_or_is_parked),
    ("I7", replay::the_audit_gives_the_present),
    ("I8", epochs::epochs_never_fall),
    ("I9", calls::creates_do_not_meet),
    ("I11", clients::one_key_one_answer),
    ("I12", calls::who_is_told_to_wait_waits),
    ("I13", outside::deletes_in_legal_order),
    ("I14", clients::teams_do_not_see_each_other),
    ("I15", work::who_has_stopped_holds_nothing),
    ("I17", outside::tags_are_as_they_shall_be),
];

/// All invariants of a world that has come to rest.
pub fn check(evidence: &Evidence) -> Vec<Violation> {
    CHECKS
        .iter()
        .flat_map(|(invariant, check)| {
            let found = check(evidence).into_iter();
            found.map(|words| Violation { invariant, words })
        })
        .collect()
}
