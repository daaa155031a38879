//! Records that the database refuses: they are set aside, and the others are written.

use super::*;

impl Bench {
    /// The database refuses records of this condition, for a reason that nobody here knows of.
    async fn refuse_lines(&self, table: &str, condition: &str) {
        let sql = format!(
            "CREATE TRIGGER refusal BEFORE INSERT ON {table} WHEN {condition} BEGIN SELECT RAISE(ABORT, 'no'); END"
        );
        self.database.execute(&sql).await;
    }

    /// A call ends that used so many tokens.
    async fn end_charged(&self, held: Held, tokens: i64, more: impl FnOnce(&mut Record)) {
        let mut record = self.record().await;
        record.charged_tokens = strongroom_model::Amount::of(tokens);
        record.tokens.output = record.charged_tokens;
        more(&mut record);
        let (consumed, epoch) = (held.consumed(|_| tokens), held.epoch);
        self.batcher.settle(Settlement { consumed, epoch, at: NOW, record: Some(record) });
    }
}

#[tokio::test]
async fn a_record_whose_text_is_refused_is_written_without_it_and_the_others_as_they_are() {
    let mut bench = Bench::new().await;
    let mut held = Vec::new();
    for _ in 0..5 {
        held.push(bench.granted(near(5)).await);
    }
    bench.refuse_lines("usage_lines", "NEW.raw_usage LIKE '%poison%'").await;
    for (place, held) in held.into_iter().enumerate() {
        let raw = if place == 2 { "{\"poison\":1}" } else { "{}" };
        bench
            .end_charged(held, 3, |record| record.raw_usage = strongroom_model::RawUsage::of(raw.to_owned()))
            .await;
    }
    // A call that comes in the same batch notices nothing.
    let next = bench.granted(near(1)).await;
    assert_eq!(bench.counters().await, ["15 1 0"]);
    let raw = bench.rows("SELECT COALESCE(raw_usage, 'none') FROM usage_records ORDER BY raw_usage").await;
    assert_eq!(raw, ["none", "{}", "{}", "{}", "{}"]);
    assert_eq!(bench.room.counters().records_set_aside.get(), 1);
    bench.end(next, 1).await;
    bench.assert_leaves_nothing().await;
}

#[tokio::test]
async fn a_record_that_is_refused_for_its_figures_leaves_its_charge_in_the_ledger() {
    let mut bench = Bench::new().await;
    let provider = Provider::parse("openai").unwrap();
    let new = crate::NewCredential::new("one", provider, "a key".to_owned());
    let credential = bench.room.credentials(Actor::library()).create(new).await.unwrap().uid;
    let bound = crate::limit::Bound::Credential("one".to_owned());
    let limits = bench.room.limits(Actor::library());
    let limit = limits.set(&bound, Unit::Tokens, Window::Day, LIMIT).await.unwrap();
    let day = CounterKey::at(limit.limit.uid, Unit::Tokens, Window::Day, NOW);
    let month = CounterKey::monthly_requests(credential, NOW);
    let claims = [
        Claim { key: day, amount: 50, limit: Some(LIMIT), thresholds: Thresholds::NONE },
        Claim { key: month, amount: 1, limit: None, thresholds: Thresholds::NONE },
    ];
    let mut held = Vec::new();
    for _ in 0..3 {
        let snapshot = bench.snapshot().await;
        let (reply, answer) = oneshot::channel();
        let asking = Asking { claims: claims.to_vec(), snapshot, subjects: Vec::new(), reply };
        bench.worker.run(Order { asking: vec![asking], ..Order::default() }).await.unwrap();
        held.push(told(answer).unwrap());
    }
    bench.refuse_lines("usage_lines", "NEW.output_tokens = 13").await;
    for (held, tokens) in held.into_iter().zip([7, 13, 9]) {
        let mut record = bench.record().await;
        record.credential = Some(credential);
        record.charged_tokens = strongroom_model::Amount::of(tokens);
        record.tokens.output = record.charged_tokens;
        let consumed = held.consumed(|claim| if claim.key == month { 1 } else { tokens });
        bench.batcher.settle(Settlement { consumed, epoch: held.epoch, at: NOW, record: Some(record) });
    }
    bench.write_down().await.unwrap();
    assert_eq!(bench.kinds().await, ["call", "call"]);
    let entries = bench.rows("SELECT kind, unit, settled FROM counter_entries ORDER BY unit").await;
    assert_eq!(entries, ["set_aside requests 1", "set_aside tokens 13"]);
    let settled = bench.rows("SELECT unit, settled FROM counters WHERE settled > 0 ORDER BY unit").await;
    assert_eq!(settled, ["requests 3", "tokens 29"]);
    assert_eq!(bench.room.usage(Actor::library()).verify(Millis(0)).await.unwrap(), []);
    bench.assert_leaves_nothing().await;
}

#[tokio::test]
async fn a_database_that_refuses_every_record_loses_none() {
    let mut bench = Bench::new().await;
    let held = bench.granted(near(5)).await;
    bench.end_charged(held, 3, |_| ()).await;
    bench.refuse_lines("usage_lines", "TRUE").await;
    let problem = bench.write_down().await.unwrap_err();
    assert!(problem.message.contains("every usage record"), "{}", problem.message);
    assert_eq!(bench.batcher.unwritten(), 1);
    bench.refuse_no_more().await;
    bench.write_down().await.unwrap();
    assert_eq!((bench.kinds().await, bench.batcher.unwritten()), (vec!["call".to_owned()], 0));
    assert_eq!(bench.room.counters().records_set_aside.get(), 0);
    bench.assert_leaves_nothing().await;
}
