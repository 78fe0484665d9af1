//! README's promises, and what it says of Azure: each row names tests, and they exist.

use crate::support::named;
use std::path::Path;

/// The rows of the table with that head, in that section.
fn rows(section: &str, head: &str) -> Vec<String> {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(readme).expect("README.md");
    let (_, section) = readme.split_once(section).expect("the section");
    let (section, _) = section.split_once("\n## ").expect("its end");
    let (_, table) = section.split_once(head).expect("the table");
    let rows = table.lines().skip(2);
    let rows = rows.take_while(|line| line.starts_with("| "));
    rows.map(str::to_owned).collect()
}

#[test]
fn every_promise_names_tests_that_exist() {
    let tests = named::tests();
    let promises = rows("## What you can rely on", "| promise | tests |");
    let azure = rows("## On AWS and on Azure", "| step of the guides |");
    assert!(promises.len() >= 10, "{promises:?}");
    assert!(azure.len() >= 9, "{azure:?}");
    for row in [promises, azure].concat() {
        let (_, named) = row
            .trim_end_matches(" |")
            .rsplit_once(" | ")
            .expect("two cells");
        let named: Vec<&str> = named.split_whitespace().collect();
        assert!(!named.is_empty(), "no test keeps: {row}");
        for name in named {
            let name = name.trim_matches('`');
            assert!(tests.contains(name), "there is no test {name}");
        }
    }
}
