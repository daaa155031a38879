//! Dependencies that packages of the workspace may have, and the one that may speak SQL.

use cargo_metadata::{DependencyKind, Metadata};

/// A dependency as a manifest declares it.
#[derive(Debug)]
pub(super) struct Arrow {
    from: String,
    to: String,
    /// Only for tests, examples and benchmarks.
    for_tests: bool,
}

/// Layers that each layer may build on; a package that is not named here has no place yet.
const LAYERS: [(&str, &[&str]); 9] = [
    (
        "strongroom-server",
        &[
            "strongroom",
            "strongroom-client",
            "strongroom-model",
            "strongroom-crypto",
            "strongroom-store",
            "strongroom-connectors",
            "strongroom-dashboard",
        ],
    ),
    // Pages see what the services tell, and never the database.
    ("strongroom-dashboard", &["strongroom", "strongroom-client", "strongroom-model"]),
    ("strongroom", &["strongroom-store", "strongroom-connectors", "strongroom-crypto", "strongroom-model"]),
    ("strongroom-store", &["strongroom-model"]),
    ("strongroom-connectors", &["strongroom-http1", "strongroom-model", "strongroom-crypto"]),
    // It knows nothing of the product.
    ("strongroom-http1", &[]),
    ("strongroom-crypto", &["strongroom-model"]),
    ("strongroom-client", &["strongroom-model"]),
    ("strongroom-model", &[]),
];

/// Tools for developers: they may use anything, and are never part of the product.
const TOOLS: [&str; 2] = [TESTKIT, "xtask"];

const TESTKIT: &str = "strongroom-testkit";

/// The packages that speak SQL, outside of tests.
const SQL: [&str; 2] = ["strongroom-store", TESTKIT];

/// Every declared dependency between packages of the workspace, and every one on sqlx.
pub(super) fn declared(metadata: &Metadata) -> Vec<Arrow> {
    let inside = |name: &str| metadata.packages.iter().any(|package| package.name.as_str() == name);
    let mut arrows = Vec::new();
    for package in &metadata.packages {
        for dependency in
            package.dependencies.iter().filter(|other| inside(&other.name) || other.name == "sqlx")
        {
            arrows.push(Arrow {
                from: package.name.to_string(),
                to: dependency.name.clone(),
                for_tests: dependency.kind == DependencyKind::Development,
            });
        }
        // A package without any dependency still needs its place in the layers.
        arrows.push(Arrow { from: package.name.to_string(), to: package.name.to_string(), for_tests: true });
    }
    arrows
}

/// Returns the faults of these arrows, one sentence each.
pub(super) fn breaches(arrows: &[Arrow]) -> Vec<String> {
    arrows.iter().filter_map(breach).collect()
}

fn breach(arrow: &Arrow) -> Option<String> {
    let Arrow { from, to, for_tests } = arrow;
    if TOOLS.contains(&from.as_str()) {
        return None;
    }
    let Some((_, below)) = LAYERS.iter().find(|(layer, _)| layer == from) else {
        return Some(format!("{from} has no layer: give it one in xtask/src/check_layers/arrows.rs"));
    };
    let allowed = match to.as_str() {
        "sqlx" => *for_tests || SQL.contains(&from.as_str()),
        TESTKIT => *for_tests,
        to => below.contains(&to) || (*for_tests && to == from),
    };
    (!allowed).then(|| format!("{from} must not depend on {to}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(from: &str, to: &str, for_tests: bool) -> Option<String> {
        breach(&Arrow { from: from.to_owned(), to: to.to_owned(), for_tests })
    }

    #[test]
    fn an_arrow_that_points_down_is_allowed() {
        assert_eq!(said("strongroom-server", "strongroom-store", false), None);
        assert_eq!(said("strongroom", "strongroom-crypto", false), None);
        assert_eq!(said("strongroom-connectors", "strongroom-crypto", false), None);
        assert_eq!(said("strongroom-connectors", "strongroom-http1", false), None);
        assert_eq!(said("xtask", "strongroom-server", false), None);
    }

    #[test]
    fn the_crate_with_the_sql_cannot_open_a_secret() {
        let expected = Some("strongroom-store must not depend on strongroom-crypto".to_owned());
        assert_eq!(said("strongroom-store", "strongroom-crypto", false), expected);
        assert_eq!(said("strongroom-store", "strongroom-crypto", true), expected);
    }

    #[test]
    fn nothing_points_up_or_sideways() {
        assert!(said("strongroom-model", "strongroom-crypto", false).is_some());
        assert!(said("strongroom-client", "strongroom-crypto", false).is_some());
        assert!(said("strongroom-http1", "strongroom-model", false).is_some());
        assert!(said("strongroom-server", "strongroom-http1", false).is_some());
        assert!(said("strongroom", "strongroom-client", false).is_some());
        assert!(said("strongroom-dashboard", "strongroom-store", false).is_some());
        assert!(said("strongroom", "strongroom-dashboard", false).is_some());
        assert!(said("strongroom", "strongroom-server", true).is_some());
        assert!(said("strongroom", "xtask", true).is_some());
    }

    #[test]
    fn testkit_is_for_tests_only() {
        assert_eq!(said("strongroom-store", "strongroom-testkit", true), None);
        assert!(said("strongroom-store", "strongroom-testkit", false).is_some());
    }

    #[test]
    fn only_the_store_speaks_sql_outside_of_tests() {
        assert_eq!(said("strongroom-store", "sqlx", false), None);
        assert_eq!(said("strongroom-server", "sqlx", true), None);
        assert!(said("strongroom-server", "sqlx", false).is_some());
    }

    #[test]
    fn a_package_without_a_layer_is_a_breach() {
        let found = said("strongroom-new", "strongroom-new", true).expect("a breach");
        assert!(found.contains("strongroom-new has no layer"), "{found}");
    }

    #[test]
    fn every_package_of_this_workspace_is_looked_at() {
        let arrows = declared(&crate::workspace::metadata().expect("cargo metadata"));
        for (layer, _) in LAYERS {
            assert!(arrows.iter().any(|arrow| arrow.from == layer), "{layer}");
        }
        assert!(
            arrows.iter().any(|arrow| arrow.from == "strongroom-store" && arrow.to == "strongroom-model")
        );
    }
}
