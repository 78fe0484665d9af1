//! What the work costs others: calls to the account, and statements when nothing is to be done.

use crate::support::process::{Process, free_port};
use crate::support::{Builder, PATIENCE};
use brickyard::app::App;
use brickyard::provisioning;
use futures_util::future::join_all;
use simulator::Call;
use std::collections::BTreeMap;
use std::fs::File;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// The simulated seconds per real second of this module.
const SPEED: f64 = 60.0;

/// The product's own ticks, shrunk by the world's speed: what is counted is what production would send.
fn to_scale(app: &mut App) {
    let own = provisioning::Settings::default();
    app.provisioning.observe_slow = own.observe_slow.div_f64(SPEED);
    app.provisioning.observe_fast = own.observe_fast.div_f64(SPEED);
    app.provisioning.observe_fast_after = own.observe_fast_after.div_f64(SPEED);
}

/// Makes that many workspaces at once; the calls to the account by kind.
async fn account_calls(workspaces: usize) -> BTreeMap<Call, usize> {
    let builder = Builder {
        speed: SPEED,
        tune: to_scale,
        ..Builder::default()
    };
    let app = builder.start().await;
    let names: Vec<String> = (0..workspaces).map(|n| format!("counted-{n}")).collect();
    let operations = join_all(names.iter().map(|name| app.create(name))).await;
    for operation in &operations {
        assert_eq!(app.done(operation).await["status"], "succeeded");
    }
    let mut calls = BTreeMap::new();
    for arrival in app.simulator.arrivals() {
        if arrival.path.starts_with("/api/2.0/accounts/") {
            *calls.entry(arrival.call).or_default() += 1;
        }
    }
    app.finish().await;
    calls
}

#[tokio::test(flavor = "multi_thread")]
async fn many_in_flight_cost_one_list_a_tick() {
    let mut per_workspace = Vec::new();
    for workspaces in [1, 50] {
        let calls = account_calls(workspaces).await;
        let lists = calls.get(&Call::ListWorkspaces).copied().unwrap_or(0);
        // One look before each create; the rest are the observer's.
        let ticks = lists - workspaces;
        let others = calls.values().sum::<usize>() - lists + workspaces;
        println!(
            "account calls, {workspaces} at once: {:.1} a workspace and {ticks} ticks of the observer; in all {:.1} a workspace",
            others as f64 / workspaces as f64,
            calls.values().sum::<usize>() as f64 / workspaces as f64,
        );
        assert_eq!(calls.get(&Call::CreateWorkspace), Some(&workspaces));
        assert_eq!(
            calls.get(&Call::GetWorkspace),
            None,
            "no workspace is polled by itself"
        );
        // Preflight, look and create for four objects, and the assignment.
        assert!(others <= 10 * workspaces, "{calls:#?}");
        // 180 s of slow ticks, then one a second until the slowest is there, whatever their number.
        assert!(ticks <= 12 + 400, "{ticks} ticks");
        per_workspace.push(calls.values().sum::<usize>() as f64 / workspaces as f64);
    }
    assert!(
        per_workspace[1] < per_workspace[0] / 3.0,
        "{per_workspace:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_process_sends_less_than_a_statement_a_second() {
    let app = Builder {
        workers: 0,
        ..Builder::default()
    }
    .start()
    .await;
    let log = tempfile::NamedTempFile::new().expect("a file");
    let stderr = Stdio::from(File::create(log.path()).expect("it can be written"));
    // The numbers of production, API and worker in one process, each statement a line.
    let metrics = format!("127.0.0.1:{}", free_port());
    let env = [
        ("BRICKYARD_SERVER__METRICS_LISTEN", metrics.as_str()),
        ("BRICKYARD_LOG__FILTER", "info,sqlx::query=debug"),
        ("BRICKYARD_WORKER__LEASE_SECONDS", "30"),
        ("BRICKYARD_WORKER__RENEW_SECONDS", "5"),
        ("BRICKYARD_WORKER__POLL_SECONDS", "2"),
        ("BRICKYARD_WORKER__OBSERVE_SLOW_SECONDS", "15"),
        ("BRICKYARD_WORKER__SEAL_SECONDS", "60"),
    ];
    let _all = Process::start(&app, "all", &env, stderr);
    let create = app.create("before").await;
    assert_eq!(app.done(&create).await["status"], "succeeded");
    let until = Instant::now() + PATIENCE;
    while sqlx::query_scalar::<_, i64>(
        "select count(*) from jobs where kind not in ('seal', 'sweep')",
    )
    .fetch_one(&app.db)
    .await
    .expect("a count")
        > 0
    {
        assert!(
            Instant::now() < until,
            "the observer goes on with nothing to observe"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let statements = || {
        let text = std::fs::read_to_string(log.path()).expect("a log");
        text.lines()
            .filter(|line| line.contains("sqlx::query"))
            .count()
    };
    let before = statements();
    assert!(before > 20, "the log shows statements");
    // Somebody who scrapes often does not make it busier.
    let time = Duration::from_secs(10);
    let begin = Instant::now();
    while begin.elapsed() < time {
        let scraped = reqwest::get(format!("http://{metrics}/metrics")).await;
        assert_eq!(scraped.expect("metrics").status(), 200);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let sent = statements() - before;
    println!(
        "statements of an idle process: {:.1} a second",
        sent as f64 / time.as_secs_f64()
    );
    assert!(
        sent as f64 <= time.as_secs_f64(),
        "{sent} statements in {time:?}"
    );
    app.finish().await;
}
