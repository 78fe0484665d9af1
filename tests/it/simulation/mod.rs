//! Deterministic simulation: a seed becomes a place ([`place`]) and a list of actions ([`action`], [`generator`]), the
//! list is played in a world of its own ([`world`], [`worker`]), and at its end everything is healed, comes to rest, and
//! must satisfy the checker. A list that fails is shortened ([`shrink`]) and printed as a line for `regressions`.
//!
//! Real are the database, the API and every call over the loopback; nothing runs unless an action says so, and time
//! only jumps. Not decided by the seed are: the milliseconds that the database's clock really moves on, the jitter of
//! backoffs, random ids, and so sometimes which of two jobs that are due is taken first. A list that fails nearly
//! always fails again; one that does not says so.
//!
//! `SIMULATION_SECONDS` says for how long seeds are tried (20), `SIMULATION_SEEDS` how many instead, `SIMULATION_SEED`
//! the first one (by default another one in each run).

mod action;
mod defences;
mod generator;
mod place;
mod regressions;
mod shrink;
mod worker;
mod world;

use crate::checker::Violation;
use crate::support::setting;
use action::{Action, read, told};
use futures_util::{FutureExt, StreamExt, stream};
use place::Place;
use shrink::shrink;
use std::any::Any;
use std::io::Write;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};
use world::World;

/// Worlds at a time: each mostly waits for its database.
const WORLDS: usize = 4;

/// A list takes a second; one that takes this long never ends.
const LONG: Duration = Duration::from_secs(120);

/// How often a failing list is played again to shorten it.
const TRIES: usize = 150;

/// What does not hold at the end of a list.
async fn play(place: Place, seed: u64, actions: &[Action]) -> Vec<Violation> {
    let mut world = World::start(place, seed).await;
    let playing = async {
        for action in actions {
            world.act(action).await;
        }
        world.finish().await
    };
    let played = tokio::time::timeout(LONG, AssertUnwindSafe(playing).catch_unwind()).await;
    world.end().await;
    let violation = |invariant, words| vec![Violation { invariant, words }];
    match played {
        Ok(Ok(found)) => found,
        Ok(Err(panic)) => violation("a panic", words(&*panic)),
        Err(_) => violation("patience", format!("no end after {LONG:?}")),
    }
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|it| (*it).to_owned()))
        .unwrap_or_default()
}

/// Plays a list that failed once.
async fn replay(place: Place, seed: u64, text: &str) {
    let found = play(place, seed, &read(text)).await;
    assert!(found.is_empty(), "{found:#?}");
}

/// A failing list as short as it gets, and what is wrong then.
async fn report(seed: u64, actions: Vec<Action>, found: Vec<Violation>) -> String {
    let place = Place::of(seed);
    let invariant = found[0].invariant;
    let mut last = found;
    let short = shrink(&actions, TRIES, async |list| {
        let again = play(place, seed, list).await;
        let fails = again.iter().any(|it| it.invariant == invariant);
        if fails {
            last = again;
        }
        fails
    })
    .await;
    let again = match play(place, seed, &short).await.is_empty() {
        true => "\n(it did not fail again when played once more)",
        false => "",
    };
    let wrong: Vec<String> = last.iter().map(Violation::to_string).collect();
    format!(
        "seed {seed} ends badly:\n{}\n\nreplay(Place::{place:?}, {seed}, \"{}\").await;{again}",
        wrong.join("\n"),
        told(&short)
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn no_seed_ends_badly() {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let another = since.map_or(0, |it| it.as_secs());
    let first = setting("SIMULATION_SEED").unwrap_or(another);
    let seconds = Duration::from_secs(setting("SIMULATION_SECONDS").unwrap_or(20));
    let most = setting("SIMULATION_SEEDS");
    let begin = Instant::now();
    let enough = AtomicBool::new(false);
    let wanted = |seed: &u64| match most {
        _ if enough.load(Ordering::Relaxed) => false,
        Some(most) => *seed < first + most,
        None => begin.elapsed() < seconds,
    };
    let mut played = stream::iter((first..).take_while(wanted))
        .map(|seed| async move {
            let place = Place::of(seed);
            let actions = generator::actions(place, seed);
            let found = play(place, seed, &actions).await;
            (seed, actions, found)
        })
        .buffer_unordered(WORLDS);
    let (mut seeds, mut bad) = (0, None);
    while let Some((seed, actions, found)) = played.next().await {
        seeds += 1;
        if !found.is_empty() {
            enough.store(true, Ordering::Relaxed);
            bad.get_or_insert((seed, actions, found));
        }
    }
    let took = begin.elapsed().as_secs();
    // Past the test harness, which would swallow it.
    let _ = writeln!(
        std::io::stderr(),
        "simulation: {seeds} seeds from {first} in {took} s"
    );
    if let Some((seed, actions, found)) = bad {
        let _ = writeln!(
            std::io::stderr(),
            "seed {seed} ends badly: {}; shortening it",
            found[0]
        );
        panic!("{}", report(seed, actions, found).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_action_can_be_played() {
    replay(
        Place::Aws,
        7,
        "seal; repeat 0; submit 0; repeat 0; put 0; throttled list_networks; hold_answer create_storage; run 0; renew; \
         advance 5; resume; work; list_lag create_workspace; submit 1; next; hold_request create_workspace; work; \
         steal; run 1; stop 2; restart 0; submit 2; work; unseal; advance 480; work; hold_answer mint_token_on_behalf; \
         work; stop 0; stop 1; stop 2; delete 1; work",
    )
    .await;
    replay(
        Place::Azure,
        7,
        "seal; repeat 0; submit 0; repeat 0; put 0; throttled arm_get_vnet; hold_answer arm_put_nsg; run 0; run 0; renew; \
         advance 5; resume; work; succeeded_without_url arm_create_workspace; submit 1; next; \
         hold_request arm_create_workspace; work; steal; run 1; stop 2; restart 0; submit 2; work; unseal; advance 480; \
         work; hold_answer mint_token; work; stop 0; stop 1; stop 2; delete 1; work",
    )
    .await;
}

#[test]
fn a_seed_is_always_the_same_list_and_the_list_is_text() {
    for seed in 0..200 {
        for place in Place::ALL {
            let actions = generator::actions(place, seed);
            assert_eq!(actions, generator::actions(place, seed));
            assert_eq!(read(&told(&actions)), actions);
            assert_ne!(actions, generator::actions(place, seed + 1));
        }
    }
}
