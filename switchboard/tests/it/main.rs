//! The operator's command as its users run it: the real program, on databases and folders of its own.

mod apply;
mod compose;
mod config;
mod dead;
mod embedded;
mod inspect;
mod migrate;
mod pipe;
mod policies;
mod show;
mod up;
mod world;
