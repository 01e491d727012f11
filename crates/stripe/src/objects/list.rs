//! What many objects share: pages, references, metadata.

use std::collections::BTreeMap;

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _},
};
use serde_json::value::RawValue;

/// Up to 50 keys of our choice; Stripe keeps them and gives them back.
pub type Metadata = BTreeMap<String, String>;

/// One page of a list, newest first.
#[derive(Clone, Debug, Deserialize)]
pub struct List<T> {
    pub data: Vec<T>,
    #[serde(default)]
    pub has_more: bool,
}

/// An object that a list is paged by: the next page begins after its id.
pub(crate) trait Listed {
    fn id(&self) -> &str;
}

macro_rules! listed {
    ($($object:ty),+ $(,)?) => {$(
        impl Listed for $object {
            fn id(&self) -> &str {
                self.id.as_str()
            }
        }
    )+};
}

listed!(
    super::InvoiceLine,
    super::InvoicePayment,
    super::Refund,
    super::CreditNote,
    super::Dispute,
    super::WebhookEndpoint
);

/// An id where Stripe sends either the id or, expanded, the whole object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ref<Id>(pub Id);

impl<'de, Id: Deserialize<'de>> Deserialize<'de> for Ref<Id> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either<Id> {
            Id(Id),
            Object { id: Id },
        }
        Either::deserialize(deserializer).map(|either| match either {
            Either::Id(id) | Either::Object { id } => Self(id),
        })
    }
}

/// An object where Stripe sends its id or, expanded, the whole of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expandable<T> {
    Id(String),
    Object(Box<T>),
}

impl<T> Expandable<T> {
    /// The whole object, where Stripe was asked for it.
    pub fn object(&self) -> Option<&T> {
        match self {
            Self::Id(_) => None,
            Self::Object(object) => Some(object),
        }
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Expandable<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Not by an untagged enum: that reads numbers as floats before it knows what they are.
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let text = raw.get();
        if text.starts_with('"') {
            return serde_json::from_str(text).map(Self::Id).map_err(D::Error::custom);
        }
        serde_json::from_str(text).map(Self::Object).map_err(D::Error::custom)
    }
}
