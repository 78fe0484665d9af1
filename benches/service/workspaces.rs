//! Whole workspaces, from the request to the delivered token, by one process in the simulated world: what Brickyard adds
//! to the cloud's own time, and what it costs while many are in flight.

use super::load::{exchange, request};
use super::process::Process;
use super::table::{Table, quantile};
use super::world::{SPEED, World};
use brickyard::dev::TEMPLATE;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::BufReader;
use tokio::net::TcpStream;

/// Longest a round may take.
const PATIENCE: Duration = Duration::from_secs(300);

pub(crate) async fn run(world: &World, table: &mut Table) {
    for number in [1, 50, 500] {
        round(world, table, number).await;
    }
}

async fn round(world: &World, table: &mut Table, number: usize) {
    let url = world.database(&format!("workspaces_{number}")).await;
    let process = Process::start(world, "all", &url, "warn").await;
    let mut client = Client::new(process.address, world.token()).await;
    // The first request brings keys and connections with it; what is measured begins after it.
    client.get("/workspaces").await;
    let (memory, time) = (process.peak_memory(), process.processor_time());
    let calls_before = world.simulator.arrivals().len();
    let mut operations = HashMap::new();
    for n in 0..number {
        let body = json!({"name": format!("bench-{number}-{n}"), "template": TEMPLATE});
        let operation = client.post("/workspaces", &body).await;
        let workspace = operation["target"]["id"].as_str().unwrap().to_owned();
        operations.insert(workspace, operation["id"].as_str().unwrap().to_owned());
    }
    let until = Instant::now() + PATIENCE;
    loop {
        let unfinished = client.get("/operations?done=false&limit=1").await;
        if unfinished["items"].as_array().unwrap().is_empty() {
            break;
        }
        assert!(Instant::now() < until, "{unfinished:#}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let used = process.processor_time() - time;
    let arrivals = world.simulator.arrivals();
    let account = arrivals[calls_before..]
        .iter()
        .filter(|arrival| arrival.path.starts_with("/api/2.0/accounts/"));
    let calls = account.count() as f64 / number as f64;

    let cloud: HashMap<String, f64> = world
        .simulator
        .inventory()
        .workspaces
        .into_iter()
        .filter_map(|w| Some((w.name, w.ran_after?.as_secs_f64() / SPEED)))
        .collect();
    let mut overheads = Vec::new();
    let (mut whole, mut clouds) = (0.0, 0.0);
    for (workspace, operation) in &operations {
        let operation = client.get(&format!("/operations/{operation}")).await;
        assert_eq!(operation["status"], "succeeded", "{operation:#}");
        let end = &workspace[workspace.len() - 8..];
        let (_, cloud) = cloud.iter().find(|(name, _)| name.ends_with(end)).unwrap();
        let took = time_of(&operation["finished_at"]) - time_of(&operation["created_at"]);
        let took = took.as_seconds_f64();
        overheads.push(took - cloud);
        whole += took;
        clouds += cloud;
    }
    let what = format!("{number} workspaces at once");
    let each = number as f64;
    table.beside(
        &what,
        "request to token, beside the cloud's own time, mean",
        whole / each,
        clouds / each,
        "s",
    );
    for (how, share) in [("overhead, p50", 0.5), ("overhead, p99", 0.99)] {
        table.count(&what, how, quantile(&mut overheads, share), "s");
    }
    table.count(&what, "account calls each", calls, "");
    table.count(&what, "processor time each", used * 1000.0 / each, "ms");
    table.count(&what, "most memory", process.peak_memory(), "MiB");
    if number > 1 {
        let grown = (process.peak_memory() - memory) * 1024.0 / each;
        table.count(&what, "memory above idle, each", grown, "KiB");
    }
    drop(client);
    process.stop().await;
}

fn time_of(value: &Value) -> DateTime<Utc> {
    value.as_str().unwrap().parse().unwrap()
}

struct Client {
    connection: BufReader<TcpStream>,
    token: String,
}

impl Client {
    async fn new(address: SocketAddr, token: String) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        Self {
            connection: BufReader::new(stream),
            token,
        }
    }

    async fn get(&mut self, path: &str) -> Value {
        self.send("GET", path, "").await
    }

    async fn post(&mut self, path: &str, body: &Value) -> Value {
        self.send("POST", path, &body.to_string()).await
    }

    async fn send(&mut self, method: &str, path: &str, body: &str) -> Value {
        let request = request(method, path, &self.token, body);
        serde_json::from_slice(&exchange(&mut self.connection, &request).await).unwrap()
    }
}
