//! Secrets, and every form in which one may hide.

use super::Evidence;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// I5: no secret in the database, in an answer or in a log.
pub(super) fn no_secret_outside_the_store(evidence: &Evidence) -> Vec<String> {
    let tokens = evidence.inventory.tokens.iter().map(|it| &it.value);
    let secrets = tokens.chain(&evidence.terms.secrets);
    let forms: Vec<String> = secrets.flat_map(|secret| forms(secret)).collect();
    let rows = evidence.facts.dump();
    let rows = rows.map(|(table, row)| (format!("a row of {table}"), row));
    let answers = evidence.history.exchanges.iter().map(|it| {
        let place = format!("the answer to {} {}", it.method, it.path);
        (place, it.text.clone())
    });
    let texts = evidence.history.texts.iter().cloned();
    let mut found = Vec::new();
    for (place, text) in rows.chain(answers).chain(texts) {
        if let Some(form) = forms.iter().find(|form| text.contains(form.as_str())) {
            // Not the whole of it: this goes to a log too.
            found.push(format!("{place} holds {}…", &form[..form.len().min(6)]));
        }
    }
    found
}

/// A secret as it is, and as base64 (wherever it begins in what was encoded), hex, percent-encoding and JSON have it.
fn forms(secret: &str) -> Vec<String> {
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut percent = String::new();
    for byte in secret.bytes() {
        match byte {
            b'-' | b'.' | b'_' | b'~' => percent.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => percent.push(char::from(byte)),
            _ => percent.push_str(&format!("%{byte:02X}")),
        }
    }
    let json = serde_json::Value::from(secret).to_string();
    let mut forms = vec![
        secret.to_owned(),
        hex.to_uppercase(),
        hex,
        percent,
        json.trim_matches('"').to_owned(),
    ];
    for before in 0..3 {
        let bytes = [&[0_u8; 2][..before], secret.as_bytes()].concat();
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let encoded = engine.encode(&bytes);
            // What shares its six bits with a neighbour is not the secret's alone.
            let begin = (before * 8).div_ceil(6);
            let end = bytes.len() * 8 / 6;
            forms.push(encoded[begin..end].to_owned());
        }
    }
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_known_in_every_form() {
        let secret = "dapi0123456789 abcdef+/";
        let known = |text: String| {
            forms(secret)
                .iter()
                .any(|form| text.contains(form.as_str()))
        };
        for neighbour in ["", "a", "ab", "abc"] {
            let text = format!("{neighbour}{secret}{neighbour}");
            assert!(known(text.clone()));
            assert!(known(STANDARD_NO_PAD.encode(&text)), "{neighbour}");
            assert!(known(URL_SAFE_NO_PAD.encode(&text)), "{neighbour}");
        }
        assert!(known("dapi0123456789%20abcdef%2B%2F".into()));
        assert!(known(
            "6461706930313233343536373839206162636465662b2f".into()
        ));
        assert!(!known(secret.replace('0', "1")));
    }
}
