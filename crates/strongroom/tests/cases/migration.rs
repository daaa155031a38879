//! The one rebuild of the ledger: of an installation of the version before, with all that was spoilt in it, which is repaired on the
//! way, whole or not at all.

#[path = "migration/fill.rs"]
pub(crate) mod fill;
#[path = "migration/old_backup.rs"]
mod old_backup;
#[path = "migration/watch.rs"]
mod watch;

use std::io::Cursor;
use std::time::Instant;

use strongroom::backup::{OpenWindows, restore};
use strongroom::{Actor, Clock, Millis, Options, Strongroom};
use strongroom_store::schema;
use strongroom_testkit::{Backend, TestDatabase};

use super::backup::{backup_of, proof_of};
use super::ground::NOW;
use fill::{DAY, Old, first_day, installation, store_of};
use watch::Disk;

/// 2^60, where sums stop.
const CEILING: i64 = 1 << 60;

fn options(database: &TestDatabase, old: &Old) -> Options {
    Options { clock: Clock::fixed(NOW), ..Options::new(database.url(), old.key.clone()) }
}

/// The first day of which all lines are there.
fn kept_from() -> Millis {
    Millis(first_day() + DAY)
}

/// What has to be the same before and after: how many lines there are and what they sum up to by day, but for what was spoilt.
async fn requests_by_day(old: &Old) -> Vec<Vec<Option<String>>> {
    let sql = "SELECT day_start_ms, CAST(SUM(requests) AS BIGINT), CAST(SUM(client_requests) AS BIGINT) FROM usage_days \
               GROUP BY day_start_ms ORDER BY day_start_ms";
    old.database.query_text(sql).await
}

/// The ledger is within its bounds, and sums are those of the lines.
async fn assert_repaired(old: &Old, lines: i64) {
    let zero = async |what: &str, sql: &str| assert_eq!(old.value(sql).await, "0", "{what}: {sql}");
    assert_eq!(old.value("SELECT COUNT(*) FROM usage_lines").await, lines.to_string());
    assert_eq!(old.value("SELECT COUNT(*) FROM usage_records").await, lines.to_string());
    let figures = [
        "requests",
        "client_requests",
        "input_tokens",
        "cached_input_tokens",
        "cache_write_tokens",
        "cache_write_long_tokens",
        "output_tokens",
        "reasoning_tokens",
        "cost_nano_usd",
        "charged_tokens",
        "charged_nano_usd",
    ];
    for figure in figures {
        let lines =
            format!("SELECT COUNT(*) FROM usage_lines WHERE {figure} NOT BETWEEN 0 AND 10000000000000");
        zero("a line", &lines).await;
        zero("a day", &format!("SELECT COUNT(*) FROM usage_days WHERE {figure} NOT BETWEEN 0 AND {CEILING}"))
            .await;
        // Of every whole day, each sum is that of its lines.
        let of_lines = format!(
            "SELECT l.at_ms - l.at_ms % 86400000 AS day, c.dims_uid AS dims, CAST(SUM(COALESCE(l.{figure}, 0)) AS BIGINT) AS n \
             FROM usage_lines l JOIN usage_contexts c ON c.uid = l.context_uid WHERE l.at_ms >= {} GROUP BY 1, 2",
            kept_from().0
        );
        let of_days = format!(
            "SELECT day_start_ms AS day, dims_uid AS dims, {figure} AS n FROM usage_days WHERE day_start_ms >= {}",
            kept_from().0
        );
        for (one, other) in [(&of_lines, &of_days), (&of_days, &of_lines)] {
            zero(
                figure,
                &format!("SELECT COUNT(*) FROM (SELECT * FROM ({one}) a EXCEPT SELECT * FROM ({other}) b) x"),
            )
            .await;
        }
    }
    for column in ["settled", "held", "leased"] {
        zero(column, &format!("SELECT COUNT(*) FROM counters WHERE {column} NOT BETWEEN 0 AND {CEILING}"))
            .await;
    }
    zero("a limit", &format!("SELECT COUNT(*) FROM limits WHERE amount NOT BETWEEN 0 AND {CEILING}")).await;
    // Each set of dims once, each with a context or a sum, and no line or sum without.
    let natural =
        "region, kind, operation, actor, user_id, credential_uid, version_uid, provider, model, source";
    zero("dims", &format!("SELECT COUNT(*) - (SELECT COUNT(*) FROM (SELECT DISTINCT {natural} FROM usage_dims) x) FROM usage_dims"))
        .await;
    zero("contexts", "SELECT COUNT(*) - (SELECT COUNT(*) FROM (SELECT DISTINCT dims_uid, status, metering FROM usage_contexts) x) \
                      FROM usage_contexts").await;
    zero("a sum", "SELECT COUNT(*) FROM usage_days WHERE dims_uid NOT IN (SELECT uid FROM usage_dims)").await;
    let odd = "SELECT COUNT(*) FROM usage_dims WHERE length(model) > 128 OR model <> '(other)' AND model NOT LIKE 'gpt-%'";
    zero("a model", odd).await;
    let parts = "SELECT CAST(SUM(errors_client) AS BIGINT) || ' ' || CAST(SUM(errors_provider) AS BIGINT) FROM usage_days \
                 WHERE day_start_ms >= ";
    let of_lines = "SELECT CAST(SUM(CASE WHEN status BETWEEN 400 AND 499 THEN 1 ELSE 0 END) AS BIGINT) || ' ' || \
                    CAST(SUM(CASE WHEN status = 0 OR status >= 500 THEN 1 ELSE 0 END) AS BIGINT) FROM usage_records \
                    WHERE at_ms >= ";
    let from = kept_from().0;
    assert_eq!(old.value(&format!("{parts}{from}")).await, old.value(&format!("{of_lines}{from}")).await);
}

/// Counters are what the ledger says, or full; and the product works on it.
async fn assert_works(old: &Old, room: &Strongroom) {
    let usage = room.usage(Actor::library());
    assert_eq!(usage.verify(kept_from()).await.expect("an answer"), []);
    let standings = room.limits(Actor::library()).list().await.expect("limits");
    let standing = |uid: &str| standings.iter().find(|it| it.limit.uid.to_string() == uid).expect("a limit");
    // Of the second prepaid limit the first lines are gone, and its counter cannot be believed: nothing is left of it.
    let full = standing(&old.limits[2]);
    assert_eq!((full.used, full.remaining()), (CEILING, 0));
    assert!(standing(&old.limits[1]).remaining() > 0, "all its lines are there");
    assert_eq!(standing(&old.limits[3]).limit.amount, CEILING);
    let service = room.credentials(Actor::library());
    let read = service.get_credential("one", None).await.expect("an answer").expect("a credential");
    assert_eq!(read.api_key.expose(), "key of one");
    assert_eq!(usage.verify(kept_from()).await.expect("an answer"), []);
    assert_eq!(room.prove().await.expect("a proof").faults, [""; 0]);
}

/// Lines of the installation that are there after retention was half through the first day.
async fn lines_of(old: &Old) -> i64 {
    old.value("SELECT COUNT(*) FROM usage_lines").await.parse().expect("a number")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_of_the_version_before_is_rebuilt_and_repaired_and_a_backup_of_it_goes_anywhere() {
    let asked = std::env::var("STRONGROOM_VERIFY_LINES").ok();
    let is_long = asked.is_some();
    let count: i64 = asked.map_or(20_000, |text| text.parse().expect("a number"));
    let old = installation(super::BACKEND).await;
    old.fill(count).await;
    old.spoil(true).await;
    let (lines, before) = (lines_of(&old).await, requests_by_day(&old).await);

    let store = store_of(&old.database).await;
    let told = schema::pending(&store).await.expect("an answer").expect("enough to tell");
    let watch = Disk::watch(&old.database);
    let started = Instant::now();
    schema::migrate(&store).await.expect("a migration");
    let took = started.elapsed();
    let disk = watch.told().await;
    assert_eq!(schema::pending(&store).await.expect("an answer"), None);
    store.close().await;
    let backend = old.database.backend();
    report(&format!("{backend:?}: {lines} lines rebuilt in {took:.1?}; {disk}; told before: {told:?}"));
    // PostgreSQL knows it by its statistics; its log has what other tests do in it.
    assert!(told.lines.abs_diff(lines.unsigned_abs()) < told.lines / 2, "{told:?}");
    assert!(backend == Backend::Postgres || disk.grew() < told.bytes, "{disk} and {told:?}");

    assert_repaired(&old, lines).await;
    assert_eq!(requests_by_day(&old).await, before, "of every day, also those without lines");
    let room = Strongroom::open(options(&old.database, &old)).await.expect("a strongroom");
    assert_works(&old, &room).await;
    let started = Instant::now();
    let bytes = backup_of(&room).await;
    report(&format!("{backend:?}: a backup of {} MB in {:.1?}", bytes.len() / 1_000_000, started.elapsed()));
    room.close().await.expect("nothing is lost");
    assert_eq!(proof_of(&bytes, &old.key).await.expect("a proof").faults, [""; 0]);

    // Into a database of the same kind, and from PostgreSQL into the other one too; under load once is enough.
    let stations: &[Backend] = match backend {
        _ if is_long => &[],
        Backend::Sqlite => &[Backend::Sqlite],
        Backend::Postgres => &[Backend::Postgres, Backend::Sqlite],
    };
    for station in stations {
        let database = TestDatabase::new(*station).await;
        let target = options(&database, &old);
        let mut quiet = |_| Ok(());
        let done =
            restore(&mut Cursor::new(&bytes), &target, OpenWindows::Keep, &Actor::library(), &mut quiet)
                .await;
        assert_eq!(done.expect("a restore").proof.faults, [""; 0]);
        let there = database.query_text("SELECT COUNT(*) FROM usage_records").await;
        assert_eq!(there[0][0], Some((lines + 1).to_string()), "with the read from before");
        let room = Strongroom::open(target).await.expect("a strongroom");
        assert_eq!(room.usage(Actor::library()).verify(kept_from()).await.expect("an answer"), []);
        room.close().await.expect("nothing is lost");
    }
}

/// Versions of before have got their MACs, once, and the trail says so.
async fn assert_signed(old: &Old, room: &Strongroom) {
    assert_eq!(old.value("SELECT COUNT(*) FROM credential_versions WHERE mac = ''").await, "0");
    let said = "SELECT COUNT(*) FROM audit_logs WHERE action = 'versions.sign'";
    assert_eq!(old.value(said).await, "1");
    let checked = room.leaks(Actor::library()).check(&["x".into()]).await.expect("an answer");
    assert_eq!(checked.changed, []);
    let again = Strongroom::open(options(&old.database, old)).await.expect("another server");
    assert_eq!(old.value(said).await, "1");
    again.close().await.expect("nothing is lost");
}

/// Everything that is in the tables of the old schema, told by its sums.
async fn summary(old: &Old) -> Vec<String> {
    let mut all = vec![old.value("SELECT MAX(version) FROM _sqlx_migrations").await];
    for table in fill::tables_of_old() {
        all.push(format!(
            "{}: {}",
            table.name,
            old.value(&format!("SELECT COUNT(*) FROM {}", table.name)).await
        ));
    }
    all.push(old.value("SELECT SUM(charged_tokens) FROM usage_records").await);
    all.push(old.value("SELECT SUM(settled) FROM counters").await);
    all
}

#[tokio::test]
async fn a_rebuild_that_fails_at_its_end_has_changed_nothing_and_is_done_again() {
    let old = installation(super::BACKEND).await;
    old.fill(2_000).await;
    let before = summary(&old).await;
    let store = store_of(&old.database).await;
    // Its name is that of an index which is made when all lines are moved and the old tables are gone.
    old.execute("CREATE INDEX usage_contexts_dims ON users (name)").await;
    for _ in 0..2 {
        let refused = schema::migrate(&store).await.expect_err("an index of that name");
        assert_eq!(summary(&old).await, before, "{refused}");
    }
    old.execute("DROP INDEX usage_contexts_dims").await;
    let lines = lines_of(&old).await;
    schema::migrate(&store).await.expect("a migration");
    store.close().await;
    assert_repaired(&old, lines).await;
    let room = Strongroom::open(options(&old.database, &old)).await.expect("a strongroom");
    assert_signed(&old, &room).await;
    // Nothing was spoilt: every counter is what it was.
    let settled = before.last().expect("a sum");
    assert_eq!(&old.value("SELECT SUM(settled) FROM counters").await, settled);
    assert_eq!(room.usage(Actor::library()).verify(kept_from()).await.expect("an answer"), []);
    room.close().await.expect("nothing is lost");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_servers_that_start_at_once_one_rebuilds_the_ledger() {
    let old = installation(super::BACKEND).await;
    old.fill(2_000).await;
    let lines = lines_of(&old).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let store = store_of(&old.database).await;
        tasks.spawn(async move {
            let done = schema::migrate(&store).await;
            store.close().await;
            done
        });
    }
    for done in tasks.join_all().await {
        done.expect("a migration, by itself or by another one");
    }
    assert_repaired(&old, lines).await;
}

/// What a long run has to tell.
fn report(line: &str) {
    #[expect(clippy::print_stdout, reason = "a long run tells what it has shown")]
    {
        println!("{line}");
    }
}
