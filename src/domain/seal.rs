//! The seal of an audit row: a hash over the row and the seal before it, so that whoever changes one row has to change
//! every seal after it, and a head that was noted elsewhere tells.
//!
//! What is hashed is defined here and nowhere else. Each field, in the order of the columns, is a byte 0 if it is
//! null, else a byte 1, its length as 8 bytes and its bytes: no two rows have the same form. Numbers are 8 bytes, the
//! highest first; times are microseconds since 1970, so that no time zone matters; ids are 16 bytes. `detail` is JSON
//! with sorted members and no blanks, for the database may order them as it likes; its numbers stay as they are
//! written, since reading them as floats would round. A column that is added one day is appended where it is not
//! null, and the seals from before still hold.

use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// Nested deeper, JSON is taken as it stands.
const DEEPEST: usize = 64;

/// A SHA-256; shown as 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hash([u8; 32]);

impl Hash {
    /// What the first seal follows.
    pub const BEGINNING: Self = Self([0; 32]);

    /// `None` if it has another length.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Its 32 bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The newest seal at some time: who notes it can tell later whether the chain still holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// How many rows the chain had.
    pub position: i64,
    /// The hash of the last of them.
    pub hash: Hash,
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.position, self.hash)
    }
}

/// A text that is no head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not POSITION:HASH, a number from 1 and 64 hexadecimal digits, as `audit.sealed` in the log has them"
)]
pub struct NoHead;

impl FromStr for Head {
    type Err = NoHead;

    fn from_str(text: &str) -> Result<Self, NoHead> {
        let (position, hash) = text.split_once(':').ok_or(NoHead)?;
        let digits = position.bytes().all(|b| b.is_ascii_digit());
        let position = position.parse().ok().filter(|n| digits && *n > 0);
        let hex = hash.bytes().all(|b| b.is_ascii_hexdigit()) && hash.len() == 64;
        let mut bytes = [0; 32];
        for (index, byte) in bytes.iter_mut().enumerate().filter(|_| hex) {
            let pair = hash.get(2 * index..2 * index + 2).ok_or(NoHead)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| NoHead)?;
        }
        let position = position.filter(|_| hex).ok_or(NoHead)?;
        let hash = Hash(bytes);
        Ok(Self { position, hash })
    }
}

/// An audit row as it is sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the columns are commented in migrations/0008_create_audit.sql"
)]
pub struct Row {
    pub seq: i64,
    /// In microseconds since 1970. Nobody writes one that is not finite, and if it is, it is null here.
    pub at: Option<i64>,
    pub actor: String,
    pub action: String,
    pub workspace_id: Option<Uuid>,
    pub operation_id: Option<Uuid>,
    pub team: Option<String>,
    pub epoch: Option<i64>,
    pub request_id: Option<String>,
    /// JSON, as the database wrote it.
    pub detail: String,
}

/// The seal of a row that follows `previous`, put on it at `sealed_at` (in microseconds since 1970).
pub fn seal(previous: Hash, row: &Row, sealed_at: Option<i64>) -> Hash {
    let mut digest = Sha256::new();
    digest.update(previous.0);
    digest.update(canonical(row));
    digest.update(field(sealed_at.map(i64::to_be_bytes)));
    Hash(digest.finalize().into())
}

fn canonical(row: &Row) -> Vec<u8> {
    let mut detail = String::new();
    write_json(&row.detail, 0, &mut detail);
    [
        field(Some(row.seq.to_be_bytes())),
        field(row.at.map(i64::to_be_bytes)),
        field(Some(&row.actor)),
        field(Some(&row.action)),
        field(row.workspace_id),
        field(row.operation_id),
        field(row.team.as_ref()),
        field(row.epoch.map(i64::to_be_bytes)),
        field(row.request_id.as_ref()),
        field(Some(detail)),
    ]
    .concat()
}

fn field(value: Option<impl AsRef<[u8]>>) -> Vec<u8> {
    let Some(value) = value else { return vec![0] };
    let bytes = value.as_ref();
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    [&[1], length.to_be_bytes().as_slice(), bytes].concat()
}

fn write_json(json: &str, depth: usize, out: &mut String) {
    let inside = match json.as_bytes().first() {
        Some(b'{') if depth < DEEPEST => write_object(json, depth, out),
        Some(b'[') if depth < DEEPEST => write_array(json, depth, out),
        Some(b'"') => write_text(json, out),
        _ => None,
    };
    if inside.is_none() {
        out.push_str(json);
    }
}

fn write_object(json: &str, depth: usize, out: &mut String) -> Option<()> {
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(json).ok()?;
    out.push('{');
    for (index, (name, member)) in members.iter().enumerate() {
        out.push_str(if index > 0 { "," } else { "" });
        out.push_str(&serde_json::Value::from(name.as_str()).to_string());
        out.push(':');
        write_json(member.get(), depth + 1, out);
    }
    out.push('}');
    Some(())
}

fn write_array(json: &str, depth: usize, out: &mut String) -> Option<()> {
    let items: Vec<&RawValue> = serde_json::from_str(json).ok()?;
    out.push('[');
    for (index, item) in items.iter().enumerate() {
        out.push_str(if index > 0 { "," } else { "" });
        write_json(item.get(), depth + 1, out);
    }
    out.push(']');
    Some(())
}

/// However it was escaped.
fn write_text(json: &str, out: &mut String) -> Option<()> {
    let text: String = serde_json::from_str(json).ok()?;
    out.push_str(&serde_json::Value::from(text).to_string());
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        Row {
            seq: 7,
            at: Some(1_764_331_200_000_001),
            actor: "oidc:corp:jo".into(),
            action: "operation.accepted".into(),
            workspace_id: Some(Uuid::from_u128(1)),
            operation_id: None,
            team: Some("data".into()),
            epoch: Some(-1),
            request_id: Some(String::new()),
            detail: r#"{"name": "ä", "kind": "create"}"#.into(),
        }
    }

    fn json(text: &str) -> String {
        let mut out = String::new();
        write_json(text, 0, &mut out);
        out
    }

    // Taken with Python's hashlib over bytes put together by hand: another program comes to the same seals.
    #[test]
    fn fixed_vectors() {
        let first = seal(Hash::BEGINNING, &row(), Some(1_764_331_260_000_000));
        assert_eq!(
            first.to_string(),
            "eea7ba3a214b0ae843b0292206894e28524a06176b0c1789c100a154db336498"
        );
        let mut next = row();
        (next.seq, next.at, next.workspace_id, next.team) = (8, None, None, None);
        (next.epoch, next.request_id, next.detail) = (None, None, "[]".into());
        let second = seal(first, &next, None);
        assert_eq!(
            second.to_string(),
            "5a1b6f8862a329792223fa1430a0a7de878fcf5016139a07f40594a739c1d1a8"
        );
    }

    #[test]
    fn nothing_can_be_moved_from_one_field_to_the_next() {
        let one = row();
        let mut other = row();
        (other.actor, other.action) = ("oidc:corp:joo".into(), "peration.accepted".into());
        assert_ne!(canonical(&one), canonical(&other));
        let mut other = row();
        other.request_id = None;
        assert_ne!(canonical(&one), canonical(&other), "null is not empty");
    }

    #[test]
    fn json_has_one_form() {
        for (given, expected) in [
            (
                "{ \"b\" : [1, {\"z\": null, \"y\": true}], \"a\": \"x\" }",
                r#"{"a":"x","b":[1,{"y":true,"z":null}]}"#,
            ),
            (r#""\u00e4\/\n""#, r#""ä/\n""#),
            (
                "0.10000000000000000000000000000000001",
                "0.10000000000000000000000000000000001",
            ),
            ("1.0", "1.0"),
            ("{}", "{}"),
            ("[]", "[]"),
        ] {
            assert_eq!(json(given), expected);
        }
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        assert_eq!(json(&deep), deep);
    }

    #[test]
    fn a_head_is_read_as_it_is_written() {
        let hash = seal(Hash::BEGINNING, &row(), None);
        let head = Head { position: 12, hash };
        assert_eq!(head.to_string().parse(), Ok(head));
        for wrong in [
            String::new(),
            hash.to_string(),
            format!("0:{hash}"),
            format!("+1:{hash}"),
            format!("1:{hash}0"),
            format!("1:{}", "ä".repeat(32)),
            format!("99999999999999999999:{hash}"),
        ] {
            assert_eq!(wrong.parse::<Head>(), Err(NoHead), "{wrong}");
        }
    }
}
