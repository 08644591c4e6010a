//! Whoever takes webhooks: it keeps what comes, and answers 204, one of the codes by which a receiver says that it has it
//! (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>).

use super::server::{Behaviour, Call, Platform, Reply};

/// Takes everything.
#[derive(Debug, Default)]
pub struct Receiver {
    /// What was posted, in order.
    pub taken: Vec<Call>,
}

/// Starts one.
pub async fn start() -> Platform<Receiver> {
    Platform::start(Receiver::default()).await
}

impl Behaviour for Receiver {
    fn answer(&mut self, call: &Call) -> Reply {
        self.taken.push(call.clone());
        Reply::status(204)
    }
}
