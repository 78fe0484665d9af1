//! The nouns of the house and their rules. No I/O, no async, no SQL.
//!
//! A **workspace** is what was asked for ([`spec`], [`external`], [`condition`], [`phase`]), an **operation** is
//! the work on it that a caller can follow ([`operation`]), and whatever goes wrong is said in one closed list of
//! codes ([`problem`], and in [`cause`] why each of them happens). [`marker`] is how we know our own things outside. Two
//! wishes are compared by [`wish`]; [`local`] is what can change without the vendor, under a [`precondition`] if the
//! caller names one. [`seal`] is the form in which audit rows are chained.
//!
//! This room refuses to know how any of it is stored, sent or shown.

pub mod arm;
pub mod aws;
pub mod azure;
pub mod cause;
pub mod cloud;
pub mod condition;
pub mod demands;
pub mod external;
pub mod id;
pub mod local;
pub mod marker;
pub mod name;
pub mod operation;
pub mod pairs;
pub mod phase;
pub mod precondition;
pub mod problem;
pub mod scrub;
pub mod seal;
pub mod settable;
pub mod spec;
pub mod strict_json;
pub mod template;
pub mod wish;
