//! Providers that a command could have called through the gateway and did not: it may have gone elsewhere.

use std::collections::BTreeSet;

use strongroom_client::ClientError;
use strongroom_client::wire::credential::ListCredentials;
use strongroom_client::wire::usage::ShowUsage;
use strongroom_model::provider::KNOWN;

use crate::cli::session::Session;

/// Tells of providers within the token's reach that the command never called with it. A caller who may not see usage or
/// credentials is told nothing.
pub(super) async fn tell(token: &str, scope: (&[String], &[String]), session: &Session) {
    match unused(token, scope, session).await {
        Ok(unused) if !unused.is_empty() => session.output.note(&format!(
            "the variables of {} were set and no call came through the gateway: if the command called there, it does not heed \
             them; see docs/clients.md",
            unused.join(", ")
        )),
        Ok(_) => {}
        Err(error) if error.is_denied() => {}
        Err(error) => {
            session.output.warn(&format!("what the command called could not be looked up: {}", error.message));
        }
    }
}

async fn unused(
    token: &str,
    (names, providers): (&[String], &[String]),
    session: &Session,
) -> Result<Vec<&'static str>, ClientError> {
    let active = ListCredentials { is_active: Some(true), ..ListCredentials::default() };
    let credentials = session.client.all_credentials(active).await?;
    let served: BTreeSet<_> = credentials
        .into_iter()
        .filter(|it| {
            (names.is_empty() && providers.is_empty())
                || names.contains(&it.name)
                || providers.contains(&it.provider)
        })
        .map(|it| it.provider)
        .collect();
    let query = ShowUsage {
        group_by: Some("provider".to_owned()),
        token: Some(token.to_owned()),
        from: Some("1970-01-01".to_owned()),
        ..ShowUsage::default()
    };
    let usage = session.client.usage(&query).await?;
    let is_unused = |provider: &&str| {
        served.contains(*provider) && !usage.rows.iter().any(|row| row.key == *provider && row.key_uses > 0)
    };
    // Those whose variables are set for a command.
    let set = KNOWN.iter().filter(|known| !known.run.keys.is_empty()).map(|known| known.name);
    Ok(set.filter(is_unused).collect())
}
