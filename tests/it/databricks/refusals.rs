//! Every refusal is understood.

use super::*;

#[tokio::test]
async fn every_shape_of_refusal_is_understood() {
    use Code::{
        CredentialsNotPropagated, CredentialsPermissionsMissing, NameConflict, StorageUnreachable,
        UpstreamForbidden, UpstreamRateLimited, UpstreamRejected, UpstreamUnauthenticated,
        UpstreamUnavailable, UpstreamUnparseable,
    };
    use FaultKind as K;
    let throttled = Failure::Throttled(Some(Duration::from_secs(1)));
    for (fault, failure, code, status) in [
        (
            Fault::new(K::AnswerLost),
            Failure::Unknown,
            UpstreamUnavailable,
            None,
        ),
        (
            Fault::new(K::RequestLost),
            Failure::Unknown,
            UpstreamUnavailable,
            None,
        ),
        (
            Fault::new(K::Truncated),
            Failure::Unknown,
            UpstreamUnavailable,
            None,
        ),
        (
            Fault::new(K::ErrorAfterActing),
            Failure::Unknown,
            UpstreamUnavailable,
            Some(500),
        ),
        (
            Fault::new(K::ErrorBeforeActing),
            Failure::Unknown,
            UpstreamUnavailable,
            Some(500),
        ),
        (
            Fault::new(K::Unavailable),
            Failure::Unknown,
            UpstreamUnavailable,
            Some(503),
        ),
        (
            Fault::new(K::HtmlError),
            Failure::Unknown,
            UpstreamUnavailable,
            Some(502),
        ),
        (
            Fault::new(K::HtmlOk),
            Failure::Unknown,
            UpstreamUnparseable,
            Some(200),
        ),
        (
            Fault::new(K::RedirectToLogin),
            Failure::Unknown,
            UpstreamUnparseable,
            Some(303),
        ),
        (
            Fault::new(K::Throttled),
            throttled,
            UpstreamRateLimited,
            Some(429),
        ),
        (
            Fault::new(K::TextError),
            Failure::Refused,
            UpstreamRejected,
            Some(400),
        ),
        (
            Fault::new(K::MessageOnlyError),
            Failure::Refused,
            UpstreamRejected,
            Some(400),
        ),
        (
            Fault::new(K::EmptyConflict),
            Failure::Conflict,
            NameConflict,
            Some(409),
        ),
        (
            Fault::new(K::NumericError).times(2),
            Failure::Refused,
            UpstreamUnauthenticated,
            Some(403),
        ),
        (
            Fault::new(K::Unauthorized).times(2),
            Failure::Refused,
            UpstreamUnauthenticated,
            Some(401),
        ),
        (
            Fault::new(K::Forbidden),
            Failure::Refused,
            UpstreamForbidden,
            Some(403),
        ),
        (
            Fault::new(K::NotFound),
            Failure::NotFound,
            UpstreamRejected,
            Some(404),
        ),
        (
            Fault::new(K::IamNotPropagated),
            Failure::NotYet,
            CredentialsNotPropagated,
            Some(400),
        ),
        (
            Fault::new(K::TextError)
                .message("MALFORMED_REQUEST: Failed credentials validation checks: Create VPC"),
            Failure::Refused,
            CredentialsPermissionsMissing,
            Some(400),
        ),
        (
            Fault::new(K::TextError).message(
                "MALFORMED_REQUEST: Failed storage configuration validation checks: List, Put",
            ),
            Failure::Refused,
            StorageUnreachable,
            Some(400),
        ),
    ] {
        let (simulator, aws) = start().await;
        aws.find_object(ObjectKind::Credentials, "x", &spec())
            .await
            .unwrap();
        let kind = fault.fault;
        simulator.fault(fault.on(Call::CreateCredentials));
        let error = aws
            .create_object(ObjectKind::Credentials, "our-credentials", &spec())
            .await
            .unwrap_err();
        assert_eq!(error.failure, failure, "{kind}: {error}");
        assert_eq!(error.explanation.code, code, "{kind}: {error}");
        let upstream = error.explanation.upstream.as_ref();
        assert_eq!(upstream.and_then(|it| it.status), status, "{kind}: {error}");
        assert_eq!(
            arrived(&simulator, Call::LoginPage),
            0,
            "no redirect is followed"
        );
        if matches!(kind, K::AnswerLost | K::Truncated | K::ErrorAfterActing) {
            assert!(
                aws.find_object(ObjectKind::Credentials, "our-credentials", &spec())
                    .await
                    .unwrap()
                    .is_some(),
                "{kind}"
            );
        }
        nothing_unexpected(&simulator);
    }
}

#[tokio::test]
async fn what_is_in_use_and_what_is_gone() {
    let (simulator, aws) = start().await;
    let made = create(&aws, "team-a-x1y2", &spec()).await.unwrap();
    let credentials = made.credentials_id.unwrap();
    let error = aws
        .delete_object(ObjectKind::Credentials, &credentials)
        .await
        .unwrap_err();
    assert_eq!(
        (error.failure, error.explanation.code),
        (Failure::InUse, Code::DeleteBlocked)
    );
    simulator.fault(Fault::new(FaultKind::EmptyConflict).on(Call::DeleteStorage));
    let error = aws
        .delete_object(ObjectKind::Storage, "3f2a")
        .await
        .unwrap_err();
    assert_eq!(error.failure, Failure::InUse);
    // That the account is not ours does not mean that the thing is gone.
    let words = "The account does not exist or the user does not belong to this account";
    simulator.fault(
        Fault::new(FaultKind::NotFound)
            .on(Call::DeleteWorkspace)
            .message(words),
    );
    let error = aws.delete_workspace(&made.at.id, false).await.unwrap_err();
    assert_eq!(error.failure, Failure::Refused);
    // Nor does a page from something on the way.
    for call in [Call::DeleteWorkspace, Call::GetWorkspace] {
        simulator.fault(Fault::new(FaultKind::HtmlError).on(call).status(404));
    }
    aws.delete_workspace(&made.at.id, false).await.unwrap_err();
    aws.get_workspace(&made.at.id).await.unwrap_err();
    let error = aws
        .delete_object(ObjectKind::Credentials, "../workspaces")
        .await
        .unwrap_err();
    assert_eq!(error.failure, Failure::Refused);
    nothing_unexpected(&simulator);
}

#[tokio::test]
async fn a_young_workspace_is_waited_for() {
    let (simulator, aws) = start().await;
    let (found, principal) = running(&simulator, &aws).await;
    simulator.fault(Fault::new(FaultKind::PrincipalNotAssigned).times(1));
    simulator.fault(Fault::new(FaultKind::ApiFlaps).times(2).on(Call::Me));
    for _ in 0..3 {
        let probe = aws.probe(&found.at).await.unwrap();
        assert!(matches!(probe, Probe::NotReady(_)), "{probe:?}");
    }
    assert_eq!(aws.probe(&found.at).await.unwrap(), Probe::Good);
    simulator.fault(Fault::new(FaultKind::AssignmentLate).on(Call::AssignPrincipal));
    for _ in 0..3 {
        let error = aws
            .assign_service_principal(&found.at, &principal)
            .await
            .unwrap_err();
        assert_eq!(
            (error.failure, error.explanation.code),
            (Failure::NotYet, Code::PrincipalNotInWorkspace)
        );
    }
    simulator.fault(Fault::new(FaultKind::TokenPermissionsMissing));
    aws.allow_tokens(&found.at, &principal).await.unwrap();
    nothing_unexpected(&simulator);
}

#[tokio::test]
async fn minting_is_refused_in_its_own_words() {
    let (simulator, aws) = start().await;
    let (found, principal) = running(&simulator, &aws).await;
    let owner = TokenOwner::ServicePrincipal(&principal);
    aws.allow_tokens(&found.at, &principal).await.unwrap();
    for (kind, failure, code) in [
        (
            FaultKind::TokensDisabled,
            Failure::Refused,
            Code::TokensDisabled,
        ),
        (FaultKind::TokenQuota, Failure::Refused, Code::TokenQuota),
        (
            FaultKind::OboForbidden,
            Failure::Refused,
            Code::OboNotAvailable,
        ),
        (
            FaultKind::AnswerLost,
            Failure::Unknown,
            Code::UpstreamUnavailable,
        ),
        (
            FaultKind::Truncated,
            Failure::Unknown,
            Code::UpstreamUnavailable,
        ),
    ] {
        simulator.fault(Fault::new(kind).on(Call::MintTokenOnBehalf));
        let error = aws
            .mint_token(&found.at, owner, 600, "c")
            .await
            .err()
            .unwrap();
        assert_eq!(
            (error.failure, error.explanation.code),
            (failure, code),
            "{error}"
        );
    }
    let error = aws
        .mint_token(&found.at, owner, u32::MAX, "c")
        .await
        .err()
        .unwrap();
    assert_eq!(
        error.explanation.code,
        Code::TokenLifetimeRefused,
        "{error}"
    );
    nothing_unexpected(&simulator);
}
