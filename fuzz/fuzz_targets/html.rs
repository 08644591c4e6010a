//! Any text is the HTML of a mail.
#![no_main]

use libfuzzer_sys::fuzz_target;
use switchboard_test_mails::promise::check_read;

fuzz_target!(|html: &[u8]| check_read(&[b"Content-Type: text/html; charset=utf-8\n\n", html].concat()));
