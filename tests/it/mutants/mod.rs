//! The table of mutants (`make mutants`) fits the code: each defect can still be made, and its test is there.

mod table;

use crate::support::named;
use std::collections::BTreeSet;
use std::path::Path;

/// Fewer would not be worth a command.
const FEWEST: usize = 20;

#[test]
fn every_mutant_can_be_made_and_names_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mutants = table::read(root).unwrap_or_else(|error| panic!("{error}"));
    assert!(mutants.len() >= FEWEST, "{} mutants", mutants.len());
    let (here, feet) = (named::tests(), named::unit_tests());
    let mut names = BTreeSet::new();
    for mutant in &mutants {
        let name = &mutant.name;
        assert!(names.insert(name), "two are called {name}");
        assert!(mutant.wrong.ends_with('.'), "{name}: say what is wrong");
        let text = std::fs::read_to_string(root.join(&mutant.file))
            .unwrap_or_else(|error| panic!("{name}: {}: {error}", mutant.file));
        if let Err(why) = mutant.apply(&text) {
            panic!("{name}: {why}");
        }
        let (is_unit_test, test) = mutant.place();
        let there = if is_unit_test { &feet } else { &here };
        assert!(there.contains(test), "{name}: there is no test {test}");
    }
}
