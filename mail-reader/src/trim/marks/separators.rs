//! The line before what is answered, or before what is handed on. Letters and digits alone are
//! compared.
//!
//! Each row names the programs in whose translations its words stand, as they were looked up, and then
//! the words that are from general knowledge and were not looked up (those of Outlook, Gmail, Apple Mail,
//! Seznam, QQ and others without public translations). Looked up: Thunderbird 153
//! (`mailnews.reply_header_originalmessage` and `mailnews.forward_header_originalmessage`), Evolution 3.46,
//! Geary 43, Balsa 2.6 and Mutt 2.2 (their message catalogues), Roundcube 1.6 (`originalmessage`), Horde IMP
//! 6.2 ("Forwarded message"), `SOGo` 5.8 (the templates `SOGoMail…Reply` and `SOGoMail…Forward`), K-9 Mail
//! (`message_compose_quote_header_separator`), `SnappyMail` (`FORWARD_MESSAGE_TOP_TITLE`) and the Thunderbird
//! add-on `ReplyWithHeader`, which writes Outlook's header (`modules/headers-i18n.mjs`).

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
pub(in crate::trim) const SEPARATORS: [Separators; 71] = [
    // Thunderbird, Evolution, Roundcube, Geary, Horde IMP, K-9 Mail, SOGo. From general knowledge: "original e-mail",
    // "original email", "original mail", "original appointment", "reply message", "original",
    // "begin forwarded message", "forwarded mail", "forwarded e-mail", "forwarded email", "start of forwarded message".
    of(
        "en",
        &["original message", "original e-mail", "original email", "original mail", "original appointment", "reply message", "original"],
        &[
            "forwarded message",
            "begin forwarded message",
            "forwarded mail",
            "forwarded e-mail",
            "forwarded email",
            "start of forwarded message",
        ],
    ),
    // Thunderbird, Evolution, Roundcube, Geary, Horde IMP, K-9 Mail, SnappyMail, ReplyWithHeader. From general
    // knowledge: "ursprüngliche e-mail", "original-e-mail", "ursprünglicher termin", "anfang der weitergeleiteten
    // nachricht", "beginn der weitergeleiteten nachricht", "weitergeleitete e-mail".
    of(
        "de",
        &[
            "ursprüngliche nachricht",
            "original-nachricht",
            "originalnachricht",
            "ursprüngliche e-mail",
            "original-e-mail",
            "ursprünglicher termin",
        ],
        &[
            "weitergeleitete nachricht",
            "anfang der weitergeleiteten nachricht",
            "beginn der weitergeleiteten nachricht",
            "weitergeleitete e-mail",
        ],
    ),
    // Thunderbird, Evolution, Roundcube, Geary, Horde IMP, SOGo, ReplyWithHeader. From general knowledge: "mail original",
    // "début du message transféré", "début du message réexpédié", "message transmis", "courriel transféré".
    of(
        "fr",
        &["message d'origine", "message original", "message initial", "mail original", "courriel original"],
        &["message transféré", "début du message transféré", "début du message réexpédié", "message transmis", "courriel transféré"],
    ),
    // Thunderbird, Evolution, Roundcube, Geary, Horde IMP, K-9 Mail, SOGo. From general knowledge: "correo original",
    // "inicio del mensaje reenviado".
    of("es", &["mensaje original", "correo original"], &["mensaje reenviado", "inicio del mensaje reenviado"]),
    // Thunderbird, Evolution, Roundcube, Geary, Horde IMP, SOGo. From general knowledge: "e-mail original", "início da
    // mensagem encaminhada", "início da mensagem reencaminhada".
    of(
        "pt",
        &["mensagem original", "e-mail original"],
        &["mensagem encaminhada", "mensagem reencaminhada", "início da mensagem encaminhada", "início da mensagem reencaminhada"],
    ),
    // Thunderbird, Evolution, Roundcube, Geary.
    of("gl", &["mensaxe orixinal"], &["mensaxe reencamiñada", "mensaxe reenviada"]),
    // Thunderbird, Evolution, Roundcube, Geary, Horde IMP. From general knowledge: "inici del missatge reenviat".
    of("ca", &["missatge original"], &["missatge reenviat", "inici del missatge reenviat"]),
    // Thunderbird, Evolution, Roundcube, Geary, Horde IMP.
    of("eu", &["jatorrizko mezua"], &["birbidalitako mezua"]),
    // Thunderbird, Evolution, Roundcube, Geary, Horde IMP, K-9 Mail, SOGo. From general knowledge: "inizio messaggio
    // inoltrato", "inizio del messaggio inoltrato".
    of("it", &["messaggio originale"], &["messaggio inoltrato", "inizio messaggio inoltrato", "inizio del messaggio inoltrato"]),
    // Thunderbird, Evolution, Roundcube, Geary, Horde IMP, K-9 Mail, ReplyWithHeader. From general knowledge: "begin
    // doorgestuurd bericht".
    of(
        "nl",
        &["oorspronkelijk bericht", "oorspronkelijke bericht", "origineel bericht", "orgineel bericht", "originele bericht"],
        &["doorgestuurd bericht", "begin doorgestuurd bericht"],
    ),
    // Thunderbird, Evolution, Roundcube, Geary, Horde IMP, SOGo. From general knowledge: "vidarebefordrat brev".
    of(
        "sv",
        &["ursprungligt meddelande", "originalmeddelande", "orginalmeddelande"],
        &["vidarebefordrat meddelande", "vidarebefordrat brev"],
    ),
    // Thunderbird, Evolution, Roundcube, Geary, Horde IMP. From general knowledge: "oprindelig besked", "start på
    // videresendt besked".
    of(
        "da",
        &["oprindelig meddelelse", "oprindeligt brev", "oprindelig besked", "original besked"],
        &["videresendt meddelelse", "videresendt brev", "videresendt besked", "start på videresendt besked"],
    ),
    // Thunderbird, Evolution, Roundcube, Geary, Horde IMP, SOGo.
    of(
        "nb",
        &["opprinnelig melding", "opprinneleg melding", "opphavleg melding", "originalpost", "orginalpost"],
        &["videresendt melding", "vidaresendt melding", "vidaresend melding"],
    ),
    // Thunderbird, Roundcube, Horde IMP, SOGo.
    of(
        "is",
        &["upprunaleg skilaboð", "upprunalegur póstur", "upprunalegt bréf", "upprunalegur texti"],
        &["áframsent skeyti", "áframsendur póstur"],
    ),
    // Thunderbird, Evolution, Roundcube, Geary, Horde IMP, SOGo, ReplyWithHeader.
    of(
        "fi",
        &["alkuperäinen viesti", "alkuperäinen viesti / orig.msg."],
        &["välitetty viesti", "välitetty viesti / fwd.msg", "edelleenlähetetty viesti"],
    ),
    // Thunderbird, Evolution, Roundcube, Geary, Horde IMP, K-9 Mail, SOGo, ReplyWithHeader. From general knowledge:
    // "wiadomość przekazana".
    of(
        "pl",
        &["wiadomość oryginalna", "oryginalna wiadomość", "treść oryginalnej wiadomości"],
        &[
            "przekazana wiadomość",
            "wiadomość przekazywana",
            "wiadomość przekazana",
            "treść przekazanej wiadomości",
            "przekazywana wiadomość",
        ],
    ),
    // Thunderbird, Evolution, Roundcube, Geary, Horde IMP, SOGo. From general knowledge: "původní e-mail", "přeposlaný
    // e-mail", "začátek přeposílané zprávy".
    of("cs", &["původní zpráva", "původní e-mail"], &["přeposlaná zpráva", "přeposlaný e-mail", "začátek přeposílané zprávy"]),
    // Thunderbird, Evolution, Roundcube, Geary, Horde IMP, SOGo. From general knowledge: "pôvodný e-mail", "správa
    // odoslaná ďalej".
    of(
        "sk",
        &["pôvodná správa", "pôvodná správa --- original message", "pôvodný e-mail"],
        &["preposlaná správa", "preposlaná správa --- forwarded message", "ďalej odoslaná správa", "správa odoslaná ďalej"],
    ),
    // Thunderbird, Evolution, Roundcube, Geary, Horde IMP, SOGo.
    of("hu", &["eredeti üzenet"], &["továbbított üzenet", "továbbított levél"]),
    // Thunderbird, Evolution, Roundcube, Geary, SOGo. From general knowledge: "mesaj redirecţionat".
    of("ro", &["mesaj original", "mesajul original", "mesaj inițial"], &["mesaj redirecționat", "mesaj înaintat", "mesaj redirecţionat"]),
    // Thunderbird, Evolution, Roundcube, Horde IMP. From general knowledge: "оригинално съобщение", "препратено
    // съобщение".
    of("bg", &["оригинално писмо", "оригинално съобщение"], &["препратено писмо", "препратено съобщение"]),
    // Thunderbird, Evolution, Roundcube, Geary, K-9 Mail, SOGo, ReplyWithHeader. From general knowledge: "оригинальное
    // сообщение", "исходное письмо", "пересланное сообщение", "начало переадресованного сообщения".
    of(
        "ru",
        &["исходное сообщение", "оригинальное сообщение", "исходное письмо", "оригинал сообщения"],
        &["пересылаемое сообщение", "перенаправленное сообщение", "пересланное сообщение", "начало переадресованного сообщения"],
    ),
    // Thunderbird, Evolution, Roundcube, Geary, Horde IMP, SOGo.
    of("uk", &["оригінальне повідомлення", "початкове повідомлення"], &["переслане повідомлення", "пересланий лист"]),
    // Thunderbird, Evolution, Roundcube, Geary.
    of(
        "be",
        &["арыгінальнае паведамленне", "зыходнае паведамленне", "aryhinalny list"],
        &["перасланае паведамленне", "перанакіраванае паведамленне", "перанакіроўны ліст", "pierasyłany list"],
    ),
    // Thunderbird, Evolution, Roundcube, Geary, SOGo.
    of("sr", &["оригинална порука", "originalna poruka", "изворна порука"], &["прослеђена порука", "prosleđena poruka"]),
    // Thunderbird, Evolution, Roundcube, Geary, Horde IMP.
    of("hr", &["izvorna poruka", "originalna poruka"], &["proslijeđena poruka", "prosljeđena poruka"]),
    // Thunderbird, Evolution, Roundcube, Geary, Horde IMP, SOGo.
    of("sl", &["izvirno sporočilo", "izvorno sporočilo"], &["posredovano sporočilo"]),
    // Thunderbird, Evolution, Roundcube, Geary, Horde IMP, SOGo.
    of("lt", &["originalus laiškas", "originalus pranešimas"], &["persiųstas laiškas"]),
    // Thunderbird, Evolution, Roundcube, Horde IMP, SOGo.
    of("lv", &["sākotnējā vēstule", "sākotnējais ziņojums"], &["pārsūtīta vēstule", "pārsūtītā vēstule"]),
    // Thunderbird, Evolution, Roundcube, Geary, Horde IMP.
    of("et", &["algne kiri", "esialgne kiri", "algupärane sõnum"], &["edastatud kiri", "edastatud sõnum", "edasisuunatud kiri"]),
    // Thunderbird, Evolution, Roundcube, Geary, Horde IMP, K-9 Mail, SOGo. From general knowledge: "orijinal mesaj",
    // "özgün mesaj", "iletilmiş mesaj".
    of(
        "tr",
        &["özgün ileti", "orijinal mesaj", "özgün mesaj", "orjinal ileti"],
        &["iletilen ileti", "yönlendirilmiş ileti", "yönlendirilen ileti", "iletilmiş mesaj"],
    ),
    // Thunderbird, Evolution, Roundcube, Geary, Horde IMP.
    of("el", &["αρχικό μήνυμα"], &["προωθημένο μήνυμα"]),
    // Thunderbird, Evolution, Roundcube, Geary, SOGo.
    of("he", &["הודעה מקורית"], &["הודעה שהועברה", "הודעה מועברת"]),
    // Thunderbird, Evolution, Roundcube, Geary, SOGo.
    of("ar", &["الرسالة الأصلية", "الرسالة الأساسية", "الرسالة الأصليَّة"], &["رسالة ممرّرة", "رسالة ممررة", "رسالة معاد توجيهها"]),
    // Evolution, Roundcube, Geary, Horde IMP. From general knowledge: "پیام هدایت شده".
    of("fa", &["پیام اصلی"], &["پیام ارجاع داده شده", "پیام هدایت شده", "پیغام ارجاع شده", "پیام ارسال مجدد شده"]),
    // Evolution, Roundcube, Horde IMP, K-9 Mail, SOGo, ReplyWithHeader. From general knowledge: "転送メッセージ".
    of(
        "ja",
        &["元のメッセージ", "オリジナルのメッセージ", "元メール", "オリジナルメッセージ"],
        &["転送メッセージ", "転送されたメッセージ", "転送するメッセージ", "転送メール"],
    ),
    // Thunderbird, Evolution, Roundcube, Geary, Horde IMP, K-9 Mail, SOGo, ReplyWithHeader. From general knowledge:
    // "转发邮件", "轉寄的郵件".
    of(
        "zh",
        &["原始邮件", "原始消息", "原始信息", "原始郵件", "原始訊息", "原始信件"],
        &["转发的消息", "转发的邮件", "转发的信息", "转发邮件", "轉寄郵件", "轉寄的郵件", "轉遞的郵件", "轉寄的訊息"],
    ),
    // Thunderbird, Roundcube, Horde IMP. From general knowledge: "원본 메일", "전달한 메시지", "전달된 메일".
    of("ko", &["원본 메시지", "원본 메일"], &["전달된 메시지", "전달된 편지", "전달한 메시지", "전달된 메일"]),
    // Thunderbird, Evolution, Roundcube, Geary, ReplyWithHeader. From general knowledge: "thư chuyển tiếp".
    of(
        "vi",
        &["thư gốc", "tin nhắn gốc"],
        &["thư đã chuyển tiếp", "thư chuyển tiếp", "tin nhắn đã được chuyển tiếp", "thư được chuyển tiếp"],
    ),
    // Thunderbird, Evolution, Roundcube.
    of("th", &["ข้อความเดิม", "ข้อความต้นฉบับ"], &["ข้อความส่งต่อ", "ข้อความที่ส่งต่อ"]),
    // Thunderbird, Evolution, Roundcube, Geary, SOGo. From general knowledge: "pesan terusan".
    of("id", &["pesan asli", "isi pesan asli"], &["pesan diteruskan", "pesan yang diteruskan", "pesan terusan"]),
    // Thunderbird, Evolution.
    of("af", &["oorspronklike boodskap"], &["aangestuurde boodskap"]),
    // Thunderbird, Evolution.
    of("ast", &["mensax orixinal", "mensache orichinal"], &["mensaxe reunviáu", "mensax reunviáu", "mensache reninviau"]),
    // Evolution, Roundcube.
    of("az", &["orijinal məktub"], &["ötürülülən məktub"]),
    // Evolution. From general knowledge: "ফরওয়ার্ড করা বার্তা".
    of("bn", &["মূল বার্তা"], &["ফরওয়ার্ড করা বার্তা"]),
    // Thunderbird, Roundcube.
    of("br", &["kemennadenn orinel", "kemennadenn orin"], &[]),
    // Thunderbird, Evolution, Roundcube, SOGo.
    of("cy", &["neges wreiddiol"], &["neges yrrwyd ymlaen"]),
    // Evolution, Roundcube, Geary.
    of("eo", &["originala mesaĝo", "origina mesaĝo"], &["plusendita mesaĝo"]),
    // Roundcube.
    of("fo", &["uppruna boð"], &[]),
    // Evolution, Geary.
    of("fur", &["messaç origjinâl"], &["messaç mandât indenant"]),
    // Thunderbird, Roundcube.
    of("fy", &["oarspronklik berjocht"], &["trochstjoerd berjocht"]),
    // Thunderbird, Evolution, Roundcube.
    of(
        "ga",
        &["teachtaireacht bhunaidh", "an teachtaireacht bhunaidh", "bunteachtaireacht"],
        &["teachtaireacht ar aghaidh", "teachtaireacht curtha ar aghaidh"],
    ),
    // Thunderbird.
    of("gd", &["an teachdaireachd thùsail"], &["an teachdaireachd a tha 'ga shìneadh air adhart"]),
    // Evolution.
    of("hi", &["मौलिक संदेश"], &["अग्रेषित संदेश"]),
    // Thunderbird.
    of("hsb", &["originalna powěsć"], &["dale sposrědkowana powěsć", "dalej pósrědnjona powěsć"]),
    // Thunderbird.
    of("hy", &["բնօրինակ նամակը"], &["փոխանցվող նամակը"]),
    // Thunderbird.
    of("ka", &["საწყისი წერილი"], &["გადაგზავნილი წერილი"]),
    // Thunderbird, Geary, SOGo.
    of("kk", &["түпнұсқа хабарламасы", "шығыс хат"], &["әрі қарай жіберілген хабарлама", "қайта бағдарланған хат"]),
    // Roundcube, Geary, Horde IMP.
    of("km", &["សារដើម"], &["សារដែលបានបញ្ជូនបន្ត"]),
    // Roundcube.
    of("ku", &["peyama orîjînal"], &[]),
    // Evolution, Roundcube, SOGo.
    of("mk", &["оригинална порака"], &["препратена порака"]),
    // Evolution, Roundcube.
    of("mr", &["मुळ संदेश", "खरा संदेश"], &[]),
    // Thunderbird, Evolution, Roundcube, Geary.
    of("ms", &["mesej asal"], &["mesej dikirim semula", "mesej dimajukan"]),
    // Evolution, Geary.
    of("oc", &["messatge d'origina"], &["messatge transferit"]),
    // Evolution.
    of("pa", &["ਅਸਲੀ ਸੁਨੇਹਾ"], &["ਅੱਗੇ ਭੇਜਿਆ ਸੁਨੇਹਾ"]),
    // Thunderbird.
    of("rm", &["messadi original"], &["messadi renvià"]),
    // Evolution.
    of("si", &["නැවුම් පණිවිඩය"], &["ඉදිරියට යැවූ පණිවිඩය"]),
    // Thunderbird, Evolution, Roundcube.
    of("sq", &["mesazhi origjinal", "mesazhi orgjinal"], &["mesazhi i përcjellë"]),
    // Evolution.
    of("ta", &["மூல செய்தி"], &["அனுப்பும் செய்தி"]),
    // Evolution, Roundcube.
    of("ug", &["ئەسلىي خەت", "ئەسلى ئۇچۇر"], &[]),
    // Thunderbird, Roundcube.
    of("uz", &["asl xabar", "asl xat"], &["uzatilgan xabar"]),
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
