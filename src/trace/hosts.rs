//! The hosts that may be told of a trace.

use std::sync::Arc;

use crate::config::ConfigError;
use crate::message::server::without_brackets;

/// Names and addresses, and the suffixes of whole domains.
#[derive(Clone, Debug, Default)]
pub(super) struct Hosts {
    exact: Arc<[Box<str>]>,
    /// Each with its leading dot.
    below: Arc<[Box<str>]>,
}

impl Hosts {
    pub(super) fn new<S: AsRef<str>>(
        hosts: impl IntoIterator<Item = S>,
    ) -> Result<Self, ConfigError> {
        let (mut exact, mut below) = (Vec::new(), Vec::new());
        for host in hosts {
            let host = host.as_ref();
            let name = host.strip_prefix("*.").unwrap_or(host);
            let name = without_brackets(name);
            let is_v6 = name.parse::<std::net::Ipv6Addr>().is_ok();
            let is_odd = |byte: u8| !byte.is_ascii_alphanumeric() && !b".-_".contains(&byte);
            if name.is_empty() || (!is_v6 && name.bytes().any(is_odd)) {
                let allowed = "hosts such as api.example.com, 10.0.0.7, [::1], *.example.com";
                return Err(ConfigError::new("inject_to", host, allowed));
            }
            match host.starts_with("*.") {
                true => below.push([".", name].concat().into()),
                false => exact.push(name.into()),
            }
        }
        Ok(Self { exact: exact.into(), below: below.into() })
    }

    pub(super) fn contain(&self, host: &str) -> bool {
        let host = without_brackets(host);
        let ends_in = |suffix: &str| {
            let at = host.len().checked_sub(suffix.len()).filter(|at| *at > 0);
            at.and_then(|at| host.get(at..)).is_some_and(|end| end.eq_ignore_ascii_case(suffix))
        };
        self.exact.iter().any(|exact| exact.eq_ignore_ascii_case(host))
            || self.below.iter().any(|below| ends_in(below))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_told_whole_or_by_their_domain() {
        let hosts = Hosts::new(["api.example.com", "*.internal", "10.0.0.7", "[::1]"]).unwrap();
        for told in ["api.example.com", "API.example.COM", "a.internal", "a.b.Internal"] {
            assert!(hosts.contain(told), "{told}");
        }
        assert!(hosts.contain("10.0.0.7") && hosts.contain("::1") && hosts.contain("[::1]"));
        for not in ["example.com", "evil-api.example.com", "internal", ".internal", "xinternal", ""]
        {
            assert!(!hosts.contain(not), "{not}");
        }
    }

    #[test]
    fn what_is_no_host_is_named() {
        for bad in ["", "*.", "https://a", "a:80", "a/b", "*", "a*.b", "[::1", "é"] {
            let error = Hosts::new(["ok", bad]).unwrap_err();
            assert_eq!((error.field(), error.value()), ("inject_to", bad));
        }
    }
}
