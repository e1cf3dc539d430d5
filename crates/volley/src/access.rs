//! Who may open a connection: the origin of the page that asks, and what the application says of the request.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use http::header::{HOST, ORIGIN};
use http::uri::Authority;
use http::{Extensions, HeaderMap, HeaderValue, StatusCode, Uri};

/// The application's hook for every request of the engine.
pub(crate) type Authorize = Box<
    dyn Fn(&http::request::Parts) -> Pin<Box<dyn Future<Output = Result<Pass, Refusal>> + Send>>
        + Send
        + Sync,
>;

/// The pages from which browsers may connect. A request without an `Origin` header comes from no page and is let through:
/// only browsers send it, and only in browsers can a foreign page misuse somebody's cookies.
#[derive(Debug, Clone, Default)]
pub enum Origins {
    /// Pages of the host that the request is for.
    #[default]
    SameHost,
    /// Any page of the web. Only for services without cookies.
    Any,
    /// Exactly these.
    List(Arc<[HeaderValue]>),
}

/// A request that the application lets through, with what it is let through for.
#[derive(Debug, Clone, Default)]
pub struct Pass {
    pub(crate) binding: Box<[u8]>,
    pub(crate) extensions: Extensions,
}

/// A request that the application refuses.
#[derive(Debug, Clone)]
pub struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) message: String,
}

impl Origins {
    /// Exactly these, each as browsers write it: `https://chat.example`, `http://localhost:8080`.
    ///
    /// # Panics
    /// If one is not a header value: it would never match.
    pub fn list<'a>(origins: impl IntoIterator<Item = &'a str>) -> Self {
        let parse = |origin| HeaderValue::from_str(origin).expect("an origin is a header value");
        Self::List(origins.into_iter().map(parse).collect())
    }

    /// Whether the page that sent this request, if a page did, may connect.
    pub fn allow(&self, headers: &HeaderMap) -> bool {
        let mut origins = headers.get_all(ORIGIN).iter();
        let (origin, None) = (origins.next(), origins.next()) else {
            return false;
        };
        let Some(origin) = origin else { return true };
        match self {
            Self::Any => true,
            Self::List(list) => list.contains(origin),
            Self::SameHost => is_same_host(origin, headers),
        }
    }
}

/// Compares host and port. The scheme is not compared: behind a proxy that ends TLS the server does not know its own.
fn is_same_host(origin: &HeaderValue, headers: &HeaderMap) -> bool {
    let origin = origin.to_str().ok().and_then(|origin| origin.parse::<Uri>().ok());
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()?.parse::<Authority>().ok());
    let (Some(origin), Some(host)) = (origin, host) else {
        return false;
    };
    let default_port = match origin.scheme_str() {
        Some("http") => 80,
        Some("https") => 443,
        _ => return false,
    };
    let port = |authority: &Authority| authority.port_u16().unwrap_or(default_port);
    origin.path() == "/"
        && origin.query().is_none()
        && origin.authority().is_some_and(|origin| {
            !origin.as_str().contains('@')
                && origin.host().eq_ignore_ascii_case(host.host())
                && port(origin) == port(&host)
        })
}

impl Pass {
    /// Lets the request through. `binding` is what it was authorised with: a session's id, a token's hash. Each later
    /// request of the same connection must yield an equal one, so that the connection's id alone opens nothing.
    pub fn bound_to(binding: impl Into<Vec<u8>>) -> Self {
        Self { binding: binding.into().into(), extensions: Extensions::new() }
    }

    /// Keeps a value for [`Connect::extensions`](crate::Connect::extensions), for as long as the connection lives.
    #[must_use]
    pub fn with<T: Clone + Send + Sync + 'static>(mut self, value: T) -> Self {
        self.extensions.insert(value);
        self
    }
}

impl Refusal {
    /// Answers 401: who are you?
    pub fn unauthorized(message: impl Into<String>) -> Self {
        Self { status: StatusCode::UNAUTHORIZED, message: message.into() }
    }

    /// Answers 403: not you.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self { status: StatusCode::FORBIDDEN, message: message.into() }
    }

    /// Answers 503: not now.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self { status: StatusCode::SERVICE_UNAVAILABLE, message: message.into() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(origins: &Origins, host: &str, origin: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().unwrap());
        headers.insert(ORIGIN, origin.parse().unwrap());
        origins.allow(&headers)
    }

    #[test]
    fn a_page_of_the_same_host_and_port_may_connect() {
        let same = Origins::SameHost;
        assert!(allowed(&same, "chat.example", "https://chat.example"));
        assert!(allowed(&same, "chat.example", "http://Chat.Example"));
        assert!(allowed(&same, "chat.example:443", "https://chat.example"));
        assert!(allowed(&same, "localhost:3000", "http://localhost:3000"));
        assert!(allowed(&same, "[::1]:3000", "http://[::1]:3000"));
    }

    #[test]
    fn a_page_of_any_other_host_or_port_may_not() {
        for origin in [
            "https://evil.example",
            "https://chat.example.evil",
            "https://evilchat.example",
            "https://sub.chat.example",
            "https://chat.example:8443",
            "https://chat.example@evil.example",
            "https://evil.example@chat.example",
            "https://chat.example/path",
            "ftp://chat.example",
            "chat.example",
            "null",
            "",
        ] {
            assert!(!allowed(&Origins::SameHost, "chat.example", origin), "{origin}");
        }
    }

    #[test]
    fn a_request_from_no_page_is_let_through() {
        for origins in [Origins::SameHost, Origins::Any, Origins::list(["https://a.example"])] {
            assert!(origins.allow(&HeaderMap::new()));
        }
    }

    #[test]
    fn a_request_with_two_origins_is_refused() {
        let mut headers = HeaderMap::new();
        headers.append(ORIGIN, "https://a.example".parse().unwrap());
        headers.append(ORIGIN, "https://a.example".parse().unwrap());
        assert!(!Origins::Any.allow(&headers));
    }

    #[test]
    fn a_list_is_compared_exactly() {
        let list = Origins::list(["https://a.example"]);
        assert!(allowed(&list, "b.example", "https://a.example"));
        for origin in ["https://a.example:443", "http://a.example", "https://a.example.", "null"] {
            assert!(!allowed(&list, "b.example", origin), "{origin}");
        }
    }
}
