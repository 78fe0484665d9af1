//! Signature version 4 of a request without a query.

use chrono::{DateTime, NaiveDateTime, Utc};
use sha2::{Digest, Sha256};

use super::error;
use crate::answer::Answer;
use crate::request::Request;
use crate::world::World;

/// How far a client's clock may be off.
const SKEW_MINUTES: i64 = 15;

/// Refuses a request that is not signed with the world's access key, for its region, now.
pub(super) fn check(world: &World, request: &Request) -> Result<(), Answer> {
    let refuse = |code: &str, words: &str| Err(error(400, code, words).by_mistake());
    let Some(signed) = Signed::of(request) else {
        let words = "Missing Authentication Token";
        return refuse("MissingAuthenticationTokenException", words);
    };
    // A stranger's key is no mistake of the client: tests send one.
    if signed.key != world.aws_access_key_id {
        let words = "The security token included in the request is invalid.";
        return Err(error(400, "UnrecognizedClientException", words));
    }
    if signed.region != world.aws_region || signed.service != "secretsmanager" {
        let words = "Credential should be scoped to a valid region and service.";
        return refuse("InvalidSignatureException", words);
    }
    let now = Utc::now();
    let recent = time(signed.time).is_some_and(|at| (now - at).num_minutes().abs() < SKEW_MINUTES)
        && signed.time.starts_with(signed.day);
    if !recent {
        return refuse("InvalidSignatureException", "Signature expired");
    }
    for must in ["host", "x-amz-date", "x-amz-target"] {
        if !signed.headers.split(';').any(|header| header == must) {
            let words = format!("'{must}' must be a signed header.");
            return refuse("InvalidSignatureException", &words);
        }
    }
    if expected(world, request, &signed) != Some(signed.signature.to_owned()) {
        let words =
            "The request signature we calculated does not match the signature you provided.";
        return Err(error(400, "InvalidSignatureException", words));
    }
    Ok(())
}

/// What the header `Authorization` says, with the time.
struct Signed<'a> {
    key: &'a str,
    day: &'a str,
    region: &'a str,
    service: &'a str,
    headers: &'a str,
    signature: &'a str,
    time: &'a str,
}

impl<'a> Signed<'a> {
    fn of(request: &'a Request) -> Option<Self> {
        let header = request.header("authorization")?;
        let mut parts = header
            .strip_prefix("AWS4-HMAC-SHA256 ")?
            .split(',')
            .map(str::trim);
        let scope = parts.next()?.strip_prefix("Credential=")?;
        let headers = parts.next()?.strip_prefix("SignedHeaders=")?;
        let signature = parts.next()?.strip_prefix("Signature=")?;
        let scope: Vec<&str> = scope.split('/').collect();
        let &[key, day, region, service, "aws4_request"] = scope.as_slice() else {
            return None;
        };
        Some(Self {
            key,
            day,
            region,
            service,
            headers,
            signature,
            time: request.header("x-amz-date")?,
        })
    }
}

fn time(text: &str) -> Option<DateTime<Utc>> {
    let time = NaiveDateTime::parse_from_str(text, "%Y%m%dT%H%M%SZ");
    Some(time.ok()?.and_utc())
}

fn expected(world: &World, request: &Request, signed: &Signed) -> Option<String> {
    let mut canonical = "POST\n/\n\n".to_owned();
    for name in signed.headers.split(';') {
        let value = match name {
            "host" => request.host_header.as_str(),
            name => request.header(name)?,
        };
        let words: Vec<&str> = value.split_whitespace().collect();
        canonical.push_str(&format!("{name}:{}\n", words.join(" ")));
    }
    let body = hex(&Sha256::digest(&request.body));
    canonical.push_str(&format!("\n{}\n{body}", signed.headers));
    let scope = format!(
        "{}/{}/{}/aws4_request",
        signed.day, signed.region, signed.service
    );
    let digest = hex(&Sha256::digest(canonical));
    let words = format!("AWS4-HMAC-SHA256\n{}\n{scope}\n{digest}", signed.time);
    let secret = format!("AWS4{}", world.aws_secret_access_key);
    let mut key = hmac(secret.as_bytes(), signed.day.as_bytes());
    for part in [signed.region, signed.service, "aws4_request"] {
        key = hmac(&key, part.as_bytes());
    }
    Some(hex(&hmac(&key, words.as_bytes())))
}

/// HMAC-SHA-256; the key is no longer than a block.
fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut block = [0_u8; 64];
    block[..key.len()].copy_from_slice(key);
    let keyed = |pad: u8, message: &[u8]| -> [u8; 32] {
        let padded = block.map(|byte| byte ^ pad);
        Sha256::new()
            .chain_update(padded)
            .chain_update(message)
            .finalize()
            .into()
    };
    keyed(0x5c, &keyed(0x36, message))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hmac_of_rfc_4231() {
        let mac = hmac(b"Jefe", b"what do ya want for nothing?");
        let known = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(hex(&mac), known);
    }
}
