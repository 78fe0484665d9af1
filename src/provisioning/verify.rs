//! Whether the audit is what was written: walks the whole hash chain in one moment of the database, a page at a time.
//!
//! It finds every change of a sealed row, every row that was removed or put in past the trigger, and every seal that
//! was changed or removed. What it cannot find alone is an end that was cut off, rows and seals together, or a chain
//! that was written anew: for that it takes a head that was noted before.

use crate::domain::seal::{Hash, Head, Row, seal};
use crate::store::StoreError;
use crate::store::seals::{self, Link, Waiting};
use sqlx::{PgConnection, PgPool};

/// Links that are in memory at a time.
const PAGE: i64 = 1000;

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The newest seal.
    pub head: Option<Head>,
    /// What no seal covers yet.
    pub waiting: Waiting,
    /// What is wrong; empty if the audit is as it was written.
    pub breaches: Vec<Breach>,
}

/// Something that is not as it was written.
#[derive(Debug, Clone, PartialEq)]
pub enum Breach {
    /// The row does not match the seal at this position.
    Altered(i64, Row),
    /// The row that is sealed here is not there.
    Removed(Link),
    /// There is no seal at this position, and there is one after it.
    SealMissing(i64),
    /// A seal stands at this position, which the chain does not have.
    Misplaced(i64),
    /// The row is neither in the chain nor waits for its seal.
    Stray(Row),
    /// The row of this number waits for its seal and is not there.
    Lost(i64),
    /// The chain ends before this head.
    CutOff(Head),
    /// The chain holds another hash at this head's position.
    Rewritten(Head),
}

/// Reads all of it. Of each kind of breach the first is told, and of the chain's only the first of all: after it
/// nothing can be said.
///
/// # Errors
/// [`StoreError`].
pub async fn verify(db: &PgPool, noted: Option<Head>) -> Result<Report, StoreError> {
    let mut moment = seals::moment(db).await?;
    let db: &mut PgConnection = &mut moment;
    let mut breaches = Vec::new();
    breaches.extend(walk(db).await?);
    breaches.extend(seals::stray(db).await?.map(Breach::Stray));
    breaches.extend(seals::lost(db).await?.map(Breach::Lost));
    if let Some(noted) = noted {
        match seals::hash_at(db, noted.position).await? {
            None => breaches.push(Breach::CutOff(noted)),
            Some(hash) if hash != noted.hash => breaches.push(Breach::Rewritten(noted)),
            Some(_) => {}
        }
    }
    let head = seals::end(db).await?.head;
    let waiting = seals::waiting(db).await?;
    moment.rollback().await.map_err(StoreError::from)?;
    Ok(Report {
        head,
        waiting,
        breaches,
    })
}

/// Follows the chain to its end or to the first thing that is wrong with it.
async fn walk(db: &mut PgConnection) -> Result<Option<Breach>, StoreError> {
    let (mut at, mut hash) = (0, Hash::BEGINNING);
    // From before the beginning, for nothing may stand there either.
    let mut after = i64::MIN;
    loop {
        let links = seals::links(db, after, PAGE).await?;
        let Some(last) = links.last() else {
            return Ok(None);
        };
        after = last.position;
        for link in links {
            if link.position < 1 {
                return Ok(Some(Breach::Misplaced(link.position)));
            }
            if link.position != at + 1 {
                return Ok(Some(Breach::SealMissing(at + 1)));
            }
            let Some(row) = &link.row else {
                return Ok(Some(Breach::Removed(link)));
            };
            at = link.position;
            hash = seal(hash, row, link.sealed_at);
            if link.hash != Some(hash) {
                return Ok(link.row.map(|row| Breach::Altered(at, row)));
            }
        }
    }
}
