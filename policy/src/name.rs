//! Text that a document may contain: checked once, when it is read.

/// Gives a newtype over `Box<str>` its serde, display and schema implementations. The type brings
/// `fn parse(&str) -> Option<Self>`; `$expected` completes the sentence "expected …". What follows
/// it are the keywords of JSON Schema that say as much of the form as they can.
macro_rules! checked_text {
    ($type:ident, $expected:expr $(, $keyword:literal: $value:expr)* $(,)?) => {
        impl $type {
            /// Checks `text`; `None` if it is not of this type's form.
            pub fn new(text: &str) -> Option<Self> {
                Self::parse(text)
            }

            /// The text as it is compared and sent.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl $crate::document::FromTree for $type {
            fn from_tree(
                tree: &$crate::document::Tree,
            ) -> Result<Self, $crate::document::DocumentError> {
                $crate::document::checked(tree, Self::parse, &$expected)
            }
        }

        $crate::document::read_by_serde!($type);

        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": "string",
                    "description": concat!("Expected: ", $expected, "."),
                    $($keyword: $value),*
                })
            }
        }
    };
}

pub(crate) use checked_text;

use crate::limits;

/// The name of a policy, rollout, cluster, key or role.
///
/// Letters, digits, `.`, `_`, `-`; it becomes a metric label and part of a shared-data key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Box<str>);

// === impl Name ===

impl Name {
    fn parse(text: &str) -> Option<Self> {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        let sized = (1..=limits::NAME_BYTES).contains(&text.len());
        (sized && text.bytes().all(legal)).then(|| Self(text.into()))
    }
}

checked_text!(
    Name,
    "a name of 1 to 64 letters, digits, dots, underscores or hyphens",
    "pattern": "^[A-Za-z0-9._-]{1,64}$"
);
