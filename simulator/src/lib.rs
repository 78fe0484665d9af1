//! The outside world as a program: Databricks' account and workspace APIs, OAuth, an OIDC issuer,
//! DNS, Azure, Vault and AWS Secrets Manager, over real sockets on the loopback.
//!
//! It is strict: a field, a header, a query parameter or a state that the vendor would refuse is
//! refused, and the refusal is remembered ([`Simulator::unexpected`]). It shares no type with the
//! product, so that a wrong field name fails a test instead of being mirrored. Time can be compressed
//! or jumped; failures have names ([`faults::catalogue`]).
//!
//! | room | what it plays |
//! | --- | --- |
//! | `server`, `wire`, `certificate`, `request`, `answer`, `routes` | the one HTTP door, plain and over TLS |
//! | `account` | the account API: credentials, storage, networks, workspaces, principals |
//! | `workspace` | the API of one workspace: who am I, tokens, permissions |
//! | `oauth`, `oidc`, `login` | Databricks' tokens; the issuer of the callers' bearer tokens; how people get one |
//! | `azure` | Entra ID, Resource Manager (workspaces, networks, groups), a key vault |
//! | `vault`, `aws`, `dns` | the secret stores; the name server |
//! | `faults`, `arrivals`, `inventory`, `admin` | trouble; what happened; what exists; all that over HTTP |
//! | `postgres`, `free_port` | a throwaway database server for tests and demos; where to listen |

mod account;
mod admin;
mod answer;
pub mod arrivals;
mod aws;
mod azure;
pub mod calls;
mod certificate;
mod chance;
mod clock;
mod dns;
pub mod faults;
mod free_port;
pub mod inventory;
mod login;
mod oauth;
mod oidc;
pub mod postgres;
mod request;
mod routes;
mod server;
mod settings;
mod simulator;
mod state;
mod vault;
mod wire;
mod workspace;
mod world;

pub use arrivals::Arrival;
pub use azure::AzureWorld;
pub use calls::Call;
pub use faults::{Fault, FaultKind};
pub use free_port::free_port;
pub use inventory::Inventory;
pub use login::LoginClient;
pub use settings::Settings;
pub use simulator::Simulator;
pub use world::World;
