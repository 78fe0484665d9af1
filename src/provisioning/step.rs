//! What a step is: a named, repeatable unit of a plan, with its undo written next to it.

use super::context::StepContext;
use crate::cloud::{CloudError, Failure};
use crate::domain::operation::WaitingFor;
use crate::domain::problem::Explanation;
use crate::store::StoreError;
use async_trait::async_trait;
use std::time::Duration;

/// One step. Running it twice equals running it once; undoing what is not there succeeds.
#[async_trait]
pub trait Step: Send + Sync {
    /// snake_case name: in plans, logs, the API and the database.
    fn name(&self) -> &'static str;

    /// Every call this step sends, forward and back. The fault matrix strikes each of them; what is sent and not said
    /// here fails a test.
    fn calls(&self) -> &'static [Call];

    /// The step that a retry, or [`Outcome::Redo`], begins with when this one has failed: itself, unless it only watches
    /// what an earlier one made.
    fn retried_from(&self) -> &'static str {
        self.name()
    }

    /// Goes forward: looks, acts once, or says what it waits for.
    async fn run(&self, context: &mut StepContext<'_>) -> Result<Outcome, Halt>;

    /// Removes what `run` made, and only that. Of what an update changed nothing is left once the workspace is gone.
    async fn undo(&self, context: &mut StepContext<'_>) -> Result<Outcome, Halt>;
}

/// What kind of call it is: what may be done about it when something goes wrong. The rows of the fault matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Makes something that a second call would make again: needs a permit, and is looked for if its answer is lost.
    Create,
    /// Reads, and may be repeated at will.
    Wait,
    /// Sets a state, and may be repeated as it is.
    Put,
    /// Makes a token whose value is shown once: needs a permit, and is revoked and made anew if its answer is lost.
    Mint,
    /// Removes something by its id; what is not there counts as removed.
    Delete,
}

/// The calls of steps, named after the methods of provider and store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "named like the methods that are documented")]
pub enum Call {
    Preflight,
    FindCredentials,
    CreateCredentials,
    DeleteCredentials,
    FindStorage,
    CreateStorage,
    DeleteStorage,
    FindNetwork,
    CreateNetwork,
    ReportNetwork,
    DeleteNetwork,
    ExplainFailed,
    Leftovers,
    FindWorkspaces,
    GetWorkspace,
    CreateWorkspace,
    UpdateWorkspace,
    DeleteWorkspace,
    FindServicePrincipal,
    CreateServicePrincipal,
    AssignServicePrincipal,
    AllowTokens,
    DeleteServicePrincipal,
    Probe,
    ListTokens,
    MintToken,
    TryToken,
    RevokeToken,
    CheckStore,
    ReadMetadata,
    PutSecret,
    PutMetadata,
    DeleteSecret,
}

impl Call {
    /// As stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Preflight => "preflight",
            Self::FindCredentials => "find_credentials",
            Self::CreateCredentials => "create_credentials",
            Self::DeleteCredentials => "delete_credentials",
            Self::FindStorage => "find_storage",
            Self::CreateStorage => "create_storage",
            Self::DeleteStorage => "delete_storage",
            Self::FindNetwork => "find_network",
            Self::CreateNetwork => "create_network",
            Self::ReportNetwork => "report_network",
            Self::DeleteNetwork => "delete_network",
            Self::ExplainFailed => "explain_failed",
            Self::Leftovers => "leftovers",
            Self::FindWorkspaces => "find_workspaces",
            Self::GetWorkspace => "get_workspace",
            Self::CreateWorkspace => "create_workspace",
            Self::UpdateWorkspace => "update_workspace",
            Self::DeleteWorkspace => "delete_workspace",
            Self::FindServicePrincipal => "find_service_principal",
            Self::CreateServicePrincipal => "create_service_principal",
            Self::AssignServicePrincipal => "assign_service_principal",
            Self::AllowTokens => "allow_tokens",
            Self::DeleteServicePrincipal => "delete_service_principal",
            Self::Probe => "probe",
            Self::ListTokens => "list_tokens",
            Self::MintToken => "mint_token",
            Self::TryToken => "try_token",
            Self::RevokeToken => "revoke_token",
            Self::CheckStore => "check_store",
            Self::ReadMetadata => "read_metadata",
            Self::PutSecret => "put_secret",
            Self::PutMetadata => "put_metadata",
            Self::DeleteSecret => "delete_secret",
        }
    }

    /// What kind of call it is.
    pub fn kind(self) -> Kind {
        match self {
            Self::CreateCredentials
            | Self::CreateStorage
            | Self::CreateNetwork
            | Self::CreateWorkspace
            | Self::CreateServicePrincipal => Kind::Create,
            Self::Preflight
            | Self::FindCredentials
            | Self::FindStorage
            | Self::FindNetwork
            | Self::ReportNetwork
            | Self::ExplainFailed
            | Self::Leftovers
            | Self::FindWorkspaces
            | Self::GetWorkspace
            | Self::FindServicePrincipal
            | Self::Probe
            | Self::ListTokens
            | Self::TryToken
            | Self::CheckStore
            | Self::ReadMetadata => Kind::Wait,
            Self::UpdateWorkspace
            | Self::AssignServicePrincipal
            | Self::AllowTokens
            | Self::PutSecret
            | Self::PutMetadata => Kind::Put,
            Self::MintToken => Kind::Mint,
            Self::DeleteCredentials
            | Self::DeleteStorage
            | Self::DeleteNetwork
            | Self::DeleteWorkspace
            | Self::DeleteServicePrincipal
            | Self::RevokeToken
            | Self::DeleteSecret => Kind::Delete,
        }
    }

    /// Whether it goes to the secret store.
    pub fn is_store(self) -> bool {
        matches!(
            self,
            Self::CheckStore
                | Self::ReadMetadata
                | Self::PutSecret
                | Self::PutMetadata
                | Self::DeleteSecret
        )
    }
}

/// How a step ended, if not with an error.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Done; the sentence says what came of it.
    Done(String),
    /// Not needed for this workspace; the sentence says why.
    Skipped(String),
    /// Saved so far; goes on at once.
    Again(String),
    /// Looks again later. Costs no attempt and holds no worker.
    Wait(Wait),
    /// What an earlier step made has failed in a way that may pass: after the wait the plan is gone through again from
    /// [`Step::retried_from`].
    Redo(Wait),
}

/// A wait.
#[derive(Debug, Clone, PartialEq)]
pub struct Wait {
    /// For how long at most.
    pub delay: Duration,
    /// For what.
    pub waiting_for: WaitingFor,
    /// A sentence for people.
    pub message: String,
    /// What is wrong, where something is: shown meanwhile, and the operation's problem if the deadline passes.
    pub because: Option<Box<Explanation>>,
}

impl Wait {
    /// A wait because something is wrong that may pass.
    pub fn because(delay: Duration, waiting_for: WaitingFor, because: Explanation) -> Self {
        Self {
            delay,
            waiting_for,
            message: because.detail.clone(),
            because: Some(Box::new(because)),
        }
    }
}

impl Outcome {
    /// Waits for the vendor's ordinary progress.
    pub fn wait(delay: Duration, message: impl Into<String>) -> Self {
        Self::Wait(Wait {
            delay,
            waiting_for: WaitingFor::Databricks,
            message: message.into(),
            because: None,
        })
    }

    /// Waits because something is wrong that may pass.
    pub fn wait_because(delay: Duration, waiting_for: WaitingFor, because: Explanation) -> Self {
        Self::Wait(Wait::because(delay, waiting_for, because))
    }
}

/// What the engine does about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// May pass: backoff, an attempt is counted.
    Transient,
    /// Asked to slow down: wait as long as told, no attempt is counted.
    Throttled(Option<Duration>),
    /// Will not pass: a create fails, an undo needs attention.
    Permanent,
    /// Cannot be decided without a person.
    NeedsAPerson,
}

/// An error of a step.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}: {}", explanation.code.as_str(), explanation.detail)]
pub struct StepError {
    /// What to do about it.
    pub class: Class,
    /// What to tell people.
    pub explanation: Box<Explanation>,
}

/// Why a step stopped without an outcome.
#[derive(Debug, thiserror::Error)]
pub enum Halt {
    /// It failed.
    #[error(transparent)]
    Error(#[from] StepError),
    /// The lease is lost: drop everything, change nothing.
    #[error("lease lost")]
    Fenced,
    /// Somebody asked the operation to stop: no permit was given.
    #[error("asked to stop")]
    Cancelled,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for Halt {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Halt {
    /// An error that will not pass.
    pub fn permanent(explanation: Explanation) -> Self {
        Self::Error(StepError {
            class: Class::Permanent,
            explanation: Box::new(explanation),
        })
    }

    /// An error that may pass.
    pub fn transient(explanation: Explanation) -> Self {
        Self::Error(StepError {
            class: Class::Transient,
            explanation: Box::new(explanation),
        })
    }
}

/// A failed call that may be repeated as it is: reads, deletes, and writes that set a state.
impl From<CloudError> for Halt {
    fn from(error: CloudError) -> Self {
        let class = match error.failure {
            Failure::NotSent
            | Failure::NotYet
            | Failure::Unknown
            | Failure::Conflict
            | Failure::InUse => Class::Transient,
            Failure::Throttled(after) => Class::Throttled(after),
            Failure::NotFound | Failure::Refused => Class::Permanent,
        };
        Self::Error(StepError {
            class,
            explanation: error.explanation,
        })
    }
}
