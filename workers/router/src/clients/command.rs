//! What an operator does to clients by hand: merging, un-merging, and deciding who wrote. Each in one
//! transaction with the locks of the routers. No ticket changes by it and nobody is told, so it makes
//! no version and no event: tickets keep their own client, and who that counts as is found anew each
//! time.

use std::collections::HashMap;

use sqlx::{Connection, PgConnection, PgPool};
use switchboard_common::ambient::Ambient;
use switchboard_common::db;
use switchboard_common::db::clients::{self, AmbiguityState, MergeRow, Person};
use switchboard_common::ids::{AmbiguityId, ClientId, MergeId, TenantId, UserId};

use crate::command::CommandError;

/// How often a command is run again when somebody was in the way.
const ATTEMPTS: usize = 10;

/// Why a command was not carried out. Nothing was changed then.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// There is no such client.
    #[error("there is no client {0}")]
    NoClient(ClientId),
    /// A client is not merged into itself.
    #[error("{0} cannot be merged into themselves")]
    Same(String),
    /// The client is merged already.
    #[error("{name} is merged into {into} already: undo that first (`switchboard client unmerge {id}`)")]
    Merged {
        /// Who.
        name: String,
        /// Their id.
        id: ClientId,
        /// Into whom.
        into: String,
    },
    /// Whom it should be merged into is merged.
    #[error("{name} is merged into {root}: merge into {root} (`{root_id}`) instead")]
    IntoMerged {
        /// Who.
        name: String,
        /// Whom they count as.
        root: String,
        /// That one's id.
        root_id: ClientId,
    },
    /// Whom it should be merged into counts as itself.
    #[error("{into} counts as {name}, so that would be a circle: undo that first (`switchboard client unmerge {into_id}`)")]
    Circle {
        /// Who.
        name: String,
        /// Into whom.
        into: String,
        /// That one's id.
        into_id: ClientId,
    },
    /// There is nothing to undo.
    #[error("{0} is not merged into anybody")]
    NotMerged(String),
    /// There is no such ambiguity.
    #[error("there is no ambiguity {0}")]
    NoAmbiguity(AmbiguityId),
    /// It was decided already, by a merge.
    #[error("that was decided already: {name} was merged (undo that first with `switchboard client unmerge {id}`)")]
    DecidedByMerge {
        /// The client that had the key meanwhile.
        name: String,
        /// Its id.
        id: ClientId,
    },
    /// It was decided already, and the client was kept.
    #[error("that was decided already: {name} was kept as a client of their own (`switchboard client merge {id} INTO` still merges them)")]
    Kept {
        /// The client.
        name: String,
        /// Its id.
        id: ClientId,
    },
    /// Clients were merged or un-merged at the same time, again and again.
    #[error("others were in the way {ATTEMPTS} times in a row: try again")]
    InTheWay,
    /// It is the fault of something that other commands know too.
    #[error(transparent)]
    Command(#[from] CommandError),
}

impl From<sqlx::Error> for ClientError {
    fn from(error: sqlx::Error) -> Self {
        Self::Command(error.into())
    }
}

/// What is to be done.
#[derive(Debug, Clone, Copy)]
enum Wish<'a> {
    Merge { from: ClientId, into: ClientId, reason: Option<&'a str> },
    Unmerge { from: ClientId },
    Decide { ambiguity: AmbiguityId, choice: Option<ClientId> },
}

/// Merges a client into another, in the name of the user with the handle `by` or of nobody in
/// particular: from now on both are one, wherever it matters who a client is.
///
/// # Errors
/// When there is no such client or user, when either is merged already, or the database is away.
pub async fn merge_clients(
    pool: &PgPool,
    ambient: &Ambient,
    tenant: TenantId,
    (from, into): (ClientId, ClientId),
    by: Option<&str>,
    reason: Option<&str>,
) -> Result<(), ClientError> {
    carry_out(pool, ambient, tenant, by, Wish::Merge { from, into, reason }).await
}

/// Undoes the merge of a client: all is as if it had not been, but for the record of it. What came
/// meanwhile goes with the key that it came by.
///
/// # Errors
/// When there is no such client or user, when the client is not merged, or the database is away.
pub async fn unmerge_client(
    pool: &PgPool,
    ambient: &Ambient,
    tenant: TenantId,
    from: ClientId,
    by: Option<&str>,
) -> Result<(), ClientError> {
    carry_out(pool, ambient, tenant, by, Wish::Unmerge { from }).await
}

/// Decides an ambiguity: the client that has the key meanwhile is merged into `choice`, or into whom
/// that counts as; or kept, where there is none.
///
/// # Errors
/// When there is no such ambiguity, client or user, when it was decided already and that was not
/// undone, or the database is away.
pub async fn decide_ambiguity(
    pool: &PgPool,
    ambient: &Ambient,
    tenant: TenantId,
    ambiguity: AmbiguityId,
    choice: Option<ClientId>,
    by: Option<&str>,
) -> Result<(), ClientError> {
    carry_out(pool, ambient, tenant, by, Wish::Decide { ambiguity, choice }).await
}

async fn carry_out(pool: &PgPool, ambient: &Ambient, tenant: TenantId, by: Option<&str>, wish: Wish<'_>) -> Result<(), ClientError> {
    let mut session = db::Session::open(pool).await?;
    for _ in 0..ATTEMPTS {
        let mut transaction = session.begin().await?;
        let by = match by {
            Some(handle) => Some(user(&mut transaction, tenant, handle).await?),
            None => None,
        };
        let act = Act { ambient, tenant, by };
        match act.on(&mut transaction, wish).await {
            Ok(true) => {
                transaction.commit().await?;
                session.done();
                return Ok(());
            }
            Ok(false) => {}
            Err(ClientError::Command(CommandError::Database(error))) if db::is_conflict(&error) => {}
            Err(error) => {
                transaction.rollback().await?;
                session.done();
                return Err(error);
            }
        }
    }
    Err(ClientError::InTheWay)
}

async fn user(connection: &mut PgConnection, tenant: TenantId, handle: &str) -> Result<UserId, ClientError> {
    let users = clients::handles(connection, tenant).await?;
    let known = || users.iter().map(|(known, _)| known.as_str()).collect::<Vec<_>>().join(", ");
    let found = users.iter().find(|(known, _)| known == handle).map(|(_, id)| *id);
    Ok(found.ok_or_else(|| CommandError::NoUser { handle: handle.to_owned(), known: known() })?)
}

/// The clients of a command, locked, with all whom they were merged into.
struct Locked(HashMap<ClientId, Person>);

impl Locked {
    fn person(&self, id: ClientId) -> Result<&Person, ClientError> {
        self.0.get(&id).ok_or(ClientError::NoClient(id))
    }

    fn name(&self, id: ClientId) -> String {
        self.0.get(&id).map_or_else(|| id.to_string(), |person| person.name.clone())
    }

    fn root(&self, id: ClientId) -> ClientId {
        let mut root = id;
        while let Some(into) = self.0.get(&root).and_then(|person| person.merged_into) {
            root = into;
        }
        root
    }

    fn is_whole(&self) -> bool {
        self.0.values().filter_map(|person| person.merged_into).all(|into| self.0.contains_key(&into))
    }
}

/// What was decided stays so, unless the merge that decided it was undone.
fn refuse_decided(state: &AmbiguityState, locked: &Locked) -> Result<(), ClientError> {
    let (id, name) = (state.client_id, locked.name(state.client_id));
    if locked.person(id)?.merged_into.is_some() {
        return Err(ClientError::DecidedByMerge { name, id });
    }
    if state.is_open { Ok(()) } else { Err(ClientError::Kept { name, id }) }
}

/// Who acts, and where.
struct Act<'a> {
    ambient: &'a Ambient,
    tenant: TenantId,
    by: Option<UserId>,
}

impl Act<'_> {
    /// Does it, or says that somebody was in the way.
    async fn on(&self, connection: &mut PgConnection, wish: Wish<'_>) -> Result<bool, ClientError> {
        match wish {
            Wish::Merge { from, into, reason } => {
                let Some(locked) = self.lock(connection, &[from, into]).await? else { return Ok(false) };
                self.merge(connection, &locked, from, into, reason).await?;
            }
            Wish::Unmerge { from } => {
                let Some(locked) = self.lock(connection, &[from]).await? else { return Ok(false) };
                if locked.person(from)?.merged_into.is_none() {
                    return Err(ClientError::NotMerged(locked.name(from)));
                }
                clients::undo_merge(connection, self.tenant, from, self.by, self.ambient.now()).await?;
            }
            Wish::Decide { ambiguity, choice } => {
                // Which client it is about never changes; whether it was decided is read under that client's lock.
                let client = self.ambiguity(connection, ambiguity).await?.client_id;
                let wanted: Vec<ClientId> = [client].into_iter().chain(choice).collect();
                let Some(locked) = self.lock(connection, &wanted).await? else { return Ok(false) };
                let state = self.ambiguity(connection, ambiguity).await?;
                refuse_decided(&state, &locked)?;
                match choice {
                    Some(choice) => {
                        locked.person(choice)?;
                        self.merge(connection, &locked, client, locked.root(choice), Some("decided who wrote")).await?;
                    }
                    None => clients::decide_ambiguity(connection, self.tenant, client, None, self.by, self.ambient.now()).await?,
                }
            }
        }
        Ok(true)
    }

    async fn lock(&self, connection: &mut PgConnection, wanted: &[ClientId]) -> Result<Option<Locked>, ClientError> {
        let locked = Locked(clients::lock(connection, self.tenant, wanted).await?);
        Ok(locked.is_whole().then_some(locked))
    }

    async fn ambiguity(&self, connection: &mut PgConnection, id: AmbiguityId) -> Result<AmbiguityState, ClientError> {
        clients::ambiguity(connection, self.tenant, id).await?.ok_or(ClientError::NoAmbiguity(id))
    }

    async fn merge(
        &self,
        connection: &mut PgConnection,
        locked: &Locked,
        from: ClientId,
        into: ClientId,
        reason: Option<&str>,
    ) -> Result<(), ClientError> {
        let (person, other) = (locked.person(from)?, locked.person(into)?);
        let (name, into_name) = (person.name.clone(), other.name.clone());
        if from == into {
            return Err(ClientError::Same(name));
        }
        if let Some(into) = person.merged_into {
            return Err(ClientError::Merged { name, id: from, into: locked.name(into) });
        }
        let root_id = locked.root(into);
        if root_id == from {
            return Err(ClientError::Circle { name, into: into_name, into_id: into });
        }
        if root_id != into {
            return Err(ClientError::IntoMerged { name: into_name, root: locked.name(root_id), root_id });
        }
        let id: MergeId = self.ambient.new_id();
        let (tenant_id, by, at) = (self.tenant, self.by, self.ambient.now());
        let reason = reason.map(str::to_owned);
        clients::add_merge(connection, &MergeRow { tenant_id, id, client_id: from, into_id: into, reason, by, at }).await?;
        clients::decide_ambiguity(connection, tenant_id, from, Some(id), by, at).await?;
        Ok(())
    }
}
