//! What each outcome of the table requires, read from what arrived outside. That there is one workspace and one token,
//! and nothing afterwards, is the checker's to say.

use super::cells::{Cell, Way};
use super::table::{Outcome, Trouble};
use crate::support::{TestApp, variants};
use serde_json::Value;
use simulator::{Arrival, Call};
use std::collections::BTreeMap;

/// What happened.
pub struct Seen<'a> {
    pub cell: &'a Cell,
    /// How often the trouble came.
    pub strikes: usize,
    /// What arrived since this workspace was asked for.
    pub calls: Vec<Arrival>,
    /// How many objects of each kind were made for it.
    pub made: BTreeMap<String, u64>,
}

impl Seen<'_> {
    fn of(&self, call: Call) -> impl Iterator<Item = &Arrival> {
        self.calls.iter().filter(move |it| it.call == call)
    }

    /// The calls that are meant.
    fn meant(&self) -> impl Iterator<Item = &Arrival> {
        let wire = self.cell.wire;
        let begin = wire.after.and_then(|after| self.of(after).next());
        let begin = begin.map_or(0, |it| it.sequence);
        self.of(wire.call).filter(move |it| it.sequence > begin)
    }

    /// How often the call was sent.
    fn sent(&self) -> usize {
        self.meant().count()
    }

    /// How often it had its effect.
    fn acted(&self) -> usize {
        self.meant().filter(|it| it.acted).count()
    }
}

/// Holds an operation that has ended against its cell.
pub fn judge(seen: &Seen<'_>, end: &Value, twice: bool) {
    let (sent, acted, strikes) = (seen.sent(), seen.acted(), seen.strikes);
    let end = brief(end);
    let words = format!("sent {sent}, acted {acted}, struck {strikes}: {end}");
    let both = !twice || strikes >= 2 || seen.cell.trouble == Trouble::Stopped;
    match seen.cell.outcome {
        Outcome::Finds => {
            assert_eq!((sent, acted), (1, 1), "{words}");
            assert!(both, "{words}");
        }
        Outcome::LooksFirst => {
            assert_eq!((sent, acted), (strikes + 1, 1), "{words}");
            assert!(both, "{words}");
        }
        Outcome::Again | Outcome::Waits | Outcome::Parks | Outcome::LogsIn => {
            assert!(sent > strikes, "{words}");
            assert!(both, "{words}");
        }
        // What is on its way out may be removed again, what is written put again: the vendor refuses that, or takes it.
        Outcome::Gone | Outcome::Knows => {
            assert!((1..=sent).contains(&acted), "{words}");
            assert!(both, "{words}");
        }
        Outcome::Renews => {
            let acted = |calls: [Call; 2]| {
                let of = calls.into_iter().flat_map(|call| seen.of(call));
                of.filter(|it| it.acted).count()
            };
            let mints = acted([Call::MintTokenOnBehalf, Call::MintToken]);
            let revoked = acted([Call::RevokeTokenAsAdmin, Call::RevokeToken]);
            assert_eq!(revoked + 1, mints, "all but one are revoked: {words}");
            assert!(mints <= strikes + 1, "{words}");
            assert!(both, "{words}");
        }
        Outcome::GoesOn => assert!(strikes >= 1, "{words}"),
        Outcome::Finishes | Outcome::Keeps => {
            let cell = seen.cell;
            let once = variants::unrepeatable_of(&cell.variant).contains(&cell.wire.call);
            assert!(!once || sent == 1, "{words}");
        }
        Outcome::Explains => panic!("it ended well: {words}"),
        Outcome::Never => panic!("it cannot occur: {words}"),
    }
    for (kind, made) in &seen.made {
        assert!(*made <= 1, "{made} {kind}: {words}");
    }
}

/// It says what happened, why, and what to do.
pub fn explained(operation: &Value) {
    for member in ["title", "detail", "hint", "fix_by", "code"] {
        let text = operation["problem"][member].as_str().unwrap_or_default();
        assert!(!text.is_empty(), "no {member}: {}", brief(operation));
    }
}

/// Whether an operation waits for the store and nobody is at it. On the way there no token lives then that the store does
/// not hold.
pub async fn parked(app: &TestApp, way: Way) -> bool {
    let before = standing(app).await;
    let inventory = app.simulator.inventory();
    let (tokens, held) = (inventory.tokens.len(), inventory.secrets.len());
    // Somebody may have come and gone between the looks.
    let parked = before.waits && before.owners == 0 && standing(app).await == before;
    assert!(
        tokens <= held || !parked || way == Way::Back,
        "{tokens} tokens live, {held} secrets"
    );
    parked
}

/// How it is with operations and their jobs, all of one moment.
#[derive(PartialEq, sqlx::FromRow)]
struct Standing {
    owners: i64,
    /// Grows with every claim.
    claims: i64,
    /// One waits for the store.
    waits: bool,
}

async fn standing(app: &TestApp) -> Standing {
    sqlx::query_as(
        "select count(lease_owner) as owners,
                coalesce(sum(lease_epoch), 0)::bigint as claims,
                exists (select from operations
                         where waiting_for = 'secret_store' and status = 'running') as waits
           from jobs where kind = 'operation'",
    )
    .fetch_one(&app.db)
    .await
    .expect("the database answers")
}

/// An operation in one line.
pub fn brief(operation: &Value) -> String {
    let steps = operation["steps"].as_array().into_iter().flatten();
    let open = steps.filter(|step| {
        !matches!(
            step["status"].as_str(),
            Some("succeeded" | "pending" | "skipped")
        )
    });
    let open: Vec<String> = open
        .map(|step| format!("{}: {} ({})", step["name"], step["status"], step["message"]))
        .collect();
    format!(
        "{} is {}, {} {}, {}; {}",
        operation["kind"],
        operation["status"],
        operation["problem"]["code"],
        operation["problem"]["detail"],
        operation["progress"]["message"],
        open.join(", ")
    )
}
