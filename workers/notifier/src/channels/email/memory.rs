//! Mail that stays in the process, for tests.

use std::sync::Arc;

use lettre::address::Envelope;
use tokio::sync::watch;

/// A mail that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The sender of the envelope.
    pub from: String,
    /// The recipient of the envelope.
    pub to: String,
    /// The mail.
    pub bytes: Vec<u8>,
}

/// What was sent, in order.
#[derive(Debug, Clone)]
pub struct Memory {
    sent: Arc<watch::Sender<Vec<Sent>>>,
}

impl Default for Memory {
    fn default() -> Self {
        Self { sent: Arc::new(watch::Sender::default()) }
    }
}

impl Memory {
    /// All that was sent so far.
    #[must_use]
    pub fn sent(&self) -> Vec<Sent> {
        self.sent.borrow().clone()
    }

    /// Waits until `count` mails were sent, and returns all of them.
    pub async fn wait_for(&self, count: usize) -> Vec<Sent> {
        let mut sent = self.sent.subscribe();
        // The sender lives in `self`, so the channel cannot close while this waits.
        let _ = sent.wait_for(|sent| sent.len() >= count).await;
        self.sent()
    }

    pub(super) fn send(&self, envelope: &Envelope, bytes: &[u8]) -> String {
        let to = envelope.to().iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let from = envelope.from().map(ToString::to_string).unwrap_or_default();
        let mut number = 0;
        self.sent.send_modify(|sent| {
            sent.push(Sent { from, to, bytes: bytes.to_vec() });
            number = sent.len();
        });
        format!("kept as number {number}")
    }
}
