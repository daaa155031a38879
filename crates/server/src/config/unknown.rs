//! Unknown names, and the known ones that were probably meant.

use strongroom_model::Secret;

use super::{SECTIONS, settings, variables};

/// Least likeness of two names (Jaro–Winkler) for one to be proposed instead of the other.
const MIN_LIKENESS: f64 = 0.8;

pub(super) fn field(name: &str, file: &str) -> String {
    let known: Vec<String> = settings().flat_map(|it| [Some(it.name()), it.file_name()]).flatten().collect();
    // Whoever leaves out the section is understood, too.
    let nearest = nearest(name, &known, |candidate| candidate)
        .or_else(|| nearest(name, &known, |candidate| candidate.rsplit('.').next().unwrap_or(candidate)));
    format!(
        "unknown field `{name}` in {file}; {}",
        remedy(nearest, "docs/configuration.md lists the known ones")
    )
}

pub(super) fn section(name: &str, file: &str) -> String {
    let known: Vec<String> = SECTIONS.iter().map(|section| section.name.to_owned()).collect();
    let nearest = nearest(name, &known, |candidate| candidate);
    format!(
        "unknown section `{name}` in {file}; {}",
        remedy(nearest, "docs/configuration.md lists the known ones")
    )
}

/// A sentence about a variable that begins like ours and is none, when somebody should look at it.
pub(super) fn variable(name: &str, value: &Secret) -> Option<String> {
    let rest = name.strip_prefix("STRONGROOM_")?;
    let known: Vec<String> = variables().collect();
    // Our own test suite talks to itself with names that begin so.
    let is_of_tests = rest.starts_with("TEST_");
    if known.iter().any(|variable| variable == name) || is_injected(name, value) || is_of_tests {
        return None;
    }
    let nearest =
        nearest(rest, &known, |candidate| candidate.strip_prefix("STRONGROOM_").unwrap_or(candidate));
    Some(format!("the variable {name} means nothing here; {}", remedy(nearest, "it is ignored")))
}

/// Tells whether an orchestrator made this variable for a service whose name begins with `strongroom`
/// (Kubernetes, "Environment variables" of a Service; Docker links): nobody wrote it and nobody can correct it.
fn is_injected(name: &str, value: &Secret) -> bool {
    let is_port = |rest: &str| {
        let mut parts = rest.split('_');
        parts.next().is_some_and(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()))
            && matches!(parts.next(), Some("TCP" | "UDP" | "SCTP"))
    };
    let of_port = name.match_indices("_PORT_").any(|(at, mark)| is_port(&name[at + mark.len()..]));
    let is_address = ["tcp://", "udp://", "sctp://"].iter().any(|scheme| value.expose().starts_with(scheme));
    name.ends_with("_SERVICE_HOST")
        || name.ends_with("_SERVICE_PORT")
        || name.contains("_SERVICE_PORT_")
        || of_port
        || (name.ends_with("_PORT") && is_address)
}

fn remedy(nearest: Option<&str>, otherwise: &str) -> String {
    nearest.map_or_else(|| otherwise.to_owned(), |name| format!("did you mean `{name}`?"))
}

/// The known name most like this one, by the part of it that `part` picks.
fn nearest<'k>(name: &str, known: &'k [String], part: impl Fn(&str) -> &str) -> Option<&'k str> {
    let name = name.to_lowercase();
    let likeness = |candidate: &str| {
        let part = part(candidate).to_lowercase();
        let is_beginning = part.starts_with(&name);
        strsim::jaro_winkler(&name, &part) + if is_beginning { 1.0 } else { 0.0 }
    };
    // Of equals the first holds, as it does where settings are read; `max_by` would take the last.
    known
        .iter()
        .rev()
        .map(|candidate| (likeness(candidate), candidate.as_str()))
        .filter(|(likeness, _)| *likeness >= MIN_LIKENESS)
        .max_by(|(left, _), (right, _)| left.total_cmp(right))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proposed(message: &str) -> Option<&str> {
        message.split_once("did you mean `")?.1.strip_suffix("`?")
    }

    #[test]
    fn the_nearest_name_is_proposed() {
        for (typed, meant) in [
            ("databse.url", "database.url"),
            ("database.ur", "database.url"),
            ("database.urlfile", "database.url_file"),
            ("encryption.keyfile", "encryption.key_file"),
            ("listen", "http.listen"),
            ("http.lisen", "http.listen"),
            ("Data_Dir", "data_dir"),
            ("auth.jwtsecret", "auth.jwt_secret"),
        ] {
            assert_eq!(proposed(&field(typed, "f")), Some(meant), "{typed}");
        }
        assert_eq!(proposed(&field("zzz.qqq", "f")), None);
        assert_eq!(proposed(&section("databse", "f")), Some("database"));
        for (typed, meant) in [
            ("STRONGROOM_LISTN", "STRONGROOM_LISTEN"),
            ("STRONGROOM_DATABASE", "STRONGROOM_DATABASE_URL"),
            ("STRONGROOM_TLS_CERT", "STRONGROOM_TLS_CERT_FILE"),
            ("STRONGROOM_ENCRYPTION_KEY", "ENCRYPTION_KEY"),
            ("STRONGROOM_JWT_SECRET", "JWT_SECRET"),
            ("STRONGROOM_LOG_LEVEL", "STRONGROOM_LOG"),
            ("STRONGROOM_TOKN", "STRONGROOM_TOKEN"),
        ] {
            let message = variable(typed, &Secret::from("x")).unwrap();
            assert_eq!(proposed(&message), Some(meant), "{typed}");
        }
    }

    #[test]
    fn every_known_name_is_quiet() {
        for name in variables() {
            assert_eq!(variable(&name, &Secret::from("x")), None);
        }
    }

    #[test]
    fn what_an_orchestrator_injects_is_quiet() {
        for (name, value) in [
            ("STRONGROOM_SERVICE_HOST", "10.0.0.1"),
            ("STRONGROOM_SERVICE_PORT", "8420"),
            ("STRONGROOM_SERVICE_PORT_HTTP", "8420"),
            ("STRONGROOM_PORT", "tcp://10.0.0.1:8420"),
            ("STRONGROOM_PORT_8420_TCP", "tcp://10.0.0.1:8420"),
            ("STRONGROOM_PORT_8420_TCP_ADDR", "10.0.0.1"),
            ("STRONGROOM_PORT_8420_TCP_PORT", "8420"),
            ("STRONGROOM_PORT_8420_TCP_PROTO", "tcp"),
            ("STRONGROOM_POSTGRES_SERVICE_HOST", "10.0.0.2"),
            ("STRONGROOM_POSTGRES_PORT", "tcp://10.0.0.2:5432"),
            ("STRONGROOM_POSTGRES_PORT_5432_TCP_ADDR", "10.0.0.2"),
        ] {
            assert_eq!(variable(name, &Secret::from(value)), None, "{name}");
        }
        // A person wrote this one, and expects it to do something.
        assert!(variable("STRONGROOM_PORT", &Secret::from("9000")).is_some());
        assert!(variable("STRONGROOM_PORT_NUMBER", &Secret::from("9000")).is_some());
    }
}
