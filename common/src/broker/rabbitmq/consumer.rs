//! Takes messages from one queue, on a connection of its own.
//!
//! A message that kills whoever takes it should die alone. RabbitMQ counts a delivery for each message
//! that was in the dead one's hand, and gives them all to the next. So a session begins with a
//! consumer that may hold one message, and only once that one is new does a second consumer take the
//! rest of the prefetch: what comes again comes first, one by one.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::task::{Context, Poll};

use async_trait::async_trait;
use futures::{FutureExt, StreamExt};
use lapin::Channel;
use lapin::options::{BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::FieldTable;
use tokio::task::JoinHandle;

use super::super::{BrokerError, Consumer, HEADER_QUEUE, HEADER_REASON, Incoming, Outgoing, Queue};
use super::Shared;
use super::link::{Link, Publish, limited};
use super::message::{self, Delivered};

/// A consumer that finds the server again by itself.
pub struct RabbitConsumer {
    shared: Arc<Shared>,
    queue: Queue,
    prefetch: u16,
    /// `None` after a failure, until somebody asks for more.
    session: Option<Session>,
    /// Where the tags of the next session begin, so that an answer never means another's message.
    next_tag: u64,
}

impl RabbitConsumer {
    pub async fn start(shared: Arc<Shared>, queue: Queue, prefetch: usize) -> Result<Self, BrokerError> {
        // No limit at all is a zero to RabbitMQ.
        let prefetch = u16::try_from(prefetch).unwrap_or(u16::MAX).max(1);
        let session = Session::start(&shared, queue, prefetch, 0).await?;
        Ok(Self { shared, queue, prefetch, session: Some(session), next_tag: 0 })
    }

    /// Runs `work` on the session, which ends when that fails: what is in hand comes again then.
    async fn settle(&mut self, tags: &[u64], settle: Settle<'_>) -> Result<(), BrokerError> {
        let Some(session) = &mut self.session else {
            lost(self.queue, tags.len());
            return Ok(());
        };
        let held: Vec<u64> = tags.iter().copied().filter(|tag| session.in_hand.contains_key(tag)).collect();
        lost(self.queue, tags.len() - held.len());
        let settled = session.settle(&self.shared, &held, settle).await;
        settled.inspect_err(|_| self.end())
    }

    fn end(&mut self) {
        if let Some(session) = self.session.take() {
            self.next_tag = session.next_tag;
        }
    }
}

/// Says that messages were answered that are in nobody's hand any more.
fn lost(queue: Queue, lost: usize) {
    if lost > 0 {
        tracing::warn!(queue = queue.as_str(), lost, "The connection was lost before messages were answered; they come again");
    }
}

#[async_trait]
impl Consumer for RabbitConsumer {
    async fn next_batch(&mut self, most: usize) -> Result<Vec<Incoming>, BrokerError> {
        let session = match &mut self.session {
            Some(session) => session,
            none => none.insert(Session::start(&self.shared, self.queue, self.prefetch, self.next_tag).await?),
        };
        let batch = session.next_batch(&self.shared, most).await;
        batch.inspect_err(|_| self.end())
    }

    async fn ack(&mut self, tags: &[u64]) -> Result<(), BrokerError> {
        self.settle(tags, Settle::Ack).await
    }

    async fn give_back(&mut self, tags: &[u64]) -> Result<(), BrokerError> {
        self.settle(tags, Settle::GiveBack).await
    }

    async fn reject(&mut self, tag: u64, reason: &str) -> Result<(), BrokerError> {
        self.settle(&[tag], Settle::Reject(reason)).await
    }

    async fn close(mut self: Box<Self>) -> Result<(), BrokerError> {
        match self.session.take() {
            Some(session) => session.close(&self.shared).await,
            None => Ok(()),
        }
    }
}

/// How a message is answered.
enum Settle<'a> {
    Ack,
    GiveBack,
    Reject(&'a str),
}

/// A consumer for as long as its connection holds.
struct Session {
    queue: Queue,
    link: Link,
    channel: Channel,
    prefetch: u16,
    streams: Vec<lapin::Consumer>,
    /// The second consumer, on its way. It is waited for also when whoever asked for messages stops:
    /// else what it takes would be in nobody's hand.
    widening: Option<JoinHandle<Result<lapin::Consumer, BrokerError>>>,
    widened: bool,
    /// The tag of the first message is one more.
    first: u64,
    next_tag: u64,
    /// What nobody has asked for yet.
    arrived: VecDeque<Incoming>,
    in_hand: BTreeMap<u64, Incoming>,
    /// The tags of all that is in hand or has arrived.
    unsettled: BTreeSet<u64>,
}

impl Session {
    async fn start(shared: &Shared, queue: Queue, prefetch: u16, first: u64) -> Result<Self, BrokerError> {
        let link = shared.open(&format!("consumer of {}", queue.as_str())).await?;
        let channel = link.new_channel().await?;
        let limit = shared.settings.limits.call;
        let cautious = limited(limit, "consume", consume(channel.clone(), shared.name(queue), 1)).await?;
        Ok(Self {
            queue,
            link,
            channel,
            prefetch,
            streams: vec![cautious],
            widening: None,
            widened: prefetch == 1,
            first,
            next_tag: first,
            arrived: VecDeque::new(),
            in_hand: BTreeMap::new(),
            unsettled: BTreeSet::new(),
        })
    }

    /// May be cancelled: whatever comes is put down before anything else is waited for.
    async fn next_batch(&mut self, shared: &Shared, most: usize) -> Result<Vec<Incoming>, BrokerError> {
        self.widen().await?;
        if self.arrived.is_empty() {
            let delivery = std::future::poll_fn(|context| self.poll_delivery(context)).await?;
            self.arrive(shared, delivery);
            self.widen().await?;
        }
        while let Some(delivery) = std::future::poll_fn(|context| self.poll_delivery(context)).now_or_never() {
            self.arrive(shared, delivery?);
        }
        let mut batch = Vec::new();
        while batch.len() < most.max(1) {
            // What comes again goes alone, so that if it cannot be done for now, it holds up no other.
            let fits = |next: &Incoming| batch.is_empty() || !next.redelivered;
            let Some(next) = self.arrived.pop_front_if(|next| fits(next)) else { break };
            self.in_hand.insert(next.tag, next.clone());
            let alone = next.redelivered;
            batch.push(next);
            if alone {
                break;
            }
        }
        Ok(batch)
    }

    fn poll_delivery(&mut self, context: &mut Context<'_>) -> Poll<Result<lapin::message::Delivery, BrokerError>> {
        for stream in &mut self.streams {
            let failed = match stream.poll_next_unpin(context) {
                Poll::Pending => continue,
                Poll::Ready(Some(Ok(delivery))) => return Poll::Ready(Ok(delivery)),
                Poll::Ready(Some(Err(error))) => error.into(),
                Poll::Ready(None) => "the server ended it, as when a queue is deleted".into(),
            };
            return Poll::Ready(Err(BrokerError::Unavailable { call: "consume", source: failed }));
        }
        Poll::Pending
    }

    fn arrive(&mut self, shared: &Shared, delivery: lapin::message::Delivery) {
        let tag = self.first + delivery.delivery_tag;
        let Delivered { id, payload, headers, redelivered, unanswered, died_here } = message::read(delivery, &shared.settings.prefix);
        let id = id.unwrap_or_else(|| shared.settings.ambient.new_id());
        if died_here && self.queue == Queue::Dead {
            let (queue, reason) = (&headers[HEADER_QUEUE], &headers[HEADER_REASON]);
            tracing::error!(queue, message.id = %id, "RabbitMQ moved a message to the dead letters: {reason}");
        }
        self.next_tag = self.next_tag.max(tag);
        self.unsettled.insert(tag);
        self.arrived.push_back(Incoming { tag, id, payload, headers, redelivered });
        if !unanswered && !self.widened {
            self.widened = true;
            let (channel, name) = (self.channel.clone(), shared.name(self.queue));
            let (limit, rest) = (shared.settings.limits.call, self.prefetch - 1);
            self.widening = Some(tokio::spawn(async move { limited(limit, "consume", consume(channel, name, rest)).await }));
        }
    }

    /// Waits for the second consumer, if it is on its way. May be cancelled.
    async fn widen(&mut self) -> Result<(), BrokerError> {
        if let Some(widening) = &mut self.widening {
            let widened = widening.await;
            self.widening = None;
            let stream = widened.map_err(|error| BrokerError::Unavailable { call: "consume", source: error.into() })??;
            self.streams.push(stream);
        }
        Ok(())
    }

    async fn settle(&mut self, shared: &Shared, tags: &[u64], settle: Settle<'_>) -> Result<(), BrokerError> {
        let held = || tags.iter().filter_map(|tag| self.in_hand.get(tag));
        match settle {
            Settle::Ack => {}
            Settle::GiveBack => shared.publish(self.queue, &held().map(|message| again(message, true)).collect::<Vec<_>>()).await?,
            Settle::Reject(reason) => {
                let dead = |message: &Incoming| {
                    let mut letter = again(message, false);
                    letter.message.headers.insert(HEADER_QUEUE.to_owned(), self.queue.as_str().to_owned());
                    letter.message.headers.insert(HEADER_REASON.to_owned(), reason.to_owned());
                    letter
                };
                shared.publish(Queue::Dead, &held().map(dead).collect::<Vec<_>>()).await?;
            }
        }
        self.ack(shared, tags.iter().copied().collect()).await
    }

    /// Acks with as few words as it takes: all that are older than anything unanswered at once.
    async fn ack(&mut self, shared: &Shared, mut tags: BTreeSet<u64>) -> Result<(), BrokerError> {
        let limit = shared.settings.limits.call;
        let oldest: Vec<u64> = self.unsettled.iter().copied().take_while(|tag| tags.contains(tag)).collect();
        if let Some(last) = oldest.last() {
            let all = BasicAckOptions { multiple: true };
            limited(limit, "ack", self.channel.basic_ack(last - self.first, all)).await?;
        }
        for tag in oldest {
            tags.remove(&tag);
            self.settled(tag);
        }
        for tag in tags {
            limited(limit, "ack", self.channel.basic_ack(tag - self.first, BasicAckOptions::default())).await?;
            self.settled(tag);
        }
        Ok(())
    }

    fn settled(&mut self, tag: u64) {
        self.unsettled.remove(&tag);
        self.in_hand.remove(&tag);
    }

    /// Stops to take, and gives back all that is in hand: first what nobody has seen, so that what may
    /// be in the way of the rest comes after it.
    async fn close(mut self, shared: &Shared) -> Result<(), BrokerError> {
        self.widen().await?;
        let limit = shared.settings.limits.call;
        for stream in &self.streams {
            limited(limit, "stop consuming", self.channel.basic_cancel(stream.tag(), BasicCancelOptions::default())).await?;
        }
        for mut stream in std::mem::take(&mut self.streams) {
            // What came before the server had heard of it.
            while let Some(Some(Ok(delivery))) = stream.next().now_or_never() {
                self.arrive(shared, delivery);
            }
        }
        let unseen = self.arrived.iter().map(|message| again(message, message.redelivered));
        let seen = self.in_hand.values().map(|message| again(message, true));
        let all: Vec<Publish> = unseen.chain(seen).collect();
        shared.publish(self.queue, &all).await?;
        let tags = self.unsettled.clone();
        self.ack(shared, tags).await?;
        self.link.close().await;
        Ok(())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Without a goodbye, so that what is in hand comes again at once.
        self.link.abandon();
    }
}

/// A message to be published once more.
fn again(message: &Incoming, given_back: bool) -> Publish {
    let Incoming { id, payload, headers, .. } = message.clone();
    Publish { message: Outgoing { id, payload, headers }, given_back }
}

/// Consumes from a queue with at most `prefetch` messages in hand.
async fn consume(channel: Channel, queue: String, prefetch: u16) -> Result<lapin::Consumer, lapin::Error> {
    channel.basic_qos(prefetch, BasicQosOptions { global: false }).await?;
    channel.basic_consume(queue.as_str().into(), "".into(), BasicConsumeOptions::default(), FieldTable::default()).await
}
