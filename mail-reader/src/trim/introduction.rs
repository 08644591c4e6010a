//! Lines that introduce a quote: "On Monday, Ada wrote:", over several lines if need be.

use std::collections::VecDeque;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::lines::{first, folded, is_blank, is_ignored, is_quoted};
use super::marks::introductions::{INTRODUCTIONS, QUOTING};

/// Over so many lines an introduction may be wrapped.
const WRAPPED: usize = 6;
/// A longer line belongs to none.
const LONGEST_LINE: usize = 400;
/// So many empty lines may stand between an introduction and its quote.
const GAP: usize = 3;
/// An introduction has no more colons with a space behind them.
const MOST_COLONS: usize = 6;
/// So many words of a name stand behind what the person did ("schrieb Ada Lovelace:").
const NAME_WORDS: usize = 5;

static VERBS: LazyLock<AhoCorasick> = LazyLock::new(|| {
    let verbs = INTRODUCTIONS.iter().flat_map(|introduction| introduction.verbs);
    AhoCorasick::new(verbs).expect("the table is small")
});

/// An introduction that was found.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// How many bytes it takes.
    pub(super) len: usize,
    /// What follows bears no marks of a quote and is one all the same, to the end.
    pub(super) unmarked: bool,
}

/// How sure it is that a few lines introduce a quote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    /// They do if quoted lines follow.
    WithQuote,
    /// They do, whatever follows.
    Alone,
}

/// What is seen at once of a line, looked at only once.
#[derive(Debug, Clone, Copy)]
struct Glance {
    /// Where it ends.
    end: usize,
    look: Look,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    Blank,
    Quoted,
    /// Too long to belong to an introduction.
    Long,
    /// It ends with a colon.
    Colon,
    Other,
}

impl Look {
    fn of(line: &str) -> Self {
        if is_blank(line) {
            Self::Blank
        } else if is_quoted(line) {
            Self::Quoted
        } else if line.len() > LONGEST_LINE {
            Self::Long
        } else if undecorated(line).ends_with([':', '：', '﹕']) {
            Self::Colon
        } else {
            Self::Other
        }
    }
}

/// The lines to come of a text that is read from its beginning to its end.
pub(super) struct Ahead<'t> {
    text: &'t str,
    /// Where what was looked at ends.
    seen: usize,
    lines: VecDeque<Glance>,
}

impl<'t> Ahead<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, seen: 0, lines: VecDeque::new() }
    }

    /// Goes on to the line that begins at `at`.
    pub(super) fn at(&mut self, at: usize) -> Coming<'_> {
        while self.lines.front().is_some_and(|line| line.end <= at) {
            self.lines.pop_front();
        }
        self.seen = self.seen.max(at);
        while self.lines.len() <= WRAPPED + GAP && self.seen < self.text.len() {
            let line = first(&self.text[self.seen..]);
            self.seen += line.len();
            self.lines.push_back(Glance { end: self.seen, look: Look::of(line) });
        }
        Coming { lines: &self.lines, at }
    }
}

/// The lines from one on.
pub(super) struct Coming<'l> {
    lines: &'l VecDeque<Glance>,
    /// Where the first begins.
    at: usize,
}

impl Coming<'_> {
    /// Where the lines that could be an introduction end, and whether quoted lines follow.
    fn end(&self, is_marked: impl Fn(usize) -> bool) -> Option<(usize, bool)> {
        for (index, line) in self.lines.iter().enumerate().take(WRAPPED) {
            if matches!(line.look, Look::Blank | Look::Quoted | Look::Long) {
                return None;
            }
            let gap = self.lines.iter().skip(index + 1).take(GAP).take_while(|line| line.look == Look::Blank).count();
            let before = self.lines[index + gap].end - self.at;
            let quoted = self
                .lines
                .get(index + gap + 1)
                .is_some_and(|line| line.look == Look::Quoted || (line.look != Look::Blank && is_marked(before)));
            if quoted || line.look == Look::Colon {
                return Some((line.end - self.at, quoted));
            }
        }
        None
    }
}

/// Whether an introduction begins with the lines that come, which are those of `rest`. `is_marked` tells
/// whether what begins so many bytes on is quoted by other means than its own marks.
pub(super) fn begins(rest: &str, coming: &Coming<'_>, is_marked: impl Fn(usize) -> bool) -> Option<Found> {
    let line = first(rest);
    if let Some(found) = with_quote_beside(line) {
        return Some(found);
    }
    let (len, quoted) = coming.end(is_marked)?;
    let lines = &rest[..len];
    if !quoted && !lines.contains(|c: char| is_digit(c) || c == '@') {
        return None;
    }
    let needed = if quoted { Weight::WithQuote } else { Weight::Alone };
    weigh(lines).filter(|weight| *weight >= needed)?;
    let later = &lines[line.len()..];
    let needs_first_line = later.is_empty() || weigh(later).is_none_or(|weight| weight < needed);
    (needs_first_line || leads_on(line)).then_some(Found { len, unmarked: !quoted })
}

/// Whether what stands between dashes is an introduction, as Lotus Notes and Zoho write it.
pub(super) fn stands_between_dashes(words: &str) -> bool {
    let Some(words) = folded(words) else { return false };
    verb(&words).is_some_and(|(_, end)| words[end..].trim_end_matches([':', ' ']).is_empty())
}

/// Whether what stands between arrows is who wrote and when, as GroupWise writes it.
pub(super) fn stands_between_arrows(words: &str) -> bool {
    folded(words)
        .is_some_and(|words| dates(&words) == (true, true) && words.starts_with(|c: char| c.is_alphanumeric() || c == '"' || c == '<'))
}

/// Whether nothing but empty lines stands before quoted ones.
pub(super) fn quote_follows(rest: &str) -> bool {
    rest.split_inclusive('\n').take(GAP + 1).find(|line| !is_blank(line)).is_some_and(is_quoted)
}

fn undecorated(line: &str) -> &str {
    line.trim_matches(|c| is_ignored(c) || matches!(c, '*' | '_' | '"'))
}

/// An introduction with what it introduces on the same line.
fn with_quote_beside(line: &str) -> Option<Found> {
    let begin = line.get(..line.floor_char_boundary(LONGEST_LINE))?;
    if !begin.contains('@') {
        return None;
    }
    let colon = begin.match_indices(": ").map(|(at, _)| at).take(MOST_COLONS).find(|at| {
        let evidence = Evidence::of(&folded(&begin[..*at]).unwrap_or_default());
        let verb_last = evidence.verb.is_some_and(|(_, end)| end == evidence.len);
        verb_last && evidence.start && evidence.address && evidence.dated == (true, true)
    })?;
    (!is_blank(&line[colon + 1..])).then_some(Found { len: line.len(), unmarked: true })
}

/// Whether the first line of a wrapped introduction is a part of it, where the others would do.
fn leads_on(line: &str) -> bool {
    let line = undecorated(line);
    let ends_sentence = line.ends_with(['.', '!', '?', '。', '！', '？']);
    let opens_address = line.rfind('<').is_some_and(|at| !line[at..].contains('>'));
    let words = folded(line).unwrap_or_default();
    let starts = starts(&words);
    let tells = has_address(&words) && (dates(&words) != (false, false) || verb(&words).is_some());
    opens_address
        || (tells && !ends_sentence)
        || (starts && line.contains(is_digit))
        || (starts && !ends_sentence && line.ends_with([',', '،', '，']))
}

/// What speaks for an introduction.
struct Evidence {
    start: bool,
    /// From where to where it says that somebody wrote.
    verb: Option<(usize, usize)>,
    /// A date with its year, and a time of day.
    dated: (bool, bool),
    address: bool,
    len: usize,
}

impl Evidence {
    /// Of folded lines.
    fn of(lines: &str) -> Self {
        Self { start: starts(lines), verb: verb(lines), dated: dates(lines), address: has_address(lines), len: lines.len() }
    }
}

fn weigh(lines: &str) -> Option<Weight> {
    let mut joined = String::new();
    for line in lines.lines() {
        joined.push_str(&folded(undecorated(line))?);
        joined.push(' ');
    }
    let words = joined.trim_end().trim_end_matches([':', '：', '﹕', ' ']);
    let colon = words.len() < joined.trim_end().len();
    let evidence = Evidence::of(words);
    let Evidence { start, verb, dated: (date, time), address, .. } = evidence;
    let ends_with_sender = words.ends_with(['>', ')', ']']);
    let alone = colon
        && if let Some((_, end)) = verb {
            let behind = words[end..].split_whitespace().count();
            let ends = ends_with_sender || behind <= NAME_WORDS || words.ends_with(is_digit);
            ends && ((address && (date || time)) || (start && date && time))
        } else {
            address && date && time && ends_with_sender
        };
    if alone {
        return Some(Weight::Alone);
    }
    let said = if colon { verb.is_some() || (date && time) || is_name(lines) } else { verb.is_some() && start && words.contains(is_digit) };
    let addressed = address && words.contains(is_digit) && (colon || ends_with_sender);
    let quoting = colon && QUOTING.iter().any(|quoting| words.starts_with(quoting));
    (said || addressed || quoting).then_some(Weight::WithQuote)
}

fn starts(words: &str) -> bool {
    words.starts_with(is_digit) || INTRODUCTIONS.iter().flat_map(|introduction| introduction.starts).any(|start| words.starts_with(start))
}

/// Where it is said that somebody wrote: the last of several, at the beginning of a word where words
/// are set apart.
fn verb(words: &str) -> Option<(usize, usize)> {
    let begins_word = |at: usize| {
        let next = words[at..].chars().next().unwrap_or(' ');
        next > '\u{2e80}' || !words[..at].chars().next_back().is_some_and(char::is_alphabetic)
    };
    let found = VERBS.find_overlapping_iter(words).filter(|found| begins_word(found.start())).last()?;
    // Who wrote may be of either sex: "napisał(a)", "je napisao/la".
    let behind = &words[found.end()..];
    let forms = ["(a)", "(la)", "/la", "а(а)", "(ла)"].iter().find(|form| behind.starts_with(**form)).map_or(0, |form| form.len());
    Some((found.start(), found.end() + forms))
}

/// Whether an e-mail address stands there.
fn has_address(words: &str) -> bool {
    words.match_indices('@').any(|(at, _)| {
        let before = words[..at].chars().next_back();
        let after = words[at + 1..].chars().next();
        before.is_some_and(char::is_alphanumeric) && after.is_some_and(|c| c.is_alphanumeric() || c == '[')
    })
}

/// Whether lines are nothing but a name of two or more words.
fn is_name(lines: &str) -> bool {
    let name = undecorated(lines).trim_end_matches([':', '：']);
    let mut words = name.split_whitespace();
    let is_capital =
        |word: &str| word.starts_with(char::is_uppercase) && word.chars().all(|c| c.is_alphabetic() || matches!(c, '.' | '-' | '\''));
    name.contains(' ') && words.clone().count() <= NAME_WORDS && words.all(is_capital)
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit() || matches!(c, '٠'..='٩' | '۰'..='۹')
}

/// Whether a date with its year, and a time of day, stand there.
pub(super) fn dates(words: &str) -> (bool, bool) {
    let chars: Vec<char> = words.chars().collect();
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for (at, _) in chars.iter().enumerate().filter(|(_, c)| is_digit(**c)) {
        match runs.last_mut() {
            Some((_, end)) if *end == at => *end += 1,
            _ => runs.push((at, at + 1)),
        }
    }
    let len = |run: (usize, usize)| run.1 - run.0;
    let between = |one: (usize, usize), two: (usize, usize)| (two.0 == one.1 + 1).then(|| chars[one.1]);
    let is_date = |three: &[(usize, usize)]| {
        let separator = between(three[0], three[1]);
        separator == between(three[1], three[2]) && separator.is_some_and(|c| matches!(c, '.' | '/' | '-'))
    };
    let is_time = |one: (usize, usize), two: (usize, usize)| {
        let dotted = |at: Option<usize>| at.and_then(|at| chars.get(at)).is_some_and(|c| *c == '.');
        len(one) <= 2
            && len(two) == 2
            && match between(one, two) {
                Some(':' | '：' | '∶' | 'h' | '时' | '時' | '点' | '點') => true,
                Some('.') => {
                    let more = chars.get(two.1 + 1).is_some_and(|c| is_digit(*c));
                    !(dotted(one.0.checked_sub(1)) || dotted(Some(two.1)) && more)
                }
                _ => false,
            }
    };
    let korean = chars.windows(2).any(|two| is_digit(two[0]) && matches!(two[1], '시' | '時' | '时'));
    let date = runs.iter().any(|run| len(*run) == 4) || runs.windows(3).any(is_date);
    (date, korean || runs.windows(2).any(|two| is_time(two[0], two[1])))
}

#[cfg(test)]
mod tests {
    use super::super::reply;

    /// Introductions as programs write them, with the language and where each was seen.
    const SEEN: [&str; 96] = [
        // Gmail
        "On Mon, Mar 2, 2026 at 10:00 AM Ada Lovelace <ada@example.org> wrote:",
        "On Mon, Mar 2, 2026 at 10:00\u{202f}AM Ada Lovelace <\nada.lovelace.of.the.analytical.engine@example.org> wrote:",
        "On Mon, Mar 2, 2026 at 10:00 AM Ada Lovelace <ada@example.org>\nwrote:",
        "2026-03-02 10:00 GMT+01:00 Ada Lovelace <ada@example.org>:",
        "Ada Lovelace <ada@example.org> schrieb am Mo., 2. März 2026, 10:00:",
        "Am Mo., 2. März 2026 um 10:00 Uhr schrieb Ada Lovelace <\nada@example.org>:",
        "Le lun. 2 mars 2026 à 10:00, Ada Lovelace <ada@example.org> a écrit :",
        "El lun, 2 mar 2026 a las 10:00, Ada Lovelace (<ada@example.org>) escribió:",
        "Em seg., 2 de mar. de 2026 às 10:00, Ada Lovelace <ada@example.org>\nescreveu:",
        "Ada Lovelace <ada@example.org> escreveu (segunda, 2/03/2026 à(s) 10:00):",
        "Il giorno lun 2 mar 2026 alle ore 10:00 Ada Lovelace <ada@example.org> ha\nscritto:",
        "Op ma 2 mrt 2026 om 10:00 schreef Ada Lovelace <ada@example.org>:",
        "Den mån 2 mars 2026 kl 10:00 skrev Ada Lovelace <ada@example.org>:",
        "Den man. 2. mar. 2026 kl. 10.00 skrev Ada Lovelace <ada@example.org>:",
        "man. 2. mar. 2026 kl. 10:00 skrev Ada Lovelace <ada@example.org>:",
        "ma 2. maalisk. 2026 klo 10.00 Ada Lovelace (ada@example.org) kirjoitti:",
        "pon., 2 mar 2026 o 10:00 Ada Lovelace <ada@example.org> napisał(a):",
        "po 2. 3. 2026 v 10:00 odesílatel Ada Lovelace <ada@example.org> napsal:",
        "po 2. 3. 2026 o 10:00 Ada Lovelace <ada@example.org> napísal(a):",
        "Ada Lovelace <ada@example.org> ezt írta (időpont: 2026. márc. 2., H,\n10:00):",
        "În lun., 2 mar. 2026 la 10:00, Ada Lovelace <ada@example.org> a scris:",
        "На пн, 2.03.2026 г. в 10:00 Ada Lovelace <ada@example.org> написа:",
        "пн, 2 мар. 2026 г. в 10:00, Ada Lovelace <ada@example.org>:",
        "пн, 2 бер. 2026 р. о 10:00 Ada Lovelace <ada@example.org> пише:",
        "Ada Lovelace <ada@example.org>, 2 Mar 2026 Pzt, 10:00 tarihinde şunu\nyazdı:",
        "Στις Δευ 2 Μαρ 2026 στις 10:00 π.μ., ο/η Ada Lovelace <ada@example.org>\nέγραψε:",
        "\u{202b}בתאריך יום ב׳, 2 במרץ 2026 ב-10:00 מאת \u{202a}Ada Lovelace\u{202c}\u{200f} <\u{202a}ada@example.org\u{202c}\u{200f}>:\u{202c}",
        "في الاثنين، 2 مارس 2026 في 10:00 ص تمت كتابة ما يلي بواسطة Ada Lovelace\n<ada@example.org>:",
        "در تاریخ دوشنبه ۲ مارس ۲۰۲۶،\u{200f} ۱۰:۰۰ Ada Lovelace <ada@example.org> نوشت:",
        "2026年3月2日(月) 10:00 Ada Lovelace <ada@example.org>:",
        "Ada Lovelace <ada@example.org> 于2026年3月2日周一 10:00写道：",
        "Ada Lovelace <ada@example.org> 於 2026年3月2日 週一 上午10:00寫道：",
        "2026년 3월 2일 (월) 오전 10:00, Ada Lovelace <ada@example.org>님이 작성:",
        "Vào Th 2, 2 thg 3, 2026 vào lúc 10:00 Ada Lovelace <ada@example.org>\nđã viết:",
        "ในวันที่ จ. 2 มี.ค. 2026 เวลา 10:00 Ada Lovelace <ada@example.org> เขียนว่า:",
        "Pada tanggal Sen, 2 Mar 2026 pukul 10.00 Ada Lovelace <ada@example.org>\nmenulis:",
        "pon, 2. ožu 2026. u 10:00 Ada Lovelace <ada@example.org> napisao je:",
        "V V pon., 2. mar. 2026 ob 10:00 je oseba Ada Lovelace <ada@example.org>\nnapisala:",
        "2026-03-02, pr, 10:00 Ada Lovelace <ada@example.org> rašė:",
        "pirmd., 2026. g. 2. marts, plkst. 10:00 — lietotājs Ada Lovelace (<\nada@example.org>) rakstīja:",
        "Kuupäev E, 2. märts 2026 kell 10:00 kirjutas Ada Lovelace <ada@example.org>:",
        "Missatge de Ada Lovelace <ada@example.org> del dia dl., 2 de març 2026 a les\n10:00:",
        // Apple Mail
        "On 2. Mar 2026, at 10:00, Ada Lovelace <ada@example.org> wrote:",
        "On Mar 2, 2026, at 10:00\u{202f}AM, Ada Lovelace <ada@example.org> wrote:",
        "Am 02.03.2026 um 10:00 schrieb Ada Lovelace <ada@example.org>:",
        "Le 2 mars 2026 à 10:00, Ada Lovelace <ada@example.org> a écrit\u{a0}:",
        "El 2 mar 2026, a las 10:00, Ada Lovelace <ada@example.org> escribió:",
        "Il giorno 2 mar 2026, alle ore 10:00, Ada Lovelace <ada@example.org> ha scritto:",
        "Op 2 mrt. 2026 om 10:00 heeft Ada Lovelace <ada@example.org> het volgende geschreven:",
        "2 mars 2026 kl. 10:00 skrev Ada Lovelace <ada@example.org>:",
        "Ada Lovelace <ada@example.org> kirjoitti 2.3.2026 kello 10.00:",
        "Wiadomość napisana przez Ada Lovelace <ada@example.org> w dniu 02.03.2026, o godz. 10:00:",
        "2. 3. 2026 v 10:00, Ada Lovelace <ada@example.org>:",
        "2 мар. 2026 г., в 10:00, Ada Lovelace <ada@example.org> написал(а):",
        "2026/03/02 10:00、Ada Lovelace <ada@example.org>のメール:",
        "在 2026年3月2日，10:00，Ada Lovelace <ada@example.org> 写道：",
        "Ada Lovelace <ada@example.org> 於 2026年3月2日 上午10:00 寫道：",
        "2026. 3. 2. 오전 10:00, Ada Lovelace <ada@example.org> 작성:",
        "Ada Lovelace <ada@example.org> şunları yazdı (2 Mar 2026 10:00):",
        // Thunderbird, Evolution, Roundcube and Horde
        "On 3/2/26 10:00, Ada Lovelace wrote:",
        "Am 02.03.26 um 10:00 schrieb Ada Lovelace:",
        "Le 02/03/2026 à 10:00, Ada Lovelace a écrit :",
        "Ada Lovelace schreef op 02-03-2026 10:00:",
        "W dniu 02.03.2026 o 10:00, Ada Lovelace pisze:",
        "Dne 02. 03. 26 v 10:00 Ada Lovelace napsal(a):",
        "2026. 03. 02. 10:00 keltezéssel, Ada Lovelace írta:",
        "02.03.2026 10:00, Ada Lovelace пишет:",
        "La 02.03.2026 10:00, Ada Lovelace a scris:",
        "Den 02.03.2026 kl. 10.00 skrev Ada Lovelace:",
        "Às 10:00 de 02/03/2026, Ada Lovelace escreveu:",
        "2026/03/02 10:00에 Ada Lovelace 이(가) 쓴 글:",
        "Am Montag, dem 02.03.2026 um 10:00 +0100 schrieb Ada Lovelace:",
        "Ada Lovelace píše v Po 02. 03. 2026 v 10:00 +0100:",
        "Ühel kenal päeval, E, 02.03.2026 kell 10:00, kirjutas Ada Lovelace:",
        "Quoting Ada Lovelace <ada@example.org>:",
        "Zitat von Ada Lovelace <ada@example.org>:",
        "Citando Ada Lovelace <ada@example.org>:",
        // Mutt, Pine, Gnus and others
        "On Mon, Mar 02, 2026 at 10:00:00AM +0100, Ada Lovelace wrote:",
        "* Ada Lovelace <ada@example.org> [2026-03-02 10:00]:",
        "* Ada Lovelace (ada@example.org) [260302 10:00]:",
        "On Mon, 2 Mar 2026, Ada Lovelace wrote:",
        "Ada Lovelace <ada@example.org> writes:",
        "Ada Lovelace schrieb:",
        "Ada Lovelace <ada@example.org> wrote on Monday:",
        "In a message dated 3/2/2026 10:00:00 AM Eastern Standard Time, ada@example.org\nwrites:",
        // Yahoo, web.de, mail.ru, Yandex, QQ
        "On Monday, March 2, 2026, 10:00:00 AM GMT+1, Ada Lovelace <ada@example.org> wrote:",
        "On Monday, March 2, 2026 10:00 AM, Ada Lovelace <ada@example.org> wrote:",
        "Am 02.03.26, 10:00 schrieb Ada Lovelace <ada@example.org>:",
        "Понедельник, 2 марта 2026, 10:00 +03:00 от Ада <ada@example.org>:",
        "02.03.2026, 10:00, \"Ada Lovelace\" <ada@example.org>:",
        "В понедельник, 2 марта 2026 г., Ада Лавлейс <ada@example.org> написал(а):",
        "在 2026-03-02 10:00:00，\"Ada\" <ada@example.org> 写道：",
        "At 2026-03-02 10:00:00, \"Ada\" <ada@example.org> wrote:",
        // Outlook for Mac, Superhuman, decorated
        "*On Mon, Mar 2, 2026 at 10:00 AM, Ada Lovelace <ada@example.org> wrote:*",
        "On Mon, Mar 02, 2026 at 10:00 AM, Ada Lovelace < ada@example.org > wrote:",
        "Ada Lovelace:",
    ];

    #[test]
    fn an_introduction_goes_with_its_quote() {
        let gaps = ["\n\n{}\n", "\n\n{}\n\n", "\n\n{}\n\n\n", "\n{}\n"];
        let kept = SEEN.iter().flat_map(|introduction| gaps.map(|gap| gap.replace("{}", introduction))).filter(|introduction| {
            let above = reply(&format!("Thank you!{introduction}> Is it there?\n> Ada\n"));
            let below = reply(&format!("{}> Is it there?\n\nThank you!\n", introduction.trim_start()));
            above != "Thank you!" || below != "Thank you!"
        });
        assert_eq!(kept.collect::<Vec<_>>(), Vec::<String>::new());
    }

    #[test]
    fn one_with_date_and_address_needs_no_marks_below() {
        let told =
            SEEN.iter().filter(|line| line.contains('@') && (line.contains("10:00") || line.contains("10.00")) && !line.starts_with('*'));
        let kept = told.filter(|introduction| reply(&format!("Thank you!\n\n{introduction}\n\nIs it there?\nAda\n")) != "Thank you!");
        assert_eq!(kept.collect::<Vec<_>>(), Vec::<&&str>::new());
        for beside in ["> Is it there?", "Is it there?"] {
            let text = format!("Thank you!\n\nOn Mon, Mar 2, 2026 at 10:00 AM Ada <ada@example.org> wrote: {beside}\nAda");
            assert_eq!(reply(&text), "Thank you!", "{text}");
        }
    }

    #[test]
    fn prose_is_no_introduction() {
        for text in [
            "Hello,\n\nOn Monday I wrote: please send it again.\nIt has not come.",
            "Hello,\n\nHe wrote:\nthat it works.",
            "Hello,\n\nOn 2 March 2026 at 10:00 your colleague Bob (bob@example.org) wrote to me on the phone the following:\nit will come.",
            "Hello,\n\nplease write by 02.03.2026, 10:00 to:\nada@example.org",
            "Ada Lovelace:\nplease call her.",
            "The parcel of 02.03.2026 10:00 (ada@example.org) contains:\n1 x cable",
            "I ran:\n\n> npm install\n> npm start",
            "Le problème est le suivant :\nrien ne marche le 2 mars 2026 à 10:00.",
        ] {
            assert_eq!(reply(text), text);
        }
    }

    #[test]
    fn own_words_above_an_introduction_are_kept() {
        let text = "On the other hand, it works now.\nAda <ada@example.org> schrieb am 02.03.2026 um 10:00:\n> Is it there?";
        assert_eq!(reply(text), "On the other hand, it works now.");
    }
}
