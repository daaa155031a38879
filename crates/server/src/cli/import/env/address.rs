//! Base URLs beside keys: a key of a corporate proxy must not go to the provider's public API unasked.

use std::io::{self, IsTerminal};

use clap::ValueEnum;
use strongroom_model::Secret;
use strongroom_model::provider::KnownProvider;
use url::Url;

use super::candidates::{Candidates, Place, Variable};
use crate::cli::confirm;
use crate::cli::exit::{CliError, CliResult};

/// Choices for a base URL that stands beside a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BaseUrl {
    /// Store it as the endpoint of the provider's keys.
    Take,
    /// Store the keys for the provider's own API.
    Ignore,
}

/// A base URL that leads a provider's keys away from its own API.
#[derive(Debug, Clone)]
pub(super) struct Address {
    pub(super) provider: &'static KnownProvider,
    /// It may hold a password.
    url: Secret,
    name: String,
    place: Place,
}

impl Address {
    /// The address that a variable holds, unless it is the provider's own or none.
    pub(super) fn of(provider: &'static KnownProvider, variable: &Variable) -> Option<Self> {
        let url = variable.value.expose().trim().trim_matches(['"', '\'']).to_owned();
        if url.is_empty() || variable.is_replaced {
            return None;
        }
        let host = |url: &str| Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
        let is_own = host(provider.base_url).is_some_and(|own| host(&url) == Some(own));
        (!is_own).then(|| Self {
            provider,
            url: Secret::new(url),
            name: variable.name.clone(),
            place: variable.place.clone(),
        })
    }

    /// The host alone: the rest of it may hold a password.
    fn host(&self) -> String {
        let url = Url::parse(self.url.expose()).ok();
        url.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_else(|| "another address".to_owned())
    }

    fn title(&self) -> String {
        format!("{} ({}) leads keys of {} to {}", self.name, self.place, self.provider.name, self.host())
    }
}

impl Candidates {
    /// Decides for every provider with such an address where its keys are to go.
    ///
    /// # Errors
    /// When nobody says so: nothing is stored then.
    pub(super) fn settle_addresses(
        &mut self,
        choice: Option<BaseUrl>,
        yes: bool,
        dry_run: bool,
    ) -> CliResult<()> {
        let has_keys =
            |address: &&Address| self.keys.iter().any(|key| key.provider.name == address.provider.name);
        let addresses: Vec<Address> = self.addresses.iter().filter(has_keys).cloned().collect();
        if addresses.is_empty() {
            return Ok(());
        }
        let titles: Vec<_> = addresses.iter().map(Address::title).collect();
        let choice = match choice {
            Some(choice) => choice,
            None if dry_run => {
                let ask =
                    |title| format!("{title}: an import asks, or takes --base-url take or --base-url ignore");
                self.warnings.extend(titles.into_iter().map(ask));
                return Ok(());
            }
            None => {
                if yes || !io::stdin().is_terminal() {
                    return Err(CliError::usage(format!("{}; nothing was changed", titles.join(", and ")))
                        .hint("--base-url take stores that address as the endpoint of the keys")
                        .hint("--base-url ignore stores the keys for the provider's own API"));
                }
                confirm::ask(&format!(
                    "{}. Store that address as the endpoint of the keys?",
                    titles.join(", and ")
                ))
                .map_err(|error| {
                    error.hint("--base-url ignore stores the keys for the provider's own API")
                })?;
                BaseUrl::Take
            }
        };
        match choice {
            BaseUrl::Ignore => Ok(()),
            BaseUrl::Take => self.take_addresses(&addresses),
        }
    }

    fn take_addresses(&mut self, addresses: &[Address]) -> CliResult<()> {
        for address in addresses {
            let same =
                |other: &&Address| other.provider.name == address.provider.name && other.url != address.url;
            if let Some(other) = addresses.iter().find(same) {
                return Err(CliError::usage(format!(
                    "{} and {} name different addresses; keep one of them",
                    address.name, other.name
                )));
            }
            let of_provider = self.keys.iter_mut().filter(|key| key.provider.name == address.provider.name);
            of_provider.for_each(|key| key.endpoint = Some(address.url.expose().to_owned()));
        }
        Ok(())
    }
}
