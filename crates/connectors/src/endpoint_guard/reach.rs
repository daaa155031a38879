//! Kinds of places that a connection may lead to.

use std::error::Error as StdError;
use std::fmt;

use super::address::AddressClass;

/// Kinds of places that a connection may lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// The public internet only.
    Public,
    /// The public internet and the networks around this machine.
    PublicAndPrivate,
    /// The networks around this machine only: for `http://`, whose traffic anybody on the way can read.
    PrivateOnly,
}

impl Reach {
    /// Tells whether a connection may lead to such a place. A metadata service never is one.
    pub(crate) fn admits(self, class: AddressClass) -> bool {
        match class {
            AddressClass::Metadata => false,
            AddressClass::Global => self != Self::PrivateOnly,
            _ => self != Self::Public,
        }
    }
}

/// A place that a connection may not lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// Kind of place.
    pub class: AddressClass,
}

impl Refusal {
    /// Returns the remedy for whoever runs the server or set the endpoint.
    #[must_use]
    pub fn mend(&self) -> &'static str {
        match self.class {
            AddressClass::Metadata => "such a service is never called: use the provider's own address",
            AddressClass::Global => "http is for private addresses only: use https",
            _ => "use a public address, or set STRONGROOM_ALLOW_PRIVATE_ENDPOINTS=true if this is meant",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "leads to {}; {}", self.class, self.mend())
    }
}

impl StdError for Refusal {}

/// The kind of place that a host name promises by itself, before anybody asks the DNS.
pub(crate) fn class_of_name(name: &str) -> Option<AddressClass> {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    match name.as_str() {
        "metadata"
        | "metadata.google.internal"
        | "metadata.goog"
        | "instance-data"
        | "instance-data.ec2.internal"
        | "metadata.tencentyun.com"
        | "metadata.azure.internal"
        | "metadata.platformequinix.com" => Some(AddressClass::Metadata),
        "localhost" | "localhost.localdomain" | "localhost6" | "ip6-localhost" | "ip6-loopback" => {
            Some(AddressClass::Loopback)
        }
        _ if name.ends_with(".localhost") => Some(AddressClass::Loopback),
        _ => None,
    }
}
