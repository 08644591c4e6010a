//! The desk that the cases start from.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use switchboard_common::db::audience::{Account, Department, Directory, Person, Priority, Sees, Storms, Suppressed};
use switchboard_common::db::notifications::Planned;
use switchboard_common::db::plans::{ClientFacts, ClientWay, FileFacts, MessageFacts};
use switchboard_common::db::tickets::{MessageDirection, MessageKind};
use switchboard_common::domain::event::{Actor, Event, EventKind};
use switchboard_common::domain::inbound::Trust;
use switchboard_common::domain::method::Method;
use switchboard_common::domain::preferences::{Effective, Layer, LayerName, Preferences, Whose};
use switchboard_common::domain::ticket::{TicketSnapshot, TicketState};
use switchboard_common::ids::{
    AccountId, ClientId, DeliveryId, DepartmentId, EventId, MessageId, PriorityId, StatusId, TenantId, TicketId, UserId,
};
use uuid::Uuid;

use crate::plan::decide::{Plan, PlanInput, plan};
use crate::plan::settings::Settings;
use crate::plan::storm::{Counting, Counts};

const TENANT: TenantId = TenantId(Uuid::from_u128(1));
const ADA: ClientId = ClientId(Uuid::from_u128(2));
pub const ACCOUNT: AccountId = AccountId(Uuid::from_u128(3));
pub const WORKSPACE: AccountId = AccountId(Uuid::from_u128(30));
pub const WHATSAPP: AccountId = AccountId(Uuid::from_u128(31));
pub const SMS: AccountId = AccountId(Uuid::from_u128(32));
pub const FORM: AccountId = AccountId(Uuid::from_u128(33));
pub const NORMAL: PriorityId = PriorityId(Uuid::from_u128(40));
pub const HIGH: PriorityId = PriorityId(Uuid::from_u128(41));
pub const URGENT: PriorityId = PriorityId(Uuid::from_u128(42));
pub const SUPPORT: DepartmentId = DepartmentId(Uuid::from_u128(4));
const TICKET: TicketId = TicketId(Uuid::from_u128(5));

pub const GRACE: UserId = UserId(Uuid::from_u128(10));
pub const BOB: UserId = UserId(Uuid::from_u128(11));
pub const ROOT: UserId = UserId(Uuid::from_u128(12));
pub const GONE: UserId = UserId(Uuid::from_u128(13));
pub const MUTE: UserId = UserId(Uuid::from_u128(14));
pub const LOOPED: UserId = UserId(Uuid::from_u128(15));
pub const SECOND_LINE: UserId = UserId(Uuid::from_u128(20));
pub const EVERYBODY: UserId = UserId(Uuid::from_u128(21));
pub const EMPTY: UserId = UserId(Uuid::from_u128(22));
pub const CIRCLE: UserId = UserId(Uuid::from_u128(23));

/// Grace and Bob are agents, Bob in the department Support, both in the group second-line; root is the
/// administrator. Ada's ticket is assigned to Grace, and Ada wrote the message. It is Wednesday, noon in UTC.
pub struct World {
    pub event: Event,
    pub ticket: TicketSnapshot,
    pub message: Option<MessageFacts>,
    pub client: ClientFacts,
    pub directory: Directory,
    pub followers: Vec<UserId>,
    pub suppressed: Suppressed,
    pub answer_failed: bool,
    pub is_partial: bool,
    pub now: DateTime<Utc>,
    users: HashMap<UserId, Vec<Layer>>,
    clients: HashMap<ClientId, Vec<Layer>>,
    counting: Counting,
}

fn person(handle: &str, address: Option<&str>) -> Person {
    Person {
        handle: handle.to_owned(),
        is_group: false,
        is_administrator: false,
        is_archived: false,
        sees: Sees::All,
        addresses: address.map(|address| (Method::Email, vec![address.to_owned()])).into_iter().collect(),
    }
}

pub fn account(method: Option<Method>, back: Option<Method>, address: &str) -> Account {
    Account { method, back, address: address.to_owned(), sends: method.is_some(), has_template: false, acknowledge: true, loop_cap: 20 }
}

fn directory() -> Directory {
    let group = |handle| Person { is_group: true, ..person(handle, None) };
    let priority = |name: &str, position| Priority { name: name.to_owned(), position };
    let both = |method| (Some(method), Some(method));
    let chat = |method, address| account(both(method).0, both(method).1, address);
    Directory {
        people: HashMap::from([
            (GRACE, person("grace", Some("grace@desk.example"))),
            (BOB, person("bob", Some("bob@desk.example"))),
            (ROOT, Person { is_administrator: true, ..person("root", Some("root@desk.example")) }),
            (GONE, Person { is_archived: true, ..person("gone", Some("gone@desk.example")) }),
            (MUTE, person("mute", None)),
            (LOOPED, person("looped", Some("Help+grace@desk.example"))),
            (SECOND_LINE, group("second-line")),
            (EVERYBODY, group("everybody")),
            (EMPTY, group("empty")),
            (CIRCLE, group("circle")),
        ]),
        members: HashMap::from([
            (SECOND_LINE, vec![BOB, GRACE]),
            (EVERYBODY, vec![SECOND_LINE, ROOT, GONE]),
            (CIRCLE, vec![EVERYBODY, CIRCLE]),
        ]),
        departments: HashMap::from([(SUPPORT, Department { name: "Support".to_owned(), members: vec![BOB], followers: vec![] })]),
        accounts: HashMap::from([
            (ACCOUNT, chat(Method::Email, "help@desk.example")),
            (WORKSPACE, chat(Method::Slack, "T1")),
            (WHATSAPP, chat(Method::Whatsapp, "+15550100")),
            (SMS, chat(Method::Sms, "+15550101")),
            (FORM, account(None, None, "contact")),
        ]),
        own_addresses: HashSet::from(["help@desk.example".to_owned()]),
        priorities: HashMap::from([(NORMAL, priority("normal", 2)), (HIGH, priority("high", 3)), (URGENT, priority("urgent", 4))]),
        storms: Storms::default(),
    }
}

pub fn world(kind: EventKind) -> World {
    World {
        event: Event {
            id: EventId(Uuid::from_u128(6)),
            tenant_id: TENANT,
            kind,
            ticket_id: TICKET,
            version: 1,
            message_id: Some(MessageId(Uuid::from_u128(7))),
            delivery_id: (kind == EventKind::DeliveryFailed).then_some(DeliveryId(Uuid::from_u128(8))),
            assigned: Vec::new(),
            actor: Actor::Client(ADA),
            occurred_at: DateTime::UNIX_EPOCH,
            arrived_at: None,
            trace: None,
        },
        ticket: TicketSnapshot {
            number: 1042,
            title: "Printer".to_owned(),
            client_id: ADA,
            account_id: ACCOUNT,
            department_id: Some(SUPPORT),
            category_id: None,
            status_id: StatusId(Uuid::nil()),
            state: TicketState::WaitingForAgent,
            priority_id: NORMAL,
            assignees: vec![GRACE],
            cc: Vec::new(),
            tags: BTreeSet::new(),
            custom_fields: BTreeMap::new(),
            message_count: 1,
            channels: BTreeSet::new(),
            last_message_at: None,
            closed_at: None,
        },
        message: Some(MessageFacts {
            ticket_id: TICKET,
            kind: MessageKind::Public,
            direction: MessageDirection::In,
            author_user: None,
            by_client: true,
            sender_address: Some("ada@example.org".to_owned()),
            trust: Trust::Unverified,
            automatic: None,
            has_notice: false,
            text: None,
            files: Vec::new(),
        }),
        client: ClientFacts { name: "Ada".to_owned(), ways: vec![way(Method::Email, "ada@example.org")], only_automatic: false },
        directory: directory(),
        followers: Vec::new(),
        suppressed: Suppressed::default(),
        answer_failed: true,
        is_partial: false,
        now: at("2026-03-04T12:00:00Z"),
        users: HashMap::new(),
        clients: HashMap::new(),
        counting: Counting::Real(Counts::default()),
    }
}

/// An instant.
pub fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

/// A way on which a client wrote just now.
pub fn way(method: Method, address: &str) -> ClientWay {
    ClientWay {
        method,
        address: address.to_owned(),
        account_id: None,
        thread_key: None,
        last_inbound_at: Some(at("2026-03-04T11:59:00Z")),
        trust: Trust::Unverified,
    }
}

pub fn file(name: &str, content_type: &str, size: i64) -> FileFacts {
    FileFacts { name: name.to_owned(), content_type: content_type.to_owned(), size }
}

impl World {
    pub fn message(&mut self) -> &mut MessageFacts {
        self.message.as_mut().expect("a message")
    }

    /// A user wrote the message, by mail from an address.
    pub fn written_by(&mut self, user: UserId, address: &str) {
        self.event.actor = Actor::User(user);
        let message = self.message();
        message.author_user = Some(user);
        message.sender_address = Some(address.to_owned());
    }

    pub fn answered_by_grace(&mut self) {
        self.written_by(GRACE, "grace@desk.example");
        self.message().direction = MessageDirection::Out;
    }

    /// So many mails went from one address to another within the hour.
    pub fn mails_so_far(&mut self, origin: &str, address: &str, count: i64) {
        let pairs = HashMap::from([((TENANT, origin.to_owned(), address.to_owned()), count)]);
        self.counting = Counting::Real(Counts::new(pairs, Planned::default()));
    }

    /// So many notifications were planned lately for a person, of the ticket, and in the desk.
    pub fn planned_so_far(&mut self, user: UserId, of_user: i64, of_ticket: i64, of_desk: i64) {
        let planned = Planned {
            people: HashMap::from([((TENANT, user), of_user)]),
            tickets: HashMap::from([((TENANT, TICKET), of_ticket)]),
            tenants: HashMap::from([(TENANT, of_desk)]),
        };
        self.counting = Counting::Real(Counts::new(HashMap::new(), planned));
    }

    /// So many notifications were planned lately for each of these, and nothing else is counted.
    pub fn planned_for(&mut self, people: impl IntoIterator<Item = (UserId, i64)>) {
        let people = people.into_iter().map(|(user, count)| ((TENANT, user), count)).collect();
        self.counting = Counting::Real(Counts::new(HashMap::new(), Planned { people, ..Planned::default() }));
    }

    pub fn by_operator(&mut self) {
        self.event.actor = Actor::System;
        self.event.message_id = None;
        self.message = None;
    }

    /// Bob left a note for Grace and whom it names.
    pub fn noted_by_bob(&mut self, text: &str) {
        self.written_by(BOB, "bob@desk.example");
        let message = self.message();
        message.kind = MessageKind::Note;
        message.text = Some(text.to_owned());
    }

    /// A person is reached by this, too.
    pub fn has(&mut self, user: UserId, method: Method, address: &str) {
        self.person(user).addresses.entry(method).or_default().push(address.to_owned());
    }

    pub fn person(&mut self, user: UserId) -> &mut Person {
        self.directory.people.get_mut(&user).expect("a person")
    }

    /// A person chose this; several times: the layers, the later over the earlier.
    pub fn chose(&mut self, user: UserId, by: LayerName, says: &Value) {
        let says = Preferences::read(says, Whose::User).expect("preferences");
        self.users.entry(user).or_default().push(Layer { name: by, says });
    }

    /// Ada chose this.
    pub fn ada_chose(&mut self, says: &Value) {
        let says = Preferences::read(says, Whose::Client).expect("preferences");
        self.clients.entry(ADA).or_default().push(Layer { name: LayerName::Person, says });
    }

    pub fn later(&mut self, length: TimeDelta) {
        self.now += length;
    }

    pub fn plan(&mut self) -> Plan {
        let users = self.users.iter().map(|(id, layers)| (*id, Effective::of_user(layers))).collect();
        let clients = self.clients.iter().map(|(id, layers)| (*id, Effective::of_client(layers))).collect();
        let settings = Settings::new(Arc::new(users), clients);
        let input = PlanInput {
            event: &self.event,
            ticket: &self.ticket,
            message: self.message.as_ref(),
            client: &self.client,
            directory: &self.directory,
            followers: &self.followers,
            settings: &settings,
            suppressed: &self.suppressed,
            answer_failed: self.answer_failed,
            is_partial: self.is_partial,
            now: self.now,
        };
        plan(input, &mut self.counting)
    }
}
