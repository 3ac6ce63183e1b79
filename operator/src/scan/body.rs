//! Bodies: redacted as they stream, exactly as the filter does it.

use std::io::{self, Write};

use anyhow::Result;
use breakglass_redact::{Format, Profile, Redactor, Tally};

use super::{Arguments, Found};
use crate::input;
use crate::output::Output;

pub(super) fn run(
    arguments: &Arguments,
    profile: &Profile,
    format: Format,
    found: &mut Found<'_>,
) -> Result<()> {
    let mut output = Output::new();
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut redacted = Vec::new();
    for source in input::sources(&arguments.files) {
        let mut source = source?;
        let (mut redactor, mut tally) = (Redactor::new(format), Tally::default());
        loop {
            let read = source.next_chunk(&mut chunk)?;
            let taken = chunk.get(..read).unwrap_or_default();
            match taken {
                [] => redactor.finish(profile, &mut redacted, &mut tally),
                taken => redactor.push(profile, taken, &mut redacted, &mut tally),
            }
            output.write(&redacted)?;
            output.flush()?;
            redacted.clear();
            output.advance(read)?;
            if read == 0 {
                break;
            }
        }
        found.add_tally(&tally);
        found.add_file();
    }
    output.finish()?;
    // Standard output has the body, so the summary goes elsewhere.
    match arguments.json {
        true => writeln!(io::stderr(), "{}", found.to_json())?,
        false => found.tell(),
    }
    Ok(())
}

/// Bytes that a proxy hands over at once.
const CHUNK_BYTES: usize = 16 << 10;
