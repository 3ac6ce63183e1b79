//! Writes SVG, and knows how it looks.

use std::fmt::Write;

/// A picture while it is being drawn.
pub(super) struct Svg {
    body: String,
    width: f64,
}

/// Which side of a text its place is.
#[derive(Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

// === impl Svg ===

impl Svg {
    pub(super) fn new(width: f64) -> Self {
        Self {
            body: String::new(),
            width,
        }
    }

    pub(super) fn text(&mut self, class: &str, (x, y): (f64, f64), anchor: Anchor, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => r#" text-anchor="middle""#,
            Anchor::End => r#" text-anchor="end""#,
        };
        let (x, y, text) = (coordinate(x), coordinate(y), escape(text));
        self.push(format_args!(
            r#"<text class="{class}" x="{x}" y="{y}"{anchor}>{text}</text>"#
        ));
    }

    pub(super) fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let [x1, y1, x2, y2] = [from.0, from.1, to.0, to.1].map(coordinate);
        self.push(format_args!(
            r#"<path class="{class}" d="M{x1} {y1}L{x2} {y2}"/>"#
        ));
    }

    pub(super) fn path(&mut self, class: &str, path: &str) {
        if !path.is_empty() {
            self.push(format_args!(r#"<path class="{class}" d="{path}"/>"#));
        }
    }

    /// Draws what belongs together, with a text that shows where somebody points at it.
    pub(super) fn group(&mut self, title: &str, draw: impl FnOnce(&mut Self)) {
        self.push(format_args!("<g><title>{}</title>", escape(title)));
        draw(self);
        self.push(format_args!("</g>"));
    }

    /// The whole document.
    pub(super) fn finish(self, height: f64, title: &str, description: &str) -> String {
        let (width, height) = (coordinate(self.width), coordinate(height));
        let (title, description) = (escape(title), escape(description));
        let body = self.body;
        format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" class="breakglass-plot" role="img" width="{width}" height="{height}" viewBox="0 0 {width} {height}">
<title>{title}</title>
<desc>{description}</desc>
<style>{STYLE}</style>
<rect class="paper" width="{width}" height="{height}"/>
{body}</svg>
"#
        )
    }

    fn push(&mut self, element: std::fmt::Arguments<'_>) {
        // A string takes whatever is written to it.
        let _ = self.body.write_fmt(element);
        self.body.push('\n');
    }
}

/// To a tenth of a pixel: finer is not seen.
pub(super) fn coordinate(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), String::from)
}

/// Text that is nothing but text, without what XML has no way to hold.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // Marks that turn the order of letters have no business in a label.
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            '\u{fffe}' | '\u{ffff}' => {}
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

/// About how wide a text will be, in ems. Nobody knows which font there is: a little too much rather
/// than too little.
pub(super) fn ems(text: &str) -> f64 {
    text.chars().map(em).sum()
}

/// The same in bold.
pub(super) fn bold_ems(text: &str) -> f64 {
    ems(text) * BOLDER
}

fn em(c: char) -> f64 {
    match c {
        'i' | 'j' | 'l' | 't' | 'f' | 'r' | 'I' | ' ' | '.' | ',' | ':' | ';' | '\'' | '|'
        | '!' => 0.4,
        '(' | ')' | '[' | ']' | '/' | '-' => 0.42,
        'm' | 'w' | 'M' | 'W' | '@' | '%' | '…' | '–' | '→' => 1.0,
        'A'..='Z' => 0.73,
        '0'..='9' => 0.64,
        c if c.is_ascii() => 0.62,
        // Han, kana, Hangul, full-width forms, pictures.
        '\u{1100}'.. => 1.05,
        _ => 0.7,
    }
}

/// What is bold is so much wider.
pub(super) const BOLDER: f64 = 1.12;
/// Two hues that also those can tell apart who do not see red or green, with contrast enough for text.
/// Colours are written out, light ones first: programs that make PDFs of reports know neither variables
/// nor schemes.
const STYLE: &str = "
.breakglass-plot text{font:12px system-ui,-apple-system,'Segoe UI',Roboto,'Liberation Sans',Arial,sans-serif;fill:#1f2328;font-variant-numeric:tabular-nums}
.breakglass-plot path{fill:none;stroke-linejoin:round;stroke-linecap:round}
.breakglass-plot .paper{fill:#fff}
.breakglass-plot .title{font-size:18px;font-weight:600}
.breakglass-plot .name,.breakglass-plot .stable-text,.breakglass-plot .canary-text,.breakglass-plot .kill-text{font-weight:600}
.breakglass-plot .halo{stroke:#fff;stroke-width:4px;stroke-linejoin:round;paint-order:stroke}
.breakglass-plot .quiet{fill:#59636e}
.breakglass-plot .grid{stroke:#e4e8ec}
.breakglass-plot .base{stroke:#59636e}
.breakglass-plot .stable-line{stroke:#0550ae;stroke-width:1.5px;stroke-dasharray:5 4}
.breakglass-plot .canary-line{stroke:#bc4c00;stroke-width:2px}
.breakglass-plot .canary-area{fill:#bc4c00;fill-opacity:.12}
.breakglass-plot .stable-text{fill:#0550ae}
.breakglass-plot .canary-text{fill:#bc4c00}
.breakglass-plot .note-line,.breakglass-plot .step-line{stroke:#59636e;stroke-dasharray:1 3}
.breakglass-plot .approval-line{stroke:#6639ba;stroke-dasharray:1 3}
.breakglass-plot .approval-text{fill:#6639ba}
.breakglass-plot .kill-line{stroke:#cf222e;stroke-width:1.5px}
.breakglass-plot .kill-text{fill:#cf222e}
@media (prefers-color-scheme:dark){
.breakglass-plot text{fill:#e6edf3}
.breakglass-plot .paper{fill:#0d1117}
.breakglass-plot .halo{stroke:#0d1117}
.breakglass-plot .quiet{fill:#9198a1}
.breakglass-plot .grid{stroke:#262c34}
.breakglass-plot .base{stroke:#9198a1}
.breakglass-plot .stable-line{stroke:#6cb6ff}
.breakglass-plot .canary-line{stroke:#f0883e}
.breakglass-plot .canary-area{fill:#f0883e}
.breakglass-plot .stable-text{fill:#6cb6ff}
.breakglass-plot .canary-text{fill:#f0883e}
.breakglass-plot .note-line,.breakglass-plot .step-line{stroke:#9198a1}
.breakglass-plot .approval-line{stroke:#d2a8ff}
.breakglass-plot .approval-text{fill:#d2a8ff}
.breakglass-plot .kill-line{stroke:#ff7b72}
.breakglass-plot .kill-text{fill:#ff7b72}
}
";
