//! A typed client: one method per route, the same whichever way the requests go.

mod ai;
mod alert;
mod audit;
mod backup;
mod credential;
mod error;
mod import;
mod key;
mod leak;
mod limit;
mod me;
mod page;
mod request;
mod reveal;
mod route;
mod session;
mod status;
mod token;
mod usage;
mod usage_record;
mod user;
mod version;

use crate::transport::Transport;

pub use error::{ClientError, ErrorKind};
pub use page::Page;
pub use request::encode;
pub use usage_record::RecordsOf;

/// A client of the HTTP API. Cloning it is cheap.
#[derive(Debug, Clone)]
pub struct Client {
    transport: Transport,
}

impl Client {
    /// A client that goes this way.
    #[must_use]
    pub fn new(transport: Transport) -> Self {
        Self { transport }
    }

    /// The way it goes.
    #[must_use]
    pub fn transport(&self) -> &Transport {
        &self.transport
    }
}
