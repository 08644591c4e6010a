//! The fuzz targets for a few seconds, with a seed: what they begin with, and damage to it.
//!
//! Another seed than the usual one is tried with `FUZZ_SEED`, and more mails than usual with
//! `FUZZ_MAILS`; a failure says the seed and which mail it was, so that it can be had again.

use std::panic::{UnwindSafe, catch_unwind, resume_unwind};

use switchboard_test_mails::mutate::Mutator;
use switchboard_test_mails::promise::{check_html, check_read, check_trim};
use switchboard_test_mails::{corpus, structured};

const USUAL_SEED: u64 = 20_260_302;

fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |value| value.parse().unwrap_or_else(|_| panic!("{name} must be a number: {value:?}")))
}

/// Runs a check and, when it fails, says on what.
fn on(what: impl Fn() -> String, check: impl FnOnce() + UnwindSafe) {
    if let Err(panic) = catch_unwind(check) {
        eprintln!("the promise was broken by {}", what());
        resume_unwind(panic);
    }
}

/// Checks `usual` damaged mails (or texts) of those that the target `target` begins with.
fn on_damaged(target: &str, usual: u64, check: fn(&[u8])) {
    let mut begun_with = corpus::of_target(target);
    if target == "read" {
        begun_with.extend(corpus::fixtures());
    }
    for (name, bytes) in &begun_with {
        on(|| name.clone(), || check(bytes));
    }
    let mails: Vec<Vec<u8>> = begun_with.into_iter().map(|(_, bytes)| bytes).collect();
    let (seed, most) = (setting("FUZZ_SEED", USUAL_SEED), setting("FUZZ_MAILS", usual));
    let mut mutator = Mutator::new(seed);
    for number in 0..most {
        let bytes = if number % 50 == 0 { mutator.noise(2000) } else { mutator.damaged(&mails) };
        on(|| format!("{target} {number} of FUZZ_SEED={seed}: {}", bytes.escape_ascii()), || check(&bytes));
    }
}

#[test]
fn damaged_mails_are_read_as_promised() {
    on_damaged("read", 3000, check_read);
}

#[test]
fn damaged_html_is_read_as_promised() {
    on_damaged("html", 2000, |bytes| check_read(&[b"Content-Type: text/html; charset=utf-8\n\n", bytes].concat()));
}

#[test]
fn damaged_texts_are_trimmed_as_promised() {
    on_damaged("trim", 3000, |bytes| check_trim(&String::from_utf8_lossy(bytes)));
}

#[test]
fn mails_put_together_at_random_are_read_as_promised() {
    on_damaged("structured", 3000, |bytes| check_read(&structured::mail(bytes)));
}

#[test]
#[should_panic = "<script>"]
fn a_danger_would_be_found() {
    check_html("<p>x</p><script>x</script>");
}
