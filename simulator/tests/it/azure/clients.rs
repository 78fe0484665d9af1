//! The vendor's own Python clients: credentials, Resource Manager, Key Vault. `make azure-clients` installs them.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use simulator::{Fault, FaultKind, Settings, Simulator};

#[tokio::test(flavor = "multi_thread")]
async fn the_vendors_clients_are_content() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let wanted = root.join("tests/azure_clients");
    let there = root.join(".tools/azure-clients");
    let installed = std::fs::read(there.join("requirements.txt")).unwrap_or_default();
    let current = std::fs::read(wanted.join("requirements.txt")).unwrap();
    assert!(
        installed == current,
        "Azure's clients are missing or old: run `make azure-clients`"
    );
    let settings = Settings {
        speed: 120.0,
        ..Settings::default()
    };
    let simulator = Simulator::start(settings).await.unwrap();
    // Else they would wait in real time.
    simulator.fault(Fault::new(FaultKind::RetryAfterZero));
    let mut child = Command::new(there.join("bin/python"))
        .arg(wanted.join("drive.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let world = serde_json::to_string(simulator.world()).unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(world.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}", said(&output.stderr));
    assert!(said(&output.stdout).contains("everything is gone"));
    let inventory = simulator.inventory();
    assert!(inventory.is_empty() && inventory.deleted_secrets.is_empty());
    assert_eq!(inventory.created("workspaces"), 1);
    assert_eq!(inventory.created("secret_versions"), 3);
    let unexpected = simulator.unexpected();
    assert!(unexpected.is_empty(), "{unexpected:?}");
}
