//! Traces: a message's way through the workers, as spans of one trace.
//!
//! The context travels in the header `traceparent` of every message (W3C Trace Context, level 1), in
//! the event that it led to, and with the deliveries that are planned from that. Where no collector is
//! configured nothing is recorded, and what came in is handed on as it was.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::Duration;

pub use opentelemetry::trace::SpanKind;
use opentelemetry::trace::{Span as _, SpanContext, Status, TraceContextExt, TraceFlags, TraceState, Tracer, TracerProvider};
use opentelemetry::{Context, KeyValue, SpanId, TraceId};
use opentelemetry_otlp::{WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, Span as SdkSpan};
use serde::{Deserialize, Serialize};

/// The header that carries the context.
pub const TRACEPARENT: &str = "traceparent";

/// How long the last spans may take to reach the collector when the process ends.
const FLUSH: Duration = Duration::from_secs(3);

static TRACER: OnceLock<SdkTracer> = OnceLock::new();

/// A trace and the span in it that led here, as `traceparent` writes it:
/// `00-<trace, 32 hex digits>-<span, 16 hex digits>-<flags, 2 hex digits>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TraceParent(SpanContext);

impl TraceParent {
    /// Reads a header. `None` for what is not of the form, as the standard asks: the trace begins anew.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let is_hex = |part: &str, length| part.len() == length && part.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        let is_known = is_hex(version, 2) && version != "ff" && (version != "00" || parts.next().is_none());
        if !is_known || !is_hex(trace, 32) || !is_hex(span, 16) || !is_hex(flags, 2) {
            return None;
        }
        let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?) & TraceFlags::SAMPLED;
        let (trace, span) = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?);
        let context = SpanContext::new(trace, span, flags, true, TraceState::NONE);
        context.is_valid().then_some(Self(context))
    }

    /// The context in the headers of a message, if there is one.
    #[must_use]
    pub fn of(headers: &BTreeMap<String, String>) -> Option<Self> {
        headers.get(TRACEPARENT).and_then(|text| Self::parse(text))
    }
}

impl std::fmt::Display for TraceParent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "00-{}-{}-{:02x}", self.0.trace_id(), self.0.span_id(), self.0.trace_flags().to_u8())
    }
}

impl From<TraceParent> for String {
    fn from(parent: TraceParent) -> Self {
        parent.to_string()
    }
}

impl TryFrom<String> for TraceParent {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("{text:?} is not a traceparent"))
    }
}

/// A piece of work. It ends when it is dropped.
#[derive(Debug)]
pub struct Span {
    recorded: Option<SdkSpan>,
    context: Option<TraceParent>,
}

impl Span {
    /// Begins a piece of work that `parent` led to. `attributes` are asked for only where spans are
    /// recorded.
    #[must_use]
    pub fn begin<const N: usize>(
        name: &'static str,
        kind: SpanKind,
        parent: Option<&TraceParent>,
        attributes: impl FnOnce() -> [(&'static str, String); N],
    ) -> Self {
        let Some(tracer) = TRACER.get() else {
            return Self { recorded: None, context: parent.cloned() };
        };
        let led_here = parent.map_or_else(Context::new, |parent| Context::new().with_remote_span_context(parent.0.clone()));
        let attributes = attributes().map(|(key, value)| KeyValue::new(key, value));
        let recorded = tracer.span_builder(name).with_kind(kind).with_attributes(attributes).start_with_context(tracer, &led_here);
        let context = Some(TraceParent(recorded.span_context().clone())).filter(|context| context.0.is_valid());
        Self { recorded: Some(recorded), context }
    }

    /// What it hands on to the work that it leads to.
    #[must_use]
    pub fn context(&self) -> Option<TraceParent> {
        self.context.clone()
    }

    /// Notes that it failed, and why.
    pub fn fail(&mut self, why: &str) {
        if let Some(recorded) = &mut self.recorded {
            recorded.set_status(Status::error(why.to_owned()));
        }
    }

    /// Notes something that is known only now.
    pub fn note(&mut self, key: &'static str, value: String) {
        if let Some(recorded) = &mut self.recorded {
            recorded.set_attribute(KeyValue::new(key, value));
        }
    }
}

/// Sends what is left to the collector when it is dropped.
#[derive(Debug)]
pub struct Tracing(SdkTracerProvider);

impl Drop for Tracing {
    fn drop(&mut self) {
        if let Err(error) = self.0.shutdown_with_timeout(FLUSH) {
            tracing::warn!("The last spans did not reach the collector: {error}");
        }
    }
}

/// Records spans from now on, and sends them to the collector at `endpoint` by OTLP over HTTP (the
/// specification adds `/v1/traces` to it). `service` is the name of this worker. To be called once,
/// outside of any asynchronous runtime: the exporter has a thread of its own.
///
/// # Errors
/// When `endpoint` is not a URL, or something records already.
pub fn start(service: &'static str, endpoint: &str) -> anyhow::Result<Tracing> {
    // Whoever came first installed the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::blocking::Client::builder().timeout(Duration::from_secs(10)).build()?;
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_http_client(client)
        .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
        .build()?;
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(Resource::builder().with_service_name(service).build())
        .build();
    TRACER.set(provider.tracer("switchboard")).map_err(|_| anyhow::anyhow!("spans are recorded already"))?;
    Ok(Tracing(provider))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRITTEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_context_is_written_as_it_was_read() {
        assert_eq!(TraceParent::parse(WRITTEN).expect("of the form").to_string(), WRITTEN);
    }

    #[test]
    fn what_is_not_of_the_form_is_no_context() {
        let wrong = [
            "",
            "00",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473é-00f067aa0ba902b7-01",
        ];
        for text in wrong {
            assert_eq!(TraceParent::parse(text), None, "{text}");
        }
    }

    #[test]
    fn without_a_collector_the_context_is_handed_on_as_it_was() {
        let parent = TraceParent::parse(WRITTEN);
        assert_eq!(Span::begin("work", SpanKind::Internal, parent.as_ref(), || []).context(), parent);
        assert_eq!(Span::begin("work", SpanKind::Internal, None, || []).context(), None);
    }
}
