//! The desk that the cases start from.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::DateTime;
use switchboard_common::db::audience::{Department, Directory, MailAccount, Person};
use switchboard_common::db::plans::{ClientFacts, MessageFacts};
use switchboard_common::db::tickets::{MessageDirection, MessageKind};
use switchboard_common::domain::event::{Actor, Event, EventKind};
use switchboard_common::domain::inbound::Trust;
use switchboard_common::domain::ticket::{TicketSnapshot, TicketState};
use switchboard_common::ids::{
    AccountId, ClientId, DeliveryId, DepartmentId, EventId, MessageId, PriorityId, StatusId, TenantId, TicketId, UserId,
};
use uuid::Uuid;

use crate::plan::decide::{Plan, PlanInput, plan};
use crate::plan::pairs::Pairs;

const TENANT: TenantId = TenantId(Uuid::from_u128(1));
const ADA: ClientId = ClientId(Uuid::from_u128(2));
const ACCOUNT: AccountId = AccountId(Uuid::from_u128(3));
const SUPPORT: DepartmentId = DepartmentId(Uuid::from_u128(4));
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
/// administrator. Ada's ticket is assigned to Grace, and Ada wrote the message.
pub struct World {
    pub event: Event,
    pub ticket: TicketSnapshot,
    pub message: Option<MessageFacts>,
    pub client: ClientFacts,
    pub account: MailAccount,
    pub is_mail: bool,
    pub directory: Directory,
    pub answer_failed: bool,
    pairs: Pairs,
}

fn person(handle: &str, address: Option<&str>) -> Person {
    Person { handle: handle.to_owned(), is_group: false, is_administrator: false, is_archived: false, address: address.map(str::to_owned) }
}

fn directory() -> Directory {
    let group = |handle| Person { is_group: true, ..person(handle, None) };
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
        departments: HashMap::from([(SUPPORT, Department { name: "Support".to_owned(), members: vec![BOB] })]),
        accounts: HashMap::new(),
        own_addresses: HashSet::from(["help@desk.example".to_owned()]),
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
            priority_id: PriorityId(Uuid::nil()),
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
            sender_address: Some("ada@example.org".to_owned()),
            trust: Trust::Unverified,
            automatic: None,
            has_notice: false,
        }),
        client: ClientFacts { name: "Ada".to_owned(), address: Some("ada@example.org".to_owned()), only_automatic: false },
        account: MailAccount { address: "help@desk.example".to_owned(), acknowledge: true, loop_cap: 20 },
        is_mail: true,
        directory: directory(),
        answer_failed: true,
        pairs: Pairs::default(),
    }
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
        self.pairs = Pairs::new(HashMap::from([((TENANT, origin.to_owned(), address.to_owned()), count)]));
    }

    pub fn by_operator(&mut self) {
        self.event.actor = Actor::System;
        self.event.message_id = None;
        self.message = None;
    }

    pub fn plan(&mut self) -> Plan {
        let input = PlanInput {
            event: &self.event,
            ticket: &self.ticket,
            message: self.message.as_ref(),
            client: &self.client,
            account_id: ACCOUNT,
            account: &self.account,
            is_mail: self.is_mail,
            directory: &self.directory,
            answer_failed: self.answer_failed,
        };
        plan(input, &mut self.pairs)
    }
}
