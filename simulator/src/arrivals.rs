//! The log of everything that arrived. It never holds a header, a body or a query.

use serde::Serialize;

use crate::calls::Call;
use crate::faults::FaultKind;

/// One request (or DNS question) that arrived.
#[derive(Clone, Debug, Serialize)]
pub struct Arrival {
    /// Counts up from 1.
    pub sequence: u64,
    /// Milliseconds since the simulator started as its clients' clocks see them: real time and every jump.
    pub at: u64,
    /// When it was answered, likewise; `None` while held and when the connection was cut.
    pub until: Option<u64>,
    /// Which route.
    pub call: Call,
    /// Upstream name of the workspace it concerns, where that can be told.
    pub workspace: Option<String>,
    /// Name of the object that it makes, or speaks of by its id; a token's is its comment, a secret's its path.
    pub object: Option<String>,
    /// HTTP method, or the DNS record type.
    pub method: String,
    /// Path without query, or the DNS name asked for. Workspace hosts stand before the path.
    pub path: String,
    /// Status answered; `None` while held and when the connection was cut.
    pub status: Option<u16>,
    /// Whether it had its effect, whatever became of the answer.
    pub acted: bool,
    /// The `Retry-After` of the answer, in seconds.
    pub retry_after: Option<u64>,
    /// The fault that struck.
    pub fault: Option<FaultKind>,
    /// The client's own mistake: unknown route, missing token, a body that does not parse.
    pub mistake: bool,
}
