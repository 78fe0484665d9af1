//! The `brickyard` binary: parse the command line, do it, turn the end into an exit code.

use brickyard::cli::{self, Cli};
use clap::Parser;
use std::process::ExitCode;

fn main() -> anyhow::Result<ExitCode> {
    cli::run(&Cli::parse())
}
