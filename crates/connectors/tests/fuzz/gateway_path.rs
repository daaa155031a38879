//! Paths of the gateway from anywhere: what is let through is spelled in one way only, for us and for the provider.

use http::Method;
use strongroom_connectors::ai::gateway::{Route, route_of, upstream_path};
use strongroom_model::Provider;
use url::Url;

/// Segments of paths that hand out keys or spend what nobody counts.
const FORBIDDEN: [&str; 14] = [
    "key",
    "keys",
    "admin_api_keys",
    "api_keys",
    "organization",
    "organizations",
    "client_secrets",
    "sessions",
    "files",
    "batches",
    "fine_tuning",
    "cachedContents",
    "credits",
    "realtime",
];

const PROVIDERS: [&str; 5] = ["openai", "anthropic", "gemini", "openrouter", "groq"];

/// A path from outside: refused, or what it seems to be.
pub(crate) fn foreign(path: &str) {
    for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
        let Some((route, rest)) = route_of(path) else { continue };
        let Some(matched) = route.find(&method, rest) else { continue };
        assert!(method == Method::GET || method == Method::POST, "{method} {path}");
        let url = Url::parse(&format!("https://provider.example{path}")).expect("a plain path");
        assert_eq!(url.path(), path, "a client of HTTP reads it in another way");
        assert_eq!((url.query(), url.fragment(), url.host_str()), (None, None, Some("provider.example")));
        let segments: Vec<&str> = path[1..].split('/').collect();
        assert!(segments.iter().all(|segment| !["", ".", ".."].contains(segment)), "{path}");
        assert!(path.bytes().all(|byte| byte.is_ascii_graphic() && !b"%\\?#;,".contains(&byte)), "{path}");

        // A model may be called as it likes; what stands around it may not.
        let frame = matched.model.map_or_else(|| rest.to_owned(), |_| matched.path_with(""));
        assert!(!frame.split(['/', ':']).any(|segment| FORBIDDEN.contains(&segment)), "{path}");
        if let Some(model) = matched.model {
            assert_eq!(matched.path_with(model), rest, "the model stands elsewhere in the path");
        }
        if route == Route::Unified {
            leads_to_the_same(&method, matched.operation.name, &upstream_paths(&matched));
        }
        respelled(&method, path);
    }
}

fn upstream_paths(
    matched: &strongroom_connectors::ai::gateway::Matched<'_>,
) -> Vec<(&'static str, &'static str)> {
    let path = |name| upstream_path(matched.operation, &Provider::parse(name).expect("a provider"));
    PROVIDERS.iter().filter_map(|name| Some((*name, path(name)?))).collect()
}

/// A path of the unified API leads to a path that the provider's native route lets through, as the same operation.
fn leads_to_the_same(method: &Method, operation: &str, paths: &[(&'static str, &'static str)]) {
    for (provider, path) in paths {
        let found =
            Route::Native(provider).find(method, path).unwrap_or_else(|| panic!("{provider}: {path}"));
        assert_eq!(found.operation.name, operation, "{provider}: {path}");
    }
}

/// Other spellings, which some server or library reads as the same path, are none.
fn respelled(method: &Method, path: &str) {
    let is_found =
        |path: &str| route_of(path).is_some_and(|(route, rest)| route.find(method, rest).is_some());
    for (at, byte) in path.bytes().enumerate() {
        let (before, after) = (&path[..at], &path[at + 1..]);
        for spelled in [format!("%{byte:02x}"), format!("%25{byte:02X}"), format!("{}%00", char::from(byte))]
        {
            let path = format!("{before}{spelled}{after}");
            assert!(!is_found(&path), "{path}");
        }
        if byte == b'/' {
            for spelled in ["//", "/./", "/x/../", "\\", "/;/"] {
                let path = format!("{before}{spelled}{after}");
                assert!(!is_found(&path), "{path}");
            }
        }
    }
    for behind in ["/", "/.", "/..", "?", "#", " ", "\t", "\0", "%20", "%2f", "/../keys"] {
        assert!(!is_found(&format!("{path}{behind}")), "{path}{behind:?}");
    }
}
