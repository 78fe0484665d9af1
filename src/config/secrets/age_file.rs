//! `type = "age_file"`: files encrypted to a public key.

use crate::config::{Mistakes, Source};
use crate::secrets::Settings;
use crate::secrets::age_file::{self, Format, Recipient};
use serde::Deserialize;
use std::path::PathBuf;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Raw {
    #[serde(rename = "type")]
    _kind: String,
    directory: Option<PathBuf>,
    recipient: Option<String>,
    format: Format,
}

pub(super) fn read(source: &Source, key: &str, mistakes: &mut Mistakes) -> Option<Settings> {
    let raw: Raw = source.section(key, mistakes)?;
    let directory = raw.directory.unwrap_or_default();
    if directory.as_os_str().is_empty() {
        mistakes.add(format!("{key}.directory"), "is required");
    } else if !directory.is_absolute() {
        let words = format!("`{}` must begin with a slash", directory.display());
        mistakes.add(format!("{key}.directory"), words);
    }
    let recipient = mistakes.required(format!("{key}.recipient"), raw.recipient);
    let recipient = match recipient.parse::<Recipient>() {
        Ok(recipient) => recipient,
        Err(_) if recipient.is_empty() => return None,
        // Not repeated: it may be the identity, by mistake.
        Err(_) => {
            let words =
                "is not an age public key; `age-keygen -y` prints it, beginning with `age1`";
            mistakes.add(format!("{key}.recipient"), words);
            return None;
        }
    };
    Some(Settings::AgeFile(age_file::Settings {
        directory,
        recipient,
        format: raw.format,
    }))
}
