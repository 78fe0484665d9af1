//! Growing delay with full jitter between tries that failed.

use rand::RngExt;
use std::time::Duration;

/// `random(0, min(cap, base · 2^attempts))`, and never less than a tenth of the upper end, so that a run of bad luck
/// cannot become a busy loop.
pub fn full_jitter(base: Duration, cap: Duration, attempts: u32) -> Duration {
    let ceiling = base
        .saturating_mul(2_u32.saturating_pow(attempts.min(16)))
        .min(cap);
    let share = rand::rng().random_range(0.1..=1.0);
    ceiling.mul_f64(share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_to_the_cap_and_never_past_it() {
        let (base, cap) = (Duration::from_secs(1), Duration::from_secs(60));
        for attempts in [0, 1, 5, 6, 40, u32::MAX] {
            for _ in 0..100 {
                let delay = full_jitter(base, cap, attempts);
                let ceiling = cap.min(base * 2_u32.pow(attempts.min(10)));
                assert!(
                    delay <= ceiling && delay >= ceiling / 10,
                    "{attempts}: {delay:?}"
                );
            }
        }
    }
}
