//! What a request demands of the version it meets (RFC 9110, 13): `If-Match` and `If-None-Match`, read.

/// Entity tags of one header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tags {
    /// `*`: any version.
    Any,
    /// One of these, without their quotes.
    OneOf(Vec<String>),
}

impl Tags {
    fn contain(&self, version: i64) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(tags) => tags.iter().any(|tag| *tag == version.to_string()),
        }
    }
}

/// The two headers. A thing that does not exist has no version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Precondition {
    /// `If-Match`; weak tags, which match nothing here, are left out.
    pub matches: Option<Tags>,
    /// `If-None-Match`; here weak tags count like strong ones.
    pub none_match: Option<Tags>,
}

impl Precondition {
    /// Whether a write may go on.
    pub fn holds(&self, version: Option<i64>) -> bool {
        let among = |tags: &Tags| version.is_some_and(|version| tags.contain(version));
        self.matches.as_ref().is_none_or(among) && !self.none_match.as_ref().is_some_and(among)
    }

    /// Whether the reader has this version already.
    pub fn has(&self, version: i64) -> bool {
        self.none_match
            .as_ref()
            .is_some_and(|tags| tags.contain(version))
    }

    /// Whether nothing is demanded.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds() {
        let tags = |tags: &[&str]| Tags::OneOf(tags.iter().map(|t| (*t).to_owned()).collect());
        let of = |matches, none_match| Precondition {
            matches,
            none_match,
        };
        for (precondition, absent, at_9) in [
            (of(None, None), true, true),
            (of(Some(Tags::Any), None), false, true),
            (of(Some(tags(&["8", "9"])), None), false, true),
            (of(Some(tags(&["8", "09"])), None), false, false),
            (of(Some(tags(&[])), None), false, false),
            (of(None, Some(Tags::Any)), true, false),
            (of(None, Some(tags(&["9"]))), true, false),
            (of(None, Some(tags(&["8"]))), true, true),
            (of(Some(tags(&["9"])), Some(Tags::Any)), false, false),
        ] {
            assert_eq!(precondition.holds(None), absent, "{precondition:?}");
            assert_eq!(precondition.holds(Some(9)), at_9, "{precondition:?}");
        }
    }
}
