//! README's promises: each names tests, and they exist.

use crate::support::named;
use std::path::Path;

#[test]
fn every_promise_names_tests_that_exist() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(readme).expect("README.md");
    let (_, section) = readme
        .split_once("## What you can rely on")
        .expect("the section");
    let (section, _) = section.split_once("\n## ").expect("its end");
    let tests = named::tests();
    let rows: Vec<&str> = section
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| promise"))
        .filter(|line| !line.starts_with("| ---"))
        .collect();
    assert!(rows.len() >= 10, "{rows:?}");
    for row in rows {
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
