//! Secrets Manager, as far as it takes no signature to be refused; what it accepts is shown by the official SDK.

use serde_json::{Value, json};

use crate::support::{Lab, Reply, reply};

async fn send(lab: &Lab, target: &str, headers: &[(&str, &str)], body: &Value) -> Reply {
    let mut request = lab
        .http
        .post(format!("{}/", lab.simulator.world().aws_endpoint))
        .header("x-amz-target", target)
        .body(body.to_string());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    reply(request.send().await.unwrap()).await
}

#[tokio::test]
async fn what_is_not_signed_is_refused() {
    let lab = Lab::new().await;
    let body = json!({"SecretId": "a/b"});
    let describe = "secretsmanager.DescribeSecret";
    let kind = ("content-type", "application/x-amz-json-1.1");
    let (status, refused) = send(&lab, describe, &[kind], &body).await;
    let named = "MissingAuthenticationTokenException";
    assert_eq!((status, &refused["__type"]), (400, &named.into()));

    let key = &lab.simulator.world().aws_access_key_id;
    let now = chrono::Utc::now();
    let (day, time) = (
        now.format("%Y%m%d"),
        now.format("%Y%m%dT%H%M%SZ").to_string(),
    );
    let signed = |region: &str| {
        format!(
            "AWS4-HMAC-SHA256 Credential={key}/{day}/{region}/secretsmanager/aws4_request, \
             SignedHeaders=host;x-amz-date;x-amz-target, Signature={}",
            "0".repeat(64)
        )
    };
    for (region, time) in [
        ("us-west-2", time.as_str()),
        ("eu-west-1", &time),
        ("us-west-2", "20200101T000000Z"),
    ] {
        let header = signed(region);
        let headers = [kind, ("authorization", &header), ("x-amz-date", time)];
        let (status, refused) = send(&lab, describe, &headers, &body).await;
        let named = "InvalidSignatureException";
        assert_eq!(
            (status, &refused["__type"]),
            (400, &named.into()),
            "{region} {time}"
        );
    }
    let json = [("content-type", "application/json")];
    let (status, _) = send(&lab, describe, &json, &body).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn no_operation_reads_a_value() {
    let lab = Lab::new().await;
    let kind = ("content-type", "application/x-amz-json-1.1");
    let body = json!({"SecretId": "a/b"});
    for operation in ["GetSecretValue", "BatchGetSecretValue", "ListSecrets"] {
        let target = format!("secretsmanager.{operation}");
        assert_eq!(send(&lab, &target, &[kind], &body).await.0, 404);
    }
    assert_eq!(lab.simulator.unexpected().len(), 3);
}
