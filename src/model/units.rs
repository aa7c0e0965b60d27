//! Numbers with their unit in words a person reads. Binary bytes (KiB, MiB), seconds with two digits.

use std::time::Duration;

/// `1.5 MiB`, `812 B`.
pub fn bytes_text(bytes: f64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes.max(0.0);
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{value:.0} {}", UNITS[0]) } else { format!("{value:.1} {}", UNITS[unit]) }
}

/// Bytes out of `640 KiB`, `5 MB`, `5000000`; decimal units count by thousands. None if it is no size.
pub fn parse_bytes(text: &str) -> Option<u64> {
    const UNITS: [(&str, f64); 10] = [
        ("kib", 1024.0),
        ("mib", 1_048_576.0),
        ("gib", 1_073_741_824.0),
        ("tib", 1_099_511_627_776.0),
        ("kb", 1e3),
        ("mb", 1e6),
        ("gb", 1e9),
        ("tb", 1e12),
        ("bytes", 1.0),
        ("b", 1.0),
    ];
    let text = text.trim().to_ascii_lowercase();
    let (number, times) = UNITS
        .iter()
        .find_map(|(unit, times)| Some((text.strip_suffix(unit)?, *times)))
        .unwrap_or((text.as_str(), 1.0));
    let number = number.replace([' ', '\u{a0}', '_'], "");
    if let (Ok(whole), true) = (number.parse::<u64>(), times == 1.0) {
        return Some(whole);
    }
    let bytes = number.parse::<f64>().ok()? * times;
    (bytes.is_finite() && bytes >= 0.0 && bytes < u64::MAX as f64).then_some(bytes.round() as u64)
}

/// `0.4 s`, `12 ms`, `3 min 20 s`, `4.1 h`.
pub fn seconds_text(seconds: f64) -> String {
    if seconds < 0.001 {
        format!("{:.0} µs", seconds * 1e6)
    } else if seconds < 1.0 {
        format!("{:.0} ms", seconds * 1e3)
    } else if seconds < 120.0 {
        format!("{seconds:.1} s")
    } else if seconds < 7200.0 {
        format!("{} min {:.0} s", (seconds / 60.0).floor(), seconds % 60.0)
    } else {
        format!("{:.1} h", seconds / 3600.0)
    }
}

/// `336 776` with thin groups: thousands separated by a no-break space.
pub fn count_text(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push('\u{a0}');
        }
        out.push(digit);
    }
    out
}

/// Age as `6 d`, `3 h`, `12 min`, `now`.
pub fn age_text(age: Duration) -> String {
    let seconds = age.as_secs();
    match seconds {
        0..60 => "now".to_owned(),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_a_person_writes_them() {
        for (value, text) in [(0.0, "0 B"), (812.0, "812 B"), (1536.0, "1.5 KiB"), (4.4e9, "4.1 GiB")] {
            assert_eq!(bytes_text(value), text);
        }
        for (value, text) in [(0.0004, "400 µs"), (0.012, "12 ms"), (38.0, "38.0 s"), (200.0, "3 min 20 s")]
        {
            assert_eq!(seconds_text(value), text);
        }
        for (text, bytes) in [
            ("0", Some(0)),
            ("18446744073709551615", Some(u64::MAX)),
            ("640 KiB", Some(655_360)),
            ("1.5mib", Some(1_572_864)),
            ("5 MB", Some(5_000_000)),
            ("5 000 b", Some(5_000)),
            ("-1", None),
            ("inf", None),
            ("MiB", None),
            ("3 parsecs", None),
        ] {
            assert_eq!(parse_bytes(text), bytes, "{text}");
        }
        assert_eq!(count_text(1_204_331), "1\u{a0}204\u{a0}331");
        assert_eq!(age_text(Duration::from_secs(6 * 86_400)), "6 d");
    }
}
