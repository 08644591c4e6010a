//! How fast accounts send, over all notifiers: what is due by account, the tokens of each, and the pauses that
//! platforms asked for.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use crate::domain::method::Method;
use crate::domain::sender::Rate;
use crate::ids::{AccountId, TenantId};

/// An account, among all tenants'.
pub type AccountKey = (TenantId, AccountId);

/// An account that something is to be sent by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// By which way.
    pub method: Method,
    /// The account.
    pub account: AccountKey,
    /// When the first of it is due, or was.
    pub due_at: DateTime<Utc>,
}

/// The accounts that deliveries are queued for, by method, tenant and account. Each is found by one step in the index,
/// however much waits.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn waiting(connection: &mut PgConnection) -> sqlx::Result<Vec<Waiting>> {
    let rows = sqlx::query!(
        r#"with recursive waiting as (
               (select channel, tenant_id, account_id from deliveries where status = 'queued' order by 1, 2, 3 limit 1)
               union all
               select next.* from waiting w
               cross join lateral (
                   select d.channel, d.tenant_id, d.account_id from deliveries d
                   where d.status = 'queued' and (d.channel, d.tenant_id, d.account_id) > (w.channel, w.tenant_id, w.account_id)
                   order by 1, 2, 3 limit 1) next
           )
           select w.channel as "channel!", w.tenant_id as "tenant_id!: TenantId", w.account_id as "account_id!: AccountId", f.next_attempt_at
           from waiting w
           cross join lateral (
               select d.next_attempt_at from deliveries d
               where d.status = 'queued' and d.channel = w.channel and d.tenant_id = w.tenant_id and d.account_id = w.account_id
               order by 1 limit 1) f"#,
    )
    .fetch_all(connection)
    .await?;
    let waiting = rows.into_iter().filter_map(|row| {
        let method = Method::named(&row.channel)?;
        Some(Waiting { method, account: (row.tenant_id, row.account_id), due_at: row.next_attempt_at })
    });
    Ok(waiting.collect())
}

/// So far apart may the clocks of those be who send.
const SKEW: TimeDelta = TimeDelta::minutes(1);
/// No pause is longer.
const LONGEST_PAUSE: TimeDelta = TimeDelta::hours(1);

/// Whether a pause until then lasts. One for longer than a platform may ask for was written by a clock that was wrong.
#[must_use]
pub fn is_pause(until: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    until > now && until <= now + LONGEST_PAUSE + SKEW
}

/// What an account may send at a moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    /// As many tokens, each for one delivery.
    pub tokens: f64,
    /// When they were counted.
    pub filled_at: DateTime<Utc>,
    /// Until when nothing is sent.
    pub paused_until: Option<DateTime<Utc>>,
}

impl Bucket {
    /// A full one.
    #[must_use]
    pub fn full(rate: Rate, now: DateTime<Utc>) -> Self {
        Self { tokens: burst(rate), filled_at: now, paused_until: None }
    }

    /// The same at a later moment. A clock that was set back a little takes nothing; what was written by one that was far ahead is
    /// worth nothing, and it begins anew, or the account would stand still until then.
    #[must_use]
    pub fn at(self, rate: Rate, now: DateTime<Utc>) -> Self {
        if self.filled_at > now + SKEW {
            return Self { paused_until: self.paused_until, ..Self::full(rate, now) };
        }
        let seconds = (now - self.filled_at).as_seconds_f64().max(0.0);
        Self { tokens: (self.tokens + seconds * speed(rate)).min(burst(rate)), filled_at: self.filled_at.max(now), ..self }
    }

    /// Until when nothing is sent, if it pauses: for no longer than a platform may ask for.
    #[must_use]
    pub fn pauses(self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.paused_until.filter(|until| is_pause(*until, now))
    }

    /// For how many deliveries there are tokens.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small number that is not negative")]
    pub fn room(self) -> usize {
        // What was added up in small parts may lack a hair.
        (self.tokens + 1e-6).max(0.0).floor() as usize
    }

    /// When there is a token again.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "it is clamped to what fits")]
    pub fn next(self, rate: Rate) -> DateTime<Utc> {
        let lacking = (1.0 - self.tokens).max(0.0) / speed(rate);
        self.filled_at + TimeDelta::microseconds((lacking * 1e6).ceil().clamp(0.0, 1e12) as i64)
    }
}

/// How many may go at once after a rest: a tenth of the rate. So many, and what fills up meanwhile, are never more
/// than the rate allows, in whatever span of its length.
fn burst(rate: Rate) -> f64 {
    f64::from(rate.count.max(1) / 10).max(1.0)
}

/// Tokens a second.
fn speed(rate: Rate) -> f64 {
    let count = f64::from(rate.count.max(1));
    let filled = if burst(rate) > 1.0 { count - burst(rate) } else { count };
    filled / f64::from(rate.seconds.max(1))
}

/// A row of `send_limits`.
struct Row {
    tenant_id: TenantId,
    account_id: AccountId,
    tokens: f64,
    filled_at: DateTime<Utc>,
    paused_until: Option<DateTime<Utc>>,
}

/// Takes hold of what these accounts may send until the transaction ends, those with a rate and those that pause. Whoever holds it
/// waits for nothing else: they take what nobody holds.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn hold(
    connection: &mut PgConnection,
    accounts: &BTreeMap<AccountKey, Option<Rate>>,
    now: DateTime<Utc>,
) -> sqlx::Result<BTreeMap<AccountKey, Bucket>> {
    let limited: Vec<(&AccountKey, f64)> = accounts.iter().filter_map(|(key, rate)| Some((key, burst((*rate)?)))).collect();
    if !limited.is_empty() {
        sqlx::query!(
            "insert into send_limits (tenant_id, account_id, tokens, filled_at)
             select w.tenant_id, w.account_id, w.tokens, $4
             from unnest($1::uuid[], $2::uuid[], $3::float8[]) with ordinality as w (tenant_id, account_id, tokens, n)
             where not exists (select from send_limits l where l.tenant_id = w.tenant_id and l.account_id = w.account_id)
             order by w.n
             on conflict do nothing",
            &limited.iter().map(|(key, _)| key.0.0).collect::<Vec<_>>(),
            &limited.iter().map(|(key, _)| key.1.0).collect::<Vec<_>>(),
            &limited.iter().map(|(_, tokens)| *tokens).collect::<Vec<_>>(),
            now,
        )
        .execute(&mut *connection)
        .await?;
    }
    let rows = sqlx::query_as!(
        Row,
        r#"select l.tenant_id as "tenant_id: TenantId", l.account_id as "account_id: AccountId", l.tokens, l.filled_at, l.paused_until
           from unnest($1::uuid[], $2::uuid[]) as w (tenant_id, account_id)
           join send_limits l on l.tenant_id = w.tenant_id and l.account_id = w.account_id
           order by l.tenant_id, l.account_id
           for update of l"#,
        &accounts.keys().map(|key| key.0.0).collect::<Vec<_>>(),
        &accounts.keys().map(|key| key.1.0).collect::<Vec<_>>(),
    )
    .fetch_all(connection)
    .await?;
    let bucket = |row: Row| Bucket { tokens: row.tokens, filled_at: row.filled_at, paused_until: row.paused_until };
    Ok(rows.into_iter().map(|row| ((row.tenant_id, row.account_id), bucket(row))).collect())
}

/// Writes what is left of the tokens of accounts that were held.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn take(connection: &mut PgConnection, left: &BTreeMap<AccountKey, Bucket>) -> sqlx::Result<()> {
    if left.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "update send_limits l set tokens = w.tokens, filled_at = w.filled_at
         from unnest($1::uuid[], $2::uuid[], $3::float8[], $4::timestamptz[]) as w (tenant_id, account_id, tokens, filled_at)
         where l.tenant_id = w.tenant_id and l.account_id = w.account_id",
        &left.keys().map(|key| key.0.0).collect::<Vec<_>>(),
        &left.keys().map(|key| key.1.0).collect::<Vec<_>>(),
        &left.values().map(|bucket| bucket.tokens).collect::<Vec<_>>(),
        &left.values().map(|bucket| bucket.filled_at).collect::<Vec<_>>(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// An account that is to send nothing until a time, for all notifiers, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// Until when.
    pub until: DateTime<Utc>,
    /// What the platform said.
    pub reason: String,
}

/// Lets accounts pause. A pause that lasts longer already stays.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn pause(connection: &mut PgConnection, pauses: &BTreeMap<AccountKey, Pause>, now: DateTime<Utc>) -> sqlx::Result<()> {
    if pauses.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "insert into send_limits as l (tenant_id, account_id, tokens, filled_at, paused_until, pause_reason)
         select w.tenant_id, w.account_id, 0, $5, w.until, w.reason
         from unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::text[]) with ordinality as w (tenant_id, account_id, until, reason, n)
         order by w.n
         on conflict (tenant_id, account_id) do update set paused_until = excluded.paused_until, pause_reason = excluded.pause_reason
         where l.paused_until is null or l.paused_until < excluded.paused_until or l.paused_until > $5 + interval '61 minutes'",
        &pauses.keys().map(|key| key.0.0).collect::<Vec<_>>(),
        &pauses.keys().map(|key| key.1.0).collect::<Vec<_>>(),
        &pauses.values().map(|pause| pause.until).collect::<Vec<_>>(),
        pauses.values().map(|pause| pause.reason.as_str()).collect::<Vec<_>>() as _,
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millis: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::milliseconds(millis)
    }

    #[test]
    fn one_a_second_is_one_a_second_and_a_rest_saves_nothing_up() {
        let rate = Rate { count: 1, seconds: 1 };
        let bucket = Bucket::full(rate, at(0));
        assert_eq!(bucket.room(), 1);
        let empty = Bucket { tokens: 0.0, ..bucket };
        assert_eq!((empty.room(), empty.next(rate)), (0, at(1000)));
        assert_eq!((empty.at(rate, at(999)).room(), empty.at(rate, at(1000)).room(), empty.at(rate, at(60_000)).room()), (0, 1, 1));
        assert_eq!(
            (empty.at(rate, at(-5000)).room(), bucket.at(rate, at(-5000)).room()),
            (0, 1),
            "a clock that was set back gives and takes nothing"
        );
    }

    #[test]
    fn what_a_clock_that_was_a_year_ahead_wrote_holds_up_nobody() {
        let rate = Rate { count: 1, seconds: 1 };
        let year = 365 * 86_400_000;
        let empty = Bucket { tokens: 0.0, filled_at: at(year), paused_until: Some(at(year)) };
        assert_eq!((empty.at(rate, at(0)).room(), empty.at(rate, at(0)).filled_at), (1, at(0)));
        assert_eq!((empty.pauses(at(0)), empty.pauses(at(year - 1000))), (None, Some(at(year))));
    }

    proptest! {
        /// Whatever the moments at which it is looked: in no span of the rate's length go more than the rate says.
        #[test]
        fn no_span_has_more_than_the_rate_allows(count in 1_u32..200, seconds in 1_u32..5, steps in prop::collection::vec(1_i64..400, 1..300)) {
            let rate = Rate { count, seconds };
            let (mut bucket, mut now, mut sent) = (Bucket::full(rate, at(0)), 0, Vec::new());
            for step in steps {
                now += step;
                bucket = bucket.at(rate, at(now));
                let going = bucket.room();
                bucket.tokens -= f64::from(u32::try_from(going).expect("a few"));
                sent.push((now, going));
            }
            let span = i64::from(seconds) * 1000;
            for (begun, _) in &sent {
                let within: usize = sent.iter().filter(|(at, _)| (*begun..*begun + span).contains(at)).map(|(_, going)| going).sum();
                prop_assert!(within <= count as usize, "{within} within {seconds} s, and {count} are allowed");
            }
        }
    }
}
