//! Writes the corpora into a directory, one body after the other with a zero byte behind each, for
//! benchmarks in other languages: `cargo run -p breakglass-bench --example corpus -- DIRECTORY`.

use std::{env, fs, io, path::Path};

use breakglass_bench::corpus::{Corpus, Shape};

fn main() -> io::Result<()> {
    let Some(directory) = env::args_os().nth(1) else {
        return Err(io::Error::other("expected a directory"));
    };
    fs::create_dir_all(&directory)?;
    for shape in Shape::ALL {
        let mut bytes = Vec::new();
        for body in Corpus::new(shape, true).bodies {
            bytes.extend_from_slice(&body);
            bytes.push(0);
        }
        fs::write(Path::new(&directory).join(shape.name()), bytes)?;
    }
    Ok(())
}
