//! Reads what counts as a storm in a desk: `[tenant.storm]`.

use chrono::TimeDelta;
use switchboard_common::db::desk::StormLimits;
use switchboard_common::domain::preferences::{Every, Storm};
use toml::Table;

use super::fields::{Faults, Fields};

/// The most that can be allowed of a ticket or a desk: more is no limit.
const MOST: i32 = 1_000_000;

/// The limits of a ticket and of the desk, each `{ most = 200, within = "10m" }`.
pub fn limits(place: &str, table: Table, faults: &mut Faults) -> StormLimits {
    let mut fields = Fields::new(place.to_owned(), table, faults);
    let tables = ["ticket", "tenant"].map(|key| (fields.place_within(key), fields.table(key)));
    fields.finish();
    let [ticket, tenant] = tables.map(|(place, table)| limit(&place, table?, faults));
    StormLimits { ticket, tenant }
}

fn limit(place: &str, table: Table, faults: &mut Faults) -> Option<Storm> {
    let mut fields = Fields::new(place.to_owned(), table, faults);
    if !fields.has("most") {
        fields.fault("most is missing");
    }
    let most = fields.number("most", 1..=MOST, 1);
    let within = fields.required("within", |text| {
        let within = Every::try_from(text.to_owned()).ok().filter(|within| within.length() <= TimeDelta::days(1));
        within.ok_or_else(|| format!("{text:?} is not a time from 1m to 1d, such as 10m or 1h"))
    });
    fields.finish();
    Some(Storm { most: most.unsigned_abs(), within: within? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (StormLimits, Faults) {
        let mut faults = Faults::new();
        let read = limits("storm", text.parse().expect("TOML"), &mut faults);
        (read, faults)
    }

    #[test]
    fn a_desk_says_what_is_a_storm_of_a_ticket_and_of_all() {
        let storm = |most, minutes| Some(Storm { most, within: Every::minutes(minutes) });
        let whole = "ticket = { most = 50, within = \"5m\" }\ntenant = { most = 1000, within = \"1h\" }";
        assert_eq!(read(whole), (StormLimits { ticket: storm(50, 5), tenant: storm(1000, 60) }, Faults::new()));
        let one = "ticket = { most = 50, within = \"1d\" }";
        assert_eq!(read(one), (StormLimits { ticket: storm(50, 24 * 60), tenant: None }, Faults::new()), "the other is as usual");
    }

    #[test]
    fn every_fault_of_a_storm_has_its_place() {
        let (_, faults) = read("tickets = {}\nticket = { most = 0, within = \"2d\" }\ntenant = { mst = 5 }");
        assert_eq!(
            faults,
            [
                "storm: unknown key tickets; did you mean ticket?",
                "storm: ticket: most should be a number from 1 to 1000000",
                "storm: ticket: within: \"2d\" is not a time from 1m to 1d, such as 10m or 1h",
                "storm: tenant: most is missing",
                "storm: tenant: within is missing",
                "storm: tenant: unknown key mst; did you mean most?",
            ]
        );
    }
}
