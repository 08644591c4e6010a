//! The labels of the header that stands above what is answered.
//!
//! Each row names the programs in whose translations its words stand, as they were looked up, and then
//! the words that are from general knowledge and were not looked up (those of Outlook, web.de, T-Online,
//! Naver, QQ and others without public translations). Looked up: Thunderbird 153 (`mimeheader.properties`),
//! Roundcube 1.6 (`from`, `sent`, `date`, `to`, `cc`, `subject`), `SOGo` 5.8 (the templates `SOGoMail…Reply`),
//! K-9 Mail (`message_compose_quote_header_*`) and the Thunderbird add-on `ReplyWithHeader`, which writes
//! Outlook's header (`modules/headers-i18n.mjs`; its issue 100 shows the French one in use).

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

/// Labels of forms that customers fill in, which no mail's header has: the name, the telephone, the message
/// and the number of the order. From general knowledge of such forms, not looked up.
pub(in crate::trim) const OF_FORMS: [&str; 58] = [
    "name",
    "first name",
    "last name",
    "full name",
    "phone",
    "telephone",
    "message",
    "order",
    "order number",
    "nachname",
    "vorname",
    "telefon",
    "nachricht",
    "bestellnummer",
    "nom",
    "prénom",
    "téléphone",
    "message du client",
    "nombre",
    "apellidos",
    "teléfono",
    "mensaje",
    "pedido",
    "nome",
    "telefone",
    "telefono",
    "mensagem",
    "messaggio",
    "naam",
    "telefoon",
    "bericht",
    "namn",
    "meddelande",
    "navn",
    "besked",
    "melding",
    "nimi",
    "puhelin",
    "viesti",
    "imię",
    "wiadomość",
    "jméno",
    "meno",
    "zpráva",
    "správa",
    "név",
    "üzenet",
    "nume",
    "mesaj",
    "имя",
    "телефон",
    "сообщение",
    "име",
    "съобщение",
    "повідомлення",
    "όνομα",
    "お名前",
    "姓名",
];

/// By language.
pub(in crate::trim) const LABELS: [Labels; 55] = [
    // Thunderbird, Roundcube, SOGo, ReplyWithHeader. From general knowledge: "sent on", "sent at", "date sent",
    // "received", "recipient", "importance", "attachments", "attachment", "categories", "sent by", "when", "where",
    // "priority".
    of(
        "en",
        &["from", "sender"],
        &["sent", "date", "sent on", "sent at", "date sent", "received"],
        &["to", "recipient"],
        &["subject"],
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
    // Thunderbird, Roundcube, K-9 Mail, SOGo, ReplyWithHeader. From general knowledge: "gesendet am", "gesendet um",
    // "empfänger", "thema", "wichtigkeit", "anlagen", "anhänge", "priorität".
    of(
        "de",
        &["von", "absender"],
        &["gesendet", "datum", "gesendet am", "gesendet um"],
        &["an", "empfänger"],
        &["betreff", "thema"],
        &[
            "kopie",
            "wichtigkeit",
            "anlagen",
            "anhänge",
            "priorität",
            "antwort an",
            "blindkopie",
            "newsgruppen",
            "organisation",
            "kopie (cc)",
            "blindkopie (bcc)",
        ],
    ),
    // Thunderbird, Roundcube, K-9 Mail, SOGo, ReplyWithHeader. From general knowledge: "envoyé le", "date d'envoi",
    // "a", "importance", "pièces jointes".
    of(
        "fr",
        &["de", "expéditeur"],
        &["envoyé", "date", "envoyé le", "date d'envoi"],
        &["à", "a", "pour", "destinataire"],
        &["objet", "sujet"],
        &["copie", "copie à", "importance", "pièces jointes", "répondre à", "cci", "organisation", "copie cachée à"],
    ),
    // Thunderbird, Roundcube, K-9 Mail, SOGo, ReplyWithHeader. From general knowledge: "enviado el", "fecha de envío",
    // "importancia", "datos adjuntos".
    of(
        "es",
        &["de", "remitente"],
        &["enviado", "fecha", "enviado el", "enviados", "fecha de envío"],
        &["para", "a", "destinatario"],
        &["asunto"],
        &["importancia", "datos adjuntos", "cco", "responder a", "copia"],
    ),
    // Thunderbird, Roundcube, SOGo, ReplyWithHeader. From general knowledge: "enviada", "enviada em", "enviado em",
    // "data de envio", "destinatário", "importância", "anexos", "cco", "prioridade".
    of(
        "pt",
        &["de", "remetente"],
        &["enviado", "enviada", "enviada em", "enviado em", "data", "data de envio"],
        &["para", "destinatário"],
        &["assunto"],
        &["cópia", "importância", "anexos", "cco", "prioridade"],
    ),
    // Thunderbird, Roundcube, K-9 Mail, SOGo, ReplyWithHeader. From general knowledge: "inviato", "data invio", "per",
    // "priorità", "allegati".
    of(
        "it",
        &["da", "mittente"],
        &["inviato", "data", "inviata", "inviato il", "data invio"],
        &["a", "destinatario", "per"],
        &["oggetto"],
        &["priorità", "allegati", "ccn", "rispondi a"],
    ),
    // Thunderbird, Roundcube, K-9 Mail, ReplyWithHeader. From general knowledge: "verstuurd", "urgentie", "bijlagen".
    of(
        "nl",
        &["van", "afzender"],
        &["verzonden", "datum", "verstuurd"],
        &["aan", "ontvanger"],
        &["onderwerp"],
        &["kopie", "urgentie", "bijlagen"],
    ),
    // Thunderbird, Roundcube, SOGo, ReplyWithHeader. From general knowledge: "skickades", "prioritet", "bifogade
    // filer".
    of(
        "sv",
        &["från", "avsändare"],
        &["skickat", "datum", "skickades"],
        &["till", "mottagare"],
        &["ämne"],
        &["kopia", "prioritet", "bifogade filer"],
    ),
    // Thunderbird, Roundcube. From general knowledge: "sendt", "kopi", "prioritet", "vedhæftede filer".
    of(
        "da",
        &["fra", "afsender"],
        &["sendt", "dato"],
        &["til", "modtager"],
        &["emne"],
        &["kopi", "prioritet", "vedhæftede filer", "kopi til (cc)", "svar til"],
    ),
    // Thunderbird, Roundcube, SOGo, ReplyWithHeader. From general knowledge: "prioritet", "vedlegg", "kopi til (cc)".
    of(
        "nb",
        &["fra", "avsender", "frå", "avsendar"],
        &["sendt", "dato"],
        &["til", "mottaker"],
        &["emne"],
        &["kopi", "kopi til", "prioritet", "vedlegg", "kopi til (cc)"],
    ),
    // Thunderbird, Roundcube, SOGo, ReplyWithHeader. From general knowledge: "päivämäärä", "tärkeys", "liitteet".
    of(
        "fi",
        &["lähettäjä", "keneltä"],
        &["lähetetty", "päiväys", "päivämäärä", "pvm"],
        &["vastaanottaja", "kenelle"],
        &["aihe"],
        &["kopio", "tärkeys", "liitteet"],
    ),
    // Thunderbird, Roundcube, K-9 Mail, SOGo, ReplyWithHeader. From general knowledge: "wysłano", "do wiadomości",
    // "ważność", "załączniki".
    of(
        "pl",
        &["od", "nadawca"],
        &["wysłano", "data", "wysłane"],
        &["do", "adresat"],
        &["temat"],
        &["dw", "kopia", "do wiadomości", "ważność", "załączniki"],
    ),
    // Thunderbird, Roundcube, SOGo. From general knowledge: "odesláno", "příjemce", "důležitost", "přílohy".
    of(
        "cs",
        &["od", "odesílatel"],
        &["odesláno", "datum"],
        &["komu", "adresát", "příjemce"],
        &["předmět"],
        &["kopie", "důležitost", "přílohy"],
    ),
    // Thunderbird, Roundcube, SOGo. From general knowledge: "odoslaný", "adresát", "príjemca", "dôležitosť",
    // "prílohy".
    of(
        "sk",
        &["od", "odosielateľ"],
        &["odoslané", "dátum", "odoslaný"],
        &["komu", "adresát", "príjemca"],
        &["predmet"],
        &["kópia", "dôležitosť", "prílohy"],
    ),
    // Thunderbird, Roundcube, SOGo, ReplyWithHeader. From general knowledge: "elküldve", "küldve", "másolatot kap",
    // "fontosság", "mellékletek".
    of(
        "hu",
        &["feladó"],
        &["elküldve", "dátum", "küldve", "küldött"],
        &["címzett"],
        &["tárgy"],
        &["másolat", "másolatot kap", "fontosság", "mellékletek", "válaszcím"],
    ),
    // Thunderbird, Roundcube, SOGo. From general knowledge: "trimis", "catre", "importanță", "atașări".
    of(
        "ro",
        &["de la", "expeditor"],
        &["trimis", "data", "dată"],
        &["către", "catre", "destinatar"],
        &["subiect"],
        &["importanță", "atașări", "copie (cc)"],
    ),
    // Thunderbird, Roundcube. From general knowledge: "изпратено", "относно", "копие", "важност".
    of("bg", &["от"], &["изпратено", "дата"], &["до"], &["относно", "заглавие", "тема"], &["копие", "копие до", "важност"]),
    // Thunderbird, Roundcube, K-9 Mail, SOGo, ReplyWithHeader. From general knowledge: "от кого", "дата отправки",
    // "получатель", "важность", "вложения".
    of(
        "ru",
        &["от", "от кого", "отправитель"],
        &["отправлено", "дата", "дата отправки"],
        &["кому", "получатель"],
        &["тема"],
        &["копия", "важность", "вложения"],
    ),
    // Thunderbird, Roundcube, SOGo. From general knowledge: "надіслано", "відправлено", "важливість".
    of("uk", &["від", "від кого"], &["надіслано", "відправлено", "дата"], &["кому"], &["тема"], &["копія", "важливість"]),
    // Thunderbird, Roundcube, K-9 Mail, SOGo. From general knowledge: "gönderildi", "gönderilme", "gönderme tarihi",
    // "önem", "ekler".
    of(
        "tr",
        &["kimden", "gönderen", "gönderici"],
        &["gönderildi", "gönderilme", "tarih", "gönderme tarihi", "giden"],
        &["kime", "alıcı"],
        &["konu"],
        &["bilgi", "kopya", "önem", "ekler", "karbon kopya"],
    ),
    // Thunderbird, Roundcube. From general knowledge: "στάλθηκε", "αποστολή", "κοιν.".
    of(
        "el",
        &["από", "αποστολέας"],
        &["στάλθηκε", "ημερομηνία", "αποστολή"],
        &["προς", "παραλήπτης"],
        &["θέμα"],
        &["κοιν.", "κοινοποίηση"],
    ),
    // Thunderbird, Roundcube, SOGo. From general knowledge: "נמען".
    of("he", &["מאת"], &["נשלח", "תאריך"], &["אל", "נמען"], &["נושא"], &["עותק", "לידיעה", "מכותב"]),
    // Thunderbird, Roundcube, SOGo, ReplyWithHeader. From general knowledge: "تم الإرسال", "تاريخ الإرسال", "أرسلت",
    // "نسخة إلى".
    of(
        "ar",
        &["من", "المرسل", "مِن"],
        &["تم الإرسال", "تاريخ الإرسال", "التاريخ", "أرسلت", "المرسلة"],
        &["إلى", "المستقبل"],
        &["الموضوع"],
        &["نسخة", "نسخة إلى"],
    ),
    // Roundcube. From general knowledge: "تاریخ ارسال", "گیرنده".
    of("fa", &["از", "فرستنده"], &["ارسال شده", "تاریخ", "تاریخ ارسال"], &["به", "گیرنده"], &["موضوع"], &["رونوشت"]),
    // Thunderbird, Roundcube, K-9 Mail, SOGo, ReplyWithHeader. From general knowledge: "送信日時", "添付ファイル".
    of(
        "ja",
        &["差出人", "送信者", "発信者", "from"],
        &["送信日時", "日時", "日付", "送信日", "date"],
        &["宛先", "to"],
        &["件名", "subject"],
        &["添付ファイル", "写し(cc)"],
    ),
    // Thunderbird, Roundcube, K-9 Mail, SOGo, ReplyWithHeader. From general knowledge: "发信人", "发送日期", "时间", "抄送人",
    // "附件", "重要性".
    of(
        "zh-CN",
        &["发件人", "发信人", "来自"],
        &["发送时间", "日期", "发送日期", "时间"],
        &["收件人"],
        &["主题"],
        &["抄送", "抄送人", "密送", "附件", "重要性"],
    ),
    // Thunderbird, Roundcube, SOGo, ReplyWithHeader. From general knowledge: "寄件人", "寄件日期", "傳送時間", "已傳送", "收件人",
    // "附件", "重要性".
    of(
        "zh-TW",
        &["寄件者", "寄件人", "從"],
        &["寄件日期", "傳送時間", "日期", "已傳送", "傳送"],
        &["收件者", "收件人", "到"],
        &["主旨"],
        &["副本", "附件", "重要性", "密件副本"],
    ),
    // Thunderbird, Roundcube, ReplyWithHeader. From general knowledge: "보낸사람", "발신", "보낸날짜", "전송", "받는사람", "수신", "첨부
    // 파일".
    of(
        "ko",
        &["보낸 사람", "보낸사람", "발신"],
        &["보낸 날짜", "날짜", "보낸날짜", "전송"],
        &["받는 사람", "받는사람", "수신"],
        &["제목"],
        &["참조", "첨부 파일"],
    ),
    // Thunderbird, Roundcube, ReplyWithHeader. From general knowledge: "ngày gửi", "vào lúc", "chủ đề".
    of(
        "vi",
        &["từ", "gửi từ", "người gửi"],
        &["đã gửi", "ngày", "ngày gửi", "vào lúc"],
        &["đến", "tới", "người nhận"],
        &["chủ đề", "tiêu đề"],
        &["đồng kính gửi"],
    ),
    // Thunderbird, Roundcube. From general knowledge: "ส่ง", "ส่งเมื่อ", "เรื่อง", "สำเนา".
    of("th", &["จาก", "ผู้ส่ง"], &["ส่ง", "วันที่", "ส่งเมื่อ"], &["ถึง", "ผู้รับ"], &["เรื่อง", "หัวจดหมาย", "หัวเรื่อง"], &["สำเนา", "สำเนาถึง"]),
    // Roundcube, SOGo. From general knowledge: "dikirim", "untuk", "ke", "perihal", "tembusan".
    of(
        "id",
        &["dari", "pengirim"],
        &["terkirim", "dikirim", "tanggal"],
        &["kepada", "untuk", "ke", "penerima"],
        &["perihal", "subjek", "judul"],
        &["tembusan", "lampiran"],
    ),
    // Roundcube, SOGo. From general knowledge: "šalje", "prima", "tema", "kopija".
    of("hr", &["šalje", "od"], &["poslano", "datum"], &["prima", "za"], &["predmet", "naslov", "tema"], &["kopija"]),
    // Thunderbird, Roundcube, SOGo. From general knowledge: "šalje", "послато", "poslato", "prima", "naslov",
    // "копија".
    of(
        "sr",
        &["од", "шаље", "od", "šalje"],
        &["послато", "датум", "poslato", "datum"],
        &["за", "прима", "za", "prima"],
        &["наслов", "тема", "naslov", "tema"],
        &["копија"],
    ),
    // Thunderbird, Roundcube, SOGo. From general knowledge: "prejemnik", "v vednost".
    of("sl", &["od", "pošiljatelj"], &["poslano", "datum"], &["za", "prejemnik"], &["zadeva"], &["kp", "v vednost"]),
    // Thunderbird, Roundcube, SOGo. From general knowledge: "išsiųsta", "siuntimo data".
    of("lt", &["nuo", "siuntėjas", "kas"], &["išsiųsta", "data", "siuntimo data"], &["kam", "gavėjas"], &["tema"], &["kopija"]),
    // Thunderbird, Roundcube, SOGo. From general knowledge: "nosūtīts", "nosūtīta", "adresāts".
    of("lv", &["no", "sūtītājs"], &["nosūtīts", "nosūtīta", "datums"], &["kam", "adresāts"], &["tēma", "temats"], &["kopija"]),
    // Thunderbird, Roundcube. From general knowledge: "kellelt", "adressaat", "kellele".
    of("et", &["saatja", "kellelt"], &["saadetud", "kuupäev"], &["adressaat", "saaja", "kellele"], &["teema", "pealkiri"], &["koopia"]),
    // Thunderbird, Roundcube, ReplyWithHeader. From general knowledge: "enviat el", "a", "tema", "còpia".
    of("ca", &["de", "remitent"], &["enviat", "data", "enviat el"], &["per a", "a", "destinatari"], &["assumpte", "tema"], &["còpia"]),
    // Thunderbird, Roundcube, SOGo.
    of("is", &["frá"], &["sent", "dagsetning", "dags"], &["til"], &["efni", "titill"], &["afrit"]),
    // Thunderbird. From general knowledge: "gestuur".
    of("af", &["van"], &["gestuur", "datum"], &["aan"], &["onderwerp"], &["antwoord-aan"]),
    // Roundcube. From general knowledge: "göndərilib".
    of("az", &["kimdən"], &["göndərilib", "tarix"], &["kimə"], &["mövzu"], &["nüsxə"]),
    // Thunderbird, Roundcube. From general knowledge: "адпраўлена".
    of("be", &["ад"], &["адпраўлена", "дата"], &["да", "каму"], &["тэма"], &["копія"]),
    // Thunderbird, Roundcube, SOGo. From general knowledge: "anfonwyd".
    of("cy", &["oddi wrth"], &["anfonwyd", "dyddiad"], &["at"], &["pwnc", "testun"], &["copi"]),
    // Roundcube. From general knowledge: "sendita".
    of("eo", &["sendanto"], &["sendita", "dato"], &["ricevanto"], &["temo"], &["kopio"]),
    // Thunderbird, Roundcube. From general knowledge: "bidalia".
    of("eu", &["nork"], &["bidalia", "data"], &["nori"], &["gaia"], &["kopia"]),
    // Thunderbird, Roundcube.
    of("fy", &["fan"], &["ferstjoerd", "datum"], &["oan"], &["underwerp", "ûnderwerp"], &[]),
    // Thunderbird, Roundcube. From general knowledge: "seolta".
    of("ga", &["ó", "seolaí"], &["seolta", "dáta"], &["chuig"], &["ábhar", "ábhair"], &[]),
    // Thunderbird, Roundcube. From general knowledge: "enviado".
    of("gl", &["de", "remitente"], &["enviado", "data"], &["para"], &["asunto"], &["copia"]),
    // Thunderbird, Roundcube. From general knowledge: "ուղարկված է".
    of("hy", &["ումից", "ուղարկող"], &["ուղարկված է", "ամսաթիվ"], &["ում", "ստացող"], &["վերնագիր"], &[]),
    // Thunderbird, Roundcube. From general knowledge: "გაგზავნილია".
    of("ka", &["ვინ", "გამგზავნი"], &["გაგზავნილია", "თარიღი"], &["ვის"], &["თემა", "სათაური"], &["ასლი"]),
    // Thunderbird, SOGo. From general knowledge: "жіберілген".
    of("kk", &["кімнен"], &["жіберілген", "күні"], &["кімге"], &["тақырыбы"], &["көшірме"]),
    // Roundcube, SOGo. From general knowledge: "испратено", "до".
    of("mk", &["од", "праќач"], &["испратено", "датум"], &["примач", "до"], &["наслов", "тема"], &[]),
    // Thunderbird, Roundcube. From general knowledge: "dihantar".
    of("ms", &["daripada"], &["dihantar", "tarikh"], &["kepada"], &["subjek"], &[]),
    // Thunderbird, Roundcube. From general knowledge: "dërguar".
    of("sq", &["nga"], &["dërguar", "datë"], &["për"], &["subjekt"], &[]),
    // Thunderbird, Roundcube. From general knowledge: "yuborilgan".
    of("uz", &["jo'natuvchi", "kimdan"], &["yuborilgan", "sana"], &["qabul qiluvchi", "kimga"], &["mavzu"], &["nusxasi"]),
];
