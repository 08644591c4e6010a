//! How fast mails are read, beside the parser library alone on the same bytes, in one run.
//!
//! Each round reads every kind of mail once in either way, so that whatever else the machine does
//! slows both; the medians of the rounds are compared.

use std::hint::black_box;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use mail_parser::MessageParser;
use switchboard_mail_reader::{Inspected, SmtpEnvelope, read};
use switchboard_test_mails::everyday;

const ROUNDS: usize = 15;

/// As `switchboard inspect email` does.
fn inspected(raw: &[u8]) {
    let mail = read(raw, &SmtpEnvelope::default());
    serde_json::to_writer(io::sink(), &Inspected::new(&mail, "unverified")).expect("can be written as JSON");
    black_box(mail);
}

/// As the library does it: all parts decoded, the first text and HTML made of each other where one is missing.
fn parsed(raw: &[u8]) {
    let message = MessageParser::default().parse(raw);
    if let Some(message) = &message {
        black_box((message.body_text(0), message.body_html(0)));
    }
    black_box(message);
}

fn took(mails: &[Vec<u8>], work: fn(&[u8])) -> Duration {
    let start = Instant::now();
    for raw in mails {
        work(raw);
    }
    start.elapsed()
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64()
}

fn main() -> io::Result<()> {
    let kinds = everyday::kinds();
    let mut times = vec![(Vec::new(), Vec::new()); kinds.len()];
    for _ in 0..ROUNDS {
        for ((_, mails), (ours, theirs)) in kinds.iter().zip(&mut times) {
            ours.push(took(mails, inspected));
            theirs.push(took(mails, parsed));
        }
    }
    let mut out = io::stdout().lock();
    writeln!(out, "{:<18}{:>8}{:>10}{:>16}{:>18}{:>10}", "kind", "mails", "MB", "inspect MB/s", "mail-parser MB/s", "times")?;
    let mut all = (0, 0.0, 0.0, 0.0);
    for ((name, mails), (ours, theirs)) in kinds.iter().zip(times) {
        let megabytes = f64::from(u32::try_from(mails.iter().map(Vec::len).sum::<usize>()).expect("fewer than 4 GB")) / 1e6;
        let (ours, theirs) = (median(ours), median(theirs));
        row(&mut out, name, mails.len(), megabytes, ours, theirs)?;
        all = (all.0 + mails.len(), all.1 + megabytes, all.2 + ours, all.3 + theirs);
    }
    row(&mut out, "all", all.0, all.1, all.2, all.3)
}

fn row(out: &mut impl Write, name: &str, mails: usize, megabytes: f64, ours: f64, theirs: f64) -> io::Result<()> {
    let (our_speed, their_speed, times) = (megabytes / ours, megabytes / theirs, ours / theirs);
    writeln!(out, "{name:<18}{mails:>8}{megabytes:>10.1}{our_speed:>16.1}{their_speed:>18.1}{times:>10.2}")
}
