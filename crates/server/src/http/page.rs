//! The web page: files that the build has compressed and put into the program.
//!
//! They are embedded by our own build script, because the libraries for it compress at every start, or not at all, and
//! give the same strong `ETag` to different bytes.

use axum::response::{IntoResponse, Response};
use http::header::{
    ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderName,
    IF_NONE_MATCH, VARY,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};

use super::Failure;

/// A file of the page.
struct Asset {
    /// Where it is found, `/index.html` for example.
    path: &'static str,
    content_type: &'static str,
    /// Whether its name changes with its content, so that it never has to be asked for again.
    hashed: bool,
    /// Its forms, the shortest first; the last one is the file as it is.
    forms: &'static [Form],
}

/// A file's bytes in one encoding.
struct Form {
    /// `br`, `gzip`, or empty for the file as it is.
    encoding: &'static str,
    etag: &'static str,
    bytes: &'static [u8],
}

/// All of them, by path.
const ASSETS: &[Asset] = include!(concat!(env!("OUT_DIR"), "/page.rs"));

const INDEX: &str = "/index.html";
const FOREVER: &str = "public, max-age=31536000, immutable";
/// May be kept, but must be asked for again each time.
const FRESH: &str = "no-cache";

/// Answers with the file at this address.
pub(super) async fn serve(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    if uri.path().starts_with("/api/") {
        return Failure::from(chat::Error::NotFound).into_response();
    }
    if method != Method::GET && method != Method::HEAD {
        let allow = [(ALLOW, HeaderValue::from_static("GET, HEAD"))];
        return (StatusCode::METHOD_NOT_ALLOWED, allow).into_response();
    }
    let path = if uri.path() == "/" { INDEX } else { uri.path() };
    match ASSETS.binary_search_by(|asset| asset.path.cmp(path)) {
        Ok(index) => ASSETS[index].answer(&headers),
        Err(_) => (StatusCode::NOT_FOUND, "There is nothing at this address.\n").into_response(),
    }
}

impl Asset {
    fn answer(&self, headers: &HeaderMap) -> Response {
        let form = self.form_for(headers);
        let cache = if self.hashed { FOREVER } else { FRESH };
        let fixed = [
            (CONTENT_TYPE, self.content_type),
            (CACHE_CONTROL, cache),
            (ETAG, form.etag),
            (VARY, "Accept-Encoding"),
        ];
        let fixed = fixed.map(|(name, value)| (name, HeaderValue::from_static(value)));
        if has(headers, IF_NONE_MATCH, |tag| {
            tag.trim_start_matches("W/") == form.etag || tag == "*"
        }) {
            return (StatusCode::NOT_MODIFIED, fixed).into_response();
        }
        // To a HEAD axum sends the headers only, with the length that a GET would have.
        let mut response = (fixed, form.bytes).into_response();
        if !form.encoding.is_empty() {
            let encoding = HeaderValue::from_static(form.encoding);
            response.headers_mut().insert(CONTENT_ENCODING, encoding);
        }
        response
    }

    /// The shortest form that the client understands.
    fn form_for(&self, headers: &HeaderMap) -> &'static Form {
        let understood = |form: &&Form| {
            form.encoding.is_empty()
                || has(headers, ACCEPT_ENCODING, |accepted| accepts(accepted, form.encoding))
        };
        self.forms.iter().find(understood).expect("the last form is the file as it is")
    }
}

/// Whether one of the things listed in a header is meant.
fn has(headers: &HeaderMap, name: HeaderName, meant: impl Fn(&str) -> bool) -> bool {
    let lists = headers.get_all(name).into_iter().filter_map(|list| list.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|item| meant(item.trim()))
}

/// Whether `br;q=0.8`, say, accepts an encoding.
fn accepts(accepted: &str, encoding: &str) -> bool {
    let (name, weight) = accepted.split_once(';').unwrap_or((accepted, "q=1"));
    let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.parse::<f32>().ok());
    name.trim().eq_ignore_ascii_case(encoding) && weight.is_none_or(|weight| weight > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: Asset = Asset {
        path: "/file.js",
        content_type: "text/javascript",
        hashed: false,
        forms: &[
            Form { encoding: "br", etag: "\"1br\"", bytes: b"b" },
            Form { encoding: "gzip", etag: "\"1gz\"", bytes: b"gz" },
            Form { encoding: "", etag: "\"1\"", bytes: b"file" },
        ],
    };

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn a_client_gets_the_shortest_form_that_it_understands() {
        for (accepted, encoding) in [
            ("gzip, deflate, br, zstd", "br"),
            ("gzip, deflate", "gzip"),
            ("br;q=0, gzip;q=0.5", "gzip"),
            ("BR", "br"),
            ("identity", ""),
            ("brotli", ""),
            ("", ""),
        ] {
            assert_eq!(FILE.form_for(&headers(ACCEPT_ENCODING, accepted)).encoding, encoding);
        }
        assert_eq!(FILE.form_for(&HeaderMap::new()).encoding, "");
    }

    #[test]
    fn what_a_client_has_is_not_sent_again() {
        for (tag, status) in [("\"1\"", 304), ("\"0\", W/\"1\"", 304), ("*", 304), ("\"1br\"", 200)]
        {
            assert_eq!(FILE.answer(&headers(IF_NONE_MATCH, tag)).status(), status, "{tag}");
        }
    }

    #[test]
    fn the_files_are_in_the_order_in_which_they_are_looked_for() {
        assert!(ASSETS.is_sorted_by_key(|asset| asset.path));
        assert!(ASSETS.iter().any(|asset| asset.path == INDEX));
    }
}
