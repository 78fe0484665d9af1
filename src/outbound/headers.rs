//! What we understand of an answer's headers.

use chrono::DateTime;
use reqwest::header::HeaderMap;
use std::fmt;
use std::time::Duration;

const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(15 * 60);

/// All headers of an answer. They may hold a secret and are never printed.
#[derive(Clone, Default)]
pub struct Headers(pub(super) HeaderMap);

impl Headers {
    /// The first header of a name in lower case, if it is text.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.to_str().ok()
    }

    /// Every header that is text.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.0.iter();
        all.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Headers")
    }
}

/// Seconds or an HTTP date; a date in the past is one second, nonsense is nothing.
pub(super) fn retry_after(value: &str, now: i64) -> Option<Duration> {
    let value = value.trim();
    let seconds = if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        value.parse().unwrap_or(u64::MAX)
    } else {
        let at = DateTime::parse_from_rfc2822(value).ok()?.timestamp();
        u64::try_from(at - now).unwrap_or(0)
    };
    Some(Duration::from_secs(seconds).clamp(Duration::from_secs(1), LONGEST_RETRY_AFTER))
}

pub(super) fn max_age(value: &str) -> Option<u64> {
    let mut parts = value
        .split(',')
        .map(|part| part.trim().to_ascii_lowercase());
    parts.find_map(|part| {
        part.strip_prefix("max-age=")?
            .trim_matches('"')
            .parse()
            .ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_in_all_forms() {
        let now = 784_111_777; // Sun, 06 Nov 1994 08:49:37 GMT
        for (value, seconds) in [
            ("0", Some(1)),
            ("7", Some(7)),
            (" 7 ", Some(7)),
            ("100000", Some(900)),
            ("99999999999999999999999", Some(900)),
            ("Sun, 06 Nov 1994 08:49:47 GMT", Some(10)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(1)),
            ("Sat, 06 Nov 2094 08:00:00 GMT", Some(900)),
            ("-5", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(
                retry_after(value, now),
                seconds.map(Duration::from_secs),
                "{value}"
            );
        }
    }

    #[test]
    fn max_age_among_other_directives() {
        assert_eq!(max_age("public, Max-Age=600, must-revalidate"), Some(600));
        assert_eq!(max_age("no-store"), None);
        assert_eq!(max_age("max-age=x"), None);
    }
}
