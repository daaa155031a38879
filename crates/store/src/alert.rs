//! Alerts: incidents, what became of telling of them, and whom they are told.

pub mod backtest;
pub mod channel;
pub mod delivery;
pub mod figure;
pub mod incident;
pub mod message;
pub mod route;
pub mod rule;
pub mod silence;
pub mod state;
