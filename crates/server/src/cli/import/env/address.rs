//! Base URLs beside keys.

use strongroom_model::Secret;
use strongroom_model::provider::{
    AddressVariable, ElsewhereSwitch, KNOWN, KnownProvider, address_variable, elsewhere_switch,
    is_nobodys_address,
};
use url::Url;

use super::place::{Place, Variable};

/// A base URL that leads a provider's keys away from its own API.
#[derive(Debug, Clone)]
pub(super) struct Address {
    pub(super) provider: &'static KnownProvider,
    /// The key of the pool that it is for; `None` for all of them.
    pub(super) number: Option<u32>,
    /// It may hold a password. `None` where it is known only that they are not for the provider's own API, or where the
    /// variable holds several.
    pub(super) url: Option<Secret>,
    pub(super) name: String,
    pub(super) place: Place,
}

/// Tells whether a variable says where keys go, and holds none.
pub(super) fn is_about_address(name: &str) -> bool {
    let is_of_switch =
        |it: &ElsewhereSwitch| it.address.is_some_and(|address| name.eq_ignore_ascii_case(address));
    address_variable(name).is_some()
        || is_nobodys_address(name)
        || elsewhere_switch(name).is_some()
        || KNOWN.iter().any(|known| known.elsewhere.iter().any(is_of_switch))
}

/// Every address that leads keys away.
pub(super) fn addresses(variables: &[Variable]) -> Vec<Address> {
    let of = |variable| Address::of(variable).or_else(|| Address::of_switch(variable, variables));
    variables.iter().filter(|it| !it.is_replaced).filter_map(of).collect()
}

/// Variables with an address, each with its host, whose names do not say whose keys are led there.
pub(super) fn nobodys_addresses(variables: &[Variable]) -> Vec<(String, String)> {
    let of = |it: &Variable| {
        let url = bare(it.value.expose());
        let host =
            host(url).filter(|_| !it.is_replaced && is_nobodys_address(&it.name) && !is_no_address(url))?;
        Some((format!("{} ({})", it.name, it.place), host))
    };
    variables.iter().filter_map(of).collect()
}

/// Values of a variable that say that there is no address.
const NO_ADDRESS: [&str; 8] = ["", "0", "1", "false", "no", "none", "null", "true"];

impl Address {
    /// The address that a variable holds, unless it is the provider's own or none.
    fn of(variable: &Variable) -> Option<Self> {
        let AddressVariable { provider, number } = address_variable(&variable.name)?;
        let own = host(provider.base_url);
        let is_elsewhere = |url: &&str| !is_no_address(url) && (own.is_none() || host(url) != own);
        let parts = || variable.value.expose().split([',', ';', '|']).map(bare).filter(|it| !it.is_empty());
        let url = parts().find(is_elsewhere)?;
        let is_only = parts().count() == 1;
        Some(Self {
            provider,
            number,
            url: is_only.then(|| Secret::from(url)),
            name: variable.name.clone(),
            place: variable.place.clone(),
        })
    }

    /// The address that a variable names another one for, when it says that keys are not for the provider's own API.
    fn of_switch(variable: &Variable, all: &[Variable]) -> Option<Self> {
        let (provider, switch) = elsewhere_switch(&variable.name)?;
        let value = bare(variable.value.expose()).to_ascii_lowercase();
        if is_no_address(&value) || switch.unless.contains(&&*value) {
            return None;
        }
        let is_address = |it: &&Variable| {
            switch.address.is_some_and(|name| it.name.eq_ignore_ascii_case(name)) && !it.is_replaced
        };
        let url = all.iter().find(is_address).map(|it| bare(it.value.expose())).filter(|it| !it.is_empty());
        Some(Self {
            provider,
            number: None,
            url: url.map(Secret::from),
            name: variable.name.clone(),
            place: variable.place.clone(),
        })
    }

    /// The host alone: the rest of it may hold a password.
    pub(super) fn host(&self) -> String {
        let host = self.url.as_ref().and_then(|url| host(url.expose()));
        host.unwrap_or_else(|| "another address".to_owned())
    }

    pub(super) fn title(&self) -> String {
        format!("{} ({}) leads keys of {} to {}", self.name, self.place, self.provider.name, self.host())
    }
}

fn is_no_address(value: &str) -> bool {
    NO_ADDRESS.iter().any(|word| value.eq_ignore_ascii_case(word))
}

/// The value without what lists and quotes put around it.
fn bare(value: &str) -> &str {
    value.trim_matches(|edge: char| edge.is_whitespace() || "\"'[]".contains(edge))
}

/// The host of an address, which may be written without a scheme.
pub(super) fn host(url: &str) -> Option<String> {
    let parsed = if url.contains("://") { Url::parse(url) } else { Url::parse(&format!("https://{url}")) };
    parsed.ok().and_then(|url| url.host_str().map(str::to_owned))
}
