//! The matrix: what has to come of a call of each kind, whatever befalls it. The page in `docs/` is made of this.

use brickyard::provisioning::step::{Call, Kind};
use simulator::FaultKind;

/// A row: a kind of call, and whom it goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Row {
    Create,
    Wait,
    Put,
    Mint,
    Delete,
    StoreWait,
    StorePut,
    StoreDelete,
}

impl Row {
    pub const ALL: [Self; 8] = [
        Self::Create,
        Self::Wait,
        Self::Put,
        Self::Mint,
        Self::Delete,
        Self::StoreWait,
        Self::StorePut,
        Self::StoreDelete,
    ];

    /// Where a call stands.
    pub fn of(call: Call) -> Self {
        match (call.kind(), call.is_store()) {
            (Kind::Create, _) => Self::Create,
            (Kind::Mint, _) => Self::Mint,
            (Kind::Wait, false) => Self::Wait,
            (Kind::Put, false) => Self::Put,
            (Kind::Delete, false) => Self::Delete,
            (Kind::Wait, true) => Self::StoreWait,
            (Kind::Put, true) => Self::StorePut,
            (Kind::Delete, true) => Self::StoreDelete,
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Wait => "wait",
            Self::Put => "put",
            Self::Mint => "mint",
            Self::Delete => "delete",
            Self::StoreWait => "wait (store)",
            Self::StorePut => "put (store)",
            Self::StoreDelete => "delete (store)",
        }
    }
}

/// A column: what befalls a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    RequestLost,
    AnswerLost,
    AnswerLate,
    Throttled,
    Unavailable,
    ErrorPage,
    ErrorAfterActing,
    Truncated,
    LoginPage,
    Unauthorized,
    Forbidden,
    Conflict,
    KilledBefore,
    KilledAfter,
    DatabaseLost,
    LeaseLost,
    Stopped,
}

impl Trouble {
    /// How the simulator is told.
    pub fn fault(self) -> FaultKind {
        match self {
            Self::RequestLost => FaultKind::RequestLost,
            Self::AnswerLost => FaultKind::AnswerLost,
            Self::Throttled => FaultKind::Throttled,
            Self::Unavailable => FaultKind::Unavailable,
            Self::ErrorPage => FaultKind::HtmlError,
            Self::ErrorAfterActing => FaultKind::ErrorAfterActing,
            Self::Truncated => FaultKind::Truncated,
            Self::LoginPage => FaultKind::HtmlOk,
            Self::Unauthorized => FaultKind::Unauthorized,
            Self::Forbidden => FaultKind::Forbidden,
            Self::Conflict => FaultKind::EmptyConflict,
            Self::KilledBefore => FaultKind::HoldRequest,
            Self::AnswerLate
            | Self::KilledAfter
            | Self::DatabaseLost
            | Self::LeaseLost
            | Self::Stopped => FaultKind::HoldAnswer,
        }
    }

    /// Whether the test does something itself while the call is in flight.
    pub fn is_done_by_hand(self) -> bool {
        matches!(
            self,
            Self::KilledBefore
                | Self::KilledAfter
                | Self::DatabaseLost
                | Self::LeaseLost
                | Self::Stopped
        )
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::RequestLost => "the connection ends before the call acts",
            Self::AnswerLost => "the connection ends after the call acted",
            Self::AnswerLate => "it acts, and the answer comes after the time-out",
            Self::Throttled => "429 with `Retry-After`",
            Self::Unavailable => "503, nothing happened",
            Self::ErrorPage => "502 with a proxy's page, nothing happened",
            Self::ErrorAfterActing => "500, although it acted",
            Self::Truncated => "200 with half of its body",
            Self::LoginPage => "200 with somebody's login page, nothing happened",
            Self::Unauthorized => "401",
            Self::Forbidden => "403",
            Self::Conflict => "409",
            Self::KilledBefore => "the process dies before the call acts",
            Self::KilledAfter => "the process dies after it acted, before that is recorded",
            Self::DatabaseLost => {
                "the database goes away while the call is in flight, and comes back"
            }
            Self::LeaseLost => "the lease is lost while the call is in flight",
            Self::Stopped => "the process is told to stop while the call is in flight",
        }
    }
}

/// A cell: what has to come of it. In every one of them there is in the end one workspace, one live token, and the
/// store holds it; after the removal there is nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    Again,
    Waits,
    LogsIn,
    Finds,
    LooksFirst,
    Renews,
    Gone,
    Knows,
    GoesOn,
    Explains,
    Parks,
    Finishes,
    Keeps,
    /// It cannot occur.
    Never,
}

impl Outcome {
    pub const ALL: [Self; 13] = [
        Self::Again,
        Self::Waits,
        Self::LogsIn,
        Self::Finds,
        Self::LooksFirst,
        Self::Renews,
        Self::Gone,
        Self::Knows,
        Self::GoesOn,
        Self::Explains,
        Self::Parks,
        Self::Finishes,
        Self::Keeps,
    ];

    /// The word in the table.
    pub fn word(self) -> &'static str {
        match self {
            Self::Again => "again",
            Self::Waits => "waits",
            Self::LogsIn => "logs in",
            Self::Finds => "finds",
            Self::LooksFirst => "looks first",
            Self::Renews => "renews",
            Self::Gone => "gone",
            Self::Knows => "knows",
            Self::GoesOn => "goes on",
            Self::Explains => "explains",
            Self::Parks => "parks",
            Self::Finishes => "finishes",
            Self::Keeps => "keeps",
            Self::Never => "·",
        }
    }

    pub fn meaning(self) -> &'static str {
        match self {
            Self::Again => "The same call is sent again: it may be repeated.",
            Self::Waits => "It is sent again, but not before the time it was told.",
            Self::LogsIn => {
                "It logs in once more and sends the call again; refused a second time, it explains or parks, as below."
            }
            Self::Finds => {
                "What the call made is found by its marker and adopted. The call is sent once, and never again."
            }
            Self::LooksFirst => {
                "It is looked for by its marker until it is certain that nothing was made (time-out and settle window); \
                 only then is the call sent a second time."
            }
            Self::Renews => {
                "Whatever may have been minted is revoked by its marker, and another is minted: a value that was lost \
                 is worth nothing."
            }
            Self::Gone => {
                "It is removed once. Whoever looks again finds nothing, or sends the call again and is told so: both count \
                 as removed."
            }
            Self::Knows => {
                "It is known by its version that the value was written. Whoever looks again finds it, or sends it again and \
                 it is taken for the same."
            }
            Self::GoesOn => "It goes on without the answer.",
            Self::Explains => {
                "Waiting would not help. A create or update ends as `failed` with cause and hint, a removal stands as \
                 `needs_attention`; each goes on when it is retried."
            }
            Self::Parks => {
                "The operation waits for the store and says so (`waiting_for: secret_store`). No token lives meanwhile \
                 that the store does not hold."
            }
            Self::Finishes => {
                "The call is awaited and recorded, then the job is handed to another process. Nothing is sent twice \
                 that must not be."
            }
            Self::Keeps => {
                "What came of the call stays in memory and is recorded as soon as the database is back, for as long as a \
                 lease lasts. Nothing is sent twice that must not be."
            }
            Self::Never => "It cannot occur.",
        }
    }
}

use Outcome::{
    Again, Explains, Finds, Finishes, Gone, Keeps, LogsIn, LooksFirst, Never, Parks, Renews, Waits,
};

/// The table, in the order of [`Row::ALL`].
#[rustfmt::skip]
pub const TABLE: [(Trouble, [Outcome; 8]); 17] = [
    //                            create       wait       put        mint       delete     wait       put        delete (store)
    (Trouble::RequestLost,       [LooksFirst,  Again,     Again,     Renews,    Again,     Again,     Again,     Again]),
    (Trouble::AnswerLost,        [Finds,       Again,     Again,     Renews,    Gone,      Again,     Again,     Gone]),
    (Trouble::AnswerLate,        [Finds,       Again,     Again,     Renews,    Gone,      Again,     Renews,    Gone]),
    (Trouble::Throttled,         [Waits,       Waits,     Waits,     Waits,     Waits,     Waits,     Again,     Waits]),
    (Trouble::Unavailable,       [LooksFirst,  Again,     Again,     Renews,    Again,     Parks,     Again,     Parks]),
    (Trouble::ErrorPage,        [LooksFirst, Again,    Again,    Renews,   Again,    Again,    Again,    Again]),
    (Trouble::ErrorAfterActing,  [Finds,       Again,     Again,     Renews,    Gone,      Again,     Again,     Gone]),
    (Trouble::Truncated,         [Finds,       Again,     Again,     Renews,    Gone,      Again,     Again,     Gone]),
    (Trouble::LoginPage,         [LooksFirst,  Again,     Again,     Renews,    Again,     Again,     Again,     Again]),
    (Trouble::Unauthorized,      [LogsIn,      LogsIn,    LogsIn,    LogsIn,    LogsIn,    Parks,     Parks,     Parks]),
    (Trouble::Forbidden,         [Explains,    Explains,  Explains,  Explains,  Explains,  Parks,     Parks,     Parks]),
    (Trouble::Conflict,          [Explains,    Again,     Again,     Renews,    Again,     Never,     Never,     Never]),
    (Trouble::KilledBefore,      [LooksFirst,  Again,     Again,     Renews,    Again,     Again,     Renews,    Again]),
    (Trouble::KilledAfter,       [Finds,       Again,     Again,     Renews,    Gone,      Again,     Renews,    Gone]),
    (Trouble::DatabaseLost,      [Keeps,       Keeps,     Keeps,     Keeps,     Keeps,     Keeps,     Keeps,     Keeps]),
    (Trouble::LeaseLost,         [Finds,       Again,     Again,     Renews,    Gone,      Again,     Renews,    Gone]),
    (Trouble::Stopped,           [Finishes,    Finishes,  Finishes,  Finishes,  Finishes,  Finishes,  Finishes,  Finishes]),
];

/// What the table says of a kind of call.
pub fn outcome(row: Row, trouble: Trouble) -> Outcome {
    let (_, cells) = TABLE
        .iter()
        .find(|(it, _)| *it == trouble)
        .expect("every trouble has its line");
    let at = Row::ALL.iter().position(|it| *it == row);
    cells[at.expect("every row has its place")]
}
