//! The vendor's own Python SDK as a client. It makes its environment below `.tools/` of the
//! repository if it is missing, and fails if it cannot.

use std::path::Path;
use std::process::{Command, Output};

use simulator::{Settings, Simulator};

const SDK: &str = "databricks-sdk==0.156.0";

fn succeed(command: &mut Command) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (stdout, stderr) = (
        String::from_utf8_lossy(&stdout),
        String::from_utf8_lossy(&stderr),
    );
    assert!(status.success(), "{command:?}\n{stdout}\n{stderr}");
    stdout.into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_vendors_sdk_is_content() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let environment = package.join("../.tools/databricks-sdk-0.156.0");
    let python = environment.join("bin/python");
    let usable = Command::new(&python)
        .args(["-c", "import databricks.sdk"])
        .status();
    if !usable.is_ok_and(|status| status.success()) {
        succeed(
            Command::new("python3")
                .args(["-m", "venv", "--clear"])
                .arg(&environment),
        );
        succeed(Command::new(&python).args(["-m", "pip", "install", "--quiet", SDK]));
    }
    let settings = Settings {
        speed: 300.0,
        ..Settings::default()
    };
    let simulator = Simulator::start(settings).await.unwrap();
    let world = serde_json::to_string(simulator.world()).unwrap();
    let script = package.join("tests/python_sdk.py");
    let output = succeed(Command::new(&python).arg(script).arg(world));
    assert!(output.contains("everything is gone"), "{output}");
    assert!(
        simulator.inventory().is_empty(),
        "{:?}",
        simulator.inventory()
    );
    assert_eq!(simulator.inventory().created("workspaces"), 1);
    assert_eq!(
        simulator.unexpected().len(),
        0,
        "{:?}",
        simulator.unexpected()
    );
}
