//! Where requests do not go (`SECURITY.md`: outbound calls).

use super::*;
use keybearer_connector::plan::HostPattern;

fn text(error: Unreachable) -> String {
    match error {
        Unreachable::Blocked(text) => text,
        other => panic!("{other:?}"),
    }
}

/// Every spelling of a private address, even when the definition itself names it.
#[tokio::test]
async fn private_addresses_in_every_spelling() {
    let trap = Upstream::ok().await;
    let port = trap.address.port();
    let egress = Egress::new(limits(&[])).unwrap();
    let hosts = "127.0.0.1 127.1 0x7f.1 0177.0.0.1 2130706433 0 0.0.0.0 127.0.0.1. １２７.0.0.1 169.254.169.254 \
        100.100.100.200 [::1] [::] [::ffff:127.0.0.1] [::ffff:7f00:1] [::127.0.0.1] [fd00::1] [fd00:ec2::254] [fe80::1] \
        [64:ff9b::7f00:1] [2002:7f00:1::]";
    for host in hosts.split_whitespace() {
        for scheme in ["https", "http"] {
            let target = url(&format!("{scheme}://{host}:{port}/secret"));
            let reach = Reach::only(&target);
            let refused =
                egress.admit(get(target.clone()), &reach).err().unwrap_or_else(|| panic!("{target}"));
            assert!(!text(refused).contains("127"), "the text shows an address");
        }
    }
    // Not every resolver knows the name with the root's dot; none may lead to the trap.
    for (name, known) in [("localhost", true), ("LOCALHOST", true), ("localhost.", false)] {
        let error = send(&egress, get(url(&format!("https://{name}:{port}/secret")))).await.unwrap_err();
        let refused = "the host resolves to addresses that outbound calls may not reach";
        assert!(
            error == Unreachable::Blocked(refused.to_owned()) || (!known && error == Unreachable::Connect)
        );
    }
    assert_eq!(trap.connections(), 0);
}

/// What a name says does not matter, what it resolves to does.
#[tokio::test]
async fn names_that_lead_inside() {
    for addresses in [
        &["169.254.169.254"][..],
        &["127.0.0.1"],
        &["10.0.0.5", "192.168.1.1"],
        &["::1"],
        &["::ffff:10.0.0.1"],
        &["64:ff9b::a00:1"],
        &["fd00:ec2::254"],
    ] {
        let egress = Egress::with_resolver(limits(&["127.9.0.0/16"]), Names::new(&[addresses])).unwrap();
        for name in ["metadata.google.internal", "intranet", "api.example.com", "localtest.me"] {
            for scheme in ["https", "http"] {
                let error = send(&egress, get(url(&format!("{scheme}://{name}/")))).await.unwrap_err();
                assert!(matches!(error, Unreachable::Blocked(_)), "{name} {addresses:?} {error:?}");
            }
        }
    }
}

/// Of several addresses only the admissible ones are tried; here it is one where nobody listens.
#[tokio::test]
async fn private_addresses_among_others_are_left_out() {
    let trap = Upstream::ok().await;
    let names = Names::new(&[&["127.0.0.1", "127.0.0.2"]]);
    let egress = Egress::with_resolver(limits(&["127.0.0.2/32"]), names).unwrap();
    let error =
        send(&egress, get(url(&format!("http://api.test:{}/", trap.address.port())))).await.unwrap_err();
    assert_eq!((error, trap.connections()), (Unreachable::Connect, 0));
}

/// DNS rebinding: the name changes its answer between two connections.
#[tokio::test]
async fn a_name_that_changes_its_answer() {
    let closing = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok";
    let upstream = Upstream::saying(closing).await;
    let target = url(&format!("http://api.test:{}/", upstream.address.port()));
    let names =
        Names::new(&[&["127.0.0.1"], &["127.0.0.2"], &["169.254.169.254", "127.0.0.3"], &["127.0.0.1"]]);
    let egress = Egress::with_resolver(limits(&["127.0.0.1/32"]), names).unwrap();
    assert!(whole(&egress, get(target.clone())).await.is_ok());
    for _ in 0..2 {
        assert!(matches!(send(&egress, get(target.clone())).await, Err(Unreachable::Blocked(_))));
    }
    assert!(whole(&egress, get(target)).await.is_ok());
    assert_eq!(upstream.connections(), 2);
}

#[tokio::test]
async fn plain_http_stays_inside_the_allowed_ranges() {
    let egress = Egress::with_resolver(limits(&["127.0.0.0/8"]), Names::new(&[&["8.8.8.8"]])).unwrap();
    let literal = url("http://8.8.8.8/");
    let refused = egress.admit(get(literal.clone()), &Reach::only(&literal)).err().unwrap();
    assert_eq!(text(refused), "plain http is allowed only towards KEYBEARER_ALLOW_UPSTREAM_CIDRS");
    assert!(matches!(send(&egress, get(url("http://dns.google/"))).await, Err(Unreachable::Blocked(_))));
    let nowhere = Egress::new(limits(&[])).unwrap();
    let name = url("http://api.example.com/");
    assert!(nowhere.admit(get(name.clone()), &Reach::only(&name)).is_err());
}

/// Texts that a parameter might carry into the URL, joined and concatenated: they stay at the base or are refused.
#[tokio::test]
async fn a_parameter_cannot_name_another_host() {
    let (own, trap) = (Upstream::ok().await, Upstream::ok().await);
    let base = own.url("/v1/");
    let reach = Reach::only(&base);
    let egress = egress();
    let host = trap.address.to_string();
    for evil in [
        format!("http://{host}"),
        format!("//{host}"),
        format!("\\\\{host}"),
        format!("/\\{host}"),
        format!("@{host}"),
        format!("http:{host}"),
        format!("http:/{host}"),
        format!(":80@{host}"),
        format!("\t//{host}"),
        format!("/\t/{host}"),
        format!("https://{host}"),
        format!("ftp://{host}/"),
        format!("//user:pw@{host}/"),
        "//127.0.0.1:22/".to_owned(),
        "//127.0.0.1/".to_owned(),
        "file:///etc/passwd".to_owned(),
    ] {
        let root = base.as_str().trim_end_matches("/v1/");
        for target in
            [base.join(&evil), Url::parse(&format!("{root}{evil}")), Url::parse(&format!("{base}{evil}"))]
        {
            let Ok(target) = target else { continue };
            if let Ok(admitted) = egress.admit(get(target), &reach) {
                egress.send(admitted.unauthenticated(), PATIENCE).await.unwrap();
            }
        }
    }
    assert_eq!(trap.connections(), 0);
    assert!(!own.seen().is_empty());
}

#[test]
fn the_refusal_says_what_is_missing() {
    let base = url("https://api.example.com/");
    let reach = Reach::new(&base, &[HostPattern::Suffix("cdn.example.com".to_owned())]);
    let egress = Egress::new(limits(&[])).unwrap();
    let refusal = |target: &str| text(egress.admit(get(url(target)), &reach).err().unwrap());
    let unlisted = "the connector's definition does not list the host";
    assert_eq!(refusal("https://evil.test/x"), format!("{unlisted} `evil.test`"));
    assert_eq!(refusal("https://api.example.com:22/"), format!("{unlisted} `api.example.com:22`"));
    assert_eq!(refusal("https://cdn.example.com/"), format!("{unlisted} `cdn.example.com`"));
    assert_eq!(refusal("https://u:p@api.example.com/"), "the URL contains a user name or password");
    assert_eq!(refusal("ftp://api.example.com/"), "requests go over https, not over `ftp`");
    assert!(egress.admit(get(url("https://eu.cdn.example.com/f")), &reach).is_ok());
}
