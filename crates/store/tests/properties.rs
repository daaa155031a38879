//! The body of the fuzz target for databases of others, as a property that holds on the stable toolchain, and its corpus.

use proptest::prelude::*;
use strongroom_testkit::corpus::{inputs, replay};

#[path = "fuzz/legacy_database.rs"]
mod legacy_database;

fn look(data: &[u8]) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(legacy_database::foreign(data));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_row_of_anything_is_read_as_what_it_is(
        cells in proptest::collection::vec(
            prop_oneof![
                "-?[0-9]{1,20}(\\.[0-9]{0,3})?(e[0-9]{1,3})?".prop_map(String::into_bytes),
                " ?(true|F|t|0\\.0|1|yes)".prop_map(String::into_bytes),
                "[0-9]{4}-[0-1][0-9]-[0-3][0-9]([T ][0-2][0-9]:[0-5][0-9](:[0-5][0-9](\\.[0-9]{1,9})?)?(Z|[+-][0-1][0-9]:?([03]0)?)?)?"
                    .prop_map(String::into_bytes),
                "\\PC{0,12}".prop_map(String::into_bytes),
                proptest::collection::vec(any::<u8>(), 0..12),
            ],
            0..21,
        )
    ) {
        look(&cells.join(&0xff));
    }

    #[test]
    fn a_damaged_file_is_refused_or_read_and_never_changed(
        which in any::<prop::sample::Index>(),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
        is_cut: bool,
    ) {
        let files: Vec<_> =
            inputs("legacy_database").into_iter().filter(|it| it.bytes.starts_with(b"SQLite")).collect();
        let mut file = files[which.index(files.len())].bytes.clone();
        for (at, byte) in damage {
            let at = at.index(file.len());
            file[at] = byte;
        }
        if is_cut {
            file.truncate(cut.index(file.len()));
        }
        look(&file);
    }
}

#[test]
fn every_kept_database_is_refused_or_read_and_never_changed() {
    replay("legacy_database", look);
}
