//! The library without a server: a credential sealed and read, and a call admitted and settled against a limit.
//!
//! `cargo run -p strongroom --example library`. A program of its own adds the crates `strongroom` and `tokio`.

use std::error::Error;

use strongroom::call::{CallEnd, CallTarget, NewCall};
use strongroom::limit::Bound;
use strongroom::{
    Actor, Amount, CallBound, MasterKey, Metering, NewCredential, Options, ProblemKind, Provider, Strongroom,
    TokenUsage, Unit, Window,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // A database for this run. In a program, keep both: whoever has the database alone cannot open the keys in it.
    let folder = tempfile::tempdir()?;
    let database = format!("sqlite:{}", folder.path().join("strongroom.db").display());
    let master_key = MasterKey::generate().to_hex();

    let room = Strongroom::open(Options::new(database, master_key)).await?;
    seal_and_read(&room).await?;
    call_within_a_limit(&room).await?;
    room.close().await?;
    Ok(())
}

/// Stores a key and takes it out again. Each read is counted as one use and has an entry in the audit trail.
async fn seal_and_read(room: &Strongroom) -> Result<(), Box<dyn Error>> {
    let credentials = room.credentials(Actor::library());
    let new =
        NewCredential::new("openai-primary", Provider::parse("openai")?, "sk-0123456789abcdef0123456789");
    credentials.create(new).await?;

    let read =
        credentials.get_credential_by_provider("openai", None).await?.ok_or("no credential serves openai")?;
    assert_eq!(read.api_key.expose(), "sk-0123456789abcdef0123456789");
    assert_eq!(format!("{:?}", read.api_key), "****", "a secret does not print");
    assert_eq!(read.usage_count, 1);
    Ok(())
}

/// Allows 1,000 tokens a day and makes calls until the limit refuses one.
async fn call_within_a_limit(room: &Strongroom) -> Result<(), Box<dyn Error>> {
    let limits = room.limits(Actor::library());
    let limit =
        limits.set(&Bound::Credential("openai-primary".into()), Unit::Tokens, Window::Day, 1_000).await?;

    let openai = Provider::parse("openai")?;
    // At most 300 tokens in and 100 out: 400 are held before the call leaves.
    let chat = || NewCall {
        operation: "chat.completions",
        targets: vec![CallTarget {
            provider: openai.clone(),
            model: Some("gpt-4o-mini".to_owned()),
            bound: CallBound::of(Some(300), Some(100)),
        }],
    };
    let calls = room.calls(Actor::library());
    for _ in 0..2 {
        let mut call = calls.begin(chat()).await?;
        let attempt = call.next().await?.ok_or("no credential serves the call")?;
        // Here a program sends its request with `attempt.api_key()`. An attempt that is dropped is charged at what it holds.
        let running = attempt.answered(200);
        let used = TokenUsage { input: Amount::of(280), output: Amount::of(70), ..TokenUsage::default() };
        running.settle(CallEnd {
            usage: Some(used),
            model: None,
            raw_usage: None,
            metering: Metering::Reported,
        });
    }

    // Two calls used 350 tokens each. The 300 that are left do not cover a third.
    let left = limits.require(limit.limit.uid).await?.remaining();
    assert_eq!(left, 300);
    let refused = calls.begin(chat()).await?.next().await.err().ok_or("the limit let the call pass")?;
    assert_eq!(refused.kind, ProblemKind::LimitReached);
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_example_runs_and_the_limit_refuses_its_third_call() {
        super::main().expect("every step of the example succeeds");
    }
}
