//! Other people's words, made fit to be shown: no control characters, nothing that looks like a secret, not too long.

/// Longest text we pass on, in bytes.
pub const LONGEST_TEXT: usize = 2048;

const REMOVED: &str = "[removed]";

/// The text without control characters and without anything like a token, cut at [`LONGEST_TEXT`].
pub fn scrubbed(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text.trim();
    let mut after_scheme = false;
    while !rest.is_empty() && shown.len() <= LONGEST_TEXT {
        let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        if end > 0 {
            let word = &rest[..end];
            let hidden = looks_secret(word) || (after_scheme && word.len() >= 8);
            shown.push_str(if hidden { REMOVED } else { word });
            after_scheme = matches!(word.to_ascii_lowercase().as_str(), "bearer" | "basic");
            rest = &rest[end..];
        } else if let Some(c) = rest.chars().next() {
            shown.push(if c.is_control() { ' ' } else { c });
            rest = &rest[c.len_utf8()..];
        }
    }
    cut(shown)
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_-.+/~=".contains(c)
}

fn looks_secret(word: &str) -> bool {
    let long_after = |mark: &str, least: usize| {
        word.match_indices(mark).any(|(at, _)| {
            let tail = word[at + mark.len()..].bytes();
            tail.take_while(u8::is_ascii_alphanumeric).count() >= least
        })
    };
    long_after("dapi", 8)
        || long_after("dose", 16)
        || long_after("hvs.", 8)
        || long_after("eyJ", 12)
}

fn cut(mut text: String) -> String {
    if text.len() > LONGEST_TEXT {
        let mut end = LONGEST_TEXT - '…'.len_utf8();
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_and_control_characters_go() {
        for (text, shown) in [
            ("plain words, 42 of them.", "plain words, 42 of them."),
            ("a\u{0}b\nc\u{1b}[31m", "a b c [31m"),
            (
                "token dapi0123456789abcdef-2 refused",
                "token [removed] refused",
            ),
            ("x=dapi0123456789abcdef", "[removed]"),
            ("'dapi0123456789abcdef'", "'[removed]'"),
            (
                "Authorization: Bearer abcdefghij",
                "Authorization: Bearer [removed]",
            ),
            ("bearer token missing", "bearer token missing"),
            (
                "got eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
                "got [removed]",
            ),
            ("secret dose0123456789abcdef0123", "secret [removed]"),
        ] {
            assert_eq!(scrubbed(text), shown);
        }
    }

    #[test]
    fn long_texts_are_cut_at_a_character() {
        let shown = scrubbed(&"ä ".repeat(5000));
        assert!(shown.len() <= LONGEST_TEXT && shown.ends_with('…'));
    }
}
