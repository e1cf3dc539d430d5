//! Session ids: unguessable, and still no credential.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::display::Base64Display;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use rand::Rng;

use super::RequestError;

/// 128 random bits, written as 22 characters of base64url.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sid([u8; 16]);

impl Sid {
    /// The random bits, for choosing by them.
    pub(crate) fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// A new id. The generator must be fit for secrets.
    pub fn random(rng: &mut impl Rng) -> Self {
        let mut bytes = [0; 16];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Base64Display::new(&self.0, &BASE64).fmt(f)
    }
}

/// Enough to follow a session through a log, too little to use it.
impl fmt::Debug for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second, ..] = self.0;
        write!(f, "Sid({first:02x}{second:02x}…)")
    }
}

impl FromStr for Sid {
    type Err = RequestError;

    /// Takes what `Display` writes and no other spelling.
    fn from_str(text: &str) -> Result<Self, RequestError> {
        let bytes = BASE64.decode(text).map_err(|_| RequestError::SessionUnknown)?;
        bytes.try_into().map(Self).map_err(|_| RequestError::SessionUnknown)
    }
}
