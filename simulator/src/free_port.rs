//! Ports for servers that have to be told one, and that may come back to it.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// Below what systems hand out by themselves, to port 0 and to outgoing connections: who takes its port there finds it
/// free again after a restart.
const RANGE: std::ops::Range<u16> = 20_000..32_000;

/// Some servers also take the port after theirs: OpenBao does, for its cluster.
const STEP: u16 = 2;

/// A port of 127.0.0.1 that nobody listens on. No two calls of a process get the same one; between the look and the
/// caller's bind another process may take it.
///
/// # Errors
///
/// All ports of the range are taken.
pub fn free_port() -> io::Result<u16> {
    static ASKED: AtomicU16 = AtomicU16::new(0);
    let count = u32::from((RANGE.end - RANGE.start) / STEP);
    // Processes that start together begin far from each other.
    let begin = std::process::id().wrapping_mul(997);
    for _ in RANGE.step_by(STEP.into()) {
        let asked = u32::from(ASKED.fetch_add(1, Ordering::Relaxed));
        let offset = begin.wrapping_add(asked) % count;
        let port = RANGE.start + STEP * u16::try_from(offset).unwrap_or_default();
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    Err(io::Error::new(
        io::ErrorKind::AddrInUse,
        format!("every port of {RANGE:?} is taken"),
    ))
}
