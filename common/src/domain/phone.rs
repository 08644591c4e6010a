//! Telephone numbers that are written in two ways. In some countries a digit was put into the numbers
//! of mobiles, or is put there only by who calls from abroad; providers and people write both forms,
//! and both ring at the same person.

use super::identity::{ExternalId, ExternalKind};

/// One such digit. In the patterns `+` and digits stand for themselves, `N` for 1 to 9, `M` for 6 to
/// 9, `R` for 1 to 3, `T` for 2 to 9, and `D` for any digit.
struct Inserted {
    /// What it is called.
    name: &'static str,
    /// What stands before it.
    before: &'static str,
    /// What some write there and others do not.
    digit: &'static str,
    /// What stands behind it.
    after: &'static str,
}

const TABLE: [Inserted; 3] = [
    // Anatel, Resolution 553 of 14 December 2010: a 9 before the eight digits of a mobile, which began
    // with 6 to 9, in all area codes by November 2016. WhatsApp knows many by the old form.
    Inserted { name: "Brazil's ninth digit", before: "+55NN", digit: "9", after: "MDDDDDDD" },
    // Argentina's numbering plan (Resolution SC 46/1997): from abroad a mobile has a 9 before its area code,
    // which begins with 1 to 3; area code and number have ten digits.
    Inserted { name: "Argentina's 9 of mobiles", before: "+54", digit: "9", after: "RDDDDDDDDD" },
    // Mexico's numbering plan (IFT, Diario Oficial of 21 June 2018): since 3 August 2019 mobiles are called
    // by their ten digits alone, without the 1 that stood before them. WhatsApp keeps the 1.
    Inserted { name: "Mexico's 1 of mobiles", before: "+52", digit: "1", after: "TDDDDDDDDD" },
];

/// The other forms of a number in the form of E.164, each with what it is called.
#[must_use]
pub fn variants(number: &str) -> Vec<(String, &'static str)> {
    TABLE.iter().filter_map(|inserted| Some((other_form(number, inserted)?, inserted.name))).collect()
}

fn other_form(number: &str, Inserted { before, digit, after, .. }: &Inserted) -> Option<String> {
    let (head, rest) = number.split_at_checked(before.len())?;
    if !fits(head, before) {
        return None;
    }
    match rest.strip_prefix(digit) {
        Some(bare) if fits(bare, after) => Some(format!("{head}{bare}")),
        _ => fits(rest, after).then(|| format!("{head}{digit}{rest}")),
    }
}

fn fits(text: &str, pattern: &str) -> bool {
    text.len() == pattern.len()
        && text.bytes().zip(pattern.bytes()).all(|(byte, wanted)| match wanted {
            b'N' => (b'1'..=b'9').contains(&byte),
            b'M' => (b'6'..=b'9').contains(&byte),
            b'R' => (b'1'..=b'3').contains(&byte),
            b'T' => (b'2'..=b'9').contains(&byte),
            b'D' => byte.is_ascii_digit(),
            _ => byte == wanted,
        })
}

/// The telephone number that a key stands for: its own, or that of a WhatsApp user who has one.
#[must_use]
pub fn number(key: &ExternalId) -> Option<String> {
    match key.kind() {
        ExternalKind::Phone => Some(key.value().to_owned()),
        ExternalKind::Whatsapp => {
            let number = ExternalId::new(ExternalKind::Phone, &format!("+{}", key.value())).ok()?;
            Some(number.value().to_owned())
        }
        ExternalKind::Email | ExternalKind::Slack => None,
    }
}

/// The keys that somebody with this number is known by.
#[must_use]
pub fn keys(number: &str) -> [Option<ExternalId>; 2] {
    let digits = number.trim_start_matches('+');
    [ExternalId::new(ExternalKind::Phone, number).ok(), ExternalId::new(ExternalKind::Whatsapp, digits).ok()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_a_number_are_forms_of_each_other() {
        for (long, short) in [
            ("+5511987654321", "+551187654321"),
            ("+5585999998888", "+558599998888"),
            ("+5491123456789", "+541123456789"),
            ("+5493512345678", "+543512345678"),
            ("+5215512345678", "+525512345678"),
        ] {
            let other = |number| variants(number).into_iter().map(|(number, _)| number).collect::<Vec<_>>();
            assert_eq!((other(long), other(short)), (vec![short.to_owned()], vec![long.to_owned()]));
        }
    }

    #[test]
    fn what_has_one_form_only_has_no_other() {
        for number in [
            "+551132654321",   // a telephone that stands in Brazil: its eight digits begin with 2 to 5
            "+5511932654321",  // a mobile that was given out with nine digits
            "+550187654321",   // no area code
            "+15551234567",    // elsewhere
            "+4915112345678",  // elsewhere
            "+52551234567",    // a digit is missing
            "+52155123456789", // one too many
            "+5411234567890",  // one too many
        ] {
            assert_eq!(variants(number), [], "{number}");
        }
    }

    #[test]
    fn a_whatsapp_user_with_a_number_counts_as_that_number() {
        let key = |text: &str| text.parse::<ExternalId>().expect("a key");
        assert_eq!(number(&key("whatsapp:5511987654321")).as_deref(), Some("+5511987654321"));
        assert_eq!(number(&key("phone:+5511987654321")).as_deref(), Some("+5511987654321"));
        assert_eq!(number(&key("whatsapp:BR.13491208655302741918")), None);
        assert_eq!(number(&key("email:ada@example.org")), None);
        assert_eq!(keys("+5511987654321"), [Some(key("phone:+5511987654321")), Some(key("whatsapp:5511987654321"))]);
    }
}
