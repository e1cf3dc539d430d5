//! The parameters of a request: which protocol, which transport, which session.

use crate::engine_io::{RequestError, Sid};

/// What the query of a request says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Query {
    pub(crate) transport: Transport,
    pub(crate) sid: Option<Sid>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Polling,
    WebSocket,
}

impl Query {
    /// Reads `EIO=4&transport=…&sid=…`. None of the values ever needs percent-encoding; what is encoded is not ours.
    pub(crate) fn parse(query: &str) -> Result<Self, RequestError> {
        let value = |name: &str| {
            query.split('&').find_map(|pair| {
                let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                (key == name).then_some(value)
            })
        };
        let transport = match value("transport") {
            Some("polling") => Transport::Polling,
            Some("websocket") => Transport::WebSocket,
            _ => return Err(RequestError::TransportUnknown),
        };
        if value("EIO") != Some("4") {
            return Err(RequestError::UnsupportedVersion);
        }
        let sid = value("sid").map(|sid| sid.parse().map_err(|_| RequestError::SessionUnknown));
        Ok(Self { transport, sid: sid.transpose()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_names_its_protocol_its_transport_and_its_session() {
        let query = Query::parse("EIO=4&transport=polling&t=abc").unwrap();
        assert_eq!(query, Query { transport: Transport::Polling, sid: None });
        let query = Query::parse("transport=websocket&sid=AAAAAAAAAAAAAAAAAAAAAA&EIO=4").unwrap();
        assert_eq!(query.transport, Transport::WebSocket);
        assert_eq!(query.sid.unwrap().to_string(), "AAAAAAAAAAAAAAAAAAAAAA");
    }

    #[test]
    fn a_request_without_one_of_them_or_with_another_is_refused() {
        for (query, refused) in [
            ("", RequestError::TransportUnknown),
            ("EIO=4", RequestError::TransportUnknown),
            ("EIO=4&transport=webtransport", RequestError::TransportUnknown),
            ("transport=polling", RequestError::UnsupportedVersion),
            ("EIO=3&transport=polling", RequestError::UnsupportedVersion),
            ("EIO=4&transport=polling&sid=", RequestError::SessionUnknown),
            ("EIO=4&transport=polling&sid=__proto__", RequestError::SessionUnknown),
            ("EIO=4&transport=polling&sid=AAAAAAAAAAAAAAAAAAAAA%41", RequestError::SessionUnknown),
        ] {
            assert_eq!(Query::parse(query), Err(refused), "{query}");
        }
    }
}
