//! What must hold when many mails went through crashes.

use std::collections::HashMap;

use sqlx::Row;

use crate::database::Database;
use crate::smtp_sink::SmtpSink;

/// Mail number `n` came from `client{n}@client.example`: Bo is told of each ticket and each client gets an
/// acknowledgement, by one mail, or by several with the same Message-ID and an attempt that is marked
/// ambiguous.
pub async fn each_is_told_once_or_marked(desk: &impl Database, sink: &SmtpSink, mails: usize) {
    let count = i64::try_from(mails).expect("few");
    assert_eq!(desk.ask::<i64>("select count(*) from dead_letters").await, 0);
    assert_eq!(desk.ask::<i64>("select count(*) from messages").await, count);
    assert_eq!(desk.ask::<i64>("select count(distinct inbound_id) from messages").await, count);
    assert_eq!(desk.ask::<i64>("select count(*) from tickets").await, count);

    let mut times: HashMap<(String, String), usize> = HashMap::new();
    for mail in sink.taken() {
        *times.entry((mail.message_id, mail.recipient)).or_default() += 1;
    }
    let mut connection = desk.connection().await.expect("the database is up");
    let rows = sqlx::query(
        "select d.message_id, d.address, d.status::text, count(*) filter (where a.outcome = 'ambiguous') as ambiguous
         from deliveries d join delivery_attempts a on a.tenant_id = d.tenant_id and a.delivery_id = d.id group by 1, 2, 3",
    )
    .fetch_all(&mut connection)
    .await
    .expect("the deliveries");
    assert_eq!(rows.len(), 2 * mails, "one to Bo and one to the client for each mail");
    let to_bo = rows.iter().filter(|row| row.get::<&str, _>("address") == "bo@acme.example").count();
    assert_eq!(to_bo, mails);
    for row in &rows {
        let key: (String, String) = (row.get("message_id"), row.get("address"));
        let (status, ambiguous): (String, i64) = (row.get("status"), row.get("ambiguous"));
        assert_eq!(status, "sent", "{key:?}");
        let times = times.remove(&key).unwrap_or_default();
        assert!(times >= 1, "never arrived: {key:?}");
        assert!(
            times == 1 || ambiguous >= i64::try_from(times - 1).expect("few"),
            "{key:?} arrived {times} times and is marked {ambiguous} times"
        );
    }
    assert!(times.is_empty(), "nobody asked for these: {times:?}");
}
