//! One contract for every secret store, run against the simulator's part, against the real server where there is one
//! (OpenBao; for AWS moto, which is at least somebody else's), and against files.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod age_files;
mod aws;
mod azure;
mod contract;
mod logins;
mod servers;
mod vault;

use brickyard::outbound::{self, Outbound};
use brickyard::secrets::SecretValue;
use secrecy::SecretString;
use simulator::{Call, Simulator};
use std::sync::LazyLock;

/// The value of these tests.
static TOKEN: LazyLock<SecretString> = LazyLock::new(|| "dapi-canary".to_owned().into());

fn value() -> SecretValue<'static> {
    SecretValue {
        host: "https://dbc-1.example",
        token: &TOKEN,
    }
}

fn outbound() -> Outbound {
    Outbound::new(outbound::Settings {
        dns_servers: Vec::new(),
        allow_plain_http: true,
        ..outbound::Settings::default()
    })
    .unwrap()
}

async fn simulator() -> Simulator {
    Simulator::start(simulator::Settings::default())
        .await
        .unwrap()
}

fn arrived(simulator: &Simulator, call: Call) -> usize {
    let arrivals = simulator.arrivals();
    arrivals.iter().filter(|it| it.call == call).count()
}
