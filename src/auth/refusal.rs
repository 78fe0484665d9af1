//! Why a token is refused: a closed list, for the log only. The caller hears one generic text (rule J10).

use crate::domain::strict_json::Fault;

/// One reason per way to break a rule. Carries nothing of the token except names out of our own lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// No `Authorization` header.
    #[error("no authorization header")]
    NoToken,
    /// The header came more than once.
    #[error("more than one authorization header")]
    SeveralTokens,
    /// Another scheme, blanks, or nothing after `Bearer`.
    #[error("the authorization header is not `Bearer <token>`")]
    NotBearer,
    /// Longer than 8 KiB.
    #[error("the token is longer than 8 KiB")]
    TooLong,
    /// Not three parts of the base64url alphabet.
    #[error("the token is not three non-empty base64url parts")]
    NotCompact,
    /// Padding or spare bits.
    #[error("a part of the token is not canonical base64url")]
    NotCanonical,
    /// A header or payload that is not one JSON object.
    #[error("{0} is not a JSON object")]
    NotAnObject(Part),
    /// A header or payload that the strict parser refuses.
    #[error("{0}: {1}")]
    Json(Part, Fault),
    /// `alg` is absent, unknown, symmetric, `none`, or not on the issuer's list.
    #[error("the algorithm is not allowed for the issuer")]
    AlgorithmNotAllowed,
    /// `kid` is absent.
    #[error("the header has no kid")]
    NoKeyId,
    /// `kid` is too long or has characters that no key id needs.
    #[error("the kid is malformed")]
    BadKeyId,
    /// A header that brings its own key or changes what is signed.
    #[error("the header `{0}` is refused")]
    ForbiddenHeader(&'static str),
    /// The issuer's set has no such key.
    #[error("the issuer has no key of that kid")]
    UnknownKey,
    /// The key is not for this algorithm.
    #[error("the key is not for the token's algorithm")]
    KeyMismatch,
    /// The signature does not fit.
    #[error("the signature is wrong")]
    BadSignature,
    /// A required claim is absent.
    #[error("the claim `{0}` is missing")]
    MissingClaim(&'static str),
    /// A claim of the wrong JSON type or out of range.
    #[error("the claim `{0}` is malformed")]
    BadClaim(&'static str),
    /// No configured issuer says so.
    #[error("the issuer is not configured, or not the one whose key signed")]
    WrongIssuer,
    /// Our audience is not in it.
    #[error("the token is for another audience")]
    WrongAudience,
    /// An issuer of CI tokens must name exactly one audience.
    #[error("the token has several audiences")]
    SeveralAudiences,
    /// `exp` is over, leeway included.
    #[error("the token has expired")]
    Expired,
    /// `nbf` is not reached, leeway included.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// `iat` lies in the future, leeway included.
    #[error("the token was issued in the future")]
    IssuedInTheFuture,
    /// `exp - iat` is more than the issuer may give, or not positive.
    #[error("the token's lifetime is not allowed for the issuer")]
    Lifetime,
    /// `typ` is not that of an access token.
    #[error("the token's typ is refused")]
    WrongType,
    /// An ID token or a logout token, known by this claim.
    #[error("the claim `{0}` marks a token of another kind")]
    WrongKind(&'static str),
    /// `azp` or `client_id` is not on the issuer's list.
    #[error("the token was issued to a client that is not allowed")]
    WrongClient,
    /// On the issuer's deny-list, by this name.
    #[error("the token is denied by its `{0}`")]
    Denied(&'static str),
    /// The issuer's tokens are good for one request, and this one has been used.
    #[error("the token was used before")]
    Used,
}

/// Which part of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// The first.
    Header,
    /// The second.
    Claims,
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Header => "the header",
            Self::Claims => "the payload",
        })
    }
}

impl Refusal {
    /// The rule of the security notes that it breaks.
    pub fn rule(self) -> &'static str {
        match self {
            Self::NoToken
            | Self::SeveralTokens
            | Self::NotBearer
            | Self::TooLong
            | Self::NotCompact
            | Self::NotCanonical
            | Self::NotAnObject(_) => "J1",
            Self::AlgorithmNotAllowed | Self::BadSignature => "J2",
            Self::NoKeyId | Self::BadKeyId | Self::UnknownKey => "J3",
            Self::ForbiddenHeader(_) => "J4",
            Self::KeyMismatch => "J5",
            Self::MissingClaim(_)
            | Self::BadClaim(_)
            | Self::WrongIssuer
            | Self::WrongAudience
            | Self::SeveralAudiences
            | Self::Expired
            | Self::NotYetValid
            | Self::IssuedInTheFuture
            | Self::Lifetime => "J6",
            Self::WrongType | Self::WrongKind(_) | Self::WrongClient => "J7",
            Self::Json(..) => "J8",
            Self::Denied(_) | Self::Used => "J11",
        }
    }
}
