//! Credentials stay with the host they were given for.
//!
//! Redirects, pagination links and file references come from the upstream, so they may point anywhere. The
//! rules here are pure; whoever follows a link asks [`follow`] first:
//!
//! - the same origin (scheme, host, port) keeps credentials;
//! - another origin gets no authorization, cookies, custom headers or secret query keys, and the user is told;
//! - loopback, link-local and private addresses are refused unless the connection itself is of that kind;
//! - a step down from https to http, another scheme, and more than five hops are refused.
//!
//! A name is classified by the addresses it resolved to, given by the caller, so that a public name pointing
//! to a private address is caught.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// Most redirects followed in a row.
pub const MOST_HOPS: u32 = 5;

/// How far away an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reach {
    /// Anywhere on the internet.
    Public,
    /// The organisation's own networks, carrier-grade NAT included.
    Private,
    /// The local segment, where cloud metadata services listen.
    LinkLocal,
    /// This machine.
    Loopback,
    /// Never a host: unspecified, multicast, broadcast, reserved, documentation.
    Nowhere,
}

impl Reach {
    /// In words, for the reason of a refusal.
    pub fn word(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
            Self::LinkLocal => "link-local",
            Self::Loopback => "loopback",
            Self::Nowhere => "reserved",
        }
    }
}

/// Classifies an address; an IPv4 address inside an IPv6 one counts as itself.
pub fn reach_of(address: IpAddr) -> Reach {
    match address {
        IpAddr::V4(v4) => reach_of_v4(v4),
        IpAddr::V6(v6) => embedded_v4(v6).map_or_else(|| reach_of_v6(v6), reach_of_v4),
    }
}

fn reach_of_v4(v4: Ipv4Addr) -> Reach {
    match v4.octets() {
        [127, ..] => Reach::Loopback,
        [169, 254, ..] => Reach::LinkLocal,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => Reach::Private,
        [0 | 224..=255, ..] => Reach::Nowhere,
        [192, 0, 0 | 2, _] | [198, 18..=19, ..] | [198, 51, 100, _] | [203, 0, 113, _] => Reach::Nowhere,
        _ => Reach::Public,
    }
}

fn reach_of_v6(v6: Ipv6Addr) -> Reach {
    if v6.is_loopback() {
        return Reach::Loopback;
    }
    match v6.segments() {
        [0xfe80..=0xfebf, ..] => Reach::LinkLocal,
        // Unique local, and the old site-local block.
        [0xfc00..=0xfdff | 0xfec0..=0xfeff, ..] => Reach::Private,
        [0 | 0xff00..=0xffff, ..] | [0x0100, 0, 0, 0, ..] | [0x2001, 0x0db8, ..] => Reach::Nowhere,
        _ => Reach::Public,
    }
}

/// The IPv4 address inside a mapped, compatible, translated (64:ff9b::/96) or 6to4 address.
fn embedded_v4(v6: Ipv6Addr) -> Option<Ipv4Addr> {
    let (high, low) = match v6.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0, 0, 0, 0, 0xffff, 0, high, low] => (high, low),
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => (high, low),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => (high, low),
        [0x2002, high, low, ..] => (high, low),
        _ => return None,
    };
    Some(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)))
}

/// Classifies a URL's host: by itself if it is an address, else by its name and the addresses it resolved
/// to, the most private one deciding. `None` when only a resolver could tell.
pub fn reach_of_host(url: &Url, resolved: &[IpAddr]) -> Option<Reach> {
    let by_host = match url.host()? {
        Host::Ipv4(v4) => Some(reach_of(v4.into())),
        Host::Ipv6(v6) => Some(reach_of(v6.into())),
        Host::Domain(name) => reach_of_name(name),
    };
    let by_address = resolved.iter().map(|&address| reach_of(address)).max_by_key(|&reach| distrust(reach));
    match (by_host, by_address) {
        (Some(one), Some(other)) => Some(if distrust(one) >= distrust(other) { one } else { other }),
        (one, other) => one.or(other),
    }
}

/// Names that never leave the machine or the organisation, whatever a resolver says.
fn reach_of_name(name: &str) -> Option<Reach> {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let ends = |suffix: &str| name == suffix.trim_start_matches('.') || name.ends_with(suffix);
    if ends(".localhost") || name == "localhost.localdomain" {
        Some(Reach::Loopback)
    } else if ends(".local") || ends(".internal") || ends(".home.arpa") {
        Some(Reach::Private)
    } else {
        None
    }
}

fn distrust(reach: Reach) -> u8 {
    match reach {
        Reach::Public => 0,
        Reach::Private => 1,
        Reach::Loopback => 2,
        Reach::LinkLocal => 3,
        Reach::Nowhere => 4,
    }
}

/// Same scheme, host and port, default ports filled in.
pub fn same_origin(one: &Url, other: &Url) -> bool {
    one.origin().is_tuple() && one.origin() == other.origin()
}

/// What to do with a link that an upstream gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Follow {
    /// Same origin: as before.
    WithCredentials,
    /// Another origin: without authorization, cookies, custom headers and secret query keys.
    WithoutCredentials {
        /// What to tell the user.
        why: String,
    },
    /// Not at all.
    Refuse {
        /// What to tell the user.
        why: String,
    },
}

/// The connection that credentials were given for.
#[derive(Debug, Clone, Copy)]
pub struct Home<'a> {
    /// Its URL.
    pub url: &'a Url,
    /// How far away it is, once resolved.
    pub reach: Reach,
}

/// Decides over a redirect, a `next` link or a file reference. `hops` counts those already followed in this
/// row; `resolved` holds the target's addresses where its host is a name.
pub fn follow(home: Home<'_>, target: &Url, resolved: &[IpAddr], hops: u32) -> Follow {
    let refuse = |why: String| Follow::Refuse { why };
    if hops >= MOST_HOPS {
        return refuse(format!("more than {MOST_HOPS} redirects in a row"));
    }
    if !matches!(target.scheme(), "http" | "https") {
        return refuse(format!("a link to scheme {:?} is not followed", target.scheme()));
    }
    if home.url.scheme() == "https" && target.scheme() == "http" {
        return refuse("a link from https down to http is not followed".to_owned());
    }
    let host = target.host_str().unwrap_or_default();
    let Some(reach) = reach_of_host(target, resolved) else {
        return refuse(format!("host {host:?} is not resolved yet"));
    };
    let same = same_origin(home.url, target);
    if reach == Reach::Nowhere || (reach != Reach::Public && reach != home.reach) {
        let what = reach.word();
        return refuse(format!(
            "host {host:?} is a {what} address, and the connection is {}",
            home.reach.word()
        ));
    }
    if same && target.username().is_empty() && target.password().is_none() {
        return Follow::WithCredentials;
    }
    let why = if same {
        "the link carries a login of its own; it was followed without any".to_owned()
    } else {
        format!("the link leads to another origin, {host:?}; it was followed without credentials")
    };
    Follow::WithoutCredentials { why }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_classified_by_how_far_away_they_are() {
        use Reach::{LinkLocal, Loopback, Nowhere, Private, Public};
        let rows = [
            ("8.8.8.8", Public),
            ("127.0.0.1", Loopback),
            ("127.255.1.1", Loopback),
            ("::1", Loopback),
            ("::ffff:127.0.0.1", Loopback),
            ("::127.0.0.1", Loopback),
            ("64:ff9b::7f00:1", Loopback),
            ("2002:7f00:1::", Loopback),
            ("169.254.169.254", LinkLocal),
            ("::ffff:169.254.169.254", LinkLocal),
            ("fe80::1", LinkLocal),
            ("10.0.0.1", Private),
            ("172.16.0.1", Private),
            ("172.32.0.1", Public),
            ("192.168.1.1", Private),
            ("100.64.0.1", Private),
            ("100.128.0.1", Public),
            ("fd00:ec2::254", Private),
            ("fec0::1", Private),
            ("::ffff:10.0.0.1", Private),
            ("2002:a00:1::", Private),
            ("0.0.0.0", Nowhere),
            ("::", Nowhere),
            ("255.255.255.255", Nowhere),
            ("224.0.0.1", Nowhere),
            ("ff02::1", Nowhere),
            ("198.18.0.1", Nowhere),
            ("203.0.113.5", Nowhere),
            ("2001:db8::1", Nowhere),
            ("2606:4700::1111", Public),
        ];
        for (address, expected) in rows {
            assert_eq!(reach_of(address.parse().unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn hosts_are_classified_by_name_and_by_address() {
        let rows: &[(&str, &[&str], Option<Reach>)] = &[
            ("http://0x7f.1/", &[], Some(Reach::Loopback)),
            ("http://2130706433/", &[], Some(Reach::Loopback)),
            ("http://[::1]/", &[], Some(Reach::Loopback)),
            ("http://localhost/", &[], Some(Reach::Loopback)),
            ("http://LOCALHOST./", &[], Some(Reach::Loopback)),
            ("http://a.localhost/", &["8.8.8.8"], Some(Reach::Loopback)),
            ("http://metadata.google.internal/", &["169.254.169.254"], Some(Reach::LinkLocal)),
            ("http://printer.local/", &[], Some(Reach::Private)),
            ("http://example.com/", &[], None),
            ("http://example.com/", &["8.8.8.8"], Some(Reach::Public)),
            ("http://example.com/", &["8.8.8.8", "10.0.0.1"], Some(Reach::Private)),
            ("http://notlocalhost/", &["8.8.8.8"], Some(Reach::Public)),
        ];
        for (url, addresses, expected) in rows {
            let resolved: Vec<IpAddr> = addresses.iter().map(|a| a.parse().unwrap()).collect();
            assert_eq!(reach_of_host(&Url::parse(url).unwrap(), &resolved), *expected, "{url}");
        }
    }

    /// The verdict in one word.
    fn verdict(home: &str, reach: Reach, target: &str, address: &str, hops: u32) -> &'static str {
        let (home, target) = (Url::parse(home).unwrap(), Url::parse(target).unwrap());
        let resolved: Vec<IpAddr> = address.parse().into_iter().collect();
        match follow(Home { url: &home, reach }, &target, &resolved, hops) {
            Follow::WithCredentials => "keep",
            Follow::WithoutCredentials { .. } => "drop",
            Follow::Refuse { .. } => "refuse",
        }
    }

    #[test]
    fn credentials_go_only_to_the_origin_they_were_given_for() {
        use Reach::{LinkLocal, Loopback, Private, Public};
        let api = "https://api.example.com/v1";
        let rows = [
            (api, Public, "https://api.example.com/v1?page=2", "8.8.8.8", 0, "keep"),
            (api, Public, "https://api.example.com:443/x", "8.8.8.8", 4, "keep"),
            (api, Public, "https://API.example.com/x", "8.8.8.8", 0, "keep"),
            (api, Public, "https://api.example.com/x", "8.8.8.8", 5, "refuse"),
            (api, Public, "https://api.example.com:8443/x", "8.8.8.8", 0, "drop"),
            (api, Public, "https://api.example.com.evil.net/x", "8.8.8.8", 0, "drop"),
            (api, Public, "https://evil@api.example.com/x", "8.8.8.8", 0, "drop"),
            (api, Public, "https://api.example.com@evil.net/x", "8.8.8.8", 0, "drop"),
            (api, Public, "http://api.example.com/x", "8.8.8.8", 0, "refuse"),
            (api, Public, "ftp://api.example.com/x", "8.8.8.8", 0, "refuse"),
            (api, Public, "file:///etc/passwd", "", 0, "refuse"),
            (api, Public, "data:text/plain,x", "", 0, "refuse"),
            (api, Public, "https://169.254.169.254/latest", "", 0, "refuse"),
            (api, Public, "https://[::ffff:169.254.169.254]/", "", 0, "refuse"),
            (api, Public, "https://evil.net/", "127.0.0.1", 0, "refuse"),
            (api, Public, "https://evil.net/", "10.0.0.1", 0, "refuse"),
            (api, Public, "https://evil.net/", "", 0, "refuse"),
            (api, Public, "https://0.0.0.0/", "", 0, "refuse"),
            // The same name, now pointing inside.
            (api, Public, "https://api.example.com/x", "192.168.0.1", 0, "refuse"),
            ("http://127.0.0.1:8080/", Loopback, "http://127.0.0.1:8080/next", "", 0, "keep"),
            ("http://127.0.0.1:8080/", Loopback, "http://127.0.0.1:9090/next", "", 0, "drop"),
            ("http://127.0.0.1:8080/", Loopback, "http://10.0.0.1/", "", 0, "refuse"),
            ("http://10.0.0.1/", Private, "http://10.0.0.2/", "", 0, "drop"),
            ("http://10.0.0.1/", Private, "http://169.254.169.254/", "", 0, "refuse"),
            ("http://10.0.0.1/", Private, "https://8.8.8.8/", "", 0, "drop"),
            ("http://[fe80::1]/", LinkLocal, "http://[fe80::1]/x", "", 0, "keep"),
        ];
        for (home, reach, target, address, hops, expected) in rows {
            assert_eq!(
                verdict(home, reach, target, address, hops),
                expected,
                "{home} -> {target} ({address})"
            );
        }
    }

    #[test]
    fn opaque_origins_are_never_the_same() {
        let one = Url::parse("data:text/plain,x").unwrap();
        assert!(!same_origin(&one, &one));
    }
}
