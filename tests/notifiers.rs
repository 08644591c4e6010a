//! Two notifiers that are struck down again and again while they send thousands of mails.

use std::collections::HashMap;

use rand::rngs::ChaCha20Rng;
use rand::{RngExt, SeedableRng};
use sqlx::Row;

use crate::database::Database;
use crate::fleet::{By, Fleet, Kind, Member};
use crate::smtp_sink::SmtpSink;

const DELIVERIES: usize = 5000;
const KILLS: usize = 6;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_five_thousand_deliveries_each_is_sent_once_or_marked_whatever_two_notifiers_die_of() {
    let seed = std::env::var("SWITCHBOARD_TEST_SEED")
        .map_or_else(|_| rand::make_rng::<ChaCha20Rng>().random(), |seed| seed.parse().expect("a number"));
    println!("seed {seed}: SWITCHBOARD_TEST_SEED={seed} repeats it");
    let mut random = ChaCha20Rng::seed_from_u64(seed);
    let mut moments: Vec<usize> = (0..KILLS).map(|_| random.random_range(DELIVERIES / 20..DELIVERIES * 4 / 5)).collect();
    moments.sort_unstable();

    let sink = SmtpSink::start();
    let settings = [
        ("SWITCHBOARD_MAIL__TRANSPORT", "smtp".to_owned()),
        ("SWITCHBOARD_MAIL__SMTP_URL", format!("smtp://127.0.0.1:{}", sink.port)),
        ("SWITCHBOARD_DELIVERY__LEASE", "4s".to_owned()),
        ("SWITCHBOARD_BROKER__LEASE", "2s".to_owned()),
    ];
    let fleet = Fleet::new(By::Postgres, include_str!("desk.toml"), &settings).await;
    let mut connection = fleet.connection().await.expect("the database is up");
    sqlx::raw_sql(include_str!("notifiers.sql")).execute(&mut connection).await.expect("the deliveries");
    assert_eq!(fleet.ask::<i64>("select count(*) from deliveries").await, i64::try_from(DELIVERIES).expect("few"));

    let mut members: Vec<Member> = vec![fleet.start(Kind::Notifier), fleet.start(Kind::Notifier)];
    for moment in moments {
        fleet.until("enough is sent", &format!("select count(*) >= {moment} from deliveries where status = 'sent'")).await;
        members.swap_remove(random.random_range(0..2)).kill();
        members.push(fleet.start(Kind::Notifier));
    }
    fleet.until("all is sent", &format!("select count(*) = {DELIVERIES} from deliveries where status = 'sent'")).await;

    let mut times: HashMap<String, usize> = HashMap::new();
    for mail in sink.taken() {
        *times.entry(mail.message_id).or_default() += 1;
    }
    let rows = sqlx::query(
        "select d.message_id, count(*) filter (where a.outcome = 'ambiguous') as ambiguous
         from deliveries d join delivery_attempts a on a.tenant_id = d.tenant_id and a.delivery_id = d.id group by 1",
    )
    .fetch_all(&mut connection)
    .await
    .expect("the deliveries");
    assert_eq!(rows.len(), DELIVERIES);
    for row in &rows {
        let (id, marked): (String, i64) = (row.get("message_id"), row.get("ambiguous"));
        let times = times.remove(&id).unwrap_or_default();
        assert!(times >= 1, "{id} never arrived");
        assert!(times == 1 || marked >= i64::try_from(times - 1).expect("few"), "{id} arrived {times} times and is marked {marked} times");
    }
    assert!(times.is_empty(), "nobody asked for these: {times:?}");
    members.into_iter().for_each(Member::stop);
    fleet.end().await;
}
