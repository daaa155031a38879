//! `docs/analytics.md` has the definitions of all figures as the program has them. `REGENERATE=1` writes them again.

use strongroom_model::figure;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/analytics.md");
const MARKS: (&str, &str) =
    ("<!-- figures: written from crates/model/src/figure.rs, do not edit -->\n", "<!-- end of figures -->\n");

#[test]
fn the_page_has_the_definitions_of_the_program() {
    let page = std::fs::read_to_string(PAGE).expect("a page");
    let (before, rest) = page.split_once(MARKS.0).expect("where figures begin");
    let (_, after) = rest.split_once(MARKS.1).expect("where figures end");
    let expected = format!("{before}{}\n{}\n{}{after}", MARKS.0, figure::markdown(), MARKS.1);
    if std::env::var_os("REGENERATE").is_some() {
        std::fs::write(PAGE, &expected).expect("a page");
    }
    let page = std::fs::read_to_string(PAGE).expect("a page");
    assert!(
        page == expected,
        "docs/analytics.md is behind: REGENERATE=1 cargo test -p strongroom-model --test figures"
    );
}
