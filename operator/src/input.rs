//! Input: files or standard input, a line or a chunk at a time.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// One input that is being read.
pub(crate) struct Source {
    name: String,
    reader: BufReader<Box<dyn Read>>,
    line: u64,
}

/// The inputs in their order, each opened when its turn comes; no files are standard input.
pub(crate) fn sources(files: &[PathBuf]) -> impl Iterator<Item = Result<Source>> {
    let stdin = files.is_empty().then(Source::stdin);
    let files = files.iter().map(|file| Source::open(file));
    stdin.into_iter().map(Ok).chain(files)
}

/// Reads a whole document, of at most `limit` bytes and one more: enough for its reader to refuse it.
pub(crate) fn document(file: &Path, limit: usize) -> Result<Vec<u8>> {
    let mut source = Source::open(file)?;
    let mut bytes = Vec::new();
    let most = u64::try_from(limit)?.saturating_add(1);
    let read = source.reader.by_ref().take(most).read_to_end(&mut bytes);
    read.with_context(|| format!("cannot read {}", source.name))?;
    Ok(bytes)
}

// === impl Source ===

impl Source {
    fn open(file: &Path) -> Result<Self> {
        if file == Path::new(STDIN) {
            return Ok(Self::stdin());
        }
        let name = file.display().to_string();
        let opened = File::open(file).with_context(|| format!("cannot open {name}"))?;
        Ok(Self::new(name, Box::new(opened)))
    }

    fn stdin() -> Self {
        Self::new(STDIN.into(), Box::new(io::stdin().lock()))
    }

    fn new(name: String, reader: Box<dyn Read>) -> Self {
        let reader = BufReader::with_capacity(BUFFER_BYTES, reader);
        Self {
            name,
            reader,
            line: 0,
        }
    }

    /// The file as it was named; `-` for standard input.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The number of the line that was read last, from 1.
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// Whether the next line may have to be waited for.
    pub(crate) fn is_drained(&self) -> bool {
        !self.reader.buffer().contains(&b'\n')
    }

    /// Reads the next line into `line`, without its end. False where there is none.
    ///
    /// # Errors
    /// What cannot be read, or a line beyond all measure: memory is bounded whatever comes in.
    pub(crate) fn next_line(&mut self, line: &mut Vec<u8>) -> Result<bool> {
        line.clear();
        let most = LINE_BYTES as u64 + 1;
        let read = self.reader.by_ref().take(most).read_until(b'\n', line);
        if read.with_context(|| format!("cannot read {}", self.name))? == 0 {
            return Ok(false);
        }
        self.line += 1;
        if line.pop_if(|byte| *byte == b'\n').is_none() && line.len() > LINE_BYTES {
            bail!(
                "{}:{}: the line is longer than {LINE_BYTES} bytes",
                self.name,
                self.line
            );
        }
        line.pop_if(|byte| *byte == b'\r');
        Ok(true)
    }

    /// Reads what is there into `chunk` and tells how much; 0 at the end.
    pub(crate) fn next_chunk(&mut self, chunk: &mut [u8]) -> Result<usize> {
        loop {
            match self.reader.read(chunk) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => return read.with_context(|| format!("cannot read {}", self.name)),
            }
        }
    }
}

/// What stands for standard input among files.
const STDIN: &str = "-";
/// Bytes that are asked for at once.
const BUFFER_BYTES: usize = 64 << 10;
/// The longest line: longer than any transcript, shorter than what would exhaust a small machine.
const LINE_BYTES: usize = 64 << 20;
