//! Calls that are not like the others of their kind, and why.

use super::cells::Way;
use super::table::Outcome::{self, Again, Explains, Finds, GoesOn, Knows, LogsIn, Renews};
use super::table::Trouble;
use crate::support::stores::Store;
use crate::support::variants::Variant;
use simulator::Call as Outside;

/// A call that is not like the others of its kind, and why.
pub struct Exception {
    pub step: &'static str,
    pub call: Outside,
    /// At which store, where the others of the call are like those of their kind.
    pub at: Option<&'static Store>,
    pub way: Way,
    pub troubles: &'static [Trouble],
    pub outcome: Outcome,
    pub why: &'static str,
}

impl Exception {
    /// Whether it speaks of this variant.
    pub fn is_at(&self, variant: &Variant) -> bool {
        self.at
            .is_none_or(|store| store.name() == variant.store.name())
    }
}

const UNANSWERED: &[Trouble] = &[
    Trouble::RequestLost,
    Trouble::AnswerLost,
    Trouble::AnswerLate,
    Trouble::Unavailable,
    Trouble::ErrorPage,
    Trouble::ErrorAfterActing,
    Trouble::Truncated,
    Trouble::LoginPage,
    Trouble::Conflict,
];

/// [`UNANSWERED`], and what only a proxy in between says.
const UNCHECKED: &[Trouble] = &[
    Trouble::RequestLost,
    Trouble::AnswerLost,
    Trouble::AnswerLate,
    Trouble::Unavailable,
    Trouble::ErrorPage,
    Trouble::ErrorAfterActing,
    Trouble::Truncated,
    Trouble::LoginPage,
    Trouble::Conflict,
    Trouble::Forbidden,
];

const UNPROVED: &[Trouble] = &[
    Trouble::RequestLost,
    Trouble::AnswerLost,
    Trouble::AnswerLate,
    Trouble::Throttled,
    Trouble::Unavailable,
    Trouble::ErrorPage,
    Trouble::ErrorAfterActing,
    Trouble::Truncated,
    Trouble::LoginPage,
    Trouble::Unauthorized,
    Trouble::Conflict,
    Trouble::KilledBefore,
    Trouble::KilledAfter,
    Trouble::LeaseLost,
];

const NO_GOOD_ANSWER: &[Trouble] = &[
    Trouble::RequestLost,
    Trouble::AnswerLost,
    Trouble::AnswerLate,
    Trouble::Unavailable,
    Trouble::ErrorPage,
    Trouble::ErrorAfterActing,
    Trouble::Truncated,
    Trouble::LoginPage,
    Trouble::Unauthorized,
    Trouble::Forbidden,
    Trouble::Conflict,
];

/// It was written, and the answer is no good.
const UNHEARD: &[Trouble] = &[
    Trouble::AnswerLost,
    Trouble::ErrorAfterActing,
    Trouble::Truncated,
];

const REFUSED: &[Trouble] = &[Trouble::Forbidden];

const UNKNOWN: &str = "what cannot be checked blocks nothing";
const GRANTED: &str = "a role that was granted a moment ago is not known everywhere";
const WARNS: &str = "what it would tell is worth a warning, no more";
const SECRET: &str = "a client secret that is refused is not accepted the second time either";
const UNTRIED: &str = "a token that did not prove itself is revoked, and never stored";
const YOUNG: &str = "a young workspace refuses for a while";
const CHALLENGED: &str = "the store says where to log in: that is done once more, as in the cloud";
const OF_THE_VALUE: &str = "each version has an id that is made from the value";
const ENDS_WITH_IT: &str =
    "tokens that cannot be revoked do not keep their workspace alive: they end with it";

/// All of them.
#[rustfmt::skip]
pub const EXCEPTIONS: &[Exception] = &[
    Exception { step: "preflight", call: Outside::AccountToken, at: None, way: Way::There, troubles: &[Trouble::Unauthorized, Trouble::Conflict], outcome: Explains, why: SECRET },
    Exception { step: "preflight", call: Outside::GetNetwork, at: None, way: Way::There, troubles: UNANSWERED, outcome: GoesOn, why: UNKNOWN },
    Exception { step: "await_running", call: Outside::GetNetwork, at: None, way: Way::There, troubles: NO_GOOD_ANSWER, outcome: GoesOn, why: WARNS },
    Exception { step: "await_reachable", call: Outside::Discovery, at: None, way: Way::There, troubles: REFUSED, outcome: Again, why: YOUNG },
    Exception { step: "await_reachable", call: Outside::WorkspaceToken, at: None, way: Way::There, troubles: REFUSED, outcome: Again, why: YOUNG },
    Exception { step: "await_reachable", call: Outside::Me, at: None, way: Way::There, troubles: REFUSED, outcome: Again, why: YOUNG },
    Exception { step: "deliver_token", call: Outside::Me, at: None, way: Way::There, troubles: UNPROVED, outcome: Renews, why: UNTRIED },
    Exception { step: "deliver_token", call: Outside::StoreMetadataPut, at: None, way: Way::There, troubles: &[Trouble::KilledAfter, Trouble::LeaseLost], outcome: Finds, why: "the store's metadata names the token that lies beside it" },
    Exception { step: "deliver_token", call: Outside::GetWorkspace, at: None, way: Way::Back, troubles: REFUSED, outcome: Again, why: ENDS_WITH_IT },
    Exception { step: "deliver_token", call: Outside::ListTokensAsAdmin, at: None, way: Way::Back, troubles: REFUSED, outcome: Again, why: ENDS_WITH_IT },
    Exception { step: "deliver_token", call: Outside::RevokeTokenAsAdmin, at: None, way: Way::Back, troubles: REFUSED, outcome: Again, why: ENDS_WITH_IT },
    Exception { step: "preflight", call: Outside::EntraToken, at: None, way: Way::There, troubles: UNCHECKED, outcome: GoesOn, why: UNKNOWN },
    Exception { step: "preflight", call: Outside::EntraToken, at: None, way: Way::There, troubles: &[Trouble::Unauthorized], outcome: Explains, why: SECRET },
    Exception { step: "preflight", call: Outside::ArmGetProvider, at: None, way: Way::There, troubles: UNANSWERED, outcome: GoesOn, why: UNKNOWN },
    Exception { step: "preflight", call: Outside::ArmGetGroup, at: None, way: Way::There, troubles: UNANSWERED, outcome: GoesOn, why: UNKNOWN },
    Exception { step: "preflight", call: Outside::ArmGetVnet, at: None, way: Way::There, troubles: UNANSWERED, outcome: GoesOn, why: UNKNOWN },
    Exception { step: "preflight", call: Outside::ArmListWorkspaces, at: None, way: Way::There, troubles: UNANSWERED, outcome: GoesOn, why: UNKNOWN },
    Exception { step: "preflight", call: Outside::ArmCheckPolicies, at: None, way: Way::There, troubles: NO_GOOD_ANSWER, outcome: GoesOn, why: UNKNOWN },
    Exception { step: "preflight", call: Outside::ArmListNetworkUsages, at: None, way: Way::There, troubles: NO_GOOD_ANSWER, outcome: GoesOn, why: UNKNOWN },
    Exception { step: "create_network", call: Outside::ArmPutNsg, at: None, way: Way::There, troubles: REFUSED, outcome: Again, why: GRANTED },
    Exception { step: "create_network", call: Outside::ArmPutVnet, at: None, way: Way::There, troubles: REFUSED, outcome: Again, why: GRANTED },
    Exception { step: "create_workspace", call: Outside::ArmCreateWorkspace, at: None, way: Way::There, troubles: REFUSED, outcome: Again, why: GRANTED },
    Exception { step: "create_workspace", call: Outside::ArmListGroupResources, at: None, way: Way::Back, troubles: &[Trouble::Unauthorized, Trouble::Forbidden], outcome: GoesOn, why: WARNS },
    Exception { step: "deliver_token", call: Outside::ArmGetWorkspace, at: None, way: Way::Back, troubles: REFUSED, outcome: Again, why: ENDS_WITH_IT },
    Exception { step: "deliver_token", call: Outside::ListTokens, at: None, way: Way::Back, troubles: REFUSED, outcome: Again, why: ENDS_WITH_IT },
    Exception { step: "deliver_token", call: Outside::RevokeToken, at: None, way: Way::Back, troubles: REFUSED, outcome: Again, why: ENDS_WITH_IT },
    Exception { step: "deliver_token", call: Outside::StoreMetadataGet, at: Some(&Store::Azure), way: Way::There, troubles: &[Trouble::Unauthorized], outcome: LogsIn, why: CHALLENGED },
    Exception { step: "deliver_token", call: Outside::StoreDeletedGet, at: Some(&Store::Azure), way: Way::There, troubles: &[Trouble::Unauthorized], outcome: LogsIn, why: CHALLENGED },
    Exception { step: "deliver_token", call: Outside::StorePut, at: Some(&Store::Azure), way: Way::There, troubles: &[Trouble::Unauthorized], outcome: LogsIn, why: CHALLENGED },
    Exception { step: "deliver_token", call: Outside::StoreMetadataPut, at: Some(&Store::Azure), way: Way::There, troubles: &[Trouble::Unauthorized], outcome: LogsIn, why: CHALLENGED },
    Exception { step: "deliver_token", call: Outside::StoreMetadataGet, at: Some(&Store::Azure), way: Way::Back, troubles: &[Trouble::Unauthorized], outcome: LogsIn, why: CHALLENGED },
    Exception { step: "deliver_token", call: Outside::StoreDelete, at: Some(&Store::Azure), way: Way::Back, troubles: &[Trouble::Unauthorized], outcome: LogsIn, why: CHALLENGED },
    Exception { step: "deliver_token", call: Outside::StoreDeletedGet, at: Some(&Store::Azure), way: Way::There, troubles: REFUSED, outcome: GoesOn, why: UNKNOWN },
    Exception { step: "deliver_token", call: Outside::StorePut, at: Some(&Store::Aws), way: Way::There, troubles: UNHEARD, outcome: Knows, why: OF_THE_VALUE },
    Exception { step: "deliver_token", call: Outside::StorePut, at: Some(&Store::Azure), way: Way::There, troubles: UNHEARD, outcome: Knows, why: OF_THE_VALUE },
];
