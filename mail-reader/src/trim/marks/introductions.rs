//! Lines such as "On Monday, Ada wrote:". Each language has its first words and what they say that
//! the person did.
//!
//! Each row names the programs in whose translations its words stand, as they were looked up, and then
//! the words that are from general knowledge and were not looked up (mostly those of Gmail and Apple Mail,
//! whose translations are not public). Looked up: Thunderbird 153 (`mailnews.reply_header_*` in its
//! language packs), Evolution 3.46 (the attribution in `evolution.mo`), Roundcube 1.6
//! (`mailreplyintro` in `program/localization`), Geary 43, Claws Mail 4.1, Balsa 2.6 and Mutt 2.2 (their
//! message catalogues), Horde IMP 6.2 (`attrib_text`), K-9 Mail (`message_compose_reply_header_fmt_with_date`
//! in `app/ui/legacy/src/main/res` of thunderbird/thunderbird-android), `SnappyMail`
//! (`REPLY_MESSAGE_TITLE`), and single threads where they are named.

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
pub(in crate::trim) const INTRODUCTIONS: [Introduction; 70] = [
    // Thunderbird, Evolution, Roundcube, Geary, Claws Mail, Apple Mail (sweetrb/apple-mail-mcp issue 249). From
    // general knowledge: "writes", "at", "in a message dated".
    of("en", &["on ", "at ", "in a message dated "], &["wrote", "writes"]),
    // Thunderbird, Evolution, Roundcube, Geary, Claws Mail, Balsa, K-9 Mail, SnappyMail, Airmail (Airmail_Public issue
    // 88). From general knowledge: "hat geschrieben", "folgendes geschrieben".
    of("de", &["am ", "an "], &["schrieb", "hat geschrieben", "folgendes geschrieben"]),
    // Thunderbird, Evolution, Roundcube, Claws Mail, Mutt, Horde IMP, K-9 Mail. From general knowledge: "a ecrit".
    of("fr", &["le "], &["a écrit", "a ecrit"]),
    // Thunderbird, Evolution, Claws Mail, Horde IMP, K-9 Mail. From general knowledge: "escribio", "ha escrito".
    of("es", &["el ", "en "], &["escribió", "escribio", "ha escrito"]),
    // Thunderbird, Evolution, Claws Mail.
    of("pt-BR", &["em "], &["escreveu"]),
    // Thunderbird, Evolution, Roundcube, Balsa. From general knowledge: "no dia".
    of("pt-PT", &["a ", "às ", "no dia "], &["escreveu"]),
    // Thunderbird, Evolution, Roundcube, Geary, Claws Mail, Balsa, Horde IMP, K-9 Mail.
    of("it", &["il ", "in data "], &["ha scritto"]),
    // Thunderbird, Evolution, Roundcube, Geary, Claws Mail, K-9 Mail. From general knowledge: "het volgende
    // geschreven".
    of("nl", &["op "], &["schreef", "het volgende geschreven"]),
    // Thunderbird, Evolution, Roundcube, Claws Mail. From general knowledge: "på".
    of("sv", &["den ", "på "], &["skrev"]),
    // Thunderbird, Evolution, Roundcube, Claws Mail.
    of("da", &["den "], &["skrev"]),
    // Thunderbird, Evolution, Geary, Balsa.
    of("nb", &["den "], &["skrev"]),
    // Thunderbird, Evolution, Roundcube.
    of("nn", &["den "], &["skreiv"]),
    // Thunderbird, Evolution, Roundcube, Geary, Claws Mail, Balsa. From general knowledge: "ma", "ti", "ke", "to",
    // "pe", "la", "su".
    of("fi", &["ma ", "ti ", "ke ", "to ", "pe ", "la ", "su "], &["kirjoitti"]),
    // Thunderbird, Evolution, Roundcube, Geary, Claws Mail, Balsa, Mutt, K-9 Mail. From general knowledge: "wiadomość
    // napisana przez", "napisała", "pisała", "pon.,", "wt.,", "śr.,", "czw.,", "pt.,", "sob.,", "niedz.,".
    of(
        "pl",
        &["w dniu ", "dnia ", "pon., ", "wt., ", "śr., ", "czw., ", "pt., ", "sob., ", "niedz., "],
        &["napisał", "pisze", "wiadomość napisana przez", "napisała", "pisała"],
    ),
    // Thunderbird, Evolution, Roundcube, Geary, Claws Mail, Balsa, Mutt. From general knowledge: "napsala", "po",
    // "út", "st", "čt", "pá", "so", "ne".
    of("cs", &["dne ", "po ", "út ", "st ", "čt ", "pá ", "so ", "ne ", "v "], &["napsal", "píše", "napsala", "napsáno"]),
    // Thunderbird, Evolution, Roundcube, Geary, Claws Mail. From general knowledge: "píše", "napísala", "po", "ut",
    // "st", "št", "pi", "so", "ne".
    of("sk", &["dňa ", "v ", "po ", "ut ", "st ", "št ", "pi ", "so ", "ne "], &["napísal", "píše", "napísala"]),
    // Thunderbird, Evolution, Roundcube, Geary, Claws Mail, Balsa.
    of("hu", &[], &["írta"]),
    // Thunderbird, Evolution, Roundcube, Claws Mail, Balsa. From general knowledge: "pe".
    of("ro", &["în data de ", "în ", "pe ", "la "], &["a scris"]),
    // Thunderbird, Evolution, Roundcube, Balsa.
    of("bg", &["на ", "в "], &["написа"]),
    // Thunderbird, Evolution, Roundcube, Geary, Claws Mail, K-9 Mail. From general knowledge: "написала", "писала",
    // "пн,", "вт,", "ср,", "чт,", "пт,", "сб,", "вс,".
    of("ru", &["в ", "пн, ", "вт, ", "ср, ", "чт, ", "пт, ", "сб, ", "вс, "], &["пишет", "написал", "писал", "написала", "писала"]),
    // Thunderbird, Evolution, Roundcube, Geary. From general knowledge: "написала", "в", "пн,", "вт,", "ср,", "чт,",
    // "пт,", "сб,", "нд,".
    of("uk", &["у ", "в ", "пн, ", "вт, ", "ср, ", "чт, ", "пт, ", "сб, ", "нд, ", "написано "], &["пише", "написав", "написала"]),
    // Thunderbird, Evolution, Roundcube, Geary, Claws Mail, Balsa, Mutt, K-9 Mail.
    of("tr", &[], &["yazdı", "yazmış"]),
    // Thunderbird, Evolution, Roundcube, Claws Mail, Balsa. From general knowledge: "την".
    of("el", &["στις ", "την ", "ο/η "], &["έγραψε"]),
    // Thunderbird, Geary, Balsa. From general knowledge: "מאת", "כתבה", "ב־".
    of("he", &["בתאריך ", "ב-", "ב־"], &["כתב", "מאת", "נכתב על ידי", "כתבה"]),
    // Thunderbird, Evolution, Roundcube. From general knowledge: "تمت كتابة", "كتبت", "بتاريخ".
    of("ar", &["في ", "بتاريخ ", "على "], &["كتب", "تمت كتابة", "كتبت"]),
    // Evolution, Roundcube, Geary.
    of("fa", &["در ", "روز "], &["نوشت", "نوشته است", "نوشته بود"]),
    // Evolution, Roundcube, K-9 Mail. From general knowledge: "が書きました", "のメール", "さんからのメール".
    of("ja", &[], &["さんは書きました", "が書きました", "のメール", "さんからのメール"]),
    // Thunderbird, Evolution, Roundcube, K-9 Mail. From general knowledge: "写于".
    of("zh-CN", &["在 ", "于 "], &["写道", "写于", "写到"]),
    // Thunderbird, Evolution, Roundcube, Geary, Claws Mail.
    of("zh-TW", &["在 ", "於 "], &["寫道", "寫到", "提到", "寫下", "已寫入"]),
    // Thunderbird, Roundcube. From general knowledge: "작성".
    of("ko", &[], &["작성", "쓴 글", "쓴 내용"]),
    // Thunderbird, Evolution, Roundcube, Balsa.
    of("vi", &["vào "], &["đã viết", "viết"]),
    // Thunderbird, Evolution. From general knowledge: "เขียนเมื่อ", "ในวันที่".
    of("th", &["ในวันที่ ", "เมื่อ "], &["เขียนว่า", "เขียนเมื่อ"]),
    // Thunderbird, Evolution, Claws Mail.
    of("id", &["pada "], &["menulis"]),
    // Thunderbird, Evolution, Roundcube, Geary. From general knowledge: "napisala".
    of("hr", &["dana ", "u "], &["napisao", "napisala", "piše"]),
    // Thunderbird, Evolution, Roundcube, Geary, Balsa. From general knowledge: "написала", "napisao", "napisala",
    // "dana", "u".
    of("sr", &["дана ", "у ", "dana ", "u "], &["написа", "пише", "написао", "написала", "napisao", "napisala", "piše"]),
    // Thunderbird, Evolution, Roundcube, Balsa. From general knowledge: "napisala", "v".
    of("sl", &["dne ", "v "], &["napisal", "napisala"]),
    // Thunderbird, Evolution, Horde IMP.
    of("lt", &[], &["rašė"]),
    // Thunderbird, Evolution, Roundcube, Balsa.
    of("lv", &[], &["rakstīja"]),
    // Thunderbird, Evolution, Roundcube, Horde IMP.
    of("et", &[], &["kirjutas"]),
    // Thunderbird, Evolution, Roundcube, Geary, Claws Mail, Balsa. From general knowledge: "missatge de".
    of("ca", &["el "], &["va escriure", "ha escrit", "missatge de"]),
    // Evolution.
    of("af", &["op "], &["skryf"]),
    // Thunderbird, Evolution, Roundcube.
    of("ast", &["el ", "o "], &["escribió"]),
    // Roundcube, Balsa.
    of("az", &[], &["yazdı ki", "yazıb"]),
    // Thunderbird, Evolution, Roundcube, Geary. From general knowledge: "напісала".
    of("be", &[], &["напісаў", "напісала"]),
    // Evolution.
    of("bn", &[], &["লিখেছিলেন"]),
    // Thunderbird, Roundcube.
    of("br", &["d'an/ar "], &["eo bet skrivet gant", "skrivet eo bet gant"]),
    // Thunderbird, Evolution.
    of("cy", &["ar "], &["ysgrifennodd"]),
    // Evolution, Roundcube.
    of("eo", &["je "], &["skribis"]),
    // Thunderbird, Roundcube, Geary, Balsa, Horde IMP.
    of("eu", &[], &["idatzi zuen", "idatzi du", "idatzita"]),
    // Roundcube.
    of("fo", &["tann "], &["skrivaði"]),
    // Evolution, Geary.
    of("fur", &["il ", "ai "], &["al scrivè", "al/e à scrit"]),
    // Thunderbird, Roundcube.
    of("fy", &["op "], &["skreau"]),
    // Thunderbird, Evolution, Roundcube.
    of("ga", &["ar ", "ar an "], &["scríobh"]),
    // Thunderbird.
    of("gd", &[], &["sgrìobh"]),
    // Thunderbird, Evolution, Roundcube.
    of("gl", &["o "], &["escribiu"]),
    // Thunderbird.
    of("hsb", &[], &["napisa"]),
    // Thunderbird, Roundcube.
    of("hy", &[], &["գրել է", "գրեց"]),
    // Roundcube.
    of("ia", &["le "], &["ha scribite"]),
    // Thunderbird.
    of("is", &["þann "], &["skrifaði"]),
    // Thunderbird, Roundcube.
    of("ka", &["თარიღი "], &["წერს", "დაწერა"]),
    // Thunderbird, Geary.
    of("kk", &[], &["жазған"]),
    // Roundcube.
    of("lb", &["den "], &["schreift"]),
    // Evolution.
    of("mk", &["на "], &["напиша"]),
    // Evolution, Roundcube.
    of("mr", &[], &["लिहीले", "लिहिले"]),
    // Thunderbird, Evolution, Geary.
    of("ms", &["pada ", "dalam "], &["menulis", "membalas"]),
    // Evolution, Geary.
    of("oc", &["lo "], &["escriguèt", "a escrich"]),
    // Evolution, Balsa.
    of("pa", &[], &["ਨੇ ਲਿਖਿਆ"]),
    // Thunderbird.
    of("rm", &["ils "], &["ha scrit", "scrit"]),
    // Thunderbird, Evolution, Roundcube.
    of("sq", &["më ", "ditën e "], &["shkroi", "ka shkruar"]),
    // Thunderbird, Roundcube.
    of("uz", &[], &["yozdi", "yozgan"]),
];

/// What stands behind the verb because who wrote may be of either sex, or several: "napisał(a)" in Roundcube,
/// "napisał/a" in K-9 Mail, "napisao/la" in Evolution, "napisao(la)" in Roundcube, "писал(а)" in Roundcube,
/// "כתב/ה" and "schrieb(en)" in Balsa.
pub(in crate::trim) const FORMS: [&str; 7] = ["(a)", "/a", "/la", "(la)", "(а)", "/ה", "(en)"];

/// How a line begins that says only whom is quoted: "Quoting %f:" in the translations of Horde IMP 6.2.
pub(in crate::trim) const QUOTING: [&str; 24] = [
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
    "vísa til ",
    "citát ",
];
