//! Between secrets and their sealed rows: sealing for a place, opening in a place, and what to do when it fails.

use serde_json::json;
use strongroom_crypto::{OpenError, Purpose, SealContext};
use strongroom_model::audit::{Outcome, Target};
use strongroom_model::credential::{Credential, Field};
use strongroom_model::{Actor, Problem, Provider, Secret, Uid};
use strongroom_store::Write;
use strongroom_store::value::{self, SealedValue};

use crate::custody::Custody;

/// Texts that one key may seal under random 96-bit nonces: NIST SP 800-38D, section 8.3.
pub(crate) const MOST_SEALS: i64 = 1 << 32;

/// Columns of a credential that its sealed texts are bound to, beside version and field.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SealBinding<'a> {
    pub(crate) credential: Uid,
    pub(crate) provider: &'a Provider,
    pub(crate) endpoint: Option<&'a str>,
}

impl<'a> SealBinding<'a> {
    pub(crate) fn of(credential: &'a Credential) -> Self {
        Self {
            credential: credential.uid,
            provider: &credential.provider,
            endpoint: credential.endpoint.as_deref(),
        }
    }

    fn context(&self, version: Uid, field: Field) -> SealContext<'a> {
        SealContext {
            credential: self.credential,
            version,
            field,
            provider: self.provider,
            endpoint: self.endpoint,
        }
    }
}

/// The values of a version, open.
pub(crate) struct OpenedValues {
    pub(crate) api_key: Option<Secret>,
    pub(crate) api_secret: Option<Secret>,
}

/// Why a credential does not open.
#[derive(Debug)]
pub(crate) enum Fault {
    /// Its row does not say what we wrote: what is handed out, where it goes, or to whom.
    Row,
    /// One of its sealed values does not open in its place.
    Value(SealedValue, OpenError),
}

impl Fault {
    pub(crate) fn remedy(&self) -> String {
        match self {
            Self::Row => {
                "its row was changed outside strongroom; restore the row from a backup, or delete the \
                          credential and create it again"
                    .to_owned()
            }
            Self::Value(value, OpenError::UnknownKey) => format!(
                "it was sealed with key {}, which is not in the keyring; start this server with the present master key, or restore the tables encryption_keys \
                 and key_wraps",
                value.key_id
            ),
            Self::Value(_, error) => {
                format!("{error}; restore the row from a backup, or store the key again")
            }
        }
    }
}

/// That a key may seal no more.
pub(crate) fn used_up(key_id: &str) -> Problem {
    Problem::internal(format!(
        "data key {key_id} has sealed as many texts as a key may; run `strongroom key rotate` for a new one"
    ))
}

impl Custody {
    /// Seals a secret and stores it, with its fingerprint.
    pub(crate) async fn seal_into(
        &self,
        tx: &mut Write,
        place: SealBinding<'_>,
        version: Uid,
        field: Field,
        secret: &Secret,
    ) -> Result<(), Problem> {
        // The second time with the key that has become the current one meanwhile.
        for _ in 0..2 {
            let keyring = self.keyring();
            let sealed = keyring
                .seal(&place.context(version, field), secret)
                .map_err(|error| Problem::invalid(field.as_str(), error.to_string()))?;
            if strongroom_store::key::count_seals(tx, &sealed.key_id, 1, MOST_SEALS).await? {
                let fingerprint = keyring.fingerprint(secret);
                let value =
                    SealedValue { version, field, key_id: sealed.key_id, text: sealed.text, fingerprint };
                return Ok(value::put(tx, &value).await?);
            }
            self.load_keys(tx).await?;
        }
        Err(used_up(&self.keyring().current_id(Purpose::Data)))
    }

    /// Opens every value of a version in its place, once its credential's row is known to say what we wrote.
    pub(crate) fn open_all(
        &self,
        found: &Credential,
        values: Vec<SealedValue>,
    ) -> Result<OpenedValues, Fault> {
        if !self.verify_row_mac(found) {
            return Err(Fault::Row);
        }
        let mut opened = OpenedValues { api_key: None, api_secret: None };
        for value in values {
            match self.open_value(SealBinding::of(found), &value) {
                Ok(secret) if value.field == Field::ApiKey => opened.api_key = Some(secret),
                Ok(secret) => opened.api_secret = Some(secret),
                Err(error) => return Err(Fault::Value(value, error)),
            }
        }
        Ok(opened)
    }

    pub(crate) fn open_value(
        &self,
        place: SealBinding<'_>,
        value: &SealedValue,
    ) -> Result<Secret, OpenError> {
        self.keyring().open(&place.context(value.version, value.field), &value.key_id, &value.text)
    }

    /// Says in the metrics, the log and the audit trail that a credential does not open, and makes the problem.
    pub(crate) async fn report_broken(
        &self,
        actor: &Actor,
        credential: &Credential,
        fault: Fault,
    ) -> Problem {
        self.counters.integrity_failures.add_one();
        let message = format!("credential {:?} cannot be opened: {}", credential.name, fault.remedy());
        let target = Target::named("credential", credential.uid, &credential.name);
        let detail = match fault {
            Fault::Row => json!({ "reason": "its row was changed" }),
            Fault::Value(value, error) => {
                json!({ "field": value.field.as_str(), "keyId": value.key_id, "reason": error.to_string() })
            }
        };
        let noted = self.note(actor, "credential.integrity", target, Outcome::Failed, &detail).await;
        if let Err(problem) = noted {
            tracing::error!(%problem, "failed to write an integrity failure to the audit trail");
        }
        Problem::integrity(message)
    }
}
