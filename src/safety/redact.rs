//! Secrets taken out of arbitrary text.
//!
//! Logs, errors, panics and the ledger pass here before they are written anywhere. The rules look for the
//! *places* where secrets stand (userinfo of a URL, `password=`, authorization headers, signed query
//! parameters, JAAS lines, SQL's `IDENTIFIED BY`) and for the *shapes* of known ones (cloud keys, tokens,
//! JWTs, PEM blocks). [`redact_known`] takes out secrets whose value is at hand, in every encoding that
//! drivers and servers echo them.
//!
//! Invariants: what is in doubt is withheld, for a lost word costs less than a leaked key; redacting twice
//! changes nothing more; and if a rule could not be built, the whole text is withheld.

use std::borrow::Cow;
use std::io::{self, Write};
use std::sync::LazyLock;

use base64::Engine as _;
use regex::{Captures, Regex, RegexBuilder};

/// What stands in a secret's place.
pub const WITHHELD: &str = "***";

/// Known secrets shorter than this are left to the rules: replacing them would shred ordinary text.
const SHORTEST_KNOWN: usize = 4;

/// Takes secrets out of a text by place and shape.
pub fn redact(text: &str) -> Cow<'_, str> {
    let Some(rules) = RULES.as_ref() else {
        return Cow::Borrowed("(text withheld: the redaction rules could not be built)");
    };
    let mut current = Cow::Borrowed(text);
    for rule in rules {
        match rule.apply(&current) {
            Cow::Owned(changed) if changed != *current => current = Cow::Owned(changed),
            _ => {}
        }
    }
    current
}

/// Takes out the given secrets wherever they appear, plain or encoded, then redacts by rule.
pub fn redact_known<'a>(text: &'a str, secrets: &[&str]) -> Cow<'a, str> {
    let mut current = Cow::Borrowed(text);
    for secret in secrets {
        for form in encodings(secret) {
            if current.contains(&form) {
                current = Cow::Owned(current.replace(&form, WITHHELD));
            }
        }
    }
    match redact(&current) {
        Cow::Borrowed(_) => current,
        Cow::Owned(redacted) => Cow::Owned(redacted),
    }
}

/// A secret as it may be echoed, longest forms first.
fn encodings(secret: &str) -> Vec<String> {
    if secret.chars().count() < SHORTEST_KNOWN {
        return Vec::new();
    }
    let bytes = secret.as_bytes();
    let hex = |upper: bool| -> String {
        bytes.iter().map(|b| if upper { format!("{b:02X}") } else { format!("{b:02x}") }).collect()
    };
    let percent: String = url::form_urlencoded::byte_serialize(bytes).collect();
    let json = serde_json::to_string(secret).unwrap_or_default();
    let mut forms = vec![
        secret.to_owned(),
        percent.replace('+', "%20"),
        percent_all(bytes),
        percent.replace('%', "%25"),
        percent,
        json.trim_matches('"').to_owned(),
        format!("{secret:?}").trim_matches('"').to_owned(),
        secret.replace('\'', "''"),
        secret.replace('\\', "\\\\").replace('\'', "\\'"),
        base64::engine::general_purpose::STANDARD.encode(bytes),
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes),
        hex(false),
        hex(true),
    ];
    forms.retain(|form| form.chars().count() >= SHORTEST_KNOWN);
    forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
    forms.dedup();
    forms
}

fn percent_all(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("%{b:02X}")).collect()
}

/// A writer that redacts each write before it passes it on. The log formatter writes an event at a time,
/// so no secret is split between two writes.
#[derive(Debug, Clone)]
pub struct RedactingWriter<W>(pub W);

impl<W: Write> Write for RedactingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        self.0.write_all(redact(&text).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// One place or shape.
struct Rule {
    pattern: Regex,
    replace: Replace,
}

/// What a rule does with a match. Group 1 is what stays in front of the secret, group 3 what stays behind.
enum Replace {
    Always,
    /// Leaves prose alone: "basic authentication", "bearer token".
    UnlessProse,
}

impl Rule {
    fn apply<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.pattern.replace_all(text, |found: &Captures<'_>| {
            let part = |group: usize| found.get(group).map_or("", |m| m.as_str());
            if matches!(self.replace, Replace::UnlessProse) && is_prose(part(2)) {
                return part(0).to_owned();
            }
            format!("{}{WITHHELD}{}", part(1), part(3))
        })
    }
}

/// Words that follow "basic" or "bearer" in ordinary sentences.
fn is_prose(word: &str) -> bool {
    const WORDS: [&str; 12] = [
        "authentication",
        "authorization",
        "authenticated",
        "credentials",
        "credential",
        "information",
        "challenge",
        "not_found",
        "required",
        "realm",
        "tokens",
        "missing",
    ];
    WORDS.iter().any(|prose| word.trim_end_matches(['.', ',']).eq_ignore_ascii_case(prose))
}

/// `None` if any pattern does not compile: then everything is withheld.
static RULES: LazyLock<Option<Vec<Rule>>> = LazyLock::new(|| {
    patterns()
        .into_iter()
        .map(|(pattern, replace)| {
            let pattern =
                RegexBuilder::new(&pattern).case_insensitive(true).size_limit(32 << 20).build().ok()?;
            Some(Rule { pattern, replace })
        })
        .collect()
});

/// Keys whose value is a secret with either `=` or `:` after them.
const KEYS: &str = r"[\w.\-]*(?:passw(?:or)?d|passwd|passphrase|\bpwd|_pwd|secret|api[_\-]?key|access[_\-]?key|account[_\-]?key|shared[_\-]?access[_\-]?(?:key|signature)|private[_\-]?key|secret[_\-]?key|encryption[_\-]?key|master[_\-]?key|auth[_\-]?token|[\w\-]+[_\-]token|accesstoken|refreshtoken|idtoken|sessiontoken|credentials?|signature|connection[_\-]?string|jaas[._\-]config)[\w\-]*";

/// Keys that are ordinary words before a colon ("unexpected token: x") and a secret's place before `=`.
const WORDY_KEYS: &str = r"(?:token|pass|auth|sig|pw|sas|jwt|otp|pin)";

/// Query parameters that carry secrets in signed URLs and OAuth redirects.
const QUERY_KEYS: &str = r"(?:x-amz-[a-z\-]+|x-goog-[a-z\-]+|awsaccesskeyid|googleaccessid|sig|signature|sv|se|skoid|sktid|token|access_token|id_token|refresh_token|api[_\-]?key|apikey|key|code|state|auth|jwt|sas|client_secret|secret|pass(?:word|wd)?|pwd|session(?:_?id)?|assertion|ticket)";

/// A value in quotes (an unterminated one runs to the end of the line), or a bare one. A bare value may hold
/// quotes, commas and brackets if text follows them at once; whitespace, `;` and `&` end it.
const VALUE: &str = r#"(?:\\"(?:[^"\\\r\n]|\\[^"])*(?:\\"|$)|"(?:[^"\\\r\n]|\\.|"")*(?:"|$)|'(?:[^'\\\r\n]|\\.|'')*(?:'|$)|(?:[^\s&;,"'}\])]|[,}\])"'][\w@#$!%^*+=/.\-])+)"#;

#[rustfmt::skip]
fn patterns() -> Vec<(String, Replace)> {
    use Replace::{Always, UnlessProse};
    let mut all = Vec::new();
    let mut add = |pattern: String, replace| all.push((pattern, replace));

    // Blocks first: they span lines.
    add(r"(-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----)([\s\S]*?)(-----END [A-Z0-9 ]*PRIVATE KEY-----|\z)".into(), Always);
    // Userinfo. A password may hold '@', '/', '?' and '#' that nobody encoded: up to the last '@' of the word.
    add(r#"(\b[a-z][a-z0-9+.\-]*:(?:\\?/){2})([^\s/?#"'<>@:\\]*:[^\s"'<>]*|[^\s/?#"'<>]*)(@)"#.into(), Always);
    add(r#"(%(?:25)*3a%(?:25)*2f%(?:25)*2f)([^\s"'<>&]*)(%(?:25)*40)"#.into(), Always);
    // Headers: quoted, or to the end of the line.
    add(r#"((?:\b(?:proxy-)?authorization\\?["']?\s*[:=]|\b(?:set-cookie|cookie|x-[a-z\-]*(?:key|token|auth|secret|signature))\\?["']?\s*:)\s*)("(?:[^"\\]|\\.)*"?|'[^']*'?|\\"[^"]*\\"|[^\s"'\\][^\r\n]*)"#.into(), Always);
    add(r"(\b(?:bearer|basic|negotiate|apikey|digest)\s+)([\w.~+/=\-]{8,})".into(), UnlessProse);
    // SQL.
    add(format!(r"(\b(?:identified\s+by(?:\s+password)?|encrypted\s+password|with\s+password|\bpassword|\bpasswd)\s+(?:is\s+)?)('(?:[^']|'')*(?:'|$)|{dq})", dq = r#""(?:[^"\\]|\\.)*(?:"|$)"#), Always);
    // Command lines.
    add(format!(r"(\s--?(?:[a-z\-]*password|[a-z\-]*passwd|[a-z\-]*secret|[a-z\-]*token|[a-z\-]*api-?key|pass|pwd)(?:\s+|=))({VALUE})"), Always);
    add(r"(\b(?:curl|http)\b[^\r\n]*\s(?:-u|--user)\s*)(\S+)".into(), Always);
    // key=value, key: value, "key": "value", key => value, key: Some("value").
    add(format!(r#"({KEYS}(?:\\?["'])?\]?\s*(?:=>|[:=])\s*(?:Some\(|Secret\()?)({VALUE})"#), Always);
    add(format!(r#"(\b{WORDY_KEYS}(?:\s*=\s*|\\?["']\s*:\s*))({VALUE})"#), Always);
    // Query parameters, plain and encoded.
    add(format!(r#"([?&;]{QUERY_KEYS}=)([^&;\s"'<>#]+)"#), Always);
    add(format!(r#"(%(?:25)*(?:3f|26){QUERY_KEYS}%(?:25)*3d)((?:[^\s"'<>&%]|%(?:25)*(?:2[0-57-9a-f]|[013-9a-f][0-9a-f]))+)"#), Always);
    // Shapes.
    for shape in [
        r"(?-i:\b(?:AKIA|ASIA|AGPA|AIDA|AROA|ANPA)[A-Z0-9]{16}\b)",
        r"\bgh[pousr]_[a-z0-9]{20,}", r"\bgithub_pat_\w{20,}", r"\bglpat-[\w\-]{16,}", r"\bnpm_[a-z0-9]{30,}",
        r"\bxox[abeprs]-[a-z0-9\-]{8,}", r"\b[rs]k_(?:live|test)_\w{10,}", r"(?-i:\bAIza[\w\-]{30,})", r"\bya29\.[\w\-]{10,}",
        r"\bhf_[a-z0-9]{20,}", r"\bdapi[0-9a-f]{32}", r"\bSG\.[\w\-]{16,}\.[\w\-]{16,}", r"\bsk-[\w\-]{20,}",
        r"(?-i:\beyJ[\w\-]{5,}\.[\w\-]{5,}(?:\.[\w\-]*)?)",
        r"\b[a-z0-9+/]{86}==",
    ] {
        add(format!("()({shape})"), Always);
    }
    all
}

#[cfg(test)]
mod tests;
