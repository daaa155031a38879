//! Names of models on their way into the ledger: those that somebody knows by themselves, all others under one name.
//!
//! A caller can name a million models that do not exist, and the sums of each day are kept for ever: by each name of
//! them there would be a row more for ever.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use strongroom_model::price::PriceTable;
use strongroom_model::{LedgerText, Millis, Provider};

/// Names per provider that are in no price table and are kept by themselves, for as long as the process runs.
const MAX_UNPRICED_NAMES: usize = 200;

/// A model as a call names it.
#[derive(Debug, Clone, Copy)]
pub(super) struct NamedModel<'m> {
    pub(super) provider: &'m Provider,
    pub(super) model: &'m str,
    /// When the call was admitted.
    pub(super) at: Millis,
    /// True if the provider answered, so that the model exists there.
    pub(super) is_served: bool,
}

/// The names without a price that this process has seen answered.
#[derive(Debug, Default)]
pub(crate) struct ModelNames(Mutex<HashMap<Provider, HashSet<String>>>);

impl ModelNames {
    /// The name under which the ledger has a call to this model.
    pub(super) fn of(
        &self,
        prices: &PriceTable,
        NamedModel { provider, model, at, is_served }: NamedModel<'_>,
    ) -> LedgerText {
        let Some(name) = LedgerText::named(model) else { return LedgerText::other() };
        if name.is_empty() || prices.find(provider, model, at).is_some() {
            return name;
        }
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let names = match seen.get_mut(provider) {
            Some(names) => names,
            None => seen.entry(provider.clone()).or_default(),
        };
        if names.contains(model) {
            return name;
        }
        if !is_served || names.len() >= MAX_UNPRICED_NAMES {
            return LedgerText::other();
        }
        names.insert(model.to_owned());
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_nobody_knows_are_one_name() {
        let (names, prices) = (ModelNames::default(), crate::prices::built_in());
        let openai = Provider::parse("openai").unwrap();
        let of = |model: &str, is_served| {
            let named = NamedModel { provider: &openai, model, at: Millis(0), is_served };
            names.of(&prices, named).as_str().to_owned()
        };
        assert_eq!(of("", false), "");
        assert_eq!(of("gpt-4o-mini", false), "gpt-4o-mini");
        assert_eq!(of("gpt-4o-2024-08-06", false), "gpt-4o-2024-08-06");
        assert_eq!(of("gpt-nobody-knows", false), LedgerText::OTHER);
        assert_eq!(of("gpt-nobody-knows", true), "gpt-nobody-knows");
        assert_eq!(of("gpt-nobody-knows", false), "gpt-nobody-knows", "it is known now");
        assert_eq!(of("gpt-4o-mini\0", true), LedgerText::OTHER);
        assert_eq!(of(&"m".repeat(1000), true), LedgerText::OTHER);
        let mut kept = HashSet::new();
        for number in 0..2000 {
            kept.insert(of(&format!("made-up-{number}"), true));
        }
        assert_eq!(kept.len(), MAX_UNPRICED_NAMES, "one of them is for all others");
        assert!(kept.contains(LedgerText::OTHER));
    }
}
