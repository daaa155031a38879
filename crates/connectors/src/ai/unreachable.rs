//! Why there was no answer, in our words.

use std::error::Error as StdError;
use std::io;
use std::iter::successors;

use crate::endpoint_guard::{GuardedClient, Refusal};

/// Tells DNS, connection, TLS, a timeout and the guard apart, and names the mend. Repeats no URL.
pub(super) fn explain(error: &reqwest::Error, client: &GuardedClient) -> String {
    let timeout = client.timeout();
    if error.is_connect()
        && cause::<rustls::Error>(error).is_none()
        && error.url().is_some_and(|url| client.is_proxied(url))
    {
        return "No connection by way of the proxy: check STRONGROOM_PROXY, its user and password, and what it lets through."
            .to_owned();
    }
    if let Some(refusal) = cause::<Refusal>(error) {
        return format!("Not called: the endpoint's name {refusal}.");
    }
    if error.is_dns() {
        return "The host name cannot be resolved (DNS): check its spelling, and this machine's DNS."
            .to_owned();
    }
    if let Some(tls) = cause::<rustls::Error>(error) {
        return format!("No secure connection (TLS): {}", explain_tls(tls));
    }
    if error.is_timeout() {
        let what = if error.is_connect() { "connection" } else { "answer" };
        return format!(
            "Timeout: no {what} within {} s. Check the host, the network and any firewall.",
            timeout.as_secs_f32()
        );
    }
    let refused = cause::<io::Error>(error).is_some_and(|io| io.kind() == io::ErrorKind::ConnectionRefused);
    if refused {
        return "Connection refused: nothing listens there. Check the endpoint's host and port.".to_owned();
    }
    if error.is_connect() {
        return "No connection: the host cannot be reached. Check the endpoint, the network and any firewall.".to_owned();
    }
    "The connection broke before there was an answer: try again, and check that the endpoint speaks HTTP."
        .to_owned()
}

fn explain_tls(error: &rustls::Error) -> &'static str {
    match error {
        rustls::Error::InvalidCertificate(_) => {
            "the server's certificate is not valid for this host or not trusted. Check the host's name, its certificate \
             and this machine's certificate authorities and clock."
        }
        rustls::Error::InvalidMessage(_) => {
            "the server does not speak TLS. Check the endpoint's port and scheme."
        }
        _ => "the handshake failed. Check that the server offers TLS 1.2 or 1.3.",
    }
}

/// The first cause of this type. An [`io::Error`] hides the error in it from `source()`.
fn cause<E: StdError + 'static>(error: &reqwest::Error) -> Option<&E> {
    let first: &(dyn StdError + 'static) = error;
    successors(Some(first), |&error| match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => Some(inner as &(dyn StdError + 'static)),
        None => error.source(),
    })
    .find_map(|error| error.downcast_ref())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use reqwest::dns::{Addrs, Name, Resolve, Resolving};

    use super::*;
    use crate::endpoint_guard::EndpointGuard;

    /// A name server that knows nothing, or says that every name is this machine.
    struct Answers(Option<[u8; 4]>);

    impl Resolve for Answers {
        fn resolve(&self, _: Name) -> Resolving {
            let answer = self.0;
            Box::pin(async move {
                let address = answer.ok_or("no such host")?;
                Ok(Box::new(std::iter::once((address, 9_u16).into())) as Addrs)
            })
        }
    }

    async fn explained(answers: Answers) -> String {
        let guard = EndpointGuard::new(false);
        let client = GuardedClient::over(guard.clone(), Arc::new(answers)).unwrap();
        let url = guard.check("https://canary.example:9/v1").unwrap();
        let error = client.get(url).unwrap().send().await.unwrap_err();
        explain(&error, &client)
    }

    #[tokio::test]
    async fn an_unknown_name_and_a_name_that_leads_home_are_told_apart() {
        let unknown = explained(Answers(None)).await;
        assert!(unknown.contains("DNS"), "{unknown}");
        let home = explained(Answers(Some([127, 0, 0, 1]))).await;
        assert!(home.contains("loopback") && home.contains("STRONGROOM_ALLOW_PRIVATE_ENDPOINTS"), "{home}");
        assert!(!format!("{unknown}{home}").contains("canary"));
    }
}
