//! Rules of single members.

use crate::config::Mistakes;
use crate::config::secrets::is_path;
use crate::domain::marker::WORKSPACE_TAG;
use std::collections::BTreeMap;

pub(super) fn check_tags(key: &str, tags: &BTreeMap<String, String>, mistakes: &mut Mistakes) {
    if tags.len() > 20 {
        mistakes.add(key, format!("{} tags are more than 20", tags.len()));
    }
    for (name, value) in tags {
        if name == WORKSPACE_TAG {
            mistakes.add(
                format!("{key}.{name}"),
                "is the tag that carries the marker",
            );
        }
        if !(1..=127).contains(&name.chars().count()) || value.chars().count() > 255 {
            mistakes.add(
                format!("{key}.{name}"),
                "a key has 1 to 127 characters and a value at most 255",
            );
        }
    }
}

/// `{id}`, or both `{team}` and `{name}`, make the path one workspace's own.
pub(super) fn check_secret_path(path: &str) -> Result<(), &'static str> {
    let (id, team, name) = ("{id}", "{team}", "{name}");
    let filled = path.replace(id, "x").replace(team, "x").replace(name, "x");
    if filled.contains(['{', '}']) {
        return Err("has a placeholder that is none of {team}, {name}, {id}");
    }
    if !is_path(&filled) {
        return Err("is not a path of letters, digits, `-`, `_`, `.` and single slashes");
    }
    // Next to each other, two of them could spell the same path for two workspaces.
    if path.contains("}{") {
        return Err("needs something between two placeholders");
    }
    let own_segment = |placeholder: &str| path.split('/').any(|segment| segment == placeholder);
    if path.contains(id) || (own_segment(team) && path.contains(name)) {
        return Ok(());
    }
    if own_segment(name) && path.contains(team) {
        return Ok(());
    }
    Err("must contain {id}, or both {team} and {name} in segments of their own")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_paths() {
        for good in [
            "databricks/{team}/{name}",
            "{id}",
            "databricks/{team}/ws-{name}",
            "databricks/{team}-{id}",
            "{team}/{name}/pat",
        ] {
            assert_eq!(check_secret_path(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "databricks/{name}",
            "databricks/{team}",
            // a-b/c and a/b-c would meet
            "databricks/{team}-{name}",
            "databricks/{team}{id}",
            "databricks/{workspace}/{id}",
            "databricks/{id",
            "/{id}",
            "{id}/",
            "a//{id}",
            "../{id}",
            "a b/{id}",
        ] {
            assert!(check_secret_path(bad).is_err(), "{bad}");
        }
    }
}
