//! The binary as people and scripts see it: exit codes, stdout, stderr, against a server that answers as the API does.

mod audit;
mod backup;
mod beginning;
mod completion;
mod credential;
mod dates;
mod door;
mod export;
mod harness;
mod leak;
mod limit;
mod long_path;
mod offboard;
mod offline;
mod run;
mod scan;
mod terminal;
mod wrapping;
