//! By which route an address is reached, as evidence: what kind of address it is, and the interface that the system
//! would send through. No packet is sent to find out.

use std::net::{IpAddr, SocketAddr};

use serde::Serialize;

/// What kind of address it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// This machine.
    Loopback,
    /// A private network.
    Private,
    /// A private network through an interface that VPNs make.
    Vpn,
    /// The open internet.
    Internet,
}

/// A route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Route {
    /// What kind.
    pub reach: Reach,
    /// The address of ours that it leaves from.
    pub from: Option<IpAddr>,
    /// The interface of that address, where the system tells.
    pub interface: Option<String>,
}

/// How interfaces of VPNs are named: WireGuard, OpenVPN, PPP, Tailscale, ZeroTier, macOS.
const TUNNELS: [&str; 8] = ["wg", "tun", "tap", "ppp", "tailscale", "zt", "utun", "ipsec"];

impl Route {
    /// The route to an address.
    pub fn to(address: SocketAddr) -> Self {
        let from = local_address(address);
        let interface = from.and_then(interface_of);
        let tunnel =
            interface.as_deref().is_some_and(|name| TUNNELS.iter().any(|tunnel| name.starts_with(tunnel)));
        let reach = if address.ip().is_loopback() {
            Reach::Loopback
        } else if tunnel {
            Reach::Vpn
        } else if is_private(address.ip()) {
            Reach::Private
        } else {
            Reach::Internet
        };
        Self { reach, from, interface }
    }

    /// As a sentence.
    pub fn phrase(&self) -> String {
        let kind = match self.reach {
            Reach::Loopback => "this machine (a loopback address)",
            Reach::Private => "a private network (a private address)",
            Reach::Vpn => "a VPN (by the interface's name)",
            Reach::Internet => "the open internet (a public address)",
        };
        match (&self.interface, self.from) {
            (Some(interface), Some(from)) => format!("{kind}, through {interface} from {from}"),
            (None, Some(from)) => format!("{kind}, from {from}"),
            (_, None) => format!("{kind}; the system names no route"),
        }
    }
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [first, second, ..] = address.octets();
            address.is_private() || address.is_link_local() || (first == 100 && (64..128).contains(&second))
        }
        IpAddr::V6(address) => {
            address.is_unique_local()
                || address.is_unicast_link_local()
                || address.to_ipv4_mapped().is_some_and(|address| is_private(IpAddr::V4(address)))
        }
    }
}

/// The address that packets would leave from: connecting a UDP socket sends nothing.
fn local_address(address: SocketAddr) -> Option<IpAddr> {
    let any: IpAddr = if address.is_ipv4() { [0, 0, 0, 0].into() } else { [0u16; 8].into() };
    let socket = std::net::UdpSocket::bind((any, 0)).ok()?;
    socket.connect(address).ok()?;
    socket.local_addr().ok().map(|address| address.ip())
}

/// The interface of an address of this machine.
#[cfg(target_os = "linux")]
fn interface_of(address: IpAddr) -> Option<String> {
    let IpAddr::V4(address) = address else { return interface_of_v6(address) };
    // Routes by interface: destination and mask in the byte order of the machine.
    let routes = std::fs::read_to_string("/proc/net/route").ok()?;
    if address.is_loopback() {
        return Some("lo".to_owned());
    }
    let ours = u32::from_le_bytes(address.octets());
    let hex = |text: &str| u32::from_str_radix(text, 16).ok();
    routes
        .lines()
        .skip(1)
        .filter_map(|line| {
            let parts = line.split_whitespace().collect::<Vec<_>>();
            let (destination, mask) = (hex(parts.get(1)?)?, hex(parts.get(7)?)?);
            (mask != 0 && ours & mask == destination)
                .then(|| (mask.count_ones(), (*parts.first().unwrap_or(&"")).to_owned()))
        })
        .max()
        .map(|(_, name)| name)
}

#[cfg(target_os = "linux")]
fn interface_of_v6(address: IpAddr) -> Option<String> {
    let IpAddr::V6(address) = address else { return None };
    let wanted = address.octets().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let known = std::fs::read_to_string("/proc/net/if_inet6").ok()?;
    let line = known.lines().find(|line| line.starts_with(&wanted))?;
    line.split_whitespace().last().map(str::to_owned)
}

#[cfg(not(target_os = "linux"))]
fn interface_of(_: IpAddr) -> Option<String> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kind_of_address_it_is_is_told_by_the_address_alone() {
        for (address, reach) in [
            ("127.0.0.1:1", Reach::Loopback),
            ("[::1]:1", Reach::Loopback),
            ("10.1.2.3:1", Reach::Private),
            ("192.168.1.1:1", Reach::Private),
            ("100.64.0.1:1", Reach::Private),
            ("[fd00::1]:1", Reach::Private),
            ("8.8.8.8:1", Reach::Internet),
            ("[2001:4860:4860::8888]:1", Reach::Internet),
        ] {
            let route = Route::to(address.parse().unwrap());
            let vpn_here = route.reach == Reach::Vpn;
            assert!(route.reach == reach || vpn_here, "{address}: {route:?}");
        }
        let home = Route::to("127.0.0.1:1".parse().unwrap());
        assert!(
            home.phrase().contains("this machine") && home.phrase().contains("127.0.0.1"),
            "{}",
            home.phrase()
        );
    }
}
