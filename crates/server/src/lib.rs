//! The server of strongroom: HTTP API, gateway, command line, and the wiring behind them.

pub mod api;
pub mod cli;
pub mod config;
pub mod gateway;
pub mod http;
pub mod pages;
pub mod state;
pub mod telemetry;
pub mod wiring;
