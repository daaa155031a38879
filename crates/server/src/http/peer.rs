//! Origin of a request: a socket address, or this very machine.

use axum::http::Extensions;
use std::net::SocketAddr;

use axum::extract::ConnectInfo;

/// Somebody on this machine who may read the data directory: in through the socket file, or in this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalPeer(pub String);

impl LocalPeer {
    /// The user that this process runs as.
    #[must_use]
    pub fn of_this_process() -> Self {
        Self::of_user(nix::unistd::Uid::effective().as_raw())
    }

    /// The user with this number, by name where it has one.
    #[must_use]
    pub fn of_user(uid: u32) -> Self {
        let uid = nix::unistd::Uid::from_raw(uid);
        let name = nix::unistd::User::from_uid(uid).ok().flatten().map(|user| user.name);
        Self(name.unwrap_or_else(|| uid.to_string()))
    }
}

/// The address of the other side, without its port.
#[must_use]
pub fn address(extensions: &Extensions) -> Option<String> {
    extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| shown(*address))
}

/// An address without its port, as the audit trail has it.
#[must_use]
pub fn shown(address: SocketAddr) -> String {
    address.ip().to_canonical().to_string()
}
