//! Asks routes whatever a test wants to ask them, and keeps count of what they answer.

use crate::support::conformity::Route;
use crate::support::{Answer, TestApp};
use std::collections::{BTreeMap, BTreeSet};

/// Asks, and remembers which statuses each route has answered with.
pub(super) struct Prober<'a> {
    app: &'a TestApp,
    pub(super) seen: BTreeMap<Route, BTreeSet<u16>>,
    number: u32,
}

impl<'a> Prober<'a> {
    pub(super) fn new(app: &'a TestApp) -> Self {
        Self {
            app,
            seen: BTreeMap::new(),
            number: 0,
        }
    }

    /// Asks one route, with an id of the exchange that must come back.
    pub(super) async fn ask(
        &mut self,
        route: &Route,
        target: &str,
        role: Option<&str>,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        self.number += 1;
        let id = format!("probe-{}", self.number);
        let bearer = role.map(|role| match role {
            "guest" => format!(
                "Bearer {}",
                self.app.token_of("guest@example.com", "guests")
            ),
            role => self.app.bearer(role),
        });
        let mut all: Vec<(&str, &[u8])> = vec![("x-request-id", id.as_bytes())];
        all.extend(
            bearer
                .as_deref()
                .map(|value| ("authorization", value.as_bytes())),
        );
        all.extend(
            headers
                .iter()
                .map(|(name, value)| (*name, value.as_bytes())),
        );
        let answer = self
            .app
            .raw(&route.method, target, &all, body.as_bytes())
            .await;
        assert_eq!(answer.headers["x-request-id"], id, "{}", answer.text);
        if answer.status >= 400 {
            assert_eq!(answer.body["request_id"], id);
            assert_eq!(answer.headers["referrer-policy"], "no-referrer");
            assert_eq!(
                answer.headers["content-security-policy"],
                "default-src 'none'; frame-ancestors 'none'"
            );
        }
        self.seen
            .entry(route.clone())
            .or_default()
            .insert(answer.status);
        answer
    }

    /// Asks, and is told this status and code.
    pub(super) async fn expect(
        &mut self,
        told: (u16, &str),
        route: &Route,
        target: &str,
        role: Option<&str>,
        headers: &[(&str, &str)],
        body: &str,
    ) {
        let answer = self.ask(route, target, role, headers, body).await;
        let got = (
            answer.status,
            answer.body["code"].as_str().unwrap_or_default(),
        );
        assert_eq!(got, told, "{} {target}: {}", route.method, answer.text);
    }
}
