//! One delivery on its way: written, handed over when it is its turn, and what that came to.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use metrics::{counter, histogram};
use switchboard_common::db::deliveries::{AttemptOutcome, DeliveryStatus, Leased, Report};
use switchboard_common::db::letters::LetterAttachment;
use switchboard_common::db::limits::{AccountKey, Pause};
use switchboard_common::db::reply_addresses::ReplyRecipient;
use switchboard_common::db::{self, media};
use switchboard_common::domain::method::Method;
use switchboard_common::domain::preferences::QuietHours;
use switchboard_common::domain::sender::Platform;
use switchboard_common::domain::suppression::Scope;
use switchboard_common::reply_token::SigningKeys;
use switchboard_common::schedule;
use switchboard_common::telemetry::metrics::{ARRIVAL_TO_DELIVERY, ATTEMPTS};
use switchboard_common::telemetry::trace::{Span, SpanKind};
use switchboard_common::unsubscribe::{self, Wish};
use tokio::time::Instant;

use super::Shared;
use super::lanes::{Place, Way};
use super::load::{Kind, Material, Unwritten};
use super::report::{Facts, postpone, put_back, report};
use crate::channels::{Gone, Outlet, Parcel, Receipt, Refusal, tidy};
use crate::render::{Approved, Content, DigestDraft, Draft, Enclosures, File, digest, render};

/// How long a delivery waits, on average, that could not be read because the database was away or too slow.
const DATABASE_AWAY: Duration = Duration::from_secs(2);

/// A delivery that ended, and what its ending brings with it.
#[derive(Debug)]
pub(super) struct Ended {
    pub leased: Leased,
    pub report: Report,
    /// Another way may be tried, now that it has failed.
    pub may_go_otherwise: bool,
    /// Nothing is to go to its address any more.
    pub gone: Option<Gone>,
    /// Its account is to pause.
    pub pause: Option<Pause>,
}

impl Shared {
    /// Takes a delivery the whole way.
    pub(super) async fn carry(&self, leased: Leased, material: Result<Material, Unwritten>, way: &Way, place: Place) -> Ended {
        let mut span = Span::begin(span_name(leased.method), SpanKind::Client, leased.trace.as_ref(), || {
            [("switchboard.delivery.id", leased.id.to_string()), ("switchboard.attempt", leased.attempt.to_string())]
        });
        let ended = self.bring(leased, material, way).await;
        drop(place);
        if ended.report.outcome != AttemptOutcome::Sent {
            span.fail(ended.report.outcome.as_str());
        }
        log(&ended);
        self.measure(&ended);
        ended
    }

    async fn bring(&self, leased: Leased, material: Result<Material, Unwritten>, way: &Way) -> Ended {
        let end = |leased, report| Ended { leased, report, may_go_otherwise: true, gone: None, pause: None };
        let material = match material {
            Ok(material) => material,
            Err(why) => return self.unwritten(leased, &why, way),
        };
        // Those with files wait until it is their turn: their bytes are not to lie about.
        let written = if material.files.is_empty() { Some(self.write(&material, Vec::new())) } else { None };
        // Nobody closes the semaphore.
        let _turn = way.lane.turns.acquire().await;
        if let Some(report) = self.not_now(&leased, way, written.is_none()) {
            return end(leased, report);
        }
        let written = match written {
            Some(written) => written,
            None => self.write_with_files(&material).await,
        };
        let content = match written {
            Ok(content) => content,
            Err(why) => return self.unwritten(leased, &why, way),
        };
        let sent = match &way.outlet {
            Err(refusal) => Err(refusal.clone()),
            Ok(outlet) => self.hand_over(&leased, &material, content, outlet.as_ref(), way).await,
        };
        self.judge(leased, sent.map_err(Refusal::tidied), way, material.quiet.as_ref())
    }

    /// Whether it is better put back than sent: the channel, or the account, is held back by now, or it would not be done within
    /// the lease.
    fn not_now(&self, leased: &Leased, way: &Way, has_files: bool) -> Option<Report> {
        let now = self.ambient.now();
        if let Some(until) = way.lane.gate.until().filter(|until| now < *until) {
            return Some(put_back("not tried: the channel cannot be used at present".to_owned(), until, "the channel".to_owned()));
        }
        if let Some(until) = self.pauses.until(leased.account()).filter(|until| now < *until) {
            return Some(put_back("not tried: the account pauses".to_owned(), until, "the platform: it asked for a pause".to_owned()));
        }
        let reading = if has_files { self.limits.write } else { Duration::ZERO };
        if now + reading + self.limits.send > leased.until {
            return Some(put_back("not tried: it waited too long for its turn".to_owned(), now, "its turn".to_owned()));
        }
        None
    }

    async fn hand_over(
        &self,
        leased: &Leased,
        material: &Material,
        content: Content,
        outlet: &dyn Outlet,
        way: &Way,
    ) -> Result<Receipt, Refusal> {
        let (from, address, thread_key) = material.letter.address();
        let parcel = Parcel {
            tenant_id: leased.tenant_id,
            delivery_id: leased.id,
            account_id: leased.account_id,
            from: from.to_owned(),
            address: address.to_owned(),
            thread_key: thread_key.map(str::to_owned),
            content,
        };
        let begun = Instant::now();
        let sent = outlet.send(&parcel, self.limits.send).await;
        way.lane.note_time(begun.elapsed());
        sent
    }

    /// What follows from what the other side said.
    fn judge(&self, leased: Leased, sent: Result<Receipt, Refusal>, way: &Way, quiet: Option<&(QuietHours, Tz)>) -> Ended {
        way.lane.gate.note(&sent, &self.ambient);
        let now = self.ambient.now();
        let gone = if let Err(Refusal::ForGood { gone, .. }) = &sent { *gone } else { None };
        let pause = if let Err(Refusal::Busy { retry_after, answer }) = &sent {
            let pause = Pause { until: now + schedule::pause(*retry_after), reason: answer.clone() };
            self.pauses.note(leased.account(), pause.until);
            Some(pause)
        } else {
            None
        };
        let facts = Facts {
            made: leased.counted,
            reopening: way.lane.gate.until(),
            when_unsure: way.when_unsure,
            now,
            fraction: self.ambient.fraction(),
        };
        Ended { report: postpone(report(sent, facts), quiet), leased, may_go_otherwise: true, gone, pause }
    }

    /// What follows when there is nothing to send.
    fn unwritten(&self, leased: Leased, why: &Unwritten, way: &Way) -> Ended {
        let (now, fraction) = (self.ambient.now(), self.ambient.fraction());
        let report = if matches!(why, Unwritten::Unavailable) {
            put_back(format!("not tried: {why}"), now + DATABASE_AWAY.mul_f64(0.5 + fraction), "the database".to_owned())
        } else {
            let refusal = Refusal::for_good(tidy(&format!("not sent: {why}")));
            report(Err(refusal), Facts { made: leased.counted, reopening: None, when_unsure: way.when_unsure, now, fraction })
        };
        let may_go_otherwise = match why {
            Unwritten::Barred(bar) => bar.is_of_the_address(),
            Unwritten::Unavailable | Unwritten::Unwritable(_) => true,
            Unwritten::Unreadable(_) | Unwritten::Empty => false,
        };
        Ended { leased, report, may_go_otherwise, gone: None, pause: None }
    }

    fn write(&self, material: &Material, files: Vec<File>) -> Result<Content, Unwritten> {
        let Material { tenant, approved, .. } = material;
        let approved = match approved {
            Some(Platform::Whatsapp { template: Some(name), template_languages, .. }) => {
                Some(Approved { name, languages: template_languages })
            }
            _ => None,
        };
        let (keys, overrides, now) = (&tenant.keys, &tenant.overrides, self.ambient.now());
        match &material.letter {
            Kind::Letter(letter, earlier) => {
                let enclosures = Enclosures { files, left_out: material.left_out.clone() };
                let wish = letter.is_optional.then_some((letter.recipient, letter.method, letter.address.as_str()));
                let unsubscribe = wish.and_then(|wish| self.unsubscribe(keys, wish));
                let unsubscribe = unsubscribe.as_deref();
                Ok(render(Draft { letter, earlier, enclosures: &enclosures, keys, overrides, unsubscribe, approved, now })?)
            }
            Kind::Digest(letter) => {
                let wish = (ReplyRecipient::User(letter.user_id), letter.method, letter.address.as_str());
                let unsubscribe = self.unsubscribe(keys, wish);
                Ok(digest(DigestDraft { letter, overrides, unsubscribe: unsubscribe.as_deref(), approved, now })?)
            }
        }
    }

    /// The link by which a reader stops what is like it, where this deployment can be found from outside.
    fn unsubscribe(&self, keys: &SigningKeys, (reader, method, address): (ReplyRecipient, Method, &str)) -> Option<String> {
        let public_url = self.public_url.as_deref()?;
        let wish = Wish { reader, method, address: address.to_owned(), scope: Scope::Optional };
        Some(unsubscribe::link(public_url, &unsubscribe::token(keys, &wish)?))
    }

    async fn write_with_files(&self, material: &Material) -> Result<Content, Unwritten> {
        let loading = async {
            let tenant = material.tenant.keys.tenant();
            let wanted: Vec<_> = material.files.iter().map(|file| (tenant, file.media_id)).collect();
            let mut session = db::Session::open(&self.pool).await?;
            let loaded = media::load_all(&mut session, &wanted).await?;
            session.done();
            let file = |file: &LetterAttachment| {
                let bytes = loaded.get(&(tenant, file.media_id)).cloned()?;
                Some(File { name: file.name.clone(), content_type: file.content_type.clone(), bytes })
            };
            material.files.iter().map(file).collect::<Option<Vec<_>>>().ok_or(Unwritten::Unreadable(sqlx::Error::RowNotFound))
        };
        let files = tokio::time::timeout(self.limits.write, loading).await.unwrap_or(Err(Unwritten::Unavailable))?;
        self.write(material, files)
    }

    fn measure(&self, ended: &Ended) {
        let (leased, report) = (&ended.leased, &ended.report);
        let channel = leased.method.as_str();
        counter!(ATTEMPTS, "channel" => channel, "outcome" => report.outcome.as_str()).increment(1);
        if let Some(arrived_at) = leased.arrived_at.filter(|_| report.outcome == AttemptOutcome::Sent) {
            let took: Duration = (self.ambient.now() - arrived_at).to_std().unwrap_or_default();
            histogram!(ARRIVAL_TO_DELIVERY, "channel" => channel).record(took);
        }
    }
}

fn span_name(method: Method) -> &'static str {
    match method {
        Method::Email => "deliver mail",
        Method::Slack => "deliver slack",
        Method::Whatsapp => "deliver whatsapp",
        Method::Sms => "deliver sms",
        Method::Webhook => "deliver webhook",
    }
}

/// The answer stays in the database: it may hold an address.
fn log(ended: &Ended) {
    let (leased, report) = (&ended.leased, &ended.report);
    let (id, attempt, outcome, method) = (leased.id, leased.attempt, report.outcome, leased.method);
    match report.status {
        DeliveryStatus::Failed => tracing::warn!(delivery.id = %id, attempt, ?outcome, "A delivery by {method} failed for good"),
        DeliveryStatus::Held => {
            tracing::warn!(delivery.id = %id, attempt, ?outcome, "A delivery by {method} is held until a person decides");
        }
        // Said once, for all of them, by the gate.
        DeliveryStatus::Queued if report.excused => {
            tracing::debug!(delivery.id = %id, attempt, "A delivery by {method} waits for its channel");
        }
        DeliveryStatus::Queued => {
            tracing::info!(delivery.id = %id, attempt, ?outcome, "A delivery by {method} was not taken and is tried again later");
        }
        _ => tracing::debug!(delivery.id = %id, attempt, "A delivery by {method} was taken"),
    }
}

/// Who pauses, as this process heard it: what was claimed before does not run into the same refusal.
#[derive(Debug, Default)]
pub(super) struct Pauses(Mutex<HashMap<AccountKey, DateTime<Utc>>>);

impl Pauses {
    fn until(&self, account: AccountKey) -> Option<DateTime<Utc>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&account).copied()
    }

    fn note(&self, account: AccountKey, until: DateTime<Utc>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(account, until);
    }
}
