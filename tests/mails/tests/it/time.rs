//! Time grows with the size of a mail and with nothing else.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use rstest::rstest;
use switchboard_mail_reader::{SmtpEnvelope, read};
use switchboard_test_mails::shapes::{self, Shape};

const MEGABYTE: usize = 1024 * 1024;
const SMALL_SIZES: [usize; 2] = [MEGABYTE / 4, 5 * MEGABYTE / 4];
const LARGE_SIZES: [usize; 3] = [MEGABYTE, 5 * MEGABYTE, 25 * MEGABYTE];
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

/// What there is to say against how the time to read this shape grows, of the worst ones up to 25 MB;
/// `None` when it grows as it should. With `ALL_SIZES` in the environment all are tried so.
fn complaint(shape: &Shape) -> Option<String> {
    let large = shape.worst || std::env::var_os("ALL_SIZES").is_some();
    let sizes = if large { LARGE_SIZES.as_slice() } else { &SMALL_SIZES };
    let mut best = vec![Duration::MAX; sizes.len()];
    for _ in 0..ATTEMPTS {
        for (best, size) in best.iter_mut().zip(sizes) {
            let raw = shape.mail(*size);
            *best = (*best).min(worked(|| read(&raw, &SmtpEnvelope::default())));
        }
        if best.windows(2).all(|pair| pair[1] <= pair[0].max(MEASURABLE) * MOST_TIMES) {
            if std::env::var_os("SHOW_TIMES").is_some() {
                eprintln!("{:>8} ms a MB of {:?}: {best:?}", best[1].as_millis() * 1024 / (sizes[1] as u128 / 1024), shape.name);
            }
            return None;
        }
    }
    Some(format!("{:?} of {sizes:?} bytes took {best:?}", shape.name))
}

#[rstest]
#[case::html(shapes::HTML_SHAPES)]
#[case::text(shapes::TEXT_SHAPES)]
#[case::structure(shapes::STRUCTURE_SHAPES)]
#[case::header(shapes::HEADER_SHAPES)]
#[case::encoding(shapes::ENCODING_SHAPES)]
fn the_worst_mails_take_no_longer_to_read_than_their_size(#[case] shapes: &[Shape]) {
    let complaints: Vec<String> = shapes.iter().filter_map(complaint).collect();
    assert!(complaints.is_empty(), "time grows faster than size:\n{}", complaints.join("\n"));
}
