//! How a desk presents itself, as templates see it: only what is safe to show and can be read.

use serde::Serialize;
use switchboard_common::db::letters::Branding;

use super::clean;

/// The background of a mail, light and dark.
const BACKGROUND: (Rgb, Rgb) = (Rgb(255, 255, 255), Rgb(28, 30, 33));
/// The colour of who chose none.
const USUAL: Rgb = Rgb(0x1d, 0x5f, 0xbf);
/// What small text takes to be read (WCAG 2.2, 1.4.3).
const CONTRAST: f64 = 4.5;

#[derive(Debug, Serialize)]
pub(super) struct Brand {
    pub brand: String,
    logo: Option<String>,
    /// What stands below every message.
    footer: Option<String>,
    accent: Accent,
}

/// The colour of headings, links and the bar on top, on a light and on a dark background.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Accent {
    light: String,
    dark: String,
}

impl Brand {
    pub fn new(branding: &Branding) -> Self {
        let color = branding.color.as_deref().and_then(Rgb::parse).unwrap_or(USUAL);
        Self {
            brand: clean::header(&branding.brand),
            logo: branding.logo.as_deref().filter(|logo| is_logo(logo)).map(str::to_owned),
            footer: branding.footer.as_deref().map(clean::body).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()),
            accent: Accent { light: color.readable_on(BACKGROUND.0).to_string(), dark: color.readable_on(BACKGROUND.1).to_string() },
        }
    }
}

/// Whether a text is the URL of a picture that mail programs load: by https, and nothing else.
#[must_use]
pub fn is_logo(text: &str) -> bool {
    text.len() <= 2000 && url::Url::parse(text).is_ok_and(|url| url.scheme() == "https" && url.username().is_empty() && url.has_host())
}

/// Whether a text is a colour as `#rrggbb`.
#[must_use]
pub fn is_color(text: &str) -> bool {
    Rgb::parse(text).is_some()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rgb(u8, u8, u8);

impl std::fmt::Display for Rgb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

impl Rgb {
    fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        let part = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).ok();
        Some(Self(part(0)?, part(2)?, part(4)?))
    }

    /// The relative luminance (WCAG 2.2).
    fn luminance(self) -> f64 {
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.0) + 0.7152 * linear(self.1) + 0.0722 * linear(self.2)
    }

    fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// The colour, or as much lighter or darker as it takes to be read on a background.
    fn readable_on(self, background: Self) -> Self {
        let end = if background.luminance() > 0.5 { 0 } else { 255 };
        let toward = |part: u8, step: u16| {
            let mixed = (u16::from(part) * (20 - step) + end * step) / 20;
            u8::try_from(mixed).unwrap_or(u8::MAX)
        };
        let steps = (0..=20).map(|step| Self(toward(self.0, step), toward(self.1, step), toward(self.2, step)));
        steps.into_iter().find(|color| color.contrast(background) >= CONTRAST).unwrap_or(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_colour_can_be_read_on_light_and_on_dark() {
        for color in ["#000000", "#ffffff", "#ffff00", "#0000ff", "#7f7f7f", "#d4351c", "#1d5fbf", "#00ff00"] {
            let color = Rgb::parse(color).expect("a colour");
            for background in [BACKGROUND.0, BACKGROUND.1] {
                let readable = color.readable_on(background);
                assert!(readable.contrast(background) >= CONTRAST, "{color} became {readable} on {background}");
            }
        }
        assert_eq!(
            Rgb::parse("#1d5fbf").expect("a colour").readable_on(BACKGROUND.0).to_string(),
            "#1d5fbf",
            "it is left alone where it can"
        );
    }

    #[test]
    fn a_colour_or_a_logo_that_is_none_is_not_shown() {
        let branding =
            |logo: &str, color: &str| Branding { logo: Some(logo.to_owned()), color: Some(color.to_owned()), ..Branding::default() };
        let usual = Brand::new(&Branding::default());
        for color in ["red", "#fff", "#12345g", "#1d5fbf;}", "123456", "#é2345"] {
            assert_eq!(Brand::new(&branding("", color)).accent, usual.accent, "{color}");
            assert!(!is_color(color));
        }
        for logo in
            ["http://a.example/l.png", "javascript:alert(1)", "data:image/png;base64,AA", "https://u:p@a.example/", "", "//a.example/l.png"]
        {
            assert_eq!(Brand::new(&branding(logo, "")).logo, None, "{logo}");
        }
        assert_eq!(Brand::new(&branding("https://a.example/l.png", "")).logo.as_deref(), Some("https://a.example/l.png"));
    }
}
