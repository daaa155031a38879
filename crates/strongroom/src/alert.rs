//! Alerts: who is told of what, and how far that is.
//!
//! Incidents are written where they are seen: thresholds of limits with the use itself (`crossing.rs`), all else by the watch. From there
//! on everything is a job: the fan-out decides once which channels are told (`fan_out.rs`), what goes out together becomes a message, and
//! messages are claimed, sent and written off (`delivery.rs`).

mod channel;
mod delivery;
mod digest;
mod fan_out;
mod figure;
mod figure_test;
mod fire;
mod lasting;
mod rule;
mod seen;
mod service;
mod text;
mod watch;
mod work;

use std::sync::{Arc, OnceLock};

use strongroom_connectors::alert_channel::Outbound;
use strongroom_connectors::endpoint_guard::EndpointGuard;
use strongroom_model::Problem;

pub(crate) use channel::broken_channels;
pub use channel::{ChannelInUse, ChannelView, NewChannel, Tested};
pub use fire::{Backtested, Fire};
pub use rule::RuleView;
pub use service::{AlertService, IncidentView, NewSilence};
pub use strongroom_connectors::alert_channel::{ChannelKind, ChannelSettings, MailSettings};
pub use strongroom_model::alert::{
    Level, Notice, QuietHours, Route, Rule, Settings, SilenceMatcher, Standing, Thresholds,
};
pub use strongroom_store::alert::delivery::{ChannelStanding, Delivery};
pub use strongroom_store::alert::incident::{Incident, IncidentFilter, Subject};
pub use strongroom_store::alert::rule::RuleScope;
pub use strongroom_store::alert::silence::Silence;
pub use work::AlertWork;

use crate::custody::Custody;

/// Settings of alerts.
#[derive(Debug, Clone, Default)]
pub struct AlertOptions {
    /// Hosts, or hosts with ports, that channels may have although they are private, or are spoken to without TLS.
    pub allowed: Vec<String>,
    /// The address at which people have the dashboard, for links in messages.
    pub public_url: Option<String>,
}

/// What alerts are sent with.
#[derive(Debug)]
pub(crate) struct Alerts {
    pub(crate) custody: Arc<Custody>,
    guard: EndpointGuard,
    options: AlertOptions,
    outbound: OnceLock<Outbound>,
    seen: seen::SeenSoFar,
}

impl Alerts {
    pub(crate) const fn new(custody: Arc<Custody>, guard: EndpointGuard, options: AlertOptions) -> Self {
        Self { custody, guard, options, outbound: OnceLock::new(), seen: seen::SeenSoFar::new() }
    }

    /// The ways out, made when they are needed for the first time: who tells nobody needs no certificates.
    fn outbound(&self) -> Result<&Outbound, Problem> {
        if let Some(made) = self.outbound.get() {
            return Ok(made);
        }
        let made = Outbound::new(&self.guard, self.options.allowed.clone())?;
        Ok(self.outbound.get_or_init(|| made))
    }

    /// The page of an alert, or that of all, for people. It shows; nothing changes by opening it.
    fn link(&self, incident: Option<strongroom_model::Uid>) -> Option<String> {
        let page = incident.map(|uid| format!("/{uid}")).unwrap_or_default();
        self.options.public_url.as_ref().map(|url| format!("{url}/dashboard/alerts{page}"))
    }

    /// Where the API tells of an incident, for programs.
    fn resource(&self, incident: strongroom_model::Uid) -> Option<String> {
        self.options.public_url.as_ref().map(|url| format!("{url}/api/admin/alerts/{incident}"))
    }
}
