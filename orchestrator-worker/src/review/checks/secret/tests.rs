use super::*;
use crate::review::source::{Language, RepoPath};
use proptest::prelude::*;

/// Joins the pieces of a made-up secret, so that scanners of this repository stay calm.
fn join(parts: &[&str]) -> String {
    parts.concat()
}

fn found(path: &str, text: &str) -> Vec<Finding> {
    let path = RepoPath::from(path);
    let language = Language::detect(&path, "");
    let role = crate::review::source::role_of(&path, language);
    check(&Source::new(path, language, role, false, text))
}

const BODY: &str = "MIIEpAIBAAKCAQEA3Tz2mr7SZiAMfQyuvBjM9OiJjRazXBZ1BjP5CE/Wm/Rr500PRK+Lh9x5eJPo5CAZ3/ANBE0sTK0ZsDGMak2m1g7\noruI3dY3VHqIxFTz0Ta1d+NAjwnLe4nOb7/eEJbDPkk05ShhBrJGBKKxb8n104o/\n";

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn every_format_is_found_and_masked() {
    let random = "q7Rk2ZpX9vLw4Ns8Tb3YcGh6JdMf1Ae5Uy0K";
    for (check_id, secret) in [
        ("secret.aws_access_key", join(&["AK", "IAQ3EGRJ5XK7VTZWPL"])),
        ("secret.github_token", join(&["gh", "p_", random])),
        (
            "secret.github_token",
            join(&["github", "_pat_", "11ABCDEFG0", random, "_", random]),
        ),
        ("secret.gitlab_token", join(&["gl", "pat-", "q7Rk2ZpX9vLw4Ns8Tb3Y"])),
        (
            "secret.slack_token",
            join(&["xo", "xb-", "2930481726-8391027364-q7Rk2ZpX9vLw4Ns8Tb3YcGh6"]),
        ),
        (
            "secret.slack_webhook",
            join(&[
                "https://hooks.sl",
                "ack.com/services/T02AB4CD6/B07XY9ZW1/",
                "q7Rk2ZpX9vLw4Ns8Tb3YcGh6",
            ]),
        ),
        (
            "secret.google_api_key",
            join(&["AI", "za", "SyD7Rk2ZpX9vLw4Ns8Tb3YcGh6JdMf1Ae5U"]),
        ),
        (
            "secret.google_oauth",
            join(&["GOC", "SPX-", "q7Rk2ZpX9vLw4Ns8Tb3YcGh6JdMf"]),
        ),
        ("secret.stripe_key", join(&["sk", "_live_", "q7Rk2ZpX9vLw4Ns8Tb3YcGh6"])),
        ("secret.npm_token", join(&["np", "m_", random])),
        ("secret.pypi_token", join(&["py", "pi-AgEIcHlwaS5vcmc", random, random])),
        (
            "secret.openai_key",
            join(&["s", "k-proj-", "q7Rk2ZpX9vLw4Ns8Tb3Y", "T3Blbk", "FJ", random]),
        ),
        (
            "secret.anthropic_key",
            join(&["sk", "-ant-", "api03-", random, random, random]),
        ),
        (
            "secret.huggingface_token",
            join(&["h", "f_", "qRkZpXvLwNsTbYcGhJdMfAeUyKqRkZpXvL"]),
        ),
        (
            "secret.sendgrid_key",
            join(&["S", "G.", "q7Rk2ZpX9vLw4Ns8Tb3YcG", ".", random, "q7Rk2Zp"]),
        ),
        (
            "secret.digitalocean_token",
            join(&[
                "do",
                "p_v1_",
                "3f9a1c7e5b2d8f604a6c0e9b7d1f3a5c2e8b4d6f0a9c7e1b5d3f8a2c6e4b0d9f",
            ]),
        ),
        (
            "secret.telegram_token",
            join(&["483920175", ":AA", "Hq7Rk2ZpX9vLw4Ns8Tb3YcGh6JdMf1Ae5"]),
        ),
        (
            "secret.azure_storage_key",
            join(&["Account", "Key=", random, random, "q7Rk2ZpX9vLw4N", "=="]),
        ),
        (
            "secret.databricks_token",
            join(&["da", "pi", "3f9a1c7e5b2d8f604a6c0e9b7d1f3a5c"]),
        ),
        (
            "secret.shopify_token",
            join(&["sh", "pat_", "3f9a1c7e5b2d8f604a6c0e9b7d1f3a5c"]),
        ),
        (
            "secret.twilio_key",
            join(&["S", "K", "3f9a1c7e5b2d8f604a6c0e9b7d1f3a5c"]),
        ),
        (
            "secret.private_key",
            join(&[
                "-----BEGIN RSA ",
                "PRIVATE KEY-----\n",
                BODY,
                "-----END RSA ",
                "PRIVATE KEY-----",
            ]),
        ),
        (
            "secret.jwt",
            join(&[
                "ey",
                "JhbGciOiJIUzI1NiJ9.",
                "eyJzdWIiOiJhY2N0XzkxODI3MzY0IiwiZXhwIjoyMDAwMDAwMDAwfQ.",
                "Kx8vN2mQ4wR6tY9uP1sD3fG5hJ7kL0zX",
            ]),
        ),
        (
            "secret.url_password",
            join(&["postgres://svc_app:", "q7Rk2ZpX9v@db.internal.acme.io"]),
        ),
    ] {
        let text = format!("x = 1\ny = \"{secret}\"\n");
        let findings = found("src/config.py", &text);
        assert_eq!(
            findings.iter().map(|f| f.check.as_str()).collect::<Vec<_>>(),
            [check_id],
            "{secret}"
        );
        assert_eq!(findings[0].line, Some(2), "{check_id}");
        let shown = serde_json::to_string(&findings).unwrap();
        let tail: String = secret
            .trim_end_matches('-')
            .chars()
            .rev()
            .take(12)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect();
        assert!(
            !shown.contains(&tail) && !redact(&text).contains(&secret),
            "{check_id} is repeated"
        );
        assert_eq!(redact(&text).lines().count(), text.lines().count(), "{check_id}");
    }
}

#[test]
fn what_only_looks_like_a_format_is_not_told() {
    for text in [
        "AKIAIOSFODNN7EXAMPLE",
        "AKIAAAAAAAAAAAAAAAAA",
        "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "if key.startswith('-----BEGIN PRIVATE KEY-----'):",
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
        "-----BEGIN CERTIFICATE-----\nMIIEpAIBAAKCAQEA3Tz2mr7SZiAMfQyuvBjM9OiJjRazXBZ1BjP5CE\n-----END CERTIFICATE-----",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c",
        "postgres://user:password@db.acme.io/x",
        "postgres://user:${PGPASS}@db.acme.io/x",
        "https://user:q7Rk2ZpX@example.com/",
        "sk_test_q7Rk2ZpX9vLw4Ns8Tb3YcGh6",
        "AIzaSy",
        "task-proj-manager-something-or-other",
    ] {
        assert_eq!(found("src/a.py", &format!("x = '{text}'\n")), vec![], "{text}");
    }
}

#[test]
fn assignments_need_a_telling_name_and_a_random_value() {
    for (path, text, expected) in [
        ("src/a.py", "API_KEY = 'kJ8sn2Lq0vRt5XwZ3bNm'", 1),
        ("src/a.ts", "const clientSecret: string = \"kJ8sn2Lq0vRt5XwZ3bNm\";", 1),
        (
            "src/a.rs",
            "const TOKEN: &str = \"9f86d081884c7d659a2feaa0c55ad015\";",
            1,
        ),
        ("src/a.json", "{\"db_password\": \"Tr0ub4dor&3zx\"}", 1),
        ("config/.env", "DB_PASSWORD=kJ8sn2Lq0vRt5XwZ3bNm", 1),
        ("a.yml", "  api_key: kJ8sn2Lq0vRt5XwZ3bNm", 1),
        ("src/a.py", "# API_KEY = 'kJ8sn2Lq0vRt5XwZ3bNm'", 0),
        ("tests/a.py", "API_KEY = 'kJ8sn2Lq0vRt5XwZ3bNm'", 0),
        ("README.md", "API_KEY = 'kJ8sn2Lq0vRt5XwZ3bNm'", 0),
        ("src/a.py", "password = 'changeme123!'", 0),
        ("src/a.py", "password = os.environ['DB_PASSWORD_2024']", 0),
        ("src/a.py", "token_url = 'https://a.b/c1d2e3f4g5h6i7j8'", 0),
        ("src/a.py", "API_KEY_HEADER = 'X-Api-Key-Version-2'", 0),
        ("src/a.js", "{ password: 'Please enter a password!' }", 0),
        ("src/a.js", "resetPasswordToken: 'reset_password_token_v2'", 0),
        ("src/a.py", "token = 'access_token_has_expired'", 0),
        ("a.yml", "  api_key: ${API_KEY_FROM_ENVIRONMENT_1}", 0),
        ("a.yml", "  token: secrets.GITHUB_TOKEN_NAME_1", 0),
        ("src/a.rs", "let token = \"9f86d081\";", 0),
    ] {
        assert_eq!(found(path, text).len(), expected, "{path}: {text}");
    }
}

#[test]
fn a_prompt_has_neither_kind_of_secret() {
    let token = join(&["gh", "p_", "q7Rk2ZpX9vLw4Ns8Tb3YcGh6JdMf1Ae5Uy0K"]);
    let text = format!("API_KEY = 'kJ8sn2Lq0vRt5XwZ3bNm'\nother = '{token}'\n");
    let path = RepoPath::from("tests/a.py");
    let clean = redact_source(&Source::new(path, Language::Python, Role::Test, false, &text));
    assert_eq!(clean, "API_KEY = 'kJ8s…'\nother = 'ghp_…'\n");
}

proptest! {
    #[test]
    fn any_random_token_after_a_known_prefix_is_found_and_hidden(tail in "[A-Za-z0-9]{36}") {
        prop_assume!(super::format::find(&format!("gh{}_{tail}", 'p')).len() == 1);
        let text = format!("key: gh{}_{tail} end", 'p');
        prop_assert!(!redact(&text).contains(&tail));
    }

    #[test]
    fn redacting_never_breaks_a_text(text in "\\PC{0,200}") {
        prop_assert_eq!(redact(&text).matches('\n').count(), text.matches('\n').count());
    }
}
