//! `[stores.<name>]`: the secret stores that tokens are delivered to. `type` decides which other keys there are, and
//! each kind has a file with its own.

pub(super) mod age_file;
pub(super) mod aws;
pub(super) mod azure_key_vault;
pub(super) mod vault;

use super::shape::PlainHttp;
use super::{Mistakes, Source};
use crate::secrets::Settings;
use figment::value::Value;
use std::collections::BTreeMap;

/// The values of `type`.
const TYPES: [&str; 4] = [
    "vault",
    "aws_secrets_manager",
    "azure_key_vault",
    "age_file",
];

pub(super) fn read(
    source: &Source,
    plain: PlainHttp,
    mistakes: &mut Mistakes,
) -> BTreeMap<String, Settings> {
    let mut stores = BTreeMap::new();
    for name in source.names("stores", mistakes) {
        let key = format!("stores.{name}");
        mistakes.name(&key, &name);
        let kind = match source.value(&format!("{key}.type")) {
            Some(Value::String(_, kind)) => kind.as_str(),
            Some(_) => {
                mistakes.add(format!("{key}.type"), "must be text");
                continue;
            }
            None => {
                let types = TYPES.join("`, `");
                mistakes.add(
                    format!("{key}.type"),
                    format!("is required: one of `{types}`"),
                );
                continue;
            }
        };
        let store = match kind {
            "vault" => vault::read(source, &key, plain, mistakes),
            "aws_secrets_manager" => aws::read(source, &key, plain, mistakes),
            "azure_key_vault" => azure_key_vault::read(source, &key, mistakes),
            "age_file" => age_file::read(source, &key, mistakes),
            other => {
                let types = TYPES.join(", ");
                mistakes.add(
                    format!("{key}.type"),
                    format!("`{other}` is none of {types}"),
                );
                None
            }
        };
        stores.extend(store.map(|store| (name, store)));
    }
    stores
}

/// Segments of letters, digits, `-`, `_` and `.` with single slashes between them, none of them `.` or `..`.
pub(super) fn is_path(path: &str) -> bool {
    path.split('/').all(|segment| {
        !segment.is_empty()
            && segment != "."
            && segment != ".."
            && segment
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    })
}

/// What may stand before a path. It need not end in a slash.
#[cfg(any(feature = "aws", feature = "azure"))]
fn check_prefix(prefix: &str, key: &str, mistakes: &mut Mistakes) {
    let text = |b: u8| b.is_ascii_alphanumeric() || b"-_.=@/".contains(&b);
    let good = prefix.len() <= 128
        && prefix.bytes().all(text)
        && !prefix.starts_with('/')
        && !prefix.contains("//")
        && !prefix
            .split('/')
            .any(|segment| matches!(segment, "." | ".."));
    if !good {
        let words = format!(
            "`{prefix}` must be up to 128 letters, digits and -_.=@/ without empty segments, `.` and `..`"
        );
        mistakes.add(format!("{key}.prefix"), words);
    }
}
