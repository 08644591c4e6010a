use super::super::reply;
use super::translations::{BALSA, CLAWS_MAIL, EVOLUTION, GEARY, HORDE_IMP, K_9_MAIL, MUTT, OTHERS, ROUNDCUBE, SNAPPYMAIL, THUNDERBIRD};

/// Introductions as programs write them whose translations are not public, and odd ones of others. Those
/// of Gmail, Apple Mail, Yahoo, web.de, mail.ru, Yandex, QQ and AOL are from general knowledge; the others
/// are of the kinds that [`super::translations`] has, wrapped or decorated.
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
fn the_introduction_of_every_translation_goes_with_its_quote() {
    let programs = [THUNDERBIRD, ROUNDCUBE, EVOLUTION, GEARY, CLAWS_MAIL, BALSA, MUTT, HORDE_IMP, K_9_MAIL, SNAPPYMAIL, OTHERS];
    let kept = programs.concat().into_iter().filter(|(_, introduction)| {
        let above = reply(&format!("Thank you!\n\n{introduction}\n> Is it there?\n> Ada\n"));
        let below = reply(&format!("{introduction}\n\n> Is it there?\n\nThank you!\n"));
        above != "Thank you!" || below != "Thank you!"
    });
    assert_eq!(kept.collect::<Vec<_>>(), Vec::<(&str, &str)>::new());
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
        "Hello,\n\nWir schrieben:\n\n> es ist da\n> und rot",
        "Hello,\n\nПрошу написать:\n\n> npm install\n> npm start",
        "Hello,\n\nProszę napisać:\n\n> npm install\n> npm start",
        "Hello,\n\nJag fick följande:\n\n> error 5\n> bye",
        "Hello,\n\nThe server said:\n\n> 550 no such user\n> bye",
        "Am Montag schrieb ich: es ist nicht da.\nAm Dienstag auch nicht.",
        "Ich schrieb an von: und betreff: und es kam nichts.",
        "Le 2 mars, mon collègue a écrit à votre service, sans réponse depuis.",
        "El 2 de marzo les escribió mi esposa: no hay respuesta.\n¿Qué pasa?",
        "W dniu 02.03.2026 napisała do Państwa moja żona: brak odpowiedzi.\nCo dalej?",
        "Op 2 maart schreef ik u: graag bericht.\nHet is nu april.",
        "2026-03-02 10:00:01 ERROR login failed for ada@example.org\n2026-03-02 10:00:02 WARN retry:\n2026-03-02 10:00:03 INFO ok",
        "[2026-03-02 10:00] ada@example.org: login\n[2026-03-02 10:01] bob@example.org: logout",
        "commit 0a1b2c\nAuthor: Ada <ada@example.org>\nDate: Mon Mar 2 10:00:00 2026 +0100\n\n    Mend it",
        "let a = b;\nif a > b {\n    print(a);\n}",
        "Le problème est le suivant :\nrien ne marche le 2 mars 2026 à 10:00.",
    ] {
        assert_eq!(reply(text), text);
    }
}

#[test]
fn a_sentence_above_a_quote_stays() {
    for sentence in [
        "On 2 March I wrote to you.",
        "Am 2. März schrieb ich Ihnen.",
        "Op 2 maart schreef ik u.",
        "Le 2 mars, je vous ai écrit.",
        "El 2 de marzo les escribió mi esposa.",
        "3月2日より届いていません。",
    ] {
        let text = format!("Hello,\n\n{sentence}");
        assert_eq!(reply(&format!("{text}\n\n> Is it there?\n> Ada")), text);
    }
}

#[test]
fn own_words_above_an_introduction_are_kept() {
    let text = "On the other hand, it works now.\nAda <ada@example.org> schrieb am 02.03.2026 um 10:00:\n> Is it there?";
    assert_eq!(reply(text), "On the other hand, it works now.");
}
