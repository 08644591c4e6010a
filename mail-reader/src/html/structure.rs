//! The marks on a text, from the elements that it was made from.

use super::lines::Lines;
use super::programs::Meaning;
use crate::trim::{Mark, MarkKind};

/// More marks say nothing that fewer do not.
const MOST_MARKS: usize = 250;
/// What introduces a quote is not longer.
const LONGEST_INTRODUCTION: usize = 800;
/// Within so many lines the header of a mail shows itself, by so many labels.
const HEADER_LINES: usize = 6;
const HEADER_LABELS: usize = 3;
/// The label of a header field is not longer.
const LONGEST_LABEL: usize = 40;

/// An element with a meaning that is open.
struct Scope {
    meaning: Meaning,
    /// How long the text was when it began.
    from: usize,
    /// How many marks there were.
    marks: usize,
    /// Where a quote began that ends a signature.
    quoted_from: Option<usize>,
}

/// Collects the marks. Until the text is finished a mark goes from the end of what was written before
/// it to the end of what was written last.
#[derive(Default)]
pub(super) struct Structure {
    marks: Vec<Mark>,
    scopes: Vec<Scope>,
    /// Where what is quoted to the end begins.
    onward: Option<usize>,
    /// How long the text was before the last rule, and after it.
    rule: Option<(usize, usize)>,
}

impl Structure {
    /// A rule was drawn.
    pub(super) fn drew_rule(&mut self, before: usize, lines: &Lines) {
        self.rule = Some((before, lines.written().len()));
    }

    /// An element with a meaning begins.
    pub(super) fn begin(&mut self, meaning: Meaning, lines: &mut Lines) {
        lines.end_row();
        let mut from = lines.written().len();
        if meaning == Meaning::Onward {
            if let Some((before, _)) = self.rule.filter(|(_, after)| *after == from) {
                from = before;
            }
            if self.scopes.iter().all(|scope| matches!(scope.meaning, Meaning::Signature | Meaning::Around(_))) {
                self.onward = Some(self.onward.map_or(from, |onward| onward.min(from)));
            }
        }
        if !matches!(meaning, Meaning::Signature | Meaning::Introduction | Meaning::HeaderOnward) {
            for scope in &mut self.scopes {
                scope.quoted_from.get_or_insert(from);
            }
        }
        self.scopes.push(Scope { meaning, from, marks: self.marks.len(), quoted_from: None });
    }

    /// The innermost element with a meaning ends.
    pub(super) fn end(&mut self, lines: &mut Lines) {
        lines.end_row();
        let Some(scope) = self.scopes.pop() else { return };
        let text = lines.written();
        let (from, to) = (scope.from, text.len());
        let inner = &text[from..];
        match scope.meaning {
            Meaning::Quote => self.mark_all(&scope, from, to, MarkKind::Quote),
            Meaning::Forward => self.mark_all(&scope, from, to, MarkKind::Forward),
            Meaning::Introduction => self.mark(from, to, MarkKind::Introduction),
            Meaning::Signature => self.mark(from, scope.quoted_from.unwrap_or(to), MarkKind::Signature),
            Meaning::Onward => {}
            Meaning::HeaderOnward => {
                let alone = self.scopes.iter().all(|scope| matches!(scope.meaning, Meaning::Signature | Meaning::Around(_)));
                if alone && self.onward.is_none() && holds_header(unquoted_lines(inner)) {
                    self.onward = Some(from);
                }
            }
            Meaning::Cited => match forwarded_from(text, from) {
                Some(from) => self.mark_all(&scope, from, to, MarkKind::Forward),
                None => self.mark_all(&scope, from, to, MarkKind::Quote),
            },
            Meaning::Around(forward) => self.end_around(&scope, inner, to, forward),
        }
    }

    fn end_around(&mut self, scope: &Scope, inner: &str, to: usize, forward: Option<&str>) {
        let from = scope.from;
        let quote = self.marks[scope.marks..].iter().position(|mark| mark.kind == MarkKind::Quote).map(|at| scope.marks + at);
        if forward.is_some_and(|start| inner.trim_start().starts_with(start)) {
            self.mark_all(scope, from, to, MarkKind::Forward);
        } else if let Some(quote) = quote {
            let before = from..self.marks[quote].range.start;
            if quote == scope.marks && before.len() <= LONGEST_INTRODUCTION && before.start < before.end {
                self.marks.insert(quote, Mark { range: before, kind: MarkKind::Introduction });
            }
        } else if self.marks[scope.marks..].iter().all(|mark| mark.kind != MarkKind::Forward) {
            self.mark_all(scope, from, to, MarkKind::Quote);
        }
    }

    /// Marks an element as a whole, whatever is in it.
    fn mark_all(&mut self, scope: &Scope, from: usize, to: usize, kind: MarkKind) {
        self.marks.truncate(scope.marks);
        self.mark(from, to, kind);
    }

    fn mark(&mut self, from: usize, to: usize, kind: MarkKind) {
        if from >= to || self.marks.len() >= MOST_MARKS {
            return;
        }
        let count = self.marks.len();
        let is_inner = self.scopes.iter().all(|scope| scope.marks < count);
        match self.marks.last_mut() {
            // One quote after another is one.
            Some(last) if last.kind == kind && last.range.end == from && is_inner => last.range.end = to,
            _ => self.marks.push(Mark { range: from..to, kind }),
        }
    }

    /// The marks on the finished text: whole lines, in order, none within another.
    pub(super) fn finish(mut self, text: &str) -> Vec<Mark> {
        if let Some(from) = self.onward {
            self.marks.retain(|mark| mark.range.start < from);
            self.marks.push(Mark { range: from..text.len(), kind: MarkKind::Quote });
        }
        for mark in &mut self.marks {
            mark.range = line_start(text, mark.range.start)..line_end(text, mark.range.end);
        }
        self.marks.sort_by_key(|mark| (mark.range.start, std::cmp::Reverse(mark.range.end)));
        let mut end = 0;
        self.marks.retain(|mark| {
            let outside = mark.range.start >= end && mark.range.start < mark.range.end;
            if outside {
                end = mark.range.end;
            }
            outside
        });
        self.marks
    }
}

/// Where the first line with something on it begins that was written after a place.
fn line_start(text: &str, at: usize) -> usize {
    if at == 0 {
        return 0;
    }
    match text[at..].find(|c| c != '\n') {
        Some(0) => text[..at].rfind('\n').map_or(0, |end| end + 1),
        Some(ends) => at + ends,
        None => text.len(),
    }
}

/// Where the line ends on which a place stands.
fn line_end(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |end| at + end + 1)
}

/// The lines of a text that have something on them, without what quotes them.
fn unquoted_lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(|line| line.trim_start_matches(['>', ' ']).trim_end()).filter(|line| !line.is_empty())
}

/// Whether lines begin with the header of a mail, in whatever language.
fn holds_header<'a>(lines: impl Iterator<Item = &'a str>) -> bool {
    lines.take(HEADER_LINES).filter(|line| is_labelled(line)).count() >= HEADER_LABELS
}

fn is_labelled(line: &str) -> bool {
    let start = &line[..line.floor_char_boundary(LONGEST_LABEL)];
    start.split_once([':', '：']).is_some_and(|(label, _)| !label.is_empty() && !label.contains(|c: char| c.is_ascii_digit() || c == '@'))
}

/// Where a mail that is handed on begins, if that is what a quote is: above its header, in the quote or
/// right before it, a line such as "Begin forwarded message:" says so. What introduces an answer has a
/// date in it.
fn forwarded_from(text: &str, from: usize) -> Option<usize> {
    let announces = |line: &str| line.ends_with([':', '：']) && !line.contains(|c: char| c.is_ascii_digit() || c == '@');
    let mut lines = unquoted_lines(&text[from..]);
    let first = unquoted_lines(&text[from..]).next()?;
    if announces(first) {
        lines.next();
        return holds_header(lines).then_some(from);
    }
    let start = text[..from].rfind('\n').map_or(0, |end| end + 1);
    (announces(text[start..from].trim()) && holds_header(lines)).then_some(start.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::flags::Flags;
    use crate::html::Document;
    use crate::trim::MarkKind::{self, Forward, Introduction, Quote, Signature};

    fn marked(html: &str) -> Vec<(MarkKind, String)> {
        let flags = &mut Flags::default();
        let laid_out = Document::read(html).laid_out(flags);
        laid_out.marks.into_iter().map(|mark| (mark.kind, laid_out.text[mark.range].trim_end().to_owned())).collect()
    }

    const GMAIL: &str = "<div dir=ltr>New.</div><br><div class=\"gmail_quote gmail_quote_container\"><div dir=ltr class=gmail_attr>On Mon, 2 Mar 2026, Ada wrote:<br>\
                         </div><blockquote class=gmail_quote style=\"margin:0px 0px 0px 0.8ex\"><div>old</div><div class=gmail_signature>theirs</div></blockquote>";

    #[rstest]
    #[case("</div>", &[(Introduction, "On Mon, 2 Mar 2026, Ada wrote:"), (Quote, "> old\n> theirs")])]
    // Answers between the quotes stand in the container, those below the quote behind it.
    #[case("<div>between</div><blockquote class=gmail_quote>older</blockquote></div>below",
        &[(Introduction, "On Mon, 2 Mar 2026, Ada wrote:"), (Quote, "> old\n> theirs"), (Quote, "> older")])]
    fn gmail_quotes_within_a_container(#[case] end: &str, #[case] expected: &[(MarkKind, &str)]) {
        let found = marked(&format!("{GMAIL}{end}"));
        assert_eq!(found.iter().map(|(kind, text)| (*kind, text.as_str())).collect::<Vec<_>>(), expected);
    }

    #[rstest]
    // Gmail before 2019.
    #[case("a<div class=gmail_extra><br><div class=gmail_quote>On Monday Ada wrote:<br><blockquote class=gmail_quote>old</blockquote></div></div>",
        &[(Introduction, "On Monday Ada wrote:"), (Quote, "> old")])]
    #[case("a<div class=gmail_quote><div class=gmail_attr>---------- Forwarded message ---------<br>From: Bob</div>old<blockquote>older</blockquote></div>",
        &[(Forward, "---------- Forwarded message ---------\nFrom: Bob\nold\n\n> older")])]
    // Without its quotation bar.
    #[case("a<div class=gmail_quote>On Monday Ada wrote:<br>old</div>", &[(Quote, "On Monday Ada wrote:\nold")])]
    #[case("a<br>-- <br><div class=gmail_signature data-smartmail=gmail_signature>Ada<br>Acme</div>b", &[(Signature, "Ada\nAcme")])]
    // Thunderbird.
    #[case("<p>a</p><div class=moz-cite-prefix>On 02.03.26 Ada wrote:<br></div><blockquote type=cite cite='mid:x'><p>old</p></blockquote><p>b</p><pre class=moz-signature>-- \nAda</pre>",
        &[(Introduction, "On 02.03.26 Ada wrote:"), (Quote, "> old"), (Signature, "--\nAda")])]
    #[case("a<div class=moz-forward-container><br>-------- Forwarded Message --------<table class=moz-email-headers-table><tr><th>Subject: </th><td>x</td></tr></table>old</div>",
        &[(Forward, "-------- Forwarded Message --------\nSubject:\tx\nold")])]
    // Apple Mail, iOS.
    #[case("a<div><br><blockquote type=cite><div>On 2 Mar 2026, at 10:00, Ada wrote:</div><br><div>old</div></blockquote></div>b",
        &[(Quote, "> On 2 Mar 2026, at 10:00, Ada wrote:\n>\n> old")])]
    #[case("a<div><br><blockquote type=cite><div>Begin forwarded message:</div><br><div><b>From: </b>Bob &lt;bob@example.org&gt;</div><div><b>Subject: </b>x</div><div><b>To: </b>Ada</div><br>old</blockquote></div>",
        &[(Forward, "> Begin forwarded message:\n>\n> From: Bob <bob@example.org>\n> Subject: x\n> To: Ada\n>\n> old")])]
    #[case("a<br>Anfang der weitergeleiteten Nachricht:<br><br><blockquote type=cite><b>Von:</b> Bob<br><b>An:</b> Ada<br><b>Betreff:</b> x<br><br>old</blockquote>",
        &[(Forward, "Anfang der weitergeleiteten Nachricht:\n\n> Von: Bob\n> An: Ada\n> Betreff: x\n>\n> old")])]
    // A form that is answered is not handed on.
    #[case("On 2 March Ada wrote:<blockquote type=cite>Name: x<br>Order: y<br>Wish: z</blockquote>", &[(Quote, "> Name: x\n> Order: y\n> Wish: z")])]
    #[case("a<div id=AppleMailSignature>Sent from my iPhone<blockquote type=cite>old</blockquote></div>", &[(Signature, "Sent from my iPhone"), (Quote, "> old")])]
    // Outlook for Windows, whose line above the header moves into a style of its own on the way.
    #[case("<div class=WordSection1><p class=MsoNormal>a</p><div><div style='border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm'><p class=MsoNormal><b>Von:</b> Ada<br><b>Gesendet:</b> heute<br><b>An:</b> Bob<br><b>Betreff:</b> x</p></div></div><p class=MsoNormal>old</p></div>",
        &[(Quote, "Von: Ada\nGesendet: heute\nAn: Bob\nBetreff: x\nold")])]
    #[case("a<div style=\"border-width: 1pt medium medium; border-style: solid none none; padding: 3pt 0cm 0cm;\"><b>From:</b> Ada<br>Sent: today<br>To: Bob</div>old",
        &[(Quote, "From: Ada\nSent: today\nTo: Bob\nold")])]
    #[case("<div style='border:none;border-top:solid windowtext 1.0pt;padding:3.0pt 0cm 0cm 0cm'>Just a line above.</div>b", &[])]
    #[case("a<div style='border:none;border-left:solid blue 1.5pt;padding:0cm 0cm 0cm 4.0pt'><p>From: Ada</p><p>old</p></div>b", &[(Quote, "From: Ada\n\nold")])]
    // Outlook on the web, new, and on phones.
    #[case("<div>a</div><div id=appendonsend></div><hr style='display:inline-block;width:98%' tabindex=-1><div id=divRplyFwdMsg dir=ltr><b>From:</b> Ada</div><div>old<blockquote>older</blockquote></div>",
        &[(Quote, "________________________________\n\nFrom: Ada\nold\n\n> older")])]
    #[case("<div>a</div><div id=ms-outlook-mobile-signature>Get Outlook for iOS</div><hr><div id=divRplyFwdMsg><b>From:</b> Ada</div><div>old</div>",
        &[(Signature, "Get Outlook for iOS"), (Quote, "________________________________\n\nFrom: Ada\nold")])]
    #[case("a<div id=mail-editor-reference-message-container><div><div style='border:none;border-top:solid #B5C4DF 1.0pt;padding:3.0pt 0 0 0'>From: Ada<br>Date: x<br>To: y</div></div>old</div>b",
        &[(Quote, "From: Ada\nDate: x\nTo: y\nold")])]
    // What Outlook wrote, quoted by another program and answered below.
    #[case("<blockquote type=cite>a<hr><div id=x_divRplyFwdMsg>From: Ada</div>old</blockquote>below", &[(Quote, "> a\n>\n> ________________________________\n>\n> From: Ada\n> old")])]
    #[case("a<span id=OLK_SRC_BODY_SECTION><div>From: Ada</div>old</span>", &[(Quote, "From: Ada\nold")])]
    // Yahoo, Proton, Zoho, GMX, Tutanota.
    #[case("a<div id='yahoo_quoted_123' class='ydp5e1yahoo_quoted'><div>On Monday, Ada wrote:</div><div>old<blockquote>older</blockquote>old</div></div>",
        &[(Quote, "On Monday, Ada wrote:\nold\n\n> older\n\nold")])]
    #[case("a<div class='protonmail_signature_block'><div class='protonmail_signature_block-user'>Ada</div></div><div class=protonmail_quote>On Monday, Ada wrote:<br><blockquote class=protonmail_quote type=cite>old</blockquote><br></div>",
        &[(Signature, "Ada"), (Introduction, "On Monday, Ada wrote:"), (Quote, "> old")])]
    #[case("a<div id='Zm-_Id_-Sgn'>Ada</div><div class='x_12zmail_extra'><div id='Zm-_Id_-Sgn1'>---- On Monday Ada wrote ----</div><blockquote style='margin:0'>old</blockquote></div>",
        &[(Signature, "Ada"), (Introduction, "---- On Monday Ada wrote ----"), (Quote, "> old")])]
    #[case("a<div name=quote style='border-left:2px solid #C3D9E5'><div><b>Gesendet:</b> x<br><b>Von:</b> Ada</div><div name=quoted-content>old</div></div>", &[(Quote, "Gesendet: x\nVon: Ada\nold")])]
    #[case("a<blockquote class=tutanota_quote>old</blockquote>", &[(Quote, "> old")])]
    // Fastmail, Roundcube, Zimbra, Spark, Mailspring, NetEase, OTRS.
    #[case("a<div id=sig12345><div>Ada</div></div><div>On Mon, Ada wrote:</div><blockquote type=cite id=qt>old</blockquote>", &[(Signature, "Ada"), (Quote, "> old")])]
    #[case("<p id=reply-intro>On 2026 Ada wrote:</p><blockquote type=cite>old</blockquote><div id=replybody1>x</div>", &[(Introduction, "On 2026 Ada wrote:"), (Quote, "> old")])]
    #[case("a<hr id=zwchr data-marker=__DIVIDER__><div data-marker=__HEADERS__>From: Ada</div>old", &[(Quote, "________________________________\n\nFrom: Ada\nold")])]
    #[case("a<div name=messageSignatureSection>Ada</div><div name=messageReplySection>On Monday, Ada wrote:<br><blockquote type=cite>old</blockquote></div>",
        &[(Signature, "Ada"), (Introduction, "On Monday, Ada wrote:"), (Quote, "> old")])]
    #[case("a<signature id=local>Ada</signature>", &[(Signature, "Ada")])]
    #[case("a<includetail><div>From: Ada</div>old</includetail>", &[(Quote, "From: Ada\nold")])]
    #[case("a<div style='border:none;border-left:solid blue 1.5pt' type=cite>old</div>", &[(Quote, "old")])]
    // An indentation is no quote; a quote that holds nothing is none.
    #[case("a<blockquote></blockquote><div class=gmail_quote><br></div>b", &[])]
    // What programs put before the names of what they quote.
    #[case("a<div class=x_x_gmail_signature>Ada</div>b", &[(Signature, "Ada")])]
    #[case("a<div class=m_-8213gmail_signature>Ada</div>b", &[(Signature, "Ada")])]
    #[case("a<div id=yiv8213Signature>Ada</div>b", &[(Signature, "Ada")])]
    fn each_program_has_its_way(#[case] html: &str, #[case] expected: &[(MarkKind, &str)]) {
        let found = marked(html);
        assert_eq!(found.iter().map(|(kind, text)| (*kind, text.as_str())).collect::<Vec<_>>(), expected, "{html}");
    }
}
