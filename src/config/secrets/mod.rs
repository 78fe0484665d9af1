//! `[stores.<name>]`: the secret stores that tokens are delivered to. `type` decides which other keys there are, and
//! each kind has a file with its own.

pub(super) mod age_file;
pub(super) mod aws;
pub(super) mod vault;

use super::shape::PlainHttp;
use super::{Mistakes, Source};
use crate::secrets::Settings;
use figment::value::Value;
use std::collections::BTreeMap;

/// The values of `type`.
const TYPES: [&str; 3] = ["vault", "aws_secrets_manager", "age_file"];

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
