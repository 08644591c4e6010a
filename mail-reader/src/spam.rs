//! Whether a mail server on the way took it for spam. Whoever writes such a field into their own mail
//! harms nobody but themselves.

use crate::header;
use crate::structure::Part;

/// How much of a header's value is put on record.
const LONGEST_VALUE: usize = 120;

/// How a header field says it.
enum Says {
    /// The value begins with one of these words, compared in lower case.
    When(&'static [&'static str]),
    /// A number that is at least this.
    AtLeast(i32),
    /// One of the items between semicolons is this one, compared in lower case.
    Among(&'static str),
}

/// In the order in which they are believed.
const FIELDS: [(&str, Says); 9] = [
    // SpamAssassin (Mail::SpamAssassin::Conf, "add_header"), and many that write as it does.
    ("X-Spam-Flag", Says::When(&["yes"])),
    ("X-Spam-Status", Says::When(&["yes"])),
    // Rspamd's milter (afewmail/afew issue 299).
    ("X-Spam", Says::When(&["yes"])),
    // MS-OXCMAIL, 2.2.3.2.21: from -1 to 10. From 5 on Exchange Online delivers to the folder for junk ("Spam confidence
    // level (SCL) in EOP").
    ("X-MS-Exchange-Organization-SCL", Says::AtLeast(5)),
    // "Anti-spam message headers in Microsoft 365": the verdict of its filter.
    ("X-Forefront-Antispam-Report", Says::Among("sfv:spm")),
    // These are from general knowledge: Barracuda's gateways, bogofilter, DSPAM, and SpamBayes.
    ("X-Barracuda-Spam-Status", Says::When(&["yes"])),
    ("X-Bogosity", Says::When(&["spam", "yes"])),
    ("X-DSPAM-Result", Says::When(&["spam"])),
    ("X-Spambayes-Classification", Says::When(&["spam"])),
];

/// The field that says so, if one does.
pub(crate) fn verdict(root: &Part<'_>) -> Option<String> {
    FIELDS.iter().find_map(|(name, says)| {
        root.fields.all(name).map(header::raw).find_map(|value| {
            says.holds(&value.to_ascii_lowercase()).then(|| format!("{name}: {}", header::one_line(&value, LONGEST_VALUE)))
        })
    })
}

impl Says {
    fn holds(&self, value: &str) -> bool {
        match self {
            Self::When(words) => value.split([';', ',', ' ', '\t']).find(|word| !word.is_empty()).is_some_and(|word| words.contains(&word)),
            Self::AtLeast(least) => value.trim().parse::<i32>().is_ok_and(|level| level >= *least),
            Self::Among(item) => value.split(';').any(|part| part.trim() == *item),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flags::Flags;

    fn verdict_of(header: &str) -> Option<String> {
        verdict(&Part::read(format!("{header}\n\nbody\n").as_bytes(), &mut Flags::default()))
    }

    #[test]
    fn a_verdict_is_read_from_the_fields_of_the_filters() {
        for header in [
            "X-Spam-Flag: YES",
            "X-Spam-Status: Yes, score=7.2 required=5.0 tests=BAYES_99",
            "X-Spam: Yes",
            "X-MS-Exchange-Organization-SCL: 5",
            "X-MS-Exchange-Organization-SCL: 9",
            "X-Forefront-Antispam-Report: CIP:192.0.2.1;CTRY:;LANG:en;SCL:5;SFV:SPM;CAT:SPM;",
            "X-Barracuda-Spam-Status: Yes, SCORE=4.0",
            "X-Bogosity: Spam, tests=bogofilter, spamicity=0.99",
            "X-DSPAM-Result: Spam",
        ] {
            assert_eq!(verdict_of(header).as_deref(), Some(header));
        }
        assert_eq!(verdict_of("X-Spam-Flag: NO\nX-Spam-Flag: YES").as_deref(), Some("X-Spam-Flag: YES"), "one filter is enough");
    }

    #[test]
    fn what_is_no_verdict_is_none() {
        for header in [
            "Subject: spam",
            "X-Spam-Flag: NO",
            "X-Spam-Status: No, score=-1.2 required=5.0",
            "X-Spam-Score: 17.2",
            "X-Spam-Level: *****",
            "X-MS-Exchange-Organization-SCL: -1",
            "X-MS-Exchange-Organization-SCL: 4",
            "X-MS-Exchange-Organization-SCL: high",
            "X-Forefront-Antispam-Report: SFV:NSPM;SCL:1",
            "X-Bogosity: Ham",
            "X-Spam-Flag:",
        ] {
            assert_eq!(verdict_of(header), None, "{header}");
        }
    }
}
