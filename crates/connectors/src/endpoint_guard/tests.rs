//! The guard as a whole: what it says to a text, and what its client reaches.

use std::error::Error as StdError;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::sync::Arc;

use proptest::prelude::*;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use strongroom_model::ProblemKind;

use super::*;

const STRICT: EndpointGuard = EndpointGuard::new(false);
const OPEN: EndpointGuard = EndpointGuard::new(true);

fn refusal(guard: EndpointGuard, endpoint: &str) -> String {
    let problem = guard.check(endpoint).expect_err(endpoint);
    assert_eq!(
        (problem.kind, problem.field.as_deref()),
        (ProblemKind::Invalid, Some("endpoint")),
        "{endpoint}"
    );
    problem.message
}

#[test]
fn a_base_url_passes_as_it_is() {
    for endpoint in [
        "https://api.openai.com/v1",
        "https://api.example.com",
        "HTTPS://API.example.com:8443/a/b/",
        "https://8.8.8.8/v1",
        "https://[2606:4700::1111]/v1",
    ] {
        for guard in [STRICT, OPEN] {
            assert_eq!(guard.check(endpoint).unwrap(), Url::parse(endpoint).unwrap());
        }
    }
    for endpoint in
        ["http://127.0.0.1:11434/v1", "http://localhost:11434", "http://ollama:11434", "https://10.0.0.1"]
    {
        assert_eq!(OPEN.check(endpoint).unwrap(), Url::parse(endpoint).unwrap());
    }
}

#[test]
fn what_is_not_a_base_url_is_refused() {
    let long = format!("https://example.com/{}", "x".repeat(MAX_ENDPOINT));
    for (endpoint, says) in [
        ("", "https://"),
        ("api.example.com", "https://"),
        ("ftp://example.com", "https://"),
        ("file:///etc/passwd", "https://"),
        ("https:example.com", "https://"),
        ("unix:///run/docker.sock", "https://"),
        ("https://", "host"),
        ("https:///example.com", "host"),
        ("https://:443", "URL"),
        ("https://user@example.com", "user name"),
        ("https://user:word@example.com", "user name"),
        ("https://@example.com", "user name"),
        ("https://example.com?key=1", "'?'"),
        ("https://example.com/?", "'?'"),
        ("https://example.com/#a", "'#'"),
        ("https://example.com/a b", "white space"),
        (" https://example.com", "white space"),
        ("https://exam\tple.com", "white space"),
        ("https://example.com\n", "white space"),
        ("https://example.com\\@127.0.0.1", "backslashes"),
        ("https://example.com\0", "control"),
        (long.as_str(), "2048"),
    ] {
        for guard in [STRICT, OPEN] {
            let message = refusal(guard, endpoint);
            assert!(message.contains(says), "{endpoint:?}: {message}");
        }
    }
}

#[test]
fn a_refusal_does_not_repeat_the_text() {
    for endpoint in [
        "https://canary:canary@x/",
        "canary://x",
        "https://x/?canary",
        "https://localhost/canary",
        "http://canary",
    ] {
        assert!(!refusal(STRICT, endpoint).contains("canary"), "{endpoint}");
    }
}

#[test]
fn places_around_this_machine_are_reached_only_when_they_are_allowed() {
    for (endpoint, place) in [
        ("https://127.0.0.1", "loopback"),
        ("https://localhost", "loopback"),
        ("https://LocalHost.:8080/v1", "loopback"),
        ("https://api.localhost", "loopback"),
        ("https://ip6-localhost", "loopback"),
        ("https://127.1", "loopback"),
        ("https://127.0.0.1.", "loopback"),
        ("https://0177.0.0.1", "loopback"),
        ("https://0x7f.0x0.0x0.0x1", "loopback"),
        ("https://0x7F000001", "loopback"),
        ("https://2130706433", "loopback"),
        ("https://017700000001", "loopback"),
        ("https://%31%32%37.0.0.1", "loopback"),
        ("https://①②⑦.⓪.⓪.①", "loopback"),
        ("https://127。0。0。1", "loopback"),
        ("https://[::1]", "loopback"),
        ("https://[0:0:0:0:0:0:0:1]", "loopback"),
        ("https://[::ffff:127.0.0.1]", "loopback"),
        ("https://[::ffff:7f00:1]", "loopback"),
        ("https://[::127.0.0.1]", "loopback"),
        ("https://[64:ff9b::127.0.0.1]", "loopback"),
        ("https://[2002:7f00:1::]", "loopback"),
        ("https://10.0.0.1", "private"),
        ("https://172.16.0.1", "private"),
        ("https://192.168.0.1", "private"),
        ("https://192.168.257", "private"),
        ("https://[fd12:3456::1]", "unique-local"),
        ("https://169.254.1.1", "link-local"),
        ("https://[fe80::1]", "link-local"),
        ("https://100.64.0.1", "carrier-shared"),
        ("https://0.0.0.0", "unspecified"),
        ("https://0", "unspecified"),
        ("https://[::]", "unspecified"),
        ("https://224.0.0.1", "multicast"),
        ("https://198.18.0.1", "benchmarking"),
        ("https://203.0.113.7", "documentation"),
        ("https://240.0.0.1", "reserved"),
    ] {
        let message = refusal(STRICT, endpoint);
        assert!(
            message.contains(place) && message.contains("STRONGROOM_ALLOW_PRIVATE_ENDPOINTS"),
            "{endpoint}: {message}"
        );
        OPEN.check(endpoint).expect(endpoint);
    }
}

#[test]
fn metadata_services_are_never_reached() {
    for endpoint in [
        "https://169.254.169.254",
        "https://0xA9FEA9FE",
        "https://2852039166",
        "https://0251.0376.0251.0376",
        "https://169.254.170.2",
        "https://169.254.170.23",
        "https://100.100.100.200",
        "https://[fd00:ec2::254]",
        "https://[::ffff:169.254.169.254]",
        "https://[64:ff9b::169.254.169.254]",
        "https://metadata.google.internal",
        "https://Metadata.Google.Internal.",
        "https://metadata",
    ] {
        for guard in [STRICT, OPEN] {
            let message = refusal(guard, endpoint);
            assert!(message.contains("metadata"), "{endpoint}: {message}");
        }
        assert!(OPEN.check(&endpoint.replace("https:", "http:")).is_err(), "{endpoint}");
    }
}

#[test]
fn http_is_for_private_addresses_and_only_when_they_are_allowed() {
    for endpoint in
        ["http://127.0.0.1", "http://localhost", "http://example.com", "http://8.8.8.8", "HTTP://10.0.0.1"]
    {
        assert!(refusal(STRICT, endpoint).contains("https"), "{endpoint}");
    }
    for endpoint in ["http://8.8.8.8/v1", "http://[2606:4700::1111]/v1", "http://134744072"] {
        assert!(refusal(OPEN, endpoint).contains("https"), "{endpoint}");
    }
}

fn spellings(address: Ipv4Addr) -> Vec<String> {
    let [a, b, c, d] = address.octets();
    let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    let whole = u32::from(address);
    vec![
        address.to_string(),
        format!("{address}."),
        format!("{whole}"),
        format!("{whole:#x}"),
        format!("0{whole:o}"),
        format!("{a:#x}.{b}.0{c:o}.{d:#X}"),
        format!("{a}.{}", whole & 0x00ff_ffff),
        format!("{a}.{b}.{low}"),
        format!("[::ffff:{address}]"),
        format!("[::ffff:{high:x}:{low:x}]"),
        format!("[::{address}]"),
        format!("[64:ff9b::{address}]"),
        format!("[2002:{high:x}:{low:x}::1]"),
    ]
}

proptest! {
    #[test]
    fn an_ipv4_address_that_is_not_public_is_refused_in_every_spelling(bits in any::<u32>(), block in 0_usize..16) {
        // Half of the cases stand in a block that is not public, which random ones seldom do.
        const BLOCKS: [(u32, u32); 8] = [
            (0x7f00_0000, 8), (0x0a00_0000, 8), (0xc0a8_0000, 16), (0xac10_0000, 12),
            (0xa9fe_0000, 16), (0x6440_0000, 10), (0xe000_0000, 4), (0xc612_0000, 15),
        ];
        let bits = BLOCKS.get(block).map_or(bits, |(prefix, length)| prefix | (bits & (u32::MAX >> length)));
        let address = Ipv4Addr::from(bits);
        if AddressClass::of(address.into()) != AddressClass::Global {
            for host in spellings(address) {
                prop_assert!(STRICT.check(&format!("https://{host}/v1")).is_err(), "{}", host);
            }
        } else {
            let admitted = STRICT.check(&format!("https://{address}/v1")).is_ok();
            prop_assert!(admitted);
        }
    }

    #[test]
    fn an_ipv6_address_passes_exactly_when_it_is_public(bits in any::<u128>(), public in any::<bool>()) {
        let bits = if public { (bits >> 3) | (0b001 << 125) } else { bits };
        let address = Ipv6Addr::from(bits);
        let admitted = STRICT.check(&format!("https://[{address}]/v1")).is_ok();
        prop_assert_eq!(admitted, AddressClass::of(address.into()) == AddressClass::Global);
    }

    #[test]
    fn no_text_makes_the_check_panic(text in "\\PC{0,40}", scheme in prop_oneof![Just(""), Just("https://"), Just("http://")]) {
        let _ = (STRICT.check(&format!("{scheme}{text}")), OPEN.check(&format!("{scheme}{text}")));
    }
}

/// Says for every name that it is this machine.
struct Hijacked(SocketAddr);

impl Resolve for Hijacked {
    fn resolve(&self, _: Name) -> Resolving {
        let address = self.0;
        Box::pin(async move { Ok(Box::new(std::iter::once(address)) as Addrs) })
    }
}

fn refused_class(error: &reqwest::Error) -> Option<AddressClass> {
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(refusal) = error.downcast_ref::<Refusal>() {
            return Some(refusal.class);
        }
        source = error.source();
    }
    None
}

#[tokio::test]
async fn a_public_name_that_leads_home_gets_no_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let home = listener.local_addr().unwrap();
    let client = GuardedClient::over(STRICT, Arc::new(Hijacked(home))).unwrap();

    let url = STRICT.check(&format!("https://api.example.com:{}/v1", home.port())).unwrap();
    let error = client.get(url).unwrap().send().await.unwrap_err();
    assert_eq!(refused_class(&error), Some(AddressClass::Loopback));
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn a_name_for_plain_http_that_leads_to_the_internet_gets_no_connection() {
    let public = SocketAddr::from(([93, 184, 215, 14], 9));
    let client = GuardedClient::over(OPEN, Arc::new(Hijacked(public))).unwrap();
    let url = OPEN.check("http://inside.example:9/v1").unwrap();
    let error = client.get(url).unwrap().send().await.unwrap_err();
    assert_eq!(refused_class(&error), Some(AddressClass::Global));
}

#[test]
fn every_request_passes_the_guard_even_with_a_url_that_was_never_checked() {
    let client = STRICT.client().unwrap();
    for url in [
        "https://127.0.0.1/v1",
        "https://[::1]/",
        "http://example.com/",
        "https://a:b@example.com/",
        "https://169.254.169.254/latest",
    ] {
        let url = Url::parse(url).unwrap();
        assert_eq!(client.get(url.clone()).unwrap_err().field.as_deref(), Some("endpoint"), "{url}");
        assert!(client.post(url).is_err());
    }
    assert!(client.get(Url::parse("https://api.example.com/v1/models?limit=1").unwrap()).is_ok());
}
