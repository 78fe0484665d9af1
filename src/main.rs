//! The `brickyard` binary.
fn main() {}
