//! How the process is, by the names every Prometheus client uses. Linux only; elsewhere there is less.

use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

/// Linux counts CPU time for programs in hundredths of a second, on every architecture.
const TICKS: f64 = 100.0;

pub(super) fn registry() -> Registry {
    let mut registry = Registry::default();
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The second field is the program's name in parentheses, and may hold anything.
    let fields: Vec<&str> = stat
        .rsplit_once(") ")
        .map_or("", |(_, rest)| rest)
        .split(' ')
        .collect();
    let number = |field: usize| fields.get(field)?.parse::<f64>().ok();
    if let (Some(user), Some(system)) = (number(11), number(12)) {
        let seconds = ConstCounter::new((user + system) / TICKS);
        registry.register("process_cpu_seconds", "CPU time used", seconds);
    }
    if let (Some(ticks), Some(boot)) = (number(19), booted()) {
        let began = ConstGauge::new(boot + ticks / TICKS);
        registry.register(
            "process_start_time_seconds",
            "When the process began, in Unix time",
            began,
        );
    }
    if let Some(bytes) = resident() {
        registry.register(
            "process_resident_memory_bytes",
            "Memory in use",
            ConstGauge::new(bytes),
        );
    }
    if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
        let open = i64::try_from(open.count()).unwrap_or(i64::MAX);
        registry.register(
            "process_open_fds",
            "Open files and sockets",
            ConstGauge::new(open),
        );
    }
    registry
}

/// When the machine began, in Unix time.
fn booted() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/stat").ok()?;
    let line = stat.lines().find_map(|line| line.strip_prefix("btime "))?;
    line.trim().parse().ok()
}

fn resident() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: f64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kilobytes * 1024.0)
}
