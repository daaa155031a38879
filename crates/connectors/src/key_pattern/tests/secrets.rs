//! What is secret by its name, its place or its form, and is no provider's key.

use super::*;

#[test]
fn what_is_secret_by_its_name_or_its_form_goes_nowhere() {
    let secrets = [
        ("Authorization: Bearer ", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", ""),
        ("authorization: Basic ", "dXNlcjpodW50ZXIyaHVudGVy", ""),
        ("{\"Authorization\": \"Bearer ", "opaque0123456789abcdef", "\"}"),
        ("'Authorization': 'Token ", "opaque0123456789abcdef", "'}"),
        ("sent Bearer ", "opaque0123456789abcdef", " and got 401"),
        ("{'x-api-key': '", "0123456789abcdef0123456789abcdef", "'}"),
        ("curl -H \"X-Api-Key: ", "0123456789abcdef0123456789abcdef", "\" https://x.example"),
        ("ENCRYPTION_KEY=", "0f3ac91be87d24560f3ac91be87d24560f3ac91be87d24560f3ac91be87d2456", "\nPORT=1"),
        ("export JWT_SECRET='", "correct-horse-battery-9", "'"),
        ("\\\"apiKey\\\": \\\"", "abcDEF0123456789", "\\\"}"),
        ("client_secret = ", "abcDEF0123456789", ";"),
        ("accessToken: ", "abcDEF0123456789", ", user: 1"),
        ("?access_token=", "abcDEF0123456789", "&user=1"),
        ("Set-Cookie: ", "sid=abcDEF0123456789", "; Path=/"),
        ("DB_PASSWORD=", "hunter2", ""),
        ("password: \"", "hunter2", "\""),
        ("postgres://app:", "hunter2", "@db.example:5432/app"),
        ("-----BEGIN RSA PRIVATE KEY-----", "\nMIIEowIBAAKCAQEA0\nabc=\n", "-----END RSA PRIVATE KEY-----"),
        ("push with ", "ghp_0123456789abcdefghij0123456789abcdef", " failed"),
        ("use ", "AKIAIOSFODNN7EXAMPLE", " here"),
        ("url ", "xoxb-0123456789-0123456789-abcdefghij", ""),
    ];
    for (before, secret, behind) in secrets {
        for (start, end) in [("", ""), ("error: 401\n  ", "\n  at main.rs:7")] {
            let text = format!("{start}{before}{secret}{behind}{end}");
            let left = without_secrets(&text);
            assert!(!left.contains(secret) && left.contains("[secret]"), "{text}: {left}");
            assert!(left.starts_with(start) && left.ends_with(end), "{text}: {left}");
        }
        // As a URL has it.
        let coded = |text: &str| text.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
        let left = without_secrets(&coded(&format!("{before}{secret}{behind}"))).into_owned();
        assert!(!left.contains(&coded(secret)) && left.contains("[secret]"), "{before}: {left}");
    }
    for text in [
        "KeyError: 'model_configuration'",
        "missing key: model",
        "token: unexpected end of input",
        "TypeError at https://example.com:8080/a?page=2",
        "max_tokens: 4096, stop_sequence: none",
        "no such column: users.password",
        "Bearer authentication is required",
        "primary key constraint \"users_pkey\" failed",
    ] {
        assert_eq!(without_secrets(text), text);
    }
}

#[test]
fn what_stands_where_a_secret_stands_goes_nowhere() {
    let (key, password) = ("a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6", "hunter2secretXYZ");
    let names = [
        "api_key",
        "x-api-key",
        "MISTRAL_API_KEY",
        "apiKey",
        "authorization",
        "client_secret",
        "accessToken",
    ];
    let mut texts: Vec<(String, &str)> = Vec::new();
    for name in names {
        for text in [
            format!("('{name}', '{key}')"),
            format!("Headers([('accept', '*/*'), ('{name}', '{key}')])"),
            format!("[\"{name}\", \"{key}\"]"),
            format!("[(b'{name}', b'{key}')]"),
            format!("({name:?}, {key:?})"),
            format!("<{name}>{key}</{name}>"),
            format!("<{name} type=\"x\">{key}</{name}>"),
            format!("<key>{name}</key><string>{key}</string>"),
            format!("<key>{name}</key>\n\t<string>{key}</string>"),
            format!("{name}:\n    {key}\n"),
            format!("{name}: |\n    {key}\n"),
            format!("{name}: >-\r\n  {key}\r\n"),
            format!("- name: {name}\n  value: {key}\n"),
            format!("- value: \"{key}\"\n  name: {name}\n"),
            format!("{{\"name\":\"{name}\",\"value\":\"{key}\"}}"),
            format!("{{\"value\": \"{key}\", \"name\": \"{name}\"}}"),
            format!("{{\n \"key\": \"{name}\",\n \"value\": \"{key}\"\n}}"),
            format!("{{Name: \"{name}\", Value: \"{key}\"}}"),
            format!("variable \"{name}\" {{\n  default = \"{key}\"\n}}"),
            format!("app --{name} {key} run"),
            format!("app --{name}={key} run"),
            format!("ENV {name} {key}\n"),
            format!("setx {name} {key}"),
            format!("set -gx {name} '{key}'"),
            format!("{name} => {key}"),
        ] {
            texts.push((text, key));
        }
    }
    for text in [
        format!("PGPASSWORD={password} psql"),
        format!("MYSQL_PWD={password} mysql"),
        format!("dbpassword: {password}"),
        format!("mysql -u x --password {password} -h y"),
        format!("mysql -u x -p{password} -h y"),
        format!("sshpass -p {password} ssh x"),
        format!("curl -u user:{password} https://x"),
        format!("curl --user 'user:{password}' https://x"),
        format!("curl --proxy-user user:{password} https://x"),
        format!("the password is {password}"),
        format!("password was '{password}'."),
        format!("<password>{password}</password>"),
        format!("('password', '{password}')"),
        format!("- name: DB_PASSWORD\n  value: {password}\n"),
    ] {
        texts.push((text, password));
    }
    for text in [
        format!("https://x.blob.core.windows.net/?sv=1&sig={key}%3D&se=1"),
        format!("AccountKey={key};EndpointSuffix=x"),
        format!("SharedAccessSignature={key}"),
        format!("_authToken={key}"),
        format!("//registry.npmjs.org/:_authToken={key}"),
        format!("auth={key}&x=1"),
    ] {
        texts.push((text, key));
    }
    for (text, secret) in texts {
        for (start, end) in [("", ""), ("error: 401\n", "\nat main.rs:7")] {
            let text = format!("{start}{text}{end}");
            let left = without_secrets(&text);
            assert!(!left.contains(secret) && !left.contains(&secret[4..]), "{text}: {left}");
            assert!(left.starts_with(start) && left.ends_with(end), "{text}: {left}");
        }
    }
    for (key, kind) in samples() {
        use base64::Engine as _;
        let encode = |text: &str| base64::engine::general_purpose::STANDARD_NO_PAD.encode(text);
        let hex: String = key.bytes().map(|byte| format!("{byte:02x}")).collect();
        for coded in [encode(&key), encode(&encode(&key)), hex.clone(), hex.to_uppercase()] {
            assert_eq!(without_secrets(&format!("got {coded} back")), format!("got [key of {kind}] back"));
        }
    }
    for text in [
        "('model', 'gpt-4o-mini-2024-07-18')",
        "assert_eq!(tokens, 4096)",
        "the password is required",
        "password is incorrect",
        "the key is missing",
        "<key>CFBundleVersion</key><string>1.2.3-beta.4567890</string>",
        "- name: LOG_LEVEL\n  value: trace-0123456789abcdef\n",
        "{\"name\":\"build\",\"value\":\"0123456789abcdef0123\"}",
        "curl -u user https://example.com",
        "git push -u origin feature-0123456789",
        "app --token-limit 0123456789012345 run",
        "app --api-key missing",
        "SELECT key FROM table_0123456789abcdef",
        "KeyError: 'api_key'\n  at line 10 in handler_0123456789",
        "ENV NODE_VERSION 20.11.1-alpine3.19",
        "api_key:\n  description: The key\n",
        "mysql -u root -h localhost",
    ] {
        assert_eq!(without_secrets(text), text);
    }
}

#[test]
fn the_work_of_masking_grows_with_the_text_alone() {
    for unit in [
        "key=",
        "Bearer ",
        "%25",
        "\\u005c",
        "://a:b@",
        "PRIVATE KEY-----",
        "eyJ.",
        "ghp_",
        "\u{200b}",
        "key: \"",
        "'key', '",
        "<key>",
        "value: ",
        "name: key\nvalue: ",
        "--key ",
        "password is ",
        "-u a:",
        "mysql -pa1 ",
        "\u{1b}[",
        "+AC0-",
        "6162636465666768",
        "YWJjZGVmZ2hpamts",
    ] {
        let text = unit.repeat(32 * 1024 / unit.len());
        let begun = std::time::Instant::now();
        let _ = without_secrets(&text);
        assert!(begun.elapsed() < std::time::Duration::from_secs(5), "{unit}");
    }
}
