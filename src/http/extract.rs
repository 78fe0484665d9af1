//! Who asks, and which thing the path means. Bodies are read by [`super::body`], queries by [`super::query`].

use super::Http;
use super::exchange::{RequestId, TraceParent};
use super::problem::Problem;
use crate::auth::{Action, Decision, Principal, Reasons, Teams, decide, visible_teams};
use crate::domain::problem::Code;
use crate::provisioning::request::Asker;
use crate::store;
use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use std::str::FromStr;
use std::sync::Arc;

/// Who asks, and for what: the principal of the token and the [`Action`] its route declares.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who.
    pub principal: Arc<Principal>,
    /// Why it has its roles, or none.
    pub reasons: Arc<Reasons>,
    /// Id of this HTTP exchange.
    pub request_id: RequestId,
    /// Its W3C trace context, if it came with one.
    pub traceparent: Option<Arc<str>>,
    action: Action,
}

/// The action of a route, put there by [`super::routes::endpoint`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Declared(pub(super) Action);

impl FromRequestParts<Http> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Http) -> Result<Self, Problem> {
        let (Some(principal), Some(reasons)) = (
            parts.extensions.get::<Arc<Principal>>().cloned(),
            parts.extensions.get::<Arc<Reasons>>().cloned(),
        ) else {
            return Err(Problem::unauthenticated());
        };
        let declared = parts.extensions.get::<Declared>();
        let request_id = parts.extensions.get::<RequestId>().cloned();
        let (Some(Declared(action)), Some(request_id)) = (declared, request_id) else {
            tracing::error!("a route declares no action");
            return Err(Problem::internal());
        };
        Ok(Self {
            principal,
            reasons,
            request_id,
            traceparent: parts
                .extensions
                .get::<TraceParent>()
                .map(|t| Arc::clone(&t.0)),
            action: *action,
        })
    }
}

impl Caller {
    /// Whether the caller may do what the route does, to a thing of `team` that `owner` owns. `hidden` is the answer
    /// where the thing does not exist for this caller.
    ///
    /// # Errors
    /// [`Code::Forbidden`], or `hidden`.
    pub fn may(
        &self,
        team: Option<&str>,
        owner: Option<&str>,
        hidden: Problem,
    ) -> Result<(), Problem> {
        self.may_do(self.action, team, owner, hidden)
    }

    /// Like [`Caller::may`], for a route that may do one thing or another.
    ///
    /// # Errors
    /// [`Code::Forbidden`], or `hidden`.
    pub fn may_do(
        &self,
        action: Action,
        team: Option<&str>,
        owner: Option<&str>,
        hidden: Problem,
    ) -> Result<(), Problem> {
        match decide(&self.principal, action, team, owner) {
            Decision::Allow => Ok(()),
            Decision::Hidden => Err(hidden),
            Decision::Forbidden { needs } => Err(Problem::new(
                Code::Forbidden,
                match team {
                    Some(team) => {
                        format!("You need the role `{}` in team `{team}`.", needs.as_str())
                    }
                    None => format!("You need the role `{}` in a team.", needs.as_str()),
                },
            )),
        }
    }

    /// Who asks, for the work that follows.
    pub fn asker(&self) -> Asker<'_> {
        Asker {
            principal: &self.principal.id,
            request_id: &self.request_id.0,
            traceparent: self.traceparent.as_deref(),
        }
    }

    /// The teams whose things exist for this caller: the predicate of every query.
    pub fn teams(&self) -> store::Teams {
        match visible_teams(&self.principal) {
            Teams::All => store::Teams::All,
            Teams::Only(teams) => store::Teams::Only(teams.into_iter().collect()),
        }
    }
}

/// What a path segment may be.
pub trait Segment: FromStr {
    /// What does not exist if the segment cannot be read.
    const NOUN: &'static str;
}

impl Segment for crate::domain::id::OperationId {
    const NOUN: &'static str = "operation";
}

/// The one parameter of the path. What cannot be read does not exist: 404.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<T: Segment> FromRequestParts<Http> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, http: &Http) -> Result<Self, Problem> {
        let params = RawPathParams::from_request_parts(parts, http)
            .await
            .map_err(|_| Problem::not_found(T::NOUN))?;
        let first = params
            .iter()
            .next()
            .and_then(|(_, value)| value.parse().ok());
        first.map(Self).ok_or_else(|| Problem::not_found(T::NOUN))
    }
}
