//! By which ways a user can be reached, and why by the others they cannot.

use std::collections::HashSet;

use switchboard_common::db::audience::{Directory, Person};
use switchboard_common::db::notifications::Way;
use switchboard_common::domain::method::Method;
use switchboard_common::domain::preferences::{Chosen, Effective, LayerName};
use switchboard_common::ids::UserId;

use super::decide::PlanInput;

/// The reason why nothing is sent to the desk's own address.
pub(super) const OWN_ADDRESS: &str = "the address is one of the desk's own: mail to it would come back in";

/// Where a person is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reached {
    /// By each of these.
    pub ways: Vec<Way>,
    /// What is left if those refuse.
    pub alternatives: Vec<Way>,
    /// Whose choice it was: of the methods, or of the fallback.
    pub by: LayerName,
}

/// What keeps ways from being used.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits<'a> {
    /// Where somebody is told of the same event already.
    pub taken: &'a HashSet<(Method, String)>,
    /// It is nothing that the reader could not do without.
    pub optional: bool,
}

/// The ways to a person by these methods, or else by the first of their fallback that can be used.
///
/// # Errors
/// Why there are none.
pub(super) fn reach(
    input: &PlanInput<'_>,
    person: &Person,
    methods: &Chosen<Vec<Method>>,
    fallback: &Chosen<Vec<Method>>,
    limits: Limits<'_>,
) -> Result<Reached, String> {
    let mut obstacles: Vec<String> = Vec::new();
    let mut usable = |methods: &[Method]| {
        let mut ways: Vec<Way> = Vec::new();
        for method in methods {
            match way(input, person, *method, limits) {
                Ok(way) if !ways.contains(&way) => ways.push(way),
                Ok(_) => {}
                Err(why) if !obstacles.contains(&why) => obstacles.push(why),
                Err(_) => {}
            }
        }
        ways
    };
    let ways = usable(&methods.value);
    let mut others = usable(&fallback.value);
    others.retain(|other| !ways.contains(other));
    if !ways.is_empty() {
        return Ok(Reached { ways, alternatives: others, by: methods.by.clone() });
    }
    if others.is_empty() {
        return Err(if obstacles.is_empty() { "no way was chosen to be told by".to_owned() } else { obstacles.join("; ") });
    }
    let alternatives = others.split_off(1);
    Ok(Reached { ways: others, alternatives, by: fallback.by.clone() })
}

/// Whether a person can be reached at all by what they chose for whatever topic.
pub(super) fn is_reachable(input: &PlanInput<'_>, user: UserId, person: &Person) -> bool {
    let effective = input.settings.user(user);
    let limits = Limits { taken: &HashSet::new(), optional: false };
    methods_of(effective, input).iter().any(|method| way(input, person, *method, limits).is_ok())
}

/// The methods of what the event is about, of everything else, and of the fallback.
fn methods_of(effective: &Effective, input: &PlanInput<'_>) -> Vec<Method> {
    use switchboard_common::domain::preferences::{Route, Topic};
    let mut methods = match effective.route(Topic::of(input.event.kind)).value {
        Route::Methods(methods) => methods,
        Route::Digest(_) => Vec::new(),
    };
    methods.extend(effective.channels.value.iter().chain(&effective.fallback.value));
    methods
}

/// The way to a person by a method.
fn way(input: &PlanInput<'_>, person: &Person, method: Method, limits: Limits<'_>) -> Result<Way, String> {
    let addresses = person.addresses.get(&method).map(Vec::as_slice).unwrap_or_default();
    let mut obstacle = no_address(method).to_owned();
    for address in addresses {
        match to_address(input, method, address, limits) {
            Ok(way) => return Ok(way),
            Err(why) => obstacle = why,
        }
    }
    Err(obstacle)
}

fn to_address(input: &PlanInput<'_>, method: Method, address: &str, limits: Limits<'_>) -> Result<Way, String> {
    let account_id = input.directory.account_for(method, input.ticket.account_id, None, address);
    let account_id = account_id.ok_or_else(|| format!("no account of the desk sends there by {method}"))?;
    let place = (method, address.to_owned());
    if is_own(input.directory, method, address) {
        return Err(OWN_ADDRESS.to_owned());
    }
    if input.suppressed.all.contains(&place) {
        return Err(format!("nothing goes to their {method} address any more: it is suppressed"));
    }
    if limits.optional && input.suppressed.optional.contains(&place) {
        return Err(format!("unsubscribed from what is not their own by {method}"));
    }
    if limits.taken.contains(&place) {
        return Err("somebody is told of it at the same address".to_owned());
    }
    Ok(Way { method, account_id, address: place.1, thread_key: None })
}

fn no_address(method: Method) -> &'static str {
    match method {
        Method::Email => "no verified mail address",
        Method::Slack => "no verified Slack contact",
        Method::Whatsapp => "no verified WhatsApp contact",
        Method::Sms => "no verified telephone number",
        Method::Webhook => "no verified webhook",
    }
}

/// Whether what goes to an address would come in at one of the desk's own: of mail also with a tag behind a `+`.
pub(super) fn is_own(directory: &Directory, method: Method, address: &str) -> bool {
    if method != Method::Email {
        let number = address.trim_start_matches('+');
        return directory.accounts.values().any(|account| {
            account.method != Some(Method::Email) && !number.is_empty() && account.address.trim_start_matches('+') == number
        });
    }
    let address = address.to_lowercase();
    let untagged = address.rsplit_once('@').and_then(|(local, domain)| Some(format!("{}@{domain}", local.split_once('+')?.0)));
    directory.own_addresses.contains(&address) || untagged.is_some_and(|untagged| directory.own_addresses.contains(&untagged))
}
