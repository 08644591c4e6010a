//! Platforms that are stood in for: each behaves as its documentation says, refuses what the real one refuses, and can be told
//! what to do next. They answer HTTP in the clear on a free port of the loopback, and end with the test's runtime.

pub mod oauth;
mod server;
pub mod slack;
pub mod twilio;
pub mod webhook;
pub mod whatsapp;

pub use server::{Behaviour, Call, Platform, Reply};
