//! The header of the answered mail, as Outlook and many others put it above: "From: … Sent: … To: …".

use std::collections::HashMap;
use std::sync::LazyLock;

use super::lines::{folded, is_blank, is_ignored, is_quoted};
use super::marks::labels::{EVERYWHERE, LABELS, Labels, OF_FORMS};

/// Within so many lines all of it stands.
const MOST_LINES: usize = 14;
/// A longer label is none.
const LONGEST_LABEL: usize = 60;

/// Who wrote and when takes no longer line in Lotus Notes' header.
const LONGEST_WHO: usize = 200;

/// The languages in which a word is a label: a bit for each, by role.
type Roles = [u64; ROLES];

const ROLES: usize = 6;
const FROM: usize = 0;
/// When it was sent, in the word that only a mail has.
const SENT: usize = 1;
const DATE: usize = 2;
const TO: usize = 3;
const SUBJECT: usize = 4;
const OTHER: usize = 5;

static ROLES_OF: LazyLock<HashMap<&'static str, Roles>> = LazyLock::new(|| {
    let mut roles: HashMap<&'static str, Roles> = HashMap::new();
    for (language, labels) in LABELS.iter().enumerate() {
        let Labels { from, sent, to, subject, others } = labels;
        let (sent, dates) = sent.split_at(1);
        for (role, words) in
            [(FROM, *from), (SENT, sent), (DATE, dates), (TO, *to), (SUBJECT, *subject), (OTHER, *others), (OTHER, &EVERYWHERE)]
        {
            for word in words {
                roles.entry(word).or_default()[role] |= 1 << language;
            }
        }
    }
    roles
});

/// Whether such a header begins here: at least three of one language's labels, among them who wrote
/// and when or about what. What a customer filled in ("From: Berlin, To: Munich, Date: …") has
/// neither a subject, nor an address, nor the word for when a mail was sent; or it has a label of a form.
///
/// `tried` becomes the end of what was read in vain, `at` being where `rest` begins: no header begins
/// within it.
pub(super) fn begins(rest: &str, tried: &mut usize, at: usize) -> bool {
    let mut lines = rest.split_inclusive('\n');
    let Some(first) = lines.next() else { return false };
    let Some(roles) = label(first).and_then(|label| ROLES_OF.get(label.as_str())) else { return is_memo(first, lines) };
    let block = Block::new(*roles, first).read_on(lines);
    let found = block.is_header();
    if !found && !block.foreign {
        *tried = at + block.len;
    }
    found
}

struct Block {
    /// The languages of what was found.
    found: Roles,
    /// An address stands there.
    address: bool,
    /// There is a label that no mail has.
    foreign: bool,
    /// There is a label of a form.
    form: bool,
    /// Up to the last label.
    len: usize,
}

impl Block {
    fn new(found: Roles, line: &str) -> Self {
        Self { found, address: line.contains('@'), foreign: false, form: false, len: line.len() }
    }

    fn read_on<'t>(mut self, lines: impl Iterator<Item = &'t str>) -> Self {
        let (mut gap, mut read) = (false, self.len);
        for line in lines.take(MOST_LINES) {
            read += line.len();
            if is_blank(line) {
                if gap {
                    break;
                }
                gap = true;
                continue;
            }
            let label = label(line);
            match label.as_deref().and_then(|label| ROLES_OF.get(label)) {
                Some(roles) => {
                    self.found.iter_mut().zip(roles).for_each(|(found, more)| *found |= more);
                    self.address |= line.contains('@');
                    self.len = read;
                }
                None if gap || is_quoted(line) => break,
                None => {
                    let label = label.unwrap_or_default();
                    self.foreign |= !label.is_empty() && label.chars().all(|c| c.is_alphabetic() || c == ' ');
                    self.form |= OF_FORMS.contains(&label.as_str());
                }
            }
            gap = false;
        }
        self
    }

    fn is_header(&self) -> bool {
        let Self { found, address, foreign, form, .. } = self;
        (0..LABELS.len()).any(|language| {
            let has = |role: usize| found[role] >> language & 1 == 1;
            let dated = has(SENT) || has(DATE);
            let count = [has(FROM), dated, has(TO), has(SUBJECT), has(OTHER)].iter().filter(|has| **has).count();
            let sure = !form && (*address || (!foreign && (has(SUBJECT) || has(SENT))));
            has(FROM) && (dated || has(SUBJECT)) && count >= 3 && sure
        })
    }
}

/// What stands before the colon of a line, if it could be the label of a header field.
fn label(line: &str) -> Option<String> {
    let line = line.trim_start_matches(|c| is_ignored(c) || c == '*' || c == '_' || c == '|');
    let begin = line.get(..line.floor_char_boundary(LONGEST_LABEL))?;
    let (label, _) = begin.split_once([':', '：'])?;
    folded(label.trim_matches(|c| is_ignored(c) || c == '*' || c == '_')).filter(|label| !label.is_empty())
}

/// Lotus Notes' header: who and when on a line or two, then "To", "cc" and "Subject" without colons.
fn is_memo<'t>(first: &str, lines: impl Iterator<Item = &'t str>) -> bool {
    if first.len() > LONGEST_WHO || !first.contains('/') {
        return false;
    }
    let mut lines = lines.filter(|line| !is_blank(line)).take(MOST_LINES).peekable();
    let is_dated = |line: &str| line.len() <= LONGEST_WHO && line.contains(':') && line.matches(|c: char| c.is_ascii_digit()).count() >= 8;
    if !is_dated(first) && lines.next_if(|line| is_dated(line)).is_none() {
        return false;
    }
    let (mut to, mut subject) = (0, 0);
    for line in lines {
        if let Some(roles) = cell(line).and_then(|cell| ROLES_OF.get(cell.as_str())) {
            to |= roles[TO];
            subject |= roles[SUBJECT];
        }
    }
    to & subject != 0
}

/// The first cell of a line that is laid out as a table, or all of a short line.
fn cell(line: &str) -> Option<String> {
    let line = line.trim_matches(is_ignored);
    let begin = line.get(..line.floor_char_boundary(LONGEST_LABEL))?;
    let end = begin.find('\t').or_else(|| begin.find("  ")).unwrap_or(begin.len());
    if end == begin.len() && begin.len() < line.len() {
        return None;
    }
    folded(begin[..end].trim_end_matches(':'))
}

#[cfg(test)]
mod tests {
    use super::super::marks::labels::LABELS;
    use super::super::reply;

    #[test]
    fn the_header_of_what_is_answered_ends_the_answer_in_every_language() {
        for labels in LABELS {
            for ((from, sent), (to, subject)) in
                labels.from.iter().zip(labels.sent.iter().cycle()).zip(labels.to.iter().cycle().zip(labels.subject.iter().cycle()))
            {
                for block in [
                    format!(
                        "{from}: Ada <ada@example.org>\n{sent}: 02.03.2026 10:00\n{to}: Bob <bob@example.org>\n{subject}: Parcel\n\nold"
                    ),
                    format!(
                        "*{from}:* Ada <ada@example.org>\n*{sent}:* 02.03.2026 10:00\n*{to}:* Bob\n*Cc:* Eve\n*{subject}:* Parcel\n\nold"
                    ),
                    format!("{sent} : 02.03.2026 10:00\n{from} : Ada\n{to} : Bob; Eve;\n  Grace\n{subject} : Parcel\nold"),
                    format!("{subject}：Parcel\n{from}：ada@example.org\n{to}：Bob\n\nold"),
                    format!(
                        "________________________________\n{from}: Ada [mailto:ada@example.org]\n\n{sent}: 02.03.2026 10:00\n\n{subject}: Parcel\n\nold"
                    ),
                ] {
                    let text = format!("Thank you!\n\n{block}");
                    assert_eq!(reply(&text), "Thank you!", "{text}");
                }
            }
        }
    }

    #[test]
    fn the_header_of_lotus_notes_ends_the_answer() {
        for block in [
            "Ada Lovelace/Acme\n02.03.2026 10:00\n\nTo\nBob/Acme\ncc\n\nSubject\nParcel\n\nold",
            "Ada Lovelace/Acme  02.03.2026 10:00:00\n\nAn\tBob/Acme@Acme\nKopie\t\nThema\tParcel\n\nold",
            "From:\tAda Lovelace/Acme\nTo:\tBob/Acme@Acme\nDate:\t02.03.2026 10:00\nSubject:\tParcel\n\nold",
        ] {
            assert_eq!(reply(&format!("It is there.\n\n{block}")), "It is there.", "{block}");
        }
    }

    #[test]
    fn what_a_customer_filled_in_is_kept() {
        for text in [
            "Hello,\n\nFrom: Berlin\nTo: Munich\nDate: 02.03.2026\nPassengers: 2",
            "Hello,\n\nName: Ada\nEmail: ada@example.org\nSubject: Parcel\nMessage: It has not come.",
            "Hello,\n\nVon: Berlin\nNach: München\nAm: 02.03.2026",
            "Hello,\n\nFrom: Ada\nSubject: Parcel\nMessage: It has not come.",
            "Hello,\n\nData: 02.03.2026\nCliente: Ada\nPara: Bob",
            "Hello,\n\nTo: be\nOr: not",
            "Hello,\n\nFrom: ada@example.org\nDate: 02.03.2026\nSubject: Parcel\nPhone: 020 7946 0000\nMessage: It has not come.",
            "Guten Tag,\n\nVon: ada@example.org\nBetreff: Paket\nDatum: 02.03.2026\nName: Ada\nNachricht: Es ist nicht da.",
            "Guten Tag,\n\nVon: Berlin\nAn: München\nDatum: 02.03.2026\nPersonen: 2",
            "Bonjour,\n\nDe : Lyon\nÀ : Paris\nDate : 02/03/2026\nVoyageurs : 2",
            "Bonjour,\n\nDe : ada@example.org\nObjet : Colis\nDate : 02/03/2026\nNom : Ada\nMessage : rien reçu.",
            "Hola,\n\nDe: Lima\nPara: Quito\nFecha: 02/03/2026",
            "Hola,\n\nNombre: Ada\nCorreo: ada@example.org\nAsunto: Paquete\nMensaje: No ha llegado.",
            "Olá,\n\nDe: ada@example.org\nAssunto: Encomenda\nData: 02/03/2026\nNome: Ada\nMensagem: Não chegou.",
            "Buongiorno,\n\nDa: Roma\nA: Milano\nData: 02/03/2026",
            "Hallo,\n\nVan: Utrecht\nAan: Zwolle\nDatum: 02-03-2026",
            "Hej,\n\nFrån: Lund\nTill: Malmö\nDatum: 2026-03-02",
            "Hei,\n\nFra: Oslo\nTil: Bergen\nDato: 02.03.2026",
            "Dzień dobry,\n\nOd: Gdynia\nDo: Sopot\nData: 02.03.2026",
            "Добрый день,\n\nОт: Тверь\nКому: Анна\nДата: 02.03.2026",
            "Hello,\n\nmy lines are\nFrom: the sender\nand not what you think.",
            "Hello,\n\nFrom: and Sent: are missing in your mail, and Subject: too.",
            "| From | To |\n|------|----|\n| a@example.org | b@example.org |",
            "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-From: a\n+From: b",
        ] {
            assert_eq!(reply(text), text);
        }
    }
}
