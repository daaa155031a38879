//! Channels of alerts: their sealed addresses and secrets, the MAC over their rows, and signatures of webhooks.
//!
//! Webhooks are signed as Standard Webhooks says (<https://github.com/standard-webhooks/standard-webhooks>, "Signature scheme"): the base64
//! of HMAC-SHA-256 over `id.timestamp.body`, under the bytes that a secret has behind `whsec_`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use strongroom_model::authority_mac::AuthorityMac;
use strongroom_model::{Secret, Uid};
use zeroize::Zeroizing;

use crate::canonical::Canonical;
use crate::key::Purpose;
use crate::keyring::{Keyring, SealedSecret};
use crate::random;
use crate::sealed_text::{OpenError, SealError};

const SECRET_PREFIX: &str = "whsec_";
/// Bytes of a secret: what the standard allows.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// Place that a value of a channel is sealed for. All of it stands in the AAD.
#[derive(Debug, Clone, Copy)]
pub struct ChannelContext<'a> {
    /// The channel.
    pub channel: Uid,
    /// Its kind: an address of one kind is not to be called as another.
    pub kind: &'a str,
    /// The value's field.
    pub field: &'a str,
}

impl ChannelContext<'_> {
    fn aad(&self) -> Canonical {
        Canonical::of("strongroom/channel-sealed/v1")
            .text(&self.channel.to_string())
            .text(self.kind)
            .text(self.field)
    }
}

/// Seals a value of a channel.
///
/// # Errors
/// [`SealError::Empty`] when there is nothing to seal.
pub fn seal(
    keyring: &Keyring,
    context: &ChannelContext<'_>,
    value: &Secret,
) -> Result<SealedSecret, SealError> {
    keyring.seal_under(&context.aad(), value)
}

/// Opens a value of a channel in the place where it was found.
///
/// # Errors
/// [`OpenError`] when it was changed or moved, or its key is not at hand.
pub fn open(
    keyring: &Keyring,
    context: &ChannelContext<'_>,
    key_id: &str,
    text: &str,
) -> Result<Secret, OpenError> {
    keyring.open_under(&context.aad(), key_id, text)
}

/// What a channel's row says of what is sent where.
#[derive(Debug, Clone, Copy)]
pub struct ChannelRow<'a> {
    /// The channel.
    pub channel: Uid,
    /// Its name, by which routes know it.
    pub name: &'a str,
    /// Its kind.
    pub kind: &'a str,
    /// Its settings.
    pub settings: &'a str,
}

impl ChannelRow<'_> {
    fn fields(&self) -> Canonical {
        Canonical::of("strongroom/channel/v1")
            .text(&self.channel.to_string())
            .text(self.name)
            .text(self.kind)
            .text(self.settings)
    }

    /// The MAC of the row.
    #[must_use]
    pub fn mac(&self, keyring: &Keyring) -> AuthorityMac {
        let (key_id, mac) = keyring.mac(Purpose::Token, &self.fields());
        AuthorityMac { key_id, mac }
    }

    /// Tells whether the row is what we wrote.
    #[must_use]
    pub fn verifies(&self, keyring: &Keyring, mac: &AuthorityMac) -> bool {
        keyring.verifies(Purpose::Token, &mac.key_id, &self.fields(), &mac.mac)
    }
}

/// A fresh secret of a webhook: `whsec_` and 32 random bytes.
#[must_use]
pub fn generate_webhook_secret() -> Secret {
    let bytes = Zeroizing::new(random::bytes::<32>());
    Secret::from(format!("{SECRET_PREFIX}{}", STANDARD.encode(*bytes)))
}

/// Tells whether a text is a secret of a webhook.
#[must_use]
pub fn is_webhook_secret(secret: &Secret) -> bool {
    secret_bytes(secret).is_some()
}

fn secret_bytes(secret: &Secret) -> Option<Zeroizing<Vec<u8>>> {
    let encoded = secret.expose().strip_prefix(SECRET_PREFIX)?;
    let bytes = Zeroizing::new(STANDARD.decode(encoded).ok()?);
    SECRET_BYTES.contains(&bytes.len()).then_some(bytes)
}

/// The value of `webhook-signature` for a message: a signature by each of these secrets. The timestamp is in seconds.
#[must_use]
pub fn webhook_signature<'s>(
    secrets: impl IntoIterator<Item = &'s Secret>,
    id: &str,
    timestamp: i64,
    body: &str,
) -> String {
    let one = |secret: &Secret| {
        let bytes = secret_bytes(secret)?;
        let mut mac = Hmac::<Sha256>::new_from_slice(&bytes).ok()?;
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body.as_bytes());
        Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
    };
    secrets.into_iter().filter_map(one).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const UID: Uid = Uid::from_bytes([7; 16]);

    #[test]
    fn a_signature_is_the_one_of_the_standards_own_example() {
        // From the reference libraries' tests.
        let secret = Secret::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let signature = webhook_signature(
            [&secret],
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            "{\"test\": 2432232314}",
        );
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn while_a_secret_is_replaced_both_sign() {
        let (new, old) = (generate_webhook_secret(), generate_webhook_secret());
        assert!(is_webhook_secret(&new) && new != old);
        let both = webhook_signature([&new, &old], "id", 1, "{}");
        let each = [&new, &old].map(|secret| webhook_signature([secret], "id", 1, "{}"));
        assert_eq!(both, each.join(" "));
        for bad in ["", "whsec_", "whsec_c2hvcnQ=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_%%%"] {
            assert!(!is_webhook_secret(&Secret::from(bad)), "{bad}");
        }
    }

    #[test]
    fn a_value_opens_only_in_its_channel_as_its_kind_and_field() {
        let keyring = Keyring::generate();
        let here = ChannelContext { channel: UID, kind: "slack", field: "address" };
        let sealed = seal(&keyring, &here, &Secret::from("https://hooks.example/x")).unwrap();
        assert_eq!(
            open(&keyring, &here, &sealed.key_id, &sealed.text).unwrap().expose(),
            "https://hooks.example/x"
        );
        for elsewhere in [
            ChannelContext { channel: Uid::from_bytes([8; 16]), ..here },
            ChannelContext { kind: "webhook", ..here },
            ChannelContext { field: "secret", ..here },
        ] {
            assert_eq!(open(&keyring, &elsewhere, &sealed.key_id, &sealed.text), Err(OpenError::Tampered));
        }
    }

    #[test]
    fn whatever_a_row_says_is_under_its_mac() {
        let keyring = Keyring::generate();
        let row = ChannelRow { channel: UID, name: "ops", kind: "slack", settings: "{}" };
        let mac = row.mac(&keyring);
        assert!(row.verifies(&keyring, &mac));
        for other in [
            ChannelRow { channel: Uid::from_bytes([8; 16]), ..row },
            ChannelRow { name: "dev", ..row },
            ChannelRow { kind: "webhook", ..row },
            ChannelRow { settings: "[]", ..row },
        ] {
            assert!(!other.verifies(&keyring, &mac));
        }
    }
}
