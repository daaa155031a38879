//! Tables: as wide as the terminal that they are shown on, and whole where there is none.

use unicode_width::UnicodeWidthStr;

use crate::harness::{Place, credential};

const LONG: &str = "production-openai-primary-of-a-team-whose-name-is-long-as-well";
const WIDE: &str = "鍵の管理をするための長い名前の資格情報";

async fn place() -> Place {
    let place = Place::with_server().await;
    let list = format!("[{},{}]", credential(1, LONG, "openai"), credential(2, WIDE, "openrouter"));
    place.answers("GET", "/api/admin/credentials", 200, list).await;
    place
}

#[tokio::test]
async fn no_line_of_a_table_is_wider_than_its_terminal() {
    let place = place().await;
    // One that is narrower than 80 columns breaks the lines itself.
    for (columns, limit) in [(60, 80), (80, 80), (100, 100), (131, 131)] {
        let done = place.run_on_terminal(columns, "credential list").await;
        assert_eq!(done.code, 0, "{done:?}");
        let widths: Vec<usize> = done.stdout.lines().map(|line| line.trim_end().width()).collect();
        assert!(
            widths.len() == 3 && widths.iter().all(|width| *width <= limit),
            "{columns}: {}",
            done.stdout
        );
        assert!(done.stdout.contains("production") || columns < 100, "{columns}: {}", done.stdout);
        assert!(done.stdout.contains('…') && !done.stdout.contains(LONG), "{columns}: {}", done.stdout);
        assert!(done.stdout.contains("2024-01-15"), "{columns}: {}", done.stdout);
    }
    let done = place.run_on_terminal(400, "credential list").await;
    assert!(done.stdout.contains(LONG) && done.stdout.contains(WIDE), "{}", done.stdout);
}

#[tokio::test]
async fn what_is_piped_is_whole() {
    let place = place().await;
    let done = place.run(&["credential", "list"]).await;
    assert!(done.stdout.contains(LONG) && done.stdout.contains(WIDE), "{}", done.stdout);
    assert!(!done.stdout.contains('…') && done.stdout.contains("2024-01-15T10:30:00Z"), "{}", done.stdout);
    let columns: Vec<usize> = done
        .stdout
        .lines()
        .skip(1)
        .map(|line| line[..line.rfind("open").expect("a provider")].width())
        .collect();
    assert_eq!(columns, [4 + LONG.len() + 2; 2], "wide characters take their columns: {}", done.stdout);
}

#[tokio::test]
async fn the_properties_of_one_thing_are_never_cut() {
    let place = Place::with_server().await;
    let list = format!("[{}]", credential(1, LONG, "openai"));
    place.answers("GET", "/api/admin/credentials", 200, list).await;
    let done = place.run_on_terminal(80, &format!("credential show {LONG}")).await;
    assert!(done.stdout.contains(LONG) && done.stdout.contains("2024-01-15T10:30:00Z"), "{}", done.stdout);
    assert!(!done.stdout.contains('…'), "{}", done.stdout);
}
