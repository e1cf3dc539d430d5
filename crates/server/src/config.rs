//! What can be set of the server, as flags and `PARLOR_*` variables. Everything has a default that runs as it is, and
//! `parlor --help` is the manual.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;

use chat::Rate;
use clap::{Parser, ValueEnum};
use ipnet::IpNet;
use tracing::level_filters::LevelFilter;

use crate::site::{Origin, PublicUrl};

/// How the server is to run.
#[derive(Debug, Clone, Parser)]
#[command(name = "parlor", version, max_term_width = 100)]
pub struct Config {
    /// Address and port to listen on
    ///
    /// `0.0.0.0:7420` listens on all interfaces (IPv4), `[::]:7420` on all (IPv6 and mostly IPv4 too). Port 0 takes any
    /// free one.
    #[arg(long, env = "PARLOR_LISTEN", value_name = "ADDRESS:PORT")]
    #[arg(default_value = "127.0.0.1:7420", value_parser = address_and_port)]
    pub listen: SocketAddr,

    /// Folder for all data; created if it is not there
    #[arg(long, env = "PARLOR_DATA", value_name = "FOLDER", default_value = "parlor-data")]
    pub data: PathBuf,

    /// Where people find this server, `https://chat.example.org` for example
    ///
    /// Set it when a reverse proxy stands before Parlor. With https, cookies are sent over TLS only, and browsers are
    /// told to come by https only. Pages from elsewhere are refused (see --origin).
    #[arg(long, env = "PARLOR_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<PublicUrl>,

    /// Another address at which people open the page, `https://chat.lan` for example; can be repeated
    ///
    /// Browsers say from which page a request comes. What changes something is accepted only from --public-url and from
    /// these; without either, from whatever address the request itself was sent to.
    #[arg(long, env = "PARLOR_ORIGIN", value_name = "URL", value_delimiter = ',')]
    pub origin: Vec<Origin>,

    /// Network of a reverse proxy whose X-Forwarded-For is believed, 10.0.0.0/8 or 127.0.0.1 for example; can be
    /// repeated
    ///
    /// Limits per address count by the client's address. Without this option the header is ignored, since anybody can
    /// send it, and everybody behind a proxy counts as one.
    #[arg(long, env = "PARLOR_TRUSTED_PROXY", value_name = "NETWORK")]
    #[arg(value_delimiter = ',', value_parser = network)]
    pub trusted_proxy: Vec<IpNet>,

    /// Address and port for Prometheus to scrape /metrics from; off by default
    ///
    /// A listener of its own, so that the figures are not public by accident.
    #[arg(long, env = "PARLOR_METRICS_LISTEN", value_name = "ADDRESS:PORT")]
    #[arg(value_parser = address_and_port)]
    pub metrics_listen: Option<SocketAddr>,

    /// How the log on standard error is written
    ///
    /// It never holds messages, passwords or tokens.
    #[arg(long, env = "PARLOR_LOG", value_name = "FORMAT", default_value = "human")]
    pub log: LogFormat,

    /// How much is logged
    #[arg(long, env = "PARLOR_LOG_LEVEL", value_name = "LEVEL", default_value = "info")]
    pub log_level: LogLevel,

    /// How many messages a person may send per second in the long run; five times as many at once
    #[arg(long, env = "PARLOR_MESSAGES_PER_SECOND", value_name = "NUMBER", default_value = "5")]
    pub messages_per_second: NonZeroU32,

    /// How many attempts to log in an address has per minute (an IPv6 address counts with its /64 network)
    ///
    /// There is a stricter limit for each account and address together, so that nobody can lock somebody else out.
    #[arg(long, env = "PARLOR_LOGINS_PER_MINUTE", value_name = "NUMBER", default_value = "30")]
    pub logins_per_minute: NonZeroU32,

    /// How many accounts an address may register per hour
    #[arg(long, env = "PARLOR_REGISTRATIONS_PER_HOUR", value_name = "NUMBER")]
    #[arg(default_value = "60")]
    pub registrations_per_hour: NonZeroU32,

    /// How many connections are open at once; more are turned away
    ///
    /// Each is an open file, of which the system has a limit too: `ulimit -Hn` shows it.
    #[arg(long, env = "PARLOR_MAX_CONNECTIONS", value_name = "NUMBER", default_value = "100000")]
    pub max_connections: NonZeroU32,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people
    Human,
    /// One JSON object per line
    Json,
}

/// How much is logged: each level includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// What went wrong and needs somebody
    Error,
    /// What should not happen, and was coped with
    Warn,
    /// Starting and stopping
    Info,
    /// Every request
    Debug,
    /// Everything
    Trace,
}

impl Config {
    /// How fast a person may send messages.
    pub fn messages(&self) -> Rate {
        let per_second = self.messages_per_second.get();
        Rate { burst: per_second.saturating_mul(5), per_second: f64::from(per_second) }
    }

    /// How often an address may try to log in.
    pub fn logins(&self) -> Rate {
        let per_minute = self.logins_per_minute.get();
        Rate { burst: per_minute, per_second: f64::from(per_minute) / 60.0 }
    }

    /// How often an address may register.
    pub fn registrations(&self) -> Rate {
        let per_hour = self.registrations_per_hour.get();
        Rate { burst: per_hour, per_second: f64::from(per_hour) / 3600.0 }
    }
}

impl From<LogLevel> for LevelFilter {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Error => Self::ERROR,
            LogLevel::Warn => Self::WARN,
            LogLevel::Info => Self::INFO,
            LogLevel::Debug => Self::DEBUG,
            LogLevel::Trace => Self::TRACE,
        }
    }
}

fn address_and_port(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(|_| "give an IP address and a port, 127.0.0.1:7420 for example")
}

/// A network, or the one address that it consists of.
fn network(text: &str) -> Result<IpNet, &'static str> {
    let address = || text.parse::<IpAddr>().ok().map(IpNet::from);
    text.parse().ok().or_else(address).ok_or("give a network, 10.0.0.0/8 for example")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Config, clap::Error> {
        Config::try_parse_from([&["parlor"], arguments].concat())
    }

    #[test]
    fn the_definition_of_the_options_holds_together() {
        <Config as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn without_options_it_serves_this_machine_only() {
        let config = parse(&[]).unwrap();
        assert!(config.listen.ip().is_loopback());
        assert!(config.public_url.is_none() && config.metrics_listen.is_none());
    }

    #[test]
    fn networks_are_given_by_prefix_or_as_one_address() {
        let config = parse(&["--trusted-proxy", "10.0.0.0/8,::1"]).unwrap();
        assert_eq!(config.trusted_proxy, ["10.0.0.0/8", "::1/128"].map(|net| net.parse().unwrap()));
    }

    #[test]
    fn a_value_that_makes_no_sense_is_refused_with_the_option_it_was_given_for() {
        for (option, value) in [
            ("--listen", "localhost"),
            ("--listen", "127.0.0.1"),
            ("--public-url", "chat.example.org"),
            ("--public-url", "https://chat.example.org/parlor"),
            ("--origin", "ftp://chat.example.org"),
            ("--trusted-proxy", "10.0.0.0/33"),
            ("--log", "xml"),
            ("--messages-per-second", "0"),
            ("--logins-per-minute", "0.5"),
        ] {
            let sentence = parse(&[option, value]).unwrap_err().to_string();
            assert!(sentence.contains(option) && sentence.contains(value), "{sentence}");
        }
    }
}
