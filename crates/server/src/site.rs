//! How this server is seen from outside: under which address, from which pages, and through which proxies.

use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use http::header::HOST;
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderMap, Uri};
use ipnet::IpNet;
use volley::Origins;
use volley::Peer;

use crate::config::Config;

/// What proxies write the client's address into, each adding the one it sees.
const X_FORWARDED_FOR: &str = "x-forwarded-for";

/// An origin as browsers write it: scheme, host, and the port if it is not the scheme's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(String);

/// The address at which people find this server. It is served at the root of its host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(Origin);

/// How this server is seen from outside.
#[derive(Debug, Clone)]
pub struct Site {
    /// Pages whose requests may change something.
    pub origins: Origins,
    /// Whether people come by TLS.
    pub secure: bool,
    /// Whether only this machine is served, by its own names.
    local: bool,
    proxies: Vec<IpNet>,
}

/// Where somebody comes from, as far as limits are concerned. Whoever has an IPv6 address has a /64 of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network(IpAddr);

impl Site {
    /// The site that was configured.
    pub fn new(config: &Config) -> Self {
        let public = config.public_url.as_ref().map(|PublicUrl(origin)| origin);
        let origins: Vec<_> =
            public.into_iter().chain(&config.origin).map(Origin::as_str).collect();
        Self {
            origins: if origins.is_empty() { Origins::SameHost } else { Origins::list(origins) },
            secure: public.is_some_and(|origin| origin.as_str().starts_with("https:")),
            local: config.listen.ip().is_loopback()
                && config.public_url.is_none()
                && config.origin.is_empty(),
            proxies: config.trusted_proxy.clone(),
        }
    }

    /// Whether a request asks for a host that is served. A server for its own machine answers to no other name:
    /// else a page elsewhere could give its name our address, and then speak to us as if it were ours.
    pub fn serves(&self, headers: &HeaderMap) -> bool {
        let host = headers.get(HOST).and_then(|host| host.to_str().ok()?.parse::<Authority>().ok());
        !self.local || host.is_some_and(|host| is_local(host.host()))
    }

    /// Where a request comes from that our server serves.
    pub fn visitor(&self, parts: &Parts) -> Network {
        let Peer(peer) = parts.extensions.get().expect("the server says who is at the other end");
        self.network(peer.ip(), &parts.headers)
    }

    /// Where a request comes from. Each proxy adds the address it sees to the end of the list, so from the end on the
    /// list is true as long as those who wrote it are trusted; what stands before can be anything.
    pub fn network(&self, peer: IpAddr, headers: &HeaderMap) -> Network {
        let mut client = peer.to_canonical();
        let lists = headers.get_all(X_FORWARDED_FOR).iter().rev();
        let mut hops = lists.flat_map(|list| list.to_str().unwrap_or_default().rsplit(','));
        while self.proxies.iter().any(|proxy| proxy.contains(&client)) {
            let Some(Ok(hop)) = hops.next().map(|hop| hop.trim().parse::<IpAddr>()) else { break };
            client = hop.to_canonical();
        }
        Network::of(client)
    }
}

fn is_local(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

impl Network {
    /// The network of an address.
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(address) => {
                let prefix = address.to_bits() & !u128::from(u64::MAX);
                Self(IpAddr::V6(Ipv6Addr::from_bits(prefix)))
            }
            v4 @ IpAddr::V4(_) => Self(v4),
        }
    }
}

impl Origin {
    /// As browsers write it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PublicUrl {
    /// Without a slash at its end.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for Origin {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str =
            "give scheme and host and nothing more, https://chat.example.org for example";
        let uri: Uri = text.parse().map_err(|_| WRONG)?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(WRONG);
        };
        let bare = uri.path() == "/" && uri.query().is_none() && !authority.as_str().contains('@');
        let default_port = match scheme {
            "https" => 443,
            "http" => 80,
            _ => return Err(WRONG),
        };
        if !bare || text.contains('#') || authority.host().is_empty() {
            return Err(WRONG);
        }
        let host = authority.host().to_ascii_lowercase();
        Ok(Self(match authority.port_u16() {
            Some(port) if port != default_port => format!("{scheme}://{host}:{port}"),
            _ => format!("{scheme}://{host}"),
        }))
    }
}

impl FromStr for PublicUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(proxies: &[&str]) -> Site {
        Site {
            origins: Origins::SameHost,
            local: false,
            secure: false,
            proxies: proxies.iter().map(|proxy| proxy.parse().unwrap()).collect(),
        }
    }

    fn network(site: &Site, peer: &str, forwarded: &[&str]) -> Network {
        let mut headers = HeaderMap::new();
        for list in forwarded {
            headers.append(X_FORWARDED_FOR, list.parse().unwrap());
        }
        site.network(peer.parse().unwrap(), &headers)
    }

    fn of(address: &str) -> Network {
        Network::of(address.parse().unwrap())
    }

    #[test]
    fn what_a_stranger_says_of_its_address_is_not_believed() {
        for site in [site(&[]), site(&["10.0.0.0/8"])] {
            assert_eq!(network(&site, "192.0.2.1", &["198.51.100.1"]), of("192.0.2.1"));
        }
    }

    #[test]
    fn what_a_trusted_proxy_saw_is_believed_and_nothing_before_it() {
        let site = site(&["10.0.0.0/8"]);
        let spoofed = "203.0.113.9, 198.51.100.1";
        assert_eq!(network(&site, "10.0.0.1", &[spoofed]), of("198.51.100.1"));
        assert_eq!(network(&site, "::ffff:10.0.0.1", &[spoofed]), of("198.51.100.1"));
        assert_eq!(
            network(&site, "10.0.0.1", &["203.0.113.9", "198.51.100.1,10.0.0.2"]),
            of("198.51.100.1")
        );
    }

    #[test]
    fn a_list_that_cannot_be_read_ends_at_the_last_address_that_could() {
        let site = site(&["10.0.0.0/8"]);
        assert_eq!(network(&site, "10.0.0.1", &[]), of("10.0.0.1"));
        assert_eq!(network(&site, "10.0.0.1", &["unknown"]), of("10.0.0.1"));
        assert_eq!(network(&site, "10.0.0.1", &["198.51.100.1, x, 10.0.0.2"]), of("10.0.0.2"));
    }

    #[test]
    fn the_addresses_of_one_ipv6_network_count_as_one() {
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
    }

    #[test]
    fn an_origin_is_kept_as_browsers_write_it() {
        for (text, origin) in [
            ("https://Chat.Example.org/", "https://chat.example.org"),
            ("https://chat.example.org:443", "https://chat.example.org"),
            ("http://192.168.1.5:7420", "http://192.168.1.5:7420"),
            ("http://[::1]:7420", "http://[::1]:7420"),
        ] {
            assert_eq!(text.parse::<Origin>().unwrap().as_str(), origin);
        }
        for text in [
            "",
            "chat.example.org",
            "https://",
            "https://a@b.example",
            "https://b.example/?x",
            "https://b.example/#x",
        ] {
            assert!(text.parse::<Origin>().is_err(), "{text}");
        }
    }
}
