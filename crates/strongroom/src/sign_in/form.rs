//! Forms that are to do their work once, however often they are sent.

use strongroom_model::{Actor, Problem, Secret};
use strongroom_store::StoreError;
use strongroom_store::idempotency::{self, Remembered};

use super::SignInService;

/// How long it is remembered that a form was sent: a day, in seconds.
const REMEMBER_SECONDS: i64 = 24 * 3600;
/// In place of an answer while the work is being done.
const BEGUN: i64 = 0;
/// With an answer.
const DONE: i64 = 303;

/// Which of several sendings of one form this is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sending {
    /// The first: it does the work.
    First,
    /// A later one, while the first is still at it.
    TooEarly,
    /// A later one; where the first led to.
    Again(String),
}

impl SignInService {
    fn form_key(&self, once: &str) -> String {
        // As a fingerprint: whoever sends it may put anything into it.
        self.custody.keyring().fingerprint(&Secret::new(format!("form {once}"))).value
    }

    /// Tells whether a form with this identity was sent before, and remembers that it is now.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn begin_form(&self, actor: &Actor, once: &str) -> Result<Sending, Problem> {
        let (label, key) = (actor.label(), self.form_key(once));
        let mut tx = self.custody.store.write().await?;
        let now = tx.now().await?;
        let since = now.plus_seconds(-REMEMBER_SECONDS);
        if let Some(before) = idempotency::get(&mut tx, &label, &key, since).await? {
            return Ok(if before.status == DONE { Sending::Again(before.body) } else { Sending::TooEarly });
        }
        let begun = Remembered { request_hash: String::new(), status: BEGUN, body: String::new() };
        match idempotency::put(&mut tx, &label, &key, &begun, since, now).await {
            Ok(()) => {}
            Err(StoreError::Taken(_)) => return Ok(Sending::TooEarly),
            Err(other) => return Err(other.into()),
        }
        tx.commit().await?;
        Ok(Sending::First)
    }

    /// Remembers where a form led to, or forgets it when it came to nothing.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn finish_form(&self, actor: &Actor, once: &str, led_to: Option<&str>) -> Result<(), Problem> {
        let (label, key) = (actor.label(), self.form_key(once));
        let mut tx = self.custody.store.write().await?;
        let now = tx.now().await?;
        idempotency::forget(&mut tx, &label, &key).await?;
        if let Some(led_to) = led_to {
            let done = Remembered { request_hash: String::new(), status: DONE, body: led_to.to_owned() };
            let since = now.plus_seconds(-REMEMBER_SECONDS);
            idempotency::put(&mut tx, &label, &key, &done, since, now).await?;
        }
        Ok(tx.commit().await?)
    }
}
