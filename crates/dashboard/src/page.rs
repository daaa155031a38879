//! The pages, one a file: each is a struct of what it shows, and `render`.

pub mod audit;
pub mod bulk;
pub mod credential;
pub mod credential_list;
pub mod deleted_list;
pub mod find;
pub mod key_list;
pub mod limit;
pub mod limit_list;
pub mod mine;
pub mod overview;
pub mod problem;
pub mod record_list;
pub mod reveal;
pub mod session_list;
pub mod settings;
pub mod sign_in;
pub mod start;
pub mod token_list;
pub mod usage;
mod usage_table;
pub mod user_list;
pub mod version;
