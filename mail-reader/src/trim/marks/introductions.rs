//! Lines such as "On Monday, Ada wrote:". Each language has its first words and what they say that
//! the person did.
//!
//! Sources: the translations of Thunderbird (`mailnews.reply_header_*`), of Evolution (the
//! attribution in `mail-composer`), of Roundcube (`mailreplyintro`), of Horde IMP ("Quoting %f:")
//! and of K-9 Mail (`message_compose_reply_header_fmt`); for Gmail, Apple Mail, Yandex and mail.ru,
//! whose translations are not public, mail as it stands in public list archives.

/// How a language introduces a quote.
#[derive(Debug)]
pub(in crate::trim) struct Introduction {
    /// How such a line begins when it begins with the date; with the space that ends the word.
    pub(in crate::trim) starts: &'static [&'static str],
    /// What it says that the person did.
    pub(in crate::trim) verbs: &'static [&'static str],
}

/// Of a language, as BCP 47 names it.
const fn of(_language: &'static str, starts: &'static [&'static str], verbs: &'static [&'static str]) -> Introduction {
    Introduction { starts, verbs }
}

/// By language.
pub(in crate::trim) const INTRODUCTIONS: [Introduction; 40] = [
    // "In a message dated" is AOL's.
    of("en", &["on ", "at ", "in a message dated "], &["wrote", "writes", "said"]),
    of("de", &["am "], &["schrieb", "hat geschrieben", "folgendes geschrieben"]),
    of("fr", &["le "], &["a écrit", "a ecrit"]),
    of("es", &["el "], &["escribió", "escribio", "ha escrito"]),
    of("pt-BR", &["em "], &["escreveu"]),
    of("pt-PT", &["a ", "às ", "no dia "], &["escreveu"]),
    of("it", &["il ", "in data "], &["ha scritto"]),
    of("nl", &["op "], &["schreef", "het volgende geschreven"]),
    of("sv", &["den ", "på "], &["skrev", "följande"]),
    of("da", &["den "], &["skrev"]),
    of("nb", &["den "], &["skrev"]),
    of("nn", &["den "], &["skreiv"]),
    of("fi", &["ma ", "ti ", "ke ", "to ", "pe ", "la ", "su "], &["kirjoitti"]),
    of(
        "pl",
        &["w dniu ", "dnia ", "pon., ", "wt., ", "śr., ", "czw., ", "pt., ", "sob., ", "niedz., "],
        &["napisał", "pisze", "wiadomość napisana przez"],
    ),
    of("cs", &["dne ", "po ", "út ", "st ", "čt ", "pá ", "so ", "ne "], &["napsal", "píše"]),
    of("sk", &["dňa ", "v ", "po ", "ut ", "st ", "št ", "pi ", "so ", "ne "], &["napísal", "píše"]),
    of("hu", &[], &["írta"]),
    of("ro", &["în data de ", "în ", "pe ", "la "], &["a scris"]),
    of("bg", &["на ", "в "], &["написа"]),
    of("ru", &["в ", "пн, ", "вт, ", "ср, ", "чт, ", "пт, ", "сб, ", "вс, "], &["пишет", "написал", "писал"]),
    of("uk", &["у ", "в ", "пн, ", "вт, ", "ср, ", "чт, ", "пт, ", "сб, ", "нд, "], &["пише", "написав", "написала"]),
    of("tr", &[], &["yazdı", "yazmış"]),
    of("el", &["στις ", "την ", "ο/η "], &["έγραψε"]),
    // Gmail's says "from", not "wrote".
    of("he", &["בתאריך ", "ב-", "ב־"], &["כתב", "מאת", "נכתב על ידי"]),
    of("ar", &["في ", "بتاريخ "], &["كتب", "تمت كتابة"]),
    of("fa", &["در ", "روز "], &["نوشت"]),
    // "のメール" ("mail of") is Apple's.
    of("ja", &[], &["さんは書きました", "が書きました", "のメール", "さんからのメール"]),
    of("zh-CN", &["在 ", "于 "], &["写道", "写于", "写到"]),
    of("zh-TW", &["在 ", "於 "], &["寫道", "寫到", "提到"]),
    of("ko", &[], &["작성", "쓴 글", "쓴 내용"]),
    of("vi", &["vào "], &["đã viết", "viết"]),
    of("th", &["ในวันที่ ", "เมื่อ "], &["เขียนว่า"]),
    of("id", &["pada "], &["menulis"]),
    of("hr", &["dana ", "u "], &["napisao", "napisala", "piše"]),
    of("sr", &["дана ", "у "], &["написа", "пише"]),
    of("sl", &["dne ", "v "], &["napisal"]),
    of("lt", &[], &["rašė"]),
    of("lv", &[], &["rakstīja"]),
    of("et", &[], &["kirjutas"]),
    of("ca", &["el "], &["va escriure", "ha escrit", "missatge de"]),
];

/// How a line begins that says only whom is quoted, as Horde IMP writes it.
pub(in crate::trim) const QUOTING: [&str; 22] = [
    "quoting ",
    "citiram ",
    "s'està citant ",
    "cituji ",
    "citat af ",
    "zitat von ",
    "παραθέτοντας από ",
    "نقل قول ",
    "lainaus ",
    "estase citando ",
    "idézet ",
    "引用 ",
    "引述 ",
    "citēju ",
    "siterer ",
    "citeren ",
    "cytowanie ",
    "citando ",
    "цитирую ",
    "citerar ",
    "alıntı ",
    "цитую ",
];
