//! Tokens, limits, foreign hosts and hostile answers.

use super::*;
use brickyard::domain::external::ExternalWorkspace;

#[tokio::test]
async fn twenty_callers_fetch_one_token() {
    let (simulator, aws) = start().await;
    let calls = (0..20).map(|_| aws.list_workspaces());
    for answer in futures_util::future::join_all(calls).await {
        answer.unwrap();
    }
    assert_eq!(arrived(&simulator, Call::AccountToken), 1);

    // A failure is shared as well.
    let (simulator, aws) = start().await;
    simulator.fault(
        Fault::new(FaultKind::ErrorBeforeActing)
            .on(Call::AccountToken)
            .times(0),
    );
    let spec = spec();
    let calls =
        (0..20).map(|_| aws.create_object(ObjectKind::Credentials, "our-credentials", &spec));
    for answer in futures_util::future::join_all(calls).await {
        assert_eq!(answer.unwrap_err().failure, Failure::NotSent);
    }
    assert_eq!(arrived(&simulator, Call::AccountToken), 1);
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    let (simulator, aws) = start().await;
    simulator.fault(Fault::new(FaultKind::Unauthorized).on(Call::CreateCredentials));
    aws.create_object(ObjectKind::Credentials, "our-credentials", &spec())
        .await
        .unwrap();
    assert_eq!(arrived(&simulator, Call::AccountToken), 2);
    assert_eq!(arrived(&simulator, Call::CreateCredentials), 2);
    simulator.fault(
        Fault::new(FaultKind::Unauthorized)
            .on(Call::CreateStorage)
            .times(0),
    );
    aws.create_object(ObjectKind::Storage, "our-storage", &spec())
        .await
        .unwrap_err();
    assert_eq!(arrived(&simulator, Call::CreateStorage), 2);
    nothing_unexpected(&simulator);
}

#[tokio::test]
async fn tokens_that_end_soon_are_renewed_before() {
    let (simulator, aws) = start().await;
    simulator.fault(Fault::new(FaultKind::ShortTokens).seconds(2.0));
    for _ in 0..15 {
        aws.list_workspaces().await.unwrap();
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let refused = simulator
        .arrivals()
        .iter()
        .filter(|it| it.status == Some(401))
        .count();
    assert_eq!(refused, 0);
    let fetched = arrived(&simulator, Call::AccountToken);
    assert!((2..=4).contains(&fetched), "{fetched}");
}

#[tokio::test]
async fn a_throttled_account_is_left_alone() {
    let (simulator, aws) = start().await;
    aws.list_workspaces().await.unwrap();
    let mut fault = Fault::new(FaultKind::Throttled).on(Call::CreateCredentials);
    fault.retry_after_seconds = Some(60);
    simulator.fault(fault);
    let error = aws
        .create_object(ObjectKind::Credentials, "our-credentials", &spec())
        .await
        .unwrap_err();
    assert_eq!(
        error.failure,
        Failure::Throttled(Some(Duration::from_secs(60)))
    );
    let before = simulator.arrivals().len();
    let error = aws.list_workspaces().await.unwrap_err();
    assert!(
        matches!(error.failure, Failure::Throttled(Some(wait)) if wait > Duration::from_secs(50)),
        "{error:?}"
    );
    assert_eq!(simulator.arrivals().len(), before, "nothing was sent");
}

#[tokio::test]
async fn our_own_limit_holds_back() {
    let (simulator, _) = start().await;
    let aws = provider(&simulator, simulator.world().account_host.clone(), 10);
    aws.set_processes(5);
    // Two a second: two pass, two wait their turn, the others are told to come back.
    let looks = futures_util::future::join_all((0..6).map(|_| aws.list_workspaces())).await;
    let held: Vec<_> = looks.into_iter().filter_map(Result::err).collect();
    assert_eq!(held.len(), 2, "{held:?}");
    for error in held {
        assert!(
            matches!(error.failure, Failure::Throttled(Some(_))),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn no_token_goes_to_a_foreign_host() {
    let (simulator, aws) = start().await;
    let principal = ServicePrincipal {
        id: "1".to_owned(),
        application_id: "a".to_owned(),
    };
    let owner = TokenOwner::ServicePrincipal(&principal);
    for url in ["https://evil.example", "http://127.0.0.1:1", ""] {
        let at = &ExternalWorkspace {
            id: 1.into(),
            number: None,
            deployment_name: String::new(),
            url: url.to_owned(),
            progress_url: None,
        };
        for failed in [
            aws.probe(at).await.err(),
            aws.allow_tokens(at, &principal).await.err(),
            aws.mint_token(at, owner, 60, "c").await.err(),
            aws.list_tokens(at, owner).await.err(),
            aws.revoke_token(at, owner, "t").await.err(),
            aws.try_token(at, &"dapi".into()).await.err(),
        ] {
            let error = failed.unwrap();
            assert_eq!(
                (error.failure, error.explanation.code),
                (Failure::Refused, Code::HostNotTrusted)
            );
        }
    }
    assert!(simulator.arrivals().is_empty());
}

/// An account host that grants a token and answers every other request with these bytes.
async fn hostile(answer: Vec<u8>) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 8192];
            let read = stream.read(&mut request).await.unwrap_or(0);
            let granted = r#"{"access_token":"x","token_type":"Bearer","expires_in":3600}"#;
            let is_token = String::from_utf8_lossy(&request[..read]).contains("/v1/token");
            let body = if is_token {
                granted.as_bytes()
            } else {
                &answer
            };
            let head =
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n";
            let _ = stream.write_all(head.as_bytes()).await;
            let _ = stream.write_all(body).await;
        }
    });
    host
}

#[tokio::test]
async fn hostile_answers_are_never_success() {
    let (simulator, _) = start().await;
    let huge = format!("[{}]", "1,".repeat(9 << 20)).into_bytes();
    for answer in [
        huge,
        b"[{\"workspace_id\":-1}]".to_vec(),
        b"[{\"workspace_id\":9223372036854775808}]".to_vec(),
        b"[{\"workspace_name\":\"x\"}]".to_vec(),
        b"[{\"workspace_id\":1}".to_vec(),
        b"  <html></html>".to_vec(),
        b"".to_vec(),
        b"null".to_vec(),
    ] {
        let shown = String::from_utf8_lossy(&answer[..answer.len().min(60)]).into_owned();
        let aws = provider(&simulator, hostile(answer).await, 1000);
        let error = aws.list_workspaces().await.unwrap_err();
        assert_eq!(error.failure, Failure::Unknown, "{shown}: {error}");
    }
    let odd = br#"{"workspaces":[{"workspace_id":"8305471331990263","deployment_name":"evil.example/","new":1}]}"#;
    let aws = provider(&simulator, hostile(odd.to_vec()).await, 1000);
    let listed = aws.list_workspaces().await.unwrap();
    assert_eq!(
        (listed[0].at.id.to_string(), listed[0].at.url.as_str()),
        ("8305471331990263".to_owned(), "")
    );
}
