//! The language of a text.

use whatlang::Lang;

/// So much of a text is looked at, in bytes.
const PREFIX: usize = 1000;
/// With fewer letters of its own, the text is taken together with the subject; and with fewer letters
/// altogether, a language has to be beyond doubt.
const SHORT: usize = 40;
/// How far a language has to be ahead of the next one where there are letters enough, from 0 to 1. The
/// library calls 0.9 reliable, which few mails reach: of plain sentences in a dozen languages all were
/// told rightly from 0.2 on.
const AHEAD: f64 = 0.2;

/// What stands for a language that could not be told reliably.
pub const UNKNOWN: &str = "unknown";

/// The codes of ISO 639-1.
const CODES: [(Lang, &str); 70] = [
    (Lang::Epo, "eo"),
    (Lang::Eng, "en"),
    (Lang::Rus, "ru"),
    (Lang::Cmn, "zh"),
    (Lang::Spa, "es"),
    (Lang::Por, "pt"),
    (Lang::Ita, "it"),
    (Lang::Ben, "bn"),
    (Lang::Fra, "fr"),
    (Lang::Deu, "de"),
    (Lang::Ukr, "uk"),
    (Lang::Kat, "ka"),
    (Lang::Ara, "ar"),
    (Lang::Hin, "hi"),
    (Lang::Jpn, "ja"),
    (Lang::Heb, "he"),
    (Lang::Yid, "yi"),
    (Lang::Pol, "pl"),
    (Lang::Amh, "am"),
    (Lang::Jav, "jv"),
    (Lang::Kor, "ko"),
    (Lang::Nob, "nb"),
    (Lang::Dan, "da"),
    (Lang::Swe, "sv"),
    (Lang::Fin, "fi"),
    (Lang::Tur, "tr"),
    (Lang::Nld, "nl"),
    (Lang::Hun, "hu"),
    (Lang::Ces, "cs"),
    (Lang::Ell, "el"),
    (Lang::Bul, "bg"),
    (Lang::Bel, "be"),
    (Lang::Mar, "mr"),
    (Lang::Kan, "kn"),
    (Lang::Ron, "ro"),
    (Lang::Slv, "sl"),
    (Lang::Hrv, "hr"),
    (Lang::Srp, "sr"),
    (Lang::Mkd, "mk"),
    (Lang::Lit, "lt"),
    (Lang::Lav, "lv"),
    (Lang::Est, "et"),
    (Lang::Tam, "ta"),
    (Lang::Vie, "vi"),
    (Lang::Urd, "ur"),
    (Lang::Tha, "th"),
    (Lang::Guj, "gu"),
    (Lang::Uzb, "uz"),
    (Lang::Pan, "pa"),
    (Lang::Aze, "az"),
    (Lang::Ind, "id"),
    (Lang::Tel, "te"),
    (Lang::Pes, "fa"),
    (Lang::Mal, "ml"),
    (Lang::Ori, "or"),
    (Lang::Mya, "my"),
    (Lang::Nep, "ne"),
    (Lang::Sin, "si"),
    (Lang::Khm, "km"),
    (Lang::Tuk, "tk"),
    (Lang::Aka, "ak"),
    (Lang::Zul, "zu"),
    (Lang::Sna, "sn"),
    (Lang::Afr, "af"),
    (Lang::Lat, "la"),
    (Lang::Slk, "sk"),
    (Lang::Cat, "ca"),
    (Lang::Tgl, "tl"),
    (Lang::Hye, "hy"),
    (Lang::Cym, "cy"),
];

/// The language as ISO 639-1 codes it, or [`UNKNOWN`] where the text is too short or odd to tell.
#[must_use]
pub fn detect(subject: &str, text: &str) -> &'static str {
    let text = text.trim();
    let prefix = &text[..text.floor_char_boundary(PREFIX)];
    let letters = |text: &str| text.chars().filter(|c| c.is_alphabetic()).take(SHORT).count();
    let reliable = |text: &str| {
        let sure = |info: &whatlang::Info| info.is_reliable() || info.confidence() >= AHEAD && letters(text) >= SHORT;
        whatlang::detect(text).filter(sure).map(|info| info.lang())
    };
    let found = if letters(prefix) < SHORT { reliable(&format!("{subject}\n{prefix}")) } else { reliable(prefix) };
    found.map_or(UNKNOWN, code)
}

/// The code of ISO 639-1; of ISO 639-3 for a language that has none there.
fn code(language: Lang) -> &'static str {
    CODES.iter().find(|(known, _)| *known == language).map_or_else(|| language.code(), |(_, code)| code)
}

#[cfg(test)]
mod tests {
    use switchboard_common::domain::rules::LANGUAGES;

    use super::*;

    #[test]
    fn every_language_that_a_rule_may_ask_for_can_be_told() {
        let mut told: Vec<&str> = CODES.iter().map(|(_, code)| *code).collect();
        told.sort_unstable();
        assert_eq!(told, LANGUAGES);
    }

    #[test]
    fn a_text_of_a_few_sentences_has_a_language_and_a_word_has_none() {
        for (text, language) in [
            ("The printer on the second floor does not print any more, could you please send somebody to look at it?", "en"),
            ("Olá, o meu pedido ainda não chegou e eu gostaria de saber quando é que ele vai ser entregue, obrigado.", "pt"),
            ("Guten Tag, leider ist meine Bestellung noch immer nicht angekommen, und ich warte schon seit zwei Wochen.", "de"),
            ("您好，我的订单还没有到，请问什么时候可以收到？", "zh"),
            (
                "Здравствуйте, мой заказ до сих пор не пришёл, хотя его обещали доставить ещё на прошлой неделе, что же нам теперь делать?",
                "ru",
            ),
            ("Bonjour, je n'ai pas encore reçu ma commande, pouvez-vous me dire quand elle arrivera ?", "fr"),
            ("Hello, my order has not arrived yet, can you tell me when it will?", "en"),
            ("Hej, min beställning har inte kommit än, kan ni säga när den kommer?", "sv"),
            ("Доброго дня, моє замовлення ще не прибуло, коли воно буде доставлене?", "uk"),
            ("Please help", UNKNOWN),
            ("ok", UNKNOWN),
            ("", UNKNOWN),
            ("4711", UNKNOWN),
        ] {
            assert_eq!(detect("", text), language, "{text}");
        }
        assert_eq!(detect("Mein Drucker druckt leider seit gestern überhaupt nichts mehr, was soll ich tun", "Danke!"), "de");
    }

    #[test]
    fn every_language_that_the_library_tells_has_a_code_of_two_letters() {
        let odd: Vec<&str> = Lang::all().iter().map(|language| code(*language)).filter(|code| code.len() != 2).collect();
        assert_eq!(odd, Vec::<&str>::new());
    }
}
