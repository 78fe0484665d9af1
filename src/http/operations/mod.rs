//! Operations: what a caller polls after a 202.
//!
//! [`view`] is the answer, [`progress`] how far it is, [`get`] the (long) poll, [`list`] the list, and [`changes`]
//! wakes the long polls of this process.

pub mod changes;
pub mod get;
pub mod list;
pub mod progress;
pub mod view;

pub use changes::Changes;
pub use view::Operation;
