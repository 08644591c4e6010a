//! Memory: at most four times the size of a mail, the mail itself included.
//!
//! A binary of its own, since what counts here takes the place of the usual allocator.

use rstest::rstest;
use switchboard_mail_reader::{Inspected, SmtpEnvelope, read};
use switchboard_test_mails::everyday;
use switchboard_test_mails::shapes::{self, Shape};

const MEGABYTE: usize = 1024 * 1024;
/// In hundredths of the mail's size.
const MOST: usize = 400;
/// Shapes whose text, beside the mail itself, is larger than that by its nature, with what they may take.
const BY_NATURE: [(&str, usize); 2] = [
    // Each byte is the beginning of a character that never comes: three bytes in its place, and nothing else is held.
    ("no charset, beginnings", 401),
    // Markup, text and HTML, each of two bytes where there was one.
    ("HTML of Cyrillic letters in one byte each", 600),
];

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
    let most = BY_NATURE.iter().find(|(known, _)| *known == name).map_or(MOST, |(_, most)| *most);
    (held * 100 > raw.len() * most).then_some(times)
}

#[rstest]
#[case::small(1, everyday::SIZED)]
#[case::large(5, everyday::SIZED)]
#[case::largest(25, &["HTML that is mostly text", "text and HTML", "one attachment"])]
fn everyday_mails_are_read_in_little_memory(#[case] megabytes: usize, #[case] names: &[&str]) {
    let complaints: Vec<String> = names.iter().filter_map(|name| complaint(name, &everyday::of_size(name, megabytes * MEGABYTE))).collect();
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
