//! Memory: at most four times the size of a mail, the mail itself included.
//!
//! A binary of its own, since what counts here takes the place of the usual allocator.

use rstest::rstest;
use switchboard_mail_reader::{Inspected, SmtpEnvelope, read};
use switchboard_test_mails::everyday;
use switchboard_test_mails::shapes::{self, Shape};

const MEGABYTE: usize = 1024 * 1024;
const MOST_TIMES: usize = 4;

/// The most bytes that were held at any moment by this thread while a mail was read and written as JSON.
fn most_held(raw: &[u8]) -> usize {
    // What is made once for all mails is not this one's.
    drop(read(b"Subject: x\n\nx\n", &SmtpEnvelope::default()));
    let measured = allocation_counter::measure(|| {
        let mail = read(raw, &SmtpEnvelope::default());
        serde_json::to_writer(std::io::sink(), &Inspected::new(&mail, "unverified")).expect("can be written as JSON");
    });
    usize::try_from(measured.bytes_max).expect("fits") + raw.len()
}

fn complaint(name: &str, raw: &[u8]) -> Option<String> {
    let held = most_held(raw);
    let hundredths = held * 100 / raw.len();
    let times = format!("{}.{:02} times the {} bytes of {name:?}", hundredths / 100, hundredths % 100, raw.len());
    if std::env::var_os("SHOW_MEMORY").is_some() {
        eprintln!("{times}");
    }
    (held > raw.len() * MOST_TIMES).then_some(times)
}

#[rstest]
fn everyday_mails_are_read_in_little_memory(#[values(1, 5, 25)] megabytes: usize) {
    let mails = everyday::of_size(megabytes * MEGABYTE);
    let complaints: Vec<String> = mails.iter().filter_map(|(name, raw)| complaint(name, raw)).collect();
    assert!(complaints.is_empty(), "too much memory:\n{}", complaints.join("\n"));
}

#[rstest]
#[case::html(shapes::HTML_SHAPES)]
#[case::text(shapes::TEXT_SHAPES)]
#[case::structure(shapes::STRUCTURE_SHAPES)]
#[case::header(shapes::HEADER_SHAPES)]
#[case::encoding(shapes::ENCODING_SHAPES)]
fn the_worst_mails_are_read_in_little_memory(#[case] worst: &[Shape]) {
    let complaints: Vec<String> = worst.iter().filter_map(|shape| complaint(shape.name, &shape.mail(MEGABYTE))).collect();
    assert!(complaints.is_empty(), "too much memory:\n{}", complaints.join("\n"));
}
