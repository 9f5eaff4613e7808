use super::ip;
use crate::caller::TrustedProxies;

#[test]
fn networks_are_trusted_up_to_their_ends() {
    let cases = [
        ("10.0.0.0/8", "10.255.255.255", true),
        ("10.0.0.0/8", "11.0.0.0", false),
        ("10.1.2.3/8", "10.200.0.1", true),
        ("192.0.2.7", "192.0.2.7", true),
        ("192.0.2.7", "192.0.2.8", false),
        ("::1", "::1", true),
        ("::1/128", "::2", false),
        (" 2001:db8::/32\t", "2001:db8:ffff::1", true),
        ("2001:db8::/32", "2001:db9::", false),
        ("10.0.0.0/8", "::ffff:10.2.3.4", true),
        ("::ffff:10.0.0.0/104", "10.2.3.4", true),
        ("::ffff:10.0.0.0/104", "11.2.3.4", false),
        ("::ffff:192.0.2.7", "192.0.2.7", true),
        ("::/0", "192.0.2.7", false),
        ("::/0", "::ffff:192.0.2.7", false),
        ("0.0.0.0/0", "192.0.2.7", true),
    ];
    for (network, address, trusted) in cases {
        let proxies = TrustedProxies::new([network]).expect(network);
        assert_eq!(proxies.trusts(ip(address)), trusted, "{network} {address}");
    }
}

#[test]
fn nobody_is_trusted_by_default() {
    let nobody = TrustedProxies::new(Vec::<String>::new()).expect("an empty list");
    for proxies in [nobody, TrustedProxies::none(), TrustedProxies::default()] {
        for address in ["127.0.0.1", "::1", "10.0.0.1", "192.0.2.1"] {
            assert!(!proxies.trusts(ip(address)), "{address}");
        }
    }
}

#[test]
fn the_private_networks_are_trusted_up_to_their_ends() {
    let inside = [
        "127.0.0.1",
        "127.255.255.255",
        "10.0.0.0",
        "172.16.0.0",
        "172.31.255.255",
        "192.168.9.9",
        "169.254.1.1",
        "::1",
        "fc00::",
        "fdff::1",
        "fe80::1",
        "febf::1",
        "::ffff:10.0.0.1",
    ];
    let outside = [
        "0.0.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "9.255.255.255",
        "11.0.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.167.0.1",
        "192.169.0.0",
        "169.253.0.0",
        "100.64.0.1",
        "::",
        "::2",
        "fbff::1",
        "fe00::",
        "fec0::1",
        "2001:db8::1",
    ];
    let private = TrustedProxies::private();
    assert_eq!(inside.map(|address| private.trusts(ip(address))), [true; 13]);
    assert_eq!(outside.map(|address| private.trusts(ip(address))), [false; 17]);
}

#[test]
fn an_invalid_network_is_named_with_what_is_allowed() {
    let refused = [
        "",
        "  ",
        "proxy.internal",
        "10.0.0.0/33",
        "10.0.0.0/-1",
        "10.0.0.0/",
        "/8",
        "10.0.0/8",
        "::1/129",
        "[::1]",
        "10.0.0.1:80",
        "10.0.0.0/8,::1",
        "10.0.0.0/255.0.0.0",
        "010.0.0.1",
        "::ffff:10.0.0.0/8",
    ];
    for value in refused {
        let error = TrustedProxies::new(["10.0.0.0/8", value]).expect_err(value);
        assert_eq!(error.value(), value);
    }
    let error = TrustedProxies::new(["10.0.0.0/33"]).expect_err("too long");
    let error: &dyn std::error::Error = &error;
    assert_eq!(
        error.to_string(),
        "trusted_proxies: \"10.0.0.0/33\" is not allowed; it takes networks such as 10.0.0.0/8 or 2001:db8::/32, or addresses"
    );
}
