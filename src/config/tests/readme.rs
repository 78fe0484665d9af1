//! README's table of settings, held against the code and the example.

use super::*;
use std::collections::BTreeMap;

const README: &str = include_str!("../../../README.md");

/// Setting and default, as README tells them.
fn rows() -> BTreeMap<&'static str, &'static str> {
    let table = README.split("| setting | what it is | default |\n").nth(1);
    let lines = table.expect("the table").lines().skip(1);
    let rows: BTreeMap<_, _> = lines
        .map_while(|line| line.strip_prefix("| ")?.strip_suffix(" |"))
        .map(|line| {
            let cells: Vec<&str> = line.split(" | ").collect();
            assert_eq!(cells.len(), 3, "{line}");
            (cells[0].trim_matches('`'), cells[2])
        })
        .collect();
    assert!(rows.len() > 20, "{rows:?}");
    rows
}

/// `accounts.main.client_id` as `accounts.*.client_id`.
fn pattern(key: &str) -> String {
    let mut parts: Vec<&str> = key.split('.').collect();
    if parts.len() > 2 {
        parts[1] = "*";
    }
    parts.join(".")
}

#[test]
fn it_has_what_is_required_and_nothing_that_does_not_exist() {
    let known = known_keys();
    for (setting, default) in rows() {
        assert!(known.iter().any(|key| key == setting), "{setting}");
        if let Some(other) = default.strip_prefix("or ") {
            let (section, _) = setting.rsplit_once('.').unwrap();
            let other = format!("{section}.{}", other.trim_matches('`'));
            assert!(known.contains(&other), "{setting}: {other}");
        }
    }
    for key in &known {
        let section = key.split('.').next();
        assert!(
            rows()
                .keys()
                .any(|setting| setting.split('.').next() == section),
            "nothing of {key}'s section"
        );
    }
    let empty = "[issuers.some]\n[accounts.some]\n[stores.some]\n[templates.some]\n";
    let required: BTreeSet<String> = load_text(empty, &[])
        .unwrap_err()
        .mistakes
        .iter()
        .filter(|mistake| mistake.message.starts_with("is required"))
        .map(|mistake| pattern(&mistake.key))
        .collect();
    let told: BTreeSet<String> = rows()
        .into_iter()
        .filter(|(_, default)| *default == "required")
        .map(|(setting, _)| setting.to_owned())
        .collect();
    assert!(required.len() > 10, "{required:?}");
    assert_eq!(told, required);
}

#[test]
fn its_defaults_are_the_examples() {
    let mut section = "";
    let mut defaults = BTreeMap::new();
    for line in EXAMPLE.lines() {
        if let Some(header) = line.strip_prefix('[') {
            section = header.trim_matches(['[', ']']);
        } else if let Some((key, value)) = line.strip_prefix("# ").and_then(|l| l.split_once(" = "))
            && !key.contains(' ')
        {
            defaults
                .entry(pattern(&format!("{section}.{key}")))
                .or_insert(value);
        }
    }
    let mut compared = 0;
    for (setting, told) in rows() {
        if told == "required" || told == "none" || told.starts_with("or ") {
            continue;
        }
        assert_eq!(
            defaults.get(setting).copied(),
            Some(told.trim_matches('`')),
            "{setting}"
        );
        compared += 1;
    }
    assert!(compared > 5, "{compared}");
}
