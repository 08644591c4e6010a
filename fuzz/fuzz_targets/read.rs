//! Any bytes are a mail.
#![no_main]

use libfuzzer_sys::fuzz_target;
use switchboard_test_mails::promise::check_read;

fuzz_target!(|raw: &[u8]| check_read(raw));
