//! Who the service is where the platform says it: a managed identity, the identity of a pod.

use super::{World, swap};
use crate::support::stores::Store;
use simulator::Call;

/// The official crate learns from the platform where a managed identity is served, and `config` what a pod's identity is.
#[tokio::test(flavor = "multi_thread")]
async fn the_platform_gives_an_identity() {
    let world = World::new().await;
    let azure = &world.simulator.world().azure;
    let folder = tempfile::tempdir().expect("a directory");
    let token = folder.path().join("token");
    std::fs::write(&token, &azure.federated_token).expect("it can be written");
    let store = Store::Azure;
    let there = store.in_configuration(&world.configuration(), world.simulator.world());
    let without: String = there
        .lines()
        .filter(|line| {
            !["tenant_id", "client_secret = \"sim8Q"]
                .iter()
                .any(|it| line.starts_with(it))
        })
        .map(|line| format!("{line}\n"))
        .collect();
    let app_service = [
        ("IDENTITY_ENDPOINT", azure.identity_endpoint.as_str()),
        ("IDENTITY_HEADER", azure.identity_header.as_str()),
    ];
    let managed = swap(&without, "vault_url", "managed_identity = true\nvault_url");
    let other = swap(
        &managed,
        &azure.client_id,
        "00000000-0000-4000-8000-00000000dead",
    );
    let file = token.display().to_string();
    let pod = [
        ("AZURE_FEDERATED_TOKEN_FILE", file.as_str()),
        ("AZURE_TENANT_ID", azure.tenant_id.as_str()),
    ];
    for (configuration, platform, verdict) in [
        (&managed, app_service, "unknown"),
        (&other, app_service, "fail"),
        (&without, pod, "unknown"),
    ] {
        let told = world.check_where(configuration, &platform).await;
        let said = told.one("templates.sandbox.secret_path").0;
        assert_eq!(said, verdict, "{}", told.text);
        assert!(!told.text.contains(&azure.identity_header));
    }
    let asked = world.simulator.arrivals();
    let asked = |call| asked.iter().filter(|it| it.call == call).count();
    assert_eq!(asked(Call::ManagedIdentityToken), 2);
    assert_eq!(asked(Call::EntraToken), 1);
    world.end().await;
}
