//! The operator's command as its users run it: the real program, on databases and folders of its own.

mod apply;
mod client;
mod compose;
mod config;
mod database;
mod dead;
mod embedded;
mod inspect;
mod migrate;
mod pipe;
mod policies;
mod preferences;
mod records;
mod show;
mod telling;
mod up;
mod world;
