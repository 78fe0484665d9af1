//! Query parameters: what nobody asks for is a mistake, and all mistakes are said at once.

use super::Http;
use super::mistakes::{FieldCode, FieldError, MAX_ERRORS, count};
use super::problem::Problem;
use crate::domain::problem::Code;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use std::str::FromStr;

/// The query of a route.
pub trait FromQuery: Sized {
    /// Takes what it knows; what nobody asks for is unknown.
    fn from_query(params: &mut Params) -> Self;
}

/// The checked query. Everything wrong with it is said at once.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: FromQuery> FromRequestParts<Http> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Http) -> Result<Self, Problem> {
        let pairs = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
            .map_err(|_| Problem::new(Code::InvalidRequest, "The query cannot be read."))?
            .0;
        let mut params = Params {
            pairs,
            known: Vec::new(),
            errors: Vec::new(),
        };
        let value = T::from_query(&mut params);
        params.finish().map(|()| Self(value))
    }
}

/// For routes without parameters.
#[derive(Debug)]
pub struct NoQuery;

impl FromQuery for NoQuery {
    fn from_query(_: &mut Params) -> Self {
        Self
    }
}

/// Decoded query parameters and what was found wrong with them so far.
#[derive(Debug, Default)]
pub struct Params {
    pairs: Vec<(String, String)>,
    known: Vec<&'static str>,
    errors: Vec<FieldError>,
}

impl Params {
    /// The values of a parameter that may be repeated.
    pub fn all(&mut self, name: &'static str) -> Vec<String> {
        self.known.push(name);
        let values: Vec<String> = self
            .pairs
            .iter()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.clone())
            .collect();
        // What does not decode to UTF-8 was replaced on the way here.
        let unfit = |c: char| c.is_control() || c == char::REPLACEMENT_CHARACTER;
        if values.iter().any(|value| value.chars().any(unfit)) {
            self.wrong(name, "has a control character or is not UTF-8");
            return Vec::new();
        }
        values
    }

    /// Like [`Params::all`]; commas separate values too.
    pub fn list(&mut self, name: &'static str) -> Vec<String> {
        self.all(name)
            .iter()
            .flat_map(|value| value.split(','))
            .map(|value| value.trim().to_owned())
            .collect()
    }

    /// Like [`Params::list`], for words that `parse` knows.
    pub fn words<T: DeserializeOwned>(&mut self, name: &'static str) -> Vec<T> {
        let mut words = Vec::new();
        for word in self.list(name) {
            match serde_json::from_value(word.clone().into()) {
                Ok(known) => words.push(known),
                Err(_) => self.wrong(name, "is not one of the values in the document"),
            }
        }
        words
    }

    /// The value of a parameter that may come once.
    pub fn one(&mut self, name: &'static str) -> Option<String> {
        let mut values = self.all(name);
        if values.len() > 1 {
            self.errors.push(FieldError::parameter(
                name,
                FieldCode::Repeated,
                "may come once",
            ));
        }
        values.pop()
    }

    /// The value of a parameter that may come once, if it can be read.
    pub fn parsed<T: FromStr>(&mut self, name: &'static str, expected: &str) -> Option<T> {
        let text = self.one(name)?;
        let parsed = text.parse().ok();
        if parsed.is_none() {
            self.wrong(name, format!("must be {expected}"));
        }
        parsed
    }

    /// A point in time.
    pub fn time(&mut self, name: &'static str) -> Option<DateTime<Utc>> {
        let time: Option<DateTime<chrono::FixedOffset>> =
            self.one(name)
                .and_then(|text| match DateTime::parse_from_rfc3339(&text) {
                    Ok(time) => Some(time),
                    Err(_) => {
                        self.wrong(
                            name,
                            "must be an RFC 3339 time, such as 2026-11-22T09:00:00Z",
                        );
                        None
                    }
                });
        time.map(|time| time.with_timezone(&Utc))
    }

    /// Notes that a value may not be that.
    pub fn wrong(&mut self, name: &str, detail: impl Into<String>) {
        self.errors
            .push(FieldError::parameter(name, FieldCode::Invalid, detail));
    }

    fn finish(mut self) -> Result<(), Problem> {
        for (name, _) in &self.pairs {
            let seen = self
                .errors
                .iter()
                .any(|e| e.parameter.as_ref() == Some(name));
            if !self.known.contains(&name.as_str()) && !seen {
                self.errors.push(FieldError::parameter(
                    name,
                    FieldCode::UnknownField,
                    "there is no such parameter",
                ));
            }
        }
        if self.errors.is_empty() {
            return Ok(());
        }
        self.errors.truncate(MAX_ERRORS);
        let detail = count(self.errors.len(), "parameter is", "parameters are");
        Err(Problem::new(Code::InvalidParameter, detail).errors(self.errors))
    }

    #[cfg(test)]
    pub(super) fn of(pairs: &[(&str, &str)]) -> Self {
        Self {
            pairs: pairs
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect(),
            ..Self::default()
        }
    }

    #[cfg(test)]
    pub(super) fn mistakes(self) -> Vec<FieldError> {
        self.finish().err().map_or(Vec::new(), |problem| {
            problem
                .document(&crate::http::PublicUrl::default(), "", "")
                .errors
        })
    }
}

/// The names of the parameters a query reads, sorted.
#[cfg(test)]
pub(super) fn read<Q: FromQuery>() -> Vec<String> {
    let mut params = Params::default();
    Q::from_query(&mut params);
    let mut known: Vec<String> = params.known.into_iter().map(str::to_owned).collect();
    known.sort();
    known
}

/// The names of the parameters that are documented, sorted.
#[cfg(test)]
pub(super) fn documented(parameters: &[utoipa::openapi::path::Parameter]) -> Vec<String> {
    let mut names: Vec<String> = parameters.iter().map(|it| it.name.clone()).collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_mistakes_of_a_query_at_once() {
        let mut params = Params::of(&[
            ("team", "a"),
            ("team", "b"),
            ("limit", "x"),
            ("since", "yesterday"),
            ("typo", "1"),
            ("typo", "2"),
            ("name_prefix", "a\0"),
        ]);
        params.one("team");
        params.parsed::<i64>("limit", "a number");
        params.time("since");
        params.one("name_prefix");
        let errors = params.mistakes();
        let of = |name: &str| {
            errors
                .iter()
                .find(|e| e.parameter.as_deref() == Some(name))
                .unwrap()
                .code
        };
        assert_eq!(errors.len(), 5, "{errors:?}");
        assert_eq!(of("team"), FieldCode::Repeated);
        assert_eq!(of("limit"), FieldCode::Invalid);
        assert_eq!(of("since"), FieldCode::Invalid);
        assert_eq!(of("typo"), FieldCode::UnknownField);
        assert_eq!(of("name_prefix"), FieldCode::Invalid);
    }

    #[test]
    fn lists_are_repeated_or_separated_by_commas() {
        let mut params = Params::of(&[("phase", "ready, failed"), ("phase", "deleted")]);
        assert_eq!(params.list("phase"), ["ready", "failed", "deleted"]);
        assert!(params.mistakes().is_empty());
    }
}
