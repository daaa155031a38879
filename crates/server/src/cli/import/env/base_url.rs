//! Where keys go that a base URL stands beside: a key of a corporate proxy must not go to the provider's public API unasked.

use std::io::{self, IsTerminal};

use clap::ValueEnum;
use strongroom_model::provider::key_variable;

use super::address::Address;
use super::candidates::{CandidateKey, Candidates};
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
        let has_keys = |address: &&Address| self.keys.iter().any(|key| leads(address, key));
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
        for key in &mut self.keys {
            let of_key = || addresses.iter().filter(|address| leads(address, key));
            // One that is for this key alone says more than one for all.
            let Some(address) = of_key().find(|it| it.number.is_some()).or_else(|| of_key().next()) else {
                continue;
            };
            let Some(url) = &address.url else {
                return Err(CliError::usage(format!(
                    "{} ({}) does not say which address keys of {} are for",
                    address.name, address.place, address.provider.name
                ))
                .hint("--base-url ignore stores the keys for the provider's own API")
                .hint("`strongroom credential add NAME --endpoint URL` stores one with its address"));
            };
            let is_another = |it: &&Address| it.number == address.number && it.url.as_ref() != Some(url);
            if let Some(other) = of_key().find(is_another) {
                return Err(CliError::usage(format!(
                    "{} and {} name different addresses; keep one of them",
                    address.name, other.name
                )));
            }
            let endpoint = url.expose().to_owned();
            key.endpoint = Some(endpoint);
        }
        Ok(())
    }
}

/// Tells whether a key is led to this address.
fn leads(address: &Address, key: &CandidateKey) -> bool {
    let has_number =
        |number| key.places.iter().any(|(name, _)| key_variable(name).is_some_and(|it| it.number == number));
    address.provider.name == key.provider.name && address.number.is_none_or(has_number)
}
