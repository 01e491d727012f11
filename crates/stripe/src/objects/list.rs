//! What many objects share: pages, references, metadata.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

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

listed!(super::InvoiceLine, super::InvoicePayment, super::Refund, super::CreditNote);

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
