//! Where the signature begins at the end of what a person wrote, and what stands below it: the line
//! of an app, notices of firms and virus scanners, footers of mailing lists.

use super::introduction::dates;
use super::lines::{folded, is_blank, is_ignored, is_rule};
use super::marks::signatures::{APPS, CLOSINGS, CONTACT_LABELS, DEVICES, LIST_FOOTERS, NOTICE_WORDS, NOTICES};

/// So many lines at the end are looked at.
pub(super) const WINDOW: usize = 45;
/// A signature below "-- " has no more lines.
const DELIMITED_LINES: usize = 30;
/// One below a delimiter that lost its space, or below a closing.
const LIKELY_LINES: usize = 12;
/// One below a line that may as well part two sections.
const SHORT_LINES: usize = 6;
/// Such a line has no more bytes.
const SHORT_LINE: usize = 80;
/// A telephone number has so many digits.
const PHONE_DIGITS: usize = 7;

/// A line and where it begins.
type Placed<'t> = (usize, &'t str);

/// Where the signature at the end of `text` begins, if there is one. What stands before `from` is
/// not looked at.
pub(super) fn begins(text: &str, from: usize) -> Option<usize> {
    let lines = window(text, from);
    delimited(&lines)
        .or_else(|| app(&lines))
        .or_else(|| notice(&lines))
        .or_else(|| list(&lines))
        .or_else(|| contact(&lines))
        .or_else(|| name(&lines))
}

/// A signature without the delimiter above it.
pub(super) fn without_delimiter(signature: &str) -> &str {
    let signature = signature.trim();
    let (first, rest) = signature.split_once('\n').unwrap_or((signature, ""));
    if is_delimiter(first) || is_loose_delimiter(first) { rest.trim_start() } else { signature }
}

/// The last lines of a text, in their order.
fn window(text: &str, from: usize) -> Vec<Placed<'_>> {
    let mut lines = Vec::new();
    let mut end = text.trim_end().len();
    while end > from && lines.len() < WINDOW {
        let start = text[..end].rfind('\n').map_or(0, |at| at + 1).max(from);
        lines.push((start, &text[start..end]));
        end = start.saturating_sub(1);
    }
    lines.reverse();
    lines
}

fn is_delimiter(line: &str) -> bool {
    line.trim_end() == "--"
}

fn is_loose_delimiter(line: &str) -> bool {
    let line = line.trim_matches(is_ignored);
    matches!(line, "—" | "–" | "__" | "___" | "––" | "——") || is_rule(line) || line == "---"
}

fn written<'l, 't>(lines: &'l [Placed<'t>]) -> impl DoubleEndedIterator<Item = &'t str> + Clone + 'l {
    lines.iter().map(|(_, line)| *line).filter(|line| !is_blank(line))
}

/// Below "-- ", or what is left of it.
fn delimited(lines: &[Placed<'_>]) -> Option<usize> {
    let (index, (start, line)) = lines.iter().enumerate().rfind(|(_, (_, line))| is_delimiter(line) || is_loose_delimiter(line))?;
    let below = written(&lines[index + 1..]);
    let count = below.clone().count();
    let fits = if line.starts_with("-- ") {
        count <= DELIMITED_LINES
    } else if is_delimiter(line) {
        count <= LIKELY_LINES && below.clone().take(1).all(may_begin)
    } else {
        let named =
            count <= 3 && !line.starts_with("---") && !is_rule(line) && below.clone().all(|line| line.starts_with(char::is_uppercase));
        let is_telling = named || below.clone().any(is_contact);
        (1..=SHORT_LINES).contains(&count) && is_telling && below.clone().all(|line| line.len() <= SHORT_LINE && !is_sentence(line))
    };
    fits.then_some(*start)
}

/// Whether a line may be the first one below a delimiter: short, but for a mailing list's, and neither a
/// question nor code.
fn may_begin(line: &str) -> bool {
    (line.len() <= SHORT_LINE && !line.trim_end().ends_with(['?', '？', ';'])) || is_list_footer(line)
}

/// Something that is said, rather than a name, a firm or an address.
fn is_sentence(line: &str) -> bool {
    let line = line.trim_matches(is_ignored);
    let listed =
        line.starts_with(['-', '*', '•', '#', '|', '>']) || line.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with([')', '.']);
    let ended = line.ends_with(['!', '?', ':', ',', ';']) || (line.ends_with('.') && line.split_whitespace().count() > 3);
    listed || ended || line.split_whitespace().count() > 8
}

/// The line of an app, with nothing but ways to reach the person below it.
fn app(lines: &[Placed<'_>]) -> Option<usize> {
    let mut found = None;
    for (start, line) in lines.iter().rev().filter(|(_, line)| !is_blank(line)).take(SHORT_LINES) {
        if is_app(line) {
            found = Some(*start);
        } else if found.is_some() || !is_contact(line) {
            break;
        }
    }
    found
}

fn is_app(line: &str) -> bool {
    let line = line.trim_start_matches(|c: char| is_ignored(c) || matches!(c, '-' | '–' | '—' | '*' | '_' | '~' | '<' | '[' | '('));
    let Some(line) = folded(line) else { return false };
    let words = line.split(['<', '[']).next().unwrap_or_default();
    let is_short = words.len() <= 2 * SHORT_LINE && words.split_whitespace().count() <= 14 && !words.ends_with('?');
    let says = APPS.iter().any(|(start, then)| words.starts_with(start) && words[start.len()..].contains(then));
    is_short && says && (words.starts_with("sent from my ") || DEVICES.iter().any(|device| words.contains(device)))
}

/// A paragraph that a firm or a virus scanner adds, with all below it.
fn notice(lines: &[Placed<'_>]) -> Option<usize> {
    let is_first = |index: usize| index == 0 || is_blank(lines[index - 1].1) || is_rule(lines[index - 1].1);
    let index = (0..lines.len()).find(|index| is_first(*index) && is_notice(&lines[*index..]))?;
    let ruled = index > 0 && is_rule(lines[index - 1].1);
    (written(&lines[index..]).count() <= DELIMITED_LINES).then(|| lines[index - usize::from(ruled)].0)
}

fn is_notice(lines: &[Placed<'_>]) -> bool {
    let begin = |line: &str| folded(&line[..line.floor_char_boundary(400)]).unwrap_or_default();
    let Some((_, line)) = lines.first() else { return false };
    let first = begin(line.trim_start_matches(|c: char| is_ignored(c) || matches!(c, '*' | '_' | '"' | '[' | '(' | '<')));
    NOTICES.iter().any(|start| first.starts_with(start)) && {
        let mut paragraph = lines.iter().map(|(_, line)| *line).take_while(|line| !is_blank(line)).map(begin);
        paragraph.any(|line| NOTICE_WORDS.iter().any(|word| line.contains(word)))
    }
}

/// The footer of a mailing list, below its rule.
fn list(lines: &[Placed<'_>]) -> Option<usize> {
    let (index, (start, _)) = lines.iter().enumerate().rfind(|(_, (_, line))| is_rule(line))?;
    let below = written(&lines[index + 1..]);
    (below.clone().count() <= LIKELY_LINES && below.clone().any(is_list_footer)).then_some(*start)
}

fn is_list_footer(line: &str) -> bool {
    folded(line).is_some_and(|line| LIST_FOOTERS.iter().any(|words| line.contains(words)))
}

/// A name, a firm and ways to reach them, below a closing ("Best regards,"), which stays with what
/// was written.
fn contact(lines: &[Placed<'_>]) -> Option<usize> {
    let index = lines.iter().rposition(|(_, line)| is_closing(line))? + 1;
    let below = written(&lines[index..]);
    let fits = below.clone().count() <= LIKELY_LINES
        && below.clone().all(|line| line.len() <= SHORT_LINE * 2 && (is_contact(line) || !is_sentence(line)));
    let telling = below.clone().skip(1).any(is_contact);
    let start = lines[index..].iter().find(|(_, line)| !is_blank(line))?.0;
    (fits && telling).then_some(start)
}

fn is_closing(line: &str) -> bool {
    line.len() <= SHORT_LINE
        && folded(line).is_some_and(|line| {
            let is_around = |c: char| is_ignored(c) || matches!(c, ',' | '.' | '!' | ';' | '、' | '。' | '，' | '*' | '_');
            // Some write it in two languages: "Mit freundlichen Grüßen / Kind regards".
            line.split(['/', '|']).all(|line| CLOSINGS.contains(&line.trim_matches(is_around)))
        })
}

/// Whether a line says how to reach somebody.
fn is_contact(line: &str) -> bool {
    let Some(line) = folded(line) else { return false };
    let words = line.split_whitespace().count();
    let linked = ["www.", "http://", "https://"].iter().any(|start| line.contains(start)) || line.contains('@');
    let digits = line.chars().filter(char::is_ascii_digit).count();
    let letters = line.chars().filter(|c| c.is_alphabetic()).count();
    let labelled = CONTACT_LABELS.iter().any(|label| line.starts_with(label));
    let dated = !labelled && dates(&line).0 && line.contains(['.', '/', ':']);
    words <= 12
        && !dated
        && ((linked && words <= 6)
            || (digits >= PHONE_DIGITS && (labelled || letters < digits))
            || (labelled && digits >= PHONE_DIGITS - 1))
}

/// A last line that is a name behind a dash: "-- Ada", "—Ada", "-Ada".
fn name(lines: &[Placed<'_>]) -> Option<usize> {
    let (start, line) = lines.last()?;
    let name = ["-- ", "— ", "– ", "--", "—", "–", "-"].iter().find_map(|dash| line.strip_prefix(dash))?;
    let is_capital = |word: &str| word.starts_with(char::is_uppercase) && word.chars().all(|c| c.is_alphabetic() || matches!(c, '.' | '-'));
    let listed =
        written(&lines[..lines.len() - 1]).next_back().is_none_or(|before| before.starts_with(['-', '–', '—']) || before.ends_with(':'));
    let words = name.split_whitespace().count();
    let is_name = !name.starts_with(' ') && (1..=3).contains(&words) && name.len() <= 40 && name.split_whitespace().all(is_capital);
    (is_name && !listed).then_some(*start)
}

#[cfg(test)]
mod tests {
    use super::super::{Trimmed, trim};
    use super::DELIMITED_LINES;

    fn assert_signed(written: &str, between: &str, signature: &str) {
        for below in ["", "\n\nOn Mon, Mar 2, 2026 at 10:00 AM Bob <bob@example.org> wrote:\n> Is it there?\n"] {
            let text = format!("{written}{between}{signature}{below}");
            let expected = Trimmed { reply: (*written).into(), signature: Some(signature.trim().to_owned()) };
            assert_eq!(trim(&text, &[]), expected, "{text}");
        }
    }

    #[test]
    fn what_stands_below_a_delimiter_is_the_signature() {
        for delimiter in ["\n-- \n", "\n\n-- \n", "\n--\n", "\n\n--\n\n", "\n\n—\n", "\n\n__\n", "\n\n–\n"] {
            assert_signed("It has come.\nYours, Ada", delimiter, "Ada Lovelace\nAcme Ltd");
        }
        assert_signed(
            "It has come.",
            "\n\n-- \n",
            "Ada Lovelace\n\nAcme Ltd, 1 Mill Lane, Leeds\nTel. +44 20 7946 0000\nwww.acme.example\nThis line is longer than a person would care to write below a letter, and yet it is below the delimiter.",
        );
        assert_signed("It has come.", "\n\n______________\n", "Ada Lovelace\nTel. +44 20 7946 0000");
        assert_signed("It has come.", "\n\n", "-- Ada");
        assert_signed("It has come.", "\n", "—Ada");
    }

    #[test]
    fn the_line_of_an_app_is_a_signature_in_every_language() {
        for line in [
            "Sent from my iPhone",
            "Sent from my Galaxy",
            "*Sent from my mobile device*",
            "Get Outlook for iOS",
            "Get Outlook for Android<https://aka.ms/abc>",
            "Sent from Yahoo Mail on Android",
            "Sent from Mail for Windows",
            "Sent from Outlook for iOS<https://aka.ms/o0ukef>",
            "Sent with Proton Mail secure email.",
            "Sent via the Samsung Galaxy S21, an AT&T 5G smartphone app",
            "Von meinem iPhone gesendet",
            "Gesendet mit der GMX Mail App",
            "Gesendet mit der WEB.DE Mail App",
            "Von meinem Samsung Galaxy Smartphone gesendet.",
            "Outlook für iOS beziehen",
            "Diese Nachricht wurde von meinem Android-Gerät mit K-9 Mail gesendet.",
            "Envoyé de mon iPhone",
            "Envoyé depuis mon téléphone Orange",
            "Télécharger Outlook pour Android",
            "Enviado desde mi iPhone",
            "Enviado desde mi Samsung Galaxy",
            "Obtener Outlook para Android",
            "Enviado do meu iPhone",
            "Enviado do Yahoo Mail",
            "Inviato da iPhone",
            "Inviato dal mio dispositivo Samsung",
            "Scarica Outlook per iOS",
            "Verstuurd vanaf mijn iPhone",
            "Verzonden met Outlook voor Android",
            "Skickat från min iPhone",
            "Sendt fra min iPhone",
            "Hent Outlook til iOS",
            "Lähetetty iPhonesta",
            "Wysłane z iPhone'a",
            "Odesláno z iPhonu",
            "Odoslané z iPhonu",
            "Trimis de pe iPhone-ul meu",
            "Изпратено от моя iPhone",
            "Отправлено с iPhone",
            "Простите за краткость, создано в K-9 Mail.",
            "此邮件通过 K-9 Mail 在我的 Android 设备中编辑和发送。如果邮件有格式方面的不足，还请见谅。",
            "Wysłane z urządzenia Android za pomocą K-9 Mail. Proszę wybaczyć moją zwięzłość.",
            "Android için K-9 Posta'dan gönderildi. Lütfen bu kısa notumu mazur görün.",
            "Envoyé de mon appareil Android avec Courriel K-9 Mail. Veuillez excuser ma brièveté.",
            "Отправлено из мобильной Почты Mail.ru",
            "Отправлено из Яндекс Почты для мобильных",
            "Надіслано з iPhone",
            "iPhone'umdan gönderildi",
            "Στάλθηκε από το iPhone μου",
            "נשלח מה-iPhone שלי",
            "أُرسلت من الـ iPhone",
            "iPhoneから送信",
            "发自我的iPhone",
            "從我的 iPhone 傳送",
            "나의 iPhone에서 보냄",
            "Đã gửi từ iPhone của tôi",
            "ส่งจาก iPhone ของฉัน",
            "Dikirim dari iPhone saya",
            "Enviat des del meu iPhone",
        ] {
            assert_signed("It has come.", "\n\n", line);
            assert_signed("It has come.", "\n", line);
        }
        assert_signed("It has come.", "\n\n", "Sent from my iPhone\n+44 20 7946 0000");
    }

    #[test]
    fn name_and_numbers_below_a_closing_are_the_signature() {
        for closing in ["Best regards,", "Mit freundlichen Grüßen", "Cordialement,", "Un cordial saludo,", "Z poważaniem", "С уважением,"]
        {
            assert_signed(&format!("It has come.\n\n{closing}"), "\n", "Ada Lovelace\nAcme Ltd\nTel. +44 20 7946 0000\nada@acme.example");
            assert_signed(&format!("It has come.\n\n{closing}"), "\n\n", "Ada Lovelace | Engineer\nwww.acme.example");
        }
    }

    #[test]
    fn what_firms_scanners_and_lists_add_is_the_signature() {
        for notice in [
            "This e-mail and any attachments are confidential and intended solely for the addressee. If you have received it in error, please delete it.",
            "Diese E-Mail enthält vertrauliche und/oder rechtlich geschützte Informationen.\nWenn Sie nicht der richtige Adressat sind, löschen Sie sie.",
            "CONFIDENTIALITY NOTICE: The contents of this message are privileged.\n\nIt may not be passed on.",
            "Virus-free. www.avast.com",
            "_______________________________________________\nUsers mailing list\nusers@lists.example\nhttps://lists.example/listinfo/users",
            "Please consider the environment before printing this e-mail.",
        ] {
            let text = format!("It has come.\n\n{notice}");
            let trimmed = trim(&text, &[]);
            assert_eq!((&*trimmed.reply, trimmed.signature.is_some()), ("It has come.", true), "{notice}");
        }
        let text = "It has come.\n\n-- \nAda\n\nVirus-free. www.avast.com\n\nOn Mon, Ada wrote:\n> x";
        assert_eq!(trim(text, &[]).signature.as_deref(), Some("Ada\n\nVirus-free. www.avast.com"));
    }

    #[test]
    fn what_only_looks_like_a_signature_is_kept() {
        for text in [
            "Sent from my iPhone",
            "-- \nAda",
            "Please send it to:\n\nAda Lovelace\n1 Mill Lane\nTel. +44 20 7946 0000",
            "Two things.\n\n---\nThe first is the parcel, which has not come.\nThe second is the invoice.",
            "Title\n-----\nText",
            "It broke.\n\nThanks,\nAda",
            "It broke.\n\nBest regards,\nAda Lovelace",
            "Thanks!\nCan you call me at +44 20 7946 0000?\nAda",
            "I need:\n- Apples\n-Pears",
            "He said:\n-Ada",
            "Gesendet mit DHL am 3. März.",
            "Wysłane z Warszawy w marcu.",
            "Sendt fra lageret i går.",
            "Inviato da Roma ieri.",
            "Trimis din Cluj luni.",
            "Odesláno z Brna v pondělí.",
            "Простите за краткость, я в дороге.",
            "Envoyé depuis Lyon le 2 mars.",
            "Enviado desde Sevilla el lunes.",
            "To buy:\n- milk\n- bread\n-- Eggs\n- tea",
            "Einkauf:\n\n- Milch\n- Brot\n-Eier",
            "| name | phone |\n|------|-------|\n| Ada | 020 7946 0000 |",
            "fn main() {\n    let i = 3;\n    i--\n}",
            "@@ -1,2 +1,2 @@\n-Old\n+New",
            "02.03.2026 10:00 ada@example.org login\n02.03.2026 10:01 ada@example.org logout",
            "This message contains what you asked for.\nIt is long.",
            "| a | b |\n|--|--|\n| 1 | 2 |",
            "$ tool -- \n--flag\nfails with the following, and I do not know what it is that I should do about it now, so please help me",
            "Is it sent from my iPhone?",
            "Your letter was sent from my street to yours.",
            "Why does it always say this?\nSent from my iPhone?",
            &format!("Here is the log.\n-- \n{}it ends", "it goes on\n".repeat(DELIMITED_LINES)),
        ] {
            assert_eq!(trim(text, &[]), Trimmed { reply: text.into(), signature: None });
        }
    }
}
