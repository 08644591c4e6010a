//! The labels of the header that stands above what is answered.
//!
//! Sources: Outlook's labels as Microsoft documents and users post them; the translations of
//! Roundcube (`from`, `to`, `cc`, `subject`, `date`) and of K-9 Mail
//! (`message_compose_quote_header_*`); for web.de, T-Online, Naver, QQ and others without public
//! translations, mail as it stands in public list archives.

/// A language's labels, without their colon.
#[derive(Debug)]
pub(in crate::trim) struct Labels {
    pub(in crate::trim) from: &'static [&'static str],
    /// When it was sent.
    pub(in crate::trim) sent: &'static [&'static str],
    pub(in crate::trim) to: &'static [&'static str],
    pub(in crate::trim) subject: &'static [&'static str],
    /// What else stands there: copies, importance, attachments.
    pub(in crate::trim) others: &'static [&'static str],
}

type Words = &'static [&'static str];

/// Of a language, as BCP 47 names it.
const fn of(_language: &'static str, from: Words, sent: Words, to: Words, subject: Words, others: Words) -> Labels {
    Labels { from, sent, to, subject, others }
}

/// In any language.
pub(in crate::trim) const EVERYWHERE: [&str; 4] = ["cc", "bcc", "reply-to", "message-id"];

/// By language.
pub(in crate::trim) const LABELS: [Labels; 38] = [
    of(
        "en",
        &["from", "sender"],
        &["sent", "date", "sent on", "sent at", "date sent", "received"],
        &["to", "recipient"],
        &["subject", "re"],
        &[
            "importance",
            "attachments",
            "attachment",
            "categories",
            "reply to",
            "sent by",
            "newsgroups",
            "organization",
            "when",
            "where",
            "priority",
        ],
    ),
    of(
        "de",
        &["von", "absender"],
        &["gesendet", "datum", "gesendet am", "gesendet um"],
        &["an", "empfänger"],
        &["betreff", "thema"],
        &["kopie", "wichtigkeit", "anlagen", "anhänge", "priorität", "antwort an", "blindkopie"],
    ),
    of(
        "fr",
        &["de", "expéditeur"],
        &["envoyé", "date", "envoyé le", "date d'envoi"],
        &["à", "a", "pour", "destinataire"],
        &["objet", "sujet"],
        &["copie", "copie à", "importance", "pièces jointes", "répondre à", "cci"],
    ),
    of(
        "es",
        &["de", "remitente"],
        &["enviado", "fecha", "enviado el", "enviados", "fecha de envío"],
        &["para", "a", "destinatario"],
        &["asunto"],
        &["importancia", "datos adjuntos", "cco", "responder a"],
    ),
    of(
        "pt",
        &["de", "remetente"],
        &["enviado", "enviada", "enviada em", "enviado em", "data", "data de envio"],
        &["para", "destinatário"],
        &["assunto"],
        &["cópia", "importância", "anexos", "cco", "prioridade"],
    ),
    of(
        "it",
        &["da", "mittente"],
        &["inviato", "data", "inviata", "inviato il", "data invio"],
        &["a", "destinatario", "per"],
        &["oggetto"],
        &["priorità", "allegati", "ccn", "rispondi a"],
    ),
    of(
        "nl",
        &["van", "afzender"],
        &["verzonden", "datum", "verstuurd"],
        &["aan", "ontvanger"],
        &["onderwerp"],
        &["kopie", "urgentie", "bijlagen"],
    ),
    of(
        "sv",
        &["från", "avsändare"],
        &["skickat", "datum", "skickades"],
        &["till", "mottagare"],
        &["ämne"],
        &["kopia", "prioritet", "bifogade filer"],
    ),
    of("da", &["fra", "afsender"], &["sendt", "dato"], &["til", "modtager"], &["emne"], &["kopi", "prioritet", "vedhæftede filer"]),
    of("nb", &["fra", "avsender"], &["sendt", "dato"], &["til", "mottaker"], &["emne"], &["kopi", "kopi til", "prioritet", "vedlegg"]),
    of(
        "fi",
        &["lähettäjä"],
        &["lähetetty", "päiväys", "päivämäärä", "pvm"],
        &["vastaanottaja"],
        &["aihe"],
        &["kopio", "tärkeys", "liitteet"],
    ),
    of(
        "pl",
        &["od", "nadawca"],
        &["wysłano", "data", "wysłane"],
        &["do", "adresat"],
        &["temat"],
        &["dw", "kopia", "do wiadomości", "ważność", "załączniki"],
    ),
    of(
        "cs",
        &["od", "odesílatel"],
        &["odesláno", "datum"],
        &["komu", "adresát", "příjemce"],
        &["předmět"],
        &["kopie", "důležitost", "přílohy"],
    ),
    of(
        "sk",
        &["od", "odosielateľ"],
        &["odoslané", "dátum", "odoslaný"],
        &["komu", "adresát", "príjemca"],
        &["predmet"],
        &["kópia", "dôležitosť", "prílohy"],
    ),
    of(
        "hu",
        &["feladó"],
        &["elküldve", "dátum", "küldve"],
        &["címzett"],
        &["tárgy"],
        &["másolat", "másolatot kap", "fontosság", "mellékletek"],
    ),
    of(
        "ro",
        &["de la", "expeditor"],
        &["trimis", "data", "dată"],
        &["către", "catre", "destinatar"],
        &["subiect"],
        &["importanță", "atașări"],
    ),
    of("bg", &["от"], &["изпратено", "дата"], &["до"], &["относно", "заглавие", "тема"], &["копие", "копие до", "важност"]),
    of(
        "ru",
        &["от", "от кого", "отправитель"],
        &["отправлено", "дата", "дата отправки"],
        &["кому", "получатель"],
        &["тема"],
        &["копия", "важность", "вложения"],
    ),
    of("uk", &["від", "від кого"], &["надіслано", "відправлено", "дата"], &["кому"], &["тема"], &["копія", "важливість"]),
    of(
        "tr",
        &["kimden", "gönderen", "gönderici"],
        &["gönderildi", "gönderilme", "tarih", "gönderme tarihi"],
        &["kime", "alıcı"],
        &["konu"],
        &["bilgi", "kopya", "önem", "ekler"],
    ),
    of(
        "el",
        &["από", "αποστολέας"],
        &["στάλθηκε", "ημερομηνία", "αποστολή"],
        &["προς", "παραλήπτης"],
        &["θέμα"],
        &["κοιν.", "κοινοποίηση"],
    ),
    of("he", &["מאת", "‏מאת"], &["נשלח", "תאריך"], &["אל", "נמען"], &["נושא"], &["עותק", "לידיעה"]),
    of(
        "ar",
        &["من", "المرسل"],
        &["تم الإرسال", "تاريخ الإرسال", "التاريخ", "أرسلت"],
        &["إلى", "المستقبل"],
        &["الموضوع"],
        &["نسخة", "نسخة إلى"],
    ),
    of("fa", &["از", "فرستنده"], &["ارسال شده", "تاریخ", "تاریخ ارسال"], &["به", "گیرنده"], &["موضوع"], &["رونوشت"]),
    of(
        "ja",
        &["差出人", "送信者", "発信者", "from"],
        &["送信日時", "日時", "日付", "送信日", "date"],
        &["宛先", "to"],
        &["件名", "subject"],
        &["添付ファイル", "写し(cc)"],
    ),
    of(
        "zh-CN",
        &["发件人", "发信人"],
        &["发送时间", "日期", "发送日期", "时间"],
        &["收件人"],
        &["主题"],
        &["抄送", "抄送人", "密送", "附件", "重要性"],
    ),
    of(
        "zh-TW",
        &["寄件者", "寄件人"],
        &["寄件日期", "傳送時間", "日期", "已傳送"],
        &["收件者", "收件人"],
        &["主旨"],
        &["副本", "附件", "重要性"],
    ),
    of(
        "ko",
        &["보낸 사람", "보낸사람", "발신"],
        &["보낸 날짜", "날짜", "보낸날짜", "전송"],
        &["받는 사람", "받는사람", "수신"],
        &["제목"],
        &["참조", "첨부 파일"],
    ),
    of(
        "vi",
        &["từ", "gửi từ", "người gửi"],
        &["đã gửi", "ngày", "ngày gửi", "vào lúc"],
        &["đến", "tới", "người nhận"],
        &["chủ đề", "tiêu đề"],
        &["đồng kính gửi"],
    ),
    of("th", &["จาก", "ผู้ส่ง"], &["ส่ง", "วันที่", "ส่งเมื่อ"], &["ถึง", "ผู้รับ"], &["เรื่อง", "หัวจดหมาย"], &["สำเนา", "สำเนาถึง"]),
    of(
        "id",
        &["dari", "pengirim"],
        &["terkirim", "dikirim", "tanggal"],
        &["kepada", "untuk", "ke", "penerima"],
        &["perihal", "subjek", "judul"],
        &["tembusan"],
    ),
    of("hr", &["šalje", "od"], &["poslano", "datum"], &["prima", "za"], &["predmet", "naslov"], &["kopija"]),
    of(
        "sr",
        &["од", "шаље", "od", "šalje"],
        &["послато", "датум", "poslato", "datum"],
        &["за", "прима", "za", "prima"],
        &["наслов", "тема", "naslov", "tema"],
        &["копија"],
    ),
    of("sl", &["od", "pošiljatelj"], &["poslano", "datum"], &["za", "prejemnik"], &["zadeva"], &["kp", "v vednost"]),
    of("lt", &["nuo", "siuntėjas"], &["išsiųsta", "data", "siuntimo data"], &["kam", "gavėjas"], &["tema"], &["kopija"]),
    of("lv", &["no", "sūtītājs"], &["nosūtīts", "nosūtīta", "datums"], &["kam", "adresāts"], &["tēma", "temats"], &["kopija"]),
    of("et", &["saatja", "kellelt"], &["saadetud", "kuupäev"], &["adressaat", "saaja", "kellele"], &["teema", "pealkiri"], &["koopia"]),
    of("ca", &["de", "remitent"], &["enviat", "data", "enviat el"], &["per a", "a", "destinatari"], &["assumpte", "tema"], &["còpia"]),
];
