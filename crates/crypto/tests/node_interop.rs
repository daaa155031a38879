//! The real Node and this crate read what the other writes, and docs/format.md says exactly what both do.
#![expect(clippy::unwrap_used, reason = "a test ends where something it stands on is missing")]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use strongroom_crypto::audit_chain::{self, GENESIS};
use strongroom_crypto::authority::{CredentialGrant, Life};
use strongroom_crypto::keyring::KeyringEntry;
use strongroom_crypto::row_digest::{DigestRow, combine, row_digest};
use strongroom_crypto::sealed_text::{open_unbound, seal_unbound};
use strongroom_crypto::version::VersionFacts;
use strongroom_crypto::{Key, Keyring, MasterKey, Purpose, SealContext, authority, envelope, random, token};
use strongroom_model::actor::Scope;
use strongroom_model::audit::{NewEntry, Outcome, Target};
use strongroom_model::authority_mac::AuthorityMac;
use strongroom_model::credential::Field;
use strongroom_model::token::Token;
use strongroom_model::user::User;
use strongroom_model::version::{Ending, Origin, Version};
use strongroom_model::{Millis, Provider, Role, Secret, Uid, UserId};

/// Number of random keys and texts that go each way.
const SAMPLES: usize = 200;

#[test]
fn node_opens_what_we_seal_in_the_form_of_the_original() {
    let samples = samples();
    let jobs: Vec<Value> = samples
        .iter()
        .map(|(key, plain)| json!({ "key": key.to_hex().expose(), "sealed": seal_unbound(key, plain).unwrap() }))
        .collect();
    let opened = original(&jobs);
    for ((_, plain), opened) in samples.iter().zip(&opened) {
        assert_eq!(opened, plain.expose());
    }
}

#[test]
fn we_open_what_node_seals_with_either_length_of_iv() {
    let samples = samples();
    for iv_length in [16, 12] {
        let job = |(key, plain): &(MasterKey, Secret)| json!({ "key": key.to_hex().expose(), "plain": plain.expose(), "ivLength": iv_length });
        let sealed = original(&samples.iter().map(job).collect::<Vec<_>>());
        for ((key, plain), sealed) in samples.iter().zip(&sealed) {
            assert_eq!(sealed.find(':'), Some(iv_length * 2));
            assert_eq!(open_unbound(key, sealed).unwrap(), *plain);
            assert_eq!(open_unbound(key, &sealed.to_uppercase()).unwrap(), *plain);
        }
    }
}

#[test]
fn the_documented_program_opens_a_row_of_ours() {
    let house = House::new();
    let program = documented_program();
    for (provider, endpoint, field, plain) in [
        ("openai", None, Field::ApiKey, "sk-proj-abc123"),
        ("gemini", Some("https://llm.example.com/v1"), Field::ApiKey, "AIzaSyTESTKEY"),
        ("my-llm", Some("https://ünï.example/🔑"), Field::ApiSecret, "sk-ant-ünïcødé-🔑\tend"),
        ("groq", Some(""), Field::ApiKey, " "),
    ] {
        let row = house.row(provider, endpoint, field, plain);
        let output = documented(&program, &house.master, &json!([row]));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(said, format!("{}: {plain}\n", field.as_str()));
    }
}

#[test]
fn the_documented_program_opens_nothing_that_was_moved_or_is_under_another_key() {
    let house = House::new();
    let program = documented_program();
    let row = house.row("openai", None, Field::ApiKey, "sk-canary");
    for (column, value) in [
        ("credential_uid", json!("00000000000000000000000000000000")),
        ("version_uid", json!("00000000000000000000000000000000")),
        ("field", json!("api_secret")),
        ("provider", json!("groq")),
        ("endpoint", json!("https://elsewhere.example.com")),
        ("endpoint", json!("")),
        ("key_id", json!("00000000000000000000000000000000")),
    ] {
        let mut moved = row.clone();
        moved[column] = value;
        let output = documented(&program, &house.master, &json!([moved]));
        assert!(!output.status.success() && output.stdout.is_empty(), "{column} is not bound");
    }
    let other = MasterKey::generate();
    let output = documented(&program, &other, &json!([row]));
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains(&format!("no row is under the master key {}", other.fingerprint())), "{said}");
}

#[test]
fn of_a_key_that_is_wrapped_twice_the_documented_program_takes_its_own_wrap() {
    let house = House::new();
    let row = house.row("openai", None, Field::ApiKey, "sk-x");
    let mut other = row.clone();
    other["master_fingerprint"] = json!(MasterKey::generate().fingerprint());
    other["wrapped"] = json!("00:00:00");
    let output = documented(&documented_program(), &house.master, &json!([other, row]));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "api_key: sk-x\n");
}

#[test]
fn every_layout_is_the_documented_one() {
    let house = House::new();
    let keyring = &house.keyring;
    let secret = Secret::from("sk-ünïcødé-🔑");

    let new = token::generate();
    let grant = Token {
        id: new.id.clone(),
        name: "not under the mac".into(),
        role: Role::Reader,
        scope: Scope {
            credentials: vec![random::uid(), random::uid()],
            providers: vec![Provider::parse("openai").unwrap(), Provider::parse("groq").unwrap()],
            models: vec![],
        },
        tags: strongroom_model::tag::TagSet::default(),
        user: Some(UserId(42)),
        created_at: Millis(1),
        expires_at: Some(Millis(1_800_000_000_000)),
        leased_until: None,
        revoked_at: None,
    };
    let leased = Token { leased_until: Some(Millis(5)), ..grant.clone() };
    let hash = authority::hash_token(keyring, &new.text);
    let user = User {
        id: UserId(7),
        name: "not under the mac".into(),
        role: Role::Auditor,
        is_active: false,
        created_at: Millis(1),
        updated_at: Millis(2),
    };
    let provider = Provider::parse("openai").unwrap();
    let credential = CredentialGrant {
        credential: random::uid(),
        name: "öpenai",
        provider: &provider,
        endpoint: Some("https://llm.example.com"),
        is_active: true,
        is_frozen: false,
        is_global: false,
        user: Some(UserId(7)),
        version: random::uid(),
        life: Life::default(),
    };
    let (staged, percent, minter) = (random::uid(), 15, random::uid());
    let life = Life {
        staged: Some((staged, percent)),
        expires_at: Some(Millis(1_900_000_000_000)),
        deleted_at: Some(Millis(1_890_000_000_000)),
        minter: Some((minter, Some("proj_1"))),
    };
    let later = CredentialGrant { life, is_frozen: true, ..credential };
    let entry = NewEntry {
        uid: random::uid(),
        at: Millis(1_763_800_000_123),
        action: "credential.create".into(),
        actor: "token:abc".into(),
        target: Target { kind: "credential".into(), id: Some("1".into()), name: None },
        outcome: Outcome::Denied,
        detail: r#"{"provider":"openai","é":""}"#.into(),
        request_id: Some(String::new()),
        remote_address: None,
    };
    let first = audit_chain::link(keyring, "main", 1, GENESIS, entry.clone());
    let second = audit_chain::link(keyring, "main", 2, &first.link, entry.clone());
    let head = audit_chain::head(keyring, "main", 2, &second.link);
    let row = DigestRow {
        name: "öpenai",
        provider: "openai",
        endpoint: Some("https://llm.example.com"),
        priority: 40,
        is_active: true,
        is_global: false,
        user_id: Some(7),
        rate_limit: None,
        api_key: Some(&secret),
        api_secret: None,
    };
    let digest = row_digest(&row);
    let version = Version {
        uid: random::uid(),
        number: 3,
        origin: Origin::Staged,
        copied_from: Some(1),
        created_by: "token:ä".into(),
        created_at: Millis(10),
        activated_at: Some(Millis(11)),
        replaced_at: None,
        retired_at: Some(Millis(12)),
        ended: Some((Ending::Refused, Millis(13), "refused by the provider".into())),
        erased: None,
        probed: Some(("ok".into(), Millis(14))),
        provider_key: Some("key_1".into()),
        revoked_at: None,
        is_followed: true,
        mac: AuthorityMac { key_id: String::new(), mac: String::new() },
    };
    let fingerprints = [(Field::ApiKey, keyring.fingerprint(&secret))];
    let facts =
        VersionFacts { credential: credential.credential, version: &version, fingerprints: &fingerprints };

    let given = json!({
        "master": house.master.to_hex().expose(),
        "keys": house.wraps,
        "secret": secret.expose(),
        "token": {
            "text": new.text.expose(), "id": grant.id, "role": "reader", "user_id": "42",
            "expires_at_ms": "1800000000000", "revoked_at_ms": null,
            "scope_credentials": grant.scope.credentials.iter().map(Uid::to_string).collect::<Vec<_>>(),
            "scope_providers": ["openai", "groq"],
        },
        "user": { "id": 7, "role": "auditor", "is_active": false },
        "credential": {
            "uid": credential.credential.to_string(), "name": credential.name, "provider": "openai",
            "endpoint": credential.endpoint, "is_active": true, "is_global": false, "user_id": "7",
            "version_uid": credential.version.to_string(), "staged_version_uid": staged.to_string(),
            "canary_percent": percent, "expires_at_ms": "1900000000000", "deleted_at_ms": "1890000000000",
            "minter_uid": minter.to_string(), "minter_project": "proj_1",
        },
        "version": {
            "uid": version.uid.to_string(), "number": 3, "origin": "staged", "copied_from": "1", "created_by": "token:ä",
            "created_at_ms": 10, "activated_at_ms": "11", "replaced_at_ms": null, "retired_at_ms": "12",
            "ended_as": "refused", "ended_at_ms": "13", "ended_reason": "refused by the provider", "erased_as": null,
            "erased_at_ms": null, "probe_outcome": "ok", "probed_at_ms": "14", "provider_key": "key_1",
            "revoked_at_ms": null, "is_followed": true, "field": Field::ApiKey.as_str(),
            "fingerprint_key_id": fingerprints[0].1.key_id,
        },
        "entry": {
            "chain_id": "main", "seq": 2, "before": first.link, "uid": entry.uid.to_string(), "at_ms": entry.at.0,
            "action": entry.action, "actor": entry.actor, "target_kind": "credential", "target_id": "1",
            "target_name": null, "outcome": "denied", "detail": entry.detail, "request_id": "",
            "remote_address": null,
        },
        "row": {
            "name": row.name, "provider": row.provider, "endpoint": row.endpoint, "priority": 40, "is_active": true,
            "is_global": false, "user_id": "7", "rate_limit": null, "api_key": secret.expose(), "api_secret": null,
        },
    });
    let ours = json!({
        "master_fingerprint": house.master.fingerprint(),
        "fingerprint": keyring.fingerprint(&secret).value,
        "token_checksum": &new.text.expose()[new.text.expose().len() - 6..],
        "token_hash": hash.mac,
        "token_mac": authority::token_mac(keyring, &grant, &hash).mac,
        "leased_token_mac": authority::token_mac(keyring, &leased, &hash).mac,
        "version_mac": facts.mac(keyring).mac,
        "user_mac": authority::user_mac(keyring, &user).mac,
        "credential_mac": authority::credential_mac(keyring, &credential).mac,
        "later_credential_mac": authority::credential_mac(keyring, &later).mac,
        "link": second.link,
        "head_mac": head.mac,
        "row_digest": digest,
        "row_digests": combine([digest.as_str(), &"ff".repeat(32)].into_iter()),
    });
    let output = node(&["--input-type=module", "--eval", &script("layouts.mjs")], None, &given);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let theirs: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(theirs, ours);
}

/// A master key, a key of each purpose wrapped under it, and the keyring of them: what a database holds.
struct House {
    master: MasterKey,
    wraps: Value,
    keyring: Keyring,
}

impl House {
    fn new() -> Self {
        let master = MasterKey::generate();
        let mut wraps = json!({});
        let mut entries = Vec::new();
        for purpose in Purpose::ALL {
            let (id, key) = (random::uid(), Key::generate());
            let wrapped = envelope::wrap(&master, id, purpose, &key);
            wraps[purpose.as_str()] = json!({ "id": id.to_string(), "wrapped": wrapped });
            entries.push(KeyringEntry { id, purpose, is_current: true, key });
        }
        Self { master, wraps, keyring: Keyring::new(entries).unwrap() }
    }

    /// A row as the documented SQL gives it.
    fn row(&self, provider: &str, endpoint: Option<&str>, field: Field, plain: &str) -> Value {
        let provider = Provider::parse(provider).unwrap();
        let (credential, version) = (random::uid(), random::uid());
        let context = SealContext { credential, version, field, provider: &provider, endpoint };
        let sealed = self.keyring.seal(&context, &Secret::from(plain)).unwrap();
        assert_eq!(self.wraps["data"]["id"], sealed.key_id);
        json!({
            "credential_uid": credential.to_string(),
            "provider": provider.as_str(),
            "endpoint": endpoint,
            "version_uid": version.to_string(),
            "field": field.as_str(),
            "value": sealed.text,
            "key_id": sealed.key_id,
            "master_fingerprint": self.master.fingerprint(),
            "wrapped": self.wraps["data"]["wrapped"],
        })
    }
}

/// Random keys and texts: any Unicode, quotes, controls and NUL among it, and a long one.
fn samples() -> Vec<(MasterKey, Secret)> {
    let mut runner = TestRunner::default();
    let texts = prop_oneof![
        3 => any::<String>(),
        2 => "[ -~]{1,120}",
        2 => "\\PC{1,60}",
        1 => Just("sk-ant-ünïcødé-🔑\0\u{10ffff}".to_owned()),
        1 => Just("x".repeat(16 * 1024)),
    ];
    let texts = texts.prop_filter("nothing to seal", |text| !text.is_empty());
    let draw = |runner: &mut TestRunner| texts.new_tree(runner).unwrap().current();
    (0..SAMPLES).map(|_| (MasterKey::generate(), Secret::new(draw(&mut runner)))).collect()
}

fn original(jobs: &[Value]) -> Vec<String> {
    let output = node(&["--input-type=module", "--eval", &script("original.mjs")], None, &json!(jobs));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let answers: Vec<String> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answers.len(), jobs.len());
    answers
}

fn documented(program: &str, master: &MasterKey, rows: &Value) -> Output {
    node(&["--input-type=module", "--eval", program], Some(master), rows)
}

fn node(arguments: &[&str], master: Option<&MasterKey>, stdin: &Value) -> Output {
    let mut command = Command::new("node");
    command.args(arguments).env_remove("NODE_OPTIONS").env_remove("ENCRYPTION_KEY");
    if let Some(master) = master {
        command.env("ENCRYPTION_KEY", master.to_hex().expose());
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("node is on the PATH: `cargo xtask test --only node` installs it");
    // Node reads all of it before it writes; one that fails early closes the pipe, and its message says why.
    let _ = child.stdin.take().unwrap().write_all(stdin.to_string().as_bytes());
    child.wait_with_output().unwrap()
}

fn script(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/node_interop");
    fs::read_to_string(folder.join(name)).unwrap()
}

/// The program between its markers in docs/format.md.
fn documented_program() -> String {
    let page: PathBuf = [env!("CARGO_MANIFEST_DIR"), "../../docs/format.md"].iter().collect();
    let page = fs::read_to_string(page).unwrap();
    let (_, rest) = page.split_once("<!-- open.mjs begins -->\n```js\n").expect("the program begins");
    let (program, _) = rest.split_once("```\n<!-- open.mjs ends -->").expect("the program ends");
    program.to_owned()
}
