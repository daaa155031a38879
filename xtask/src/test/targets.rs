//! The test targets that need a real part, found by the features that their manifests require.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use cargo_metadata::Metadata;

use super::Group;

/// The feature that keeps a target out of plain `cargo test`, and the group that provides for it. A target with several
/// of them belongs to the last.
const GATES: [(&str, Group); 4] = [
    ("postgres-tests", Group::Postgres),
    ("node-tests", Group::Node),
    ("browser-tests", Group::Browser),
    ("python-tests", Group::Python),
];

/// Every gated test target of the workspace.
#[derive(Debug, Default)]
pub(super) struct GatedTargets(Vec<GatedTarget>);

#[derive(Debug)]
struct GatedTarget {
    name: String,
    features: Vec<String>,
    needs: Vec<Group>,
}

impl GatedTargets {
    /// Reads the manifests.
    ///
    /// A target whose feature ends with `-tests` but belongs to no group would never run: that is an error.
    pub(super) fn discover(metadata: &Metadata) -> Result<Self> {
        let mut targets = Self::default();
        for package in &metadata.packages {
            for target in package.targets.iter().filter(|target| target.is_test()) {
                targets.add(&package.name, &target.name, &target.required_features)?;
            }
        }
        Ok(targets)
    }

    fn add(&mut self, package: &str, name: &str, features: &[String]) -> Result<()> {
        for feature in features.iter().filter(|feature| feature.ends_with("-tests")) {
            ensure!(
                GATES.iter().any(|(gate, _)| gate == feature),
                "{package}: the test target {name} needs the feature {feature}, which no group of `cargo xtask test` runs"
            );
        }
        let gates = GATES.iter().filter(|(gate, _)| features.iter().any(|feature| feature == gate));
        let needs: Vec<Group> = gates.map(|(_, group)| *group).collect();
        if !needs.is_empty() {
            self.0.push(GatedTarget { name: name.to_owned(), features: features.to_vec(), needs });
        }
        Ok(())
    }

    /// The names of the group's targets.
    pub(super) fn of(&self, group: Group) -> BTreeSet<String> {
        self.belonging_to(group).map(|target| target.name.clone()).collect()
    }

    /// Every group whose real part one of this group's targets needs.
    pub(super) fn needs(&self, group: Group) -> Vec<Group> {
        let needed = |other: &Group| self.belonging_to(group).any(|target| target.needs.contains(other));
        GATES.iter().map(|(_, other)| *other).filter(needed).collect()
    }

    /// The features of all targets of all groups, separated by commas.
    pub(super) fn features(&self) -> String {
        let features: BTreeSet<&str> =
            self.0.iter().flat_map(|target| target.features.iter().map(String::as_str)).collect();
        features.into_iter().collect::<Vec<_>>().join(",")
    }

    fn belonging_to(&self, group: Group) -> impl Iterator<Item = &GatedTarget> {
        self.0.iter().filter(move |target| target.needs.last() == Some(&group))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(rows: &[(&str, &[&str])]) -> Result<GatedTargets> {
        let mut targets = GatedTargets::default();
        for (name, features) in rows {
            let features: Vec<String> = features.iter().map(|feature| (*feature).to_owned()).collect();
            targets.add("package", name, &features)?;
        }
        Ok(targets)
    }

    #[test]
    fn a_target_belongs_to_the_group_of_its_feature() {
        let targets = targets(&[
            ("plain", &[]),
            ("postgres", &["postgres-tests"]),
            ("postgres", &["postgres-tests"]),
            ("node_seal", &["node-tests", "legacy"]),
            ("python_sdk", &["postgres-tests", "python-tests"]),
        ])
        .expect("targets");
        assert_eq!(targets.of(Group::Postgres), BTreeSet::from(["postgres".to_owned()]));
        assert_eq!(targets.of(Group::Python), BTreeSet::from(["python_sdk".to_owned()]));
        assert_eq!(targets.of(Group::Browser), BTreeSet::new());
        assert_eq!(targets.needs(Group::Python), [Group::Postgres, Group::Python]);
        assert_eq!(targets.needs(Group::Node), [Group::Node]);
        assert_eq!(targets.features(), "legacy,node-tests,postgres-tests,python-tests");
    }

    #[test]
    fn a_feature_that_nobody_runs_is_an_error() {
        let error = targets(&[("vault", &["vault-tests"])]).expect_err("an error").to_string();
        assert!(error.contains("vault-tests, which no group"), "{error}");
    }

    #[test]
    fn the_suite_of_testkit_itself_is_found() {
        let found =
            GatedTargets::discover(&crate::workspace::metadata().expect("metadata")).expect("targets");
        assert!(found.of(Group::Postgres).contains("postgres"));
    }
}
