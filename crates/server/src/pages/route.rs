//! The table of pages: who may see each, and what a change is called in the audit trail. A page without a row is refused.

use axum::http::Method;
use strongroom_model::Role;

/// A page, or a change that one offers.
#[derive(Debug, Clone, Copy)]
pub struct PageRoute {
    /// The method.
    pub method: &'static str,
    /// The path, parameters in braces.
    pub path: &'static str,
    /// Its name in the audit trail, `noun.verb`.
    pub action: &'static str,
    /// The roles that may; `None` is for everybody, signed in or not.
    pub roles: Option<&'static [Role]>,
}

const METADATA: Option<&[Role]> = Some(&[Role::Admin, Role::Auditor]);
const ADMIN: Option<&[Role]> = Some(&[Role::Admin]);
/// Who reads keys.
const KEYS: Option<&[Role]> = Some(&[Role::Admin, Role::Reader]);
/// Who finds something by name.
const FIND: Option<&[Role]> = Some(&[Role::Admin, Role::Auditor, Role::Reader]);
const ANY: Option<&[Role]> = Some(&Role::ALL);

const fn page(
    method: &'static str,
    path: &'static str,
    action: &'static str,
    roles: Option<&'static [Role]>,
) -> PageRoute {
    PageRoute { method, path, action, roles }
}

/// Every page there is.
pub const PAGES: &[PageRoute] = &[
    page("GET", "/", "page.first", None),
    page("GET", "/login", "session.form", None),
    page("POST", "/login", "session.create", None),
    page("GET", "/dashboard/assets/{file}", "page.asset", None),
    page("POST", "/logout", "session.end", ANY),
    page("GET", "/dashboard", "page.overview", ANY),
    page("GET", "/dashboard/credentials", "credential.list", METADATA),
    page("GET", "/dashboard/credentials/{id}", "credential.show", METADATA),
    page("POST", "/dashboard/credentials", "credential.create", ADMIN),
    page("GET", "/dashboard/credentials/{id}/reveal", "credential.read", KEYS),
    page("POST", "/dashboard/credentials/{id}/reveal", "credential.read", KEYS),
    page("POST", "/dashboard/credentials/{id}/test", "credential.probe", ADMIN),
    page("POST", "/dashboard/credentials/{id}/stage", "credential.stage", ADMIN),
    page("POST", "/dashboard/credentials/{id}/canary", "credential.canary", ADMIN),
    page("POST", "/dashboard/credentials/{id}/promote", "credential.promote", ADMIN),
    page("POST", "/dashboard/credentials/{id}/abort", "credential.abort", ADMIN),
    page("POST", "/dashboard/credentials/{id}/rotate", "credential.rotate", ADMIN),
    page("POST", "/dashboard/credentials/{id}/dates", "credential.update", ADMIN),
    page("POST", "/dashboard/credentials/{id}/facts", "credential.update", ADMIN),
    page("POST", "/dashboard/credentials/{id}/minter", "credential.update", ADMIN),
    page("POST", "/dashboard/credentials/{id}/tags", "credential.update", ADMIN),
    page("GET", "/dashboard/credentials/bulk", "credential.list", ADMIN),
    page("POST", "/dashboard/credentials/bulk", "credential.update", ADMIN),
    page("GET", "/dashboard/credentials/deleted", "credential.list_deleted", METADATA),
    page("POST", "/dashboard/credentials/{id}/undelete", "credential.undelete", ADMIN),
    page("POST", "/dashboard/credentials/{id}/purge", "credential.purge", ADMIN),
    page("POST", "/dashboard/credentials/{id}/activity", "credential.update", ADMIN),
    page("POST", "/dashboard/credentials/{id}/delete", "credential.delete", ADMIN),
    page("GET", "/dashboard/credentials/{id}/versions/{number}", "credential.show", METADATA),
    page("POST", "/dashboard/credentials/{id}/versions/{number}/roll-back", "credential.roll_back", ADMIN),
    page(
        "POST",
        "/dashboard/credentials/{id}/versions/{number}/destroy",
        "credential.destroy_version",
        ADMIN,
    ),
    page("POST", "/dashboard/credentials/{id}/freeze", "credential.freeze", ADMIN),
    page("POST", "/dashboard/credentials/{id}/unfreeze", "credential.unfreeze", ADMIN),
    page("GET", "/dashboard/limits", "limit.list", METADATA),
    page("POST", "/dashboard/limits", "limit.set", ADMIN),
    page("GET", "/dashboard/limits/test", "limit.test", METADATA),
    page("GET", "/dashboard/limits/{id}", "limit.show", METADATA),
    page("GET", "/dashboard/limits/{id}/burn-down.csv", "limit.show", METADATA),
    page("POST", "/dashboard/limits/{id}/raise", "limit.set", ADMIN),
    page("POST", "/dashboard/limits/{id}/lower", "limit.set", ADMIN),
    page("POST", "/dashboard/limits/{id}/remove", "limit.remove", ADMIN),
    page("GET", "/dashboard/usage", "usage.show", METADATA),
    page("GET", "/dashboard/usage.csv", "usage.show", METADATA),
    page("GET", "/dashboard/usage/records", "usage.records", METADATA),
    page("GET", "/dashboard/usage/records.csv", "usage.records", METADATA),
    page("GET", "/dashboard/usage/records/{id}", "usage.record", METADATA),
    page("GET", "/dashboard/alerts", "alert.list", METADATA),
    page("GET", "/dashboard/alerts/rules", "alert.rule_list", METADATA),
    page("POST", "/dashboard/alerts/rules", "alert.rule_set", ADMIN),
    page("GET", "/dashboard/alerts/rules/test", "alert.rule_test", METADATA),
    page("POST", "/dashboard/alerts/rules/settings", "alert.rule_set", ADMIN),
    page("POST", "/dashboard/alerts/rules/{id}/remove", "alert.rule_remove", ADMIN),
    page("GET", "/dashboard/alerts/channels", "channel.list", METADATA),
    page("POST", "/dashboard/alerts/channels", "channel.create", ADMIN),
    page("POST", "/dashboard/alerts/channels/{id}/test", "channel.test", ADMIN),
    page("POST", "/dashboard/alerts/channels/{id}/activity", "channel.update", ADMIN),
    page("POST", "/dashboard/alerts/channels/{id}/rotate-secret", "channel.rotate_secret", ADMIN),
    page("POST", "/dashboard/alerts/channels/{id}/remove", "channel.delete", ADMIN),
    page("POST", "/dashboard/alerts/routes", "alert.routes_set", ADMIN),
    page("POST", "/dashboard/alerts/routes/remove", "alert.routes_set", ADMIN),
    page("GET", "/dashboard/alerts/silences", "alert.silence_list", METADATA),
    page("POST", "/dashboard/alerts/silences", "alert.silence", ADMIN),
    page("POST", "/dashboard/alerts/silences/{id}/end", "alert.unsilence", ADMIN),
    page("GET", "/dashboard/alerts/deliveries", "alert.delivery_list", METADATA),
    page("POST", "/dashboard/alerts/deliveries/{id}/retry", "alert.retry", ADMIN),
    page("GET", "/dashboard/alerts/{id}", "alert.show", METADATA),
    page("POST", "/dashboard/alerts/{id}/acknowledge", "alert.acknowledge", ADMIN),
    page("POST", "/dashboard/alerts/{id}/resolve", "alert.resolve", ADMIN),
    page("GET", "/dashboard/users", "user.list", METADATA),
    page("POST", "/dashboard/users", "user.create", ADMIN),
    page("POST", "/dashboard/users/{id}/role", "user.update", ADMIN),
    page("POST", "/dashboard/users/{id}/activity", "user.update", ADMIN),
    page("POST", "/dashboard/users/{id}/sessions/end", "session.end", ADMIN),
    page("POST", "/dashboard/users/{id}/delete", "user.delete", ADMIN),
    page("GET", "/dashboard/keys", "key.list", METADATA),
    page("POST", "/dashboard/keys/rotate", "key.rotate", ADMIN),
    page("POST", "/dashboard/keys/rotate-master", "key.rotate_master", ADMIN),
    page("POST", "/dashboard/keys/retire-master", "key.retire_master", ADMIN),
    page("GET", "/dashboard/settings", "page.settings", METADATA),
    page("GET", "/dashboard/start", "page.start", METADATA),
    page("POST", "/dashboard/start/environment", "credential.create", ADMIN),
    page("GET", "/dashboard/find", "page.find", FIND),
    page("GET", "/dashboard/events", "page.events", ANY),
    page("POST", "/dashboard/display", "session.display", ANY),
    page("GET", "/dashboard/audit/verify", "audit.verify", METADATA),
    page("GET", "/dashboard/tokens", "token.list", METADATA),
    page("POST", "/dashboard/tokens", "token.create", ADMIN),
    page("POST", "/dashboard/tokens/{id}/revoke", "token.revoke", ADMIN),
    page("GET", "/dashboard/audit", "audit.list", METADATA),
    page("GET", "/dashboard/mine", "usage.own", ANY),
    page("GET", "/dashboard/sessions", "session.list", ANY),
    page("GET", "/dashboard/{*rest}", "page.none", ANY),
    page("POST", "/dashboard/sessions/{id}/end", "session.end", ANY),
];

/// The page with this method and path template. HEAD is answered as GET.
#[must_use]
pub fn find(method: &Method, path: &str) -> Option<&'static PageRoute> {
    let method = if method == Method::HEAD { "GET" } else { method.as_str() };
    PAGES.iter().find(|page| page.method == method && page.path == path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_way_in_and_files_are_for_everybody_and_no_change_is_for_those_who_see_metadata_only() {
        for page in PAGES {
            match page.roles {
                None => assert!(
                    !page.path.starts_with("/dashboard") || page.path.contains("/assets/"),
                    "{}",
                    page.path
                ),
                // A key is shown to whoever reads keys in any other way as well.
                Some(roles) if page.action == "credential.read" => {
                    assert_eq!(roles, [Role::Admin, Role::Reader], "{}", page.path);
                }
                Some(roles) if page.method == "POST" && !page.action.starts_with("session.") => {
                    assert_eq!(roles, [Role::Admin], "{}", page.path);
                }
                Some(_) => {}
            }
        }
    }

    #[test]
    fn only_post_changes_anything() {
        assert!(PAGES.iter().all(|page| ["GET", "POST"].contains(&page.method)));
        assert!(find(&Method::HEAD, "/dashboard").is_some());
        assert!(find(&Method::HEAD, "/logout").is_none() && find(&Method::PUT, "/login").is_none());
    }
}
