//! The binary.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use serde_json::Value;
use simulator::FaultKind;

fn simulator() -> Command {
    Command::new(env!("CARGO_BIN_EXE_simulator"))
}

#[test]
fn it_prints_its_world_and_ends_on_a_signal() {
    let mut child = simulator()
        .args(["--speed", "60"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    let world: Value = serde_json::from_str(&line).unwrap();
    for key in [
        "account_host",
        "account_id",
        "client_id",
        "client_secret",
        "workspace_url_template",
        "issuer",
        "jwks_uri",
        "audience",
        "dns",
        "vault_address",
        "vault_token",
    ] {
        assert!(
            world[key].as_str().is_some_and(|value| !value.is_empty()),
            "{key}: {world}"
        );
    }
    assert!(
        world["workspace_url_template"]
            .as_str()
            .unwrap()
            .contains("{deployment_name}")
    );
    Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(child.wait().unwrap().success());
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "", "exactly one line");
}

#[test]
fn it_refuses_the_world_at_large() {
    let output = simulator()
        .args(["--listen", "0.0.0.0:0"])
        .output()
        .unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("not a loopback address"));
}

#[test]
fn it_lists_its_faults() {
    let output = simulator().arg("--list-faults").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for kind in FaultKind::ALL {
        assert!(text.contains(kind.about()), "{kind}");
    }
}

#[test]
fn it_reads_a_file_of_faults() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("faults.json");
    std::fs::write(&path, r#"[{"fault": "no_such_fault"}]"#).unwrap();
    let output = simulator().arg("--faults").arg(&path).output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("no_such_fault"));
}

#[test]
fn the_readme_has_the_catalogue() {
    let readme = include_str!("../../README.md");
    for kind in FaultKind::ALL {
        let line = format!("| `{kind}` | {} |", kind.about());
        assert!(readme.contains(&line), "the README lacks: {line}");
    }
}
