//! `strongroom token create`

use clap::Args;
use strongroom_client::wire::token::{CreateToken, TokenScope};
use strongroom_model::{Clock, Millis};

use crate::cli::exit::{CliResult, Exit};
use crate::cli::output::{Format, properties};
use crate::cli::role::RoleName;
use crate::cli::session::Session;

/// Options of `token create`.
#[derive(Debug, Args)]
pub(in crate::cli) struct CreateOptions {
    /// What people call it
    name: String,

    /// What it may do
    #[arg(long, value_enum)]
    role: RoleName,

    /// When it stops working, such as 2027-01-31T00:00:00Z
    #[arg(long, value_name = "TIME", value_parser = Millis::parse, conflicts_with = "expires_in")]
    expires_at: Option<Millis>,

    /// How long it works, such as 90d, 12h or 30m
    #[arg(long, value_name = "DURATION", value_parser = parse_seconds)]
    expires_in: Option<i64>,

    /// Reach only this credential; may be given again
    #[arg(long = "credential", value_name = "NAME")]
    credentials: Vec<String>,

    /// Reach only this provider; may be given again
    #[arg(long = "provider", value_name = "PROVIDER")]
    providers: Vec<String>,

    /// The user it acts for
    #[arg(long, value_name = "ID")]
    user_id: Option<i64>,
}

pub(super) async fn run(options: CreateOptions, session: &Session) -> CliResult {
    let in_seconds = options.expires_in.map(|seconds| Clock::default().local_now().plus_seconds(seconds));
    let scope = TokenScope { credentials: options.credentials, providers: options.providers };
    let narrowed = !(scope.credentials.is_empty() && scope.providers.is_empty());
    let body = CreateToken {
        name: options.name,
        role: options.role.as_str().to_owned(),
        expires_at: options.expires_at.or(in_seconds),
        scope: narrowed.then_some(scope),
        user_id: options.user_id,
    };
    let made = session.client.create_token(&body).await?;
    if session.output.format() == Format::Table {
        session.output.text(made.token.0.expose())?;
        let token = &made.metadata;
        let until =
            token.expires_at.map_or_else(|| "until it is revoked".to_owned(), |at| format!("until {at}"));
        session
            .output
            .note(&format!("token {} (\"{}\"), role {}, works {until}", token.id, token.name, token.role));
    } else {
        session.output.data(&made, |_| properties([]))?;
    }
    session.output.note("it is shown this once and stored nowhere: keep it in a secret store");
    Ok(Exit::Ok)
}

/// Reads a number with a unit: `s`, `m`, `h`, `d` or `w`.
fn parse_seconds(text: &str) -> Result<i64, String> {
    let wrong = || "expected a number with a unit, such as 90d, 12h, 30m or 45s".to_owned();
    let at = text.find(|character: char| !character.is_ascii_digit()).ok_or_else(wrong)?;
    let unit = match &text[at..] {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 7 * 86_400,
        _ => return Err(wrong()),
    };
    let number: i64 = text[..at].parse().map_err(|_| wrong())?;
    // A hundred years: far from where milliseconds overflow, and longer than any token should live.
    number
        .checked_mul(unit)
        .filter(|seconds| (1..=100 * 366 * 86_400).contains(seconds))
        .ok_or_else(|| "must be more than nothing and at most a hundred years".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_numbers_with_a_unit() {
        for (text, seconds) in
            [("45s", 45), ("30m", 1800), ("12h", 43_200), ("90d", 7_776_000), ("2w", 1_209_600)]
        {
            assert_eq!(parse_seconds(text), Ok(seconds));
        }
        for bad in ["", "90", "d", "-1d", "1.5h", "0d", "1y", "90 d", "99999999999999999999d", "9999999999d"]
        {
            assert!(parse_seconds(bad).is_err(), "{bad}");
        }
    }
}
