//! Getting in and out: registering, logging in and out, changing the password. Here `chat`'s verbs meet slow hashing,
//! limits, and the sessions at hand.

use std::sync::Arc;

use chat::{
    Account, Chat, Credentials, Error, Field, Identity, Name, NewSession, Password, PasswordHash,
    Session, SessionId, Store, Token,
};

use crate::clock::Clock;
use crate::limits::Limits;
use crate::passwords::{Passwords, Verdict};
use crate::random::Random;
use crate::sessions::{Sessions, hash_of};
use crate::site::Network;
use crate::store::Sqlite;

/// Lets people in and out.
#[derive(Debug)]
pub struct Accounts {
    /// What is beneath.
    pub chat: Arc<Chat<Sqlite>>,
    /// Who is in.
    pub sessions: Arc<Sessions>,
    /// How often somebody may try.
    pub limits: Arc<Limits>,
    /// What takes its time.
    pub passwords: Passwords,
    /// The time.
    pub clock: Clock,
    /// Where tokens come from.
    pub random: Random,
}

/// Somebody at the door.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// Where they come from.
    pub from: Network,
    /// What they come with, in a few words.
    pub client: String,
}

/// Somebody who has just been let in.
#[derive(Debug)]
pub struct Admitted {
    /// Who.
    pub account: Account,
    /// Their new session.
    pub session: Session,
    /// What opens it.
    pub token: Token,
}

impl Accounts {
    /// Somebody new joins, and is in.
    pub async fn register(
        &self,
        visitor: Visitor,
        name: &str,
        password: String,
    ) -> Result<Admitted, Error> {
        let name = Name::parse(name)?;
        // Looking through the list of common passwords takes some milliseconds: not more often than the limit allows.
        self.limits.register(visitor.from)?;
        let password = Password::choose(password, Field::Password, &name)?;
        let hash = self.passwords.hash(password).await?;
        let account = self.chat.register(name, hash.clone(), self.clock.now()).await?;
        self.admit(visitor, account, hash).await
    }

    /// Somebody proves who they are, and is in. An unknown name takes as long as a wrong password and is told the same.
    pub async fn log_in(
        &self,
        visitor: Visitor,
        name: &str,
        password: String,
    ) -> Result<Admitted, Error> {
        let key = Name::parse(name).ok().map(|name| name.key());
        self.limits.guess(key, visitor.from)?;
        let offered = Password::offered(password)?;
        let credentials = self.chat.credentials(name).await?;
        let stored = credentials.as_ref().map(|credentials| credentials.password.clone());
        let verdict = self.passwords.verify(offered, stored).await?;
        let (Some(Credentials { account, password }), Verdict::Right { better }) =
            (credentials, verdict)
        else {
            return Err(Error::WrongCredentials);
        };
        self.limits.guessed_right(account.user.name.key(), visitor.from);
        let admitted = self.admit(visitor, account, password.clone()).await?;
        if let Some(better) = better {
            let user = admitted.account.user.id;
            let rehashed = self.chat.store().rehash_password(user, password, better).await;
            if let Err(error) = rehashed {
                tracing::warn!(%error, "a better hash of a password was not stored; it is tried at the next log-in");
            }
        }
        Ok(admitted)
    }

    /// Somebody gets a new password. Their present session goes on with a new token; all others have ended and are
    /// returned.
    pub async fn change_password(
        &self,
        identity: &Identity,
        from: Network,
        old: String,
        new: String,
    ) -> Result<(Token, Vec<SessionId>), Error> {
        let name = &identity.account.user.name;
        self.limits.guess(Some(name.key()), from)?;
        let new = Password::choose(new, Field::NewPassword, name)?;
        let offered = Password::offered(old).map_err(|_| Error::WrongPassword)?;
        let stored = self.chat.credentials(name.as_str()).await?.map(|found| found.password);
        let verdict = self.passwords.verify(offered, stored.clone()).await?;
        let (Some(old), Verdict::Right { .. }) = (stored, verdict) else {
            return Err(Error::WrongPassword);
        };
        self.limits.guessed_right(name.key(), from);
        let new = self.passwords.hash(new).await?;
        let token = self.new_token();
        let ended = self.chat.change_password(identity, old, new, hash_of(&token)).await?;
        self.sessions.forget(&[&[identity.session.id], ended.as_slice()].concat());
        Ok((token, ended))
    }

    async fn admit(
        &self,
        visitor: Visitor,
        account: Account,
        password: PasswordHash,
    ) -> Result<Admitted, Error> {
        let token = self.new_token();
        let session = NewSession {
            user: account.user.id,
            password,
            token: hash_of(&token),
            client: visitor.client,
            at: self.clock.now(),
        };
        let session = self.chat.start_session(session).await?;
        Ok(Admitted { account, session, token })
    }

    fn new_token(&self) -> Token {
        Token::from_random_bytes(self.random.bytes())
    }
}
