//! The judge: it sends processes, kills them, and looks at what they have left.

use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use strongroom::{
    Actor, Clock, CredentialId, CredentialPatch, CredentialService, MasterKey, Millis, NewCredential, Secret,
    Strongroom,
};
use strongroom_testkit::TestDatabase;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};

use super::super::ground::{new, provider};
use super::child::{BEGINS, Errand, PROVIDERS, VARIABLE};
use super::operation::{Operation, REVEALED, Task, whole};
use super::state::State;

/// The second of February 2026: a whole month of turns lies before it.
const BEGIN: i64 = 1_769_990_400_000;
/// After so many seconds nobody counts as alive who has ended.
const LONG: i64 = 120;
/// How much room the credential near its limit is given each time.
const ROOM: i64 = 5;

/// How a process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kill {
    Never,
    /// After this statement of the operation.
    At(u64),
    /// So long after the operation has begun.
    After(Duration),
}

/// What became of one.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) was_killed: bool,
    /// Whether the operation is done.
    pub(super) is_done: bool,
    /// The statements of the operation, and how long it took, when nobody was killed.
    pub(super) points: u64,
    pub(super) took: Duration,
}

pub(super) struct Site {
    test: String,
    pub(super) database: TestDatabase,
    folder: TempDir,
    key: Secret,
    pub(super) previous: Option<Secret>,
    now: i64,
    pub(super) turn: u64,
    pub(super) subject: CredentialId,
    tight: CredentialId,
    room: Option<Strongroom>,
}

fn fingerprint(key: &Secret) -> String {
    MasterKey::parse(key.expose()).expect("a key").fingerprint()
}

impl Site {
    pub(super) async fn new(test: &str) -> Self {
        let database = TestDatabase::new(super::super::BACKEND).await;
        let mut site = Self {
            test: test.to_owned(),
            database,
            folder: tempfile::tempdir().expect("a folder"),
            key: MasterKey::generate().to_hex(),
            previous: None,
            now: BEGIN,
            turn: 0,
            subject: CredentialId(0),
            tight: CredentialId(0),
            room: None,
        };
        site.reopen().await;
        let service = site.service();
        for (name, of) in [("wide", PROVIDERS[0]), ("tight", PROVIDERS[1])] {
            let secret = Some(Secret::new(format!("second of {name}")));
            let made = NewCredential { provider: provider(of), api_secret: secret, ..new(name) };
            site.tight = service.create(made).await.expect("a credential").id;
        }
        site.subject = service.create(whole("subject", "key of subject")).await.expect("a credential").id;
        site
    }

    pub(super) fn room(&self) -> &Strongroom {
        self.room.as_ref().expect("it is open")
    }

    pub(super) fn service(&self) -> CredentialService {
        self.room().credentials(Actor::library())
    }

    /// The fingerprint of the master key that is the first one now.
    pub(super) fn master(&self) -> String {
        fingerprint(&self.key)
    }

    pub(super) fn forget_previous(&mut self) {
        self.previous = None;
    }

    /// From now on with this master key before the one so far.
    pub(super) async fn reopen_with(&mut self, key: Secret) {
        self.previous = Some(std::mem::replace(&mut self.key, key));
        self.reopen().await;
    }

    async fn reopen(&mut self) {
        if let Some(room) = self.room.take() {
            room.close().await.expect("nothing is lost");
        }
        let mut options = strongroom::Options::new(self.database.url(), self.key.clone());
        options.previous_key.clone_from(&self.previous);
        options.clock = Clock::fixed(Millis(self.now));
        self.room = Some(Strongroom::open(options).await.expect("a strongroom"));
    }

    /// How many audit entries there are of what an operation does.
    async fn entries(&self, operation: Operation) -> u64 {
        self.number(&format!("SELECT count(*) FROM audit_logs WHERE action = '{}'", operation.action())).await
    }

    pub(super) async fn number(&self, sql: &str) -> u64 {
        self.database.query_text(sql).await[0][0].as_deref().map_or(0, |it| it.parse().expect("a number"))
    }

    fn left(&self, provider: &str) -> u64 {
        self.noted(&format!("calls-{provider}"))
    }

    fn noted(&self, name: &str) -> u64 {
        std::fs::metadata(self.folder.path().join(name)).map_or(0, |file| file.len())
    }

    pub(super) fn calls_left(&self) -> u64 {
        PROVIDERS.iter().map(|name| self.left(name)).sum()
    }

    /// Has a process do it, kills it as it is told, and looks.
    pub(super) async fn round(&mut self, operation: Operation, kill: Kill) -> Outcome {
        let (task, limit) = self.prepare(operation).await;
        let before = self.state().await;
        let after = operation.after(&before, &task, self);
        let entries = self.entries(operation).await;
        let left = self.left(PROVIDERS[2]);
        let errand = self.errand(operation, &task, (&before, &after), kill);
        self.room.take().expect("it is open").close().await.expect("nothing is lost");

        let status = self.send(&errand, kill).await;
        let was_killed = status.signal() == Some(9);
        self.now += LONG * 1000;
        self.reopen().await;
        self.room().recover_holds().await.expect("what was held is settled");
        // To look at a state is to read keys, which has entries of its own.
        let written = self.entries(operation).await - entries;
        let found = self.state().await;
        let is_done = found == after && after != before;
        assert!(found == before || is_done, "{kill:?}: neither the old state nor the new one: {found:#?}");
        assert!(was_killed || is_done, "{operation:?} was not done by one that was not killed");
        assert_eq!(written, u64::from(is_done), "{kill:?}: an audit entry for each, and for no other");
        if before.is_frozen("subject") && found.is_frozen("subject") {
            assert_eq!(
                self.left(PROVIDERS[2]),
                left,
                "{kill:?}: calls with a key that was frozen throughout"
            );
        }
        assert!(self.noted(REVEALED) <= found.revealed, "{kill:?}: a key was handed out and not counted");
        self.assert_sound(operation, limit).await;
        self.now += LONG * 1000;
        let (points, micros) = if was_killed { (0, 0) } else { measured(&errand) };
        Outcome { was_killed, is_done, points, took: Duration::from_micros(micros) }
    }

    /// Has everything be so that it can be done; what it works on, and the limit of the credential near its limit.
    async fn prepare(&mut self, operation: Operation) -> (Task, i64) {
        self.turn += 1;
        let task = operation.prepare(self).await;
        let limit = self.service().rate_limit_status("tight").await.expect("an answer").used + ROOM;
        let patch = CredentialPatch { rate_limit: Some(Some(limit)), ..CredentialPatch::default() };
        self.service().update(self.tight, patch, None).await.expect("a change");
        (task, limit)
    }

    /// One more credential to work on.
    pub(super) async fn add(&self, name: &str) {
        self.service().create(whole(name, &format!("key of {name}"))).await.expect("a credential");
    }

    /// Has two processes do the same, of which one is killed. Tells whether it was.
    pub(super) async fn two_at_once(&mut self, operation: Operation, kill: Kill) -> bool {
        let (task, limit) = self.prepare(operation).await;
        let before = self.state().await;
        let errand = self.errand(operation, &task, (&before, &before), kill);
        self.room.take().expect("it is open").close().await.expect("nothing is lost");
        let (status, other) = tokio::join!(self.send(&errand, kill), self.send(&errand, Kill::Never));
        assert!(other.success(), "{other}");
        self.now += LONG * 1000;
        self.reopen().await;
        self.room().recover_holds().await.expect("what was held is settled");
        let found = self.state().await;
        let made = found.data_keys - before.data_keys;
        // One, or each its own when the first has ended before the second begins.
        assert!(made == 1 || made == 2, "{made} data keys were made");
        assert_eq!(State { data_keys: before.data_keys, ..found }, before);
        self.assert_sound(operation, limit).await;
        self.now += LONG * 1000;
        status.signal() == Some(9)
    }

    async fn send(&self, errand: &Errand, kill: Kill) -> ExitStatus {
        send(&self.test, serde_json::to_string(errand).expect("an errand"), kill).await
    }

    fn errand(&self, operation: Operation, task: &Task, states: (&State, &State), kill: Kill) -> Errand {
        let of = |state: &State| state.credentials.values().map(|it| it.api_key.clone()).collect::<Vec<_>>();
        let mut keys = [of(states.0), of(states.1)].concat();
        keys.extend(["wide", "tight"].map(|name| format!("key of {name}")));
        keys.extend(operation.tries_key().then(|| task.value.clone()));
        Errand {
            operation,
            id: task.id.0,
            name: task.name.clone(),
            value: task.value.clone(),
            number: task.number,
            database: self.database.url().to_owned(),
            key: self.key.expose().to_owned(),
            previous: self.previous.as_ref().map(|key| key.expose().to_owned()),
            now: self.now,
            kill_at: if let Kill::At(point) = kill { Some(point) } else { None },
            folder: self.folder.path().to_owned(),
            keys,
        }
    }

    /// Everything opens, the chain verifies, counters equal their records, nothing is half there, no call is uncounted and no limit overdrawn.
    async fn assert_sound(&self, operation: Operation, limit: i64) {
        let room = self.room();
        assert_eq!(room.prove().await.expect("a proof").faults, [""; 0]);
        let halves = "SELECT count(*) FROM credential_versions v WHERE (SELECT count(*) FROM credential_values x \
                      WHERE x.version_uid = v.uid AND x.kind = 'sealed') <> CASE WHEN v.erased_at_ms IS NULL THEN 2 ELSE 0 END";
        assert_eq!(self.number(halves).await, 0, "versions of which a part is there");
        let bare = "SELECT count(*) FROM encryption_keys k CROSS JOIN master_keys m WHERE NOT EXISTS (SELECT 1 FROM \
                    key_wraps w WHERE w.key_id = k.id AND w.master_fingerprint = m.fingerprint)";
        assert_eq!(self.number(bare).await, 0, "keys that are not wrapped under every master");

        let monthly = "SELECT CAST(COALESCE(SUM(settled + held + leased), 0) AS TEXT) FROM counters \
                       WHERE unit = 'requests' AND window_kind = 'month'";
        let (left, counted) = (self.calls_left(), self.number(monthly).await);
        assert!(left <= counted, "{left} calls left, and {counted} are counted");
        let tight = room.credentials(Actor::library()).rate_limit_status("tight").await.expect("an answer");
        let (used, left) = (tight.used, self.left(PROVIDERS[1]));
        assert!(used <= limit, "{used} are counted of {limit}");
        assert!(left as i64 <= used, "{left} calls left, and {used} are counted");

        if operation == Operation::RotateDataKey {
            room.keys().go_on().await.expect("it goes on");
            let rotation = room.keys().status().await.expect("a status").rotation;
            if let Some(rotation) = rotation {
                assert!(!rotation.is_open && (rotation.left, rotation.broken) == (0, 0), "{rotation:?}");
            }
        }
    }
}

fn measured(errand: &Errand) -> (u64, u64) {
    let text = std::fs::read_to_string(errand.measured()).expect("what it measured");
    let mut numbers = text.split(' ').map(|number| number.parse().expect("a number"));
    (numbers.next().expect("points"), numbers.next().expect("microseconds"))
}

/// A process of its own: this program, which runs the same test and finds its errand there.
pub(super) async fn send(test: &str, errand: String, kill: Kill) -> ExitStatus {
    let mut child = tokio::process::Command::new(std::env::current_exe().expect("this program"))
        .args([test, "--exact", "--nocapture", "--test-threads", "1"])
        .env(VARIABLE, errand)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("a process");
    let mut said = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut complaints = child.stderr.take().expect("a pipe");
    let mut has_begun = false;
    while let Some(line) = said.next_line().await.expect("a pipe") {
        if line.contains(BEGINS) {
            has_begun = true;
            if let Kill::After(moment) = kill {
                tokio::time::sleep(moment).await;
                // It may have ended by then.
                child.start_kill().expect("our own child");
            }
        }
    }
    let mut text = String::new();
    complaints.read_to_string(&mut text).await.expect("a pipe");
    let status = child.wait().await.expect("our own child");
    let is_as_told = status.success() || status.signal() == Some(9) && kill != Kill::Never;
    assert!(has_begun && is_as_told, "{kill:?}: {status}: {text}");
    status
}
