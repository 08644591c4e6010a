//! The floor: lettre's own pool, used as its documentation has it, hands over mails that were written beforehand.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use lettre::address::Envelope;
use lettre::transport::smtp::PoolConfig;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use tokio::task::JoinSet;

use crate::sink::{Sink, Taken};

fn envelope(mail: &Taken) -> Envelope {
    let address = |text: &str| text.parse().expect("an address");
    Envelope::new(Some(address(&mail.from)), vec![address(&mail.to)]).expect("a recipient")
}

/// How long so many mails take.
pub async fn pool(sink: &Sink, mails: &[Taken], connections: usize, count: usize) -> Duration {
    let size = PoolConfig::new().max_size(u32::try_from(connections).expect("few"));
    let transport: AsyncSmtpTransport<Tokio1Executor> =
        AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("127.0.0.1").port(sink.port).pool_config(size).build();
    let mails: Arc<Vec<_>> = Arc::new(mails.iter().map(|mail| (envelope(mail), mail.bytes.clone())).collect());
    let next = Arc::new(AtomicUsize::new(0));
    let begun = Instant::now();
    let mut senders = JoinSet::new();
    for _ in 0..connections {
        let (transport, mails, next) = (transport.clone(), Arc::clone(&mails), Arc::clone(&next));
        senders.spawn(async move {
            while let Some(n) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|n| *n < count) {
                let (envelope, bytes) = &mails[n % mails.len()];
                transport.send_raw(envelope, bytes).await.expect("sent");
            }
        });
    }
    senders.join_all().await;
    begun.elapsed()
}
