//! What is made is found and removed.

use super::*;
use brickyard::cloud::{ObjectKind, Own};

#[tokio::test]
async fn what_is_made_is_found_and_removed() {
    let (simulator, aws) = start().await;
    assert_eq!(
        aws.find_object(ObjectKind::Credentials, "our-credentials", &spec())
            .await
            .unwrap(),
        None
    );
    assert_eq!(
        aws.find_object(ObjectKind::Storage, "our-storage", &spec())
            .await
            .unwrap(),
        None
    );
    assert_eq!(
        aws.find_service_principal("our-principal").await.unwrap(),
        None
    );
    assert!(aws.list_workspaces().await.unwrap().is_empty());

    let made = create(&aws, "team-a-x1y2", &spec()).await.unwrap();
    let credentials = aws
        .find_object(ObjectKind::Credentials, "our-credentials", &spec())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(credentials.content, ROLE);
    let storage = aws
        .find_object(ObjectKind::Storage, "our-storage", &spec())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(storage.content, "team-a-root");
    let listed = aws.list_workspaces().await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(
        (&listed[0].at.id, listed[0].name.as_str()),
        (&made.at.id, "team-a-x1y2")
    );
    assert_eq!(listed[0].region, "eu-west-1");
    assert_eq!(
        listed[0].credentials_id.as_deref(),
        Some(credentials.id.as_str())
    );
    assert_eq!(listed[0].tags["brickyard"], "marker");
    assert_eq!(
        listed[0].at.url,
        simulator.world().workspace_url(&made.at.deployment_name)
    );
    let principal = aws.create_service_principal("our-principal").await.unwrap();
    assert_eq!(
        aws.find_service_principal("our-principal").await.unwrap(),
        Some(principal.clone())
    );

    let again = aws
        .create_object(ObjectKind::Credentials, "our-credentials", &spec())
        .await
        .unwrap_err();
    assert_eq!(
        (again.failure, again.explanation.code),
        (Failure::Conflict, Code::NameConflict)
    );

    simulator.advance(Duration::from_secs(1200));
    for _ in 0..2 {
        aws.delete_workspace(&made.at.id, false).await.unwrap();
        simulator.advance(Duration::from_secs(1200));
        assert_eq!(aws.get_workspace(&made.at.id).await.unwrap(), None);
        aws.delete_object(ObjectKind::Storage, &storage.id)
            .await
            .unwrap();
        aws.delete_object(ObjectKind::Credentials, &credentials.id)
            .await
            .unwrap();
        aws.delete_service_principal(&principal.id).await.unwrap();
    }
    assert!(simulator.inventory().is_empty());
    nothing_unexpected(&simulator);
}

#[tokio::test]
async fn a_workspace_opens_and_gives_tokens() {
    let (simulator, aws) = start().await;
    let made = create(&aws, "team-a-x1y2", &spec()).await.unwrap();
    assert_eq!(aws.probe(&made.at).await.unwrap(), Probe::NoName);
    let (found, principal) = running(&simulator, &aws).await;
    let at = &found.at;
    assert_eq!(aws.probe(at).await.unwrap(), Probe::Good);
    aws.allow_tokens(at, &principal).await.unwrap();
    for owner in [
        TokenOwner::ServicePrincipal(&principal),
        TokenOwner::Provisioner,
    ] {
        let token = aws.mint_token(at, owner, 600, "our-marker").await.unwrap();
        aws.try_token(at, &token.value).await.unwrap();
        let listed = aws.list_tokens(at, owner).await.unwrap();
        let ours = listed.iter().find(|it| it.id == token.id).unwrap();
        assert_eq!(ours.comment, "our-marker");
        assert_eq!(ours.expires_at_ms, token.expires_at_ms);
        for _ in 0..2 {
            aws.revoke_token(at, owner, &token.id).await.unwrap();
        }
        let listed = aws.list_tokens(at, owner).await.unwrap();
        assert!(listed.iter().all(|it| it.id != token.id));
        let dead = aws.try_token(at, &token.value).await.unwrap_err();
        assert_eq!(dead.failure, Failure::NotYet, "{dead}");
    }
    nothing_unexpected(&simulator);
}

#[tokio::test]
async fn deployment_names_need_a_prefix() {
    let (simulator, aws) = start().await;
    let mut named = spec();
    named.deployment_name = Some("data".to_owned());
    let error = create(&aws, "team-a-x1y2", &named).await.unwrap_err();
    assert_eq!(
        error.explanation.code,
        Code::DeploymentNamePrefixMissing,
        "{error}"
    );
    simulator.set_deployment_prefix(Some("acme".to_owned()));
    let made = create(&aws, "team-a-x1y2", &named).await.unwrap();
    assert_eq!(made.at.deployment_name, "acme-data");
    let error = create(&aws, "team-b-x1y2", &named).await.unwrap_err();
    assert_eq!(
        (error.failure, error.explanation.code),
        (Failure::Conflict, Code::DeploymentNameTaken)
    );
    nothing_unexpected(&simulator);
}

#[tokio::test]
async fn preflight_says_what_the_account_can_tell() {
    let (simulator, aws) = start().await;
    let made = create(&aws, "team-a-x1y2", &spec()).await.unwrap();
    let mut given = spec();
    given.credentials = Some(CredentialsSource::Existing {
        credentials_id: made.credentials_id.unwrap(),
    });
    given.storage = Some(StorageSource::Existing {
        storage_configuration_id: "00000000-0000-4000-8000-000000000000".to_owned(),
    });
    let checks = aws.preflight(&given, Own::default()).await.unwrap();
    let names: Vec<_> = checks.iter().map(|it| it.name).collect();
    assert_eq!(
        names,
        ["account_access", "credentials_exist", "storage_exists"]
    );
    assert_eq!(checks[0].result, CheckResult::Pass);
    assert_eq!(checks[1].result, CheckResult::Pass);
    let CheckResult::Fail(why) = &checks[2].result else {
        panic!("{checks:?}");
    };
    assert_eq!(why.code, Code::ConfigurationMissing);
    simulator.fault(Fault::new(FaultKind::Unavailable).on(Call::ListCredentials));
    let checks = aws.preflight(&spec(), Own::default()).await.unwrap();
    assert_eq!(checks[0].result, CheckResult::Unknown);
    simulator.fault(Fault::new(FaultKind::Forbidden).on(Call::ListCredentials));
    let checks = aws.preflight(&spec(), Own::default()).await.unwrap();
    assert!(matches!(checks[0].result, CheckResult::Fail(_)));
    nothing_unexpected(&simulator);
}

#[tokio::test]
async fn everything_of_a_kind_is_listed_page_by_page() {
    let (simulator, aws) = start().await;
    let made = create(&aws, "team-a-x1y2", &spec()).await.unwrap();
    // The vendor's own principal is in the list too.
    for number in 0..501 {
        let name = format!("principal-{number}");
        aws.create_service_principal(&name).await.unwrap();
    }
    let inventory = simulator.inventory();
    let principals = aws.list_service_principals().await;
    let principals = principals.unwrap();
    assert_eq!(principals.len(), 502);
    for principal in &inventory.service_principals {
        let listed = principals
            .iter()
            .find(|it| it.id == principal.id.to_string());
        assert_eq!(listed.unwrap().name, principal.display_name);
    }
    for (kind, id, name) in [
        (
            ObjectKind::Credentials,
            made.credentials_id,
            "our-credentials",
        ),
        (
            ObjectKind::Storage,
            made.storage_configuration_id,
            "our-storage",
        ),
    ] {
        let listed = aws.list_objects(kind).await.unwrap();
        assert_eq!(listed.len(), 1, "{kind:?}");
        assert_eq!(
            (Some(&listed[0].id), listed[0].name.as_str()),
            (id.as_ref(), name)
        );
    }
    assert!(
        aws.list_objects(ObjectKind::Network)
            .await
            .unwrap()
            .is_empty()
    );
    nothing_unexpected(&simulator);
}
