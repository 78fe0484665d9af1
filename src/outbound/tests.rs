//! Against a tiny server that says exactly what a test wants, byte for byte.

use super::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Answers every connection with `pieces`, pausing between them, and hands back the last request.
async fn server(
    pieces: Vec<(&'static str, u64)>,
) -> (String, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/a/b", listener.local_addr().unwrap());
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 16 * 1024];
            let read = stream.read(&mut request).await.unwrap_or(0);
            let _ = sender.send(String::from_utf8_lossy(&request[..read]).into_owned());
            for (piece, pause_ms) in &pieces {
                let _ = stream.write_all(piece.as_bytes()).await;
                tokio::time::sleep(Duration::from_millis(*pause_ms)).await;
            }
        }
    });
    (url, receiver)
}

fn get(url: &str) -> Request {
    Request {
        service: "test",
        verb: Verb::Get,
        url: url.to_owned(),
        query: Vec::new(),
        authorization: Authorization::None,
        headers: Vec::new(),
        body: Body::Empty,
        timeout: Duration::from_millis(500),
        max_bytes: 1024,
    }
}

fn plain() -> Outbound {
    Outbound::new(Settings {
        allow_plain_http: true,
        ..Settings::default()
    })
    .unwrap()
}

#[tokio::test]
async fn a_whole_answer() {
    let (url, mut requests) = server(vec![(
        "HTTP/1.1 429 x\r\nContent-Type: Application/JSON; charset=utf-8\r\nRetry-After: 3\r\n\
         Cache-Control: max-age=60\r\nX-Request-Id: r1\r\nContent-Length: 2\r\n\r\n{}",
        0,
    )])
    .await;
    let mut request = get(&url);
    request.verb = Verb::Post;
    request.query = vec![("filter", "a b&c".to_owned())];
    request.authorization = Authorization::Basic {
        user: "u".to_owned(),
        password: "p".into(),
    };
    request.body = Body::Form(vec![("scope", "all-apis".to_owned())]);
    let answer = plain().send(request).await.unwrap();
    assert_eq!(answer.status, 429);
    assert_eq!(answer.content_type, "application/json");
    assert_eq!(answer.retry_after, Some(Duration::from_secs(3)));
    assert_eq!(answer.max_age, Some(60));
    assert_eq!(answer.request_id.as_deref(), Some("r1"));
    assert_eq!(&answer.body[..], b"{}");
    let sent = requests.recv().await.unwrap().to_lowercase();
    assert!(
        sent.starts_with("post /a/b?filter=a+b%26c http/1.1"),
        "{sent}"
    );
    assert!(sent.contains("authorization: basic dtpw"), "{sent}");
    assert!(sent.contains("content-type: application/x-www-form-urlencoded"));
    assert!(sent.ends_with("scope=all-apis"), "{sent}");
}

#[tokio::test]
async fn redirects_are_answers() {
    let (url, mut requests) = server(vec![(
        "HTTP/1.1 303 x\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n",
        0,
    )])
    .await;
    let answer = plain().send(get(&url)).await.unwrap();
    assert_eq!(
        (answer.status, answer.location.as_deref()),
        (303, Some("/login"))
    );
    requests.recv().await.unwrap();
    assert!(requests.try_recv().is_err(), "nothing was followed");
}

#[tokio::test]
async fn what_may_have_arrived_is_unknown() {
    let huge: &'static str = Box::leak("x".repeat(4000).into_boxed_str());
    for pieces in [
        vec![("HTTP/1.1 200 x\r\nContent-Length: 50\r\n\r\n{}", 0)], // truncated
        vec![("", 0)],                                               // closed
        vec![("not http at all\r\n\r\n", 0)],
        vec![("", 2000)], // slow to begin
        vec![("HTTP/1.1 200 x\r\nContent-Length: 50\r\n\r\n{", 2000)], // slow to end
        vec![("HTTP/1.1 200 x\r\nContent-Length: 99999\r\n\r\n", 50)], // announced huge
        vec![
            ("HTTP/1.1 200 x\r\nConnection: close\r\n\r\n", 0),
            (huge, 0),
        ], // turns out huge
    ] {
        let (url, _requests) = server(pieces.clone()).await;
        let error = plain().send(get(&url)).await.unwrap_err();
        assert!(
            matches!(error, SendError::Unknown(_)),
            "{pieces:?}: {error}"
        );
    }
}

#[tokio::test]
async fn what_was_certainly_not_sent() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let refused = format!("http://{}/", free.local_addr().unwrap());
    drop(free);
    for url in [
        refused.as_str(),
        "http://192.0.2.1/",
        "http://[2001:db8::1]/",
        "http://name.invalid/",
        "ftp://127.0.0.1/",
        "http://user:word@127.0.0.1/",
        "nonsense",
    ] {
        let error = plain().send(get(url)).await.unwrap_err();
        assert!(matches!(error, SendError::NotSent(_)), "{url}: {error}");
    }
    // TLS that fails is not sent either.
    let (url, _requests) = server(vec![("nonsense", 0)]).await;
    let error = plain()
        .send(get(&url.replace("http", "https")))
        .await
        .unwrap_err();
    assert!(matches!(error, SendError::NotSent(_)), "{error}");
}

#[tokio::test]
async fn plain_http_only_where_allowed() {
    let (url, mut requests) =
        server(vec![("HTTP/1.1 200 x\r\nContent-Length: 0\r\n\r\n", 0)]).await;
    let strict = Outbound::new(Settings::default()).unwrap();
    let error = strict.send(get(&url)).await.unwrap_err();
    assert!(matches!(error, SendError::NotSent(_)), "{error}");
    assert!(requests.try_recv().is_err());
    let by_name = url.replace("127.0.0.1", "localhost");
    assert_eq!(plain().send(get(&by_name)).await.unwrap().status, 200);
}

#[tokio::test]
async fn errors_never_show_the_query_or_a_secret() {
    let (url, _requests) = server(vec![("", 0)]).await;
    let mut request = get(&url);
    request.query = vec![("q", "hush".to_owned())];
    request.authorization = Authorization::Bearer("hush".into());
    request.body = Body::Json(Zeroizing::new(b"hush".to_vec()));
    assert!(!format!("{request:?}").contains("104, 117"), "{request:?}");
    let error = format!("{0:?} {0}", plain().send(request).await.unwrap_err());
    assert!(!error.contains("hush"), "{error}");
}

/// A name server whose nth answer to a question for an IPv4 address is `answer(n)`.
async fn name_server(answer: fn(usize) -> Option<[u8; 4]>) -> SocketAddr {
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut asked = 0;
        let mut question = [0; 1500];
        while let Ok((_, from)) = socket.recv_from(&mut question).await {
            let name = question[12..].iter().position(|b| *b == 0).unwrap();
            let end = 12 + name + 5;
            let is_a = question[end - 4..end - 2] == [0, 1];
            let found = if is_a { answer(asked) } else { None };
            asked += usize::from(is_a);
            let code = if is_a && found.is_none() { 3 } else { 0 };
            let mut reply = question[..2].to_vec();
            reply.extend([0x81, 0x80 | code, 0, 1, 0, u8::from(found.is_some())]);
            reply.extend([0, 0, 0, 0]);
            reply.extend(&question[12..end]);
            if let Some(ip) = found {
                reply.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0xff, 0xff, 0, 4]);
                reply.extend(ip);
            }
            let _ = socket.send_to(&reply, from).await;
        }
    });
    address
}

fn asking(server: SocketAddr) -> Outbound {
    Outbound::new(Settings {
        dns_servers: vec![server],
        allow_plain_http: true,
        ..Settings::default()
    })
    .unwrap()
}

#[tokio::test]
async fn headers_of_both_sides() {
    let (url, mut requests) = server(vec![(
        "HTTP/1.1 202 x\r\nAzure-AsyncOperation: https://x/1\r\nX-Ms-Request-Id: r2\r\n\
         Content-Length: 0\r\n\r\n",
        0,
    )])
    .await;
    let mut request = get(&url);
    request.headers = vec![
        ("accept".into(), "text/plain".into()),
        ("x-token".into(), "canary".into()),
    ];
    assert!(!format!("{request:?}").contains("canary"));
    let answer = plain().send(request.clone()).await.unwrap();
    assert_eq!(answer.header("azure-asyncoperation"), Some("https://x/1"));
    assert_eq!(answer.header("x-token"), None);
    assert_eq!(answer.request_id.as_deref(), Some("r2"));
    assert!(
        answer
            .headers
            .iter()
            .any(|it| it == ("content-length", "0"))
    );
    let sent = requests.recv().await.unwrap();
    assert!(sent.contains("accept: text/plain\r\n"), "{sent}");
    assert!(!sent.contains("application/json"), "{sent}");
    assert!(sent.contains("x-token: canary\r\n"), "{sent}");
    for (name, value) in [("a b", "x"), ("a", "x\r\ny: z")] {
        request.headers = vec![(name.into(), value.into())];
        let error = plain().send(request.clone()).await.unwrap_err();
        assert_eq!(error.to_string(), format!("not sent: bad header {name}"));
    }
}

#[tokio::test]
async fn a_metadata_service_may_speak_plain_http() {
    let (url, _requests) = server(vec![("HTTP/1.1 200 x\r\nContent-Length: 0\r\n\r\n", 0)]).await;
    let closed = Outbound::new(Settings::default()).unwrap();
    let refused = closed.send(get(&url)).await.unwrap_err();
    assert!(refused.to_string().contains("http:// is not allowed"));
    let metadata = closed.to_metadata();
    assert_eq!(metadata.send(get(&url)).await.unwrap().status, 200);
    let elsewhere = metadata.send(get("http://10.0.0.1/x")).await.unwrap_err();
    assert!(elsewhere.to_string().contains("loopback"), "{elsewhere}");
    let link_local = reqwest::Url::parse("http://169.254.169.254/x").unwrap();
    assert!(metadata.client_for(&link_local).is_ok());
    assert!(plain().client_for(&link_local).is_err());
}

#[tokio::test]
async fn nothing_is_remembered_of_a_name() {
    let server = name_server(|nth| (nth == 1).then_some([127, 0, 0, 1])).await;
    let outbound = asking(server);
    for addresses in [0, 1, 0] {
        let found = outbound.resolve("dbc-1.example.com").await.unwrap();
        assert_eq!(found.len(), addresses);
    }
}

#[tokio::test]
async fn plain_http_follows_no_name_away_from_this_machine() {
    let away = asking(name_server(|_| Some([192, 0, 2, 1])).await);
    let error = away
        .send(get("http://dbc-1.example.com/"))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, SendError::NotSent(why) if why.contains("loopback")),
        "{error}"
    );
    let (url, _requests) = server(vec![("HTTP/1.1 200 x\r\nContent-Length: 0\r\n\r\n", 0)]).await;
    let home = asking(name_server(|_| Some([127, 0, 0, 1])).await);
    let by_name = url.replace("127.0.0.1", "dbc-1.example.com");
    assert_eq!(home.send(get(&by_name)).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_dead_name_server_is_an_error_and_not_an_absent_name() {
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let outbound = asking(socket.local_addr().unwrap());
    drop(socket);
    let error = outbound.resolve("dbc-1.example.com").await.unwrap_err();
    assert!(matches!(error, SendError::NotSent(_)), "{error}");
}
