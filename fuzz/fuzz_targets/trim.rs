//! Any text is an answer, perhaps with a quote.
#![no_main]

use libfuzzer_sys::fuzz_target;
use switchboard_test_mails::promise::check_trim;

fuzz_target!(|text: &str| check_trim(text));
