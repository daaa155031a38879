//! Every provider's key in every wrapping, and a bound on the work.

use strongroom_crypto::token;

use super::*;

mod secrets;

const BODY: &str = "0123456789abcdefghijklmnopqrstuvwxyzABCD";

fn kinds(text: &str) -> Vec<&'static str> {
    find(text.as_bytes()).iter().map(|hit| hit.kind).collect()
}

/// Returns so many letters and digits that do not repeat soon.
fn letters(count: usize) -> String {
    ('a'..='z').chain('A'..='Z').chain('0'..='9').cycle().step_by(7).take(count).collect()
}

fn hex(count: usize) -> String {
    "0f3ac91be87d2456".chars().cycle().take(count).collect()
}

/// A sample of every form, with its provider.
fn samples() -> Vec<(String, &'static str)> {
    vec![
        (format!("sk-ant-api03-{}-x_yAA", letters(88)), "anthropic"),
        (format!("sk-ant-admin01-{}AA", letters(93)), "anthropic"),
        (format!("sk-ant-oat01-{}-AA", letters(92)), "anthropic"),
        (format!("sk-or-v1-{}", hex(64)), "openrouter"),
        (format!("sk-or-{}", hex(64)), "openrouter"),
        (format!("sk-proj-{}T3BlbkFJ{}_-x", letters(74), letters(70)), "openai"),
        (format!("sk-proj-{BODY}_-x"), "openai"),
        (format!("sk-svcacct-{}T3BlbkFJ{}", letters(74), letters(74)), "openai"),
        (format!("sk-admin-{}T3BlbkFJ{}", letters(58), letters(58)), "openai"),
        (format!("sk-{}T3BlbkFJ{}", letters(20), letters(20)), "openai"),
        (format!("sk-{BODY}"), "openai"),
        (format!("sk-my-service-{}T3BlbkFJ{}", letters(20), letters(20)), "openai"),
        (format!("sk-None-{}", letters(48)), "openai"),
        (format!("sk-{}", hex(32)), "deepseek"),
        (format!("AIza{}", &BODY[..35]), "gemini"),
        (format!("AIzaSy{}-_", letters(31)), "gemini"),
        (format!("AQ.Ab8RN6{}-_", letters(42)), "gemini"),
        (format!("gsk_{}", letters(52)), "groq"),
        (format!("xai-{}_{}", letters(40), letters(39)), "grok"),
        (format!("pplx-{}", letters(48)), "perplexity"),
        (format!("tgp_v1_{}-_", letters(41)), "together"),
        (format!("hf_{}", letters(34)), "huggingface"),
        (format!("api_org_{}", letters(34)), "huggingface"),
        (format!("r8_{}", letters(37)), "replicate"),
        (token::generate().text.expose().to_owned(), "strongroom"),
    ]
}

/// Texts before and behind a key in a file.
const AROUND: [(&str, &str); 27] = [
    ("", ""),
    ("KEY=", "\n"),
    ("KEY=", "\r\n"),
    ("\"", "\","),
    ("'", "'"),
    ("`", "`"),
    ("Bearer ", " "),
    ("é", "é"),
    ("\\n", "\\n"),
    ("\\r\\n", "\\r\\n"),
    ("\\t", "\\t"),
    ("\"OPENAI_API_KEY=", "\\n\","),
    ("\\\"", "\\\""),
    ("key\\u003d", "\\u0026x"),
    ("\\x3d", "\\x22"),
    ("key%3D", "%26x=1"),
    ("%22", "%22"),
    ("?key=", "&x=1"),
    ("key=3D", "=0D=0A"),
    ("&quot;", "&quot;"),
    ("<key>", "</key>"),
    ("key: ", " # mine"),
    ("[", "]"),
    ("(", ")"),
    ("https://user:", "@host/"),
    ("$env:X = \"", "\";"),
    ("\u{feff}", "\u{200b}"),
];

#[test]
fn every_providers_key_is_found_in_every_wrapping() {
    for (key, kind) in samples() {
        for (before, after) in AROUND {
            let text = format!("{before}{key}{after}");
            let found: Vec<_> =
                find(text.as_bytes()).iter().map(|hit| (hit.kind, hit.text, hit.at)).collect();
            assert_eq!(found, [(kind, key.as_str(), before.len())], "{text}");
            let wide = text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
            let with_mark = [&[0xff, 0xfe][..], &wide].concat();
            let big =
                [&[0xfe, 0xff][..], &text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>()]
                    .concat();
            for bytes in [wide, with_mark, big] {
                let narrow = in_eight_bits(&bytes);
                assert_eq!(
                    find(&narrow).iter().map(|hit| hit.text).collect::<Vec<_>>(),
                    [key.as_str()],
                    "{text}"
                );
            }
        }
    }
}

#[test]
fn keys_without_a_mark_are_found_behind_their_providers_name() {
    for (name, key, kind) in [
        ("MISTRAL_API_KEY", letters(32), "mistral"),
        ("CO_API_KEY", letters(40), "cohere"),
        ("COHERE_API_KEY", letters(40), "cohere"),
        ("TOGETHER_API_KEY", hex(64), "together"),
    ] {
        for line in [
            format!("{name}={key}"),
            format!("export {name}=\"{key}\""),
            format!("{name}: {key}\n"),
            format!("\"{}\": \"{key}\",", name.to_lowercase()),
            format!("{name}%3D{key}"),
        ] {
            let found: Vec<_> = find(line.as_bytes()).iter().map(|hit| (hit.kind, hit.text)).collect();
            assert_eq!(found, [(kind, key.as_str())], "{line}");
        }
        for line in [key.clone(), format!("SHA={key}"), format!("{name}={key}x"), format!("{name}\n{key}")] {
            assert!(find(line.as_bytes()).is_empty(), "{line}");
        }
    }
}

#[test]
fn what_only_begins_like_a_key_is_none() {
    let token = token::generate().text;
    let (body, last) = token.expose().split_at(64);
    let other = if last == "a" { "b" } else { "a" };
    for text in [
        "sk-".to_owned(),
        "sk-short".to_owned(),
        format!("task-{BODY}"),
        format!("AIza{BODY}"),
        format!("sk-{}", "x".repeat(48)),
        format!("xsk-{BODY}"),
        format!("{body}{other}"),
        "sk-loading-spinner-container-wrapper-large-blue-round".to_owned(),
        "sk-fading-circle .sk-circle-container_before-animation".to_owned(),
        format!("nsk-{BODY}"),
        format!("FAQ.{BODY}"),
    ] {
        assert_eq!(kinds(&text), [""; 0], "{text}");
    }
}

#[test]
fn several_keys_in_bytes_that_are_no_text_are_all_found() {
    let mut bytes = vec![0xff, 0x00];
    bytes.extend_from_slice(format!("sk-{BODY}").as_bytes());
    bytes.extend_from_slice(&[0xff, b' ']);
    bytes.extend_from_slice(format!("gsk_{BODY}").as_bytes());
    assert_eq!(find(&bytes).iter().map(|hit| hit.kind).collect::<Vec<_>>(), ["openai", "groq"]);
}

#[test]
fn the_work_grows_as_the_text_does() {
    for piece in [
        "sk-ant-",
        "sk-",
        "AIza-",
        "sk-proj-a-",
        "0123456789abcdef0123456789abcdef ",
        "xai-_",
        "%3D",
        "\\n",
        "mistral ",
    ] {
        let work = |bytes: usize| {
            let text: Vec<u8> = piece.bytes().cycle().take(bytes).collect();
            let mut steps = 0;
            find_counting(&text, &mut steps);
            steps
        };
        let (small, large) = (work(20_000), work(200_000));
        assert!(large <= 11 * small, "{piece}: {small} steps for 20 kB, {large} for 200 kB");
        assert!(large <= 100 * 200_000, "{piece}: {large}");
    }
}

#[test]
fn a_key_of_another_provider_is_told() {
    let key = |prefix: &str| format!("{prefix}{BODY}");
    for (text, provider, other) in [
        (key("sk-ant-"), "openai", Some("anthropic")),
        (key("sk-ant-"), "anthropic", None),
        (key("sk-proj-"), "anthropic", Some("openai")),
        (key("sk-proj-"), "openai", None),
        (key("sk-"), "deepseek", None),
        (key("sk-"), "mistral", None),
        (key("sk-"), "groq", Some("openai")),
        (key("gsk_"), "grok", Some("groq")),
        (key("sk-or-v1-"), "openai", Some("openrouter")),
        (key("sk-ant-"), "my-proxy", None),
        ("plain".to_owned(), "openai", None),
    ] {
        assert_eq!(other_provider(&text, provider), other, "{text} {provider}");
    }
}

#[test]
fn every_key_is_found_within_base64_and_masked() {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    for (key, kind) in samples() {
        for (before, after) in [("", ""), ("user:", ""), ("{\"k\":\"", "\"}"), ("", "\n")] {
            let encoded = STANDARD.encode(format!("{before}{key}{after}"));
            for (name, end) in [("  OPENAI_API_KEY: ", "\n"), ("Authorization: Basic ", "\r\n"), ("\"", "\"")]
            {
                let text = format!("{name}{encoded}{end}");
                let found = find_encoded(text.as_bytes());
                let shown: Vec<_> = found.iter().map(|hit| (hit.kind, hit.key.expose(), hit.at)).collect();
                assert_eq!(shown, [(kind, key.as_str(), name.len())], "{text}");
                assert!(find(text.as_bytes()).is_empty(), "{text}");
                let masked = masked(&text);
                assert!(
                    masked.contains(&format!("{name}[key of {kind}]")) && masked.ends_with(end),
                    "{masked}"
                );
            }
        }
        let text = format!("a {key} b é {key}");
        assert_eq!(masked(&text), format!("a [key of {kind}] b é [key of {kind}]"));
    }
    let text = format!("COHERE_API_KEY: {}", STANDARD.encode(letters(40)));
    assert_eq!(find_encoded(text.as_bytes()).first().map(|hit| hit.kind), Some("cohere"));
    for plain in ["", "no key", &hex(64), &STANDARD.encode("a text of many words that holds no key at all")] {
        assert!(
            find_encoded(plain.as_bytes()).is_empty() && matches!(masked(plain), Cow::Borrowed(_)),
            "{plain}"
        );
    }
}

#[test]
fn a_key_within_base64_that_is_broken_into_lines_is_found_and_masked() {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let key = format!("sk-proj-{}", letters(120));
    let encoded = STANDARD.encode(format!("export OPENAI_API_KEY={key}\n"));
    for width in [60, 64, 76] {
        for (broken, indent) in [("\n", ""), ("\r\n", ""), ("\n", "    ")] {
            let lines: Vec<_> =
                encoded.as_bytes().chunks(width).map(|line| std::str::from_utf8(line).unwrap()).collect();
            let text = format!("value: |\n{indent}{}\nnext: 1", lines.join(&format!("{broken}{indent}")));
            let found = find_encoded(text.as_bytes());
            let shown: Vec<_> = found.iter().map(|hit| (hit.kind, hit.key.expose())).collect();
            assert_eq!(shown, [("openai", key.as_str())], "{text}");
            let masked = masked(&text);
            assert!(masked.contains("[key of openai]") && masked.ends_with("next: 1"), "{masked}");
            assert!(lines.iter().all(|line| !masked.contains(line.trim_end_matches('='))), "{masked}");
        }
    }
    // Lines that each hold a key are told apart.
    let each: Vec<_> = (0..3).map(|number| format!("sk-proj-{}{number}", letters(39))).collect();
    let text: Vec<_> = each.iter().map(|key| STANDARD.encode(key)).collect();
    let found = find_encoded(text.join("\n").as_bytes());
    assert_eq!(found.iter().map(|hit| hit.key.expose()).collect::<Vec<_>>(), each);
}

#[test]
fn a_key_without_a_mark_is_found_below_its_providers_name_and_in_its_clients() {
    for (word, key, kind) in [
        ("mistral", letters(32), "mistral"),
        ("cohere", letters(40), "cohere"),
        ("together", hex(64), "together"),
    ] {
        for text in [
            format!("{word}:\n  api_key: {key}\n"),
            format!("providers:\n  {word}:\n    model: x\n    auth:\n      token: \"{key}\"\n"),
            format!("- name: {word}\n  apiKey: {key}\n"),
            format!("{{\n  \"{word}\": {{\n    \"api-key\": \"{key}\"\n  }}\n}}"),
            format!("[{word}]\nmodel = \"x\"\napi_key = \"{key}\"\n"),
            format!("c = {word}.Client(\"{key}\")"),
            format!("c = {word}.ClientV2('{key}')"),
            format!("new {word}Client( `{key}`)"),
            format!("Chat{word}(\"{key}\")"),
        ] {
            let found: Vec<_> = find(text.as_bytes()).iter().map(|hit| (hit.kind, hit.text)).collect();
            assert_eq!(found, [(kind, key.as_str())], "{text}");
        }
        for text in [
            format!("{word}:\n  model: x\nother:\n  api_key: {key}\n"),
            format!("{word}:\n  etag: {key}\n"),
            format!("[{word}]\nmodel = \"x\"\n[other]\napi_key = \"{key}\"\n"),
            format!("{word}: x\napi_key: {key}\n"),
            format!("{word}(\"a\", \"{key}\")"),
        ] {
            assert!(find(text.as_bytes()).is_empty(), "{text}");
        }
    }
}

#[test]
fn a_key_with_a_long_mark_is_found_behind_a_letter() {
    for (key, kind) in [
        (format!("sk-proj-{}T3BlbkFJ{}", letters(74), letters(70)), "openai"),
        (format!("sk-ant-api03-{}-x_yAA", letters(88)), "anthropic"),
        (format!("sk-or-v1-{}", hex(64)), "openrouter"),
    ] {
        for before in ["X", "_", "7", "key_", "K"] {
            let text = format!("{before}{key}");
            let found: Vec<_> = find(text.as_bytes()).iter().map(|hit| (hit.kind, hit.text)).collect();
            assert_eq!(found, [(kind, key.as_str())], "{text}");
        }
    }
    for text in [
        "task-proj-the-name-of-a-very-long-page-about-projects",
        "disk-ant-and-other-hyphenated-words-of-pages-1",
    ] {
        assert_eq!(kinds(text), [""; 0], "{text}");
    }
}

#[test]
fn every_marked_key_but_those_of_a_mark_that_ends_words_is_found_behind_any_letter() {
    for (key, kind) in samples() {
        // `sk-` ends many words; tokens of ours have their checksum, and all small letters.
        let is_telling = !key.starts_with("sk-")
            || MIN_TELLING_BYTES <= key.find(|it: char| it.is_ascii_digit()).unwrap_or(0);
        let is_short = MARKED_KEYS
            .iter()
            .find(|mark| key.starts_with(mark.prefix))
            .is_some_and(|mark| mark.prefix == "sk-");
        if is_short || kind == "strongroom" || !is_telling {
            continue;
        }
        for before in ["X", "_", "9", "X_", "key_", "kK9"] {
            let text = format!("{before}{key}\n");
            let found: Vec<_> = find(text.as_bytes()).iter().map(|hit| (hit.kind, hit.text)).collect();
            assert_eq!(found, [(kind, key.as_str())], "{text}");
        }
    }
}

#[test]
fn a_key_without_a_mark_is_found_beside_a_variable_of_its_provider() {
    for (word, key, kind) in [
        ("MISTRAL", letters(32), "mistral"),
        ("COHERE", letters(40), "cohere"),
        ("TOGETHER", hex(64), "together"),
    ] {
        let low = word.to_lowercase();
        for text in [
            format!("env:\n- name: {word}_API_KEY\n  value: \"{key}\"\n"),
            format!("- name: {word}_API_KEY\r\n  value: {key}\r\n"),
            format!("- value: \"{key}\"\n  name: {word}_API_KEY\n"),
            format!("[{{\"name\": \"{word}_API_KEY\", \"value\": \"{key}\"}}]"),
            format!("[{{\"value\": \"{key}\", \"name\": \"{word}_API_KEY\"}}]"),
            format!("{{\n \"value\": \"{key}\",\n \"name\": \"{word}_API_KEY\"\n}}"),
            format!("FROM x\nENV {word}_API_KEY {key}\n"),
            format!("setx {word}_API_KEY {key}\r\n"),
            format!("setx {word}_API_KEY \"{key}\"\r\n"),
            format!("set -x {word}_API_KEY {key}\n"),
            format!("set -gx {word}_API_KEY '{key}'\n"),
            format!("app --{low}-api-key {key}\n"),
            format!("<dict>\n<key>{word}_API_KEY</key>\n<string>{key}</string>\n"),
            format!("<key>{word}_API_KEY</key><string>{key}</string>"),
            format!("variable \"{low}_api_key\" {{\n  type = string\n  default = \"{key}\"\n}}\n"),
            format!("<{low}><apiKey>{key}</apiKey></{low}>"),
            format!("<{low}>\n  <model>x</model>\n  <apiKey>{key}</apiKey>\n</{low}>"),
            format!("<{low}ApiKey>{key}</{low}ApiKey>"),
            format!("c = {low}.AsyncClientV2(\n    \"{key}\"\n)\n"),
            format!("curl -H \"Authorization: Bearer {key}\" https://api.{low}.ai/v1/models\n"),
            format!("curl -H 'Authorization: Bearer {key}' \\\n  https://api.{low}.com/v2/chat\n"),
            format!(
                "curl https://api.{low}.ai/v1 \\\n  -H \"Accept: */*\" \\\n  -H \"Authorization: Bearer {key}\"\n"
            ),
        ] {
            let found: Vec<_> = find(text.as_bytes()).iter().map(|hit| (hit.kind, hit.text)).collect();
            assert_eq!(found, [(kind, key.as_str())], "{text}");
        }
        for text in [
            format!("- name: {word}_MODEL\n  value: x\n- name: SHA\n  value: {key}\n"),
            format!("- name: {word}_API_KEY\n  value: x\n- name: SHA\n  value: {key}\n"),
            format!("- value: {key}\n  name: SHA\n- name: {word}_API_KEY\n"),
            format!("# {word} has a key\n{key}  file.txt\n"),
            format!("{low} key {key}\n"),
            format!("commit {key}\n"),
            format!(
                "curl -H \"Authorization: Bearer {key}\" https://api.example.com\n\ncurl https://api.{low}.ai\n"
            ),
            format!("variable \"sha\" {{\n  default = \"{key}\"\n}}\nvariable \"{low}_api_key\" {{\n"),
            format!("{low}.Client(\n)\n\"{key}\""),
        ] {
            assert!(find(text.as_bytes()).is_empty(), "{text}");
        }
    }
}

#[test]
fn keys_in_digits_in_codings_of_codings_and_in_colours_are_found() {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    for (key, kind) in samples() {
        let hex = |text: &str| text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
        for coded in [
            hex(&key),
            hex(&key).to_uppercase(),
            hex(&format!("OPENAI_API_KEY={key}\n")),
            STANDARD.encode(STANDARD.encode(&key)),
            STANDARD.encode(STANDARD.encode(format!("X={key}"))),
            STANDARD.encode(format!("{}\n", STANDARD.encode(&key))),
            STANDARD.encode(hex(&key)),
        ] {
            let text = format!("a: {coded}\n");
            let found = find_encoded(text.as_bytes());
            let shown: Vec<_> = found.iter().map(|hit| (hit.kind, hit.key.expose())).collect();
            assert_eq!(shown, [(kind, key.as_str())], "{text}");
            assert_eq!(masked(&text).replace('=', ""), format!("a: [key of {kind}]\n"), "{text}");
        }
        for colour in ["\u{1b}[0m", "\u{1b}[1;31m", "\u{1b}[38;5;200m", "\u{1b}[K"] {
            for at in [1, 3, key.len() / 2, key.len() - 1] {
                let text = format!("\u{1b}[32m{}{colour}{}\u{1b}[0m", &key[..at], &key[at..]);
                let found = find_escaped(text.as_bytes());
                let shown: Vec<_> = found.iter().map(|hit| (hit.kind, hit.key.expose())).collect();
                assert_eq!(shown, [(kind, key.as_str())], "{text:?}");
            }
        }
        if key.contains(['-', '_']) {
            let text = key.replace('-', "+AC0-").replace('_', "+AF8-");
            let found = find_escaped(text.as_bytes());
            assert_eq!(
                found.iter().map(|hit| hit.key.expose()).collect::<Vec<_>>(),
                [key.as_str()],
                "{text}"
            );
        }
    }
    for plain in [
        "\u{1b}[32mgreen\u{1b}[0m",
        "a+b-c",
        "1+2-3",
        &hex(64),
        &hex(128),
        &STANDARD.encode(STANDARD.encode("plain words")),
    ] {
        assert!(
            find_encoded(plain.as_bytes()).is_empty() && find_escaped(plain.as_bytes()).is_empty(),
            "{plain:?}"
        );
    }
}

#[test]
fn texts_in_four_bytes_are_read() {
    let text = format!("KEY=sk-proj-{BODY}\n");
    let units = || text.chars().map(u32::from);
    let (small, big): (Vec<u8>, Vec<u8>) =
        (units().flat_map(u32::to_le_bytes).collect(), units().flat_map(u32::to_be_bytes).collect());
    let marked_small = [&[0xff, 0xfe, 0, 0][..], &small].concat();
    let marked_big = [&[0, 0, 0xfe, 0xff][..], &big].concat();
    for bytes in [small, big, marked_small, marked_big] {
        assert_eq!(in_eight_bits(&bytes), text.as_bytes());
    }
}

#[test]
fn what_is_most_likely_no_key_of_a_provider_is_told_for_every_provider() {
    let own = |kind: &str| samples().into_iter().find(|(_, it)| *it == kind).map(|(key, _)| key);
    for known in provider::KNOWN {
        for (key, kind) in samples() {
            let shares = kind == known.name || (key.starts_with("sk-") && !known.all_keys_are_marked);
            if !shares {
                assert_eq!(marked_as_anothers(&key, known.name), Some(kind), "{} {key}", known.name);
            }
            if kind == known.name {
                assert_eq!(marked_as_anothers(&key, known.name), None, "{key}");
                assert!(may_be_of(&key, known), "{key}");
            }
        }
        if known.all_keys_are_marked {
            let key = own(known.name).unwrap();
            for wrong in
                [format!("{key}%3D"), format!("{}$FOO", &key[..20]), key[..12].to_owned(), letters(40)]
            {
                assert!(!may_be_of(&wrong, known), "{wrong}");
            }
        } else {
            assert!(!may_be_of("plain", known), "{}", known.name);
        }
    }
    let openai = provider::find("openai").unwrap();
    assert!(
        !may_be_of(&format!("sk-proj-{BODY}%3D"), openai)
            && may_be_of(&format!("sk-proj-{}", letters(20)), openai)
    );
}

/// Ways in which a text may write a secret without its first characters standing beside each other.
fn disguises(key: &str) -> Vec<String> {
    let each = |write: &dyn Fn(char) -> String| key.chars().map(write).collect::<String>();
    let signs = |write: &dyn Fn(char) -> String| {
        each(&|letter| if letter.is_ascii_alphanumeric() { letter.to_string() } else { write(letter) })
    };
    vec![
        signs(&|sign| format!("%{:02X}", u32::from(sign))),
        signs(&|sign| format!("%25{:02x}", u32::from(sign))),
        signs(&|sign| format!("\\u{:04x}", u32::from(sign))),
        signs(&|sign| format!("\\\\u{:04X}", u32::from(sign))),
        signs(&|sign| format!("\\x{:02x}", u32::from(sign))),
        signs(&|sign| format!("&#{};", u32::from(sign))),
        each(&|letter| format!("\\u{:04x}", u32::from(letter))),
        each(&|letter| format!("%{:02x}", u32::from(letter))),
        format!("{}\u{200b}{}", &key[..9], &key[9..]),
        each(&|letter| format!("{letter}\u{200d}")),
    ]
}

#[test]
fn keys_in_escapes_are_found_masked_and_told_with_their_places() {
    for (key, kind) in samples() {
        let has_sign = key.bytes().any(|byte| !byte.is_ascii_alphanumeric());
        for (number, written) in disguises(&key).into_iter().enumerate() {
            if !has_sign && number < 6 {
                continue;
            }
            let text = format!("a\nkey: {written} b\n");
            let found = find_escaped(text.as_bytes());
            assert_eq!(found.len(), 1, "{text}");
            assert_eq!((found[0].kind, found[0].key.expose()), (kind, &*key), "{text}");
            assert_eq!(text[found[0].range.clone()], written, "{text}");
            assert!(masked(&text).contains(&format!("[key of {kind}]")), "{text}: {}", masked(&text));
            assert!(find_escaped(format!("key: {key}%20b").as_bytes()).is_empty());
        }
    }
    // Across the border of what is looked at together.
    let key = format!("sk-proj-{BODY}");
    for length in (64 * 1024 - 60)..(64 * 1024 + 5) {
        let text = format!("{} {}", "a".repeat(length), key.replace('-', "%2D"));
        assert_eq!(find_escaped(text.as_bytes()).len(), 1, "{length}");
    }
}
