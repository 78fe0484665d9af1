//! What a simulator is started with.

use std::net::{Ipv4Addr, SocketAddr};

use crate::faults::Fault;

/// How to start a [`crate::Simulator`].
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where all HTTP is served. Only a loopback address is accepted; port 0 picks a free one.
    pub listen: SocketAddr,
    /// Where the same is served over TLS: all of Azure. Only a loopback address is accepted; port 0 picks a free one.
    pub listen_tls: SocketAddr,
    /// Where the name server answers, over UDP and TCP. Only a loopback address is accepted; port 0 picks a free one.
    pub dns: SocketAddr,
    /// Simulated seconds per real second: at 60, a workspace runs after 5 to 8 real seconds.
    pub speed: f64,
    /// Seed of every id, delay and secret, so that a run can be repeated.
    pub seed: u64,
    /// Faults that are armed from the start.
    pub faults: Vec<Fault>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            listen_tls: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            dns: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            speed: 1.0,
            seed: 0,
            faults: Vec::new(),
        }
    }
}
