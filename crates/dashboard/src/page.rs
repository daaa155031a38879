//! The pages, one a file: each is a struct of what it shows, and `render`.

pub mod audit;
pub mod credential;
pub mod credential_list;
pub mod limit_list;
pub mod mine;
pub mod overview;
pub mod problem;
pub mod session_list;
pub mod sign_in;
pub mod token_list;
mod usage_table;
