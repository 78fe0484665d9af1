//! Bodies that are not JSON, or too much of it, or not said to be.

use super::{idle, post, told, unharmed};

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_not_json() {
    let app = idle().await;
    let good = br#"{"name": "analytics-dev", "template": "sandbox", "tags": {"a": "b"}}"#;
    let nested = |levels: usize| {
        let (open, close) = ("[".repeat(levels - 1), "]".repeat(levels - 1));
        format!(r#"{{"name": {open}{close}}}"#).into_bytes()
    };
    let mut bodies: Vec<Vec<u8>> = [
        "",
        " ",
        "{",
        "}",
        "nul",
        "{]",
        "'",
        r#"{"name": }"#,
        r#"{"name": "a",}"#,
        r#"{name: "abc"}"#,
        r#"{"name": NaN}"#,
        r#"{"name": Infinity}"#,
        r#"{"name": -}"#,
        r#"{"name": 01}"#,
        r#"{"name": 1e999}"#,
        r#"{"name": "\ud800"}"#,
        "{\"name\": \"a\nb\"}",
        r#"{"name": "a"} {"name": "b"}"#,
        "{} x",
        "// {}",
        r#"{"name": "abc", "template": "sandbox", "name": "abd"}"#,
        r#"{"name": "abc", "template": "sandbox", "n\u0061me": "abd"}"#,
        r#"{"name": "abc", "template": "sandbox", "tags": {"a": "1", "a": "1"}}"#,
        "name=abc&template=sandbox",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into();
    bodies.extend((0..good.len()).map(|end| good[..end].to_vec()));
    bodies.push([b"\xef\xbb\xbf".as_slice(), good].concat());
    bodies.push(b"{\"name\": \"ab\xffc\", \"template\": \"sandbox\"}".to_vec());
    bodies.push(b"\xff\xfe{\0}\0".to_vec());
    bodies.push([good.as_slice(), b"\0"].concat());
    bodies.push(nested(33));
    bodies.push(nested(10_000));
    bodies.push("[".repeat(60_000).into_bytes());
    for body in bodies {
        let answer = post(&app, &body).await;
        assert_eq!(
            told(&answer),
            (400, "invalid_json"),
            "{:?}: {}",
            String::from_utf8_lossy(&body),
            answer.text
        );
    }
    // As deep as may be is read, and then refused for what it is.
    let deepest = post(&app, &nested(32)).await;
    assert_eq!(
        told(&deepest),
        (422, "validation_failed"),
        "{}",
        deepest.text
    );
    unharmed(app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_too_large_or_not_announced_as_json() {
    let app = idle().await;
    let bearer = app.bearer("requester");
    let of = |bytes: usize| format!(r#"{{"name": "{}"}}"#, "a".repeat(bytes - 12)).into_bytes();
    assert_eq!(of(100).len(), 100);
    assert_eq!(
        told(&post(&app, &of(64 * 1024)).await),
        (422, "validation_failed")
    );
    assert_eq!(
        told(&post(&app, &of(64 * 1024 + 1)).await),
        (413, "body_too_large")
    );
    assert_eq!(
        told(&post(&app, &of(4 * 1024 * 1024)).await),
        (413, "body_too_large")
    );
    // Nobody said how large it would be.
    let chunk = [b"10000\r\n".as_slice(), &b" ".repeat(0x10000), b"\r\n"].concat();
    let chunked = [chunk.as_slice(), &chunk, b"0\r\n\r\n"].concat();
    let headers = [
        ("authorization", bearer.as_bytes()),
        ("content-type", b"application/json".as_slice()),
        ("transfer-encoding", b"chunked"),
    ];
    let answer = app.raw("POST", "/workspaces", &headers, &chunked).await;
    assert_eq!(told(&answer), (413, "body_too_large"));

    let body = br#"{"name": "analytics-dev", "template": "sandbox"}"#;
    for types in [
        vec![],
        vec!["text/plain"],
        vec!["application/x-www-form-urlencoded"],
        vec!["application/jsonp"],
        vec![""],
        vec!["application/merge-patch+json"],
        vec!["json"],
        vec!["application/json", "text/plain"],
        vec!["multipart/form-data; boundary=x"],
    ] {
        let mut headers = vec![("authorization", bearer.as_bytes())];
        headers.extend(types.iter().map(|value| ("content-type", value.as_bytes())));
        let answer = app.raw("POST", "/workspaces", &headers, body).await;
        assert_eq!(
            told(&answer),
            (415, "unsupported_media_type"),
            "{types:?}: {}",
            answer.text
        );
    }
    unharmed(app).await;
}
