//! Lists: the whole array, pages that cover it, and filters that mean what they say.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::BACKEND;
use crate::support::server::{Installation, Server};

/// Moves in `count` credentials without keys, named `bulk-0000` and so on; every third is inactive.
async fn fill(server: &Server, count: usize) {
    let rows: Vec<Value> = (0..count)
        .map(|index| {
            json!({ "name": format!("bulk-{index:04}"), "provider": if index % 2 == 0 { "openai" } else { "groq" },
                "isActive": index % 3 != 0, "isGlobal": true })
        })
        .collect();
    for rows in rows.chunks(500) {
        let body = json!({ "source": "env", "rows": rows });
        let report = server.post("/api/admin/credentials/import", body).await.expect(200).json();
        assert_eq!(report["migrated"], rows.len());
    }
}

async fn names(server: &Server, query: &str) -> Vec<String> {
    let listed = server.get(&format!("/api/admin/credentials{query}")).await.expect(200).json();
    let listed = listed.as_array().unwrap_or_else(|| panic!("{listed}")).iter();
    listed.map(|it| it["name"].as_str().unwrap().to_owned()).collect()
}

/// Follows the header `Link` from this path to the end.
async fn pages(server: &Server, first: &str) -> Vec<Vec<Value>> {
    let mut pages = Vec::new();
    let mut next = Some(first.to_owned());
    while let Some(path) = next {
        assert!(pages.len() < 100, "the pages do not end");
        let answer = server.get(&path).await.expect(200);
        next = answer.header("link").map(|link| {
            let (path, relation) = link.strip_prefix('<').and_then(|rest| rest.split_once('>')).unwrap();
            assert_eq!(relation, "; rel=\"next\"");
            path.to_owned()
        });
        pages.push(answer.json().as_array().unwrap().clone());
    }
    pages
}

#[tokio::test]
async fn without_a_limit_the_list_is_whole_and_with_one_the_pages_cover_it() {
    let server = Installation::new(BACKEND).await.start();
    assert_eq!(server.get("/api/admin/credentials").await.expect(200).text, "[]");
    fill(&server, 1200).await;
    let whole = names(&server, "").await;
    assert_eq!(whole.len(), 1200);
    assert_eq!(whole.iter().collect::<BTreeSet<_>>().len(), 1200);

    let pages_of_500 = pages(&server, "/api/admin/credentials?limit=500").await;
    assert_eq!(pages_of_500.iter().map(Vec::len).collect::<Vec<_>>(), [500, 500, 200]);
    let paged: Vec<_> =
        pages_of_500.iter().flatten().map(|it| it["name"].as_str().unwrap().to_owned()).collect();
    assert_eq!(paged, whole);
    let exact = pages(&server, "/api/admin/credentials?limit=600").await;
    assert_eq!(exact.iter().map(Vec::len).collect::<Vec<_>>(), [600, 600], "no empty page at the end");

    let filtered =
        pages(&server, "/api/admin/credentials?limit=100&provider=groq&isActive=true&q=bulk-0").await;
    let expected = (0..1000).filter(|index| index % 2 == 1 && index % 3 != 0).count();
    assert_eq!(filtered.iter().map(Vec::len).sum::<usize>(), expected, "the next page keeps the filters");
}

#[tokio::test]
async fn filters_narrow_together_and_a_prefix_is_taken_literally() {
    let server = Installation::new(BACKEND).await.start();
    for (name, more) in [
        ("ab_c", json!({})),
        ("abxc", json!({ "isActive": false })),
        ("Abxc", json!({ "provider": "gemini" })),
        ("other", json!({ "provider": "gemini" })),
    ] {
        server.credential(name, more).await;
    }
    for (query, expected) in [
        ("?q=ab", vec!["ab_c", "abxc"]),
        ("?q=ab_", vec!["ab_c"]),
        ("?q=ab%25", vec![]),
        ("?q=%25", vec![]),
        ("?q=_", vec![]),
        ("?q=a*", vec![]),
        ("?q=A", vec!["Abxc"]),
        ("?q=bxc", vec![]),
        ("?q=", vec!["ab_c", "abxc", "Abxc", "other"]),
        ("?name=abxc", vec!["abxc"]),
        ("?name=ABXC", vec![]),
        ("?provider=google", vec!["Abxc", "other"]),
        ("?provider=GEMINI&q=A", vec!["Abxc"]),
        ("?isActive=false", vec!["abxc"]),
        ("?isActive=true&provider=openai", vec!["ab_c"]),
        ("?q=%F0%9F%94%91", vec![]),
    ] {
        assert_eq!(names(&server, query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn a_query_that_is_not_understood_names_the_parameter() {
    let server = Installation::new(BACKEND).await.start();
    for (query, field) in [
        ("?limit=0", "limit"),
        ("?limit=1001", "limit"),
        ("?limit=-1", "limit"),
        ("?limit=many", "limit"),
        ("?limit=99999999999999999999", "limit"),
        ("?cursor=x", "cursor"),
        ("?isActive=maybe", "isActive"),
        ("?isactive=true", "isactive"),
        ("?q=a%00b", "q"),
        ("?name=%00", "name"),
        ("?provider=..%2f", "provider"),
    ] {
        let answer = server.get(&format!("/api/admin/credentials{query}")).await.expect(400);
        assert_eq!(answer.at("field"), field, "{query}: {}", answer.text);
    }
}

#[tokio::test]
async fn the_audit_trail_can_be_paged_filtered_and_read_from_either_end() {
    let server = Installation::new(BACKEND).await.start();
    for index in 0..5 {
        server.credential(&format!("audited-{index}"), json!({})).await;
    }
    server.get("/api/admin/credentials/4711").await.expect(404);
    for order in ["", "&order=desc", "&order=asc"] {
        let pages = pages(&server, &format!("/api/admin/audit-logs?limit=2{order}")).await;
        let seqs: Vec<i64> = pages.iter().flatten().map(|entry| entry["seq"].as_i64().unwrap()).collect();
        let mut expected: Vec<i64> = (1..=server.verified_entries().await).collect();
        if order != "&order=asc" {
            expected.reverse();
        }
        assert_eq!(seqs, expected, "{order}");
    }
    for (query, count) in [
        ("action=credential.create", 5),
        ("action=credential.", 6),
        ("action=credential", 0),
        ("outcome=failed", 1),
        ("target=audited-3", 1),
        ("actor=system&action=installation.create", 1),
        ("from=2999-01-01T00:00:00Z", 0),
        ("to=2001-01-01T00:00:00Z", 0),
    ] {
        let page = server.get(&format!("/api/admin/audit-logs?{query}")).await.expect(200).json();
        assert_eq!(page.as_array().unwrap().len(), count, "{query}: {page}");
    }
    for (query, field) in [("outcome=good", "outcome"), ("from=yesterday", "from"), ("target=%00", "target")]
    {
        let answer = server.get(&format!("/api/admin/audit-logs?{query}")).await.expect(400);
        assert_eq!(answer.at("field"), field, "{query}: {}", answer.text);
    }
}
