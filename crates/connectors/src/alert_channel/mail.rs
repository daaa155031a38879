//! Mail by SMTP.

use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::time::Duration;
use strongroom_model::{Problem, Secret};
use url::{Host, Url};

use super::{Message, NotTaken, Outbound, Taken, Target, tone};
use crate::endpoint_guard::{AddressClass, Reach, class_of_name};

const TIMEOUT: Duration = Duration::from_secs(15);
/// Addresses that a channel's mail goes to at the most.
const MAX_ADDRESSES: usize = 20;

/// From whom and to whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailSettings {
    /// The address it is from.
    pub from: String,
    /// The addresses it is for.
    pub to: Vec<String>,
}

impl MailSettings {
    /// Checks addresses that somebody gives.
    ///
    /// # Errors
    /// [`Problem`] on the field at fault.
    pub fn check(&self) -> Result<(), Problem> {
        let is_good = |text: &String| text.len() <= 254 && text.parse::<Mailbox>().is_ok();
        if !is_good(&self.from) {
            return Err(Problem::invalid("from", "from must be a mail address such as alerts@example.com"));
        }
        if self.to.is_empty() || self.to.len() > MAX_ADDRESSES || !self.to.iter().all(is_good) {
            return Err(Problem::invalid("to", format!("to must have 1 to {MAX_ADDRESSES} mail addresses")));
        }
        Ok(())
    }
}

/// A mail server, as its URL says.
struct Server {
    host: String,
    port: u16,
    is_wrapped: bool,
    login: Option<(String, String)>,
}

/// Reads `smtp://USER:PASSWORD@HOST:PORT` (STARTTLS) or `smtps://…` (TLS from the start).
fn server(address: &Secret) -> Result<Server, Problem> {
    let refused = || {
        Problem::invalid(
            "address",
            "address must be smtp://USER:PASSWORD@HOST:PORT, which has to offer STARTTLS, or smtps://…, with special \
             characters percent-encoded",
        )
    };
    let url = Url::parse(address.expose()).map_err(|_| refused())?;
    let is_wrapped = match url.scheme() {
        "smtp" => false,
        "smtps" => true,
        _ => return Err(refused()),
    };
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(refused)?.to_owned();
    let decoded = |text: &str| {
        percent_encoding::percent_decode_str(text)
            .decode_utf8()
            .map(|text| text.into_owned())
            .map_err(|_| refused())
    };
    let login = match (url.username(), url.password()) {
        ("", None) => None,
        (user, password) => Some((decoded(user)?, decoded(password.unwrap_or_default())?)),
    };
    Ok(Server { host, port: url.port().unwrap_or(if is_wrapped { 465 } else { 587 }), is_wrapped, login })
}

impl Outbound {
    /// Checks the URL of a mail server.
    ///
    /// # Errors
    /// [`Problem`] on the field `address`.
    pub fn check_mail(&self, address: &Secret) -> Result<(), Problem> {
        let server = server(address)?;
        let class = match Host::parse(&server.host) {
            Ok(Host::Ipv4(address)) => Some(AddressClass::of(IpAddr::V4(address))),
            Ok(Host::Ipv6(address)) => Some(AddressClass::of(IpAddr::V6(address))),
            // Of a scheme that is not http, addresses are not recognised by the parser of URLs.
            Ok(Host::Domain(name)) => match name.parse::<IpAddr>() {
                Ok(address) => Some(AddressClass::of(address)),
                Err(_) => class_of_name(&name),
            },
            Err(_) => return Err(Problem::invalid("address", "address must name a host")),
        };
        match class {
            Some(class) if !self.reach(&server).admits(class) => Err(Problem::invalid(
                "address",
                format!(
                    "address leads to {class}; a private address has to be listed in STRONGROOM_ALERT_ALLOW"
                ),
            )),
            _ => Ok(()),
        }
    }

    fn reach(&self, server: &Server) -> Reach {
        match self.is_listed(&server.host, Some(server.port)) {
            true => Reach::PublicAndPrivate,
            false => Reach::Public,
        }
    }

    /// The address to connect to: looked up here, so that what was checked is what is connected to.
    async fn address_of(&self, server: &Server) -> Result<IpAddr, NotTaken> {
        let reach = self.reach(server);
        let found = tokio::net::lookup_host((server.host.trim_matches(['[', ']']), server.port)).await;
        let found = found.map_err(|_| NotTaken::because("its host name cannot be resolved (DNS)"))?;
        let mut class = None;
        for address in found {
            let of = AddressClass::of(address.ip());
            if reach.admits(of) {
                return Ok(address.ip());
            }
            class = Some(of);
        }
        Err(NotTaken::because(match class {
            Some(class) => format!(
                "not called: its host leads to {class}; a private address has to be listed in STRONGROOM_ALERT_ALLOW"
            ),
            None => "its host name has no address".to_owned(),
        }))
    }
}

pub(super) async fn send(outbound: &Outbound, target: &Target, message: &Message) -> Result<Taken, NotTaken> {
    let server = server(&target.address).map_err(|problem| NotTaken::because(problem.message))?;
    let settings = target.settings.mail.as_ref().ok_or_else(|| NotTaken::because("it has no addresses"))?;
    let mail = compose(message, settings).map_err(NotTaken::because)?;
    let address = outbound.address_of(&server).await?;
    let parameters =
        || TlsParameters::new(server.host.clone()).map_err(|error| NotTaken::because(error.to_string()));
    let tls = match server.is_wrapped {
        true => Tls::Wrapper(parameters()?),
        // Whoever listed the host takes it upon himself that it has no TLS.
        false if outbound.is_listed(&server.host, Some(server.port)) => Tls::Opportunistic(parameters()?),
        false => Tls::Required(parameters()?),
    };
    let transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(address.to_string())
        .port(server.port)
        .tls(tls)
        .timeout(Some(TIMEOUT));
    let transport = match &server.login {
        Some((user, password)) => transport.credentials(Credentials::new(user.clone(), password.clone())),
        None => transport,
    };
    let response = transport.build().send(mail).await.map_err(|error| NotTaken::because(explain(&error)))?;
    let said: String = response.message().collect::<Vec<_>>().join(" ").chars().take(200).collect();
    Ok(Taken { answer: format!("SMTP {}: {said}", response.code()) })
}

/// Why a server did not take it. What it said may name addresses, and no password.
fn explain(error: &lettre::transport::smtp::Error) -> String {
    if let Some(status) = error.status() {
        let said: String = error.to_string().chars().filter(|it| !it.is_control()).take(200).collect();
        return format!("SMTP {status}: {said}");
    }
    if error.is_timeout() {
        return format!("no answer within {} s", TIMEOUT.as_secs());
    }
    if error.is_tls() {
        return "no secure connection (TLS): check the host's name and its certificate".to_owned();
    }
    "no connection, or it broke before there was an answer; over smtp:// the server has to offer STARTTLS"
        .to_owned()
}

fn compose(message: &Message, settings: &MailSettings) -> Result<lettre::Message, String> {
    let (word, _) = tone(message);
    let refused = |_| "an address of the channel is no mail address".to_owned();
    // A mail client keeps what is about one incident together.
    let domain = settings.from.rsplit_once('@').map_or("strongroom.invalid", |(_, domain)| domain);
    let domain = domain.trim_end_matches('>');
    let mut mail = lettre::Message::builder()
        .message_id(Some(format!("<{}@{domain}>", message.id)))
        .from(settings.from.parse().map_err(refused)?)
        .subject(format!("[strongroom] {word}: {}", subject_line(&message.sentence)));
    for to in &settings.to {
        mail = mail.to(to.parse().map_err(refused)?);
    }
    let (text, html) = (text(message), html(message));
    mail.multipart(MultiPart::alternative_plain_html(text, html)).map_err(|error| error.to_string())
}

fn subject_line(sentence: &str) -> String {
    sentence.chars().filter(|it| !it.is_control()).take(180).collect()
}

fn text(message: &Message) -> String {
    let mut text = format!("{}\n", message.sentence);
    for (name, value) in &message.facts {
        text.push_str(&format!("\n{name}: {value}"));
    }
    if let Some(link) = &message.link {
        text.push_str(&format!("\n\n{link}"));
    }
    text.push('\n');
    text
}

fn encoded(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

fn html(message: &Message) -> String {
    let (word, color) = tone(message);
    let mut rows = String::new();
    for (name, value) in &message.facts {
        rows.push_str(&format!(
            "<tr><th align=\"left\">{}</th><td>{}</td></tr>",
            encoded(name),
            encoded(value)
        ));
    }
    let link = message
        .link
        .as_ref()
        .map_or_else(String::new, |link| format!("<p><a href=\"{}\">Look at it</a></p>", encoded(link)));
    format!(
        "<!doctype html><html><body><p><strong style=\"color:#{color:06x}\">{word}</strong> {}</p><table>{rows}</table>\
         {link}</body></html>",
        encoded(&message.sentence)
    )
}

#[cfg(test)]
mod tests {
    use strongroom_model::Millis;
    use strongroom_model::alert::{Level, Notice};

    use super::*;

    #[test]
    fn a_mail_has_no_header_of_a_callers_making_and_no_markup_of_theirs() {
        let evil = "x\r\nBcc: victim@example.com\r\n\r\n<script>";
        let message = Message {
            id: "m1".to_owned(),
            at: Millis(0),
            notice: Notice::Firing,
            event_type: String::new(),
            level: Level::Warn,
            sentence: evil.to_owned(),
            facts: vec![("of", evil.to_owned())],
            link: None,
            incidents: Vec::new(),
            more: 0,
        };
        let settings = MailSettings {
            from: "Alerts <alerts@example.com>".to_owned(),
            to: vec!["ops@example.com".to_owned()],
        };
        settings.check().unwrap();
        let mail = String::from_utf8(compose(&message, &settings).unwrap().formatted()).unwrap();
        let (head, body) = mail.split_once("\r\n\r\n").unwrap();
        assert!(!head.to_lowercase().contains("\r\nbcc"), "{head}");
        assert!(head.contains("Message-ID: <m1@example.com>"), "{head}");
        assert!(!body.contains("<script>") || !body.contains("text/html;\r\n<script>"), "{body}");
        assert!(html(&message).contains("&lt;script&gt;") && !html(&message).contains("<script>"));
    }

    #[test]
    fn addresses_and_servers_are_checked() {
        let to = |to: &[&str]| MailSettings {
            from: "a@example.com".to_owned(),
            to: to.iter().map(ToString::to_string).collect(),
        };
        assert!(to(&["b@example.com"]).check().is_ok());
        for bad in [&[][..], &["x"], &["b@example.com\r\nBcc: c@example.com"]] {
            assert!(to(bad).check().is_err(), "{bad:?}");
        }
        let read = server(&Secret::from("smtp://me%40example.com:p%3Aw@mail.example.com")).unwrap();
        assert_eq!(read.login, Some(("me@example.com".to_owned(), "p:w".to_owned())));
        assert_eq!((read.port, read.is_wrapped), (587, false));
        assert_eq!(server(&Secret::from("smtps://mail.example.com")).unwrap().port, 465);
    }
}
