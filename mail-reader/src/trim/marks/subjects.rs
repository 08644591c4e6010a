//! What a mail program puts before the subject of a mail that it hands on, in lower case.
//!
//! Source: Wikipedia, "List of email subject abbreviations". Left out is what means an answer in
//! another language: "VS" is "videresendt" in Danish and "vastaus" in Finnish.

/// By language, as BCP 47 names it.
pub(in crate::trim) const HANDED_ON: [(&str, &[&str]); 20] = [
    ("en", &["fw", "fwd"]),
    ("ar", &["إعادة توجيه"]),
    ("de", &["wg"]),
    ("el", &["πρθ"]),
    ("es", &["rv", "renv"]),
    ("fi", &["vl"]),
    ("fr", &["tr"]),
    ("he", &["הועבר"]),
    ("hu", &["tov", "továbbítás"]),
    ("id", &["trs"]),
    ("is", &["fs"]),
    ("it", &["i", "inol"]),
    ("ja", &["転送"]),
    ("ko", &["전달"]),
    ("nl", &["doorst"]),
    ("pl", &["pd"]),
    ("pt", &["enc"]),
    ("sv", &["vb"]),
    ("tr", &["ilt", "i̇lt"]),
    ("zh", &["转发", "轉寄", "轉發"]),
];
