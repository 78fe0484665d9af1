//! Paths as names of secrets. Key Vault's names have letters, digits and dashes only, and no case.
//!
//! `/` becomes `--`; lower-case letters, digits and single dashes stay: `teams/team-a/dev` is `teams--team-a--dev`. All else,
//! capital letters among it, becomes `---` and two hexadecimal digits, and so does a dash whose neighbour would make its
//! length doubtful. So no two paths meet in one name: a run of one dash is a dash, of two a slash, of three the beginning of
//! those digits, of four or five a dash or a slash before it.

use crate::domain::azure::is_secret_name;

/// The name, or `None` if it is too long.
pub(super) fn name(path: &str) -> Option<String> {
    let mut name = String::with_capacity(path.len() + 16);
    let mut rest = path.bytes().peekable();
    while let Some(byte) = rest.next() {
        match byte {
            b'/' => name.push_str("--"),
            b'a'..=b'z' | b'0'..=b'9' => name.push(byte.into()),
            b'-' if !name.ends_with('-') && rest.peek() != Some(&b'/') => name.push('-'),
            other => name.push_str(&format!("---{other:02x}")),
        }
    }
    is_secret_name(&name).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn names() {
        for (path, expected) in [
            ("databricks/team-a/dev", "databricks--team-a--dev"),
            ("a--b", "a----2db"),
            ("a/b", "a--b"),
            ("a/-b", "a-----2db"),
            ("a-/b", "a---2d--b"),
            ("a-", "a-"),
            ("Analytics.dev_1", "---41nalytics---2edev---5f1"),
            ("a=b@c", "a---3db---40c"),
        ] {
            assert_eq!(name(path).as_deref(), Some(expected), "{path}");
        }
        assert_eq!(name(&"a".repeat(127)).map(|it| it.len()), Some(127));
        assert_eq!(name(&"a".repeat(128)), None);
        assert_eq!(name(""), None);
    }

    /// All paths of up to six characters out of those that could be mixed up.
    #[test]
    fn no_two_paths_meet() {
        let mut paths = vec![String::new()];
        let mut seen: BTreeMap<String, String> = BTreeMap::new();
        for _ in 0..6 {
            paths = paths
                .iter()
                .flat_map(|path| "-/a2dA_".chars().map(move |next| format!("{path}{next}")))
                .collect();
            for path in &paths {
                let empty = path.starts_with('/') || path.ends_with('/') || path.contains("//");
                if empty {
                    continue;
                }
                let name = name(path).unwrap();
                assert_eq!(name, name.to_ascii_lowercase());
                if let Some(other) = seen.insert(name.clone(), path.clone()) {
                    panic!("{path} and {other} are both {name}");
                }
            }
        }
        assert!(seen.len() > 50_000);
    }
}
