//! The cookie of a session. Where browsers keep cookies to one host and TLS by their name, it has that name.

use axum::http::{HeaderMap, HeaderValue, header};
use strongroom_dashboard::Display;
use strongroom_model::Secret;

use super::site::Site;

/// The prefix binds it to this host, to `Secure` and to the whole site (RFC 6265bis, section 4.1.3.2).
const OWN: &str = "__Host-strongroom";
/// The name at addresses where a browser may refuse `Secure` over plain HTTP; servers of other ports see it in any case.
const SHARED: &str = "strongroom";

const fn name(site: &Site) -> &'static str {
    if site.is_shared { SHARED } else { OWN }
}

/// The secret that a request shows. A cookie that is there twice was set by somebody else, and is none.
pub(super) fn read(headers: &HeaderMap, site: &Site) -> Option<Secret> {
    let pairs = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = pairs.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut found = pairs.filter(|(key, _)| *key == name(site)).map(|(_, value)| value);
    let (one, another) = (found.next()?, found.next());
    let is_ours = one.len() == 64 && one.bytes().all(|byte| byte.is_ascii_hexdigit());
    (another.is_none() && is_ours).then(|| Secret::from(one))
}

/// How pages look in this browser.
pub(super) fn display(headers: &HeaderMap) -> Display {
    let pairs = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = pairs.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut found = pairs.filter(|(key, _)| *key == super::session::DISPLAY_COOKIE);
    found.next().map_or_else(Display::default, |(_, value)| Display::from_text(value))
}

/// Has the browser keep this secret until it is closed.
pub(super) fn set(secret: &Secret, site: &Site) -> Option<HeaderValue> {
    let secure = if site.is_shared { "" } else { "; Secure" };
    let text = format!("{}={}; Path=/; HttpOnly; SameSite=Lax{secure}", name(site), secret.expose());
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Has the browser forget it.
pub(super) fn remove(site: &Site) -> Option<HeaderValue> {
    let secure = if site.is_shared { "" } else { "; Secure" };
    HeaderValue::from_str(&format!("{}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0{secure}", name(site))).ok()
}
