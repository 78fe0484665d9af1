//! Azure's wire: tokens of Entra ID, the way the official crates take to the outside, and Azure Resource Manager
//! ([`arm`]).
//!
//! An [`Identity`] lends tokens by audience; the official crate does each exchange, and [`bearer`](crate::bearer) keeps
//! what came of it. A [`Door`] is the crates' transport over [`outbound`](crate::outbound), so that DNS servers, trusted
//! authorities, time-outs and metrics are the same for them as for everything else, and nothing is sent twice.
//!
//! This room refuses to know what tokens are used for, and to read the environment. (Where a managed identity is served,
//! the official crate learns from the variables its platform sets; the service's own settings cannot say it.)

pub mod arm;
mod door;
mod failure;
mod identity;

pub use door::{Door, client_options};
pub use failure::IdentityError;
pub use identity::{Identity, Proof, Settings};
