//! Writes the JSON Schemas of the documents to `policy/schema`:
//! `cargo run -p breakglass-policy --features schema --example schema`

use std::path::Path;
use std::{fs, io};

use breakglass_policy::schema;

fn main() -> io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema");
    for (file, text) in [
        ("policy.schema.json", schema::policy()),
        ("order.schema.json", schema::order()),
        ("warrant.schema.json", schema::warrant()),
    ] {
        fs::write(folder.join(file), text)?;
        println!("wrote policy/schema/{file}");
    }
    Ok(())
}
