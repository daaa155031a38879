//! Hardening of the process before it holds a secret: no core dumps, and being looked into by its peers; and what it asks
//! the system for.

use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Sets the core limit to zero and the process to not dumpable, asks for all descriptors it may have and for small pages,
/// and installs the TLS provider that everything shares.
pub fn apply() {
    // Neither can fail for a process that lowers its own limits; where a sandbox refuses, there is nothing to dump into.
    let _ = setrlimit(Resource::RLIMIT_CORE, 0, 0);
    let _ = prctl::set_dumpable(false);
    // Two descriptors for each call under way: what the system lets a service have by default is for fewer.
    if let Ok((_, most)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, most, most);
    }
    // Memory in pieces of two megabytes would be half unused: it made the process half as large again and no faster.
    let _ = prctl::set_thp_disable(true);
    // An error means that a provider is there already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_has_no_core_and_is_not_dumpable() {
        // Every process starts as one that may be dumped and looked into.
        assert!(prctl::get_dumpable().unwrap());
        apply();
        assert_eq!(getrlimit(Resource::RLIMIT_CORE).unwrap(), (0, 0));
        assert!(!prctl::get_dumpable().unwrap());
    }
}
