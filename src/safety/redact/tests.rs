use super::*;

/// The secret planted in every row that must lose it.
const CANARY: &str = "c4n4ry-S3cret";

#[test]
fn every_rule_compiles() {
    assert!(RULES.is_some());
}

#[test]
fn secrets_leave_the_text_and_the_rest_stays() {
    let rows = [
        // Userinfo.
        ("postgres://ann:c4n4ry-S3cret@db:5432/shop", "postgres://***@db:5432/shop"),
        ("redis://:c4n4ry-S3cret@host:6379/0", "redis://***@host:6379/0"),
        ("https://c4n4ry-S3cret@git.example/x", "https://***@git.example/x"),
        (
            "cannot reach mongodb+srv://u:c4n4ry-S3cret@h.example/?w=1: refused",
            "cannot reach mongodb+srv://***@h.example/?w=1: refused",
        ),
        ("postgres://ann:p@ss/c4n4ry-S3cret@db/shop", "postgres://***@db/shop"),
        ("postgres://ann:p#?c4n4ry-S3cret@db/shop", "postgres://***@db/shop"),
        ("amqp://u:c4n4ry-S3cret@a,amqp://u:c4n4ry-S3cret@b", "amqp://***@b"),
        ("next=https%3A%2F%2Fu%3Ac4n4ry-S3cret%40h%2Fp", "next=https%3A%2F%2F***%40h%2Fp"),
        ("next=https%253A%252F%252Fu%253Ac4n4ry-S3cret%2540h", "next=https%253A%252F%252F***%2540h"),
        (r#"{"url":"https:\/\/u:c4n4ry-S3cret@h\/p"}"#, r#"{"url":"https:\/\/***@h\/p"}"#),
        // key = value.
        ("host=db user=ann password=c4n4ry-S3cret dbname=shop", "host=db user=ann password=*** dbname=shop"),
        ("password='c4n4ry-S3cret it''s \\' x' host=db", "password=*** host=db"),
        ("password = \"c4n4ry-S3cret with spaces\", user = \"ann\"", "password = ***, user = \"ann\""),
        ("Password=c4n4ry-S3cret;Server=db", "Password=***;Server=db"),
        ("Server=db;Pwd=c4n4ry-S3cret;", "Server=db;Pwd=***;"),
        ("PGPASSWORD=c4n4ry-S3cret psql", "PGPASSWORD=*** psql"),
        ("MYSQL_PWD=c4n4ry-S3cret", "MYSQL_PWD=***"),
        ("password: c4n4ry-S3cret, user: ann", "password: ***, user: ann"),
        ("Config { password: Some(\"c4n4ry-S3cret\"), port: 1 }", "Config { password: Some(***), port: 1 }"),
        ("{\"password\":\"c4n4ry-S3cret\",\"user\":\"ann\"}", "{\"password\":***,\"user\":\"ann\"}"),
        ("{'client_secret': 'c4n4ry-S3cret'}", "{'client_secret': ***}"),
        ("{\\\"password\\\":\\\"c4n4ry-S3cret\\\",\\\"user\\\":1}", "{\\\"password\\\":***,\\\"user\\\":1}"),
        ("password=ab,c4n4ry-S3cret", "password=***"),
        ("password=a\"c4n4ry-S3cret", "password=***"),
        ("db.password=>c4n4ry-S3cret", "db.password=>***"),
        ("spring.datasource.password: c4n4ry-S3cret", "spring.datasource.password: ***"),
        ("password=\"c4n4ry-S3cret unterminated", "password=***"),
        ("sslpassword=c4n4ry-S3cret", "sslpassword=***"),
        ("AccountKey=c4n4ry-S3cret==;EndpointSuffix=x", "AccountKey=***;EndpointSuffix=x"),
        ("SharedAccessKey=c4n4ry-S3cret=", "SharedAccessKey=***"),
        ("aws_secret_access_key = c4n4ry-S3cret", "aws_secret_access_key = ***"),
        ("x_api_key: c4n4ry-S3cret", "x_api_key: ***"),
        ("apiKey=c4n4ry-S3cret&x=1", "apiKey=***&x=1"),
        ("refresh_token=c4n4ry-S3cret", "refresh_token=***"),
        ("token=c4n4ry-S3cret", "token=***"),
        ("{\"token\": \"c4n4ry-S3cret\"}", "{\"token\": ***}"),
        // Headers.
        ("Authorization: Bearer c4n4ry-S3cret", "Authorization: ***"),
        (
            "authorization: Digest username=\"u\", response=\"c4n4ry-S3cret\"\nhost: h",
            "authorization: ***\nhost: h",
        ),
        (
            "{\"authorization\":\"Basic c4n4ry-S3cret\",\"host\":\"h\"}",
            "{\"authorization\":***,\"host\":\"h\"}",
        ),
        ("Cookie: sid=c4n4ry-S3cret; theme=dark", "Cookie: ***"),
        ("X-Api-Key: c4n4ry-S3cret", "X-Api-Key: ***"),
        ("X-Vault-Token: c4n4ry-S3cret", "X-Vault-Token: ***"),
        ("sent bearer c4n4ry-S3cret to h", "sent bearer *** to h"),
        // Query parameters.
        (
            "https://b.s3/x?X-Amz-Date=1&X-Amz-Signature=c4n4ry-S3cret&y=1",
            "https://b.s3/x?X-Amz-Date=***&X-Amz-Signature=***&y=1",
        ),
        ("https://a.blob/x?sp=r&sig=c4n4ry-S3cret%3D", "https://a.blob/x?sp=r&sig=***"),
        ("https://h/cb?code=c4n4ry-S3cret&lang=de", "https://h/cb?code=***&lang=de"),
        ("https://h/x?key=c4n4ry-S3cret#frag", "https://h/x?key=***#frag"),
        ("u=https%3A%2F%2Fh%2Fx%3Fsig%3Dc4n4ry-S3cret%26a%3D1", "u=https%3A%2F%2Fh%2Fx%3Fsig%3D***%26a%3D1"),
        // Kafka.
        (
            "sasl.jaas.config=org.apache.kafka.PlainLoginModule required username=\"ann\" password=\"c4n4ry-S3cret\";",
            "sasl.jaas.config=*** required username=\"ann\" password=***;",
        ),
        // SQL.
        ("CREATE USER a IDENTIFIED BY 'c4n4ry-S3cret'", "CREATE USER a IDENTIFIED BY ***"),
        (
            "ALTER ROLE a WITH ENCRYPTED PASSWORD 'it''s c4n4ry-S3cret' LOGIN",
            "ALTER ROLE a WITH ENCRYPTED PASSWORD *** LOGIN",
        ),
        // Command lines.
        ("psql --password c4n4ry-S3cret db", "psql --password *** db"),
        ("run --api-key=c4n4ry-S3cret --x", "run --api-key=*** --x"),
        ("curl -u ann:c4n4ry-S3cret https://h", "curl -u *** https://h"),
        // Blocks.
        (
            "-----BEGIN RSA PRIVATE KEY-----\nc4n4ry-S3cret\n-----END RSA PRIVATE KEY----- tail",
            "-----BEGIN RSA PRIVATE KEY-----***-----END RSA PRIVATE KEY----- tail",
        ),
        ("-----BEGIN PRIVATE KEY-----\nc4n4ry-S3cret", "-----BEGIN PRIVATE KEY-----***"),
    ];
    for (input, expected) in rows {
        let out = redact(input);
        assert!(!out.contains(CANARY), "{input:?} leaked: {out:?}");
        assert_eq!(out, expected, "{input:?}");
    }
}

#[test]
fn known_shapes_are_recognised_without_a_key() {
    let rows = [
        "AKIAIOSFODNN7EXAMPLE".to_owned(),
        format!("ghp_{}", "a1".repeat(18)),
        format!("github_pat_{}", "a1".repeat(20)),
        "xoxb-123456789012-abcdef".to_owned(),
        format!("sk_live_{}", "a1".repeat(12)),
        format!("AIza{}", "a1".repeat(18)),
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl".to_owned(),
        format!("{}==", "aB".repeat(43)),
        format!("glpat-{}", "a1".repeat(10)),
        format!("dapi{}", "0f".repeat(16)),
    ];
    for secret in rows {
        for text in [secret.clone(), format!("found {secret} here"), format!("({secret})")] {
            assert!(!redact(&text).contains(&secret), "{text}");
        }
    }
}

#[test]
fn ordinary_text_passes_untouched() {
    let rows = [
        "",
        "SELECT * FROM orders WHERE id = 5",
        "unexpected token: SELECT at line 1",
        "HTTP basic authentication failed",
        "bearer token missing",
        "mail ann@example.com about it",
        "https://example.com/a?page=2&limit=10",
        "could not open /data/passwords.csv",
        "3 passes, 4 failures",
        "column \"token_count\" not found",
        "key: value",
        "primary key (id), foreign key (user_id)",
        "postgres://db:5432/shop",
        "file:///tmp/a.db",
        "2024-01-01T00:00:00+00:00 12:30",
        "C:\\data\\x.csv",
        "grüße 数量",
    ];
    for text in rows {
        assert!(matches!(redact(text), Cow::Borrowed(_)), "{text:?} became {:?}", redact(text));
        assert_eq!(redact(text), text);
    }
}

#[test]
fn a_known_secret_is_found_in_every_encoding() {
    for secret in ["p@ss w'rd/\"x\"\\ü", "c4n4ry-S3cret", "a&b=c;d"] {
        let percent: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let forms = [
            secret.to_owned(),
            percent.clone(),
            percent.replace('+', "%20"),
            percent.replace('%', "%25"),
            serde_json::to_string(secret).unwrap(),
            format!("{secret:?}"),
            secret.replace('\'', "''"),
            base64::engine::general_purpose::STANDARD.encode(secret),
            secret.bytes().map(|b| format!("{b:02x}")).collect(),
            secret.bytes().map(|b| format!("{b:02X}")).collect(),
        ];
        for form in forms {
            let out = redact_known(&format!("before {form} after"), &[secret]).into_owned();
            assert!(!out.contains(form.trim_matches('"')), "{form:?} stayed in {out:?}");
            assert!(out.starts_with("before ") && out.ends_with(" after"), "{out:?}");
        }
    }
    assert_eq!(redact_known("a short one", &["a", ""]), "a short one");
}

#[test]
fn redacting_twice_changes_nothing_more() {
    let texts = [
        "postgres://ann:x@db password=y, token=z Authorization: Bearer abcdefgh",
        "{\"password\":\"x\"} ?sig=abc&code=def IDENTIFIED BY 'x' --password x",
        "password=*** ***",
    ];
    for text in texts.into_iter().map(ToOwned::to_owned).chain(crate::safety::naughty_strings()) {
        let once = redact(&text).into_owned();
        assert_eq!(redact(&once), once, "{text:?}");
    }
}

#[test]
fn a_secret_between_naughty_strings_is_still_found() {
    for naughty in crate::safety::naughty_strings() {
        for text in [
            format!("{naughty} password={CANARY} {naughty}"),
            format!("{naughty} postgres://u:{CANARY}@h {naughty}"),
        ] {
            assert!(!redact(&text).contains(CANARY), "{text:?}");
        }
    }
}

#[test]
fn long_hostile_text_is_done_in_one_pass() {
    for piece in ["password=", "://", "a:", "\"", "%3a%2f%2f", "eyJ", "-----BEGIN PRIVATE KEY-----", "@"] {
        let text = piece.repeat(20_000);
        let once = redact(&text).into_owned();
        assert!(once.len() <= text.len() * 4);
    }
}

#[test]
fn the_writer_redacts_what_it_passes_on() {
    let mut writer = RedactingWriter(Vec::new());
    writer.write_all(b"connect postgres://u:c4n4ry-S3cret@h\n").unwrap();
    writer.write_all(b"bytes \xFF password=c4n4ry-S3cret\n").unwrap();
    writer.flush().unwrap();
    let text = String::from_utf8(writer.0).unwrap();
    assert_eq!(text, "connect postgres://***@h\nbytes \u{FFFD} password=***\n");
}
