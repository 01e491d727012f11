//! Values that are written as text: closed lists of words, and JSON that is the text itself.

use thiserror::Error;

/// A word that is not on the list it was looked up in.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{word}` is not {what}; use one of {}", quoted(words))]
pub struct UnknownWord {
    /// The word as it came.
    pub word: String,
    /// What it should have been, with its article: «an interval».
    pub what: &'static str,
    /// Every word that would have been understood.
    pub words: &'static [&'static str],
}

fn quoted(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// An enum without fields and the one word for each variant: `ALL`, and the method that says it.
macro_rules! closed_list {
    (
        $(#[$attribute:meta])*
        pub enum $name:ident, $say:ident {
            $($(#[$doc:meta])* $variant:ident = $word:literal,)+
        }
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$doc])* $variant,)+
        }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable word for it, as stored and as sent.
            pub const fn $say(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }
    };
}
pub(crate) use closed_list;

/// A closed list that is also read: `as_str`, `Display`, `FromStr` and serde agree on its words.
macro_rules! words {
    (
        $(#[$attribute:meta])*
        pub enum $name:ident, $what:literal {
            $($(#[$doc:meta])* $variant:ident = $word:literal,)+
        }
    ) => {
        $crate::text::closed_list! {
            $(#[$attribute])*
            pub enum $name, as_str {
                $($(#[$doc])* $variant = $word,)+
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::text::UnknownWord;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                match word {
                    $($word => Ok(Self::$variant),)+
                    _ => Err($crate::text::UnknownWord {
                        word: word.to_owned(),
                        what: $what,
                        words: &[$($word),+],
                    }),
                }
            }
        }

        $crate::text::text_serde!($name);
    };
}
pub(crate) use words;

/// Serde for a type whose JSON is its `Display`, read back by its `FromStr`.
macro_rules! text_serde {
    ($name:ident) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use text_serde;

#[cfg(test)]
mod tests {
    use crate::event::EventType;
    use crate::price::Interval;

    #[test]
    fn every_word_is_read_back() {
        for event in EventType::ALL {
            assert_eq!(event.as_str().parse(), Ok(*event));
            let json = serde_json::to_string(event).unwrap();
            assert_eq!(json, format!("\"{event}\""));
            assert_eq!(serde_json::from_str::<EventType>(&json).unwrap(), *event);
        }
    }

    #[test]
    fn an_unknown_word_is_told_the_known_ones() {
        assert_eq!(
            "monthly".parse::<Interval>().unwrap_err().to_string(),
            "`monthly` is not an interval; use one of `day`, `week`, `month`, `year`"
        );
    }
}
