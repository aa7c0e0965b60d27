//! Reads what a client of PostgreSQL said: the statements in a recorded way up, as the wire has them. A witness
//! beside Headwater's own ledger, which could be wrong in the same way as the connector.

/// Statements of a connection in order: the texts of Query and Parse messages. Empty if the connection was
/// encrypted or was no more than a cancel request.
pub fn statements(up: &[u8]) -> Vec<String> {
    let mut rest = up;
    // Requests without a type come first: encryption, then the start itself.
    loop {
        let Some((body, after)) = message(rest) else { return Vec::new() };
        rest = after;
        match body.first_chunk().map(|code| i32::from_be_bytes(*code)) {
            // SSLRequest and GSSENCRequest; if granted, what follows is no message.
            Some(80_877_103 | 80_877_104) => {}
            Some(196_608 | 196_610) => break,
            _ => return Vec::new(),
        }
    }
    let mut found = Vec::new();
    while let Some((&kind, after)) = rest.split_first() {
        let Some((body, after)) = message(after) else { break };
        rest = after;
        match kind {
            b'Q' => found.extend(text(body).map(|(sql, _)| sql)),
            // The statement's name comes before its text.
            b'P' => found.extend(text(body).and_then(|(_, after)| text(after)).map(|(sql, _)| sql)),
            // FunctionCall runs a function without a statement.
            b'F' => found.push("a function call".to_owned()),
            _ => {}
        }
    }
    found
}

/// A length that counts itself, then the body.
fn message(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    let length = usize::try_from(i32::from_be_bytes(*length)).ok()?.checked_sub(4)?;
    rest.split_at_checked(length)
}

/// Text up to its null byte, and what follows.
fn text(bytes: &[u8]) -> Option<(String, &[u8])> {
    let end = bytes.iter().position(|&byte| byte == 0)?;
    let (text, rest) = bytes.split_at(end);
    Some((String::from_utf8_lossy(text).into_owned(), &rest[1..]))
}
