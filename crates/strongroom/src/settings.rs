//! Settings that credentials and calls go by.

use strongroom_connectors::endpoint_guard::EndpointGuard;

use crate::environment::Environment;

/// The settings of an open strongroom.
#[derive(Debug)]
pub(crate) struct Settings {
    /// Keys from the environment.
    pub(crate) environment: Environment,
    /// The endpoints that may be called.
    pub(crate) guard: EndpointGuard,
    /// Versions of a credential that keep their values.
    pub(crate) versions_kept: u32,
    /// Days in which a deleted credential can be taken back.
    pub(crate) recovery_days: u32,
}
