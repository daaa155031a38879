//! The table of routes: who may call each, its effect, and the name of it in the audit trail.
//!
//! A route that is not in the table is refused, so that none can be added without saying who may.

use std::time::Duration;

use axum::http::Method;
use strongroom_model::Role;

/// Roles that may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Public,
    /// Whoever has one of these roles.
    Roles(&'static [Role]),
}

/// Effect of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    Tells,
    /// It changes something: one audit entry per call.
    Changes,
    /// It gives out a secret: one audit entry per call.
    Reveals,
    /// It lets go on what there is, every few seconds: no entry.
    Prolongs,
}

impl Effect {
    /// Tells whether a call that succeeds leaves an entry in the audit trail.
    #[must_use]
    pub fn is_audited(self) -> bool {
        matches!(self, Self::Changes | Self::Reveals)
    }
}

/// A route.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// The method.
    pub method: &'static str,
    /// The path, parameters in braces.
    pub path: &'static str,
    /// Its name in the audit trail, `noun.verb`.
    pub action: &'static str,
    /// Roles that may call it.
    pub access: Access,
    /// Its effect.
    pub effect: Effect,
}

impl Route {
    /// The longest that it may take to the head of its answer. A live test waits 30 seconds for a provider; what reads
    /// or writes without a bound takes as long as the client waits.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        match self.action {
            "audit.verify" | "credential.import" | "usage.verify" | "usage.reprice" | "usage.rebuild" => {
                Duration::from_secs(3600)
            }
            "ai.suggest" => Duration::from_secs(600),
            _ => Duration::from_secs(60),
        }
    }
}

const ADMIN: Access = Access::Roles(&[Role::Admin]);
const METADATA: Access = Access::Roles(&[Role::Admin, Role::Auditor]);
const READ: Access = Access::Roles(&[Role::Admin, Role::Reader]);
const READ_METADATA: Access = Access::Roles(&[Role::Admin, Role::Auditor, Role::Reader]);
const USE: Access = Access::Roles(&[Role::Admin, Role::Gateway, Role::Reader]);
const ANY: Access = Access::Roles(&Role::ALL);

const fn route(
    method: &'static str,
    path: &'static str,
    action: &'static str,
    access: Access,
    effect: Effect,
) -> Route {
    Route { method, path, action, access, effect }
}

/// Every route there is.
pub const ROUTES: &[Route] = &[
    route("GET", "/api/admin/credentials", "credential.list", METADATA, Effect::Tells),
    route("POST", "/api/admin/credentials", "credential.create", ADMIN, Effect::Changes),
    route(
        "POST",
        "/api/admin/credentials/reset-monthly-usage",
        "credential.reset_monthly_usage",
        ADMIN,
        Effect::Changes,
    ),
    route("POST", "/api/admin/credentials/generate-key", "key.generate", ADMIN, Effect::Tells),
    route("POST", "/api/admin/credentials/import", "credential.import", ADMIN, Effect::Changes),
    route("POST", "/api/admin/credentials/offboard", "credential.offboard", ADMIN, Effect::Changes),
    route("GET", "/api/admin/credentials/health", "credential.health", METADATA, Effect::Tells),
    route("GET", "/api/admin/credentials/deleted", "credential.list_deleted", METADATA, Effect::Tells),
    route("GET", "/api/admin/credentials/unused", "credential.unused", METADATA, Effect::Tells),
    route("GET", "/api/admin/credentials/{id}", "credential.show", METADATA, Effect::Tells),
    route("PATCH", "/api/admin/credentials/{id}", "credential.update", ADMIN, Effect::Changes),
    route("DELETE", "/api/admin/credentials/{id}", "credential.delete", ADMIN, Effect::Changes),
    route("POST", "/api/admin/credentials/{id}/test", "credential.test", ADMIN, Effect::Tells),
    route("POST", "/api/admin/credentials/{id}/undelete", "credential.undelete", ADMIN, Effect::Changes),
    route("POST", "/api/admin/credentials/{id}/purge", "credential.purge", ADMIN, Effect::Changes),
    route("GET", "/api/admin/credentials/{id}/health", "credential.health_changes", METADATA, Effect::Tells),
    route("GET", "/api/admin/credentials/{id}/versions", "credential.versions", METADATA, Effect::Tells),
    route("POST", "/api/admin/credentials/{id}/versions", "credential.stage", ADMIN, Effect::Changes),
    route("GET", "/api/admin/credentials/{id}/versions/diff", "credential.diff", METADATA, Effect::Tells),
    route(
        "DELETE",
        "/api/admin/credentials/{id}/versions/{number}",
        "credential.destroy",
        ADMIN,
        Effect::Changes,
    ),
    route(
        "POST",
        "/api/admin/credentials/{id}/versions/{number}/rollback",
        "credential.rollback",
        ADMIN,
        Effect::Changes,
    ),
    route(
        "POST",
        "/api/admin/credentials/{id}/versions/{number}/test",
        "credential.probe",
        ADMIN,
        Effect::Tells,
    ),
    route("POST", "/api/admin/credentials/{id}/canary", "credential.canary", ADMIN, Effect::Changes),
    route("POST", "/api/admin/credentials/{id}/promote", "credential.promote", ADMIN, Effect::Changes),
    route("POST", "/api/admin/credentials/{id}/abort", "credential.abort", ADMIN, Effect::Changes),
    route("POST", "/api/admin/credentials/{id}/rotate", "credential.rotate", ADMIN, Effect::Changes),
    route("POST", "/api/admin/credentials/{id}/freeze", "credential.freeze", ADMIN, Effect::Changes),
    route("POST", "/api/admin/credentials/{id}/unfreeze", "credential.unfreeze", ADMIN, Effect::Changes),
    route("POST", "/api/admin/leaks/check", "leak.check", ADMIN, Effect::Changes),
    route("POST", "/api/admin/leaks/respond", "leak.respond", ADMIN, Effect::Changes),
    route("GET", "/api/admin/tokens", "token.list", METADATA, Effect::Tells),
    route("POST", "/api/admin/tokens", "token.create", ADMIN, Effect::Changes),
    route("DELETE", "/api/admin/tokens/{id}", "token.revoke", ADMIN, Effect::Changes),
    route("POST", "/api/admin/tokens/{id}/lease", "token.prolong", ADMIN, Effect::Prolongs),
    route("POST", "/api/admin/sessions/codes", "session.offer", ADMIN, Effect::Changes),
    route("GET", "/api/admin/sessions/codes/{id}", "session.offered", ADMIN, Effect::Tells),
    route("GET", "/api/admin/users", "user.list", METADATA, Effect::Tells),
    route("POST", "/api/admin/users", "user.create", ADMIN, Effect::Changes),
    route("GET", "/api/admin/users/{id}", "user.show", METADATA, Effect::Tells),
    route("PATCH", "/api/admin/users/{id}", "user.update", ADMIN, Effect::Changes),
    route("DELETE", "/api/admin/users/{id}", "user.delete", ADMIN, Effect::Changes),
    route("GET", "/api/admin/limits", "limit.list", METADATA, Effect::Tells),
    route("POST", "/api/admin/limits", "limit.set", ADMIN, Effect::Changes),
    route("POST", "/api/admin/limits/test", "limit.test", METADATA, Effect::Tells),
    route("GET", "/api/admin/limits/{id}", "limit.show", METADATA, Effect::Tells),
    route("GET", "/api/admin/limits/{id}/history", "limit.history", METADATA, Effect::Tells),
    route("PATCH", "/api/admin/limits/{id}", "limit.set", ADMIN, Effect::Changes),
    route("DELETE", "/api/admin/limits/{id}", "limit.remove", ADMIN, Effect::Changes),
    route("GET", "/api/admin/alerts", "alert.list", METADATA, Effect::Tells),
    route("GET", "/api/admin/alerts/silences", "alert.silences", METADATA, Effect::Tells),
    route("POST", "/api/admin/alerts/silences", "alert.silence", ADMIN, Effect::Changes),
    route("DELETE", "/api/admin/alerts/silences/{id}", "alert.unsilence", ADMIN, Effect::Changes),
    route("GET", "/api/admin/alerts/rules", "alert.rules", METADATA, Effect::Tells),
    route("POST", "/api/admin/alerts/rules", "alert.rule_set", ADMIN, Effect::Changes),
    route("POST", "/api/admin/alerts/rules/test", "alert.rule_test", METADATA, Effect::Tells),
    route("DELETE", "/api/admin/alerts/rules/{id}", "alert.rule_remove", ADMIN, Effect::Changes),
    route("GET", "/api/admin/alerts/channels", "channel.list", METADATA, Effect::Tells),
    route("POST", "/api/admin/alerts/channels", "channel.create", ADMIN, Effect::Changes),
    route("PATCH", "/api/admin/alerts/channels/{name}", "channel.update", ADMIN, Effect::Changes),
    route("DELETE", "/api/admin/alerts/channels/{name}", "channel.delete", ADMIN, Effect::Changes),
    route("POST", "/api/admin/alerts/channels/{name}/test", "channel.test", ADMIN, Effect::Changes),
    route(
        "POST",
        "/api/admin/alerts/channels/{name}/rotate-secret",
        "channel.rotate_secret",
        ADMIN,
        Effect::Changes,
    ),
    route("GET", "/api/admin/alerts/routes", "alert.routes", METADATA, Effect::Tells),
    route("POST", "/api/admin/alerts/routes", "alert.routes_set", ADMIN, Effect::Changes),
    route("GET", "/api/admin/alerts/deliveries", "alert.deliveries", METADATA, Effect::Tells),
    route("POST", "/api/admin/alerts/deliveries/{id}/retry", "alert.retry", ADMIN, Effect::Changes),
    route("GET", "/api/admin/alerts/{id}", "alert.show", METADATA, Effect::Tells),
    route("POST", "/api/admin/alerts/{id}/acknowledge", "alert.acknowledge", ADMIN, Effect::Changes),
    route("POST", "/api/admin/alerts/{id}/resolve", "alert.resolve", ADMIN, Effect::Changes),
    route("GET", "/api/admin/routes/explain", "route.explain", ANY, Effect::Tells),
    route("GET", "/api/admin/usage", "usage.show", METADATA, Effect::Tells),
    route("GET", "/api/admin/usage/records", "usage.records", METADATA, Effect::Tells),
    route("GET", "/api/admin/usage/records/{id}", "usage.record", METADATA, Effect::Tells),
    route("GET", "/api/admin/usage/verify", "usage.verify", METADATA, Effect::Tells),
    route("GET", "/api/admin/usage/top", "usage.top", METADATA, Effect::Tells),
    route("POST", "/api/admin/usage/rebuild", "usage.rebuild", ADMIN, Effect::Changes),
    route("POST", "/api/admin/usage/reprice", "usage.reprice", ADMIN, Effect::Changes),
    route("GET", "/api/admin/audit-logs", "audit.list", METADATA, Effect::Tells),
    route("GET", "/api/admin/audit-logs/verify", "audit.verify", METADATA, Effect::Tells),
    route("POST", "/api/admin/audit-logs/verify", "audit.verify", METADATA, Effect::Tells),
    route("POST", "/api/admin/backup", "backup.create", ADMIN, Effect::Reveals),
    route("POST", "/api/admin/backup/proofs", "backup.proven", ADMIN, Effect::Changes),
    route("GET", "/api/admin/encryption-keys", "key.list", METADATA, Effect::Tells),
    route("POST", "/api/admin/encryption-keys/rotate", "key.rotate", ADMIN, Effect::Changes),
    route("POST", "/api/admin/encryption-keys/rotate-master", "key.rotate_master", ADMIN, Effect::Changes),
    route("POST", "/api/admin/encryption-keys/retire-master", "key.retire_master", ADMIN, Effect::Changes),
    route("GET", "/api/admin/status", "status.show", ANY, Effect::Tells),
    route("GET", "/api/me", "me.show", ANY, Effect::Tells),
    route("GET", "/api/me/usage", "me.usage", ANY, Effect::Tells),
    route("GET", "/api/me/usage/records", "me.records", ANY, Effect::Tells),
    route("GET", "/api/me/usage/records/{id}", "me.record", ANY, Effect::Tells),
    route("GET", "/api/me/limits", "me.limits", ANY, Effect::Tells),
    route("GET", "/api/credentials/{name}", "credential.read", READ, Effect::Reveals),
    route("GET", "/api/credentials/{name}/rate-limit", "credential.rate_limit", READ_METADATA, Effect::Tells),
    route("GET", "/api/providers/{provider}/credential", "credential.read", READ, Effect::Reveals),
    route("POST", "/api/ai/suggestions", "ai.suggest", USE, Effect::Tells),
    route("GET", "/livez", "health.live", Access::Public, Effect::Tells),
    route("GET", "/readyz", "health.ready", Access::Public, Effect::Tells),
    route("GET", "/metrics", "health.metrics", Access::Public, Effect::Tells),
    route("GET", "/openapi.json", "docs.openapi", Access::Public, Effect::Tells),
    route("GET", "/docs", "docs.page", Access::Public, Effect::Tells),
];

/// The route with this method and path template. HEAD is answered as GET where that only tells something: nobody is to
/// spend a use on a key that HTTP then leaves out.
#[must_use]
pub fn find(method: &Method, path: &str) -> Option<&'static Route> {
    let (method, is_head) = if method == Method::HEAD { ("GET", true) } else { (method.as_str(), false) };
    let mut routes = ROUTES.iter().filter(|route| !is_head || route.effect == Effect::Tells);
    routes.find(|route| route.method == method && route.path == path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_or_reveals_something_is_never_public_and_never_for_a_role_that_sees_metadata_only() {
        for route in ROUTES.iter().filter(|route| route.effect != Effect::Tells) {
            let Access::Roles(roles) = route.access else {
                panic!("{} {} is public", route.method, route.path)
            };
            assert!(!roles.contains(&Role::Auditor) && !roles.contains(&Role::Gateway), "{}", route.path);
        }
    }

    #[test]
    fn head_tells_and_never_reveals() {
        assert_eq!(find(&Method::HEAD, "/api/admin/credentials").unwrap().action, "credential.list");
        assert!(find(&Method::HEAD, "/api/credentials/{name}").is_none());
        assert!(find(&Method::GET, "/nowhere").is_none());
    }
}
