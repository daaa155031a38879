//! Known answers of the original, and what a bound text refuses.

use proptest::prelude::*;

use super::*;

const KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

/// Made with Node's `crypto`.
const KNOWN: [(&str, &str); 3] = [
    (
        "sk-proj-abc123",
        "6df26b5a203d62099163e3e1c65339ef:03a48ff3eaeb3224dd4ffd51da77639e:e7eb59ede044b2e4fd001abe5392",
    ),
    (
        "AIzaSyTESTKEY",
        "1da18d04c2b8532be71e4112997031c9:8df9c0357ebd4bab569433ca78d23474:23414281162bf711e9dde8c003",
    ),
    (
        "sk-ant-ünïcødé-🔑",
        "9e569251ebb5656ef7c55adb2d7c350e:28f365c0d7c2e708177a9b6bc00b9f2e:\
         46e35d5ffad74c5e6e209a98ab5ad004c4ae2f238e9d21",
    ),
];

fn openai() -> Provider {
    Provider::parse("openai").unwrap()
}

fn context(provider: &Provider) -> SealContext<'_> {
    SealContext {
        credential: Uid::from_bytes([1; 16]),
        version: Uid::from_bytes([2; 16]),
        field: Field::ApiKey,
        provider,
        endpoint: Some("https://llm.example.com"),
    }
}

#[test]
fn the_known_answers_of_the_original_open() {
    let key = MasterKey::parse(KEY).unwrap();
    for (plain, sealed) in KNOWN {
        assert_eq!(open_unbound(&key, sealed).unwrap().expose(), plain);
        assert_eq!(open_unbound(&key, &sealed.to_uppercase()).unwrap().expose(), plain);
    }
}

#[test]
fn what_opens_has_one_spelling() {
    let key = MasterKey::parse(KEY).unwrap();
    let parts: Vec<&str> = KNOWN[0].1.split(':').collect();
    let [iv, tag, text] = parts.as_slice() else { panic!("three parts") };
    // The cipher would take the two joined: where one ends is ours to hold to.
    let (before, last) = text.split_at(text.len() - 2);
    let (first, behind) = tag.split_at(2);
    let nothing = format!("{iv}:{text}{tag}:");
    for moved in [format!("{iv}:{last}{tag}:{before}"), format!("{iv}:{behind}:{text}{first}"), nothing] {
        assert_eq!(open_unbound(&key, &moved).unwrap_err(), OpenError::Format, "{moved}");
    }
}

#[test]
fn the_sentences_of_the_original_are_kept() {
    let key = MasterKey::parse(KEY).unwrap();
    assert_eq!(seal_unbound(&key, &Secret::from("")).unwrap_err().to_string(), "Cannot encrypt empty text");
    assert_eq!(open_unbound(&key, "").unwrap_err().to_string(), "Cannot decrypt empty text");
    for malformed in ["abc", "a:b", "00:00:00:00", "zz:zz:zz", "00::00", &KNOWN[0].1[..40], "::"] {
        assert_eq!(open_unbound(&key, malformed).unwrap_err().to_string(), "Invalid encrypted text format");
    }
    assert_eq!(open_unbound(&MasterKey::generate(), KNOWN[0].1).unwrap_err(), OpenError::Tampered);
}

#[test]
fn a_bound_text_opens_only_where_it_belongs() {
    let key = Key::generate();
    let (here, elsewhere) = (openai(), Provider::parse("groq").unwrap());
    let sealed = seal_bound(&key, &context(&here), &Secret::from("sk-x")).unwrap();
    assert_eq!(open_bound(&key, &context(&here), &sealed).unwrap().expose(), "sk-x");
    let moved = [
        SealContext { credential: Uid::from_bytes([9; 16]), ..context(&here) },
        SealContext { version: Uid::from_bytes([9; 16]), ..context(&here) },
        SealContext { field: Field::ApiSecret, ..context(&here) },
        SealContext { endpoint: None, ..context(&here) },
        SealContext { endpoint: Some("https://evil.example.com"), ..context(&here) },
        context(&elsewhere),
    ];
    for context in moved {
        assert_eq!(open_bound(&key, &context, &sealed).unwrap_err(), OpenError::Tampered, "{context:?}");
    }
    assert_eq!(open_bound(&Key::generate(), &context(&here), &sealed).unwrap_err(), OpenError::Tampered);
}

#[test]
fn two_seals_of_one_secret_differ() {
    let (key, provider) = (Key::generate(), openai());
    let seal = || seal_bound(&key, &context(&provider), &Secret::from("sk-x")).unwrap();
    assert_ne!(seal(), seal());
}

proptest! {
    #[test]
    fn whatever_is_sealed_opens_to_itself(plain in "\\PC{1,200}") {
        let (key, provider) = (Key::generate(), openai());
        let secret = Secret::new(plain);
        let sealed = seal_bound(&key, &context(&provider), &secret).unwrap();
        prop_assert_eq!(open_bound(&key, &context(&provider), &sealed).unwrap(), secret.clone());
        let master = MasterKey::generate();
        prop_assert_eq!(open_unbound(&master, &seal_unbound(&master, &secret).unwrap()).unwrap(), secret);
    }

    #[test]
    fn no_edit_of_a_sealed_text_opens(position in 0usize..200, replacement in "[0-9a-f:]") {
        let (key, provider) = (Key::generate(), openai());
        let sealed = seal_bound(&key, &context(&provider), &Secret::from("sk-proj-0123456789")).unwrap();
        let position = position % sealed.len();
        let edited = format!("{}{}{}", &sealed[..position], replacement, &sealed[position + 1..]);
        prop_assume!(edited != sealed);
        prop_assert!(open_bound(&key, &context(&provider), &edited).is_err());
        prop_assert!(open_bound(&key, &context(&provider), &sealed[..position]).is_err());
    }

    #[test]
    fn no_text_makes_opening_panic(text in "\\PC{0,200}") {
        let provider = openai();
        prop_assert!(open_bound(&Key::generate(), &context(&provider), &text).is_err());
        prop_assert!(open_unbound(&MasterKey::generate(), &text).is_err());
    }
}
