//! The bodies of the fuzz targets, as properties that hold on the stable toolchain, and their corpora.

use proptest::prelude::*;
use strongroom_testkit::corpus::replay;

#[path = "fuzz/master_key.rs"]
mod master_key;
#[path = "fuzz/sealed_text.rs"]
mod sealed_text;
#[path = "fuzz/token.rs"]
mod token;

/// Bytes, text, and what looks much like the real thing.
fn near(form: &'static str) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..200),
        "\\PC{0,200}".prop_map(String::into_bytes),
        form.prop_map(String::into_bytes),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn no_sealed_text_from_outside_opens(
        data in near("[0-9a-fA-F]{24,32}:[0-9a-f]{32}:[0-9a-f]{0,64}:?")
    ) {
        sealed_text::foreign(&sealed_text::Keys::generate(), &data);
    }

    #[test]
    fn no_edit_of_a_sealed_text_opens(plain in "\\PC{0,100}", position in 0usize..400, replacement in any::<u8>()) {
        sealed_text::edited(&sealed_text::Keys::generate(), &plain, position, replacement);
    }

    #[test]
    fn a_token_from_outside_is_refused_or_is_one(data in near("sr_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}")) {
        token::foreign(&data);
    }

    #[test]
    fn an_edited_token_is_none(position in 0usize..65, replacement in any::<u8>()) {
        token::edited(position, replacement);
    }

    #[test]
    fn a_master_key_from_outside_is_refused_or_reads_back(data in near(" ?[0-9a-fA-F]{60,68}\n?")) {
        master_key::foreign(&data);
    }
}

proptest! {
    // A thousand keys are tried for each.
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_slip_in_a_master_key_is_found(position in 0usize..64, replacement in any::<u8>()) {
        master_key::slip(position, replacement);
    }
}

#[test]
fn no_kept_sealed_text_opens() {
    let keys = sealed_text::Keys::generate();
    replay("sealed_text", |data| sealed_text::any(&keys, data));
}

#[test]
fn every_kept_token_is_refused_or_is_one() {
    replay("token", token::any);
}

#[test]
fn every_kept_master_key_is_refused_or_reads_back() {
    replay("master_key", master_key::any);
}
