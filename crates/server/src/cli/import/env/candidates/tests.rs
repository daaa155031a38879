//! Variables into keys: their names, numbers, places, doubts and addresses.

use std::path::PathBuf;
use std::sync::Arc;

use super::*;

/// A key of OpenAI's.
const OTHER: &str = "sk-two0123456789abcdefghij0123456789abcdefghij";

fn set(name: &str, value: &str, place: Place) -> Variable {
    Variable { name: name.to_owned(), value: Secret::from(value), place, is_replaced: false }
}

fn on(line: usize) -> Place {
    Place::File { path: Arc::new(PathBuf::from(".env")), line, last_line: line }
}

/// The keys as `name=value@place,place`.
fn shown(keys: &[CandidateKey]) -> Vec<String> {
    let show = |key: &CandidateKey| {
        let places: Vec<_> = key.places.iter().map(|(_, place)| place.to_string()).collect();
        format!("{}={}@{}", key.name, key.value.expose(), places.join(","))
    };
    keys.iter().map(show).collect()
}

fn keys(variables: &[(&str, &str)]) -> Vec<String> {
    let variables =
        variables.iter().enumerate().map(|(place, (name, value))| set(name, value, on(place + 1)));
    shown(&find(variables.collect()).keys)
}

#[test]
fn names_of_secrets_are_told_by_their_ends() {
    for (name, is_secret) in
        [("STRIPE_SECRET_KEY", true), ("TOKEN_2", true), ("PORT", false), ("KEYBOARD", false)]
    {
        assert_eq!(is_named_like_a_secret(name), is_secret, "{name}");
    }
}

#[test]
fn a_comment_and_a_line_that_goes_on_are_called_so() {
    for (value, words) in
        [("sk-one # mine", "a comment follows"), ("sk-one \\", "goes on"), ("sk-one two", "is left out: it")]
    {
        let found = find(vec![set("OPENAI_API_KEY", value, on(1))]);
        assert!(found.keys.is_empty() && found.unread == [on(1)], "{value}: {found:?}");
        assert!(found.notes[0].contains(words), "{value}: {found:?}");
    }
}

#[test]
fn a_key_that_is_none_of_its_providers_goes_nowhere_unasked() {
    let body = "canary0123456789abcdefghij0123456789abcdefghij";
    for (name, value) in [
        ("OPENAI_API_KEY", format!("sk-ant-api03-{body}")),
        ("OPENAI_API_KEY", format!("sk-admin-{body}")),
        ("ANTHROPIC_API_KEY", format!("sk-ant-admin01-{body}")),
        ("GEMINI_API_KEY", format!("AIza{}$FOO{}", &body[..10], &body[..21])),
        ("GROQ_API_KEY", format!("gsk_{body}%3D")),
        ("MISTRAL_API_KEY", format!("gsk_{body}")),
        ("CO_API_KEY", "hf_short".to_owned()),
        ("XAI_API_KEY", body.to_owned()),
        ("OPENAI_API_KEY", format!("ghp_{}", &body[..36])),
        ("OPENAI_API_KEY", format!("github_pat_{body}")),
        ("MISTRAL_API_KEY", format!("glpat-{}", &body[..20])),
        ("COHERE_API_KEY", format!("xoxb-{body}")),
        ("OPENAI_API_KEY", "AKIA2E0A8F3B244C9986".to_owned()),
        ("OPENAI_API_KEY", format!("AIza{}", &body[..35])),
        ("DEEPSEEK_API_KEY", format!("sk_live_{body}")),
        ("OPENAI_API_KEY", format!("SG.{}.{}", &body[..22], &body[..43])),
        ("TOGETHER_API_KEY", format!("npm_{}", &body[..36])),
        ("OPENAI_API_KEY", format!("pypi-{body}")),
        ("OPENAI_API_KEY", format!("dop_v1_{}", "0f".repeat(32))),
        ("OPENAI_API_KEY", format!("hf_{}", &body[..34])),
        ("OPENAI_API_KEY", format!("eyJhbGciOiJIUzI1NiJ9.{body}.{body}")),
    ] {
        let found = || find(vec![set(name, &value, on(1)), set("OPENAI_API_KEY_2", OTHER, on(2))]);
        let mut asked = found();
        asked.leave_out_doubtful(false, false);
        assert_eq!((asked.keys.len(), asked.unread.len()), (2, 0), "{name}={value}");
        assert!(asked.warnings[0].starts_with(&format!("{name} (.env:1) ")), "{asked:?}");
        let mut unasked = found();
        unasked.leave_out_doubtful(true, false);
        assert_eq!(shown(&unasked.keys), [format!("openai-2={OTHER}@.env:2")], "{name}={value}");
        assert_eq!(unasked.unread, [on(1)], "its line stays: {name}={value}");
        let said = unasked.notes.join("\n");
        assert!(said.contains(&format!("{name} (.env:1) is left out")) && !said.contains("canary"), "{said}");
    }
}

#[test]
fn an_address_beside_a_key_is_known_by_any_name() {
    let elsewhere = "https://proxy.corp.example/v1";
    for (key, address, value, is_asked) in [
        ("CO_API_KEY", "CO_API_URL", elsewhere, true),
        ("OPENAI_API_KEY", "OPENAI_API_TYPE", "azure", true),
        ("OPENAI_API_KEY", "openai_api_type", "azure_ad", true),
        ("OPENAI_API_KEY", "OPENAI_API_TYPE", "open_ai", false),
        ("OPENAI_API_KEY", "openai_base_url", elsewhere, true),
        ("OPENAI_API_KEYS", "OPENAI_API_BASE_URLS", "https://api.openai.com/v1;https://a.example", true),
        (
            "OPENAI_API_KEYS",
            "OPENAI_API_BASE_URLS",
            "https://api.openai.com/v1;https://api.openai.com/v1",
            false,
        ),
        ("OPENAI_API_KEY", "OPENAI_HOST", "api.openai.com", false),
        ("OPENAI_API_KEY", "OPENAI_HOST", "proxy.corp.example", true),
        ("OPENAI_API_KEY", "OPENAI_PROXY", "false", false),
        ("OPENAI_API_KEY", "OPENAI_BASE_URL", "", false),
        ("OPENAI_API_KEY_2", "OPENAI_BASE_URL_2", elsewhere, true),
        ("OPENAI_API_KEY", "OPENAI_BASE_URL_2", elsewhere, false),
        ("GOOGLE_API_KEY", "GOOGLE_REVERSE_PROXY", elsewhere, true),
        ("PPLX_API_KEY", "TOGETHERAI_API_BASE", elsewhere, false),
    ] {
        let mut found = find(vec![set(key, "k-1", on(1)), set(address, value, on(2))]);
        assert_eq!(found.settle_addresses(None, true, false).is_err(), is_asked, "{key} {address}={value}");
    }
}

#[test]
fn an_address_that_names_no_provider_is_told_of() {
    for (key, address, value, is_told) in [
        ("OPENAI_API_KEY", "LLM_BASE_URL", "https://proxy.corp.example/v1", true),
        ("OPENAI_API_KEY", "BASE_URL", "https://api.groq.com/openai/v1", true),
        ("GROQ_API_KEY", "BASE_URL", "https://api.groq.com/openai/v1", false),
        ("OPENAI_API_KEY", "AZURE_OPENAI_ENDPOINT", "https://x.openai.azure.com", true),
        ("OPENAI_API_KEY", "LLM_BASE_URL", "", false),
        ("OPENAI_API_KEY", "DATABASE_URL", "postgres://db.example/x", false),
        ("SOMEBODYS_API_KEY", "LLM_BASE_URL", "https://proxy.corp.example/v1", false),
    ] {
        let found = find(vec![set(key, "k-1", on(1)), set(address, value, on(2))]);
        let said = found.warnings.join("\n");
        assert_eq!(
            said.contains(&format!("{address} (.env:2) names ")),
            is_told,
            "{key} {address}={value}: {said}"
        );
    }
    let azure = [
        ("OPENAI_API_KEY", "k-1"),
        ("OPENAI_API_TYPE", "azure"),
        ("AZURE_OPENAI_ENDPOINT", "https://x.openai.azure.com"),
    ];
    let found = find(azure.iter().map(|(name, value)| set(name, value, on(1))).collect());
    assert!(!found.warnings.iter().any(|it| it.contains("AZURE_OPENAI_ENDPOINT")), "{:?}", found.warnings);
}

#[test]
fn the_address_that_is_taken_is_the_one_of_the_key() {
    let taken = |variables: &[(&str, &str)]| {
        let variables = variables.iter().map(|(name, value)| set(name, value, on(1))).collect();
        let mut found = find(variables);
        let settled = found.settle_addresses(Some(super::super::BaseUrl::Take), true, false);
        settled.map(|()| found.keys.into_iter().map(|key| key.endpoint).collect::<Vec<_>>())
    };
    let of = |url: &str| Some(url.to_owned());
    let pool = [
        ("OPENAI_API_KEY", "a"),
        ("OPENAI_API_KEY_2", "b"),
        ("OPENAI_BASE_URL", "https://a.example"),
        ("OPENAI_BASE_URL_2", "https://b.example"),
    ];
    assert_eq!(taken(&pool).unwrap(), [of("https://a.example"), of("https://b.example")]);
    let azure = [
        ("OPENAI_API_KEY", "a"),
        ("OPENAI_API_TYPE", "azure"),
        ("AZURE_OPENAI_ENDPOINT", "https://x.openai.azure.com"),
    ];
    assert_eq!(taken(&azure).unwrap(), [of("https://x.openai.azure.com")]);
    assert!(taken(&azure[..2]).is_err(), "nobody says where it goes");
    let several =
        [("OPENAI_API_KEYS", "a,b"), ("OPENAI_API_BASE_URLS", "https://a.example,https://b.example")];
    assert!(taken(&several).is_err());
}

#[test]
fn the_five_providers_and_their_pools_get_the_names_of_the_original() {
    let found = keys(&[
        ("OPENAI_API_KEY_3", "o3"),
        ("OPENAI_API_KEY", "o1"),
        ("OPENAI_API_KEY_2", "o2"),
        ("GROQ_API_KEY", "q1"),
        ("ANTHROPIC_API_KEY", "a1"),
        ("OPENROUTER_API_KEY", "r1"),
        ("GEMINI_API_KEY", "g1"),
        ("PATH", "/bin"),
    ]);
    assert_eq!(
        found,
        [
            "gemini-primary=g1@.env:7",
            "groq-primary=q1@.env:4",
            "openrouter-primary=r1@.env:6",
            "openai-primary=o1@.env:2",
            "openai-2=o2@.env:3",
            "openai-3=o3@.env:1",
            "anthropic-primary=a1@.env:5",
        ]
    );
}

#[test]
fn two_names_of_one_provider_count_once_when_they_hold_the_same() {
    assert_eq!(keys(&[("GOOGLE_API_KEY", "g"), ("GEMINI_API_KEY", "g")]), ["gemini-primary=g@.env:2,.env:1"]);
    assert_eq!(keys(&[("GOOGLE_API_KEY", "g")]), ["gemini-primary=g@.env:1"]);
}

#[test]
fn what_wants_a_number_that_is_taken_gets_the_next_free_one() {
    let found = keys(&[
        ("GOOGLE_API_KEY", "b"),
        ("GEMINI_API_KEY", "a"),
        ("GEMINI_API_KEY_2", "c"),
        ("GEMINI_API_KEY_4", "d"),
    ]);
    assert_eq!(
        found,
        ["gemini-primary=a@.env:2", "gemini-2=c@.env:3", "gemini-3=b@.env:1", "gemini-4=d@.env:4"]
    );
    assert_eq!(
        keys(&[("OPENAI_API_KEY_1", "a"), ("OPENAI_API_KEY_0", "b")]),
        ["openai-primary=a@.env:1", "openai-2=b@.env:2"]
    );
    assert_eq!(keys(&[("OPENAI_API_KEY_2", "a")]), ["openai-2=a@.env:1"]);
    assert_eq!(
        keys(&[("OPENAI_API_KEY_2", "a"), ("OPENAI_API_KEY", "a")]),
        ["openai-primary=a@.env:2,.env:1"]
    );
}

#[test]
fn the_environment_comes_first_and_a_file_that_differs_is_not_lost() {
    let variables = vec![
        set("OPENAI_API_KEY", "live", Place::Environment),
        set("OPENAI_API_KEY", "filed", on(1)),
        set("GROQ_API_KEY", "same", Place::Environment),
        set("GROQ_API_KEY", "same", on(2)),
    ];
    assert_eq!(
        shown(&find(variables).keys),
        ["groq-primary=same@environment,.env:2", "openai-primary=live@environment", "openai-2=filed@.env:1"]
    );
}

#[test]
fn a_replaced_key_is_left_out_with_a_note_unless_it_is_the_same() {
    let replaced =
        |value: &str, line| Variable { is_replaced: true, ..set("OPENAI_API_KEY", value, on(line)) };
    let found = find(vec![
        set("OPENAI_API_KEY", "canary-new", on(3)),
        replaced("canary-new", 1),
        replaced("canary-old", 2),
    ]);
    assert_eq!(shown(&found.keys), ["openai-primary=canary-new@.env:3,.env:1"]);
    assert_eq!(found.notes.len(), 1);
    assert!(found.notes[0].contains(".env:2") && !format!("{found:?}").contains("canary"), "{found:?}");
}

#[test]
fn placeholders_are_reported_and_every_known_provider_is_taken() {
    let found = find(vec![
        set("OPENAI_API_KEY", "sk-...", on(1)),
        set("MISTRAL_API_KEY", "m1", on(2)),
        set("XAI_API_KEY", "x1", on(3)),
    ]);
    assert_eq!(
        found.notes,
        ["OPENAI_API_KEY (.env:1) is left out: it is a placeholder; give the key that the provider shows"]
    );
    assert_eq!(shown(&found.keys), ["grok-primary=x1@.env:3", "mistral-primary=m1@.env:2"]);
}

#[test]
fn a_key_is_taken_without_its_wrapping_or_not_at_all() {
    let key = "sk-proj-0123456789abcdefghij0123456789abcdefghij";
    for wrapped in [format!("{key}\n"), format!("{key}\r"), format!(" {key} "), format!("\"{key}\"")] {
        let found = find(vec![set("OPENAI_API_KEY", &wrapped, on(1))]);
        assert_eq!(shown(&found.keys), [format!("openai-primary={key}@.env:1")], "{wrapped:?}");
        assert!(found.notes.len() == 1 && found.unread.is_empty(), "{found:?}");
    }
    for refused in ["k1,k2", "Bearer sk-1", "sk-a\u{200b}b", "OPENAI_API_KEY=sk-1"] {
        let found = find(vec![set("OPENAI_API_KEY", refused, on(1))]);
        assert!(
            found.keys.is_empty() && found.notes.len() == 1 && found.unread == [on(1)],
            "{refused}: {found:?}"
        );
    }
}

#[test]
fn a_list_becomes_a_pool_and_a_bad_part_keeps_its_line() {
    assert_eq!(
        keys(&[("OPENAI_API_KEYS", "o1, o2;\"o3\""), ("GROQ_API_KEYS", "[\"g1\"]")]),
        ["groq-primary=g1@.env:2", "openai-primary=o1@.env:1", "openai-2=o2@.env:1", "openai-3=o3@.env:1"]
    );
    let found = find(vec![set("OPENAI_API_KEYS", "o1,your-key-here", on(4))]);
    assert_eq!(
        (shown(&found.keys), found.unread),
        (vec!["openai-primary=o1@.env:4".to_owned()], vec![on(4)])
    );
}

#[test]
fn what_is_passed_over_is_named_and_never_shown() {
    let canary = "sk-ant-api03-canary0123456789abcdefghij0123456789";
    let found = find(vec![
        set("MY_CLAUDE", canary, on(1)),
        set("STRIPE_SECRET_KEY", "rk_canary_1", on(2)),
        set("PORT", "80", on(3)),
        set("VITE_OPENAI_API_KEY", "sk-canary", on(4)),
        set("OPENAI_API_KEY", canary, on(5)),
    ]);
    let said = found.notes.join("\n");
    assert!(said.contains("MY_CLAUDE (.env:1)") && said.contains("key of anthropic"), "{said}");
    assert!(said.contains("STRIPE_SECRET_KEY (.env:2)") && !said.contains("PORT"), "{said}");
    let warned = found.warnings.join("\n");
    assert!(warned.contains("VITE_OPENAI_API_KEY (.env:4) is public"), "{warned}");
    assert!(warned.contains("OPENAI_API_KEY (.env:5) has the form of a key of anthropic"), "{warned}");
    assert!(!format!("{said}{warned}{found:?}").contains("canary"));
}

/// Values that a variable for a key holds and that are none, and whether a server of somebody's own may have given them out.
const NO_KEYS: [(&str, bool); 41] = [
    ("encrypted:BDqDBibm4wsYqMpCjTQ6BsDHmMadg9K3dAt+Z9HPMfLEIRVz50hmLXPX", false),
    ("vault:secret/data/openai#key", false),
    ("vault.read:secret/openai", false),
    ("keyring:openai", false),
    ("ssm:/prod/openai/key", false),
    ("secretsmanager:prod/openai", false),
    ("arn:aws:secretsmanager:us-east-1:123456789012:secret:x", false),
    ("env:OTHER_NAME_OF_A_KEY", false),
    ("file:/etc/key", false),
    ("doppler:prod.OPENAI", false),
    ("sops:abcdefghijklmnopqrst0123456789", false),
    ("/run/secrets/openai_api_key", false),
    ("./secrets/openai", false),
    ("~/.config/openai/key", false),
    ("@secrets/openai", false),
    ("C:\\secrets\\openai.txt", false),
    ("!vault", false),
    ("`pass openai/key`", false),
    ("pass openai/key", false),
    ("gopass show -o openai", false),
    ("prefix-$(pass openai)", false),
    ("sk-proj-${SUFFIX}0123456789abcdef", false),
    ("SK-ANT-API03-0123456789ABCDEFGHIJ0123456789ABCDEFGHIJ", false),
    ("sk-AnT-api03-0123456789abcdefghij0123456789abcdefghij", false),
    ("GSK_0123456789ABCDEFGHIJ0123456789ABCDEFGHIJ", false),
    ("AKIA2E0A8F3B244C9986", false),
    ("123e4567-e89b-12d3-a456-426614174000", true),
    ("123e4567e89b12d3a456426614174000", true),
    ("d41d8cd98f00b204e9800998ecf8427e", true),
    ("da39a3ee5e6b4b0d3255bfef95601890afd80709", true),
    ("password123", true),
    ("hunter2", true),
    ("correct-horse-battery-staple", true),
    ("my_own_openai_key", true),
    ("not-needed", true),
    ("ollama", true),
    ("lm-studio", true),
    ("sk-1234", true),
    ("sk-my-very-own-key-of-words", true),
    ("test-key-for-ci-0000000000000000", true),
    ("sk-dummy-0123456789abcdefghij0123456789", true),
];

#[test]
fn what_is_no_key_of_any_provider_goes_nowhere_unasked_and_its_line_stays() {
    for known in KNOWN {
        for (value, may_be_of_a_server) in NO_KEYS {
            let name = known.variables[0];
            let address = known.base_url_variable.map_or_else(|| format!("{name}_BASE_URL"), str::to_owned);
            let found = || find(vec![set(name, value, on(1))]);
            let mut unasked = found();
            let was_taken = !unasked.keys.is_empty();
            unasked.leave_out_doubtful(true, true);
            assert!(unasked.keys.is_empty(), "{name}={value}: {unasked:?}");
            assert_eq!(unasked.unread, [on(1)], "{name}={value}");
            assert!(
                unasked.notes.iter().any(|note| note.starts_with(&format!("{name} (.env:1) is left out")))
            );
            // Asked, it may be taken, and is told of.
            let mut asked = found();
            asked.leave_out_doubtful(false, true);
            assert!(asked.keys.iter().all(|key| key.doubt.is_some()), "{name}={value}");
            assert_eq!(asked.warnings.len(), usize::from(was_taken), "{name}={value}: {asked:?}");
            // For a server of somebody's own.
            if !may_be_of_a_server {
                continue;
            }
            let with_address =
                vec![set(name, value, on(1)), set(&address, "https://models.example.com/v1", on(2))];
            let mut found = find(with_address);
            if found.addresses.is_empty() {
                continue;
            }
            let is_anothers = found.keys[0].doubt.as_ref().is_some_and(|doubt| !doubt.is_of_form);
            found.leave_out_doubtful(true, true);
            assert_eq!(found.keys.is_empty(), is_anothers, "{name}={value} {address}");
        }
    }
}

#[test]
fn every_form_of_a_providers_keys_goes_in_unasked() {
    let mixed = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0u1V2w3X4y5Z6";
    let hex = "0f3ac91be87d24560f3ac91be87d24560f3ac91be87d24560f3ac91be87d2456";
    for (name, key) in [
        ("OPENAI_API_KEY", format!("sk-proj-{mixed}T3BlbkFJ{mixed}_-x")),
        ("OPENAI_API_KEY", format!("sk-svcacct-{mixed}T3BlbkFJ{mixed}")),
        ("OPENAI_API_KEY", format!("sk-{}T3BlbkFJ{}", &mixed[..20], &mixed[..20])),
        ("OPENAI_API_KEY", format!("sk-None-{mixed}")),
        ("ANTHROPIC_API_KEY", format!("sk-ant-api03-{mixed}{}-x_yAA", &mixed[..36])),
        ("GEMINI_API_KEY", format!("AIzaSy{}-_", &mixed[..31])),
        ("GEMINI_API_KEY", format!("AQ.Ab8RN6{}-_", &mixed[..42])),
        ("GROQ_API_KEY", format!("gsk_{mixed}")),
        ("XAI_API_KEY", format!("xai-{mixed}{}", &mixed[..28])),
        ("OPENROUTER_API_KEY", format!("sk-or-v1-{hex}")),
        ("DEEPSEEK_API_KEY", format!("sk-{}", &hex[..32])),
        ("MISTRAL_API_KEY", mixed[..32].to_owned()),
        ("COHERE_API_KEY", mixed[..40].to_owned()),
        ("TOGETHER_API_KEY", hex.to_owned()),
        ("TOGETHER_API_KEY", format!("tgp_v1_{}-_", &mixed[..41])),
        ("PERPLEXITY_API_KEY", format!("pplx-{}", &mixed[..48])),
    ] {
        let mut found = find(vec![set(name, &key, on(1))]);
        found.leave_out_doubtful(true, false);
        assert_eq!((found.keys.len(), found.unread.len()), (1, 0), "{name}={key}: {found:?}");
        assert!(found.keys[0].doubt.is_none() && found.warnings.is_empty(), "{name}={key}: {found:?}");
    }
}

#[test]
fn a_variable_that_is_named_like_a_providers_is_told_of() {
    for (name, kind) in [
        ("MISTRAL_API_KEY_PROD", "mistral"),
        ("CO_KEY", "cohere"),
        ("openaiApiKey", "openai"),
        ("MY_GROQ_TOKEN", "groq"),
    ] {
        let found = find(vec![set(name, "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6", on(1))]);
        let said = found.notes.join("\n");
        assert!(
            said.contains(&format!("{name} (.env:1) is passed over")) && said.contains(kind),
            "{name}: {said}"
        );
    }
}
