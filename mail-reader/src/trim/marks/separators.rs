//! The line before what is answered, or before what is handed on. Letters and digits alone are
//! compared.
//!
//! Sources: the translations of Thunderbird (`mailnews.reply_header_originalmessage`,
//! `mailnews.forward_header_originalmessage`), of Evolution ("-----Original Message-----",
//! "-------- Forwarded Message --------"), of Roundcube (`originalmessage`) and of Horde IMP
//! ("Forwarded message"); for Outlook, Gmail, Apple Mail, Seznam, QQ and others without public
//! translations, mail as it stands in public list archives.

/// What a language calls the two.
#[derive(Debug)]
pub(in crate::trim) struct Separators {
    /// Before what is answered, between dashes.
    pub(in crate::trim) originals: &'static [&'static str],
    /// Before a mail that is handed on, between dashes or before a colon.
    pub(in crate::trim) forwards: &'static [&'static str],
}

/// Of a language, as BCP 47 names it.
const fn of(_language: &'static str, originals: &'static [&'static str], forwards: &'static [&'static str]) -> Separators {
    Separators { originals, forwards }
}

/// By language.
pub(in crate::trim) const SEPARATORS: [Separators; 41] = [
    of(
        "en",
        &[
            "original message",
            "original e-mail",
            "original email",
            "original mail",
            "original appointment",
            "reply message",
            "original text",
            "original",
        ],
        &[
            "forwarded message",
            "begin forwarded message",
            "forwarded mail",
            "forwarded e-mail",
            "forwarded email",
            "start of forwarded message",
        ],
    ),
    of(
        "de",
        &[
            "ursprüngliche nachricht",
            "original-nachricht",
            "originalnachricht",
            "ursprüngliche e-mail",
            "original-e-mail",
            "ursprünglicher termin",
            "original-mail",
        ],
        &[
            "weitergeleitete nachricht",
            "anfang der weitergeleiteten nachricht",
            "beginn der weitergeleiteten nachricht",
            "weitergeleitete e-mail",
            "weitergeleitete mail",
        ],
    ),
    of(
        "fr",
        &["message d'origine", "message original", "message initial", "mail original", "courriel original", "message d'origine par"],
        &["message transféré", "début du message transféré", "début du message réexpédié", "message transmis", "courriel transféré"],
    ),
    of("es", &["mensaje original", "correo original"], &["mensaje reenviado", "inicio del mensaje reenviado"]),
    of(
        "pt",
        &["mensagem original", "e-mail original"],
        &["mensagem encaminhada", "mensagem reencaminhada", "início da mensagem encaminhada", "início da mensagem reencaminhada"],
    ),
    of("gl", &["mensaxe orixinal"], &["mensaxe reencamiñada"]),
    of("ca", &["missatge original"], &["missatge reenviat", "inici del missatge reenviat"]),
    of("eu", &["jatorrizko mezua"], &["birbidalitako mezua"]),
    of(
        "it",
        &["messaggio originale", "messaggio da originale", "original messaggio"],
        &["messaggio inoltrato", "inizio messaggio inoltrato", "inizio del messaggio inoltrato"],
    ),
    of(
        "nl",
        &["oorspronkelijk bericht", "oorspronkelijke bericht", "origineel bericht"],
        &["doorgestuurd bericht", "begin doorgestuurd bericht"],
    ),
    of(
        "sv",
        &["ursprungligt meddelande", "originalmeddelande"],
        &["vidarebefordrat meddelande", "vidarebefordrat brev", "vidarebefordrat mejl"],
    ),
    of(
        "da",
        &["oprindelig meddelelse", "oprindeligt brev", "oprindelig besked", "original besked", "original meddelelse"],
        &["videresendt meddelelse", "videresendt brev", "videresendt besked", "start på videresendt besked"],
    ),
    of(
        "nb",
        &["opprinnelig melding", "opprinneleg melding", "opprinnelig e-post"],
        &["videresendt melding", "vidaresendt melding", "videresendt e-post"],
    ),
    of("is", &["upprunaleg skilaboð"], &["áframsent skeyti"]),
    of(
        "fi",
        &["alkuperäinen viesti", "alkuperäinen viesti / orig.msg."],
        &["välitetty viesti", "välitetty viesti / fwd.msg", "edelleenlähetetty viesti"],
    ),
    of(
        "pl",
        &["wiadomość oryginalna", "oryginalna wiadomość", "treść oryginalnej wiadomości"],
        &["przekazana wiadomość", "wiadomość przekazywana", "wiadomość przekazana", "treść przekazanej wiadomości"],
    ),
    of("cs", &["původní zpráva", "původní e-mail"], &["přeposlaná zpráva", "přeposlaný e-mail", "začátek přeposílané zprávy"]),
    of(
        "sk",
        &["pôvodná správa", "pôvodná správa --- original message", "pôvodný e-mail"],
        &["preposlaná správa", "preposlaná správa --- forwarded message", "ďalej odoslaná správa", "správa odoslaná ďalej"],
    ),
    of("hu", &["eredeti üzenet"], &["továbbított üzenet", "továbbított levél"]),
    of("ro", &["mesaj original", "mesajul original"], &["mesaj redirecționat", "mesaj înaintat", "mesaj redirecţionat"]),
    of("bg", &["оригинално писмо", "оригинално съобщение"], &["препратено писмо", "препратено съобщение"]),
    of(
        "ru",
        &["исходное сообщение", "оригинальное сообщение", "исходное письмо"],
        &["пересылаемое сообщение", "перенаправленное сообщение", "пересланное сообщение", "начало переадресованного сообщения"],
    ),
    of("uk", &["оригінальне повідомлення", "початкове повідомлення"], &["переслане повідомлення", "пересланий лист"]),
    of("be", &["арыгінальнае паведамленне"], &["перасланае паведамленне"]),
    of("sr", &["оригинална порука", "originalna poruka"], &["прослеђена порука", "prosleđena poruka"]),
    of("hr", &["izvorna poruka"], &["proslijeđena poruka"]),
    of("sl", &["izvirno sporočilo", "izvorno sporočilo"], &["posredovano sporočilo"]),
    of("lt", &["originalus laiškas"], &["persiųstas laiškas"]),
    of("lv", &["sākotnējā vēstule"], &["pārsūtīta vēstule", "pārsūtītā vēstule"]),
    of("et", &["algne kiri", "esialgne kiri", "algupärane sõnum"], &["edastatud kiri", "edastatud sõnum"]),
    of(
        "tr",
        &["özgün ileti", "orijinal mesaj", "özgün mesaj"],
        &["iletilen ileti", "yönlendirilmiş ileti", "yönlendirilen ileti", "iletilmiş mesaj"],
    ),
    of("el", &["αρχικό μήνυμα"], &["προωθημένο μήνυμα"]),
    of("he", &["הודעה מקורית"], &["הודעה שהועברה", "הודעה מועברת"]),
    of("ar", &["الرسالة الأصلية", "الرسالة الأساسية"], &["رسالة ممرّرة", "رسالة ممررة"]),
    of("fa", &["پیام اصلی"], &["پیام ارجاع داده شده", "پیام هدایت شده", "پیغام ارجاع شده"]),
    of("ja", &["元のメッセージ", "オリジナルのメッセージ"], &["転送メッセージ", "転送されたメッセージ", "転送するメッセージ"]),
    of(
        "zh",
        &["原始邮件", "原始消息", "原始信息", "邮件原件", "原始郵件"],
        &["转发的消息", "转发的邮件", "转发的信息", "转发邮件", "转发邮件信息", "轉寄郵件", "轉寄的郵件", "轉遞的郵件"],
    ),
    of("ko", &["원본 메시지", "원본 메일"], &["전달된 메시지", "전달된 편지", "전달한 메시지", "전달된 메일"]),
    of("vi", &["thư gốc"], &["thư đã chuyển tiếp", "thư chuyển tiếp", "tin nhắn đã được chuyển tiếp"]),
    of("th", &["ข้อความเดิม"], &["ข้อความส่งต่อ"]),
    of("id", &["pesan asli", "isi pesan asli"], &["pesan diteruskan", "pesan yang diteruskan", "pesan terusan"]),
];

/// How a line between dashes begins that goes on with who handed it on (Lotus Notes), or from whom
/// it was (Horde IMP).
pub(in crate::trim) const FORWARDED_BY: [&str; 8] = [
    "forwarded by ",
    "forwarded message from ",
    "weitergeleitet von ",
    "weitergeleitete nachricht von ",
    "réacheminé par ",
    "reenviado por ",
    "inoltrato da ",
    "encaminhado por ",
];
