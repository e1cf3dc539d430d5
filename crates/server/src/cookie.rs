//! The cookie in which a browser keeps its token.

use chat::{SESSION_LIFETIME, Token};
use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};

use crate::site::Site;

/// How the cookie is called and sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cookie {
    /// Over TLS only, and no other host, be it of the same domain, can set it.
    Secure,
    /// For a server without TLS: on this machine, or in a network that is trusted.
    Plain,
}

impl Cookie {
    /// The cookie for a site.
    pub fn of(site: &Site) -> Self {
        if site.secure { Self::Secure } else { Self::Plain }
    }

    /// The token that comes with a request.
    pub fn read(self, headers: &HeaderMap) -> Option<Token> {
        let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
        let mut cookies =
            lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.split_once('='));
        let (_, value) = cookies.find(|(name, _)| name.trim() == self.name())?;
        Token::decode(value.trim())
    }

    /// What makes the browser keep a token.
    pub fn set(self, token: &Token) -> HeaderValue {
        self.header(&token.encode(), SESSION_LIFETIME.as_secs())
    }

    /// What makes the browser forget it.
    pub fn clear(self) -> HeaderValue {
        self.header("", 0)
    }

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Secure => "__Host-parlor",
            Self::Plain => "parlor",
        }
    }

    fn header(self, value: &str, max_age: u64) -> HeaderValue {
        let secure = match self {
            Self::Secure => "; Secure",
            Self::Plain => "",
        };
        let name = self.name();
        let line =
            format!("{name}={value}; Path=/; Max-Age={max_age}; HttpOnly; SameSite=Lax{secure}");
        let mut header = HeaderValue::from_str(&line).expect("a token is plain ASCII");
        header.set_sensitive(true);
        header
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_brings_back_what_it_was_given() {
        let token = Token::from_random_bytes([7; 32]);
        for cookie in [Cookie::Secure, Cookie::Plain] {
            let set = cookie.set(&token);
            let pair = set.to_str().unwrap().split(';').next().unwrap().to_owned();
            let mut headers = HeaderMap::new();
            headers.insert(COOKIE, format!("theme=dark; {pair};x=y").parse().unwrap());
            assert!(cookie.read(&headers) == Some(token.clone()));
        }
    }

    #[test]
    fn a_secure_site_does_not_take_the_cookie_that_others_can_set() {
        let mut headers = HeaderMap::new();
        let planted = format!("parlor={}", Token::from_random_bytes([7; 32]).encode());
        headers.insert(COOKIE, planted.parse().unwrap());
        assert!(Cookie::Secure.read(&headers).is_none());
    }
}
