//! The gateway of the real binary before a fake of all providers.

mod answers;
mod bodies;
mod canary;
mod codings;
mod connections;
mod doors;
mod endings;
mod failover;
mod further_providers;
mod headers;
mod limits;
mod refusals;
mod streams;
mod unbounded;
