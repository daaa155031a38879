//! The doors of strongroom: HTTP API, CLI, and the wiring behind them.

pub mod cli;
pub mod config;
