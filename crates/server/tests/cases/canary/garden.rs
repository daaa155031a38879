//! Secrets that were planted, and everything that was said since.

use strongroom_testkit::planted_secret::Finding;
use strongroom_testkit::{PlantedSecret, Scanner};

use crate::support::call::{Answer, Call};

/// The secrets that were planted, and everything that was said.
#[derive(Default)]
pub(super) struct Garden {
    planted: Vec<PlantedSecret>,
    pub(super) heard: Vec<(String, Vec<u8>)>,
}

impl Garden {
    /// Plants a secret that looks like a key.
    pub(super) fn plant(&mut self, label: &str) -> String {
        self.plant_with(label, "sk-proj-")
    }

    pub(super) fn plant_with(&mut self, label: &str, prefix: &str) -> String {
        let secret = PlantedSecret::generate(label, prefix);
        let text = secret.text();
        self.planted.push(secret);
        text
    }

    pub(super) fn plant_existing(&mut self, label: &str, text: &str) {
        self.planted.push(PlantedSecret::existing(label, "", text));
    }

    /// Remembers an answer that must hold no secret.
    pub(super) fn hear(&mut self, what: &str, answer: &Answer) {
        self.heard.push((format!("{what}: answer {}", answer.status), answer.text.clone().into_bytes()));
        let headers = format!("{:?}", answer.headers);
        self.heard.push((format!("{what}: headers"), headers.into_bytes()));
    }

    /// Sends a call that fails, and remembers the answer.
    pub(super) async fn fail(&mut self, what: &str, call: Call) {
        let answer = call.await;
        assert!((400..500).contains(&answer.status), "{what}: {} {}", answer.status, answer.text);
        self.hear(what, &answer);
    }

    pub(super) fn findings(&self, more: Vec<(String, Vec<u8>)>) -> (Scanner, Vec<Finding>) {
        let scanner = Scanner::new(&self.planted);
        let sinks = self.heard.iter().chain(&more);
        let findings = sinks.flat_map(|(name, bytes)| scanner.scan(name, bytes)).collect();
        (scanner, findings)
    }
}
