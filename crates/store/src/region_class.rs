//! What each table is to a deployment of several regions: who writes its rows, and where they go.

/// A class of tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegionClass {
    /// The catalogue: written in the home region, read in all.
    Home,
    /// Written by each region for itself, under its name, and read at home.
    Own,
    /// Computed from tables of the other classes, wherever it is read.
    Derived,
    /// About the servers of one database, and of no use elsewhere.
    Local,
}

/// Tables by class. A table that a migration brings is added here; a test compares this with the schema of both databases.
pub const TABLES: &[(RegionClass, &[&str])] = &[
    (
        RegionClass::Home,
        &[
            "master_keys",
            "encryption_keys",
            "key_wraps",
            "key_rotations",
            "users",
            "tokens",
            "api_credentials",
            "credential_versions",
            "credential_values",
            "credential_reminders",
            "limits",
            "changes",
            "change_log",
            "alert_rules",
            "alert_channels",
            "alert_channel_values",
            "alert_silences",
            "alert_routes",
        ],
    ),
    (
        RegionClass::Own,
        &[
            "counters",
            "counter_entries",
            "tag_sets",
            "usage_dims",
            "usage_contexts",
            "usage_lines",
            "usage_days",
            "usage_5m",
            "usage_hours",
            "usage_day_writes",
            "usage_marks",
            "limit_samples",
            "limit_refusals",
            "credential_health",
            "credential_transitions",
            "alert_states",
            "alert_incidents",
            "alert_deliveries",
            "reveal_places",
            "version_drains",
            "key_holders",
            "audit_logs",
            "audit_heads",
        ],
    ),
    (
        RegionClass::Derived,
        &[
            "usage_days_mix",
            "usage_subject_hours",
            "usage_subject_days",
            "usage_subject_months",
            "usage_tops",
        ],
    ),
    (
        RegionClass::Local,
        &[
            "strongroom_meta",
            "nodes",
            "node_holds",
            "idempotency_keys",
            "job_leases",
            "sessions",
            "login_codes",
        ],
    ),
];

/// Returns the class of a table.
#[must_use]
pub fn of(table: &str) -> Option<RegionClass> {
    TABLES.iter().find(|(_, names)| names.contains(&table)).map(|(class, _)| *class)
}
