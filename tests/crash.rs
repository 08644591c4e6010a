//! A thousand mails while the whole desk, its database included, is struck down again and again.

use std::sync::mpsc;

use rand::rngs::ChaCha20Rng;
use rand::{RngExt, SeedableRng};

use crate::database::Database;
use crate::desk::{ACCEPTED, Desk, TRY_AGAIN, mail};
use crate::smtp_sink::SmtpSink;
use crate::verdict::each_is_told_once_or_marked;

const MAILS: usize = 1000;
const KILLS: usize = 6;
const FEEDERS: usize = 2;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_mails_through_sigkills_are_a_thousand_messages_and_each_told_once_or_marked() {
    let seed = std::env::var("SWITCHBOARD_TEST_SEED")
        .map_or_else(|_| rand::make_rng::<ChaCha20Rng>().random(), |seed| seed.parse().expect("a number"));
    println!("seed {seed}: SWITCHBOARD_TEST_SEED={seed} repeats it");
    let mut random = ChaCha20Rng::seed_from_u64(seed);
    let sink = SmtpSink::start();
    let url = format!("smtp://127.0.0.1:{}", sink.port);
    let desk = Desk::new(&[
        ("SWITCHBOARD_MAIL__TRANSPORT", "smtp"),
        ("SWITCHBOARD_MAIL__SMTP_URL", &url),
        ("SWITCHBOARD_BROKER__LEASE", "5s"),
        ("SWITCHBOARD_DELIVERY__LEASE", "5s"),
        // Processes are struck down here, not the machine: what they wrote is the system's by then.
        ("SWITCHBOARD_DATABASE__DURABLE", "false"),
    ]);
    desk.start();

    let mut moments: Vec<usize> = (0..KILLS).map(|_| random.random_range(MAILS / 20..MAILS * 19 / 20)).collect();
    moments.sort_unstable();
    let strike = random.random_range(0..KILLS);
    println!("killed after {moments:?} mails, the {}. time after the provider's yes", strike + 1);
    feed_and_kill(&desk, &sink, &moments, strike);

    desk.settled().await;
    each_is_told_once_or_marked(&desk, &sink, MAILS).await;
    let struck = sink.struck().remove(0);
    let arrived = sink.taken().iter().filter(|mail| mail.message_id == struck.message_id).count();
    assert_eq!(arrived, 2, "what the provider had and nobody wrote down is sent again, under the same Message-ID");
    desk.stop();
}

/// Feeds the mails, each until it is accepted, and strikes the desk down when as many as `moments` say
/// are; for one of the moments as soon as the provider has said its next yes.
fn feed_and_kill(desk: &Desk, sink: &SmtpSink, moments: &[usize], strike: usize) {
    let (accepted, acceptances) = mpsc::channel();
    std::thread::scope(|scope| {
        for feeder in 0..FEEDERS {
            let accepted = accepted.clone();
            scope.spawn(move || {
                for n in (feeder..MAILS).step_by(FEEDERS) {
                    feed(desk, n);
                    accepted.send(()).expect("somebody counts");
                }
            });
        }
        let mut count = 0;
        for (number, moment) in moments.iter().enumerate() {
            while count < *moment {
                acceptances.recv().expect("a feeder");
                count += 1;
            }
            if number == strike {
                sink.strike_after_next_yes(desk.process());
                desk.wait_for_death();
            } else {
                desk.kill();
            }
            desk.start();
        }
    });
}

/// Hands over one mail as a mail server does: again and again until it is taken.
fn feed(desk: &Desk, n: usize) {
    let mail = mail(
        &format!("Client {n} <client{n}@client.example>"),
        "help@acme.example",
        &format!("Mail {n}"),
        &format!("m{n}@client.example"),
        &[],
        "Hello.",
    );
    loop {
        match desk.pipe(&mail) {
            (ACCEPTED, _) => return,
            (TRY_AGAIN, _) => {}
            (code, said) => panic!("exit code {code}: {said}"),
        }
    }
}
