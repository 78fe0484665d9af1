//! The account API: what a workspace is built from, the workspaces, and who may enter them.
//!
//! One file per kind of object, one function per call. Finding one's own objects means listing them all and
//! comparing names: the vendor has no idempotency key and no search by name. An id is checked for its form before
//! it stands in a path.
//!
//! This room refuses to update in place: the vendor has no such verb for configuration objects.

pub mod assignments;
pub mod credentials;
pub mod networks;
pub mod service_principals;
pub mod storage;
pub mod workspaces;
