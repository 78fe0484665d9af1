//! The audit: every transition in the transaction of the change.

mod transitions;
