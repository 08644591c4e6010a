//! Time grows with the size of a mail and with nothing else.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use rstest::rstest;
use switchboard_mail_reader::trim::trim;
use switchboard_mail_reader::{SmtpEnvelope, read};
use switchboard_test_mails::shapes::{self, Shape};

const MEGABYTE: usize = 1024 * 1024;
/// Five times the size takes about five times as long; what grows with the square takes 25 times.
const MOST_TIMES: u32 = 8;
/// What takes less than this is not measured well, and nothing that anybody waits for.
const MEASURABLE: Duration = Duration::from_millis(20);
const ATTEMPTS: usize = 3;

/// How long this thread worked on something, whatever else the machine did meanwhile.
fn worked<T>(work: impl FnOnce() -> T) -> Duration {
    let now = || Duration::from(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("a clock"));
    let start = now();
    drop(work());
    now().saturating_sub(start)
}

/// What there is to say against how `work` grows from 1 to 5 and to 25 MB; `None` when it grows as it should.
fn complaint(shape: &Shape, make: impl Fn(usize) -> Vec<u8>, work: impl Fn(&[u8])) -> Option<String> {
    let sizes = [MEGABYTE, 5 * MEGABYTE, 25 * MEGABYTE];
    let mut best = [Duration::MAX; 3];
    let too_long = |small: Duration, large: Duration| large > small.max(MEASURABLE) * MOST_TIMES;
    for _ in 0..ATTEMPTS {
        for (best, size) in best.iter_mut().zip(sizes) {
            let mail = make(size);
            *best = (*best).min(worked(|| work(&mail)));
        }
        if !too_long(best[0], best[1]) && !too_long(best[1], best[2]) {
            if std::env::var_os("SHOW_TIMES").is_some() {
                eprintln!("{:>8} ms {:?} {best:?}", best[2].as_millis(), shape.name);
            }
            return None;
        }
        // What is that slow is no error of measurement.
        if best[1] > MEASURABLE * 100 {
            break;
        }
    }
    Some(format!("{:?}: 1 MB took {:?}, 5 MB {:?}, 25 MB {:?}", shape.name, best[0], best[1], best[2]))
}

fn assert_none(complaints: &[String]) {
    assert!(complaints.is_empty(), "time grows faster than size:\n{}", complaints.join("\n"));
}

#[rstest]
#[case::html(shapes::HTML_SHAPES)]
#[case::text(shapes::TEXT_SHAPES)]
#[case::structure(shapes::STRUCTURE_SHAPES)]
#[case::header(shapes::HEADER_SHAPES)]
#[case::encoding(shapes::ENCODING_SHAPES)]
fn the_worst_mails_take_no_longer_to_read_than_their_size(#[case] worst: &[Shape]) {
    let reading = |raw: &[u8]| drop(read(raw, &SmtpEnvelope::default()));
    let complaints: Vec<String> = worst.iter().filter_map(|shape| complaint(shape, |size| shape.mail(size), reading)).collect();
    assert_none(&complaints);
}

#[test]
fn the_worst_texts_take_no_longer_to_trim_than_their_size() {
    let trimming = |text: &[u8]| drop(trim(std::str::from_utf8(text).expect("was mail of text"), &[]));
    let complaints: Vec<String> =
        shapes::TEXT_SHAPES.iter().filter_map(|shape| complaint(shape, |size| shape.repeated(size).into_bytes(), trimming)).collect();
    assert_none(&complaints);
}
