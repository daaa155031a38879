//! Keys that the process was started with, stored as credentials.

use strongroom_model::credential::{Credential, NewCredential};
use strongroom_model::{Problem, Provider};

use super::CredentialService;

impl CredentialService {
    /// Names of variables with keys of providers that the process was started with, and the provider of each. None where keys from
    /// the environment are not used.
    #[must_use]
    pub fn environment_variables(&self) -> Vec<(String, Provider)> {
        self.settings.environment.keys().map(|(name, provider, _)| (name.to_owned(), provider)).collect()
    }

    /// Stores the key of such a variable as everybody's credential of this name.
    ///
    /// # Errors
    /// [`Problem`] on the field `variable` when there is none; as [`Self::create`].
    pub async fn create_from_environment(&self, variable: &str, name: &str) -> Result<Credential, Problem> {
        let found = self.settings.environment.keys().find(|(known, ..)| *known == variable);
        let (_, provider, key) = found.ok_or_else(|| {
            Problem::invalid(
                "variable",
                "the server was not started with such a variable; start it with the key, or type the key",
            )
        })?;
        self.create(NewCredential::new(name, provider, key.clone())).await
    }
}
