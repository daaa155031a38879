//! A name resolver that gives out only addresses that may be connected to.
//!
//! A check before the connection is worthless when the name is looked up a second time for it: whoever owns the name
//! answers the two differently ("DNS rebinding"). Here the addresses that are checked are the addresses that are
//! connected to.

use std::net::SocketAddr;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::address::AddressClass;
use super::reach::{Reach, Refusal, class_of_name};

/// The operating system's resolver.
pub(crate) struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            // The client puts its own port in the place of 0.
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Another resolver's answers, less those that `reach` does not admit.
pub(crate) struct GuardedResolver {
    asked: Arc<dyn Resolve>,
    reach: Reach,
    /// A host that may lead anywhere.
    free: Option<String>,
}

impl GuardedResolver {
    pub(crate) fn new(asked: Arc<dyn Resolve>, reach: Reach) -> Self {
        Self { asked, reach, free: None }
    }

    /// With a host whose addresses are all given out: that of a proxy.
    pub(crate) fn but_for(self, host: Option<&str>) -> Self {
        Self { free: host.map(str::to_ascii_lowercase), ..self }
    }
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.reach;
        if self.free.as_deref() == Some(name.as_str().to_ascii_lowercase().as_str()) {
            return self.asked.resolve(name);
        }
        if let Some(class) = class_of_name(name.as_str())
            && !reach.admits(class)
        {
            return Box::pin(async move { Err(Refusal { class }.into()) });
        }
        let answer = self.asked.resolve(name);
        Box::pin(async move {
            let mut admitted = Vec::new();
            let mut refusal = None;
            for address in answer.await? {
                let class = AddressClass::of(address.ip());
                if reach.admits(class) {
                    admitted.push(address);
                } else {
                    refusal = Some(Refusal { class });
                }
            }
            match refusal {
                Some(refusal) if admitted.is_empty() => Err(refusal.into()),
                _ => Ok(Box::new(admitted.into_iter()) as Addrs),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::net::IpAddr;
    use std::sync::Mutex;

    use super::*;

    /// A name server in the hands of an attacker: every look-up has an answer of its own.
    struct Scripted(Mutex<VecDeque<&'static [&'static str]>>);

    impl Resolve for Scripted {
        fn resolve(&self, _: Name) -> Resolving {
            let answer = self.0.lock().unwrap().pop_front().unwrap();
            let addresses: Vec<SocketAddr> =
                answer.iter().map(|text| SocketAddr::new(text.parse::<IpAddr>().unwrap(), 0)).collect();
            Box::pin(async move { Ok(Box::new(addresses.into_iter()) as Addrs) })
        }
    }

    fn guarded(reach: Reach, answers: &[&'static [&'static str]]) -> GuardedResolver {
        GuardedResolver::new(Arc::new(Scripted(Mutex::new(answers.iter().copied().collect()))), reach)
    }

    async fn look_up(resolver: &GuardedResolver, name: &str) -> Result<Vec<String>, AddressClass> {
        match resolver.resolve(name.parse().unwrap()).await {
            Ok(addresses) => Ok(addresses.map(|address| address.ip().to_string()).collect()),
            Err(error) => Err(error.downcast_ref::<Refusal>().unwrap().class),
        }
    }

    #[tokio::test]
    async fn a_name_that_turns_private_after_its_first_look_up_is_refused_at_the_second() {
        let resolver = guarded(Reach::Public, &[&["93.184.215.14"], &["127.0.0.1"], &["::ffff:10.0.0.1"]]);
        assert_eq!(look_up(&resolver, "rebind.example").await, Ok(vec!["93.184.215.14".to_owned()]));
        assert_eq!(look_up(&resolver, "rebind.example").await, Err(AddressClass::Loopback));
        assert_eq!(look_up(&resolver, "rebind.example").await, Err(AddressClass::Private));
    }

    #[tokio::test]
    async fn of_a_mixed_answer_only_what_is_admitted_is_left() {
        let mixed: &[&[&str]] = &[&["10.0.0.1", "93.184.215.14", "169.254.169.254", "::1"]];
        let public = look_up(&guarded(Reach::Public, mixed), "mixed.example").await;
        assert_eq!(public, Ok(vec!["93.184.215.14".to_owned()]));
        let private = look_up(&guarded(Reach::PrivateOnly, mixed), "mixed.example").await;
        assert_eq!(private, Ok(vec!["10.0.0.1".to_owned(), "::1".to_owned()]));
        let both = look_up(&guarded(Reach::PublicAndPrivate, mixed), "mixed.example").await;
        assert_eq!(both, Ok(vec!["10.0.0.1".to_owned(), "93.184.215.14".to_owned(), "::1".to_owned()]));
    }

    #[tokio::test]
    async fn metadata_is_refused_by_name_and_by_address_even_where_private_is_allowed() {
        let resolver = guarded(Reach::PublicAndPrivate, &[&["169.254.169.254"]]);
        for name in ["metadata.google.internal", "METADATA.google.internal.", "harmless.example"] {
            assert_eq!(look_up(&resolver, name).await, Err(AddressClass::Metadata), "{name}");
        }
    }
}
