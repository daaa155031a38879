//! Serving over TLS, and refusing to serve without it where others can listen in.

use std::sync::Arc;

use serde_json::json;

use crate::BACKEND;
use crate::support::call::send_raw;
use crate::support::server::Installation;

/// A self-signed certificate and its key in PEM.
fn certificate() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]);
    let made = made.expect("a certificate");
    (made.cert.pem(), made.signing_key.serialize_pem())
}

/// An installation that serves over TLS.
pub(crate) fn certified(installation: Installation) -> Installation {
    let (certificate, key) = certificate();
    let (cert_file, key_file) = (installation.home().join("cert.pem"), installation.home().join("key.pem"));
    std::fs::write(&cert_file, certificate).expect("a file");
    std::fs::write(&key_file, key).expect("a file");
    let text = |path: std::path::PathBuf| path.display().to_string();
    installation
        .set("STRONGROOM_TLS_CERT_FILE", text(cert_file))
        .set("STRONGROOM_TLS_KEY_FILE", text(key_file))
}

#[tokio::test]
async fn with_a_certificate_it_speaks_tls_and_nothing_else() {
    let server = certified(Installation::new(BACKEND).await).start();
    assert!(server.url.starts_with("https://"), "{}", server.url);
    server.credential("over-tls", json!({})).await;
    let read = server.get("/api/credentials/over-tls").await.expect(200);
    assert_eq!(read.at("apiKey"), "sk-of-over-tls");
    let plain = format!(
        "GET /api/credentials/over-tls HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\nconnection: close\r\n\r\n",
        server.admin
    );
    let (status, answer) = send_raw(server.address(), plain.as_bytes());
    assert_eq!(status, 0, "{answer}");
    server.get("/livez").anonymous().await.expect(200);
}

#[tokio::test]
async fn a_command_tells_how_to_trust_a_certificate_that_it_does_not_know() {
    let server = certified(Installation::new(BACKEND).await).start();
    let command = |arguments: &[&str]| {
        let mut command = server.installation.command(arguments);
        command.env("STRONGROOM_URL", &server.url).env("STRONGROOM_TOKEN", &server.admin);
        command.output().expect("the binary runs")
    };
    let refused = command(&["status"]);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && said.contains("--ca-file"), "{said}");
    let certificate = server.installation.home().join("cert.pem").display().to_string();
    let trusted = command(&["status", "--ca-file", &certificate]);
    assert!(trusted.status.success(), "{}", String::from_utf8_lossy(&trusted.stderr));
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_or_has_no_key_stops_it_before_the_database_is_touched() {
    let broken = certified(Installation::new(BACKEND).await);
    std::fs::write(broken.home().join("cert.pem"), "no certificate").expect("a file");
    let broken = Arc::new(broken);
    let (status, said) = broken.try_start().err().expect("a refusal");
    assert!(!status.success() && said.contains("TLS certificate"), "{said}");
    assert!(!broken.data_dir().join("master.key").exists());

    let half = Arc::new(Installation::new(BACKEND).await.set("STRONGROOM_TLS_CERT_FILE", "cert.pem"));
    let (status, said) = half.try_start().err().expect("a refusal");
    assert!(status.code() == Some(2) && said.contains("STRONGROOM_TLS_KEY_FILE"), "{said}");
}

#[tokio::test]
async fn plaintext_where_others_can_listen_in_is_refused() {
    let installation = Installation::new(BACKEND).await;
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let output = installation.command(&["serve", "--listen", address]).output().expect("the binary runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(
            said.contains("STRONGROOM_TLS_CERT_FILE") && said.contains("STRONGROOM_ALLOW_PLAINTEXT"),
            "{said}"
        );
    }
    assert!(!installation.data_dir().join("master.key").exists());
}
