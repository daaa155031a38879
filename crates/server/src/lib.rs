//! The doors of strongroom: HTTP API, CLI, and the wiring behind them.

pub mod api;
pub mod cli;
pub mod config;
pub mod gateway;
pub mod http;
pub mod state;
pub mod telemetry;
pub mod wiring;
