//! What mail programs write between an answer and what it answers. Each is data, so that one more
//! program or language is one more line.

/// The first words of a line such as "On Monday Ada wrote:".
pub(super) const INTRODUCTION_STARTS: [&str; 10] = ["On ", "Am ", "Le ", "El ", "Em ", "Il ", "Op ", "Den ", "Dnia ", "W dniu "];

/// What such a line says that the person did, in lower case.
pub(super) const INTRODUCTION_VERBS: [&str; 10] =
    ["wrote", "schrieb", "a écrit", "escribió", "escreveu", "ha scritto", "schreef", "skrev", "napisał", "пишет"];

/// Outlook's line between dashes before what is answered, in letters alone and in lower case.
pub(super) const ORIGINALS: [&str; 9] = [
    "originalmessage",
    "originalappointment",
    "ursprünglichenachricht",
    "messagedorigine",
    "mensajeoriginal",
    "mensagemoriginal",
    "messaggiooriginale",
    "oorspronkelijkbericht",
    "исходноесообщение",
];

/// What stands before a mail that is handed on rather than answered, in letters alone and in lower
/// case. All that follows belongs to what the person wants to say.
pub(super) const FORWARDS: [&str; 9] = [
    "forwardedmessage",
    "beginforwardedmessage",
    "weitergeleitetenachricht",
    "anfangderweitergeleitetennachricht",
    "messagetransféré",
    "mensajereenviado",
    "mensagemencaminhada",
    "messaggioinoltrato",
    "doorgestuurdbericht",
];

/// Outlook's header before what is answered: the label of its first line, and labels of which at
/// least two are on the lines that follow.
pub(super) const HEADERS: [(&str, &[&str]); 5] = [
    ("from", &["sent", "date", "to", "cc", "subject"]),
    ("von", &["gesendet", "datum", "an", "cc", "betreff"]),
    ("de", &["envoyé", "date", "à", "cc", "objet", "enviado", "enviada em", "fecha", "para", "asunto", "assunto"]),
    ("da", &["inviato", "data", "a", "cc", "oggetto"]),
    ("van", &["verzonden", "datum", "aan", "cc", "onderwerp"]),
];
