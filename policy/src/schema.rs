//! The JSON Schemas of the documents, generated from the types.
//!
//! A schema helps an editor and catches most mistakes. Some rules it cannot say (a ramp grows, names
//! differ, a percentage has at most four decimal places): what counts is whether the document reads.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};

use crate::order::Order;
use crate::policy::Policy;
use crate::warrant::Warrant;

/// The schema of the policy, as its file holds it.
pub fn policy() -> String {
    text::<Policy>("Breakglass policy", "policy.schema.json")
}

/// The schema of an order, as its file holds it.
pub fn order() -> String {
    text::<Order>("Breakglass order", "order.schema.json")
}

/// The schema of a warrant, as its file holds it.
pub fn warrant() -> String {
    text::<Warrant>("Breakglass warrant", "warrant.schema.json")
}

fn text<T: JsonSchema>(title: &str, file: &str) -> String {
    let settings = SchemaSettings::draft2020_12().for_deserialize();
    let mut schema: Schema = settings.into_generator().into_root_schema_for::<T>();
    schema.insert("title".into(), title.into());
    schema.insert("$id".into(), format!("urn:breakglass:{file}").into());
    // Pretty-printing a schema that was just generated cannot fail; nothing would be the answer.
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}

#[cfg(test)]
mod tests;
