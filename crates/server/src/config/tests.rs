use super::*;
use secrecy::ExposeSecret;

fn read(settings: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::read(&mut Source::new(settings, None)?)
}

fn refused(settings: &[(&str, &str)]) -> String {
    match read(settings) {
        Ok(_) => panic!("accepted: {settings:?}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn defaults_stand_where_nothing_is_set() {
    let config = read(&[]).unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:8000");
    assert_eq!(config.public_url, "http://localhost:8000");
    assert_eq!(config.oauth_session_ttl, Duration::from_mins(10));
    assert_eq!(config.callback_mode, CallbackMode::SecretId);
    assert!(config.refresh_ahead);
    assert_eq!(config.audit_executes, AuditExecutes::Changes);
    assert_eq!(config.audit_retention, None);
    assert_eq!((config.rate_limit, config.token_rate_limit), (None, None));
    assert!(config.trusted_proxies.is_empty());
}

#[test]
fn a_bad_value_names_the_setting_and_what_is_accepted() {
    let table = [
        ("KEYBEARER_LISTEN", "nowhere"),
        ("KEYBEARER_PUBLIC_URL", "ftp://example.com"),
        ("KEYBEARER_PUBLIC_URL", "https://user@example.com"),
        ("KEYBEARER_DATABASE_URL", "mysql://root:hunter2@db"),
        ("KEYBEARER_CONNECTORS_DIR", "/does/not/exist"),
        ("KEYBEARER_ALLOW_UPSTREAM_CIDRS", "10.0.0.0/64"),
        ("KEYBEARER_CORS_ORIGINS", "https://app.example.com/path"),
        ("KEYBEARER_OAUTH_SESSION_TTL", "0"),
        ("KEYBEARER_SECRET_TTL", "ten minutes"),
        ("KEYBEARER_CALLBACK_MODE", "both"),
        ("KEYBEARER_AUDIT_EXECUTES", "reads"),
        ("KEYBEARER_AUDIT_RETENTION", "23h"),
        ("KEYBEARER_AUDIT_RETENTION", "400"),
        ("KEYBEARER_AUDIT_RETENTION", "36501d"),
        ("KEYBEARER_REFRESH_AHEAD", "maybe"),
        ("KEYBEARER_UPSTREAM_TIMEOUT", "30"),
        ("KEYBEARER_MAX_RESPONSE_BYTES", "-1"),
        ("KEYBEARER_RATE_LIMIT", "0"),
        ("KEYBEARER_RATE_LIMIT", "fast"),
        ("KEYBEARER_TOKEN_RATE_LIMIT", "-1"),
        ("KEYBEARER_TRUSTED_PROXIES", "proxy.example.com"),
        ("KEYBEARER_MAX_CONCURRENT_CALLS", "0"),
        ("KEYBEARER_MAX_CONNECTIONS", "off"),
        ("KEYBEARER_HEADER_TIMEOUT", "0s"),
        ("KEYBEARER_BODY_TIMEOUT", "60"),
        ("KEYBEARER_MAX_PENDING_CONSENTS", ""),
        ("KEYBEARER_MAX_PENDING_CONSENTS_PER_WORKSPACE", "1e3"),
        ("KEYBEARER_LOG", "=[="),
    ];
    for (name, value) in table {
        let error = refused(&[(name, value)]);
        assert!(error.contains(name) && error.contains("accepted:"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn the_audit_log_is_kept_for_years_where_that_is_wanted() {
    let kept = |text| read(&[("KEYBEARER_AUDIT_RETENTION", text)]).unwrap().audit_retention;
    assert_eq!(kept("400d"), Some(Duration::from_hours(400 * 24)));
    assert_eq!((kept("24h"), kept("")), (Some(Duration::from_hours(24)), None));
}

#[test]
fn half_a_pair_of_credentials_is_refused() {
    assert!(refused(&[("KEYBEARER_BOOTSTRAP_CLIENT_ID", "app")]).contains("BOOTSTRAP_CLIENT_SECRET"));
    assert!(refused(&[("KEYBEARER_OAUTH_HUBSPOT_CLIENT_ID", "x")]).contains("OAUTH_HUBSPOT_CLIENT_SECRET"));
    let short = [("KEYBEARER_BOOTSTRAP_CLIENT_ID", "app"), ("KEYBEARER_BOOTSTRAP_CLIENT_SECRET", "short")];
    assert!(refused(&short).contains("16 characters"));
}

#[test]
fn instance_wide_apps_are_named_by_slug() {
    let config = read(&[
        ("KEYBEARER_OAUTH_GOOGLE_DRIVE_CLIENT_ID", "id"),
        ("KEYBEARER_OAUTH_GOOGLE_DRIVE_CLIENT_SECRET", "s3cret"),
    ])
    .unwrap();
    let app = &config.oauth_apps["google-drive"];
    assert_eq!((app.client_id.as_str(), app.client_secret.expose_secret()), ("id", "s3cret"));
}

#[test]
fn environment_wins_over_the_file_and_unknown_file_keys_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keybearer.toml");
    std::fs::write(&path, "listen = \"127.0.0.1:1\"\nsecret_ttl = \"1m\"\n[oauth.hubspot]\nclient_id = \"a\"\nclient_secret = \"b\"\n").unwrap();
    let environment = [("KEYBEARER_LISTEN".to_owned(), "127.0.0.1:2".to_owned())];
    let config = Config::read(&mut Source::new(environment, Some(&path)).unwrap()).unwrap();
    assert_eq!(config.listen.port(), 2);
    assert_eq!(config.secret_ttl, Duration::from_mins(1));
    assert!(config.oauth_apps.contains_key("hubspot"));
    std::fs::write(&path, "lissten = \"127.0.0.1:1\"\n").unwrap();
    let error = Config::read(&mut Source::new([], Some(&path)).unwrap()).err().unwrap().to_string();
    assert!(error.contains("unknown key `lissten`"), "{error}");
}
