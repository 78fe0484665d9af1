//! `docs/faults.md`, made of the same table that the tests are made of.

use super::exceptions::EXCEPTIONS;
use super::table::{Outcome, Row, TABLE};
use brickyard::provisioning::plan;
use brickyard::provisioning::step::Step;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// What people can do in each step, and what comes of it: cancelled there, retried after it failed, removed.
const STEERED: &[(&str, &str, &str, &str)] = &[
    (
        "preflight",
        "stops at once; nothing was made",
        "checks again",
        "nothing to undo",
    ),
    (
        "create_credentials",
        "what the call makes is written down, then removed",
        "looks for it by its name, makes it if it is not there",
        "removed by its id; waits while it is in use",
    ),
    (
        "create_storage",
        "what the call makes is written down, then removed",
        "looks for it by its name, makes it if it is not there",
        "removed by its id; waits while it is in use",
    ),
    (
        "create_network",
        "what the call makes is written down, then removed",
        "looks for it by its name, makes it if it is not there",
        "removed by its id; waits while the vendor still has it attached; one given by id is left alone",
    ),
    (
        "create_workspace",
        "what the call makes is written down, then removed, while it is being built if need be",
        "looks for it by its tag or its name; one that the vendor has given up is removed first, then another is made",
        "asked to be removed, and watched until the vendor does not know it any more",
    ),
    (
        "await_running",
        "stops at once; the workspace is removed while it is being built",
        "goes back to `create_workspace`: what the vendor has given up does not begin to run by being watched",
        "nothing to undo",
    ),
    (
        "await_reachable",
        "stops at once; the workspace is removed",
        "asks its name and its API again",
        "nothing to undo",
    ),
    (
        "create_service_principal",
        "what the call makes is written down, then removed",
        "looks for it by its name, makes it if it is not there, and sets its rights again",
        "removed by its id; its rights go with it",
    ),
    (
        "deliver_token",
        "a token that was minted is revoked, and its secret removed",
        "revokes what carries our marker and is not delivered, then mints and delivers",
        "the secret is removed from the store, then the token is revoked; one that cannot be revoked ends with its \
         workspace",
    ),
    (
        "update_workspace",
        "cannot be: it ends by itself; a removal of the workspace stops it",
        "sets the tags again",
        "is in no removal: tags go with their workspace",
    ),
];

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/faults.md")
}

/// Every step of every plan, in the order of the first that has it.
fn steps() -> Vec<&'static dyn Step> {
    let mut seen = BTreeSet::new();
    let rows = plan::ROWS
        .iter()
        .flat_map(|&(cloud, mode)| plan::steps(cloud, mode));
    rows.chain(plan::UPDATE)
        .copied()
        .filter(|step| seen.insert(step.name()))
        .collect()
}

fn line(page: &mut String, cells: impl IntoIterator<Item = String>) {
    let cells: Vec<String> = cells.into_iter().collect();
    let _ = writeln!(page, "| {} |", cells.join(" | "));
}

fn head(page: &mut String, titles: &[&str]) {
    page.push('\n');
    line(page, titles.iter().map(|&it| it.to_owned()));
    line(page, titles.iter().map(|_| "---".to_owned()));
}

fn page() -> String {
    let mut page = String::from(
        "# What can go wrong, and what comes of it\n\n\
         Made from `tests/it/matrix/table.rs` by `make faults`: the tests that play these cells are made of the same table \
         (`cargo test --test it matrix::`). Every call of every step is struck by every trouble that it can meet, on the way \
         there, when it is changed and on the way back, and those to the secret store at every kind of store: once, twice in a row, and with somebody cancelling while it recovers. In each of them \
         there is in the end one workspace with one live token, which the store holds, and after the removal there is \
         nothing; a checker that knows nothing of the service's code looks.\n\n\
         ## By kind of call\n",
    );
    let mut titles = vec!["what befalls it"];
    titles.extend(Row::ALL.iter().map(|row| row.title()));
    head(&mut page, &titles);
    for (trouble, cells) in TABLE {
        let words = cells.iter().map(|outcome| outcome.word().to_owned());
        line(
            &mut page,
            std::iter::once(trouble.title().to_owned()).chain(words),
        );
    }
    head(&mut page, &["word", "what has to come of it"]);
    for outcome in Outcome::ALL {
        line(
            &mut page,
            [
                format!("**{}**", outcome.word()),
                outcome.meaning().to_owned(),
            ],
        );
    }
    page.push_str("\nNot like the others of their kind:\n");
    head(
        &mut page,
        &["step", "call", "way", "what befalls it", "comes to", "why"],
    );
    for it in EXCEPTIONS {
        let titles: Vec<&str> = it.troubles.iter().map(|it| it.title()).collect();
        let others = TABLE
            .iter()
            .filter(|(trouble, _)| !it.troubles.contains(trouble));
        let others: Vec<&str> = others.map(|(trouble, _)| trouble.title()).collect();
        let troubles = if titles.len() > others.len() {
            format!("anything but: {}", others.join("; "))
        } else {
            titles.join("; ")
        };
        line(
            &mut page,
            [
                format!("`{}`", it.step),
                match it.at {
                    None => format!("`{}`", it.call),
                    Some(store) => format!("`{}` at {}", it.call, store.name()),
                },
                it.way.word().to_owned(),
                troubles,
                it.outcome.word().to_owned(),
                it.why.to_owned(),
            ],
        );
    }
    page.push_str("\n## Which step sends what\n");
    head(
        &mut page,
        &["step", "create, mint", "wait", "put", "delete"],
    );
    for step in steps() {
        let of = |rows: &[Row]| {
            let calls = step
                .calls()
                .iter()
                .filter(|call| rows.contains(&Row::of(**call)));
            let names: Vec<String> = calls.map(|call| format!("`{}`", call.as_str())).collect();
            names.join(" ")
        };
        line(
            &mut page,
            [
                format!("`{}`", step.name()),
                of(&[Row::Create, Row::Mint]),
                of(&[Row::Wait, Row::StoreWait]),
                of(&[Row::Put, Row::StorePut]),
                of(&[Row::Delete, Row::StoreDelete]),
            ],
        );
    }
    page.push_str("\n## Cancelled, retried, removed\n\nA removal goes through the steps backwards, in every phase.\n");
    head(
        &mut page,
        &[
            "step",
            "cancelled in it",
            "retried after it failed",
            "removed",
        ],
    );
    for step in steps() {
        let (_, cancelled, retried, removed) = STEERED
            .iter()
            .find(|(name, ..)| *name == step.name())
            .unwrap_or_else(|| panic!("say here what comes of people's wishes in {}", step.name()));
        line(
            &mut page,
            [
                format!("`{}`", step.name()),
                (*cancelled).to_owned(),
                (*retried).to_owned(),
                (*removed).to_owned(),
            ],
        );
    }
    page
}

/// `MATRIX_PAGE=write` renews it.
#[test]
fn the_page_is_the_table() {
    let page = page();
    if std::env::var("MATRIX_PAGE").is_ok_and(|it| it == "write") {
        std::fs::write(path(), &page).expect("it can be written");
    }
    let written = std::fs::read_to_string(path()).unwrap_or_default();
    assert!(
        written == page,
        "docs/faults.md is not what the table says; run `make faults`"
    );
}
