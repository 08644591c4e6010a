//! Mails that are well enough put together that what they hold is read too.
#![no_main]

use libfuzzer_sys::fuzz_target;
use switchboard_test_mails::promise::check_read;
use switchboard_test_mails::structured::mail;

fuzz_target!(|choices: &[u8]| check_read(&mail(choices)));
