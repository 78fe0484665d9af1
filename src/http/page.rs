//! Pages of lists: `limit`, `order`, and an opaque `cursor` that belongs to the filters it was made with.

use super::problem::{FieldCode, FieldError, Problem};
use super::query::Params;
use crate::domain::problem::Code;
use crate::store;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use uuid::Uuid;

const DEFAULT_LIMIT: i64 = 50;
const MAX_LIMIT: i64 = 200;
const LIFETIME_SECONDS: i64 = 24 * 3600;

/// The order of a list: by id, which is the order of creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Oldest first.
    Asc,
    /// Newest first.
    #[default]
    Desc,
}

/// No upper bound and no format: any number is accepted, and lowered.
fn limit_schema() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(1))
        .default(Some(DEFAULT_LIMIT.into()))
        .build()
}

fn order_schema() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(["asc", "desc"]))
        .default(Some("desc".into()))
        .build()
}

/// Parameters of every list.
#[derive(Debug, Clone, Default, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Items wanted; more than 200 is lowered to 200.
    #[param(required = false, schema_with = limit_schema)]
    pub limit: i64,
    /// `next_cursor` of the page before. It belongs to the filters and the order it was made with and lives 24 hours.
    #[param(required = false, nullable = false, pattern = "^[A-Za-z0-9_-]{54}$")]
    pub cursor: Option<String>,
    /// Newest first (`desc`) or oldest first (`asc`).
    #[param(required = false, schema_with = order_schema)]
    pub order: Order,
}

impl PageQuery {
    /// Reads its parameters.
    pub fn from_query(params: &mut Params) -> Self {
        let limit = match params.one("limit") {
            None => DEFAULT_LIMIT,
            Some(text) => match text.parse::<i64>() {
                Ok(limit) if limit > 0 => limit.min(MAX_LIMIT),
                // more digits than a number has, but a number
                Err(_) if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) => MAX_LIMIT,
                _ => {
                    params.wrong("limit", "must be a number from 1");
                    DEFAULT_LIMIT
                }
            },
        };
        let cursor = params.one("cursor");
        let order = match params.one("order").as_deref() {
            None | Some("desc") => Order::Desc,
            Some("asc") => Order::Asc,
            Some(_) => {
                params.wrong("order", "must be `asc` or `desc`");
                Order::Desc
            }
        };
        Self {
            limit,
            cursor,
            order,
        }
    }

    /// The rows to ask the store for: one more than wanted, to know whether there is a next page.
    ///
    /// # Errors
    /// [`Code::InvalidCursor`].
    pub fn rows(&self, list: &List<'_>) -> Result<store::Page, Problem> {
        let after = self
            .cursor
            .as_deref()
            .map(|cursor| list.read(cursor, self.order))
            .transpose()?;
        Ok(store::Page {
            after,
            ascending: self.order == Order::Asc,
            limit: self.limit + 1,
        })
    }

    /// Cuts the extra row off; the cursor of the next page if there was one.
    pub fn cut<R>(
        &self,
        list: &List<'_>,
        rows: &mut Vec<R>,
        id: impl Fn(&R) -> Uuid,
    ) -> Option<String> {
        let wanted = usize::try_from(self.limit).unwrap_or(usize::MAX);
        if rows.len() <= wanted {
            return None;
        }
        rows.truncate(wanted);
        rows.last().map(|last| list.write(id(last), self.order))
    }
}

/// What a cursor belongs to.
#[derive(Debug)]
pub struct List<'a> {
    /// The list.
    pub route: &'a str,
    /// Its filters, in a form that is the same for the same filters.
    pub filters: String,
    /// Now.
    pub now: DateTime<Utc>,
}

impl List<'_> {
    /// Position, time and a hash of both and of what they belong to, so that a damaged cursor is noticed. There is
    /// nothing to forge: a made-up position only skips rows that the caller may see anyway.
    fn write(&self, after: Uuid, order: Order) -> String {
        let mut bytes = after.as_bytes().to_vec();
        bytes.extend(self.now.timestamp().to_be_bytes());
        bytes.extend(self.hash(order, &bytes));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn read(&self, cursor: &str, order: Order) -> Result<Uuid, Problem> {
        let invalid = |detail: &str| {
            Problem::new(Code::InvalidCursor, format!("The cursor {detail}.")).errors(vec![
                FieldError::parameter("cursor", FieldCode::Invalid, detail),
            ])
        };
        let malformed = || invalid("was not made by this service");
        let bytes: [u8; 40] = URL_SAFE_NO_PAD
            .decode(cursor)
            .ok()
            .and_then(|b| b.try_into().ok())
            .ok_or_else(malformed)?;
        let (position, rest) = bytes.split_first_chunk::<16>().ok_or_else(malformed)?;
        let (time, hash) = rest.split_first_chunk::<8>().ok_or_else(malformed)?;
        if hash != self.hash(order, &bytes[..24]) {
            return Err(invalid("is damaged or belongs to other filters"));
        }
        let age = self
            .now
            .timestamp()
            .saturating_sub(i64::from_be_bytes(*time));
        if !(-60..=LIFETIME_SECONDS).contains(&age) {
            return Err(invalid("is older than 24 hours"));
        }
        Ok(Uuid::from_bytes(*position))
    }

    fn hash(&self, order: Order, head: &[u8]) -> [u8; 16] {
        let list = format!("{}\n{order:?}\n{}\n", self.route, self.filters);
        let digest = Sha256::digest([list.as_bytes(), head].concat());
        let mut short = [0; 16];
        short.copy_from_slice(&digest[..16]);
        short
    }
}

/// The headers of a page: `Link` to the next one, if there is one.
pub fn next_page(uri: &Uri, next_cursor: Option<&str>) -> HeaderMap {
    let link = next_cursor.and_then(|cursor| next_link(uri, cursor));
    link.into_iter().map(|link| (header::LINK, link)).collect()
}

/// The `Link` of the next page (RFC 8288): the same address with another cursor.
fn next_link(uri: &Uri, cursor: &str) -> Option<HeaderValue> {
    let kept = uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|p| !p.is_empty() && !p.starts_with("cursor="));
    let query: Vec<&str> = kept.collect();
    let joiner = if query.is_empty() { "" } else { "&" };
    let text = format!(
        "<{}?{}{joiner}cursor={cursor}>; rel=\"next\"",
        uri.path(),
        query.join("&")
    );
    HeaderValue::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(filters: &str, now: i64) -> List<'_> {
        List {
            route: "workspaces",
            filters: filters.to_owned(),
            now: DateTime::from_timestamp(now, 0).unwrap(),
        }
    }

    fn code(result: Result<Uuid, Problem>) -> Code {
        result.unwrap_err().code()
    }

    #[test]
    fn a_cursor_belongs_to_its_filters_order_and_day() {
        let id = Uuid::now_v7();
        let cursor = list("a", 1_000_000).write(id, Order::Desc);
        let day = 24 * 3600;
        assert_eq!(
            list("a", 1_000_000 + day)
                .read(&cursor, Order::Desc)
                .unwrap(),
            id
        );
        assert_eq!(
            code(list("b", 1_000_000).read(&cursor, Order::Desc)),
            Code::InvalidCursor
        );
        assert_eq!(
            code(list("a", 1_000_000).read(&cursor, Order::Asc)),
            Code::InvalidCursor
        );
        assert_eq!(
            code(list("a", 1_000_001 + day).read(&cursor, Order::Desc)),
            Code::InvalidCursor
        );
        for bad in [
            "",
            "x",
            "AAAA",
            &format!("{cursor}A"),
            &cursor.replace(|c: char| c.is_ascii_digit(), "!"),
        ] {
            assert_eq!(
                code(list("a", 1_000_000).read(bad, Order::Desc)),
                Code::InvalidCursor,
                "{bad}"
            );
        }
    }

    #[test]
    fn limits() {
        let limit = |text: &str| {
            let mut params = Params::of(&[("limit", text)]);
            let query = PageQuery::from_query(&mut params);
            params.mistakes().is_empty().then_some(query.limit)
        };
        assert_eq!(limit("1"), Some(1));
        assert_eq!(limit("200"), Some(200));
        assert_eq!(limit("201"), Some(200));
        assert_eq!(limit("99999999999999999999999"), Some(200));
        for bad in ["0", "-1", "", "1.5", "ten", "1e3"] {
            assert_eq!(limit(bad), None, "{bad}");
        }
        assert_eq!(PageQuery::from_query(&mut Params::default()).limit, 50);
    }

    #[test]
    fn the_extra_row_tells_that_there_is_more() {
        let query = PageQuery {
            limit: 2,
            ..PageQuery::default()
        };
        let mut rows = vec![Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7()];
        assert!(query.cut(&list("", 0), &mut rows, |id| *id).is_some());
        assert_eq!(rows.len(), 2);
        assert!(query.cut(&list("", 0), &mut rows, |id| *id).is_none());
    }

    #[test]
    fn links_keep_the_filters() {
        let link = |uri: &'static str| {
            next_link(&Uri::from_static(uri), "X")
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned()
        };
        assert_eq!(link("/workspaces"), "</workspaces?cursor=X>; rel=\"next\"");
        assert_eq!(
            link("/w?limit=2&cursor=old&team=a"),
            "</w?limit=2&team=a&cursor=X>; rel=\"next\""
        );
    }
}
