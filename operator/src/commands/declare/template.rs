//! The file that a declaration is written into.

/// Every term with what it asks for; what is optional stands in comments.
pub(super) const TEMPLATE: &str = include_str!("template.toml");
