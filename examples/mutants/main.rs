//! `make mutants`: each defect of `tests/mutants.toml` is made in a copy of the checkout, and its test must fail.
//!
//! First all named tests run on the copy as it is, and must pass. Then, for each mutant: it is made, built, and its
//! test run. One whose test passes all the same survives: something is not tested, and the exit status is 1. So it is
//! if a mutant cannot be made or built. The copy and what is built of it lie below `target/mutants`; the work tree is
//! only read. The queries are checked against a Postgres of this run's own, for a defect may stand in one.
//!
//!     cargo run --example mutants [-- name…]

#[path = "../../tests/it/mutants/table.rs"]
mod table;

mod cargo;
mod checkout;

use anyhow::{Result, ensure};
use cargo::{Cargo, Ran};
use checkout::Checkout;
use simulator::postgres::Postgres;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use table::Mutant;

/// A test that takes longer never ends.
const LONG: Duration = Duration::from_secs(300);

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            say(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Whether every mutant was caught.
async fn run() -> Result<bool> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut mutants = table::read(root)?;
    let wanted: BTreeSet<String> = std::env::args().skip(1).collect();
    if !wanted.is_empty() {
        mutants.retain(|mutant| wanted.contains(&mutant.name));
        ensure!(mutants.len() == wanted.len(), "no such mutant: {wanted:?}");
    }
    let began = Instant::now();
    let place = root.join("target/mutants");
    let checkout = Checkout::copy(root, place.join("checkout"))?;
    let postgres = Postgres::start().await?;
    let database = sqlx::PgPool::connect(postgres.url()).await?;
    brickyard::store::schema::migrate(&database).await?;
    database.close().await;
    let cargo = Cargo {
        checkout: checkout.path().to_owned(),
        target: place.join("target"),
        database: postgres.url().to_owned(),
    };
    as_it_is(&cargo, &mutants).await?;
    say(&format!(
        "Without a defect their tests pass; that took {} s.",
        began.elapsed().as_secs()
    ));
    let mut caught = 0;
    for mutant in &mutants {
        let Mutant { name, test, .. } = mutant;
        let began = Instant::now();
        let ran = play(&checkout, &cargo, mutant).await;
        let seconds = began.elapsed().as_secs();
        say(&match &ran {
            Ok(Ran::Failed) => format!("caught    {name} by {test} in {seconds} s"),
            Ok(Ran::Endless) => format!("caught    {name} by {test}, which never ends"),
            Ok(Ran::Passed) => format!(
                "SURVIVED  {name}: {test} passes all the same, in {seconds} s. {}",
                mutant.wrong
            ),
            Err(error) => format!("WRONG     {name}: {error:#}"),
        });
        caught += usize::from(matches!(ran, Ok(Ran::Failed | Ran::Endless)));
    }
    postgres.stop().await;
    say(&format!(
        "caught {caught} / made {} in {} s",
        mutants.len(),
        began.elapsed().as_secs()
    ));
    Ok(caught == mutants.len())
}

/// All tests that are named pass where nothing is wrong.
async fn as_it_is(cargo: &Cargo, mutants: &[Mutant]) -> Result<()> {
    for lib in [false, true] {
        let places = mutants.iter().map(Mutant::place);
        let names: BTreeSet<&str> = places.filter(|it| it.0 == lib).map(|it| it.1).collect();
        if names.is_empty() {
            continue;
        }
        let names: Vec<&str> = names.into_iter().collect();
        let program = cargo.build(lib).await?;
        let limit = LONG * u32::try_from(names.len())?;
        let (ran, said) = cargo.test(&program, &names, limit).await?;
        ensure!(
            ran == Ran::Passed,
            "not all of the named tests pass without a defect:\n{said}"
        );
    }
    Ok(())
}

/// Makes the mutant, runs its test, and takes the defect out again.
async fn play(checkout: &Checkout, cargo: &Cargo, mutant: &Mutant) -> Result<Ran> {
    let (lib, name) = mutant.place();
    let good = checkout.read(&mutant.file)?;
    let bad = mutant.apply(&good).map_err(anyhow::Error::msg)?;
    checkout.write(&mutant.file, &bad)?;
    let ran = match cargo.build(lib).await {
        Ok(program) => cargo.test(&program, &[name], LONG).await.map(|it| it.0),
        Err(error) => Err(error),
    };
    checkout.write(&mutant.file, &good)?;
    ran
}
