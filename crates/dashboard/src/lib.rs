//! The pages of the dashboard: pure functions from what the services tell to HTML. They read no database and know no request;
//! nothing in them needs a script, and nothing carries a style of its own, so that the strictest content policy holds.

pub mod asset;
mod chart;
mod chip;
mod figure;
pub mod form;
pub mod frame;
pub mod measure;
pub mod page;
pub mod range;
mod text;

pub use frame::{Display, Place, Theme, Viewer};
