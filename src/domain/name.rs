//! The shape of names. Names cannot contain `_`, so a name and an id cannot be confused.

/// Pattern of a workspace name and of a team name, as it stands in the OpenAPI document.
pub const NAME_PATTERN: &str = "^[a-z][a-z0-9-]{1,38}[a-z0-9]$";

/// Whether `text` is a well-formed workspace or team name: 3 to 40 of `a-z0-9-`, beginning with a letter, not
/// ending in a hyphen.
pub fn is_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    (3..=40).contains(&bytes.len())
        && bytes[0].is_ascii_lowercase()
        && bytes.last() != Some(&b'-')
        && bytes
            .iter()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
}

#[cfg(test)]
mod tests {
    use super::is_name;

    #[test]
    fn names() {
        for good in ["abc", "a1b", "analytics-dev", &"a".repeat(40)] {
            assert!(is_name(good), "{good}");
        }
        for bad in [
            "",
            "ab",
            "Abc",
            "1ab",
            "ab-",
            "a_b",
            "a b",
            "äbc",
            &"a".repeat(41),
        ] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
