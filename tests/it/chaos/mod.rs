//! Real processes in real trouble: replicas of the shipped binary ([`fleet`]) over one Postgres, their wall clocks up
//! to ten minutes apart ([`wall_clock`]), under the load of clients who want workspaces, cancel them and remove them
//! ([`load`]). A seed decides what befalls them ([`troubles`]): `kill -9`, a freeze for longer than a lease, Postgres
//! stopped, connections ended or not to be had, SIGTERM with a call in flight. At the end everything is well again,
//! comes to rest, and must satisfy the checker; then everything is removed, and nothing may be left. Half of the time
//! they work on AWS with Vault, half of it on Azure with Key Vault.
//!
//! The seed decides what is done, not what comes of it: that is up to the machine's scheduler. Some troubles are shown
//! by themselves as well: [`frozen`], [`in_flight`], [`exhausted`], [`clocks`].
//!
//! `CHAOS_SECONDS` says for how long trouble is made (60), half of it on each cloud; `CHAOS_SEED` which (another one in
//! each run).

mod clocks;
mod exhausted;
pub mod figures;
pub mod fleet;
mod frozen;
mod in_flight;
pub mod load;
pub mod troubles;
mod wall_clock;

use crate::checker::{Violation, check};
use crate::support::check::settled_within;
use crate::support::stores::Store;
use crate::support::{Builder, TestApp, calm, database, setting, simulate};
use brickyard::dev;
use brickyard::domain::cloud::{Cloud, ComputeMode};
use brickyard::store::schema;
use figures::Figures;
use fleet::{Fleet, LEASE};
use load::Load;
use rand::SeedableRng;
use rand::rngs::StdRng;
use simulator::Call;
use std::collections::BTreeSet;
use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use troubles::{Order, Troublemaker, slow};

/// Seconds by which the replicas' clocks are ahead.
const CLOCKS: [i64; 3] = [-300, 0, 300];

/// A workspace takes one and a half to two and a half seconds.
const SPEED: f64 = 200.0;

/// After the last trouble: backoffs may have grown to a minute, and lost creates are looked for.
const REST: Duration = Duration::from_secs(240);

/// How long after its lease a job may stay with the dead. Alone on a machine that is a promise; the suite shares it.
fn recovery_bound() -> Duration {
    LEASE
        + Duration::from_secs(if setting("CHAOS_SECONDS").is_some() {
            5
        } else {
            15
        })
}

/// Past the test harness, which would swallow it.
pub fn say(words: &str) {
    let _ = writeln!(std::io::stderr(), "{words}");
}

/// Workspaces made at Databricks beyond the first for each name there: a name has our id in it.
pub fn doubles(app: &TestApp) -> usize {
    let arrivals = app.simulator.arrivals();
    let made: Vec<&String> = arrivals
        .iter()
        .filter(|it| {
            matches!(it.call, Call::CreateWorkspace | Call::ArmCreateWorkspace) && it.acted
        })
        .filter_map(|it| it.object.as_ref())
        .collect();
    made.len() - made.iter().collect::<BTreeSet<_>>().len()
}

/// A world on this cloud, with the store that goes with it, for real processes to work in.
async fn world(cloud: Cloud, speed: f64) -> Builder {
    let simulator = simulate(speed).await;
    calm(&simulator);
    Builder {
        workers: 0,
        simulator: Some(simulator),
        cloud,
        // A VPC serves one workspace; a range of addresses any number.
        template: match cloud {
            Cloud::Aws => dev::OBJECTS.to_owned(),
            Cloud::Azure => format!("{}{}", dev::objects(cloud, ComputeMode::Classic), dev::VNET),
        },
        store: match cloud {
            Cloud::Aws => Store::default(),
            Cloud::Azure => Store::Azure,
        },
        tune: fleet::tune,
        ..Builder::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn three_replicas_under_load_and_in_trouble() {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let seed = setting("CHAOS_SEED").unwrap_or(since.map_or(0, |it| it.as_secs()));
    let length = Duration::from_secs(setting("CHAOS_SECONDS").unwrap_or(60));
    say(&format!("chaos: seed {seed}, {} s", length.as_secs()));
    // What did not come to pass on one cloud does on the next.
    let mut order = Order::new(seed);
    for cloud in Cloud::ALL {
        three_replicas(cloud, seed, length / 2, &mut order).await;
    }
}

async fn three_replicas(cloud: Cloud, seed: u64, length: Duration, order: &mut Order) {
    let (mut postgres, url) = database::private().await;
    let app = Builder {
        database_url: Some(url),
        ..world(cloud, SPEED).await
    };
    let app = app.start().await;
    schema::migrate(&app.db).await.expect("migrations run");
    slow(&app);
    let mut fleet = Fleet::start(&app, "all", &CLOCKS).await;
    let figures = Mutex::new(Figures::default());
    let load = Load {
        app: &app,
        addresses: fleet.addresses(),
        figures: &figures,
        seed,
        updates: true,
    };
    let trouble = async {
        let mut troublemaker = Troublemaker {
            app: &app,
            fleet: &mut fleet,
            postgres: &mut postgres,
            figures: &figures,
            rng: StdRng::seed_from_u64(seed),
        };
        let began = Instant::now();
        loop {
            tokio::time::sleep(Duration::from_millis(700)).await;
            if began.elapsed() >= length {
                return;
            }
            let Some(trouble) = order.next() else { return };
            troublemaker.make(trouble).await;
        }
    };
    tokio::select! {
        () = load.run() => unreachable!("it goes on for ever"),
        () = trouble => {}
    }

    calm(&app.simulator);
    app.simulator.release();
    settled_within(&app, REST).await;
    let found = check(&app.evidence().await);
    let found: Vec<String> = found.iter().map(Violation::to_string).collect();
    if found.is_empty() {
        load.remove_all().await;
        settled_within(&app, REST).await;
    }
    let mut figures = figures.into_inner().unwrap_or_else(PoisonError::into_inner);
    figures.doubles = doubles(&app);
    let run = format!("seed {seed}, {}", cloud.as_str());
    say(&format!("chaos, {run}:\n{figures}"));
    assert!(found.is_empty(), "{run}: {found:#?}");
    assert!(figures.wrong.is_empty(), "{run}: {:#?}", figures.wrong);
    assert!(figures.parked.is_empty(), "{run}: {:#?}", figures.parked);
    assert_eq!(figures.doubles, 0, "{run}");
    let recovery = figures.longest_recovery();
    assert!(recovery <= recovery_bound(), "{run}: {recovery:?}");
    let left = app.simulator.inventory();
    assert!(left.is_empty(), "{run}: {left:#?}");
    fleet.end(&app).await;
    app.finish().await;
    postgres.stop().await;
}
