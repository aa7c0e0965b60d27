use super::*;

fn line(text: &str) -> String {
    visible(text, Place::Line, 1000).text.into_owned()
}

#[test]
fn what_cannot_be_seen_becomes_a_token() {
    let rows = [
        ("plain", "plain"),
        ("", ""),
        ("Größe 数量 العدد номер 🎉", "Größe 数量 العدد номер 🎉"),
        ("a\u{0}b", "a‹U+0000›b"),
        ("a\nb\tc\rd", "a‹U+000A›b‹U+0009›c‹U+000D›d"),
        ("\u{1b}[31mred\u{1b}[0m", "‹U+001B›[31mred‹U+001B›[0m"),
        ("\u{7f}", "‹U+007F›"),
        ("\u{85}\u{9b}", "‹U+0085›‹U+009B›"),
        ("invoice\u{202E}fdp.exe", "invoice‹U+202E›fdp.exe"),
        ("\u{202A}\u{202B}\u{202C}\u{202D}", "‹U+202A›‹U+202B›‹U+202C›‹U+202D›"),
        ("\u{2066}\u{2067}\u{2068}\u{2069}", "‹U+2066›‹U+2067›‹U+2068›‹U+2069›"),
        ("\u{200E}\u{200F}\u{61C}", "‹U+200E›‹U+200F›‹U+061C›"),
        ("or\u{200B}ders", "or‹U+200B›ders"),
        ("a\u{200C}\u{200D}\u{2060}\u{FEFF}", "a‹U+200C›‹U+200D›‹U+2060›‹U+FEFF›"),
        ("soft\u{AD}hyphen", "soft‹U+00AD›hyphen"),
        ("\u{3164}\u{FFA0}\u{115F}\u{1160}\u{2800}", "‹U+3164›‹U+FFA0›‹U+115F›‹U+1160›‹U+2800›"),
        ("\u{E0041}\u{E007F}", "‹U+E0041›‹U+E007F›"),
        ("a\u{E0100}", "a‹U+E0100›"),
        ("a\u{FE00}", "a‹U+FE00›"),
        ("a\u{FE0F}", "a‹U+FE0F›"),
        ("☎\u{FE0F}", "☎\u{FE0F}"),
        ("☎\u{FE0F}\u{FE0F}", "☎\u{FE0F}‹U+FE0F›"),
        ("\u{2028}\u{2029}", "‹U+2028›‹U+2029›"),
        ("\u{FFF9}x\u{FFFB}", "‹U+FFF9›x‹U+FFFB›"),
        ("\u{FFFE}\u{FDD0}\u{10FFFF}", "‹U+FFFE›‹U+FDD0›‹U+10FFFF›"),
        ("\u{FFFD}", "\u{FFFD}"),
        ("e\u{301}", "e\u{301}"),
        // A token's own spelling is not taken for a token.
        ("‹U+202E›", "‹U+2039›U+202E›"),
        ("‹0xFF›", "‹U+2039›0xFF›"),
        ("‹quoted›", "‹quoted›"),
    ];
    for (input, expected) in rows {
        assert_eq!(line(input), expected, "{input:?}");
        let shown = visible(input, Place::Line, 1000);
        assert_eq!(shown.tokens > 0, input != expected, "{input:?}");
        assert_eq!(shown.cut_bytes, 0);
    }
}

#[test]
fn towers_of_combining_marks_end_in_tokens() {
    let tower = format!("e{}", "\u{301}".repeat(100));
    let shown = visible(&tower, Place::Line, 1000);
    assert_eq!(shown.tokens, 100 - MOST_MARKS);
}

#[test]
fn a_block_keeps_its_lines() {
    assert_eq!(visible("a\n\tb\r\n\u{202E}", Place::Block, 99).text, "a\n\tb‹U+000D›\n‹U+202E›");
}

#[test]
fn long_text_is_cut_and_says_so() {
    let rows = [
        ("abcdef", 6, "abcdef", 0),
        ("abcdef", 5, "abcde…", 1),
        ("äöü", 1, "ä…", 4),
        ("a\u{0}b\u{0}c", 2, "a‹U+0000›…", 3),
        ("abc", 0, "…", 3),
        ("", 0, "", 0),
    ];
    for (input, most, expected, cut) in rows {
        let shown = visible(input, Place::Line, most);
        assert_eq!((shown.text.as_ref(), shown.cut_bytes), (expected, cut), "{input:?}");
    }
}

#[test]
fn invalid_bytes_and_lone_surrogates_are_shown() {
    let rows: &[(&[u8], &str)] = &[
        (b"ok", "ok"),
        (b"a\xFFb", "a‹0xFF›b"),
        (b"\xED\xA0\x80", "‹U+D800›"),
        (b"\xED\xBF\xBF!", "‹U+DFFF›!"),
        (b"\xED\xA0", "‹0xED›‹0xA0›"),
        (b"\xC0\x80", "‹0xC0›‹0x80›"),
        (b"\xF4\x90\x80\x80", "‹0xF4›‹0x90›‹0x80›‹0x80›"),
        (b"\xE2\x82", "‹0xE2›‹0x82›"),
        (b"\xE2\x80\xAE\xFF", "‹U+202E›‹0xFF›"),
        (b"", ""),
    ];
    for (input, expected) in rows {
        assert_eq!(&visible_bytes(input, Place::Line, 99).text, expected, "{input:?}");
    }
    let cut = visible_bytes(b"ab\xFF\xFF\xFFcd", Place::Line, 3);
    assert_eq!((cut.text.as_ref(), cut.cut_bytes), ("ab‹0xFF›…", 4));
}

#[test]
fn a_cyrillic_letter_among_latin_ones_is_flagged() {
    let rows = [
        ("orders", false),
        ("оrders", true), // Cyrillic о
        ("заказы", false),
        ("заказы_2024", false),
        ("数量ひらカナ", false),
        ("αlpha", true),
        ("price_€", false),
        ("", false),
    ];
    for (name, expected) in rows {
        assert_eq!(mixes_scripts(name), expected, "{name:?}");
    }
}

/// Whatever comes in, nothing hidden comes out, and different texts stay different.
#[test]
fn every_character_and_every_naughty_string_comes_out_visible_and_distinct() {
    let hidden = |c: char| (c.is_control() || is_hidden(c)) && !matches!(c, '\u{FE0E}' | '\u{FE0F}');
    let mut seen = std::collections::HashSet::new();
    for c in '\0'..=char::MAX {
        let shown = line(&format!("a{c}"));
        assert!(!shown.chars().any(hidden), "{c:?} came out as {shown:?}");
        assert!(seen.insert(shown), "{c:?} looks like another");
    }
    for naughty in crate::safety::naughty_strings() {
        let shown = line(&naughty);
        assert!(!shown.chars().any(hidden), "{naughty:?} came out as {shown:?}");
        assert_eq!(visible_bytes(naughty.as_bytes(), Place::Line, 1000).text, shown);
    }
}
