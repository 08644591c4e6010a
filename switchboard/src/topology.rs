//! `switchboard topology`: what stands on RabbitMQ, and why.

use switchboard_common::broker::rabbitmq::topology::{QueueSpec, Topology};
use switchboard_common::config::Config;

use crate::output::{FAINT, Page, STRONG, pad, paint, print};

/// Prints the topology under the configured prefix.
pub fn run(config: &Config, json: bool) -> anyhow::Result<()> {
    let topology = Topology::new(&config.amqp.prefix);
    if json {
        return print(&format!("{}\n", serde_json::to_string_pretty(&topology)?));
    }
    print(&page(&topology))
}

fn page(topology: &Topology) -> String {
    let mut page = Page::default();
    page.heading("Exchanges (durable)");
    for exchange in &topology.exchanges {
        page.line(1, &format!("{}  {}", paint(STRONG, &exchange.name), exchange.kind));
        page.line(2, &paint(FAINT, exchange.why));
    }
    page.heading("Queues (durable)");
    for queue in &topology.queues {
        queue_lines(&mut page, queue);
    }
    page.heading("Bindings");
    for binding in &topology.bindings {
        page.line(1, &format!("{} → {}", paint(STRONG, &binding.exchange), paint(STRONG, &binding.queue)));
        page.line(2, &paint(FAINT, binding.why));
    }
    page.line(1, "Work is published to the default exchange, which knows every queue by its name.");
    page.finish()
}

fn queue_lines(page: &mut Page, queue: &QueueSpec) {
    page.line(1, &paint(STRONG, &queue.name));
    page.line(2, &paint(FAINT, queue.why));
    for argument in &queue.arguments {
        let value = argument.value.to_string();
        page.line(2, &format!("{} {} {}", pad(argument.name, 24), pad(&value, 26), paint(FAINT, argument.why)));
    }
}
