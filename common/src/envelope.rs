//! What travels on the broker: a tagged, versioned JSON document around a message.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::broker::Outgoing;
use crate::domain::event::Event;
use crate::domain::inbound::InboundMessage;
use crate::telemetry::trace::{TRACEPARENT, TraceParent};

/// What may travel: its tag and the version of its shape. The shapes are listed in `docs/messages.md`.
pub trait Wire: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The tag, such as `inbound_message`.
    const KIND: &'static str;
    /// Counts up when a reader of the old shape could not read the new one.
    const VERSION: u32;

    /// Notes which span processes it, for what it leads to. On the way that stands in a header.
    fn set_trace(&mut self, trace: Option<TraceParent>);
}

impl Wire for InboundMessage {
    const KIND: &'static str = "inbound_message";
    const VERSION: u32 = 1;

    fn set_trace(&mut self, trace: Option<TraceParent>) {
        self.trace = trace;
    }
}

impl Wire for Event {
    const KIND: &'static str = "event";
    const VERSION: u32 = 1;

    fn set_trace(&mut self, trace: Option<TraceParent>) {
        self.trace = trace;
    }
}

#[derive(Serialize, Deserialize)]
struct Envelope<B> {
    kind: String,
    version: u32,
    id: Uuid,
    body: B,
}

/// Why a payload cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Not JSON, or not of the shape.
    #[error("not a readable {expected} envelope: {source}")]
    Malformed {
        /// The tag that was expected.
        expected: &'static str,
        /// Where reading stopped.
        source: serde_json::Error,
    },
    /// Something else, or of a version from another time.
    #[error("expected {expected} version {version}, found {found_kind} version {found_version}")]
    Foreign {
        /// The tag that was expected.
        expected: &'static str,
        /// The version that was expected.
        version: u32,
        /// The tag that was found.
        found_kind: String,
        /// The version that was found.
        found_version: u32,
    },
}

/// Packs a message for the broker.
///
/// # Errors
/// When it cannot be written as JSON, which a map with keys other than strings would cause.
pub fn seal<B: Wire>(id: Uuid, body: &B) -> Result<Outgoing, serde_json::Error> {
    pack::<B>(id, body)
}

/// Adds the context that a message travels in.
#[must_use]
pub fn traced(mut message: Outgoing, trace: Option<&TraceParent>) -> Outgoing {
    if let Some(trace) = trace {
        message.headers.insert(TRACEPARENT.to_owned(), trace.to_string());
    }
    message
}

/// Packs a message that was kept as JSON, without reading it: if it cannot be read, its reader says so.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn seal_kept<B: Wire>(id: Uuid, body: &serde_json::Value) -> Result<Outgoing, serde_json::Error> {
    pack::<B>(id, body)
}

fn pack<B: Wire>(id: Uuid, body: &impl Serialize) -> Result<Outgoing, serde_json::Error> {
    let envelope = Envelope { kind: B::KIND.to_owned(), version: B::VERSION, id, body };
    Ok(Outgoing { id, payload: serde_json::to_vec(&envelope)?, headers: std::collections::BTreeMap::new() })
}

/// Reads a message from the broker.
///
/// # Errors
/// When the payload is not an envelope of this kind and version.
pub fn open<B: Wire>(payload: &[u8]) -> Result<B, DecodeError> {
    let read = serde_json::from_slice::<Envelope<B>>(payload);
    if let Ok(Envelope { kind, version, body, .. }) = read {
        return if kind == B::KIND && version == B::VERSION { Ok(body) } else { Err(foreign::<B>(kind, version)) };
    }
    let malformed = |source| DecodeError::Malformed { expected: B::KIND, source };
    let head: Envelope<serde::de::IgnoredAny> = serde_json::from_slice(payload).map_err(malformed)?;
    if head.kind != B::KIND || head.version != B::VERSION {
        return Err(foreign::<B>(head.kind, head.version));
    }
    read.map(|envelope| envelope.body).map_err(malformed)
}

fn foreign<B: Wire>(found_kind: String, found_version: u32) -> DecodeError {
    DecodeError::Foreign { expected: B::KIND, version: B::VERSION, found_kind, found_version }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_from_the_future_is_named() {
        let payload = br#"{"kind":"event","version":9,"id":"00000000-0000-0000-0000-000000000000","body":{}}"#;
        let error = open::<Event>(payload).expect_err("not our version");
        assert_eq!(error.to_string(), "expected event version 1, found event version 9");
    }

    #[test]
    fn garbage_is_an_error_that_names_what_was_expected() {
        let error = open::<InboundMessage>(b"\xff not json").expect_err("garbage");
        assert!(error.to_string().starts_with("not a readable inbound_message envelope"), "{error}");
    }
}
