//! The live door over Socket.IO: who is let in, and volley as the engine that carries the words.

use std::borrow::Cow;
use std::sync::Arc;

use chat::{Error, Identity, Token};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use volley::{Connect, Frame, Group, Namespace, Pass, Refusal, Refused, SendError, Socket, Volley};

use super::member::Member;
use super::{ApiError, Live, engine};
use crate::site::Network;

/// Who opened a connection, and from where; kept from the request that did.
#[derive(Debug, Clone)]
struct Admission {
    identity: Arc<Identity>,
    token: Token,
    from: Network,
}

/// What a client without a cookie says when it connects.
#[derive(Deserialize)]
struct Auth {
    token: Option<String>,
}

impl Live {
    /// The rules and handlers, for volley.
    pub fn namespace(self: &Arc<Self>) -> Namespace<Member> {
        let (admitting, connecting, hearing, ending) =
            (self.clone(), self.clone(), self.clone(), self.clone());
        Namespace::new(move |connect| admitting.clone().admit_by(connect))
            .on_connect(move |socket| connecting.clone().welcome(socket))
            .on_any(move |socket, event| hearing.clone().answer(socket, event))
            .on_disconnect(move |socket, reason| {
                ending.part(&socket, reason);
                std::future::ready(())
            })
    }

    /// Whether a request may open a connection, or go on with one.
    ///
    /// A client without cookie or header can only come by WebSocket, where no later request needs to prove anything;
    /// it shows its token in `admit_by`.
    pub async fn authorize(&self, parts: &http::request::Parts) -> Result<Pass, Refusal> {
        let from = self.site.visitor(parts);
        let Some(token) = self.sessions.token_in(&parts.headers) else {
            // The first one counts, as it does for the engine.
            let mut pairs = parts.uri.query().unwrap_or_default().split('&');
            let transport = pairs.find(|pair| pair.starts_with("transport="));
            return if transport == Some("transport=websocket") {
                Ok(Pass::bound_to([]).with(from))
            } else {
                Err(Refusal::unauthorized("not_logged_in"))
            };
        };
        match self.sessions.identify(&token, from).await {
            Ok(identity) => {
                let binding = *token.as_bytes();
                Ok(Pass::bound_to(binding).with(Admission { identity, token, from }))
            }
            Err(Error::NotLoggedIn) => Err(Refusal::unauthorized("not_logged_in")),
            Err(error) => Err(Refusal::unavailable(error.code())),
        }
    }

    async fn admit_by(self: Arc<Self>, connect: Connect) -> Result<Member, Refused> {
        let admission = match connect.extensions().get::<Admission>() {
            Some(admission) => admission.clone(),
            None => self.admission_by_token(&connect).await.map_err(refused)?,
        };
        let Admission { identity, token, from } = admission;
        self.admit(identity, token, from).map_err(refused)
    }

    async fn admission_by_token(&self, connect: &Connect) -> Result<Admission, Error> {
        let auth: Auth = connect.auth().map_err(|_| Error::NotLoggedIn)?;
        let token = auth.token.as_deref().and_then(Token::decode).ok_or(Error::NotLoggedIn)?;
        let from = *connect.extensions().get::<Network>().expect("kept when there was no token");
        let identity = self.sessions.identify(&token, from).await?;
        Ok(Admission { identity, token, from })
    }
}

/// Clients read the word in `error.message`, and the sentence in `error.data`.
fn refused(error: Error) -> Refused {
    let details = serde_json::to_value(ApiError::from(&error)).unwrap_or_default();
    Refused::new(error.code()).with_data(details)
}

impl engine::Engine for Volley {
    type Socket = Socket<Member>;
    type Group = Group;
    type Event = volley::Event;
}

impl engine::Socket<Volley> for Socket<Member> {
    fn member(&self) -> &Member {
        self.session()
    }

    fn is_connected(&self) -> bool {
        Socket::is_connected(self)
    }

    fn send(&self, frame: &Frame) -> Result<(), SendError> {
        Socket::send(self, frame)
    }

    fn flushed(&self) -> impl Future<Output = bool> + Send {
        Socket::flushed(self)
    }

    fn group(&self, name: &str) -> Group {
        Socket::group(self, name)
    }

    fn join_after(&self, group: &Group, backlog: Vec<Frame>) -> Result<(), SendError> {
        Socket::join_after(self, group, backlog)
    }

    fn leave(&self, group: &Group) {
        Socket::leave(self, group);
    }

    fn close(&self) {
        Socket::close(self);
    }

    fn expel(&self) {
        Socket::expel(self);
    }
}

impl engine::Group for Group {
    fn send(&self, frame: &Frame) -> Result<(), SendError> {
        Group::send(self, frame)
    }

    fn len(&self) -> usize {
        Group::len(self)
    }
}

impl engine::Event for volley::Event {
    fn name(&self) -> Cow<'_, str> {
        volley::Event::name(self)
    }

    fn payload(&self) -> Option<&str> {
        self.args::<(&RawValue,)>().ok().map(|(payload,)| payload.get())
    }

    fn ack<T: Serialize>(&self, answer: &T) -> Result<(), SendError> {
        volley::Event::ack(self, &(answer,))
    }
}
